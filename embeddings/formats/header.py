"""The header line ``V D`` of word2vec's files."""

import re
from collections.abc import Iterable, Iterator

from embeddings.formats.compression import VectorFile
from embeddings.formats.errors import FormatError, TruncatedFileError, shown
from embeddings.formats.stream import VectorBlock, VectorStream
from embeddings.formats.text_rows import first_line

_UNKNOWN = "<unk>"
_HEADER = re.compile(rb"\s*(\d{1,18})\s+(\d{1,18})\s*")


def header_of(stream: VectorStream) -> bytes:
    """Return the header of a stream whose number of words is known."""
    return f"{stream.count} {stream.dimension}\n".encode()


def parse_header(line: bytes) -> tuple[int, int] | None:
    """Return the numbers of words and dimensions, or None if the line is not a header."""
    match = _HEADER.fullmatch(line)
    return (int(match[1]), int(match[2])) if match else None


def read_header(file: VectorFile, word_bytes: int, number_bytes: int) -> tuple[int, int, bytes]:
    """Read the header and check it against the size of the file.

    Parameters
    ----------
    file : VectorFile
    word_bytes, number_bytes : int
        Smallest number of bytes of a word, and of a number.

    Returns
    -------
    count, dimension : int
    rest : bytes
        Bytes read beyond the header.

    Raises
    ------
    FormatError
        There is no header, or it states more than the file can hold.
    """
    line, rest = first_line(file)
    header = parse_header(line)
    if header is None:
        raise FormatError(
            f"{file.path}: line 1 is {shown(line)}, expected a header of two whole numbers, words and dimensions; "
            "a text file without one is of format 'glove'"
        )
    count, dimension = header
    if count == 0 or dimension == 0:
        raise FormatError(f"{file.path}: the header says {count} words of {dimension} dimensions; expected 1 or more")
    # the last newline may be missing
    needed = count * (word_bytes + number_bytes * dimension) - 1
    left = needed if file.size is None else max(0, file.size - len(line) - 1)
    if needed > left:
        raise TruncatedFileError(
            f"{file.path}: the header states {count} words of {dimension} dimensions, which take {needed} bytes or "
            f"more, but {left} follow it; the file is truncated, or its header is wrong"
        )
    return count, dimension, rest


def exactly(blocks: Iterable[VectorBlock], count: int, file: VectorFile) -> Iterator[VectorBlock]:
    """Yield blocks and check that they have as many rows as the header states.

    GloVe (``-write-header 1``) does not count the row of ``<unk>`` that it writes last.

    Parameters
    ----------
    blocks : iterable of VectorBlock
    count : int
        Rows that the header states.
    file : VectorFile

    Yields
    ------
    VectorBlock

    Raises
    ------
    FormatError
        There are more or fewer rows.
    """
    done, stated = 0, count
    for block in blocks:
        done += len(block.matrix)
        if done == stated + 1 and block.words[-1] == _UNKNOWN:
            count = done
        if done > count:
            break
        yield block
    if done != count:
        found = "more" if done > count else str(done)
        raise (FormatError if done > count else TruncatedFileError)(
            f"{file.path}: the header states {stated} words, but there are {found}; correct the header or get the "
            "file again"
        )
