"""Find the files of a path, directory, glob or URL, in a fixed order."""

import glob
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, BinaryIO, cast

from corpora.errors import CorpusError
from corpora.skipped import raise_if_short_of_resources
from vecmill.compression import MAGIC, Prefixed
from vecmill.extras import needs
from vecmill.storage import reason, repeated

_CHUNK = 1 << 20


@dataclass(frozen=True)
class InputFile:
    """One file of text as stored.

    Attributes
    ----------
    name : str
        Path relative to the source, with "/" on every system; "" if the file is the source.
    path : str
        Name for messages and for detection of the format.
    size : int or None
        Stored bytes; None if unknown.
    open : callable
        Opens the stored bytes for reading.
    rereadable : bool
        False for standard input and pipes.
    is_named : bool
        Among several files: this one was named, not found in a directory or by a pattern.
    continued : bool
        Whether it is a later part of a file of plain text.
    url : str
        Address from which it was downloaded into the cache; "" for any other file.
    """

    name: str
    path: str
    size: int | None
    open: Callable[[], BinaryIO]
    rereadable: bool = True
    is_named: bool = False
    continued: bool = False
    url: str = ""


@dataclass(frozen=True)
class ByteRange:
    """Opens some of the bytes of a file; it can be sent to another process.

    Attributes
    ----------
    whole : callable
        Opens the file.
    first, end : int
        Half-open range of bytes.
    """

    whole: Callable[[], BinaryIO]
    first: int
    end: int

    def __call__(self) -> BinaryIO:
        """Open the range for reading."""
        stream = self.whole()
        stream.seek(self.first)
        return cast(BinaryIO, _Limited(stream, self.end - self.first))


class _Limited(io.RawIOBase):
    """The next bytes of a stream."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._left = stream, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._stream.read(min(len(buffer), self._left))
        buffer[: len(piece)] = piece
        self._left -= len(piece)
        return len(piece)

    def close(self) -> None:
        self._stream.close()
        super().close()


def standard_input() -> InputFile:
    """Return standard input as a file.

    Returns
    -------
    InputFile

    Raises
    ------
    CorpusError
        Standard input is closed.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise CorpusError("'-' means standard input, which is closed; pipe text into the command")
    # wrapped in Prefixed, because closing the reader must not close standard input
    return InputFile("", "stdin", None, lambda: io.BufferedReader(Prefixed(b"", sys.stdin.buffer)), rereadable=False)


def opened_file(stream: BinaryIO) -> InputFile:
    """Return a binary file that the caller has opened; it is read from its position, and not closed."""
    name = getattr(stream, "name", None)
    path = PurePath(name if isinstance(name, str) else "the open file")  # the name of a pipe is a number
    if path.suffix.lower() in MAGIC:  # gzip.open may have opened it: the first bytes show if it is compressed
        path = path.with_suffix("")
    return InputFile("", str(path), None, lambda: io.BufferedReader(Prefixed(b"", stream)), rereadable=False)


def local_file(path: Path, name: str = "") -> InputFile:
    """Return one local file or pipe."""
    status = path.stat()
    regular = stat.S_ISREG(status.st_mode)
    size = status.st_size if regular else None
    return InputFile(name, str(path), size, lambda: path.open("rb", buffering=0), rereadable=regular)


