"""Files of vectors: read compressed or not, and written compressed if their name ends in ``.gz`` or ``.zst``."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

import zstandard

from embeddings.formats.decoding import UTF_8, Decoding
from embeddings.formats.errors import FormatError
from vecmill.compression import DAMAGE, NotCompressedError, decompressed, is_compressed, read_fully
from vecmill.files import atomic_file

COMPRESSION_SUFFIXES = (".gz", ".zst")


def plain_name(path: Path) -> str:
    """Return a file's name without ``.gz`` or ``.zst``."""
    return path.stem if path.suffix.lower() in COMPRESSION_SUFFIXES else path.name


def is_packed(path: Path) -> bool:
    """Return whether a file is compressed, by its name or by its first bytes."""
    if path.suffix.lower() in COMPRESSION_SUFFIXES:
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return is_compressed(file.read(10))


class VectorFile:
    """A file of vectors open for reading, decompressed while it is read.

    Parameters
    ----------
    path : Path
    decoding : Decoding
        Of its words.

    Attributes
    ----------
    path : Path
    decoding : Decoding
    stored_size : int
        Bytes on disk.
    size : int or None
        Bytes of content; None if the file is compressed.
    """

    def __init__(self, path: Path, decoding: Decoding = UTF_8) -> None:
        self.path, self.decoding = path, decoding
        self._raw = cast(BinaryIO, path.open("rb", buffering=0))
        self.stored_size = os.fstat(self._raw.fileno()).st_size
        self.size = None if is_packed(path) else self.stored_size

    @cached_property
    def _content(self) -> BinaryIO:
        return self._raw if self.size is not None else decompressed(self._raw, self.path.name)

    @property
    def position(self) -> int:
        """Number of bytes on disk read so far."""
        return self._raw.tell()

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes of content, fewer only at the end.

        Parameters
        ----------
        size : int

        Returns
        -------
        bytes

        Raises
        ------
        FormatError
            The compressed data are damaged or incomplete.
        """
        try:
            return read_fully(self._content, size)
        except NotCompressedError as error:
            raise FormatError(f"{self.path}: {error}") from error
        except DAMAGE as error:
            raise FormatError(f"{self.path}: the compressed data are damaged ({error}); get the file again") from error

    def __enter__(self) -> "VectorFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._raw.close()


@contextmanager
def output_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing, compressed according to its name; it gets its name when it is complete.

    Parameters
    ----------
    path : Path

    Yields
    ------
    binary file

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    with atomic_file(path) as raw:
        suffix = path.suffix.lower()
        if suffix == ".gz":
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed:
                yield cast(BinaryIO, packed)
        elif suffix == ".zst":
            with zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False) as stream:
                yield cast(BinaryIO, stream)
        else:
            yield raw
