"""Verification of a sweep: the stages of all its jobs are verified as those of one run."""

from pathlib import Path

from pipelines.batch.jobs import LOGS_FOLDER, SETTINGS_FOLDER
from pipelines.batch.summary import SUMMARY_FILES
from pipelines.console.progress import Progress
from pipelines.running.run_directory import is_run
from pipelines.running.verification import Verification, contents_of_run, verify_stages, visible

_OWN = (SETTINGS_FOLDER, LOGS_FOLDER, *SUMMARY_FILES)


def verify_batch(directory: Path, progress: Progress) -> Verification:
    """Read every file of every finished stage of the jobs of a sweep, and compare its hash.

    Settings, logs and the summary have no hashes.

    Parameters
    ----------
    directory : Path
    progress : Progress

    Returns
    -------
    Verification
    """
    stages, problems = contents_of_batch(directory)
    return verify_stages(directory, stages, problems, progress)


def contents_of_batch(directory: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Return the directories of the stages of all jobs, and the paths and kinds of the problems beside them.

    Parameters
    ----------
    directory : Path

    Returns
    -------
    stages : list of Path
    problems : list of (Path, str)
    """
    jobs = {path.name.removesuffix(".toml") for path in (directory / SETTINGS_FOLDER).glob("*.toml")}
    stages: list[Path] = []
    problems: list[tuple[Path, str]] = []
    for path in visible(directory):
        if is_run(path) or (path.name in jobs and path.is_dir() and visible(path)):
            of_job, beside = contents_of_run(path)
            stages += of_job
            problems += beside
        elif path.name not in (*_OWN, *jobs):
            problems.append((path, "foreign"))
    return stages, problems
