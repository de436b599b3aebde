"""Streams of words and vectors between files: blocks of rows, so that memory does not grow with the file."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from embeddings.formats.errors import FormatError, shown
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings.vectors.subwords import SubwordVectors

logger = logging.getLogger(__name__)

Progress = Callable[[int], None]

_SURROGATE = re.compile("[\ud800-\udfff]")

BLOCK_BYTES = 1 << 20  # float32 bytes of a block: it stays in a core's cache from one step to the next


class VectorBlock(NamedTuple):
    """Consecutive rows of a file.

    Attributes
    ----------
    words : list of str
    matrix : (n, d) float32
    counts : (n,) int64 or None
    """

    words: list[str]
    matrix: npt.NDArray[np.float32]
    counts: npt.NDArray[np.int64] | None = None


@dataclass(kw_only=True)
class VectorStream:
    """The rows of a file, to be iterated once.

    Attributes
    ----------
    dimension : int
    blocks : iterator of VectorBlock
    count : int or None
        Number of rows, or None if it is known only at the end of the file. Readers state a number only if the size of
        the file is consistent with it, so that memory may be allocated for it.
    has_counts : bool
        The blocks have word counts.
    matrix : (V, d) float32 or None
        All rows, if the file can be memory-mapped; the blocks are then views of it.
    context : (V, d) float32 or None
        Context vectors, if the format has some.
    subwords : SubwordVectors or None
        Vectors of n-grams, if the format has some.
    directory : Path or None
        The model directory that the rows come from; it records how they were made.
    """

    dimension: int
    blocks: Iterator[VectorBlock]
    count: int | None = None
    has_counts: bool = False
    matrix: npt.NDArray[np.float32] | None = None
    context: npt.NDArray[np.float32] | None = None
    subwords: "SubwordVectors | None" = None
    directory: Path | None = None


class VectorTable(NamedTuple):
    """All rows of a file.

    Attributes
    ----------
    words : sequence of str
    counts : (V,) int64 or None
    matrix : (V, d) float32
    """

    words: Sequence[str]
    counts: npt.NDArray[np.int64] | None
    matrix: npt.NDArray[np.float32]


def rows_per_block(dimension: int) -> int:
    """Return the number of rows of `dimension` float32 in a block."""
    return max(1, BLOCK_BYTES // (4 * max(1, dimension)))


def as_float32(array: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return an array as contiguous float32; too large numbers become infinity, which `verified` refuses."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, np.float32)


def as_dtype(block: VectorBlock, dtype: str) -> npt.NDArray[np.floating]:
    """Return the vectors of a block as little-endian float32 or float16.

    Parameters
    ----------
    block : VectorBlock
    dtype : {"float32", "float16"}

    Returns
    -------
    (n, d) array

    Raises
    ------
    FormatError
        A number exceeds 65,504, the largest float16.
    """
    if dtype == "float32":
        return np.ascontiguousarray(block.matrix, "<f4")
    with np.errstate(over="ignore"):
        half = np.ascontiguousarray(block.matrix, "<f2")
    if not np.isfinite(half).all():
        row = int(np.flatnonzero(~np.isfinite(half).all(axis=1))[0])
        raise FormatError(
            f"the vector of {shown(block.words[row])} holds a number beyond 65,504, the largest float16; write float32"
        )
    return half


def sliced(
    words: list[str],
    counts: npt.NDArray[np.int64] | None,
    rows: Iterable[npt.NDArray[np.float32]],
    progress: Progress | None,
) -> Iterator[VectorBlock]:
    """Yield consecutive rows with their words and counts; call `progress` with the bytes of the rows so far."""
    start = size = 0
    for matrix in rows:
        stop = start + len(matrix)
        yield VectorBlock(words[start:stop], matrix, None if counts is None else counts[start:stop])
        start = stop
        size += matrix.nbytes
        if progress is not None:
            progress(size)


def verified(blocks: Iterable[VectorBlock], source: Path | str) -> Iterator[VectorBlock]:
    """Check blocks and yield them: at least one word, no empty word, finite numbers, no negative count.

    Parameters
    ----------
    blocks : iterable of VectorBlock
    source : Path or str
        Name of the file in messages.

    Yields
    ------
    VectorBlock

    Raises
    ------
    FormatError
        A check fails; the message states the number of the word.
    """
    done = 0
    for block in blocks:
        if "" in block.words:
            number = done + block.words.index("") + 1
            raise FormatError(f"{source}: word {number} is empty; a word needs at least one character")
        if block.counts is not None and (block.counts < 0).any():
            row = int(np.flatnonzero(block.counts < 0)[0])
            raise FormatError(
                f"{source}: word {done + row + 1}, {shown(block.words[row])}, has the count {block.counts[row]}; "
                "expected the number of its occurrences, 0 if unknown"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            doubtful = not np.isfinite(block.matrix.sum())  # one fast pass; a sum of finite numbers may overflow
        if doubtful:
            bad = np.flatnonzero(~np.isfinite(block.matrix).all(axis=1))
            if len(bad):
                row = int(bad[0])
                raise FormatError(
                    f"{source}: the vector of word {done + row + 1}, {shown(block.words[row])}, holds NaN or infinity; "
                    "every number must be finite: leave this word out or train again"
                )
        done += len(block.words)
        yield block
    if not done:
        raise FormatError(f"{source}: holds no words; expected one or more")


def without_duplicates(blocks: Iterable[VectorBlock], source: Path | str) -> Iterator[VectorBlock]:
    """Yield the first row of every word; log the number of duplicates."""
    seen: set[str] = set()
    passed: list[list[str]] = []
    dropped, example = 0, ""
    for block in blocks:
        if not dropped:
            expected = len(seen) + len(block.words)
            seen.update(block.words)
            if len(seen) == expected:
                passed.append(block.words)
                yield block
                continue
            # The first duplicate: from here on check every word separately.
            seen = {word for words in passed for word in words}
        kept = []
        for row, word in enumerate(block.words):
            if word in seen:
                dropped, example = dropped + 1, example or word
            else:
                seen.add(word)
                kept.append(row)
        counts = None if block.counts is None else block.counts[kept]
        yield VectorBlock([block.words[row] for row in kept], block.matrix[kept], counts)
    if dropped:
        logger.warning(
            "%s: %s skipped, first %s; every word keeps its first vector",
            source,
            counted(dropped, "duplicate word"),
            shown(example),
        )


def first_rows(stream: VectorStream, limit: int) -> VectorStream:
    """Return a stream of the first `limit` rows; no more of the file is read."""

    def blocks() -> Iterator[VectorBlock]:
        left = limit
        for block in stream.blocks:
            counts = None if block.counts is None else block.counts[:left]
            yield VectorBlock(block.words[:left], block.matrix[:left], counts)
            left -= len(block.words)
            if left <= 0:
                return

    count = None if stream.count is None else min(stream.count, limit)
    return replace(stream, blocks=blocks(), count=count)


def collect(stream: VectorStream) -> VectorTable:
    """Collect all rows; the matrix is memory-mapped if possible, else allocated once if the row count is known."""
    words: list[str] = []
    counts: list[npt.NDArray[np.int64]] = []
    if stream.matrix is not None:
        views = []
        for block in stream.blocks:
            words += block.words
            views.append(block.matrix)
            if block.counts is not None:
                counts.append(block.counts)
        matrix = stream.matrix if len(words) == len(stream.matrix) else np.concatenate(views)
    else:
        matrix = np.empty((stream.count or 0, stream.dimension), dtype=np.float32)
        for block in stream.blocks:
            stop = len(words) + len(block.words)
            if stop > len(matrix):
                # the C library moves pages instead of copying them
                matrix.resize((max(stop, len(matrix) * 3 // 2), stream.dimension), refcheck=False)
            matrix[len(words) : stop] = block.matrix
            words += block.words
            if block.counts is not None:
                counts.append(block.counts)
        if len(words) < len(matrix):
            matrix.resize((len(words), stream.dimension), refcheck=False)
    return VectorTable(words, np.concatenate(counts) if stream.has_counts and counts else None, matrix)


def stream_of(table: VectorTable, source: str, progress: Progress | None = None) -> VectorStream:
    """Return the rows of a table as a stream; `progress` is called with the number of words yielded so far."""
    matrix = table.matrix
    step = rows_per_block(matrix.shape[1])

    def blocks() -> Iterator[VectorBlock]:
        for start in range(0, len(matrix), step):
            rows = np.ascontiguousarray(matrix[start : start + step], dtype=np.float32)
            counts = None if table.counts is None else table.counts[start : start + step]
            yield VectorBlock(list(table.words[start : start + step]), rows, counts)
            if progress is not None:
                progress(min(start + step, len(matrix)))

    return VectorStream(
        dimension=matrix.shape[1],
        blocks=verified(blocks(), source),
        count=len(matrix),
        has_counts=table.counts is not None,
    )


def encoded(words: list[str]) -> tuple[bytes, npt.NDArray[np.int64]]:
    """Return the concatenated words as UTF-8, and the end of each word.

    Parameters
    ----------
    words : list of str

    Returns
    -------
    text : bytes
    ends : (n,) int64

    Raises
    ------
    FormatError
        A word holds half of a surrogate pair, which has no UTF-8 form.
    """
    try:
        blob = "".join(words).encode()
    except UnicodeEncodeError:
        word = next(word for word in words if _SURROGATE.search(word))
        raise FormatError(f"word {shown(word)} has half of a surrogate pair and so no UTF-8 form; remove it") from None
    lengths = map(len, words) if blob.isascii() else (len(word.encode()) for word in words)
    return blob, np.cumsum(np.fromiter(lengths, np.int64, len(words)))
