"""Atomic writes of files and directories, JSON files, and hashes of files.

An output is written to a temporary sibling, ``.NAME.partial``, which is flushed to disk and renamed, so that neither a
kill nor a power failure leaves an incomplete output under the final name. Its writer holds a lock on the sibling: the
kernel releases it when the writer dies, so that what is left of a killed one is known, and a second writer is refused.
"""

import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

try:
    import fcntl
except ImportError:  # Windows: the later of two writers is kept
    _LOCKS = False
else:
    _LOCKS = True

from vecmill.errors import FULL_DISK, TOO_LARGE, OutputError, unwritable
from vecmill.storage import require_local

_NO_SYNC = (errno.EINVAL, errno.ENOTSUP)  # raised by file systems that cannot flush a directory
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EBADF)  # raised by file systems that have none
_TO_LOCK = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_CHUNK = 1 << 20
_TEMPORARY = "vecmill-work-"
_TRIES = 100  # to make a sibling while other processes make and remove it


@contextmanager
def writing(path: str | PathLike[str], *, elsewhere: str | None = None) -> Iterator[None]:
    """Convert an OSError to an `OutputError` that names `path` and a remedy.

    Parameters
    ----------
    path : path
    elsewhere : str, optional
        How to write to another place, in the message; see `errors.unwritable`.

    Raises
    ------
    OutputError
        The block raised an OSError, which is the cause of this error.
    UrlError
        `path` is a URL.
    """
    require_local("", path, "copy the output there")
    try:
        yield
    except OSError as error:
        error.filename = str(path)  # a write to a full disk names no file
        raise unwritable(path, error, elsewhere) from error


@contextmanager
def atomic_file(path: str | PathLike[str], *, elsewhere: str | None = None, sync: bool = True) -> Iterator[BinaryIO]:
    """Open a temporary sibling of `path` for writing; it replaces `path` if the block ends without an error.

    Parameters
    ----------
    path : path
    elsewhere : str, optional
        See `writing`.
    sync : bool
        Flush the file to disk; False for a file that may be lost in a power failure.

    Yields
    ------
    binary file

    Raises
    ------
    OutputError
        The file cannot be written, or another process writes it.
    """
    path = Path(path)
    with writing(path, elsewhere=elsewhere):
        _require_file(path)
        with _Sibling(path) as partial:
            with partial.make_file() as file:
                yield file
                file.flush()
                if sync:
                    os.fsync(file.fileno())
                if not partial.is_ours():
                    raise OutputError(f"another process began to write {path} meanwhile; its output is kept")
            partial.place.replace(path)
            if sync:
                flush(path.parent)


@contextmanager
def atomic_directory(
    path: str | PathLike[str], *, replace: bool = False, elsewhere: str | None = None, sync: bool = True
) -> Iterator[Path]:
    """Make a temporary sibling of `path`; it is renamed to `path` if the block ends without an error.

    What a killed process has left is removed. Errors of the block propagate unchanged; see `writing`.

    Parameters
    ----------
    path : path
    replace : bool
        Replace an existing directory with all its content.
    elsewhere : str, optional
        See `writing`.
    sync : bool
        Flush all files to disk; False if readers of the directory detect damage, or the block flushes them.

    Yields
    ------
    Path
        The sibling, an empty directory.

    Raises
    ------
    OutputError
        `path` exists and is neither an empty directory nor to be replaced, cannot be written, or another process writes
        it.
    """
    path = Path(path)
    sibling = _Sibling(path)
    with writing(path, elsewhere=elsewhere):
        _require_free(path, replace)
    with sibling as partial:
        with writing(path, elsewhere=elsewhere):
            partial.make_directory()
        try:
            with writing(path, elsewhere=elsewhere):
                _finish_replacement(path)
                _require_free(path, replace)
            yield partial.place
            with writing(path, elsewhere=elsewhere):
                for written in [*entries(partial.place), partial.place] if sync else ():
                    flush(written)
                _require_free(path, replace)
                if replace and path.exists():
                    _remove_replaced(path)
                    path.rename(_replaced(path))
                partial.place.rename(path)
                if sync:
                    flush(path.parent)
        except BaseException:
            with suppress(OSError):
                _finish_replacement(path)
            raise
        with suppress(OSError):  # the output is there; what it has replaced is removed by the next write
            _remove_replaced(path)


