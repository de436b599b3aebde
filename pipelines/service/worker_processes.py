"""Several processes that answer requests: forks of one that has opened the models, so that all share their memory."""

import logging
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context
from pathlib import Path
from typing import TYPE_CHECKING, Self

from vecmill.errors import VecmillError
from vecmill.files import temporary_directory

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

logger = logging.getLogger(__name__)

CAN_FORK = sys.platform == "linux"  # elsewhere libraries of the system do not survive a fork
METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # of prometheus-client, which reads it when it is imported
_ENDING = (signal.SIGINT, signal.SIGTERM)
SHORTEST_LIFE = 5.0  # seconds; a worker that ends sooner would end again


@contextmanager
def metrics_of_all(workers: int) -> Iterator[Path | None]:
    """Give a directory in which several workers add up their metrics; it must be there before these are imported."""
    if workers == 1:
        yield None
        return
    with temporary_directory() as directory:
        os.environ[METRICS_DIRECTORY] = directory
        try:
            yield Path(directory)
        finally:
            del os.environ[METRICS_DIRECTORY]


class Workers:
    """Worker processes, which run while the context lasts; one that ends by itself is replaced.

    Parameters
    ----------
    count : int
    work : callable
        Called in every worker with its number, from 0. SIGTERM ends it.
    """

    def __init__(self, count: int, work: Callable[[int], object]) -> None:
        self._count, self._work = count, work
        self._started: dict[int, float] = {}
        self._processes: dict[int, ForkProcess] = {}

    def __enter__(self) -> Self:
        for number in range(self._count):
            self._start(number)
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.join()

    def _start(self, number: int) -> None:
        process = get_context("fork").Process(target=_until_stopped, args=(self._work, number), name=f"worker {number}")
        with _held_signals(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which BLAS ends before a fork
            process.start()
            self._started[number], self._processes[number] = time.monotonic(), process

    def watch(self) -> None:
        """Replace workers that end, until a signal arrives.

        Raises
        ------
        VecmillError
            A worker ends soon after its start.
        """
        while True:
            connection.wait([process.sentinel for process in self._processes.values()])
            for number, process in list(self._processes.items()):
                if not process.is_alive():
                    self._replace(number, process)

    def _replace(self, number: int, process: "ForkProcess") -> None:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(process.pid)
        code = process.exitcode or 0
        reason = f"exit code {code}" if code >= 0 else f"signal {-code}"
        if time.monotonic() - self._started[number] < SHORTEST_LIFE:
            raise VecmillError(f"worker {number} ended soon after its start: {reason}")
        logger.warning("worker %d ended: %s; another one is started", number, reason)
        self._start(number)


@contextmanager
def _held_signals() -> Iterator[None]:
    """Let signals wait until the end of the context, and in a process that is forked inside it until it works."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _until_stopped(work: Callable[[int], object], number: int) -> None:
    with suppress(KeyboardInterrupt):  # a signal, of which the first process tells
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
            work(number)
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)  # while multiprocessing ends the process
