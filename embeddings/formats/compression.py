"""Files to read from and to write to, compressed when their name ends in .gz or .zst."""

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

import zstandard

from embeddings.formats.errors import FormatError
from vecmill.files import atomic_file

COMPRESSION_SUFFIXES = (".gz", ".zst")

# zstandard hands out all that a piece of input decompresses to, up to 32,768 times its size: keep the pieces small.
_ZSTD_PIECE = 1 << 12
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError)


def plain_name(path: Path) -> str:
    """Return a file's name without .gz or .zst."""
    return path.stem if path.suffix.lower() in COMPRESSION_SUFFIXES else path.name


class _ZstdReader:
    """Reads zstandard frames; unlike the library's own reader it notices a file that ends too early."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._pending = bytearray()

    def read(self, size: int) -> bytes:
        while len(self._pending) < size:
            piece = self._raw.read(_ZSTD_PIECE)
            if not piece:
                if self._frame is not None:
                    raise EOFError("the last frame is not complete")
                break
            while piece:
                if self._frame is None:
                    self._frame = zstandard.ZstdDecompressor().decompressobj()
                self._pending += self._frame.decompress(piece)
                piece = b""
                if self._frame.eof:
                    piece = self._frame.unused_data
                    self._frame = None
        result = bytes(self._pending[:size])
        del self._pending[:size]
        return result

    def close(self) -> None:
        self._frame = None


class InputFile:
    """A file open for reading, decompressed on the way.

    Attributes
    ----------
    path : Path
    stored_size : int
        Bytes on disk.
    size : int or None
        Bytes of content; None when the file is compressed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._raw = path.open("rb", buffering=0)
        self.stored_size = os.fstat(self._raw.fileno()).st_size
        self.size: int | None = None
        suffix = path.suffix.lower()
        if suffix == ".gz":
            self._content = cast(BinaryIO, gzip.GzipFile(fileobj=self._raw, mode="rb"))
        elif suffix == ".zst":
            self._content = cast(BinaryIO, _ZstdReader(cast(BinaryIO, self._raw)))
        else:
            self._content = cast(BinaryIO, self._raw)
            self.size = self.stored_size

    @property
    def position(self) -> int:
        """Bytes on disk that were read so far."""
        return self._raw.tell()

    def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes of content, fewer only at the end.

        Raises
        ------
        FormatError
            If the compressed data are damaged or end too early.
        """
        try:
            data = self._content.read(size)
            while data and len(data) < size:
                more = self._content.read(size - len(data))
                if not more:
                    break
                data += more
        except _DAMAGED as error:
            raise FormatError(f"{self.path}: the compressed data are damaged ({error}); get the file anew") from error
        return data

    def __enter__(self) -> "InputFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._content.close()
        self._raw.close()


@contextmanager
def output_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write to, compressed by its name; it takes its name when it is complete.

    Raises
    ------
    OutputError
        If it cannot be written.
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
