"""The state of every trial of a search, read from its directory."""

from pathlib import Path

from pipelines.batch.jobs import FINISHED
from pipelines.batch.status import BatchStatus, JobStatus, batch_status
from pipelines.running.directory_lock import DirectoryLock
from pipelines.tuning.trials import PRUNED, Trial, read_trials
from pipelines.tuning.tuner import JOBS, SHORT, TRIALS


def search_status(directory: Path) -> BatchStatus:
    """Return the status of a search.

    Parameters
    ----------
    directory : Path

    Returns
    -------
    BatchStatus
        The recorded trials in their order, then the jobs of one that runs or was stopped.

    Raises
    ------
    OutputError
        The record of the trials is damaged.
    """
    ended = [_trial(trial) for trial in read_trials(directory / TRIALS)]
    names = {job.job for job in ended}
    others = [job for job in batch_status(directory / JOBS).jobs if job.job.removesuffix(f"-{SHORT}") not in names]
    writer = DirectoryLock(directory, directory).holder()
    return BatchStatus(directory=str(directory), writer=writer, jobs=[*ended, *others])


def _trial(trial: Trial) -> JobStatus:
    detail = trial.reason
    if trial.status == FINISHED:
        detail = f"score {trial.score:.5g}"
    elif trial.status == PRUNED:
        detail = f"score {trial.short_score:.5g} after a third of its epochs"
    return JobStatus(job=trial.name, state=trial.status, detail=detail, wall_seconds=trial.seconds)