def directory_files(directory: Path, unreadable: Callable[[str], None]) -> list[InputFile]:
    """Return all files below `directory`, sorted by path.

    Hidden files and directories are skipped. Symbolic links are followed, into each directory once.

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
    """Yield the files below a directory that are not hidden."""
    for _, entries in _directories(directory, unreadable, seen):
        for entry in entries:
            if _leads_to(entry, stat.S_ISREG):
                yield Path(entry.path)
            elif not _leads_to(entry, stat.S_ISDIR):  # a broken link, or a pipe, which might never end
                unreadable(entry.path)


def _leads_to(entry: os.DirEntry[str], kind: Callable[[int], bool]) -> bool:
    """Return whether an entry is of this kind, or a link to such a one; a broken link is not."""
    try:
        return kind(entry.stat().st_mode)
    except OSError:
        return False


def _directories(
    directory: Path, unreadable: Callable[[str], None], seen: set[tuple[int, int]]
) -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
    """Yield a directory and those below it that are not in `seen`, each once, with entries that are not hidden."""
    try:
        status = directory.stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        found = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError as error:
        raise_if_short_of_resources(str(directory), error)
        unreadable(str(directory))
        return
    entries = [entry for entry in found if not entry.name.startswith(".")]
    yield directory, entries
    for entry in entries:
        if _leads_to(entry, stat.S_ISDIR):
            yield from _directories(Path(entry.path), unreadable, seen)


def matching_files(pattern: str, unreadable: Callable[[str], None]) -> list[InputFile]:
    """Return the files that match a glob pattern, sorted by path; a matching directory is read recursively."""
    paths: dict[str, Path] = {}
    seen: set[tuple[int, int]] = set()
    not_read: set[str] = set()  # one that several parts of a pattern match is told once
    for match in map(Path, _matches(pattern, not_read.add)):
        if match.is_dir():
            paths |= {path.as_posix(): path for path in _walk(match, not_read.add, seen)}
        elif match.is_file():
            paths[match.as_posix()] = match
        else:
            not_read.add(str(match))
    for path in sorted(not_read):
        unreadable(path)
    return _local_files(paths)


def _matches(pattern: str, unreadable: Callable[[str], None]) -> Iterator[str]:
    """Yield the paths that match a pattern; ** enters every directory once, so that links that lead back end."""
    parts = PurePath(pattern).parts
    if "**" not in parts:
        yield from glob.iglob(pattern)  # noqa: PTH207 - the pattern may be absolute
        return
    at = parts.index("**")
    for top in _matches(str(PurePath(*parts[:at])), unreadable) if at else ["."]:
        if not Path(top).is_dir():
            continue
        for directory, _ in _directories(Path(top), unreadable, set()):
            if at + 1 == len(parts):
                yield str(directory)
            else:
                yield from _matches(str(PurePath(glob.escape(str(directory)), *parts[at + 1 :])), unreadable)


def remote_files(url: str) -> list[InputFile]:
    """Return the files of a URL of any file system that fsspec knows: one file, a directory or a glob.

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
        The protocol is unknown, its package is missing, or the server refuses.
    """
    with needs("remote", url):
        import fsspec  # imported here: it is slow, and rarely needed

    with _errors_of(url):
        return repeated(lambda: _files_at(url, *fsspec.core.url_to_fs(url)), url)


def _files_at(url: str, system: Any, path: str) -> list[InputFile]:
    if glob.has_magic(path):
        found = [name for name in system.glob(path) if not system.isdir(name) and not _hidden(name.rsplit("/", 1)[-1])]
    elif system.isdir(path):
        found = [name for name in system.find(path) if not _hidden(name[len(path) :])]
    else:
        return [_remote_file(system, path, url, "")]
    return [_remote_file(system, name, f"{url}: {name}", name) for name in sorted(found)]


def stored_bytes(file: InputFile) -> Iterator[bytes]:
    """Yield the bytes of a file; where a request to its storage fails, open it again and go on from there.

    Parameters
    ----------
    file : InputFile

    Yields
    ------
    bytes

    Raises
    ------
    CorpusError
        The storage does not answer.
    """
    stored: BinaryIO | None = None
    done = 0

    def read() -> bytes:
        nonlocal stored
        try:
            if stored is None:
                stored = file.open()
                if done:
                    stored.seek(done)
            return stored.read(_CHUNK)
        except Exception:
            stored = None
            raise

    with _errors_of(file.path):
        while chunk := repeated(read, file.path):
            done += len(chunk)
            yield chunk
    if stored is not None:
        stored.close()


@contextmanager
def _errors_of(url: str) -> Iterator[None]:
    """Raise a `CorpusError` for what a file system raises; each has errors of its own."""
    try:
        yield
    except CorpusError:
        raise
    except Exception as error:
        raise CorpusError(f"cannot read {url}: {reason(error)}") from error


def _remote_file(system: Any, path: str, shown: str, name: str) -> InputFile:
    size = system.info(path).get("size")
    return InputFile(name, shown, size, lambda: cast(BinaryIO, system.open(path, "rb")))


def _hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def neighbours_of(path: Path) -> list[str]:
    """Return the paths in the folder of a missing path, as the user would write them."""
    try:
        return [str(path.with_name(entry.name)) for entry in path.parent.iterdir()]
    except OSError:
        return []
