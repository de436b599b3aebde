"""Which words of an evaluation set a model knows, and at which row."""

from embeddings.vectors.embedding_matrix import EmbeddingMatrix


def fold(word: str, case_insensitive: bool) -> str:
    """Form in which words are compared: upper case, as in the C tool and gensim, or as it is."""
    return word.upper() if case_insensitive else word


def known_rows(vectors: EmbeddingMatrix, restrict_vocab: int | None, case_insensitive: bool) -> dict[str, int]:
    """Row of each word form among the first `restrict_vocab` words.

    Of several words with the same upper case the first, that is the most frequent one, stands for all.
    """
    rows: dict[str, int] = {}
    for row, word in enumerate(vectors.words[:restrict_vocab]):
        rows.setdefault(fold(word, case_insensitive), row)
    return rows