@contextmanager
def temporary_directory() -> Iterator[str]:
    """Make a directory for temporary files; those that killed processes of the same user have left are removed.

    Yields
    ------
    str
        An empty directory; removed at the end.

    Raises
    ------
    OSError
        It cannot be made, or a write that named no file found the disk full; the directory is named then.
    """
    if _LOCKS:
        for left in Path(tempfile.gettempdir()).glob(f"{_TEMPORARY}*"):
            with suppress(OSError):
                _remove_abandoned(left)
    folder, held = _locked_temporary()
    try:
        yield folder
    except OSError as error:
        if error.errno in (*FULL_DISK, TOO_LARGE):
            error.filename = error.filename or folder
        raise
    finally:
        for _ in range(2):  # an error may pass; what stays is removed by the next process
            shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)


def _locked_temporary() -> tuple[str, int | None]:
    """Make a temporary directory and lock it; return its path and the descriptor that holds the lock."""
    for _ in range(_TRIES):
        folder = tempfile.mkdtemp(prefix=_TEMPORARY)
        if not _LOCKS:
            return folder, None
        with suppress(FileNotFoundError):
            held = os.open(folder, os.O_RDONLY)
            if _locked(held) and Path(folder).exists():
                return folder, held
            os.close(held)  # another process has just taken it for abandoned
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), tempfile.gettempdir())


def _remove_abandoned(directory: Path) -> None:
    """Remove a temporary directory of this user on which no process holds the lock."""
    found = os.open(directory, _TO_LOCK | os.O_DIRECTORY)
    try:
        if os.fstat(found).st_uid == os.geteuid() and _locked(found):
            shutil.rmtree(directory, ignore_errors=True)
    finally:
        os.close(found)


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock on a file, which need not be writable; False if that cannot be told.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
    """
    if not _LOCKS:
        return False
    try:
        found = os.open(path, _TO_LOCK)
    except OSError:
        return False
    try:
        return not _locked(found)
    finally:
        os.close(found)


def recover_directory(path: Path) -> None:
    """Remove what a killed process left beside a directory of `atomic_directory`; undo an unfinished replacement.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OSError
        It cannot be removed.
    OutputError
        Another process writes it.
    """
    _Sibling(path).clear()
    _finish_replacement(path)


def require_writable(path: str | PathLike[str]) -> None:
    """Raise an error if a file cannot be written at a path, before work whose result would be lost.

    Parameters
    ----------
    path : path

    Raises
    ------
    OutputError
        Its directory does not exist or cannot be written to, the path is no file, or the file is another user's.
    """
    _require_file(Path(path))
    require_replaceable(path)
    with writing(path), tempfile.TemporaryFile(dir=Path(path).parent):
        pass


def require_writable_directory(path: str | PathLike[str]) -> None:
    """Raise an error if a directory cannot be made at a path, before work whose result would be lost.

    Parameters
    ----------
    path : path

    Raises
    ------
    OutputError
        Its parents cannot be made or written to, or what is there may not be replaced.
    """
    require_replaceable(path)
    parent = Path(path).absolute().parent
    with writing(path):
        created = make_directory(parent)
        try:
            with tempfile.TemporaryFile(dir=parent):
                pass
        finally:
            remove_empty(created)


def require_replaceable(path: str | PathLike[str]) -> None:
    """Raise an error if what is at a path may not be moved away, though its parent may be written to.

    Parameters
    ----------
    path : path

    Raises
    ------
    OutputError
        It is a directory that may not be written to, or another user's where each may replace only his own.
    """
    path = Path(path)
    with writing(path):
        if path.is_dir() and not path.is_symlink() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if hasattr(os, "geteuid") and os.path.lexists(path) and _is_sticky_for(path):
            raise PermissionError(errno.EPERM, "it belongs to another user")


def _is_sticky_for(path: Path) -> bool:
    """Return whether the directory of a path, such as /tmp, lets its owner alone replace it, who is another user."""
    parent, user = path.absolute().parent.stat(), os.geteuid()
    return bool(parent.st_mode & stat.S_ISVTX) and user not in (0, parent.st_uid, os.lstat(path).st_uid)


def _require_file(path: Path) -> None:
    open_already = path.is_symlink() and str(path.readlink()).startswith("/proc/")  # /dev/stdout, whatever it leads to
    if open_already or (path.exists() and not path.is_file()):
        raise OutputError(f"{path} is a directory, a device or a pipe; expected the name of a file to write")


def expanded(path: str | PathLike[str]) -> Path:
    """Return a path with a home directory in the place of ~; as it is if there is none, such as ``~backup.txt``."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def real_path(path: str | PathLike[str]) -> Path:
    """Return an absolute path without links; `Path.resolve` raises a RuntimeError for links that form a loop."""
    return Path(os.path.realpath(path))


