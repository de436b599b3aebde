"""word2vec's text format: a header ``V D``, then ``word number … number`` on each line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from embeddings.formats.compression import VectorFile
from embeddings.formats.decoding import UTF_8, Decoding
from embeddings.formats.header import exactly, header_of, read_header
from embeddings.formats.stream import Progress, VectorStream
from embeddings.formats.text_rows import read_rows, word_prefixes, write_rows


@contextmanager
def open_stream(path: Path, progress: Progress | None = None, decoding: Decoding = UTF_8) -> Iterator[VectorStream]:
    """Open a file for reading; lines may end in a space, as the C tool writes them."""
    with VectorFile(path, decoding) as file:
        count, dimension, rest = read_header(file, word_bytes=2, number_bytes=2)
        rows = read_rows(file, rest, 2, dimension, progress=progress)
        yield VectorStream(
            dimension=dimension,
            count=count if file.size is not None else None,
            blocks=exactly(rows, count, file),
        )


def write_stream(stream: VectorStream, file: BinaryIO, dtype: str, *, digits: int = 0, ending: bytes = b"\n") -> None:
    """Write words and vectors.

    Parameters
    ----------
    stream : VectorStream
    file : binary file
    dtype : str
    digits : int
        Significant digits; 0 for the fewest that read back as the same float32. fastText writes five, with a relative
        error of at most 5e-5.
    ending : bytes
        Line ending; fastText writes a space before the newline.
    """
    file.write(header_of(stream))
    for text in write_rows(stream, word_prefixes, ending=ending, digits=digits):
        file.write(text)
