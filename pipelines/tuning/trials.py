"""The record of trials: settings, scores and seconds, one line of JSON each."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.batch.jobs import FAILED, FINISHED
from pipelines.tuning.search_space import Value
from vecmill.arguments import quoted
from vecmill.errors import OutputError
from vecmill.files import atomic_file
from vecmill.records import require_types

PRUNED = "pruned"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training of a search, as it is recorded when it has ended.

    Attributes
    ----------
    number : int
        0 for the settings that were given, with which the search begins.
    status : str
        "finished"; "pruned", given up after the short training; or "failed".
    settings : dict of str to value
        The settings that are searched: ``{"train.window": 7}``.
    score : float or None
        Of the whole training; None unless it finished.
    short_score : float or None
        Of the training with a third of the epochs; None if it failed.
    seconds : float
        What both trainings took.
    reason : str
        Reason of a failure.
    """

    number: int
    status: str
    settings: dict[str, Value]
    score: float | None = None
    short_score: float | None = None
    seconds: float
    reason: str = ""

    @property
    def name(self) -> str:
        """Name of its job."""
        return trial_name(self.number)


def trial_name(number: int) -> str:
    """Return the name of the job of a trial: "trial-007"."""
    return f"trial-{number:03d}"


def best_of(trials: Sequence[Trial], *, minimize: bool) -> Trial | None:
    """Return the finished trial with the best score, the first of equals; None if none is finished."""
    ranked = ranking(trials, minimize=minimize)
    return ranked[0] if ranked else None


def ranking(trials: Sequence[Trial], *, minimize: bool) -> list[Trial]:
    """Return the finished trials, the best first."""
    finished = [(trial.score, trial) for trial in trials if trial.score is not None]
    return [trial for _, trial in sorted(finished, key=lambda entry: entry[0] if minimize else -entry[0])]


def read_trials(path: Path) -> list[Trial]:
    """Read a record; an empty list if there is none.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Trial

    Raises
    ------
    OutputError
        The file is no such record.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
        return [_read_trial(number, line) for number, line in enumerate(lines)]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise OutputError(f"{path} is no record of trials ({error}); move it away to begin again") from None


def _read_trial(number: int, line: str) -> Trial:
    """Return the trial of a line; raise a TypeError or ValueError for what `write_trials` does not write."""
    trial = Trial(**json.loads(line))
    require_types(trial)
    scores = [score for score in (trial.score, trial.short_score, trial.seconds) if score is not None]
    is_whole = (
        trial.number == number
        and trial.status in (FINISHED, PRUNED, FAILED)
        and (trial.status == FINISHED) == (trial.score is not None)
        and all(map(math.isfinite, scores))
        and trial.seconds >= 0
    )
    if not is_whole:
        raise ValueError(f"line {number + 1}: {quoted(line)}")
    return trial


def write_trials(trials: Sequence[Trial], path: Path) -> None:
    """Write a record."""
    with atomic_file(path) as file:
        file.write("".join(json.dumps(asdict(trial)) + "\n" for trial in trials).encode())
