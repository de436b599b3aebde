"""fastText's ``.vec``: word2vec's text format with five significant digits and a space before each line's end."""

from typing import BinaryIO

from embeddings.formats.header import header_of
from embeddings.formats.stream import VectorStream
from embeddings.formats.text_rows import word_prefixes, write_rows
from embeddings.formats.word2vec_text import open_stream

__all__ = ["open_stream", "write_stream"]


def write_stream(stream: VectorStream, file: BinaryIO, dtype: str) -> None:
    """Write numbers as fastText does, rounded to five significant digits: off by up to 5e-5 of their value."""
    file.write(header_of(stream))
    for text in write_rows(stream, word_prefixes, ending=b" \n", digits=5):
        file.write(text)
