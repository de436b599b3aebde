"""Runs a sweep: jobs side by side, stages that several of them need made once, a failure no reason to stop."""

import contextlib
import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess  # nosec B404
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.batch.config import Batch, Job
from pipelines.console.interruption import raise_if_interrupted
from pipelines.console.progress import Progress, duration
from pipelines.running.directory_lock import DirectoryLock
from pipelines.running.known_hashes import HASHES_FILE, KnownHashes
from pipelines.running.manifest import Manifest, ManifestError
from pipelines.running.run_directory import RunDirectory
from pipelines.stage_lists import run_stages
from vecmill.errors import OutputError
from vecmill.files import atomic_directory, writing

logger = logging.getLogger(__name__)

FINISHED, FAILED, STOPPED = "finished", "failed", "stopped"
_POLL = 0.1  # seconds
_PATIENCE = 120.0  # seconds that a job has to write a checkpoint when it is told to stop
_PROGRAM = [sys.executable, "-P", "-c", "from pipelines.cli import main; main()", "--log-format", "json"]


@dataclass(kw_only=True)
class JobState:
    """A job and how it stands.

    Attributes
    ----------
    recipes
        By stage, in order: a hash of its settings and of all that it is made from.
    status
        "" until it has ended; then "finished", "failed" or "stopped".
    reason
        Why it failed, in one line.
    """

    job: Job
    directory: Path
    recipes: dict[str, str]
    status: str = ""
    reason: str = ""


@dataclass(kw_only=True)
class _Running:
    state: JobState
    until: str | None
    slot: int
    process: subprocess.Popen
    started: float = field(default_factory=time.monotonic)


