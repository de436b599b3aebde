"""The search itself: settings are proposed, trained small, then in full, and recorded, until the budget is used."""

import itertools
import json
import logging
import math
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.batch.config import Batch, BatchSettings, Job
from pipelines.batch.jobs import FAILED, FINISHED, BatchRunner, JobState, plan_batch
from pipelines.console.progress import Progress, Update, duration
from pipelines.running.directory_lock import DirectoryLock
from pipelines.running.manifest import Manifest, ManifestError
from pipelines.running.stage import NOT_FETCHED
from pipelines.settings.config import Setting, differences, with_tokenizer_of_start
from pipelines.settings.run_config import build_run_config
from pipelines.stage_lists import run_stages
from pipelines.stages.tokenize import TokenizeStage
from pipelines.tuning.metric import Metric, NoScoreError
from pipelines.tuning.proposals import Proposals
from pipelines.tuning.search_space import SearchSpace, Value, as_json
from pipelines.tuning.trials import PRUNED, Trial, best_of, read_trials, trial_name, write_trials
from vecmill.errors import OutputError, VecmillError
from vecmill.files import make_directory, read_json, remove_empty, write_json, writing

RECORD, TRIALS, BEST_SETTINGS = "tuning.json", "trials.jsonl", "best.toml"
JOBS = "trials"
SHORT = "short"
_TOKENS, _WORDS = 5_000_000, 50_000  # of a middle-sized text
_SHORT_SHARE = 3  # the short training has a third of the epochs
_MOST_FAILURES = 3  # one after the other: then the fault is not in the settings that are tried
_WITHOUT_EFFECT = ("train.threads",)


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched for.

    Attributes
    ----------
    given : mapping of str to Setting
        Settings of all trials that are not defaults.
    space : SearchSpace
    metric : Metric
    seed : int
        Of the order of the trials.
    """

    given: Mapping[str, Setting]
    space: SearchSpace
    metric: Metric
    seed: int

    def given_values(self) -> dict[str, Value]:
        """Return the values that the searched settings have without the search.

        Defaults that depend on the text are those of a middle-sized one: the search begins before the text is read.
        """
        train = build_run_config(self.given).embedding.train
        train = replace(train, epochs=train.epochs_for(_TOKENS), sample=train.sample_for(_WORDS))
        return {name: getattr(train, name.partition(".")[2]) for name in self.space}

    def job(self, name: str, settings: Mapping[str, Value], data: Sequence[str] = ()) -> Job:
        """Return the job that trains with some values of the searched settings.

        Parameters
        ----------
        name : str
        settings : mapping of str to value
        data : sequence of str
            Evaluation sets.

        Returns
        -------
        Job

        Raises
        ------
        ConfigError
            A value is out of range.
        """
        given = {**self.given, **{key: Setting(value, name) for key, value in settings.items()}}
        if data:
            given["evaluate.data"] = Setting(list(data), name)
        return Job(name=name, varied=settings, given=given, config=build_run_config(with_tokenizer_of_start(given)))

    def to_dict(self) -> dict[str, object]:
        """Return what identifies the search."""
        return {
            "metric": self.metric.to_dict(),
            "seed": self.seed,
            "search": as_json(self.space),
            "given": {name: value for name, (value, _) in self.given.items() if name not in _WITHOUT_EFFECT},
        }


class TrialFailedError(VecmillError):
    """The training of a trial failed; the message is its reason."""


class TrialStoppedError(VecmillError):
    """The system failed a trial, not its settings: a full disk, a process that was killed; the message says which."""


class Tuner:
    """Runs a search in a directory, where it can be stopped and goes on.

    Parameters
    ----------
    search : Search
    directory : Path
        Receives ``trials.jsonl``, ``tuning.json``, the halves of the evaluation set, and in ``trials/`` a batch whose
        jobs are the trials. The vectors of the first and of the best trial are kept.

    Raises
    ------
    ConfigError, CorpusError
        The settings or the text are at fault.
    MissingExtraError
        Optuna is not installed.
    OutputError
        The directory holds something else, or a search for something else.
    """

    def __init__(self, search: Search, directory: Path) -> None:
        self.search, self.directory, self._jobs = search, directory, directory / JOBS
        self._data = search.metric.data(directory)
        self._first = search.job(trial_name(0), search.given_values(), self._data)
        self._plan(self._first)  # finds out now what the first stage would find out
        self._proposals = Proposals(search.space, minimize=search.metric.minimize, seed=search.seed)
        self._require_own_directory()
        self.trials = read_trials(directory / TRIALS)
        if self.trials:
            self._require_same_search()

    @property
    def seconds(self) -> float:
        """Time that all trials took."""
        return sum(trial.seconds for trial in self.trials)

    @property
    def best(self) -> Trial | None:
        """The best trial so far."""
        return best_of(self.trials, minimize=self.search.metric.minimize)

    def directory_of(self, trial: Trial) -> Path:
        """Return the directory of the job of a trial."""
        return self._jobs / trial.name

    def run(self, budget: float, most: int | None, progress: Progress) -> int:
        """Try settings until the budget is used; the trial that runs then is finished.

        Parameters
        ----------
        budget : float
            Seconds of all trials, earlier ones included.
        most : int or None
            Number of trials, earlier ones included, after which the search ends too.
        progress : Progress

        Returns
        -------
        int
            Number of trials that were made now.

        Raises
        ------
        TrialFailedError
            The first trial failed, or several in a row.
        TrialStoppedError
            The system failed a trial, which is not recorded.
        OutputError
            The directory cannot be written, or another process writes it.
        """
        before = len(self.trials)
        with self._held(), progress.task("tuning", math.ceil(budget)) as update:
            self.search.metric.write(self.directory)
            self._remove_vectors()  # a process that was killed while it did leaves the rest
            while self.seconds < budget and (most is None or len(self.trials) < most):
                self._record(self._try(_SearchProgress(self, update, budget, most)))
        return len(self.trials) - before

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the directory while the context lasts; nothing is left of a search that could not begin."""
        with writing(self.directory):
            created = make_directory(self.directory)
        lock = DirectoryLock(self.directory, self.directory)
        lock.acquire()
        try:
            lock.record_owner()
            write_json(self.directory / RECORD, self.search.to_dict())
            yield
        finally:
            lock.clear_owner()
            if created and not self.trials and not any(self._jobs.glob(f"*/{TokenizeStage.name}")):
                shutil.rmtree(self.directory, ignore_errors=True)
            lock.release()
            remove_empty(created)

    def _require_own_directory(self) -> None:
        if self.directory.exists() and not self.directory.is_dir():
            raise OutputError(f"{self.directory} is a file; expected a directory to write")
        if self.directory.is_symlink() and not self.directory.exists():
            raise OutputError(f"{self.directory} is a link to nothing; remove it or choose another --out")
        others = [path.name for path in self.directory.glob("*") if not path.name.startswith(".")]
        if others and not (self.directory / RECORD).exists():
            raise OutputError(f"{self.directory} contains {min(others)} and no search; choose another --out")

    def _require_same_search(self) -> None:
        """Raise an `OutputError` if the trials so far cannot be compared with those to come."""
        changed = differences(read_json(self.directory / RECORD) or {}, _as_read(self.search.to_dict()))
        if self._text_has_changed():
            changed.append("the text has changed")
        if not changed and any(trial.settings.keys() != self.search.space.keys() for trial in self.trials):
            changed.append(f"{TRIALS} has other settings")
        if changed:
            raise OutputError(
                f"{self.directory} holds the trials of another search ({'; '.join(changed)}); choose another --out, or "
                "restore the settings to go on"
            )

    def _text_has_changed(self) -> bool:
        fetch = run_stages(self._first.config)[0]
        try:
            before = Manifest.read(self._jobs / self._first.name / fetch.name).provenance.inputs.get("corpus")
        except ManifestError:
            return False
        return before is not None and fetch.sources().get("corpus") not in (None, NOT_FETCHED, before)

    def _try(self, progress: Progress) -> Trial:
        """Train the next settings with a third of the epochs; then, if that was promising, with all."""
        number = len(self.trials)
        settings = dict(self._first.varied) if not number else self._proposals.propose(self.trials)
        trial, begun = Trial(number=number, status=FAILED, settings=settings, seconds=0), time.monotonic()
        try:
            ended = self._trained(trial, progress)
        except (TrialFailedError, NoScoreError) as error:
            if not number or self._failures() + 1 >= _MOST_FAILURES:
                raise TrialFailedError(f"{trial.name} failed: {error}") from error
            ended = replace(trial, reason=str(error))
        return replace(ended, seconds=round(time.monotonic() - begun, 2))

    def _trained(self, trial: Trial, progress: Progress) -> Trial:
        """Return a trial with its status and its scores."""
        full = self.search.job(trial.name, trial.settings, self._data)
        epochs = full.config.embedding.train.epochs_for(_TOKENS)
        if epochs == 1:
            score = self._score(full, self._first, progress)
            return replace(trial, status=FINISHED, short_score=score, score=score)
        fewer = {**trial.settings, "train.epochs": math.ceil(epochs / _SHORT_SHARE)}
        short = self.search.job(f"{trial.name}-{SHORT}", fewer, self._data)
        short_score = self._score(short, self._first, progress)
        if self._proposals.is_hopeless(self.trials, short_score):
            return replace(trial, status=PRUNED, short_score=short_score)
        score = self._score(full, self._first if trial.number else short, progress)
        return replace(trial, status=FINISHED, short_score=short_score, score=score)

    def _score(self, job: Job, donor: Job, progress: Progress) -> float:
        """Run a job, which gets finished stages from another one, and return its score."""
        lent, state = self._plan(donor, job)
        BatchRunner(self._jobs, [state], 1, lenders=[lent], failure_level=logging.WARNING).run(progress)
        if state.transient:
            raise TrialStoppedError(f"{job.name} was stopped, and the same command tries it again: {state.reason}")
        if state.status != FINISHED:
            raise TrialFailedError(state.reason)
        return self.search.metric.score(state.directory)

    def _plan(self, *jobs: Job) -> list[JobState]:
        return plan_batch(Batch(settings=BatchSettings(), jobs=list(jobs)), self._jobs)

    def _failures(self) -> int:
        """Return the number of failures since the last trial that did not fail."""
        return len(list(itertools.takewhile(lambda trial: trial.status == FAILED, reversed(self.trials))))

    def _record(self, trial: Trial) -> None:
        """Record a trial and remove the vectors that are no longer the best."""
        self.trials.append(trial)
        write_trials(self.trials, self.directory / TRIALS)
        self._remove_vectors()

    def _remove_vectors(self) -> None:
        """Remove the vectors of recorded trials except those of the first and the best."""
        best = self.best
        kept = {self._first.name, best.name if best else ""}
        for name in (name for each in self.trials for name in (each.name, f"{each.name}-{SHORT}")):
            if name not in kept and (self._jobs / name).exists():
                with writing(self._jobs / name):
                    shutil.rmtree(self._jobs / name)


