"""How kernels are compiled and where the machine code is kept.

Every compiled function of the project is decorated here. Python calls those decorated with `compiled` or `exact`;
their code is cached on disk. Kernels call those decorated with `inlined` or `subroutine`, whose code is a part of
their callers' and cannot be called from Python (with ``NUMBA_DISABLE_JIT=1`` all of them are plain Python functions).
`in_place` and `in_place_inlined` are `compiled` and `inlined` for functions that allocate no arrays, array expressions
included.

Numba's own cache watches the file of the cached function only. A kernel is made of constants and helpers of other
modules too, so that here the cached code belongs to the contents of *all* kernel modules: the files of this package
that import this module. A kernel module takes nothing that is compiled into kernels from a module of another kind.
"""

import functools
import hashlib
import logging
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from filelock import FileLock, Timeout
from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, NullCache, _CacheLocator
from numba.core.dispatcher import Dispatcher

logger = logging.getLogger(__name__)

FAST_MATH = {"arcp", "contract", "nsz", "reassoc"}
"""LLVM's licences for float arithmetic: sums may be reordered, but NaN and infinity keep their meaning."""

IN_ORDER = {"contract"}
"""Operations stay in the order in which they are written; a product and a sum may be one instruction."""

_LONGEST_WAIT = 60  # seconds for a kernel that another process compiles
_PACKAGE = Path(__file__).parent
_MARK = b"embeddings.compilation"  # what a kernel module imports

Function = TypeVar("Function", bound=Callable[..., Any])


def _decorator(**options: Any) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        return njit(function, nogil=True, error_model="numpy", **options)

    return decorate


def _cached_decorator(**options: Any) -> Callable[[Function], Function]:
    decorate = _decorator(**options, no_cfunc_wrapper=True)  # C calls none of them: 6 % of compile time

    def decorate_and_cache(function: Function) -> Function:
        kernel = decorate(function)
        if isinstance(kernel, Dispatcher):
            kernel._cache = _LazyCache(function)  # type: ignore[attr-defined]
        return kernel

    return decorate_and_cache


_NOT_CALLED_FROM_PYTHON = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # saves a third of compile time

_IN_PLACE = {"_nrt": False}  # no reference counts of arrays, which take atomic operations in inner loops

compiled = _cached_decorator(fastmath=FAST_MATH)
exact = _cached_decorator()
inlined = _decorator(fastmath=FAST_MATH, forceinline=True, **_NOT_CALLED_FROM_PYTHON)
subroutine = _decorator(fastmath=IN_ORDER, **_NOT_CALLED_FROM_PYTHON)
in_place = _cached_decorator(fastmath=FAST_MATH, **_IN_PLACE)
in_place_inlined = _decorator(fastmath=FAST_MATH, forceinline=True, **_NOT_CALLED_FROM_PYTHON, **_IN_PLACE)


def read_only(array: np.ndarray) -> np.ndarray:
    """Return a view that cannot be written through, like an array of a file that is mapped into memory.

    Numba compiles a kernel once for such arrays and once for others; with this, once for both.
    """
    view = array.view()
    view.flags.writeable = False
    return view


@functools.cache
def kernel_sources_digest() -> str:
    """Return a hash of the contents of all kernel modules, taken once per process."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        source = path.read_bytes()
        if _MARK in source:
            digest.update(f"{path.relative_to(_PACKAGE).as_posix()} {len(source)}\n".encode() + source)
    return digest.hexdigest()


def cache_directory(kernel: Callable[..., Any]) -> Path | None:
    """Return the directory that holds the machine code of a kernel; None if it is not kept."""
    cache = getattr(kernel, "_cache", None)
    return Path(cache.cache_path) if cache and cache.cache_path else None


def is_compiled(kernel: Callable[..., Any]) -> bool:
    """Return whether the cache holds machine code of a kernel, or compilation is switched off."""
    cache = getattr(kernel, "_cache", None)
    return cache is None or cache.is_filled()


class _LazyCache(NullCache):
    """The cache of one kernel, opened when the kernel is first called.

    Several processes that need the same kernel do not all compile it: one does, and the others wait for its code.

    Parameters
    ----------
    function : function
        The kernel before compilation.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @functools.cached_property
    def _cache(self) -> "_KernelCache | NullCache":
        try:
            return _KernelCache(self._function)
        except RuntimeError:  # no directory can be written
            _warn_once("kernels are compiled anew in every process: no directory can hold the machine code")
            return NullCache()

    @property
    def cache_path(self) -> str | None:
        """The directory of the cache."""
        return self._cache.cache_path

    def is_filled(self) -> bool:
        """Return whether the cache holds the code of a signature."""
        return isinstance(self._cache, _KernelCache) and self._cache.is_filled()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the cached code of a signature; None if this process is to compile it."""
        found = self._cache.load_overload(sig, target_context)
        if found is None and isinstance(self._cache, _KernelCache) and self._cache.begin():
            found = self._cache.load_overload(sig, target_context)  # another process may have compiled it meanwhile
            if found is not None:
                self._cache.end()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save the code of a signature; a full disk costs a warning, not the training."""
        try:
            self._cache.save_overload(sig, data)
        except OSError as error:
            _warn_once(f"cannot save compiled kernels ({error})")
        finally:
            if isinstance(self._cache, _KernelCache):
                self._cache.end()

    def flush(self) -> None:
        """Forget what is cached."""
        self._cache.flush()


