"""Atomic writes of files and directories, JSON files, and hashes of files.

An output is written to a temporary sibling, ``.NAME.partial``, which is flushed to disk and renamed, so that neither a
kill nor a power failure leaves an incomplete output under the final name.
"""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

from vecmill.errors import OutputError, unwritable
from vecmill.storage import require_local

_NO_SYNC = (errno.EINVAL, errno.ENOTSUP)  # raised by file systems that cannot flush a directory
_CHUNK = 1 << 20


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
        The file cannot be written, or another process began to write it meanwhile.
    """
    path = Path(path)
    with writing(path, elsewhere=elsewhere):
        _require_file(path)
        partial = _sibling(path)
        _remove(partial)
        made = None
        try:
            with partial.open("xb") as file:  # x: follows no link
                made = os.fstat(file.fileno())
                yield file
                file.flush()
                if sync:
                    os.fsync(file.fileno())
                if not _is_ours(partial, made):
                    raise OutputError(f"another process began to write {path} meanwhile; its output is kept")
            partial.replace(path)
            if sync:
                flush(path.parent)
        except BaseException:
            if _is_ours(partial, made):
                partial.unlink()
            raise


@contextmanager
def atomic_directory(
    path: str | PathLike[str], *, replace: bool = False, elsewhere: str | None = None, sync: bool = True
) -> Iterator[Path]:
    """Make a temporary sibling of `path`; it is renamed to `path` if the block ends without an error.

    A sibling left by a killed process is removed. Errors of the block propagate unchanged; see `writing`.

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
        `path` exists and is neither an empty directory nor to be replaced, or it cannot be written.
    """
    path = Path(path)
    partial = _sibling(path)
    with writing(path, elsewhere=elsewhere):
        recover_directory(path)
        if path.is_symlink() and not path.exists():
            raise OutputError(f"{path} is a link to nothing; remove it or choose another directory")
        if path.exists() and not (path.is_dir() and (replace or not any(path.iterdir()))):
            raise OutputError(f"{path} exists; remove it or choose another directory")
    try:
        with writing(path, elsewhere=elsewhere):
            partial.mkdir(parents=True)
        yield partial
        with writing(path, elsewhere=elsewhere):
            for written in [*entries(partial), partial] if sync else ():
                flush(written)
            if replace and path.exists():
                path.rename(_replaced(path))
            partial.rename(path)
            if sync:
                flush(path.parent)
        with suppress(OSError):  # the output is there; what it has replaced is removed by the next write
            recover_directory(path)
    except BaseException:
        with suppress(OSError):
            recover_directory(path)
        raise


def recover_directory(path: Path) -> None:
    """Remove what a killed process left beside a directory of `atomic_directory`; undo an unfinished replacement.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OSError
        It cannot be removed.
    """
    _remove(_sibling(path))
    if path.exists():
        _remove(_replaced(path))
    elif _replaced(path).exists():
        _replaced(path).rename(path)


def require_writable(path: str | PathLike[str]) -> None:
    """Raise an error if a file cannot be written at a path, before work whose result would be lost.

    Parameters
    ----------
    path : path

    Raises
    ------
    OutputError
        Its directory does not exist or cannot be written to, or the path is no file.
    """
    _require_file(Path(path))
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
        Its parents cannot be made or written to.
    """
    parent = Path(path).absolute().parent
    with writing(path):
        created = make_directory(parent)
        try:
            with tempfile.TemporaryFile(dir=parent):
                pass
        finally:
            remove_empty(created)


def _require_file(path: Path) -> None:
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} is a directory, a device or a pipe; expected the name of a file to write")


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


def _sibling(path: Path) -> Path:
    if not path.name:
        raise OutputError(f"{path} has no name; expected that of a new file or directory")
    return path.with_name(f".{path.name}.partial")


def _is_ours(partial: Path, made: os.stat_result | None) -> bool:
    """Tell whether the file that this process has made is still there, and not that of another which began later."""
    try:
        return made is not None and os.path.samestat(partial.lstat(), made)
    except FileNotFoundError:
        return False


def _replaced(path: Path) -> Path:
    """Return the place of the old directory between two renames."""
    return path.with_name(f".{path.name}.replaced")


def _remove(path: Path) -> None:
    """Remove a file or directory left by a killed process, or a link made by somebody else."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
