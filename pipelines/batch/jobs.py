"""Runs a sweep: jobs run in parallel, stages that several jobs share run once, and failures stop no other job."""

import contextlib
import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess  # nosec B404
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.backends.backend import Backend, JobProcess
from pipelines.backends.local import LOCAL
from pipelines.batch.config import Batch, Job
from pipelines.console.interruption import raise_if_interrupted
from pipelines.console.progress import Progress, duration
from pipelines.console.streams import as_argument
from pipelines.running.directory_lock import DirectoryLock
from pipelines.running.hash_cache import HASHES_FILE, HashCache
from pipelines.running.manifest import Manifest, ManifestError
from pipelines.running.run_directory import RunDirectory
from pipelines.stage_lists import run_stages
from vecmill.errors import OutputError, unwritable
from vecmill.files import atomic_directory, atomic_file, writing

logger = logging.getLogger(__name__)

SETTINGS_FOLDER, LOGS_FOLDER = "settings", "logs"
FINISHED, FAILED, STOPPED = "finished", "failed", "stopped"
_POLL = 0.1  # seconds between two looks at the processes
_PATIENCE = 120.0  # seconds in which a job can write a checkpoint after SIGTERM
_ORPHANED = 30.0  # seconds in which a job whose sweep was killed ends
_PROGRAM = ["-P", "-m", "vecmill", "--log-format", "json"]


@dataclass(kw_only=True)
class JobState:
    """A job and its state.

    Attributes
    ----------
    recipes : dict of str to str
        By stage, in order: a hash of its settings and all of its inputs.
    status : str
        Empty until the job has ended; then "finished", "failed" or "stopped".
    reason : str
        Reason of a failure, in one line.
    transient : bool
        Whether the system failed the job, not its settings: another time it may succeed.
    """

    job: Job
    directory: Path
    recipes: dict[str, str]
    status: str = ""
    reason: str = ""
    transient: bool = False


@dataclass(kw_only=True)
class _Running:
    state: JobState
    until: str | None
    slot: int
    process: JobProcess
    log_before: int  # bytes of the log of the job, which earlier processes wrote
    started: float = field(default_factory=time.monotonic)


def plan_batch(batch: Batch, directory: Path) -> list[JobState]:
    """Return the jobs and the recipes of their stages; reads the text, writes nothing.

    Parameters
    ----------
    batch : Batch
    directory : Path

    Returns
    -------
    list of JobState

    Raises
    ------
    ConfigError, CorpusError, EmbeddingsError
        The settings or the text would fail before the first stage of a run.
    """
    hashes = HashCache(directory / HASHES_FILE if directory.exists() else None)
    states = []
    for job in batch.jobs:
        recipes: dict[str, str] = {}
        for stage in run_stages(job.config, hashes):
            inputs = [recipes[name] for name in stage.inputs]
            made_from = [stage.name, dict(stage.settings), dict(stage.sources()), inputs]
            recipes[stage.name] = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
        states.append(JobState(job=job, directory=directory / job.name, recipes=recipes))
    return states


