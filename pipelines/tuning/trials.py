"""The record of trials: settings, scores and seconds, one line of JSON each."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.tuning.search_space import Value
from vecmill.errors import OutputError
from vecmill.files import atomic_file

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
        return [Trial(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise OutputError(f"{path} is no record of trials ({error}); move it away to begin again") from None


def write_trials(trials: Sequence[Trial], path: Path) -> None:
    """Write a record."""
    with atomic_file(path) as file:
        file.write("".join(json.dumps(asdict(trial)) + "\n" for trial in trials).encode())
