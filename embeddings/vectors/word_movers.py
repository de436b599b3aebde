"""Word Mover's Distance between two texts (Kusner et al. 2015); POT solves the transport problem."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from embeddings.setting_types import require_flags
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import require_words
from vecmill.extras import needs


def word_movers_distance(
    vectors: WordVectors, text1: Sequence[str], text2: Sequence[str], *, normalize: bool = True
) -> float:
    """Return the least distance that the words of one text travel to become those of the other.

    Each text is its known words with their shares; the cost between two words is the Euclidean distance of their
    vectors. M. Kusner, Y. Sun, N. Kolkin, K. Weinberger: "From Word Embeddings To Document Distances", 2015, eq. 1.

    Parameters
    ----------
    vectors : WordVectors
    text1, text2 : sequence of str
        Words; those without a vector are skipped.
    normalize : bool
        Scale vectors to unit length first.

    Returns
    -------
    float
        Infinity if a text has no known word.

    Raises
    ------
    MissingExtraError
        POT is not installed.
    TypeError
        A text is a str, or no list of words.
    """
    for text in (text1, text2):
        require_words(text)
    require_flags(normalize=normalize)
    counts1, counts2 = (Counter(word for word in text if vectors.has_vector(word)) for text in (text1, text2))
    if not counts1 or not counts2:
        return float("inf")
    words = sorted({*counts1, *counts2})
    if len(words) == 1:
        return 0.0
    rows = (vectors.unit_vectors(words) if normalize else vectors[words]).astype(np.float64)
    squares = np.einsum("ij,ij->i", rows, rows)
    costs = np.sqrt(np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0))
    np.fill_diagonal(costs, 0)
    shares = [np.array([counts[word] for word in words]) / counts.total() for counts in (counts1, counts2)]
    with needs("wmd", "Word Mover's Distance"):
        import ot  # slow to import
    return float(ot.emd2(*shares, costs))
