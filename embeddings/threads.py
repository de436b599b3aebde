"""How many threads to use."""

import os


def thread_count(threads: int | None) -> int:
    """Return `threads`, or the number of processor cores that this process may use.

    Raises
    ------
    ValueError
        `threads` is less than 1.
    """
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads < 1:
        raise ValueError(f"threads={threads}; expected at least 1")
    return threads