def make_directory(path: Path) -> list[Path]:
    """Create a directory and its parents; return those that did not exist, the innermost first.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Path

    Raises
    ------
    OSError
        A directory cannot be created; none of its parents is left.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError:
        remove_empty(missing)
        raise
    return missing


def remove_empty(directories: Iterable[Path]) -> None:
    """Remove directories, the innermost first, up to one that is not empty."""
    with suppress(OSError):
        for directory in directories:
            if directory.exists():
                directory.rmdir()


def entries(directory: Path) -> Iterator[Path]:
    """Yield every file and directory below a directory; `Path.rglob` leaves out what it cannot read.

    Parameters
    ----------
    directory : Path

    Yields
    ------
    Path

    Raises
    ------
    OSError
        A directory cannot be read.
    """

    def fail(error: OSError) -> None:
        raise error

    for folder, directories, files in os.walk(directory, onerror=fail):
        yield from (Path(folder, name) for name in (*directories, *files))


def write_json(path: str | PathLike[str], value: Any, *, indent: int | None = 1, sync: bool = True) -> None:
    """Write a JSON file atomically, as UTF-8 with a newline at the end.

    Parameters
    ----------
    path : path
    value : JSON value
    indent : int or None
        None writes one line, which is several times faster for a large value.
    sync : bool
        See `atomic_file`.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False) + "\n"
    with atomic_file(path, sync=sync) as file:
        file.write(text.encode("utf-8", "backslashreplace"))  # lone surrogates, as in file names, become \\udc80


