"""word2vec's binary format: a header ``V D``, then ``word``, a space and D float32 for each word.

The C tool writes a newline after each vector, gensim does not; both read both variants.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from embeddings.compilation import exact
from embeddings.formats.compression import VectorFile
from embeddings.formats.decoding import UTF_8, Decoding, decode_words
from embeddings.formats.errors import FormatError, TruncatedFileError, shown
from embeddings.formats.header import header_of, read_header
from embeddings.formats.stream import Progress, VectorBlock, VectorStream, encoded
from embeddings.formats.text_rows import in_order, require_no_white_space

CHUNK_BYTES = 1 << 20
MAX_WORD_BYTES = 1 << 16

_NEWLINE, _SPACE = 10, 32


@exact
def _find_records(data: np.ndarray, size: int, starts: np.ndarray, words: np.ndarray) -> tuple[int, int, int, bool]:
    """Find complete records and collect their words.

    Parameters
    ----------
    data : (n,) uint8
    size : int
        Bytes of a vector.
    starts : (rows,) int64
        Receives the start of each vector.
    words : (n + 1,) uint8
        Receives the words, each followed by a newline.

    Returns
    -------
    position : int
        Start of the first record that is incomplete or has an invalid word.
    row, length : int
        Records, and bytes of words, before it.
    proper : bool
        False if that record's word is empty, too long or holds a newline.
    """
    position = 0
    length = 0
    for row in range(len(starts)):
        i = position
        while i < len(data) and data[i] == _NEWLINE:
            i += 1
        start = i
        written = length
        while i < len(data) and data[i] != _SPACE and data[i] != _NEWLINE and i - start <= MAX_WORD_BYTES:
            words[written] = data[i]
            written += 1
            i += 1
        if i == len(data):
            return position, row, length, True
        if data[i] != _SPACE or i == start:
            return position, row, length, False
        if len(data) - i - 1 < size:
            return position, row, length, True
        words[written] = _NEWLINE
        length = written + 1
        starts[row] = i + 1
        position = i + 1 + size
    return position, len(starts), length, True


@exact
def _place_words(
    words: np.ndarray, ends: np.ndarray, size: int, newline: bool, out: np.ndarray, starts: np.ndarray
) -> int:
    """Write the words, spaces and newlines of records, with room for their vectors.

    Parameters
    ----------
    words : (n,) uint8
        The concatenated words.
    ends : (rows,) int64
        End of each word.
    size : int
        Bytes of a vector.
    newline : bool
        Write a newline after each vector.
    out : (m,) uint8
        Receives the records.
    starts : (rows,) int64
        Receives the start of each vector.

    Returns
    -------
    length : int
        Bytes of all records.
    """
    position = 0
    start = 0
    for row in range(len(ends)):
        for i in range(start, ends[row]):
            out[position] = words[i]
            position += 1
        start = ends[row]
        out[position] = _SPACE
        starts[row] = position + 1
        position += 1 + size
        if newline:
            out[position] = _NEWLINE
            position += 1
    return position


@contextmanager
def open_stream(path: Path, progress: Progress | None = None, decoding: Decoding = UTF_8) -> Iterator[VectorStream]:
    """Open a file for reading, with or without newlines after the vectors."""
    with VectorFile(path, decoding) as file:
        count, dimension, rest = read_header(file, word_bytes=2, number_bytes=4)
        yield VectorStream(
            dimension=dimension,
            count=count if file.size is not None else None,
            blocks=_read_blocks(file, rest, count, dimension, progress),
        )


def _read_blocks(
    file: VectorFile, data: bytes, count: int, dimension: int, progress: Progress | None
) -> Iterator[VectorBlock]:
    done, size = 0, 4 * dimension
    while done < count:
        piece = file.read(CHUNK_BYTES)
        data += piece
        buffer = np.frombuffer(data, np.uint8)
        starts = np.empty(min(count - done, len(data) // (size + 2)), np.int64)
        words = np.empty(len(data) + 1, np.uint8)
        position, row, length, proper = _find_records(buffer, size, starts, words)
        if row:
            matrix = sliding_window_view(buffer, size)[starts[:row]].view("<f4")
            place = functools.partial(_place, file, done)
            yield VectorBlock(decode_words(words[:length].tobytes(), file.decoding, place), matrix)
            if progress is not None:
                progress(file.position)
        done += row
        if not proper:
            raise FormatError(
                f"{_place(file, done, 0)}: no word of 1 to {MAX_WORD_BYTES} bytes and a space; the header's "
                f"{dimension} dimensions may be wrong, or the file is damaged or not a word2vec file"
            )
        data = data[position:]
        if not piece and done < count:
            raise TruncatedFileError(
                f"{file.path}: ends within word {done + 1} of the {count} that its header states; get the file again"
            )
    data += file.read(2)
    if data.strip(b"\n"):
        raise FormatError(
            f"{file.path}: continues after the {count} words that its header states; the header is wrong: correct it"
        )


def _place(file: VectorFile, done: int, index: int) -> str:
    return f"{file.path}: word {done + index + 1}"


def write_stream(stream: VectorStream, file: BinaryIO, dtype: str, *, newline: bool = False) -> None:
    """Write words and vectors.

    Parameters
    ----------
    stream : VectorStream
    file : binary file
    dtype : str
        "float32", the only precision of the format.
    newline : bool
        Write a newline after each vector, like the C tool.
    """
    file.write(header_of(stream))
    for records in in_order(functools.partial(_records, newline=newline), stream.blocks):
        file.write(records)


def _records(block: VectorBlock, newline: bool) -> memoryview:
    require_no_white_space(block.words)
    blob, ends = encoded(block.words)
    _require_readable_lengths(np.diff(ends, prepend=0), block.words)
    vectors = np.ascontiguousarray(block.matrix, "<f4").view(np.uint8)
    size = vectors.shape[1]
    out = np.empty(len(blob) + len(ends) * (size + 2), np.uint8)
    starts = np.empty(len(ends), np.int64)
    length = _place_words(np.frombuffer(blob, np.uint8), ends, size, newline, out, starts)
    sliding_window_view(out, size, writeable=True)[starts] = vectors
    return out[:length].data


def _require_readable_lengths(lengths: np.ndarray, words: list[str]) -> None:
    if lengths.max(initial=0) > MAX_WORD_BYTES:
        row = int(lengths.argmax())
        raise FormatError(
            f"word {shown(words[row])} has {lengths[row]:,} bytes; this format holds words of up to {MAX_WORD_BYTES:,} "
            "bytes: leave it out, or choose csv, parquet, arrow, npz or safetensors"
        )
