"""The processors that this process may use."""

import os


def available_processors() -> int:
    """Return the number of processors that this process may use; the system may have more."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
