"""Worker processes: a function of bytes over many items, in order, in other Python processes.

They are started as programs of their own, not by `multiprocessing`, which would import a script of the user again, and
fork in the middle of threads. Where no process can be started, the function is called here.
"""

import importlib
import json
import logging
import os
import signal
import struct
import subprocess  # nosec B404 - runs this Python, with arguments of ours
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, BinaryIO, cast

from vecmill.compression import read_fully
from vecmill.processors import available_processors

logger = logging.getLogger(__name__)

_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from vecmill.workers import serve; serve(*sys.argv[2:])"
)
_LENGTH = struct.Struct("<Q")


def mapped(function: Callable[[bytes], bytes], items: Iterable[bytes]) -> Iterator[bytes]:
    """Yield ``function(item)`` for every item, in order; a worker process computes each.

    Parameters
    ----------
    function : callable
        A function of a module, from bytes to bytes, without state.
    items : iterable of bytes
        Read a few items ahead of what is yielded.

    Yields
    ------
    bytes
    """
    number = available_processors()
    if number == 1:
        yield from map(function, items)
        return
    idle: SimpleQueue[WorkerProcess] = SimpleQueue()
    for _ in range(number):
        idle.put(WorkerProcess(function))
    pending: deque[Future[bytes]] = deque()

    def call(item: bytes) -> bytes:
        worker = idle.get()
        try:
            return worker.call(item)
        finally:
            idle.put(worker)

    pool = ThreadPoolExecutor(number)
    try:
        for item in items:
            pending.append(pool.submit(call, item))
            if len(pending) > 2 * number:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        for _ in range(number):
            idle.get().close()


class WorkerProcess:
    """A Python process that computes a function; it is started at the first call.

    Parameters
    ----------
    function : callable
        A function of a module, from bytes to bytes, without state.
    """

    def __init__(self, function: Callable[[bytes], bytes]) -> None:
        self._function = function
        self._process: subprocess.Popen[bytes] | None = None
        self._started = self._killed = False

    def call(self, item: bytes) -> bytes:
        """Return the result for one item."""
        if not self._started:
            self._started = True
            self._process = self._start()
        if self._process is None:
            return self._function(item)
        _write(cast(IO[bytes], self._process.stdin), item)
        result = _read(cast(BinaryIO, self._process.stdout))
        if result is None and self._killed:
            return b""
        if result is None:  # the process ended: an error, which comes up again here, or somebody killed it
            self.close()
            self._process = None
            return self._function(item)
        return result

    def _start(self) -> "subprocess.Popen[bytes] | None":
        path = json.dumps([entry or os.getcwd() for entry in sys.path])  # noqa: PTH109 - as Python does
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            _START,
            path,
            self._function.__module__,
            self._function.__qualname__,
        ]
        try:
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603  # nosec B603
        except OSError as error:
            logger.info("reading in one process: %s", error)
            return None

    def kill(self) -> None:
        """End the process at once; a call of another thread that waits for it returns nothing."""
        self._killed = True
        if self._process:
            self._process.kill()

    def close(self) -> None:
        """End the process."""
        if self._process:
            with suppress(BrokenPipeError):  # it was killed before it had read all
                cast(IO[bytes], self._process.stdin).close()
            cast(IO[bytes], self._process.stdout).close()
            self._process.wait()


def serve(module: str, name: str) -> None:
    """Answer items on standard input until it ends; the main program of a worker.

    Parameters
    ----------
    module, name : str
        Of the function.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process
    function = getattr(importlib.import_module(module), name)
    results, sys.stdout = sys.stdout.buffer, sys.stderr
    while (item := _read(sys.stdin.buffer)) is not None:
        try:
            result = function(item)
        except Exception:  # the main process tries once more, and sees the error
            return
        _write(results, result)


def _write(stream: IO[bytes], data: bytes) -> None:
    try:
        stream.write(_LENGTH.pack(len(data)))
        stream.write(data)
        stream.flush()
    except BrokenPipeError:  # the reader of the result states that the other side ended
        pass


def _read(stream: BinaryIO) -> bytes | None:
    """Return the next item, or None at the end."""
    length = read_fully(stream, _LENGTH.size)
    return read_fully(stream, _LENGTH.unpack(length)[0]) if len(length) == _LENGTH.size else None
