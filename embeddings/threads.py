"""The number of threads."""

import os

from vecmill.processors import available_processors


def thread_count(threads: int | None) -> int:
    """Return the number of threads to use.

    Parameters
    ----------
    threads : int or None
        Number asked for. None for the default: the environment variable ``NUMBA_NUM_THREADS`` if set, else the number
        of cores that this process may use.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        `threads`, or the environment variable, is not a whole number from 1.
    """
    if threads is None:
        return _environment_variable() or available_processors()
    if threads < 1:
        raise ValueError(f"threads={threads}; expected at least 1")
    return threads


def _environment_variable() -> int | None:
    value = os.environ.get("NUMBA_NUM_THREADS")
    if not value:
        return None
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"the environment variable NUMBA_NUM_THREADS is {value!r}; expected a whole number from 1")
    return int(value)
