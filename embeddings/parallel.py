"""Threads that share work: compiled loops over rows, and matrix products.

After a product the threads of a BLAS library keep spinning for a while and take the cores from the compiled loops that
follow: on two cores a training step took 15 % longer. Within `own_threads` NumPy's BLAS therefore uses one thread, and
`product` lets the threads that run the loops compute a part of the product each.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ContextDecorator, contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from functools import cache
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from embeddings.threads import thread_count

_threads: ContextVar[int | None] = ContextVar("threads", default=None)
SMALLEST_TASK = 1 << 15
"""Element operations below which handing work to another thread costs more than it saves."""

Item = TypeVar("Item")
Rows = tuple[int, int]
"""First row, and the row after the last."""


@contextmanager
def using_threads(threads: int | None) -> Iterator[None]:
    """Set the number of threads that loops and products use within the context.

    The setting is a context variable: it holds for the calling thread alone. Work that is handed to another thread
    takes it along in a copy of the context (`contextvars.copy_context`).

    Parameters
    ----------
    threads : int or None
        Number of threads; None for the default of `thread_count`.

    Raises
    ------
    ValueError
        `threads` is less than 1.
    """
    token = _threads.set(thread_count(threads))
    try:
        yield
    finally:
        _threads.reset(token)


def threads_or_context(threads: int | None) -> AbstractContextManager[None]:
    """Set the number of threads as `using_threads` does; None leaves it as the caller has set it."""
    return nullcontext() if threads is None else using_threads(threads)


@cache
def _default_threads() -> int:
    return thread_count(None)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="parallel")


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def _limit_from_here() -> None:
    """Let this thread limit OpenBLAS: from 3.8 on, threadpoolctl heeds only the first thread that has done so."""
    for library in _blas().lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_pool.cache_clear)


def over_rows(
    work: Callable[[Rows], None], count: int, cost: int, grain: int = 1, pieces: int = 1, fewest: int = 1
) -> None:
    """Call ``work((start, stop))`` for slices that make up ``range(count)``.

    Parameters
    ----------
    work : callable
        Takes `Rows`. It releases the global interpreter lock, and slices do not depend on each other.
    count : int
        Number of rows.
    cost : int
        Element operations of one row; little work stays in the calling thread.
    grain : int
        Slices are multiples of this number of rows, as far as `count` allows.
    pieces : int
        Slices per thread. A thread that is done takes the next slice; with several of them, no thread waits long for
        one that started late or that has to share its processor.
    fewest : int
        Rows of a slice below which threads get one slice each instead of `pieces`.
    """
    available = _threads.get() or _default_threads()
    threads = min(available, count * cost // SMALLEST_TASK)
    if threads < 2:
        if count:
            work((0, count))
        return
    share = max(1, -(-count // (threads * grain))) * grain
    size = min(share, max(-(-fewest // grain), -(-share // (grain * pieces))) * grain)
    slices = iter([(start, min(start + size, count)) for start in range(0, count, size)])

    def take_slices() -> None:
        for rows in slices:  # an iterator gives each slice to one thread
            work(rows)

    futures = [_pool(available).submit(take_slices) for _ in range(min(threads, -(-count // size)) - 1)]
    try:
        take_slices()
    finally:
        for future in futures:
            future.result()


def share_items(work: Callable[[Item], None], items: Iterator[Item]) -> None:
    """Call `work` for every item; the thread that takes an item produces it, one item at a time and in order.

    For items that can only be computed one after the other, such as the states of one text, and work on them that is
    independent: while one thread computes the next item, the others work on those before it. Both parts run with one
    thread each. An error in one thread ends the others after their item.

    Parameters
    ----------
    work : callable
        Takes an item. It releases the global interpreter lock.
    items : iterator
        None ends it.
    """
    turn, failed = threading.Lock(), threading.Event()

    def take_items() -> None:
        try:
            with using_threads(1):
                while (item := next_item()) is not None:
                    work(item)
        except BaseException:
            failed.set()
            raise

    def next_item() -> Item | None:
        with turn:
            return None if failed.is_set() else next(items, None)

    available = _threads.get() or _default_threads()
    futures = [_pool(available).submit(copy_context().run, take_items) for _ in range(available - 1)]
    try:
        take_items()
    finally:
        for future in futures:
            future.result()


class ModelLock:
    """A lock of a network, whose layers keep the values of their last input: one thread at a time may use them.

    A copy and a pickle have a lock of their own.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type["ModelLock"], tuple[()]]:
        return ModelLock, ()


class _OwnThreads(ContextDecorator):
    """Limits NumPy's BLAS to one thread while any thread is inside; a context manager and a decorator."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limiter: Any = None

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                _limit_from_here()
                self._limiter = _blas().limit(limits=1)

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _limit_from_here()
                self._limiter.restore_original_limits()


own_threads = _OwnThreads()


@own_threads
def product(left: np.ndarray, right: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Compute a matrix product.

    Parameters
    ----------
    left : (n, k)
    right : (k, m)
    out : (n, m), optional
        Array to write to. Default: a new one.

    Returns
    -------
    (n, m)
        left · right
    """
    n, m = left.shape[0], right.shape[1]
    result = np.empty((n, m), left.dtype) if out is None else out

    def part(rows: Rows) -> None:
        piece = slice(*rows)
        if n >= m:
            np.matmul(left[piece], right, out=result[piece])
        else:
            np.matmul(left, right[:, piece], out=result[:, piece])

    over_rows(part, max(n, m), cost=left.shape[1] * min(n, m), grain=16)
    return result
