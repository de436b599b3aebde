"""A corpus: files read one after the other as blocks of UTF-8 text."""

import glob
import hashlib
import io
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast, runtime_checkable
from urllib.parse import urlsplit
from urllib.request import url2pathname

from corpora.blocks import cut_blocks
from corpora.catalog import fetch, names
from corpora.download import Progress, fetch_url
from corpora.errors import CorpusError
from corpora.readers import ReadOptions, format_of, read_pieces
from corpora.skipped import DamagedFileError, UnusableFileError, raise_if_short_of_resources
from corpora.sources import (
    InputFile,
    directory_files,
    local_file,
    matching_files,
    neighbours_of,
    opened_file,
    remote_files,
    standard_input,
)
from vecmill.arguments import described, quoted, require_kind
from vecmill.compression import DAMAGE, NotCompressedError
from vecmill.files import expanded, real_path, shown_size
from vecmill.hints import did_you_mean
from vecmill.plain_text import suffix_of
from vecmill.storage import is_url, shown_url

logger = logging.getLogger(__name__)

_CHUNK = 1 << 20
_DEFAULT_OPTIONS = ReadOptions()
UNREADABLE_FILE = "unreadable file skipped"
"""What is counted for a file, folder or link that cannot be opened."""
REPEATED_FILE = "file given again, read once"
"""What is counted for a file under another name or in another place of a list."""
UNREADABLE = "unreadable"
"""Beginning of what stands for the hash of a file that cannot be read."""


@runtime_checkable
class _Readable(Protocol):
    """What can be read, such as an open file."""

    def read(self, size: int = -1, /) -> bytes: ...


