"""Find the files that a path, directory, glob or URL names, in an order that does not change."""

import glob
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, BinaryIO, cast

from corpora.errors import CorpusError
from vecmill.compression import MAGIC, Prefixed
from vecmill.extras import needs


@dataclass(frozen=True)
class InputFile:
    """One file of text as stored.

    Attributes
    ----------
    name : str
        Path relative to the source, "" when the file is the source; with "/" on every system.
    path : str
        What messages call it and what its format is known by.
    size : int or None
        Bytes as stored, None when that is not known.
    open : callable
        Opens the stored bytes for reading.
    rereadable : bool
        False for standard input and pipes.
    """

    name: str
    path: str
    size: int | None
    open: Callable[[], BinaryIO]
    rereadable: bool = True


def standard_input() -> InputFile:
    """Text that is piped in.

    Returns
    -------
    InputFile

    Raises
    ------
    CorpusError
        If standard input is closed.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise CorpusError("'-' means standard input, which is closed; pipe text into the command")
    # Through Prefixed, because closing what was read must not close standard input.
    return InputFile("", "stdin", None, lambda: io.BufferedReader(Prefixed(b"", sys.stdin.buffer)), rereadable=False)


def opened_file(stream: BinaryIO) -> InputFile:
    """A binary file that the caller has opened; it is read from where it stands, and left open."""
    name = getattr(stream, "name", None)
    path = PurePath(name if isinstance(name, str) else "the open file")  # the name of a pipe is a number
    if path.suffix.lower() in MAGIC:  # it may have been opened with gzip.open: what counts is how the data begins
        path = path.with_suffix("")
    return InputFile("", str(path), None, lambda: io.BufferedReader(Prefixed(b"", stream)), rereadable=False)


def local_file(path: Path, name: str = "") -> InputFile:
    """One local file or pipe."""
    status = path.stat()
    regular = stat.S_ISREG(status.st_mode)
    size = status.st_size if regular else None
    return InputFile(name, str(path), size, lambda: path.open("rb", buffering=0), rereadable=regular)


def directory_files(directory: Path, unreadable: Callable[[str], None]) -> list[InputFile]:
    """All files below ``directory``, sorted by path.

    Hidden files and directories are left out. Symbolic links are followed, into each directory once.

    Parameters
    ----------
    directory : Path
    unreadable : callable
        Called with the path of every directory or link that cannot be followed.

    Returns
    -------
    list of InputFile
    """
    found = {path.relative_to(directory).as_posix(): path for path in _walk(directory, unreadable, set())}
    return _local_files(found)


def _local_files(found: dict[str, Path]) -> list[InputFile]:
    return [local_file(found[name], name) for name in sorted(found)]


def _walk(directory: Path, unreadable: Callable[[str], None], seen: set[tuple[int, int]]) -> Iterator[Path]:
    try:
        status = directory.stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        unreadable(str(directory))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(Path(entry.path), unreadable, seen)
        elif entry.is_file():
            yield Path(entry.path)
        elif entry.is_symlink():
            unreadable(entry.path)


def matching_files(pattern: str, unreadable: Callable[[str], None]) -> list[InputFile]:
    """Files that a glob pattern names, sorted by path; a directory that it names is read whole."""
    paths: dict[str, Path] = {}
    for match in map(Path, glob.iglob(pattern, recursive=True)):  # noqa: PTH207 - the pattern may be absolute
        below = _walk(match, unreadable, set()) if match.is_dir() else [match]
        paths |= {path.as_posix(): path for path in below if path.is_file()}
    return _local_files(paths)


def remote_files(url: str) -> list[InputFile]:
    """Files that a URL of any file system known to fsspec names: one file, a directory or a glob.

    Parameters
    ----------
    url : str

    Returns
    -------
    list of InputFile
        Sorted by path.

    Raises
    ------
    CorpusError
        If the protocol is unknown, its package is missing, or the other side refuses.
    """
    with needs("remote", url):
        import fsspec  # slow, and seldom needed

    try:
        system, path = fsspec.core.url_to_fs(url)
        if glob.has_magic(path):
            found = [
                name for name in system.glob(path) if not system.isdir(name) and not _hidden(name.rsplit("/", 1)[-1])
            ]
        elif system.isdir(path):
            found = [name for name in system.find(path) if not _hidden(name[len(path) :])]
        else:
            return [_remote_file(system, path, url, "")]
        return [_remote_file(system, name, f"{url}: {name}", name) for name in sorted(found)]
    except ImportError as error:
        raise CorpusError(f"cannot read {url}: {error}") from error
    except Exception as error:  # every file system raises errors of its own
        raise CorpusError(f"cannot read {url}: {error or type(error).__name__}") from error


def _remote_file(system: Any, path: str, shown: str, name: str) -> InputFile:
    size = system.info(path).get("size")
    return InputFile(name, shown, size, lambda: cast(BinaryIO, system.open(path, "rb")))


def _hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def neighbours_of(path: Path) -> list[str]:
    """Paths in the folder of a path that does not exist, as the user would write them."""
    try:
        return [str(path.with_name(entry.name)) for entry in path.parent.iterdir()]
    except OSError:
        return []