def plan_batch(batch: Batch, directory: Path) -> list[JobState]:
    """Return the jobs and the recipes of their stages; reads the text, makes nothing.

    Raises
    ------
    ConfigError, CorpusError, EmbeddingsError
        As a run does before its first stage.
    """
    hashes = KnownHashes(directory / HASHES_FILE if directory.exists() else None)
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
    """Runs the jobs of a sweep, each as ``vecmill run`` in a process of its own.

    A stage with the same recipe in several jobs is made by the first of them, which runs so far and then queues again;
    the others wait, and get its directory as hard links.

    Parameters
    ----------
    directory
        Of all jobs, with ``settings/JOB.toml`` and ``logs/JOB.jsonl`` beside the directories of the jobs.
    states
        From `plan_batch`.
    slots
        How many jobs run at the same time.
    """

    def __init__(self, directory: Path, states: Sequence[JobState], slots: int) -> None:
        self._directory = directory
        self._waiting = list(states)
        self._slots = list(range(slots))
        self._running: list[_Running] = []
        self._made: dict[str, Path] = {}
        times = Counter(recipe for state in states for recipe in set(state.recipes.values()))
        self._shared = {recipe for recipe, number in times.items() if number > 1}
        self._processors = _processors(slots)

    def run(self, progress: Progress) -> None:
        """Run all jobs; their states say what came of them.

        Raises
        ------
        OutputError
            If the directory cannot be written, or another sweep is running in it.
        """
        try:
            for folder in ("settings", "logs"):
                (self._directory / folder).mkdir(parents=True, exist_ok=True)
            with contextlib.ExitStack() as stack:
                lock = DirectoryLock(self._directory, self._directory)
                lock.acquire()
                stack.callback(lock.release)
                lock.sign()
                stack.callback(lock.sign_off)
                self._run_all(progress)
        except OSError as error:
            raise OutputError(f"cannot write {error.filename or self._directory}: {error.strerror or error}") from error

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
                self._end(state, FAILED, str(error))

    def _last_to_share(self, state: JobState, needed: set[str]) -> str | None:
        """Return the last stage that the job has to make for others who wait; None if nobody waits for any."""
        wanted = {recipe for other in self._waiting for recipe in other.recipes.values()} & needed
        stages = [stage for stage, recipe in state.recipes.items() if recipe in wanted]
        return stages[-1] if stages else None

    def _to_share(self, state: JobState, until: str | None) -> dict[str, str]:
        """Return ``{recipe: stage}`` of what a job makes that others need, too."""
        stages = list(state.recipes)
        upto = stages[: stages.index(until) + 1] if until else stages
        return {state.recipes[stage]: stage for stage in upto if state.recipes[stage] in self._shared}

    def _begin(self, state: JobState, until: str | None) -> None:
        """Link what others have made, and start the process."""
        with RunDirectory(state.directory) as directory:
            directory.begin(state.job.config.to_dict())
            for stage, recipe in state.recipes.items():
                if recipe in self._made and self._made[recipe].parent != state.directory:
                    link_stage(self._made[recipe], state.directory / stage)
        settings = self._directory / "settings" / f"{state.job.name}.toml"
        settings.write_text(state.job.to_toml(), "utf-8")
        command = [*_PROGRAM, "run", str(settings), "--out", str(state.directory)]
        command += ["--until", until] if until else []
        slot = self._slots.pop(0)
        with self._log(state).open("ab") as log:
            # Our own program, without a shell; not in our process group, since Ctrl-C is for us to pass on, once.
            process = subprocess.Popen(  # noqa: S603  # nosec B603
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
            )
        if self._processors:
            with contextlib.suppress(OSError):  # it has ended already
                os.sched_setaffinity(process.pid, self._processors[slot])
        self._running.append(_Running(state=state, until=until, slot=slot, process=process))
        logger.info("%s: started%s", state.job.name, f", for others until {until}" if until else "")

    def _collect(self) -> None:
        for entry in [entry for entry in self._running if entry.process.poll() is not None]:
            self._running.remove(entry)
            self._slots.append(entry.slot)
            state, code = entry.state, entry.process.returncode
            if code:
                self._end(state, FAILED, self._reason(state, code))
                continue
            for recipe, stage in self._to_share(state, entry.until).items():
                self._made.setdefault(recipe, state.directory / stage)
            if entry.until:
                self._waiting.insert(0, state)
            else:
                self._end(state, FINISHED, f"in {duration(time.monotonic() - entry.started)}")

    def _end(self, state: JobState, status: str, reason: str) -> None:
        state.status, state.reason = status, "" if status == FINISHED else reason
        logger.log(
            logging.INFO if status == FINISHED else logging.WARNING, "%s: %s: %s", state.job.name, status, reason
        )

    def _log(self, state: JobState) -> Path:
        return self._directory / "logs" / f"{state.job.name}.jsonl"

    def _reason(self, state: JobState, code: int) -> str:
        """Return the last error that a job logged."""
        for line in reversed(self._log(state).read_text("utf-8", "replace").splitlines()):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                record = json.loads(line)
                if record["level"] == "ERROR":
                    return str(record["message"])
        ended = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        return f"{ended}; see {self._log(state)}"

    def _stop(self) -> None:
        """Have all processes end: they write checkpoints."""
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
    """Put a finished stage into another run as hard links, as copies where links cannot be made.

    What the other run has already is kept, if it was made from the same things.
    """
    with contextlib.suppress(ManifestError):
        if Manifest.read(target).basis.fingerprint == Manifest.read(finished).basis.fingerprint:
            return
    with atomic_directory(target, replace=True) as partial, writing(target):
        shutil.copytree(finished, partial, copy_function=_link, dirs_exist_ok=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)


def _processors(slots: int) -> list[set[int]]:
    """Divide the processors among jobs that run side by side; nothing for one job, and where a system cannot."""
    if slots == 1 or not hasattr(os, "sched_getaffinity"):
        return []
    usable = sorted(os.sched_getaffinity(0))
    return [set(usable[slot % len(usable) :: slots]) or set(usable) for slot in range(slots)]
