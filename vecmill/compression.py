"""Decompression of gzip, bzip2, xz and Zstandard data, detected by its first bytes."""

import bz2
import gzip
import io
import itertools
import lzma
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

import zstandard

from vecmill.processors import available_processors

MAGIC = {".gz": b"\x1f\x8b\x08", ".bz2": b"BZh", ".xz": b"\xfd7zXZ\x00", ".zst": b"\x28\xb5\x2f\xfd"}
START = 10
"""Number of bytes at the beginning of data by which their compression is recognized."""


class NotCompressedError(ValueError):
    """Data without the compression that the file name states."""


DAMAGE = (EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError, gzip.BadGzipFile, NotCompressedError)
"""Errors raised for truncated or damaged data; bzip2 raises a plain OSError instead."""

_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")  # follow "BZh" and a digit; text may also begin with "BZh"
_BZIP2_STREAM = re.compile(b"BZh[1-9](?:" + b"|".join(map(re.escape, _BZIP2_BLOCKS)) + b")")
_BZIP2_PART = 1 << 21  # bytes read at a time; a stream of many blocks alone, as bzip2 writes it, is longer
_BZIP2_LONGEST = 1 << 26  # bytes of streams, or of their content, that a thread decompresses at once
_PIECE = 1 << 16  # bytes given to a decompressor at a time
_ZSTD_INPUT = 1 << 14  # bytes per call of the decoder, which expands them by a factor of up to 32768
_ZSTD_LONGEST_WINDOW = 1 << 31  # window of `zstd --long=31`


def decompressed(stream: BinaryIO, name: str) -> io.BufferedReader:
    """Open `stream` for reading its decompressed content, or its content if it is not compressed.

    All members (frames, streams) of the data are read, one after the other.

    Parameters
    ----------
    stream : binary file
        It need not be seekable. The caller closes it.
    name : str
        Name of the file. The first bytes, not the suffix, determine the compression.

    Returns
    -------
    io.BufferedReader
        Its ``read`` raises one of `DAMAGE`, or an OSError, if the data is truncated or damaged.

    Raises
    ------
    NotCompressedError
        The suffix states a compression that the data does not have.
    """
    start = read_fully(stream, START)
    stored = Prefixed(start, stream)
    suffix = PurePosixPath(name).suffix.lower()
    if start.startswith(MAGIC[".gz"]):
        return cast(io.BufferedReader, gzip.GzipFile(fileobj=io.BufferedReader(stored), mode="rb"))
    if start.startswith(MAGIC[".bz2"]) and start[4:10] in _BZIP2_BLOCKS:
        return _bzip2(io.BufferedReader(stored))
    if start.startswith(MAGIC[".xz"]):
        return io.BufferedReader(_AllStreams(stored, lzma.LZMADecompressor), 1 << 17)
    if start.startswith(MAGIC[".zst"]) or (suffix == ".zst" and _is_skippable_frame(start)):
        return io.BufferedReader(_ZstandardFile(stored), 1 << 17)
    if suffix in MAGIC and start:
        raise NotCompressedError(f"named {suffix} but does not hold {suffix} data; rename it if it is plain text")
    return io.BufferedReader(stored, 1 << 17)


def is_compressed(start: bytes) -> bool:
    """Return whether data is compressed, from its first `START` bytes."""
    return start.startswith((MAGIC[".gz"], MAGIC[".xz"], MAGIC[".zst"])) or bool(_BZIP2_STREAM.match(start))


def _bzip2(stored: io.BufferedReader) -> io.BufferedReader:
    """Open bzip2 data; several streams, as pbzip2 and the dumps of Wikipedia have them, are decompressed by threads."""
    start = read_fully(stored, _BZIP2_PART)
    whole = cast(io.BufferedReader, io.BufferedReader(Prefixed(start, stored), 1 << 17))
    if available_processors() > 1 and _BZIP2_STREAM.search(start, 1):
        return io.BufferedReader(_Streams(whole), 1 << 17)
    return io.BufferedReader(_AllStreams(whole, bz2.BZ2Decompressor), 1 << 17)


def read_fully(stream: BinaryIO, size: int) -> bytes:
    """Read `size` bytes, fewer only at the end of the stream, although one read of a pipe may return fewer."""
    data = b""
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    return data


