"""Look-up of the words of an evaluation set in a model."""

from embeddings.vectors.embedding_matrix import EmbeddingMatrix


def fold(word: str, case_insensitive: bool) -> str:
    """Return the form by which words are compared: upper case, as in the C tool and gensim, or the word itself."""
    return word.upper() if case_insensitive else word


def known_rows(vectors: EmbeddingMatrix, restrict_vocab: int | None, case_insensitive: bool) -> dict[str, int]:
    """Return the row of each word form among the first `restrict_vocab` words.

    The first, most frequent, of several words with the same form represents all of them.
    """
    rows: dict[str, int] = {}
    for row, word in enumerate(vectors.words[:restrict_vocab]):
        rows.setdefault(fold(word, case_insensitive), row)
    return rows