class _TemporaryLocator(_CacheLocator):
    """Keeps compiled code in a temporary directory of this user: the last choice."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._line = function.__code__.co_firstlineno
        self._path = str(_temporary_directory() / self.get_suitable_cache_subpath(file))

    def get_cache_path(self) -> str:
        """Return the directory of the function's cache."""
        return self._path

    def get_source_stamp(self) -> str:
        """Return the version of the source."""
        return kernel_sources_digest()

    def get_disambiguator(self) -> str:
        """Return what distinguishes functions of the same name."""
        return str(self._line)

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> "_TemporaryLocator | None":
        """Return the locator of a function; None if no temporary directory can be written."""
        try:
            locator = cls(py_func, py_file)
            locator.ensure_cache_path()
        except OSError:
            return None
        _warn_once(f"compiled kernels are kept in {_temporary_directory()}: no lasting directory can be written")
        return locator


def _has_home() -> bool:
    """Return whether there is a folder for the caches of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~")).is_absolute()  # noqa: PTH111 - it raises


class _KernelCacheImpl(CompileResultCacheImpl):
    @property
    def _locator_classes(self) -> list[type[_CacheLocator]]:
        """Where code may be kept, in this order; for a user without a home, Numba would make a folder named ~."""
        classes = CompileResultCacheImpl._locator_classes
        if not _has_home():
            classes = [each for each in classes if not each.__name__.endswith("UserWideCacheLocator")]
        return [*classes, _TemporaryLocator]


class _KernelCache(FunctionCache):
    """Numba's cache of a function on disk; the stamp is that of the function's file and of all kernel modules."""

    _impl_class = _KernelCacheImpl

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        own = hashlib.sha256(Path(function.__code__.co_filename).read_bytes()).hexdigest()
        self._cache_file = IndexDataCacheFile(
            cache_path=self.cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=(own, kernel_sources_digest()),
        )
        self._compiling = FileLock(
            Path(self.cache_path, f"{self._impl.filename_base}.lock"), timeout=_LONGEST_WAIT, thread_local=False
        )

    def is_filled(self) -> bool:
        """Return whether the code of a signature is on disk."""
        try:
            return bool(self._cache_file._load_index())
        except OSError:
            return False

    def begin(self) -> bool:
        """Wait while another process compiles this kernel; return whether no other process will do so now."""
        try:
            self._compiling.acquire()
        except (Timeout, OSError, NotImplementedError):  # stopped while compiling, or a file system without locks
            return False
        return True

    def end(self) -> None:
        """Let other processes load or compile this kernel."""
        self._compiling.release()


@functools.cache
def _temporary_directory() -> Path:
    """Return a directory that no other user can write to: cached code is executed."""
    if not hasattr(os, "getuid"):
        return Path(tempfile.gettempdir()) / "vecmill-kernels"  # Windows: the user's own
    path = Path(tempfile.gettempdir()) / f"vecmill-kernels-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    is_private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return path if is_private else Path(tempfile.mkdtemp(prefix="vecmill-kernels-"))


@functools.cache
def _warn_once(message: str) -> None:
    logger.warning("%s; set NUMBA_CACHE_DIR to a directory for them", message)
