"""Verification of a search of settings: the record of its trials, and the jobs whose vectors it has kept."""

import contextlib
import tomllib
from collections.abc import Callable
from pathlib import Path

from embeddings.evaluation import read_evaluation_set
from pipelines.batch.verification import contents_of_batch
from pipelines.console.progress import Progress
from pipelines.running.verification import Verification, verify_stages, visible
from pipelines.tuning.metric import SETS_FOLDER
from pipelines.tuning.report import TRIALS_PLOT
from pipelines.tuning.trials import read_trials
from pipelines.tuning.tuner import BEST_SETTINGS, JOBS, RECORD, TRIALS
from vecmill.errors import VecmillError
from vecmill.files import read_json

_OWN = (RECORD, TRIALS, BEST_SETTINGS, TRIALS_PLOT, JOBS, SETS_FOLDER)


def is_search(directory: Path) -> bool:
    """Return whether a directory is that of ``vecmill tune``."""
    return (directory / RECORD).is_file() and (directory / JOBS).is_dir()


def verify_search(directory: Path, progress: Progress) -> Verification:
    """Read the record of a search, and compare every file of the jobs that it has kept with its hash.

    Parameters
    ----------
    directory : Path
    progress : Progress

    Returns
    -------
    Verification
    """
    stages, problems = contents_of_batch(directory / JOBS)
    problems += [(path, "foreign") for path in visible(directory) if path.name not in _OWN]
    problems += [(path, "damaged") for path in _read_files(directory) if path.exists() and not _is_readable(path)]
    return verify_stages(directory, stages, problems, progress)


def _read_files(directory: Path) -> list[Path]:
    """Return the files that have no hash but can be read: records, the best settings, halves of an evaluation set."""
    return [*(directory / name for name in (RECORD, TRIALS, BEST_SETTINGS)), *(directory / SETS_FOLDER).glob("*.tsv")]


def _is_readable(path: Path) -> bool:
    read: dict[str, Callable[[Path], object]] = {RECORD: _settings_of, TRIALS: read_trials, BEST_SETTINGS: _toml}
    with contextlib.suppress(OSError, ValueError, VecmillError):
        read.get(path.name, read_evaluation_set)(path)
        return True
    return False


def _settings_of(path: Path) -> None:
    if read_json(path) is None:
        raise ValueError(path)


def _toml(path: Path) -> None:
    tomllib.loads(path.read_text("utf-8"))