class _SearchProgress:
    """Shows what is used of the time that the search will take, while a job runs."""

    def __init__(self, tuner: Tuner, update: Update, budget: float, most: int | None) -> None:
        self._tuner, self._update = tuner, update
        self._begun = time.monotonic()
        tried = len(tuner.trials)
        as_before = tuner.seconds / tried * most if tried and most else budget
        self._total = min(budget, as_before)

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Update]:
        """Show the number of the trial and the best score while the context lasts."""
        best = self._tuner.best
        trial = f"trial {len(self._tuner.trials)}"
        shown = trial if best is None else f"{trial}, best so far {best.score:.4g}"

        def update(done: int, note: str = "", seconds_left: float | None = None, total: int | None = None) -> None:
            used = self._tuner.seconds + time.monotonic() - self._begun
            whole = max(1, int(self._total))
            self._update(min(int(used), whole), shown, max(self._total - used, 0.0), whole)

        yield update


def _as_read(value: Mapping[str, object]) -> dict[str, object]:
    """Return a value as it is read from JSON."""
    read: dict[str, object] = json.loads(json.dumps(value))
    return read


def settings_file(search: Search, trial: Trial, total: int, seconds: float) -> str:
    """Return the settings of a trial as TOML, for ``--config`` and for ``vecmill run``.

    Parameters
    ----------
    search : Search
    trial : Trial
    total : int
        Number of trials among which it is the best.
    seconds : float
        Time that they took.

    Returns
    -------
    str
    """
    head = (
        f"# The best of {total} trials in {duration(seconds)}: {trial.name}, {search.metric.shown} {trial.score:.4g}\n"
    )
    return head + search.job(trial.name, trial.settings).to_toml()
