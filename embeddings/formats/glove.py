"""GloVe's text format: ``word number … number`` on each line, no header."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from embeddings.formats.compression import VectorFile
from embeddings.formats.errors import FormatError, shown
from embeddings.formats.stream import Progress, VectorStream
from embeddings.formats.text_rows import first_line, read_rows, word_prefixes, write_rows


@contextmanager
def open_stream(path: Path, progress: Progress | None = None) -> Iterator[VectorStream]:
    """Open a file for reading; the first line determines the dimension."""
    with VectorFile(path) as file:
        line, rest = first_line(file)
        dimension = len(re.findall(rb"[^ \t\r]+", line)) - 1
        if dimension < 1:
            raise FormatError(f"{path}: line 1 is {shown(line)}, expected a word and its numbers; is this a text file?")
        yield VectorStream(
            dimension=dimension, blocks=read_rows(file, line + b"\n" + rest, 1, dimension, progress=progress)
        )


def write_stream(stream: VectorStream, file: BinaryIO, dtype: str) -> None:
    """Write numbers with the fewest digits that read back as the same float32."""
    for text in write_rows(stream, word_prefixes):
        file.write(text)
