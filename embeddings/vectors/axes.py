"""Words placed on an axis between two poles, as from bad to good."""

from collections.abc import Sequence

import numpy as np

from embeddings.vectors.embedding_matrix import require_vectors
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import require_list


def axis(vectors: WordVectors, positive: Sequence[str], negative: Sequence[str]) -> np.ndarray:
    """Return the direction from one pole to another: the difference of the means of their unit vectors.

    SemAxis: An, Kwak & Ahn (2018), "SemAxis: A Lightweight Framework to Characterize Domain-Specific Word Semantics
    Beyond Sentiment", section 3.

    Parameters
    ----------
    vectors : WordVectors
    positive, negative : sequence of str
        Words of the poles; one or several.

    Returns
    -------
    (d,) float32
        Of length 1; zeros if both poles have the same mean.

    Raises
    ------
    KeyError
        A word is unknown.
    ValueError
        A pole is without words.
    TypeError
        A pole is no list of words.
    """
    require_vectors(vectors)
    require_list(positive)
    require_list(negative)
    if not len(positive) or not len(negative):
        raise ValueError("a pole of the axis has no words; expected at least one in each")
    direction = vectors.unit_vectors(positive).mean(axis=0) - vectors.unit_vectors(negative).mean(axis=0)
    length = float(np.linalg.norm(direction))
    return direction / length if length > 1e-6 else np.zeros_like(direction)


def place_on_axis(
    vectors: WordVectors, positive: Sequence[str], negative: Sequence[str], words: Sequence[str]
) -> np.ndarray:
    """Return the cosine of each word with the axis from `negative` to `positive`: (n,) float32; see `axis`."""
    return vectors.unit_vectors(words) @ axis(vectors, positive, negative)
