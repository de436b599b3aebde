"""Texts with a vector each: the Parquet file that `vecmill embed` writes, with the columns ``text`` and ``vector``."""

from pathlib import Path

import numpy as np

from embeddings.formats.errors import FormatError
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_vectors import WordVectors
from vecmill.extras import needs

ENDING = ".parquet"
_COLUMNS = ["text", "vector"]


def holds_texts(path: Path) -> bool:
    """Return whether a file is a Parquet table of texts, not of words."""
    if path.suffix != ENDING or not path.is_file():
        return False
    with needs("parquet", str(path)):
        import pyarrow as pa
        from pyarrow.parquet import read_schema
    try:
        names = read_schema(path).names
    except (pa.ArrowException, OSError, ValueError):
        return False  # damaged: the reader of word vectors says how
    return set(_COLUMNS) <= set(names) and "word" not in names


def read_texts(path: Path) -> WordVectors:
    """Read texts as word vectors whose words are the texts.

    Parameters
    ----------
    path : Path

    Returns
    -------
    WordVectors
        In the order of the file, without repeated texts and those whose vector is zero.

    Raises
    ------
    FormatError
        The table is damaged, has other types, or holds no text with a vector.
    """
    import pyarrow as pa
    from pyarrow.parquet import read_table

    try:
        table = read_table(path, columns=_COLUMNS)
        texts = [str(text) for text in table["text"].to_pylist()]
        matrix = np.array(table["vector"].to_pylist(), np.float32)
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise FormatError(
            f"{path}: not a table of texts and vectors of one length ({error}); embed them again"
        ) from None
    if matrix.ndim != 2:
        raise FormatError(f"{path}: no texts with a vector; embed some lines first")
    first = {text: row for row, text in reversed(list(enumerate(texts))) if text.strip() and matrix[row].any()}
    rows = sorted(first.values())
    return WordVectors(Vocabulary.from_words([texts[row] for row in rows]), matrix[rows])