class Corpus:  # numpydoc ignore=PR01
    """Text of one or several files; `open_corpus` returns it.

    Attributes
    ----------
    name : str
        Short name: "pydocs", "wiki.txt", "stdin".
    description : str
        One-line description of the source.
    size : int or None
        Stored (possibly compressed) bytes of all files; None if unknown.
    position : int
        Stored bytes that `blocks` has read so far.
    rereadable : bool
        False for standard input and pipes, whose text can be read only once.
    files : tuple of InputFile
        Files in the order of reading.
    left_out : tuple of (str, str)
        What is not read, as kind and path: directories and links that could not be followed, repeated files.
    options : ReadOptions
        Where records hold the text.
    tolerant : bool
        Whether files that are no text are left out and counted.
    """

    def __init__(
        self,
        name: str,
        description: str,
        files: Sequence[InputFile],
        options: ReadOptions,
        *,
        tolerant: bool = False,
        left_out: Sequence[tuple[str, str]] = (),
        may_be_empty: bool = False,
    ) -> None:
        self.name = name
        self.description = description
        self.size = None if any(file.size is None for file in files) else sum(file.size or 0 for file in files)
        self.position = 0
        self.rereadable = all(file.rereadable for file in files)
        self.files = tuple(files)
        self.options, self.tolerant = options, tolerant
        self._may_be_empty = may_be_empty
        self.left_out = tuple(left_out)
        self._skipped: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self._digest = hashlib.sha256()
        self._opened = self._read_whole = False

    @property
    def warnings(self) -> dict[str, int]:
        """Counts of what the last `blocks` has skipped so far, by kind; each kind names its first case."""
        return warnings_of([self.skipped])

    @property
    def skipped(self) -> dict[str, tuple[int, str]]:
        """What the last `blocks` has skipped so far, by kind: how often, and where first."""
        return {kind: (count, self._first[kind]) for kind, count in self._skipped.items()}

    def blocks(  # numpydoc ignore=RT01
        self, block_size: int = 1 << 22, *, line_per_record: bool = False
    ) -> Iterator[bytes]:
        """Read the text from its beginning.

        Parameters
        ----------
        block_size : int
            Largest length of a block in bytes; only a longer word makes a longer block.
        line_per_record : bool
            Line breaks within a record of JSON Lines, a table or Parquet become spaces, and a record without text is an
            empty line, so that a record is a line.

        Yields
        ------
        bytes
            UTF-8 text as stored, valid or not, without byte order marks. Every block ends in ASCII white space, so that
            no word spans two blocks; every file and every record ends with a newline.

        Raises
        ------
        ValueError
            `block_size` is less than 1.
        CorpusError
            A file cannot be read, is damaged or is not text, or all files are empty.
        """
        require_kind("block_size", block_size, Integral, "a number of bytes")
        block_size = int(block_size)
        if block_size < 1:
            raise ValueError(f"block_size is {block_size}, expected at least 1 byte")
        if self._opened and not self.rereadable:
            raise CorpusError(f"{self.name} has been read and cannot be read again; save it to a file first")
        self._opened = True
        self.position = 0
        self._skipped.clear()
        for kind, path in self.left_out:
            self._count(kind, path)
        return self._blocks(block_size, replace(self.options, line_per_record=line_per_record))

    def fingerprint(self, hash_of: Callable[[InputFile], str] | None = None) -> str:
        """Return a digest of the names and the stored contents of the files.

        Parameters
        ----------
        hash_of : callable, optional
            Takes a file, returns its known SHA-256. By default every file is read.

        Returns
        -------
        str
            SHA-256, 64 hexadecimal digits. For text that can be read only once, it is the hash of the bytes read.

        Raises
        ------
        CorpusError
            A file cannot be read, or text that can be read only once has not been read to its end.
        """
        if not self.rereadable:
            if not self._read_whole:
                raise CorpusError(f"{self.name} has no fingerprint before it has been read to its end")
            return self._digest.hexdigest()
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(f"{file.name}\0{(hash_of or digest_of_file)(file)}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def _blocks(self, block_size: int, options: ReadOptions) -> Iterator[bytes]:
        empty = True
        for block in cut_blocks(self._pieces(block_size, options), block_size):
            empty = False
            yield block
        if empty and not self._may_be_empty:
            skipped = ", ".join(f"{count} {kind}" for kind, count in self.warnings.items())
            raise CorpusError(f"there is no text in {self.name}: {skipped or 'it is empty'}{_to_repeat(*self.files)}")
        self._read_whole = True

    def _pieces(self, piece_size: int, options: ReadOptions) -> Iterator[bytes]:
        end = 0
        for file in self.files:
            begun = False
            try:
                for piece in self._read(file, piece_size, options):
                    begun = True
                    yield piece
            except UnusableFileError as error:
                if file.is_named or not self.tolerant or (begun and not isinstance(error, DamagedFileError)):
                    raise CorpusError(f"{error}{_to_repeat(file)}") from error
                self._count(f"{error.kind}, read as far as possible" if begun else f"{error.kind} skipped", file.name)
            end += file.size or 0
            self.position = end if self.size is not None else self.position  # Parquet is not read byte by byte

    def _read(self, file: InputFile, piece_size: int, options: ReadOptions) -> Iterator[bytes]:
        try:
            stored = file.open()
        except Exception as error:  # remote file systems raise errors of their own
            raise_if_short_of_resources(file.path, error)
            reason = getattr(error, "strerror", None) or error
            raise UnusableFileError("unreadable file", f"cannot open {file.path}: {reason}") from error
        with stored:
            counted = io.BufferedReader(_CountedStream(stored, self._advance), 1 << 16)
            try:
                yield from read_pieces(counted, file.path, options, piece_size, self._count, file.continued)
            except NotCompressedError as error:
                raise UnusableFileError(
                    "file without the compression of its name", f"{file.path} is {error}"
                ) from error
            except (*DAMAGE, OSError) as error:
                raise_if_short_of_resources(file.path, error)
                problem = "is truncated" if isinstance(error, EOFError) else "is damaged or cannot be read"
                raise DamagedFileError(f"{file.path} {problem} ({error}); get the file again") from error

    def _advance(self, data: memoryview) -> None:
        self.position += len(data)
        if not self.rereadable:
            self._digest.update(data)

    def _count(self, kind: str, where: str) -> None:
        self._skipped[kind] += 1
        self._first.setdefault(kind, where)


def warnings_of(skipped: Iterable[Mapping[str, tuple[int, str]]]) -> dict[str, int]:
    """Return the counts of what was skipped in several stretches of a text, as `Corpus.warnings` has them.

    Parameters
    ----------
    skipped : iterable of mapping
        `Corpus.skipped` of each, in the order of the text.

    Returns
    -------
    dict of str to int
    """
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    for one in skipped:
        for kind, (count, where) in one.items():
            counts[kind] += count
            first.setdefault(kind, where)
    return {f"{kind} (first: {first[kind]})": count for kind, count in counts.items()}


class _CountedStream(io.RawIOBase):
    """A stream that reports the bytes read from it."""

    def __init__(self, stream: BinaryIO, report: Callable[[memoryview], None]) -> None:
        self._stream = stream
        self._report = report

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: Any) -> int:
        count = cast(io.RawIOBase, self._stream).readinto(buffer) or 0
        self._report(memoryview(buffer)[:count])
        return count


