"""Where stages run: on this machine, or on a Ray cluster. Stages get a `Backend` and know neither."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from embeddings.executor import Executor
from vecmill.errors import VecmillError

if TYPE_CHECKING:
    from embeddings.word2vec.crew import Crew

BACKENDS = ("local", "ray")


class BackendError(VecmillError):
    """A cluster that cannot be reached, or whose machines cannot do the work."""


class Backend(Executor, Protocol):
    """An executor of tasks, and the workers of a training."""

    @property
    def workers(self) -> int | None:
        """Number of workers that train in rounds; None to train in this process without rounds."""
        ...

    def begin(self, directory: Path) -> None:
        """Check, before the first stage, that every machine sees the directory of the stages."""
        ...

    def crew(self) -> "Crew":
        """Return the workers of one training; `workers` is a number."""
        ...


@contextmanager
def open_backend(
    name: str = "local", *, address: str | None = None, workers: int | None = None, threads: int | None = None
) -> Iterator[Backend]:
    """Open a backend for the time of a command.

    Parameters
    ----------
    name : {"local", "ray"}
    address : str, optional
        Address of a Ray cluster, "auto" for that of this machine. Default: a cluster of this machine alone is started.
    workers : int, optional
        Workers that train in rounds. Default: with Ray one for every machine.
    threads : int, optional
        Threads of each process that trains. Default: all that its machine has for it.

    Yields
    ------
    Backend

    Raises
    ------
    BackendError
        There is no such cluster, or it has another version of Ray or Python.
    MissingExtraError
        Ray is not installed.
    """
    if name == "local":
        from pipelines.backends.local import LocalBackend

        yield LocalBackend(workers)
        return
    from pipelines.backends.ray import connected  # imported here: Ray is slow to import, and rarely needed

    with connected(address, workers, threads) as backend:
        yield backend
