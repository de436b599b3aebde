"""floret's table of n-grams, which spaCy loads with ``spacy init vectors LANG PATH OUT --mode floret``.

A header ``buckets d shortest longest hashes seed < >``, then ``number v ...`` lines for all buckets. It has no words:
the vector of any word is the mean of the rows of the whole word and its n-grams.
"""

from collections.abc import Iterator
from typing import BinaryIO

from embeddings.formats.errors import FormatError
from embeddings.formats.stream import VectorBlock, VectorStream, rows_per_block
from embeddings.formats.text_rows import word_prefixes, write_rows
from embeddings.text.character_ngrams import FLORET_SEED
from embeddings.vectors.subwords import SubwordVectors


def write_stream(stream: VectorStream, file: BinaryIO, dtype: str) -> None:
    """Write the vectors of n-grams; those of words follow from them.

    Parameters
    ----------
    stream : VectorStream
    file : binary file
    dtype : str
        "float32", the only precision of the format.

    Raises
    ------
    FormatError
        There are no n-grams, or they are hashed as fastText does.
    """
    subwords = stream.subwords
    if subwords is None or not subwords.ngrams.floret_hashes:
        found = "have no n-grams" if subwords is None else "have n-grams that are hashed as fastText does"
        raise FormatError(
            f"these vectors {found}; a floret table needs n-grams hashed as floret does, with which a model is trained"
        )
    ngrams = subwords.ngrams
    numbers = ngrams.buckets, subwords.dimension, ngrams.min_length, ngrams.max_length, ngrams.floret_hashes
    file.write(f"{' '.join(map(str, numbers))} {FLORET_SEED} < >\n".encode())
    table = VectorStream(dimension=subwords.dimension, blocks=_numbered(subwords), count=ngrams.buckets)
    for text in write_rows(table, word_prefixes):
        file.write(text)


def _numbered(subwords: SubwordVectors) -> Iterator[VectorBlock]:
    """Yield the vectors of all buckets with their numbers as words."""
    start = 0
    for rows in subwords.blocks(rows_per_block(subwords.dimension)):
        yield VectorBlock([str(number) for number in range(start, start + len(rows))], rows)
        start += len(rows)