class Prefixed(io.RawIOBase):
    """A stream whose first bytes, `start`, have already been read.

    Parameters
    ----------
    start : bytes
    stream : binary file
        The stream after `start`.
    """

    def __init__(self, start: bytes, stream: BinaryIO) -> None:
        self._start = start
        self._stream = stream

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill `buffer`, first from the bytes already read; return the number of bytes."""
        if not self._start:
            return cast(io.RawIOBase, self._stream).readinto(buffer) or 0
        count = min(len(buffer), len(self._start))
        buffer[:count] = self._start[:count]
        self._start = self._start[count:]
        return count


class _Streams(io.RawIOBase):
    """Reader of bzip2 data of many streams, which threads decompress ahead of what is read."""

    def __init__(self, stored: io.BufferedReader) -> None:
        self._parts = _decompressed_parts(stored)
        self._output = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._output:
            if (part := next(self._parts, None)) is None:
                return 0
            self._output = memoryview(part)
        count = min(len(buffer), len(self._output))
        buffer[:count] = self._output[:count]
        self._output = self._output[count:]
        return count


def _decompressed_parts(stored: io.BufferedReader) -> Iterator[bytes]:
    """Yield the content of whole streams in order, which threads decompress at the same time."""
    threads = available_processors()
    pending: deque[tuple[list[bytes], Future[bytes | None]]] = deque()

    def next_part() -> Iterator[bytes]:
        streams, future = pending.popleft()
        part = future.result()
        yield from _in_pieces(io.BytesIO(b"".join(streams))) if part is None else [part]

    with ThreadPoolExecutor(threads) as pool:
        for streams in _whole_streams(stored):
            if len(streams[-1]) >= _BZIP2_LONGEST:
                break
            pending.append((streams, pool.submit(_content, streams)))
            if len(pending) > threads:
                yield from next_part()
        else:
            streams = []
        while pending:
            yield from next_part()
    if streams:
        yield from _in_pieces(Prefixed(b"".join(streams), stored))


def _whole_streams(stored: io.BufferedReader) -> Iterator[list[bytes]]:
    """Cut bzip2 data before the beginnings of streams and group the streams; a long one comes last, and may go on."""
    rest = b""
    while len(rest) < _BZIP2_LONGEST and (piece := stored.read(_BZIP2_PART)):
        searched = max(len(rest) - START, 1)
        rest += piece
        starts = [0, *(found.start() for found in _BZIP2_STREAM.finditer(rest, searched))]
        if len(starts) > 1:
            yield [rest[start:end] for start, end in itertools.pairwise(starts)]
            rest = rest[starts[-1] :]
    if rest:
        yield [rest]


def _content(streams: list[bytes]) -> bytes | None:
    """Return the content of some streams, None if it is too long to be held in memory."""
    room, parts = _BZIP2_LONGEST, []
    for stream in streams:
        decompressor = bz2.BZ2Decompressor()
        parts.append(decompressor.decompress(stream, room + 1))
        room -= len(parts[-1])
        if room < 0:
            return None
        if not decompressor.eof:
            raise EOFError("a stream is not complete")
        if decompressor.unused_data.strip(b"\0"):
            raise OSError("Invalid data after a stream")
    return b"".join(parts)


def _in_pieces(streams: io.RawIOBase | io.BytesIO) -> Iterator[bytes]:
    content = io.BufferedReader(_AllStreams(streams, bz2.BZ2Decompressor), 1 << 17)
    while piece := content.read(_BZIP2_PART):
        yield piece


class _AllStreams(io.RawIOBase):
    """Reader of all streams of xz or bzip2 data.

    The library's own readers end in silence where the beginning of a further stream is damaged. Zeros may follow a
    stream, as the format of xz has it.
    """

    def __init__(
        self, stored: BinaryIO | io.RawIOBase, begin: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor]
    ) -> None:
        self._stored, self._begin = stored, begin
        self._stream, self._input = begin(), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._stream.eof or self._next_stream():
            compressed = b""
            if self._stream.needs_input:
                compressed, self._input = self._input or self._stored.read(_PIECE) or b"", b""
                if not compressed:
                    raise EOFError("a stream is not complete")
            content = self._stream.decompress(compressed, len(buffer))
            if content:
                buffer[: len(content)] = content
                return len(content)
        return 0

    def _next_stream(self) -> bool:
        """Begin the next stream; return False at the end of the data."""
        rest = self._stream.unused_data.lstrip(b"\0")
        while not rest and (more := self._stored.read(_PIECE)):
            rest = more.lstrip(b"\0")
        if rest:
            self._stream, self._input = self._begin(), rest
        return bool(rest)


class _ZstandardFile(io.RawIOBase):
    """Reader of all frames of Zstandard data; unlike the library's own reader it detects a truncated frame."""

    def __init__(self, stored: Prefixed) -> None:
        self._stored = stored
        self._input = b""
        self._output = memoryview(b"")
        self._frame = self._next_frame()

    @staticmethod
    def _next_frame() -> Any:
        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_LONGEST_WINDOW).decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._output:
            self._input = self._input or self._stored.read(_ZSTD_INPUT) or b""
            if not self._input:
                if not self._frame.eof:
                    raise EOFError("the last frame is not complete")
                return 0
            if self._frame.eof:
                self._frame = self._next_frame()
            self._output = memoryview(self._frame.decompress(self._input))
            self._input = self._frame.unused_data if self._frame.eof else b""
        count = min(len(buffer), len(self._output))
        buffer[:count] = self._output[:count]
        self._output = self._output[count:]
        return count


def _is_skippable_frame(start: bytes) -> bool:
    """Return True if Zstandard data begins with a frame of user data."""
    return start[1:4] == b"\x2a\x4d\x18" and start[0] & 0xF0 == 0x50
