"""How many threads to use."""

import os


def thread_count(threads: int | None) -> int:
    """Return `threads`, or the default: NUMBA_NUM_THREADS if that is set, else the cores that this process may use.

    Raises
    ------
    ValueError
        `threads`, or the environment variable, is not a whole number from 1.
    """
    if threads is None:
        return _number_of_the_environment() or _cores()
    if threads < 1:
        raise ValueError(f"threads={threads}; expected at least 1")
    return threads


def _number_of_the_environment() -> int | None:
    value = os.environ.get("NUMBA_NUM_THREADS")
    if not value:
        return None
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"the environment variable NUMBA_NUM_THREADS is {value!r}; expected a whole number from 1")
    return int(value)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
