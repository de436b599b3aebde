"""What may be done to word vectors after training; every function returns new ones and says whose idea it is."""

from collections.abc import Sequence

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.vectors.embedding_matrix import BLOCK, require_list
from embeddings.vectors.word_vectors import WordVectors


def unit_norm(vectors: WordVectors) -> WordVectors:
    """Scale every vector to unit length, so that dot products are cosines (Levy, Goldberg & Dagan 2015, §3.3).

    Parameters
    ----------
    vectors : WordVectors

    Returns
    -------
    WordVectors
        Without context vectors. Vectors of zeros stay zeros.
    """
    return WordVectors(vectors.vocabulary, vectors.unit_matrix)


def add_context(vectors: WordVectors) -> WordVectors:
    """Sum of word and context vectors, w + c (Levy, Goldberg & Dagan 2015, §3.3; Pennington et al. 2014).

    Parameters
    ----------
    vectors : WordVectors
        With context vectors.

    Returns
    -------
    WordVectors
        Without context vectors.

    Raises
    ------
    EmbeddingsError
        There are no context vectors.
    """
    if vectors.context is None:
        raise EmbeddingsError("these vectors have no context vectors; train anew, or load a directory with context.npy")
    return WordVectors(vectors.vocabulary, vectors.matrix + vectors.context)


def remove_top_components(vectors: WordVectors, components: int | None = None) -> WordVectors:
    """Subtract the mean vector, then the projections onto the top principal components.

    Algorithm 1 of Mu & Viswanath (2018), "All-but-the-Top: Simple and Effective Postprocessing for Word
    Representations": ṽ = v − μ − Σᵢ (uᵢᵀ (v − μ)) uᵢ. With `components=0` only the mean is removed.

    Parameters
    ----------
    vectors : WordVectors
    components : int, optional
        From 0 to d; d // 100, the paper's rule of thumb, when left out.

    Returns
    -------
    WordVectors
        Without context vectors.

    Raises
    ------
    ValueError
        `components` is below 0 or above d.
    """
    d = vectors.dimension
    components = d // 100 if components is None else components
    if not 0 <= components <= d:
        raise ValueError(f"components is {components}; expected 0 to {d}, the dimension of the vectors")
    mean = vectors.matrix.mean(axis=0, dtype=np.float64).astype(np.float32)
    top = _principal_components(vectors.matrix, mean, components)
    centred = vectors.matrix - mean
    for start in range(0, len(centred), BLOCK):
        rows = centred[start : start + BLOCK]
        rows -= (rows @ top.T) @ top
    return WordVectors(vectors.vocabulary, centred)


def _principal_components(matrix: np.ndarray, mean: np.ndarray, components: int) -> np.ndarray:
    """Directions of the largest variance, (components, d) float32, from the (d, d) scatter matrix."""
    scatter = np.zeros((len(mean), len(mean)))
    for start in range(0, len(matrix), BLOCK):
        rows = matrix[start : start + BLOCK] - mean
        scatter += rows.T @ rows
    _, directions = np.linalg.eigh(scatter)  # ascending
    return directions[:, len(mean) - components :].T.astype(np.float32)


def weighted_sentence_vectors(
    vectors: WordVectors, sentences: Sequence[Sequence[str]], smoothing: float = 1e-3
) -> np.ndarray:
    """Means of word vectors in which frequent words count less: (1 / |s|) Σ a / (a + p(w)) v_w.

    Lines 1 to 3 of Algorithm 1 of Arora, Liang & Ma (2017), "A Simple but Tough-to-Beat Baseline for Sentence
    Embeddings". p(w) is the share of w in the counts of the vocabulary;
    where all counts are 0 (unknown), all words count alike.

    Parameters
    ----------
    vectors : WordVectors
    sentences : sequence of sequences of str
        n tokenized sentences. Unknown words are left out, of |s| too.
    smoothing : float
        a > 0; the paper found 1e-3 to 1e-4 good.

    Returns
    -------
    (n, d) float32
        Zeros for a sentence without a known word.

    Raises
    ------
    ValueError
        `smoothing` is not above 0.
    TypeError
        A sentence is not a list of words.
    """
    if not smoothing > 0:
        raise ValueError(f"smoothing is {smoothing}; expected a number above 0, such as 1e-3")
    counts = vectors.vocabulary.counts
    total = max(int(counts.sum()), 1)
    result = np.zeros((len(sentences), vectors.dimension), np.float32)
    require_list(sentences)
    for row, sentence in enumerate(sentences):
        if not isinstance(sentence, (list, tuple, np.ndarray)):
            raise TypeError(
                f"sentence {row} is a {type(sentence).__name__}; expected a list of words: split text first, as with "
                "make_tokenizer().tokenize or str.split"
            )
        ids = vectors.ids([word for word in sentence if word in vectors])
        if len(ids):
            weights = smoothing / (smoothing + counts[ids] / total)
            result[row] = weights @ vectors.matrix[ids] / len(ids)
    return result


def common_component(sentence_vectors: np.ndarray) -> np.ndarray:
    """First right singular vector of sentence vectors, (d,) float32: what they have in common.

    Line 5 of Algorithm 1 of Arora et al. (2017).

    Parameters
    ----------
    sentence_vectors : (n, d) float32
        At least one; from `weighted_sentence_vectors`.

    Returns
    -------
    (d,) float32
        Of unit length; its sign is arbitrary.
    """
    if len(sentence_vectors) == 0:
        raise ValueError("got no sentence vectors; expected at least one")
    _, directions = np.linalg.eigh(np.asarray(sentence_vectors.T @ sentence_vectors, np.float64))  # ascending
    return directions[:, -1].astype(np.float32)


def sif_sentence_vectors(
    vectors: WordVectors,
    sentences: Sequence[Sequence[str]],
    smoothing: float = 1e-3,
    component: np.ndarray | None = None,
) -> np.ndarray:
    """Sentence vectors by smooth inverse frequency: weighted means without their common component.

    Algorithm 1 of Arora et al. (2017).

    Parameters
    ----------
    vectors : WordVectors
    sentences : sequence of sequences of str
        n tokenized sentences.
    smoothing : float
        As in `weighted_sentence_vectors`.
    component : (d,) float32, optional
        Common component of other sentences, as `common_component` gives it; of these sentences when left out.

    Returns
    -------
    (n, d) float32
        Zeros for a sentence without a known word.
    """
    means = weighted_sentence_vectors(vectors, sentences, smoothing)
    if len(means) == 0:
        return means
    direction = common_component(means) if component is None else component
    return means - np.outer(means @ direction, direction)
