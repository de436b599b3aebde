"""Rows of words and numbers as text, read and written in blocks on all cores.

All text formats use this module; each adds its header, separator and line ending.
"""

import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from embeddings.formats import text_kernels
from embeddings.formats.compression import VectorFile
from embeddings.formats.decoding import BYTE_ORDER_MARK, decode_words
from embeddings.formats.errors import FormatError, shown
from embeddings.formats.stream import Progress, VectorBlock, VectorStream, encoded
from vecmill.plurals import counted

CHUNK_BYTES = 1 << 21
LONGEST_LINE = 1 << 26
WORKERS = min(8, os.cpu_count() or 1)

_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NOT_FINITE = re.compile(rb"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_WHITE_SPACE = re.compile(r"[ \t\n\v\f\r]")
_OVERFLOW = (2.0**25 - 1) * 2.0**103  # the first real that rounds to infinity in float32

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Apply a function in `WORKERS` threads; yield results in the order of the items, with a bounded queue."""
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > WORKERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def first_line(file: VectorFile) -> tuple[bytes, bytes]:
    """Return the first line of a file, without byte-order mark and newline, and the bytes read beyond it."""
    data = b""
    while b"\n" not in data:
        if len(data) > LONGEST_LINE:
            raise _line_too_long(file.path, 1)
        piece = file.read(CHUNK_BYTES if data else 1 << 16)
        data += piece
        if not piece:
            break
    line, _, rest = data.removeprefix(BYTE_ORDER_MARK).partition(b"\n")
    return line, rest


def read_rows(
    file: VectorFile,
    buffered: bytes,
    line: int,
    dimension: int,
    *,
    labelled: bool = True,
    progress: Progress | None = None,
) -> Iterator[VectorBlock]:
    """Read lines of an optional word and `dimension` numbers, separated by spaces or tabs.

    Parameters
    ----------
    file : VectorFile
    buffered : bytes
        Bytes of the rows that were already read from the file.
    line : int
        Number of the first line, for messages.
    dimension : int
    labelled : bool
        Lines begin with a word; otherwise the words of the blocks are empty lists.
    progress : callable, optional
        Called with the number of bytes of the file read so far.

    Yields
    ------
    VectorBlock

    Raises
    ------
    FormatError
        A line has too few or too many numbers, a field that is not a finite number, no word, or a word that is not
        of the file's encoding; the message names the line.
    """

    def parse(chunk: tuple[int, bytes]) -> VectorBlock:
        return _parse_chunk(chunk[1], chunk[0], dimension, labelled, file)

    for block in in_order(parse, _whole_lines(file, buffered, line)):
        yield block
        if progress is not None:
            progress(file.position)


def write_rows(
    stream: VectorStream,
    prefixes: Callable[[VectorBlock], tuple[bytes, npt.NDArray[np.int64]]],
    *,
    separator: bytes = b" ",
    ending: bytes = b"\n",
    digits: int = 0,
) -> Iterator[memoryview]:
    """Yield the rows of a stream as text.

    Parameters
    ----------
    stream : VectorStream
    prefixes : callable
        Takes a block; returns the concatenated prefixes of its rows, and the end of each prefix, (n,) int64.
    separator : bytes of length 1
    ending : bytes
        Line ending, after the last number of a row.
    digits : int
        Significant digits; 0 for the fewest that read back as the same float32.

    Yields
    ------
    memoryview
    """
    line_end = np.frombuffer(ending, np.uint8)

    def text(block: VectorBlock) -> memoryview:
        blob, ends = prefixes(block)
        matrix = np.ascontiguousarray(block.matrix)
        room = len(blob) + len(matrix) * (matrix.shape[1] * text_kernels.LONGEST_NUMBER + len(ending))
        out = np.empty(room, np.uint8)
        length = text_kernels.format_rows(
            np.frombuffer(blob, np.uint8),
            ends,
            matrix,
            matrix.view(np.int32),
            separator[0],
            line_end,
            digits,
            (text_kernels.POWERS_OF_TEN, text_kernels.ULP, text_kernels.DECADE),
            out,
        )
        return out[:length].data

    yield from in_order(text, stream.blocks)


def word_prefixes(block: VectorBlock) -> tuple[bytes, npt.NDArray[np.int64]]:
    """Return the words of a block as prefixes of rows whose fields are separated by white space.

    Parameters
    ----------
    block : VectorBlock

    Returns
    -------
    prefixes : bytes
        The concatenated words.
    ends : (n,) int64
        End of each word.

    Raises
    ------
    FormatError
        A word holds ASCII white space, at which readers of these formats end a word or a line.
    """
    require_no_white_space(block.words)
    return encoded(block.words)


def require_no_white_space(words: list[str]) -> None:
    """Raise a FormatError if a word holds ASCII white space, which separates the fields of the format."""
    if _WHITE_SPACE.search("".join(words)):
        word = next(word for word in words if _WHITE_SPACE.search(word))
        raise FormatError(
            f"word {shown(word)} holds white space, by which this format separates its fields; replace it (by '_'), or "
            "choose csv, parquet, arrow, npz or safetensors"
        )


def is_number(field: bytes) -> bool:
    """Return True if a field is a finite decimal number."""
    return _NUMBER.fullmatch(field) is not None


def nearest_float32(number: bytes) -> np.float32:
    """Round a decimal number to the nearest float32, ties to even.

    Parameters
    ----------
    number : bytes
        ASCII digits with optional sign, point and exponent.

    Returns
    -------
    float32

    Raises
    ------
    OverflowError
        The number rounds to infinity.
    """
    approximate = float(number)
    if abs(approximate) >= _OVERFLOW:
        raise OverflowError("too large for float32")
    value = np.float32(approximate)
    if approximate == 0.0:
        return value
    exact = Decimal(number.decode())
    for towards in (np.float32(np.inf), np.float32(-np.inf)):
        with np.errstate(over="ignore"):
            neighbour: np.float32 = np.nextafter(value, towards)
        # the sum of two neighbours has at most 25 bits: exact in float64
        middle = Decimal((float(value) + float(neighbour)) / 2.0)
        beyond = exact > middle if towards > 0 else exact < middle
        if beyond or (exact == middle and value.view(np.uint32) & 1):
            return neighbour
    return value


def _whole_lines(file: VectorFile, buffered: bytes, line: int) -> Iterator[tuple[int, bytes]]:
    """Yield chunks of whole lines, each with the number of its first line."""
    while True:
        piece = file.read(CHUNK_BYTES)
        data = buffered + piece
        cut = data.rfind(b"\n") + 1
        if not piece:
            if data:
                yield line, data if data.endswith(b"\n") else data + b"\n"
            return
        buffered = data[cut:]
        if cut:
            yield line, data[:cut]
            line += data.count(b"\n", 0, cut)
        elif len(buffered) > LONGEST_LINE:
            raise _line_too_long(file.path, line)


def _parse_chunk(chunk: bytes, line: int, dimension: int, labelled: bool, file: VectorFile) -> VectorBlock:
    data = np.frombuffer(chunk, np.uint8)
    # A header may state any dimension: allocate no more rows than the text can hold.
    lines = chunk.count(b"\n")
    rows = min(lines, len(chunk) // (2 * dimension + (2 if labelled else 0)))
    matrix = np.empty((rows, dimension), np.float32)
    words = np.empty(len(chunk) + lines if labelled else 0, np.uint8)
    position = row = length = 0
    while True:
        position, row, length = text_kernels.parse_rows(
            data, position, labelled, text_kernels.POWERS_OF_TEN, matrix, row, words, length
        )
        if position == len(chunk):
            break
        end = chunk.index(b"\n", position)
        text = chunk[position:end]
        if text.strip(b" \t\r"):
            try:
                word, numbers = _parse_line(text, dimension, labelled)
            except ValueError as error:
                number = line + chunk.count(b"\n", 0, position)
                raise FormatError(f"{file.path}: line {number}: {error}") from None
            matrix[row] = numbers
            if labelled:
                words[length : length + len(word) + 1] = np.frombuffer(word + b"\n", np.uint8)
                length += len(word) + 1
            row += 1
        position = end + 1

    def place(index: int) -> str:
        rows_before = [number for number, text in enumerate(chunk.split(b"\n")) if text.strip(b" \t\r")]
        return f"{file.path}: line {line + rows_before[index]}"

    return VectorBlock(decode_words(words[:length].tobytes(), file.decoding, place), matrix[:row])


def _parse_line(line: bytes, dimension: int, labelled: bool) -> tuple[bytes, list[np.float32]]:
    """Parse one line exactly, after the kernel has refused it; a ValueError describes the error.

    A word may hold spaces (some of GloVe's do) if no part after the first is a number.
    """
    if labelled and line[:1] in (b" ", b"\t"):
        raise ValueError("begins with white space where a word is expected; give every line a word")
    fields = re.split(rb"[ \t]+", line.strip(b" \t\r"))
    spare = len(fields) - dimension - int(labelled)
    middle = fields[1 : 1 + spare] if labelled else fields[:spare]
    if spare < 0 or (spare > 0 and (not labelled or any(map(is_number, middle)))):
        raise ValueError(
            f"{counted(len(fields) - int(labelled), 'number')}, expected {dimension}; every line needs as many "
            "as the header or the first line states"
        )
    numbers = []
    for index, field in enumerate(fields[len(fields) - dimension :], 1):
        if not is_number(field):
            expected = "a finite number" if _NOT_FINITE.fullmatch(field) else "a decimal number"
            raise ValueError(f"number {index} is {shown(field)}, expected {expected}; correct or remove the line")
        try:
            numbers.append(nearest_float32(field))
        except OverflowError:
            raise ValueError(f"number {index}, {shown(field)}, is too large for float32; scale the vectors") from None
    word = line.rsplit(None, dimension)[0] if spare else fields[0]
    return word if labelled else b"", numbers


def _line_too_long(path: Path, line: int) -> FormatError:
    return FormatError(
        f"{path}: line {line} is longer than {LONGEST_LINE >> 20} MiB; expected lines of a word and its numbers, "
        "is this a binary file?"
    )
