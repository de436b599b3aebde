"""The state of every job of a sweep, read from its directory."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.batch.jobs import LOGS_FOLDER, SETTINGS_FOLDER
from pipelines.run_status import status_of
from pipelines.running.directory_lock import DirectoryLock
from pipelines.running.run_directory import is_run
from vecmill.errors import VecmillError

_ORDER = ("running", "damaged", "stale", "unfinished", "never run")
"""States of a stage that are the state of its job, the first that occurs; a job without them is finished."""


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """A row of `vecmill status` for a sweep.

    Attributes
    ----------
    job : str
        Its name.
    state : str
        "finished", "running", "stale", "damaged", "unfinished" or "never run".
    detail : str
        The stage that decides the state, and its progress or the reason.
    wall_seconds : float
        Time that its finished stages took, shared ones included.
    """

    job: str
    state: str
    detail: str = ""
    wall_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class BatchStatus:
    """The output of `vecmill status` for a sweep.

    Attributes
    ----------
    directory : str
    writer : str or None
        Description of the process that runs the sweep now, or None.
    jobs : sequence of JobStatus
    """

    directory: str
    writer: str | None
    jobs: Sequence[JobStatus]

    def to_dict(self) -> dict[str, Any]:
        """Return the status as JSON values."""
        return asdict(self)


def is_batch(directory: Path) -> bool:
    """Return whether a directory is that of a sweep."""
    return all((directory / folder).is_dir() for folder in (SETTINGS_FOLDER, LOGS_FOLDER)) and not is_run(directory)


def batch_status(directory: Path) -> BatchStatus:
    """Return the status of a sweep.

    Parameters
    ----------
    directory : Path

    Returns
    -------
    BatchStatus
        Its jobs in the order of their names.
    """
    names = sorted(path.name.removesuffix(".toml") for path in (directory / SETTINGS_FOLDER).glob("*.toml"))
    writer = DirectoryLock(directory, directory).holder()
    return BatchStatus(directory=str(directory), writer=writer, jobs=[_job(directory / name) for name in names])


def _job(directory: Path) -> JobStatus:
    if not is_run(directory):
        return JobStatus(job=directory.name, state="never run")
    try:
        status = status_of(directory)
    except VecmillError as error:
        return JobStatus(job=directory.name, state="damaged", detail=str(error))
    seconds = sum(stage.wall_seconds or 0.0 for stage in status.stages)
    for state in _ORDER:
        for stage in status.stages:
            if stage.state == state:
                shown = "unfinished" if state == "never run" else state
                detail = ", ".join(filter(None, [stage.stage, stage.detail]))
                return JobStatus(job=directory.name, state=shown, detail=detail, wall_seconds=seconds)
    return JobStatus(job=directory.name, state="finished", detail=status.note, wall_seconds=seconds)
