"""GloVe's text format: ``word number … number`` on each line, no header."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from embeddings.formats.compression import VectorFile
from embeddings.formats.decoding import BYTE_ORDER_MARK, UTF_8, Decoding
from embeddings.formats.errors import FormatError, shown
from embeddings.formats.stream import Progress, VectorStream
from embeddings.formats.text_rows import first_line, read_rows, word_prefixes, write_rows


@contextmanager
def open_stream(path: Path, progress: Progress | None = None, decoding: Decoding = UTF_8) -> Iterator[VectorStream]:
    """Open a file for reading; the first line determines the dimension."""
    with VectorFile(path, decoding) as file:
        line, rest = first_line(file)
        dimension = len(re.findall(rb"[^ \t\r]+", line)) - 1
        if dimension < 1:
            raise FormatError(f"{path}: line 1 is {shown(line)}, expected a word and its numbers; is this a text file?")
        yield VectorStream(
            dimension=dimension, blocks=read_rows(file, line + b"\n" + rest, 1, dimension, progress=progress)
        )


def write_stream(stream: VectorStream, file: BinaryIO, dtype: str) -> None:
    """Write numbers with the fewest digits that read back as the same float32.

    Parameters
    ----------
    stream : VectorStream
    file : binary file
    dtype : str
        "float32"; the file holds decimal numbers.

    Raises
    ------
    FormatError
        The first word begins with the character U+FEFF, which is a byte-order mark there.
    """
    for number, text in enumerate(write_rows(stream, word_prefixes)):
        if number == 0 and bytes(text[: len(BYTE_ORDER_MARK)]) == BYTE_ORDER_MARK:
            raise FormatError("the first word begins with a byte-order mark, which readers drop; write word2vec-text")
        file.write(text)