def open_corpus(
    source: str | os.PathLike[str] | BinaryIO | Sequence[str | os.PathLike[str]],
    field: str = "text",
    column: str = "text",
    progress: Progress | None = None,
) -> Corpus:
    """Find text and open it for reading.

    Parameters
    ----------
    source : str, path, binary file, or sequence of str or paths
        A name of the catalog (``pydocs``, ``text8``, ...), a file, a directory (all text below it), a glob, a URL, or
        ``-`` for standard input. Formats: plain UTF-8 text, ``.jsonl``, ``.csv``, ``.tsv``, ``.parquet``; compressed
        with gzip, bzip2, xz or Zstandard. A path object always means a file, a directory or a URL. A file opened in
        binary mode is read once, from its position; its name determines the format. The texts of a sequence are read
        in its order; a file that is in it several times is read once, where it comes first, and counted. A file that is
        not text, or is damaged, is an error if it is named; in a directory, and among the files of a glob, it is left
        out and counted.
    field : str
        Field of ``.jsonl`` records that holds the text.
    column : str
        Column of ``.csv``, ``.tsv`` and ``.parquet`` files that holds the text.
    progress : callable, optional
        Called with (bytes done, bytes in total or None) while text is fetched.

    Returns
    -------
    Corpus

    Raises
    ------
    CorpusError
        The source does not exist or has no files; the message suggests the closest name. Or a field or column is named,
        and no file has records.
    TypeError
        An argument is of another type.
    """
    for name, value in (("field", field), ("column", column)):
        require_kind(name, value, str, "a str")
    options = ReadOptions(field, column)
    corpus = _opened(source, options, progress)
    _require_records(corpus, options)
    return corpus


def _require_records(corpus: Corpus, options: ReadOptions) -> None:
    """Raise an error for the name of a field or column if no file has records that could have it."""
    kinds = {format_of(file.path) for file in corpus.files}
    if any(suffix_of(file.path) == ".json" for file in corpus.files):
        kinds.add("jsonl")
    for name, value, of, what in (
        ("field", options.field, {"jsonl"}, "JSON Lines"),
        ("column", options.column, {"csv", "parquet"}, "a table"),
    ):
        if value != getattr(_DEFAULT_OPTIONS, name) and not kinds & of:
            raise CorpusError(f"{name} {quoted(value)} has no effect: nothing in {corpus.name} is {what}; leave it out")


def _opened(
    source: str | os.PathLike[str] | BinaryIO | Sequence[str | os.PathLike[str]],
    options: ReadOptions,
    progress: Progress | None,
) -> Corpus:
    try:
        if isinstance(source, (list, tuple)):
            return _several(source, options, progress)
        if not isinstance(source, (str, os.PathLike)):
            require_kind("source", source, _Readable, "a str, a path, a file opened in binary mode, or a list of paths")
            stream = cast(BinaryIO, source)
            if not isinstance(stream.read(0), bytes):
                raise TypeError(f"source is {described(source)}, open as text; expected a file opened in binary mode")
            file = opened_file(stream)
            return Corpus(file.path, file.path, [file], options)
        if not isinstance(source, str):
            if is_url(source):
                return _url_corpus(shown_url(source), options, progress)
            return _local_corpus(Path(source), options)
        if source == "-":
            return Corpus("stdin", "text from standard input", [standard_input()], options)
        if source in names():
            return _catalog_corpus(source, progress)
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", source):
            return _url_corpus(source, options, progress)
        return _local_corpus(expanded(source), options, source)
    except (OSError, RuntimeError, ValueError) as error:  # names that no file system accepts
        raise CorpusError(f"cannot read {quoted(str(source))}: {getattr(error, 'strerror', None) or error}") from error


