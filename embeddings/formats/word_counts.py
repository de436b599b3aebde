"""Counts of words in a file of their own, as ``word2vec -save-vocab`` and GloVe's ``vocab_count`` write it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from embeddings.formats.compression import VectorFile
from embeddings.formats.decoding import BYTE_ORDER_MARK, Decoding, decode_words
from embeddings.formats.errors import FormatError, shown
from embeddings.formats.stream import VectorBlock, logger

_LINE = re.compile(rb"(.*\S)[ \t]+(\d{1,18})[ \t\r]*")


def read_word_counts(path: Path, decoding: Decoding) -> dict[str, int]:
    """Read lines ``word count``, also compressed.

    Parameters
    ----------
    path : Path
    decoding : Decoding

    Returns
    -------
    dict of str to int
        In the order of the file.

    Raises
    ------
    FormatError
        The file cannot be read, has no words, or a line has another form or a word of a line before.
    """
    words, counts = [], []
    try:
        with VectorFile(path) as file:
            lines = b"".join(iter(lambda: file.read(1 << 20), b"")).removeprefix(BYTE_ORDER_MARK).split(b"\n")
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); expected lines 'word count'") from error
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    for number, line in numbered:
        match = _LINE.fullmatch(line)
        if match is None:
            raise FormatError(f"{path}: line {number} is {shown(line)}, expected a word and its count")
        words.append(match[1])
        counts.append(int(match[2]))
    blob = b"".join(word + b"\n" for word in words)
    decoded = decode_words(blob, decoding, lambda index: f"{path}: line {numbered[index][0]}")
    found = dict(zip(decoded, counts, strict=True))
    if not found:
        raise FormatError(f"{path}: holds no words; expected lines 'word count'")
    if len(found) < len(decoded):
        raise FormatError(f"{path}: {len(decoded) - len(found)} words have more than one line; expected one for each")
    return found


def with_counts(blocks: Iterable[VectorBlock], counts: Mapping[str, int], path: Path) -> Iterator[VectorBlock]:
    """Yield blocks with the counts of their words; 0, and a warning, for words without one.

    Parameters
    ----------
    blocks : iterable of VectorBlock
    counts : mapping of str to int
    path : Path
        File of the counts, for messages.

    Yields
    ------
    VectorBlock

    Raises
    ------
    FormatError
        No word has a count.
    """
    done = missing = 0
    for block in blocks:
        found = [counts.get(word, -1) for word in block.words]
        done, missing = done + len(found), missing + found.count(-1)
        yield block._replace(counts=np.maximum(np.array(found, np.int64), 0))
    if missing == done:
        raise FormatError(f"{path}: has no count of any of the {done} words; expected the counts of the same words")
    if missing:
        logger.warning("%s: no count of %d of %d words; their counts are 0", path, missing, done)
