"""Pages of mapped files that are read no more: they leave the memory of the process until they are read again."""

import ctypes
import mmap
import sys
from functools import cache
from pathlib import Path
from typing import Any

_MAPS = Path("/proc/self/maps")
_compiler: list[tuple[int, int]] = []  # addresses and sizes of its code, once it is there


def release_matrix(matrix: Any) -> None:
    """Release a mapped matrix, of which few rows are read again when the unit vectors are made."""
    while matrix is not None and not isinstance(matrix, mmap.mmap):
        matrix = getattr(matrix, "base", None)
    if matrix is not None and hasattr(mmap, "MADV_DONTNEED"):  # Windows has none
        matrix.madvise(mmap.MADV_DONTNEED)


def release_compiler() -> None:
    """Release the code of LLVM, 50 MB, which has loaded the compiled kernels and is not needed to run them."""
    if "llvmlite" not in sys.modules or sys.platform != "linux":
        return
    if not _compiler:
        _compiler.extend(_mapped_code("llvm"))
    for address, size in _compiler:
        _madvise()(ctypes.c_void_p(address), ctypes.c_size_t(size), mmap.MADV_DONTNEED)


def _mapped_code(library: str) -> list[tuple[int, int]]:
    """Return addresses and sizes of the code of libraries, which is mapped from their files and never written."""
    found = []
    for line in _MAPS.read_text("utf-8", "replace").splitlines():
        span, rights, *_, path = line.split(maxsplit=5)
        if rights == "r-xp" and library in Path(path).name.lower():
            start, end = (int(address, 16) for address in span.split("-"))
            found.append((start, end - start))
    return found


@cache
def _madvise() -> Any:
    return ctypes.CDLL(None).madvise
