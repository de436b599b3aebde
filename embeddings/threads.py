"""The number of threads."""

import os

from embeddings.setting_types import require_type
from vecmill.arguments import quoted
from vecmill.processors import available_processors

MOST_THREADS = 1024
"""More than this is taken for a mistake: each thread has buffers of its own."""


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
    TypeError, ValueError
        `threads`, or the environment variable, is not a whole number from 1 to `MOST_THREADS`.
    """
    if threads is None:
        return _environment_variable() or available_processors()
    threads = int(require_type("threads", threads, int))
    if not 1 <= threads <= MOST_THREADS:
        raise ValueError(f"threads is {threads}; expected 1 to {MOST_THREADS}, or None for all processors")
    return threads


def _environment_variable() -> int | None:
    value = os.environ.get("NUMBA_NUM_THREADS")
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and 1 <= int(value[:9]) <= MOST_THREADS):
        raise ValueError(
            f"the environment variable NUMBA_NUM_THREADS is {quoted(value)}; expected a whole number from 1 to "
            f"{MOST_THREADS}"
        )
    return int(value)