def read_json(path: str | PathLike[str]) -> dict[str, Any] | None:
    """Return the JSON object in a file, or None if it cannot be read."""
    try:
        value = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def shown_size(size: int) -> str:
    """Return a number of bytes for people: "12.3 MB", or "45.6 kB" below 0.1 MB."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"


def file_digest(
    path: str | PathLike[str], algorithm: str = "sha256", read: Callable[[int], object] | None = None
) -> str:
    """Return the hash of a file's content in hexadecimal digits.

    Parameters
    ----------
    path : path
    algorithm : str
        Name of a hash for `hashlib.new`.
    read : callable, optional
        Called with the length of every piece read.

    Returns
    -------
    str

    Raises
    ------
    OSError
        The file cannot be read.
    """
    found = hashlib.new(algorithm, usedforsecurity=False)
    with Path(path).open("rb", buffering=0) as file:
        while piece := file.read(_CHUNK):
            found.update(piece)
            if read:
                read(len(piece))
    return found.hexdigest()


def flush(path: Path) -> None:
    """Have the content of a file, or the names in a directory, written to the disk.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OSError
        It cannot be written.
    """
    windows = os.name == "nt"  # there a directory cannot be opened, and a file must be open for writing
    if windows and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if windows else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


class _Sibling:
    """The temporary sibling of an output, on which its writer holds a lock; a context manager that removes it.

    Parameters
    ----------
    path : Path
        The output.

    Attributes
    ----------
    place : Path
        Where the sibling is.
    """

    def __init__(self, path: Path) -> None:
        if not path.name:
            raise OutputError(f"{path} has no name; expected that of a new file or directory")
        self._path, self.place = path, path.with_name(f".{path.name}.partial")
        self._made: os.stat_result | None = None
        self._held: int | None = None

    def __enter__(self) -> "_Sibling":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is not None and self.is_ours():
                with suppress(OSError):
                    _remove(self.place)
        finally:
            self._release()

    def make_file(self) -> BinaryIO:
        """Make an empty file and open it; raise an `OutputError` if another process writes the output."""
        for _ in range(_TRIES):
            self.clear()
            try:
                file = self.place.open("xb")  # x: follows no link
            except FileExistsError:
                continue
            try:
                self._made = os.fstat(file.fileno())
                if not _LOCKS or self._hold(os.dup(file.fileno())):
                    return file
            except BaseException:
                file.close()
                raise
            file.close()
        raise self._busy()

    def make_directory(self) -> None:
        """Make an empty directory; raise an `OutputError` if another process writes the output."""
        for _ in range(_TRIES):
            self.clear()
            try:
                self.place.mkdir(parents=True)
            except FileExistsError:
                if os.path.lexists(self.place):
                    continue
                raise  # a link to nothing is in the place of a parent
            with suppress(FileNotFoundError):
                self._made = self.place.lstat()
                if not _LOCKS or self._hold(os.open(self.place, os.O_RDONLY)):
                    return
        raise self._busy()

    def is_ours(self) -> bool:
        """Tell whether what this process has made is still there, and not that of another which began later."""
        return self._made is not None and self._is(self._made)

    def clear(self) -> None:
        """Remove what a killed process left, or a link that somebody made; raise an error for what is being written."""
        while os.path.lexists(self.place):
            try:
                found = None if not _LOCKS or self.place.is_symlink() else os.open(self.place, _TO_LOCK)
            except FileNotFoundError:
                return
            except PermissionError:  # its writer could open it
                found = None
            try:
                if found is not None and not _locked(found):
                    raise self._busy()
                if found is None or self._is(os.fstat(found)):  # else it has got its final name meanwhile
                    _remove(self.place)
                    if os.path.lexists(self.place):
                        raise OutputError(f"{self.place} cannot be removed; remove it")
            finally:
                if found is not None:
                    os.close(found)

    def _hold(self, descriptor: int) -> bool:
        """Lock what was made; return False if another process has locked it, or taken its place, in this moment."""
        self._held = descriptor
        if _locked(descriptor) and self.is_ours():
            return True
        self._release()
        return False

    def _is(self, made: os.stat_result) -> bool:
        try:
            return os.path.samestat(self.place.lstat(), made)
        except FileNotFoundError:
            return False

    def _release(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _busy(self) -> OutputError:
        return OutputError(f"{self._path} is being written by another process; wait until it has ended")


def _locked(descriptor: int) -> bool:
    """Take the lock on an open file or directory; return False if another process has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _require_free(path: Path, replace: bool) -> None:
    """Raise `OutputError` for a path at which a directory cannot be put."""
    if path.is_symlink() and not path.exists():
        raise OutputError(f"{path} is a link to nothing; remove it or choose another directory")
    if path.exists() and not (path.is_dir() and (replace or not any(path.iterdir()))):
        raise OutputError(f"{path} exists; remove it or choose another directory")


def _finish_replacement(path: Path) -> None:
    """Remove the directory that another one has replaced; put it back if the other one has not got its name."""
    if path.exists():
        _remove_replaced(path)
    elif _replaced(path).exists():
        _replaced(path).rename(path)


def _remove_replaced(path: Path) -> None:
    if path.exists():  # another writer may be between its two renames
        _remove(_replaced(path))


def _replaced(path: Path) -> Path:
    """Return the place of the old directory between two renames."""
    return path.with_name(f".{path.name}.replaced")


def _remove(path: Path) -> None:
    """Remove a file or directory left by a killed process, or a link made by somebody else."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
