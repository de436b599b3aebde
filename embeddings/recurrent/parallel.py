"""Compiled loops over independent rows, shared among threads."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from numba import config

THREADS: int = config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
"""Threads for the loops over rows: as many as there are cores, unless NUMBA_NUM_THREADS says otherwise."""

Rows = tuple[int, int]
SMALLEST_TASK = 1 << 15
"""Element operations under which handing work to another thread costs more than it saves."""


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="recurrent")


os.register_at_fork(after_in_child=_pool.cache_clear)


def over_rows(work: Callable[[Rows], None], count: int, cost: int, grain: int = 1) -> None:
    """Call ``work((start, stop))`` for slices that make up ``range(count)``, one slice a thread.

    Parameters
    ----------
    work
        A compiled function that releases the interpreter's lock; slices must not depend on each other.
    count
        Number of rows.
    cost
        Element operations of one row; little work stays in the calling thread.
    grain
        Slices are multiples of this many rows, as far as the count allows.
    """
    threads = max(1, min(THREADS, count * cost // SMALLEST_TASK))
    size = max(1, -(-count // (threads * grain))) * grain
    slices = [(start, min(start + size, count)) for start in range(0, count, size)]
    futures = [_pool().submit(work, rows) for rows in slices[1:]]
    try:
        if slices:
            work(slices[0])
    finally:
        for future in futures:
            future.result()