def _local_corpus(path: Path, options: ReadOptions, pattern: str | None = None) -> Corpus:
    """Open a file or directory, or the files that match `pattern` if `path` is neither."""
    if pattern == "":
        raise CorpusError("the name of the corpus is empty; expected a catalog name, a file, a directory or a URL")
    left_out: list[tuple[str, str]] = []

    def unreadable(place: str) -> None:
        left_out.append((UNREADABLE_FILE, place))

    if path.is_dir():
        files = directory_files(path, unreadable)
        return _collection(real_path(path).name or str(path), str(path), files, options, left_out)
    if path.exists():
        file = local_file(path)
        return Corpus(path.name, _describe(str(path), file.size), [file], options)
    if path.is_symlink():
        raise CorpusError(
            f"{str(path)!r} is a link to {str(path.readlink())!r}, which does not exist; correct the link"
        )
    if pattern and glob.has_magic(pattern):
        files = matching_files(str(path), unreadable)
        return _collection(pattern, pattern, files, options, left_out)
    if path.suffix or len(path.parts) > 1 or pattern is None:
        raise CorpusError(f"{str(path)!r} does not exist{did_you_mean(str(path), neighbours_of(path))}")
    hint = did_you_mean(str(path), [*names(), *neighbours_of(path)])
    raise CorpusError(
        f"no corpus {str(path)!r}: expected a file, a directory, a glob, a URL "
        f"or the name of a corpus ({', '.join(names())}){hint}"
    )


def _several(sources: Sequence[str | os.PathLike[str]], options: ReadOptions, progress: Progress | None) -> Corpus:
    """Open several texts as one."""
    if not sources:
        raise CorpusError("the list of texts is empty; expected files, directories, globs or names of corpora")
    if any(isinstance(source, str) and source == "-" for source in sources):
        raise CorpusError("'-' (standard input) must be given alone; save its text to a file first")
    corpora = [_opened(source, options, progress) for source in sources]
    left_out = [case for corpus in corpora for case in corpus.left_out]
    files = [replace(file, name=file.path, is_named=not file.name) for corpus in corpora for file in corpus.files]
    shown = ", ".join(str(source) for source in sources[:3]) + (", ..." if len(sources) > 3 else "")
    name = f"{corpora[0].name} and {len(sources) - 1} more" if len(sources) > 1 else corpora[0].name
    return _collection(name, shown, files, options, left_out)


def _collection(
    name: str, source: str, found: list[InputFile], options: ReadOptions, left_out: list[tuple[str, str]]
) -> Corpus:
    """Open several files as one text; one with several names, such as links to it, is read where it comes first."""
    places: dict[str, InputFile] = {}
    repeated = [file for file in found if places.setdefault(os.path.realpath(file.path), file) is not file]
    left_out += [(REPEATED_FILE, file.path) for file in repeated]
    files = list(places.values())
    if not files:
        skipped = f" ({len(left_out)} unreadable, such as {left_out[0][1]})" if left_out else ""
        raise CorpusError(f"there are no files in {source}{skipped}; hidden files are skipped")
    size = sum(file.size or 0 for file in files)
    description = _describe(f"{len(files):,} file{'s' * (len(files) != 1)} in {source}", size)
    return Corpus(name, description, files, options, tolerant=True, left_out=left_out)


def _catalog_corpus(name: str, progress: Progress | None) -> Corpus:
    if Path(name).exists():
        logger.warning("%s is read from the catalog; to read the file or directory here, name it ./%s", name, name)
    information = fetch(name, progress)
    files = [local_file(path) for path in information.text_files]
    return Corpus(name, information.description, files, ReadOptions())


def _url_corpus(url: str, options: ReadOptions, progress: Progress | None) -> Corpus:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return _opened(Path(url2pathname(parts.path)), options, None)
    if parts.scheme in ("http", "https"):
        file = replace(local_file(fetch_url(url, progress)), url=url)
        return Corpus(Path(file.path).name, _describe(url, file.size), [file], options)
    files = remote_files(url)
    if len(files) == 1 and not files[0].name:
        return Corpus(url.rsplit("/", 1)[-1], _describe(url, files[0].size), files, options)
    return _collection(url, url, files, options, [])


def _to_repeat(*files: InputFile) -> str:
    """Return how to repeat the downloads among files, for the end of a message; "" if there is none."""
    return "".join(f"; delete {file.path} to download {file.url} again" for file in files if file.url)


def _describe(what: str, size: int | None) -> str:
    return what if size is None else f"{what}, {shown_size(size)}"


def digest_of_file(file: InputFile) -> str:
    """Return the SHA-256 of a stored file, or "unreadable: " and the reason."""
    digest = hashlib.sha256()
    try:
        with file.open() as stored:
            while chunk := stored.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise_if_short_of_resources(file.path, error)
        return f"{UNREADABLE}: {error.strerror}"
    return digest.hexdigest()