class BatchRunner:
    """Runs the jobs of a sweep, each as `vecmill run` in a process of its own.

    If several jobs have a stage with the same recipe, the first of them runs until that stage and then queues again;
    the others wait, and receive the directory of the stage as hard links.

    Parameters
    ----------
    directory : Path
        Parent of the directories of the jobs, of ``settings/JOB.toml`` and of ``logs/JOB.jsonl``.
    states : sequence of JobState
        The result of `plan_batch`.
    slots : int
        Number of jobs that run in parallel.
    backend : Backend
        Where the jobs run.
    lenders : sequence of JobState
        Jobs that ran before, whose finished stages these jobs receive too.
    failure_level : int
        Level at which the failure of a job is logged.
    """

    def __init__(
        self,
        directory: Path,
        states: Sequence[JobState],
        slots: int,
        backend: Backend = LOCAL,
        lenders: Sequence[JobState] = (),
        failure_level: int = logging.ERROR,
    ) -> None:
        self._directory, self._failure_level = directory, failure_level
        self._waiting = list(states)
        self._slots = list(range(slots))
        self._running: list[_Running] = []
        made = {recipe: lent.directory / stage for lent in lenders for stage, recipe in lent.recipes.items()}
        self._made = {recipe: stage for recipe, stage in made.items() if stage.exists()}
        times = Counter(recipe for state in states for recipe in set(state.recipes.values()))
        self._shared = {recipe for recipe, number in times.items() if number > 1}
        self._backend, self._all_slots = backend, slots

    def run(self, progress: Progress) -> None:
        """Run all jobs and record the outcome in their states.

        Parameters
        ----------
        progress : Progress

        Raises
        ------
        OutputError
            The directory cannot be written, or another sweep is running in it.
        """
        try:
            for folder in (SETTINGS_FOLDER, LOGS_FOLDER):
                (self._directory / folder).mkdir(parents=True, exist_ok=True)
            with contextlib.ExitStack() as stack:
                lock = DirectoryLock(self._directory, self._directory)
                lock.acquire()
                stack.callback(lock.release)
                lock.record_owner()
                stack.callback(lock.clear_owner)
                self._backend.begin(self._directory)
                for state in self._waiting:
                    with atomic_file(self._settings(state)) as file:
                        file.write(state.job.to_toml().encode())
                self._run_all(progress)
        except OSError as error:
            raise unwritable(error.filename or self._directory, error) from error

    def _run_all(self, progress: Progress) -> None:
        total = len(self._waiting)
        try:
            with progress.task("running jobs", total) as update:
                while self._waiting or self._running:
                    raise_if_interrupted()
                    self._start_what_can()
                    time.sleep(_POLL)
                    self._collect()
                    left = len({id(state) for state in self._waiting} | {id(entry.state) for entry in self._running})
                    update(total - left, ", ".join(entry.state.job.name for entry in self._running))
        finally:
            self._stop()

    def _start_what_can(self) -> None:
        for state in list(self._waiting):
            if not self._slots:
                return
            being_made = {recipe for entry in self._running for recipe in self._to_share(entry.state, entry.until)}
            needed = self._shared.intersection(state.recipes.values()) - self._made.keys()
            if needed & being_made:
                continue
            self._waiting.remove(state)
            try:
                self._begin(state, self._last_to_share(state, needed))
            except (OSError, OutputError) as error:
                self._end(state, FAILED, str(error), transient=True)

    def _last_to_share(self, state: JobState, needed: set[str]) -> str | None:
        """Return the last stage of the job that a waiting job needs, or None."""
        wanted = {recipe for other in self._waiting for recipe in other.recipes.values()} & needed
        stages = [stage for stage, recipe in state.recipes.items() if recipe in wanted]
        return stages[-1] if stages else None

    def _to_share(self, state: JobState, until: str | None) -> dict[str, str]:
        """Return ``{recipe: stage}`` of the stages that a job runs and other jobs need."""
        stages = list(state.recipes)
        upto = stages[: stages.index(until) + 1] if until else stages
        return {state.recipes[stage]: stage for stage in upto if state.recipes[stage] in self._shared}

    def _begin(self, state: JobState, until: str | None) -> None:
        """Link the stages that other jobs have finished, and start the process."""
        with RunDirectory(state.directory, _ORPHANED) as directory:
            directory.begin(state.job.config.to_dict())
            for stage, recipe in state.recipes.items():
                if recipe in self._made and self._made[recipe].parent != state.directory:
                    link_stage(self._made[recipe], state.directory / stage)
        settings = self._settings(state)
        with atomic_file(settings) as file:
            file.write(state.job.to_toml().encode())
        command = [*_PROGRAM, "run", as_argument(settings), "--out", str(state.directory)]
        command += ["--until", until] if until else []
        log = self._log(state)
        log_before = log.stat().st_size if log.exists() else 0
        slot = self._slots.pop(0)
        try:
            process = self._backend.start_job(command, log, slot, self._all_slots)
        except BaseException:
            self._slots.append(slot)
            raise
        running = _Running(state=state, until=until, slot=slot, process=process, log_before=log_before)
        self._running.append(running)
        logger.info("%s: started%s", state.job.name, f" (until {until}, which other jobs need)" if until else "")

    def _collect(self) -> None:
        for entry in [entry for entry in self._running if entry.process.poll() is not None]:
            self._running.remove(entry)
            self._slots.append(entry.slot)
            state, code = entry.state, entry.process.poll()
            if code:
                self._end(state, FAILED, *self._failure(entry, code))
                continue
            for recipe, stage in self._to_share(state, entry.until).items():
                self._made.setdefault(recipe, state.directory / stage)
            if entry.until:
                self._waiting.insert(0, state)
            else:
                self._end(state, FINISHED, f"in {duration(time.monotonic() - entry.started)}")

    def _end(self, state: JobState, status: str, reason: str, transient: bool = False) -> None:
        state.status, state.reason, state.transient = status, "" if status == FINISHED else reason, transient
        level = logging.INFO if status == FINISHED else self._failure_level
        logger.log(level, "%s: %s: %s", state.job.name, status, reason)

    def _settings(self, state: JobState) -> Path:
        return self._directory / SETTINGS_FOLDER / f"{state.job.name}.toml"

    def _log(self, state: JobState) -> Path:
        return self._directory / LOGS_FOLDER / f"{state.job.name}.jsonl"

    def _failure(self, entry: _Running, code: int) -> tuple[str, bool]:
        """Return the last error that a process logged and whether it is transient.

        A process that logged none was killed, or had no room for its log.
        """
        path = self._log(entry.state)
        with path.open("rb") as log:
            log.seek(entry.log_before)
            lines = log.read().decode("utf-8", "replace").splitlines()
        for line in reversed(lines):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                record = json.loads(line)
                if record["level"] == "ERROR":
                    return str(record["message"]), bool(record.get("transient"))
        ended = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        return f"{ended}; see {path}", True

    def _stop(self) -> None:
        """Stop all processes, which write checkpoints."""
        for entry in self._running:
            entry.process.send_signal(signal.SIGTERM)
            entry.state.status = STOPPED
        deadline = time.monotonic() + _PATIENCE
        for entry in self._running:
            try:
                entry.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                entry.process.kill()
                entry.process.wait()


def link_stage(finished: Path, target: Path) -> None:
    """Put a finished stage into another run as hard links, or as copies on file systems without links.

    A stage that the other run already has is kept if it has the same fingerprint.
    """
    with contextlib.suppress(ManifestError):
        if Manifest.read(target).provenance.fingerprint == Manifest.read(finished).provenance.fingerprint:
            return
    with atomic_directory(target, replace=True) as partial, writing(target):
        shutil.copytree(finished, partial, copy_function=_link, dirs_exist_ok=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)
