"""The interface of backends, and their names."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from embeddings.executor import Executor
from vecmill.errors import VecmillError

if TYPE_CHECKING:
    from embeddings.word2vec.crew import Crew

BACKENDS = ("local", "ray")


class BackendError(VecmillError):
    """A cluster that cannot be reached, or whose machines cannot do the work."""


class JobProcess(Protocol):
    """The process of a job, here or on another machine, with the methods of `subprocess.Popen`."""

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code; raise `subprocess.TimeoutExpired` after some seconds."""
        ...

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        ...

    def kill(self) -> None:
        """Kill it."""
        ...


class Backend(Executor, Protocol):
    """An executor of tasks, and the workers of a training."""

    @property
    def workers(self) -> int | None:
        """Number of workers that train in rounds; None to train in this process without rounds."""
        ...

    @property
    def jobs(self) -> int | None:
        """Number of jobs of a sweep that run at the same time; None if the backend does not know better."""
        ...

    def begin(self, directory: Path) -> None:
        """Check, before the first stage, that every machine sees the directory of the stages."""
        ...

    def start_job(self, command: Sequence[str], log: Path, slot: int, slots: int) -> "JobProcess":
        """Start a command of vecmill in a process of its own; its messages are appended to a file.

        Parameters
        ----------
        command : sequence of str
            Arguments of Python.
        log : Path
        slot, slots : int
            Which of several jobs at a time it is, and how many there are.
        """
        ...

    def crew(self) -> "Crew":
        """Return the workers of one training; `workers` is a number."""
        ...
