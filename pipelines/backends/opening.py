"""Opening a backend by its name."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.backends.backend import Backend
from pipelines.backends.local import LocalBackend


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
        yield LocalBackend(workers)
        return
    from pipelines.backends.ray import connected  # imported here: Ray is slow to import, and rarely needed

    with connected(address, workers, threads) as backend:
        yield backend
