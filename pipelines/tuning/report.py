"""The result of a search: its best settings as TOML, a table of the trials, and a plot."""

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pipelines.batch.jobs import FAILED
from pipelines.console.progress import duration
from pipelines.console.streams import program, results, shell
from pipelines.console.tables import print_columns
from pipelines.tuning.metric import TEST
from pipelines.tuning.search_space import Range, Value
from pipelines.tuning.trials import PRUNED, Trial, ranking
from pipelines.tuning.tuner import BEST_SETTINGS, TRIALS, Search, Tuner, settings_file
from vecmill.files import atomic_file
from vecmill.plurals import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

logger = logging.getLogger(__name__)

TRIALS_PLOT = "trials.png"
_SHOWN = 10  # trials in the table that is printed
_COLUMNS = 4  # of panels in the plot


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of a search.

    Attributes
    ----------
    search : Search
    directory : Path
    trials : sequence of Trial
        All trials, in the order in which they were made.
    ranked : sequence of Trial
        The finished ones, the best first.
    test_scores : sequence of float or None
        Scores of the best and of the first trial on the other half of the evaluation set; empty without a set.
    """

    search: Search
    directory: Path
    trials: Sequence[Trial]
    ranked: Sequence[Trial]
    test_scores: Sequence[float | None]

    @classmethod
    def of(cls, tuner: Tuner) -> Self:
        """Return the report on a search, with the scores on the half of the set that no trial has seen."""
        ranked = ranking(tuner.trials, minimize=tuner.search.metric.minimize)
        return cls(
            search=tuner.search,
            directory=tuner.directory,
            trials=tuner.trials,
            ranked=ranked,
            test_scores=[_test_score(tuner, trial) for trial in (ranked[0], tuner.trials[0])],
        )

    @property
    def best(self) -> Trial:
        """The best trial."""
        return self.ranked[0]

    @property
    def seconds(self) -> float:
        """Time of all trials."""
        return sum(trial.seconds for trial in self.trials)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        test = dict(zip(("best", "given"), self.test_scores, strict=True)) if self._has_set else None
        return {
            "out": str(self.directory),
            "metric": self.search.metric.name,
            "best": asdict(self.best),
            "given": asdict(self.trials[0]),
            "test": test,
            "trials": [asdict(trial) for trial in self.trials],
        }

    def write(self) -> None:
        """Write ``best.toml`` and ``trials.png``."""
        with atomic_file(self.directory / BEST_SETTINGS) as file:
            file.write(settings_file(self.search, self.best, len(self.trials), self.seconds).encode())
        if importlib.util.find_spec("matplotlib") is None:
            logger.warning("no plot: matplotlib is not installed (pip install 'vecmill[plot]')")
        else:
            self._draw(self.directory / TRIALS_PLOT)

    def print(self, made: int) -> None:
        """Print the best trials and that of the given settings, and what to do next.

        Parameters
        ----------
        made : int
            Number of trials that were made now.
        """
        if not made:
            results.print("no new trial: the budget is used; give a larger --budget or number of --trials to go on")
        keys = list(self.search.space)
        shown = self.ranked[:_SHOWN]
        if self.trials[0] not in shown:
            shown = [*shown, self.trials[0]]
        rows = [[_name(trial), _number(trial.score), f"{trial.seconds:.0f}", *_cells(trial, keys)] for trial in shown]
        head = ["trial", self.search.metric.shown, "seconds", *(key.partition(".")[2] for key in keys)]
        print_columns([head, *rows], left=1)
        pruned = sum(trial.status == PRUNED for trial in self.trials)
        failed = sum(trial.status == FAILED for trial in self.trials)
        results.print(
            f"{counted(len(self.trials), 'trial')} in {duration(self.seconds)}: {len(self.ranked)} finished, "
            f"{pruned} given up after a third of their epochs, {failed} failed; all are in {self.directory / TRIALS}"
        )
        if self._has_set:
            tested = "best {}, given {}".format(*map(_number, self.test_scores))
            results.print(f"On the other half of {self.search.metric.name}, which no trial has seen: {tested}")
        for key in self._at_an_end():
            results.print(f"The best value of {key} is at an end of its range; --search {key}=LOW..HIGH widens it")
        corpus = self.search.job("", {}).config.embedding.corpus.sources
        results.print(
            f"Next: {program()} train-embeddings {shell(*corpus)} --config {shell(self.directory / BEST_SETTINGS)} "
            "--out DIR"
        )

    def _at_an_end(self) -> list[str]:
        """Return the settings whose best value is the lowest or the highest that was searched."""
        ends = {key: values.ends for key, values in self.search.space.items() if isinstance(values, Range)}
        return [key.partition(".")[2] for key in ends if self.best.settings[key] in ends[key]]

    @property
    def _has_set(self) -> bool:
        return self.search.metric.source is not None

    def _draw(self, path: Path) -> None:
        """Draw the score of every trial over time, and over each setting."""
        from embeddings.vectors.training_plot import new_figure, plot_style

        panels = 1 + len(self.search.space)
        columns = min(panels, _COLUMNS)
        rows = -(-panels // columns)
        with plot_style():
            picture = new_figure((3.9 * columns + 0.4, 3.4 * rows + 0.8), f"{self.search.metric.shown} by trial")
            axes = picture.subplots(rows, columns, squeeze=False).ravel()
            self._draw_course(axes[0])
            for panel, (key, values) in zip(axes[1:], self.search.space.items(), strict=False):
                self._draw_setting(panel, key, isinstance(values, Range) and values.logarithmic)
            for panel in axes[panels:]:
                panel.set_visible(False)
            with atomic_file(path) as file:
                picture.savefig(file, format="png", dpi=160)

    def _draw_course(self, axes: "Axes") -> None:
        """Draw the scores over the time of the search, and the best one so far."""
        from embeddings.vectors.training_plot import SOFT, TRAINED

        ends = np.cumsum([trial.seconds for trial in self.trials]) / 60
        finished = [(end, trial.score) for end, trial in zip(ends, self.trials, strict=True) if trial.score is not None]
        times, scores = (np.array(column) for column in zip(*finished, strict=True))
        best = (np.minimum if self.search.metric.minimize else np.maximum).accumulate(scores)
        axes.step(times, best, where="post", color=TRAINED, linewidth=1.8)
        axes.plot(times, scores, "o", color=SOFT, markersize=4.5)
        axes.set(title="best so far", xlabel="minutes", ylabel=self.search.metric.shown)

    def _draw_setting(self, axes: "Axes", key: str, logarithmic: bool) -> None:
        """Draw the scores of finished trials over the values of a setting; the best and the given one are marked."""
        from matplotlib.ticker import LogLocator

        from embeddings.vectors.training_plot import HELD_OUT, INK, SOFT

        def draw(trials: Sequence[Trial], mark: str, **style: Any) -> None:
            scores = np.array([trial.score for trial in trials], float)
            axes.plot([trial.settings[key] for trial in trials], scores, mark, **style)

        draw(self.ranked, "o", color=SOFT, markersize=4.5)
        draw([self.best], "o", color=HELD_OUT, markersize=7)
        draw(self.trials[:1], "s", color=INK, markersize=5.5, fillstyle="none")
        if logarithmic:
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.minorticks_off()
        axes.set(title=key.partition(".")[2].replace("_", " "))


def _test_score(tuner: Tuner, trial: Trial) -> float | None:
    """Return the score of a trial on the half of the set that none was compared on; None without a set."""
    metric = tuner.search.metric
    if metric.source is None:
        return None
    from embeddings import WordVectors
    from embeddings.evaluation import evaluate

    vectors = WordVectors.load(tuner.directory_of(trial) / "train-embeddings")
    scores = evaluate(vectors, {metric.name: metric.file(TEST, tuner.directory)})
    score = float(scores["score"].iloc[-1])
    return None if np.isnan(score) else score


def _name(trial: Trial) -> str:
    return trial.name if trial.number else f"{trial.name} (given)"


def _cells(trial: Trial, keys: Sequence[str]) -> list[str]:
    return [_cell(trial.settings[key]) for key in keys]


def _cell(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _number(score: float | None) -> str:
    return "" if score is None else f"{score:.4f}"
