"""Log-probabilities of sentences by hierarchical softmax, whose probabilities of words sum to 1."""

from collections.abc import Iterable, Sequence

import numpy as np

from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec.huffman import huffman_paths
from embeddings.word2vec.kernel_arguments import HuffmanPaths


def sentence_log_probabilities(
    vectors: WordVectors,
    nodes: np.ndarray,
    sentences: Iterable[Sequence[str]],
    *,
    window: int = 5,
    skip_gram: bool = True,
    mean: bool = True,
) -> np.ndarray:
    """Score sentences by a model that was trained with hierarchical softmax.

    Skip-gram adds up log p(w | c) over all pairs of a word w and a word c in its window, CBOW log p(w | its window)
    over all words (Taddy 2015, "Document Classification by Inversion of Distributed Language Representations", eq. 2).

    Parameters
    ----------
    vectors : WordVectors
        With the counts that made the tree.
    nodes : (V, d) float32
        The vectors of its nodes, `Word2Vec.nodes_`.
    sentences : iterable of sequence of str
        Unknown words are skipped.
    window : int
        Largest distance of context words; it is not drawn.
    skip_gram : bool
        False for CBOW.
    mean : bool
        CBOW: the mean of the context vectors, not their sum.

    Returns
    -------
    (n,) float64
        0 for a sentence with fewer than two known words.
    """
    paths = huffman_paths(vectors.vocabulary.counts)
    scores = []
    for sentence in sentences:
        ids = vectors.vocabulary.ids(sentence, missing=-1)
        words, hidden = _examples(vectors.matrix, ids[ids >= 0], window, skip_gram=skip_gram, mean=mean)
        scores.append(float(_log_probabilities(nodes, paths, words, hidden).sum()))
    return np.array(scores, np.float64)


def _examples(
    matrix: np.ndarray, ids: np.ndarray, window: int, *, skip_gram: bool, mean: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the words to predict, (m,), and the vectors to predict them from, (m, d)."""
    places = np.arange(len(ids))
    distances = np.abs(places[:, None] - places)
    near = (distances > 0) & (distances <= window)
    if skip_gram:
        centre, other = np.nonzero(near)
        return ids[centre], matrix[ids[other]]
    counts = near.sum(axis=1)
    sums = near.astype(np.float32) @ matrix[ids]
    hidden = sums / np.maximum(counts, 1)[:, None] if mean else sums
    return ids[counts > 0], hidden[counts > 0]


def _log_probabilities(matrix: np.ndarray, paths: HuffmanPaths, words: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Return Σ log σ(± C_n · h) over the nodes n of each word's path, (m,) float64."""
    lengths = np.diff(paths.offsets)[words]
    starts = np.cumsum(lengths) - lengths
    places = np.arange(lengths.sum()) + np.repeat(paths.offsets[words] - starts, lengths)
    products = np.einsum("nd,nd->n", matrix[paths.nodes[places]], np.repeat(hidden, lengths, axis=0))
    signs = 2 * paths.labels[0, places].astype(np.float64) - 1
    steps = -np.logaddexp(0, -signs * products)
    return np.add.reduceat(steps, starts) if len(words) else np.zeros(0)
