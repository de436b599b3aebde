"""A limit on memory (``ulimit -v``, ``ulimit -d``, the memory of a job in a queue), checked before libraries meet it.

OpenBLAS takes buffers for each of its threads when it is loaded. SciPy's asks again and again, for ever and with
Python's lock held, if a limit denies them; NumPy's ends the process, as do LLVM and the C library if they are denied
memory.
"""

import importlib
import mmap
import os

from vecmill.errors import VecmillError
from vecmill.processors import available_processors

_LINEAR_ALGEBRA = ("numpy", "scipy.linalg.blas")
_MIB = 1 << 20
_LIBRARY, _THREAD = 60 * _MIB, 40 * _MIB  # code of one library; a buffer and a stack for each of its threads
_COMPILER = 400 * _MIB
_MOST_THREADS = 64  # in the wheels of NumPy and SciPy


def memory_limit() -> tuple[int, str] | None:
    """Return the limit on the address space or the data of this process, the lower one, and what sets it.

    Returns
    -------
    tuple of int and str, or None
        Bytes, and "ulimit -v" or "ulimit -d"; None if memory has no limit.
    """
    try:
        import resource
    except ImportError:  # Windows
        return None
    kinds = {"ulimit -v": resource.RLIMIT_AS, "ulimit -d": resource.RLIMIT_DATA}
    limits = [(resource.getrlimit(kind)[0], name) for name, kind in kinds.items()]
    return min((limit for limit in limits if limit[0] != resource.RLIM_INFINITY), default=None)


def require_memory() -> None:
    """Load the libraries of linear algebra if memory is limited, so that they take their buffers while there is room.

    Raises
    ------
    VecmillError
        The limit leaves no room for them and the compiler of the kernels.
    """
    limit = memory_limit()
    if limit is None:
        return
    threads = _library_threads()
    needed = len(_LINEAR_ALGEBRA) * (_LIBRARY + threads * _THREAD) + _COMPILER
    try:
        mmap.mmap(-1, needed, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()  # shared memory is no data
    except OSError:
        fewer = ", or set OPENBLAS_NUM_THREADS=1" if threads > 1 else ""
        raise VecmillError(
            f"the limit on memory ({limit[1]}) is {limit[0] // _MIB:,} MiB, of which NumPy, SciPy and Numba need "
            f"{needed // _MIB:,} MiB at their start; raise it{fewer}"
        ) from None
    for name in _LINEAR_ALGEBRA:
        importlib.import_module(name)


def _library_threads() -> int:
    """Return the number of threads that OpenBLAS starts."""
    wanted = os.environ.get("OPENBLAS_NUM_THREADS", "")
    most = min(available_processors(), _MOST_THREADS)
    return min(max(int(wanted), 1), most) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 10 else most
