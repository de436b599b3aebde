"""Post-processing of word vectors, and sentence vectors; every function returns new arrays and cites its source."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from scipy import sparse

from embeddings.errors import EmbeddingsError
from embeddings.setting_types import require_type
from embeddings.vectors.embedding_matrix import BLOCK, Word, require_vectors
from embeddings.vectors.word_vectors import WordVectors, made_from
from vecmill.arguments import require_words


def unit_norm(vectors: WordVectors) -> WordVectors:
    """Scale every vector to unit length, so that dot products are cosines (Levy, Goldberg & Dagan 2015, §3.3).

    Parameters
    ----------
    vectors : WordVectors

    Returns
    -------
    WordVectors
        Unit vectors, without context vectors and n-grams; zero vectors stay zero.
    """
    require_vectors(vectors)
    return made_from(vectors, WordVectors(vectors.vocabulary, vectors.unit_matrix))


def add_context(vectors: WordVectors) -> WordVectors:
    """Add word and context vectors, w + c (Levy, Goldberg & Dagan 2015, §3.3; Pennington et al. 2014).

    Parameters
    ----------
    vectors : WordVectors
        Vectors with a context matrix.

    Returns
    -------
    WordVectors
        Sums, without context vectors and n-grams.

    Raises
    ------
    EmbeddingsError
        The vectors have no context matrix.
    """
    require_vectors(vectors)
    if vectors.context is None:
        raise EmbeddingsError("these vectors have no context vectors; train anew, or load a directory with context.npy")
    return made_from(vectors, WordVectors(vectors.vocabulary, vectors.matrix + vectors.context))


def remove_top_components(vectors: WordVectors, components: int | None = None) -> WordVectors:
    """Subtract the mean vector, then the projections onto the top principal components.

    Algorithm 1 of Mu & Viswanath (2018), "All-but-the-Top: Simple and Effective Postprocessing for Word
    Representations": ṽ = v − μ − Σᵢ (uᵢᵀ (v − μ)) uᵢ. With `components=0` only the mean is removed.

    Parameters
    ----------
    vectors : WordVectors
    components : int, optional
        From 0 to d; by default d // 100, the paper's rule of thumb.

    Returns
    -------
    WordVectors
        The remainders, without context vectors and n-grams.

    Raises
    ------
    ValueError
        `components` is below 0 or above d.
    """
    require_vectors(vectors)
    components = require_type("components", components, int | None)
    d = vectors.dimension
    components = d // 100 if components is None else components
    if not 0 <= components <= d:
        raise ValueError(f"components is {components}; expected 0 to {d}, the dimension of the vectors")
    matrix = np.asarray(vectors.matrix)
    mean = matrix.mean(axis=0, dtype=np.float64).astype(np.float32)
    top = _principal_components(matrix, mean, components)
    centred = matrix - mean
    for start in range(0, len(centred), BLOCK):
        rows = centred[start : start + BLOCK]
        rows -= (rows @ top.T) @ top
    return made_from(vectors, WordVectors(vectors.vocabulary, centred))


def _principal_components(matrix: np.ndarray, mean: np.ndarray, components: int) -> np.ndarray:
    """Return the directions of largest variance, (components, d) float32, from the (d, d) scatter matrix."""
    scatter = np.zeros((len(mean), len(mean)))
    for start in range(0, len(matrix), BLOCK):
        rows = matrix[start : start + BLOCK] - mean
        scatter += rows.T @ rows
    _, directions = np.linalg.eigh(scatter)  # ascending
    return directions[:, len(mean) - components :].T.astype(np.float32)


class KnownWords(NamedTuple):
    """The known words of n sentences.

    Attributes
    ----------
    ids : (m,) int64
        Rows of the known words, sentence by sentence; V + i for word i of `by_ngrams`.
    ends : (n + 1,) int64
        The known words of sentence i are ``ids[ends[i] : ends[i + 1]]``.
    by_ngrams : list of str
        Distinct words outside of the vocabulary that have a vector by their n-grams.
    """

    ids: np.ndarray
    ends: np.ndarray
    by_ngrams: list[str]


def known_words(vectors: WordVectors, sentences: Sequence[Sequence[str]]) -> KnownWords:
    """Look up the words of sentences; words without a vector are skipped.

    Parameters
    ----------
    vectors : WordVectors
    sentences : sequence of sequence of str
        n tokenized sentences.

    Returns
    -------
    KnownWords

    Raises
    ------
    TypeError
        A sentence is not a list of words.
    """
    require_vectors(vectors)
    require_words(sentences)
    for row, sentence in enumerate(sentences):
        if not isinstance(sentence, (list, tuple, np.ndarray)):
            raise TypeError(
                f"sentence {row} is a {type(sentence).__name__}; expected a list of words: split text first, as with "
                "make_tokenizer().tokenize or str.split"
            )
    lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
    words = list(chain.from_iterable(sentences))
    ids = ids_in_any_form(vectors, words).astype(np.int64)
    by_ngrams = _number_unseen(vectors, words, ids)
    known_before = np.concatenate([[0], np.cumsum(ids >= 0)])
    return KnownWords(ids[ids >= 0], known_before[np.concatenate([[0], np.cumsum(lengths)])], by_ngrams)


def ids_in_any_form(vectors: WordVectors, words: list[str]) -> np.ndarray:
    """Return the ids of words, (n,) int32, -1 for unknown ones; put those that write accents in another way into NFC.

    Parameters
    ----------
    vectors : WordVectors
    words : list of str
        Changed where the vectors know another normalization form.

    Returns
    -------
    (n,) int32
    """
    ids = vectors.vocabulary.ids(words, missing=-1)
    for place in np.flatnonzero(ids < 0).tolist():
        form = vectors.normalized(words[place])
        if form is not words[place]:
            words[place], ids[place] = form, vectors.vocabulary.ids([form], missing=-1)[0]
    return ids


def _number_unseen(vectors: WordVectors, words: Sequence[str], ids: np.ndarray) -> list[str]:
    """Replace -1 in `ids` by V, V + 1, ... for words that have a vector by their n-grams; return these words."""
    if vectors.subwords is None:
        return []
    places = np.flatnonzero(ids < 0).tolist()
    distinct = list(dict.fromkeys(words[place] for place in places))
    known = [word for word, is_known in zip(distinct, vectors.subwords.know(distinct), strict=True) if is_known]
    numbers = {word: len(vectors) + number for number, word in enumerate(known)}
    ids[places] = [numbers.get(words[place], -1) for place in places]
    return known


def mean_sentence_vectors(vectors: WordVectors, sentences: Sequence[Sequence[str]] | KnownWords) -> np.ndarray:
    """Average the unit vectors of each sentence's words.

    Parameters
    ----------
    vectors : WordVectors
    sentences : sequence of sequence of str, or KnownWords
        n tokenized sentences. Unknown words are skipped.

    Returns
    -------
    (n, d) float32
        Zeros for a sentence without a known word.

    Raises
    ------
    TypeError
        A sentence is not a list of words.
    """
    return _means(sentences, vectors, lambda words, _: vectors.unit_vectors(words))


def weighted_sentence_vectors(
    vectors: WordVectors, sentences: Sequence[Sequence[str]] | KnownWords, smoothing: float = 1e-3
) -> np.ndarray:
    """Average word vectors with smaller weights for frequent words: (1 / |s|) Σ a / (a + p(w)) v_w.

    Lines 1 to 3 of Algorithm 1 of Arora, Liang & Ma (2017), "A Simple but Tough-to-Beat Baseline for Sentence
    Embeddings". p(w) is the relative frequency of w in the counts of the vocabulary; if all counts are 0 (unknown), all
    words have the same weight.

    Parameters
    ----------
    vectors : WordVectors
    sentences : sequence of sequence of str, or KnownWords
        n tokenized sentences. Unknown words are skipped and do not count in |s|.
    smoothing : float
        a > 0; the paper recommends 1e-3 to 1e-4.

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
    return scaled_sentence_vectors(vectors, sentences, inverse_frequencies(vectors, smoothing))


def inverse_frequencies(vectors: WordVectors, smoothing: float = 1e-3) -> np.ndarray:
    """Return a / (a + p(w)) of every word, (V,) float64; see `weighted_sentence_vectors`."""
    counts = vectors.vocabulary.counts
    return smoothing / (smoothing + counts / max(int(counts.sum()), 1))


def scaled_sentence_vectors(
    vectors: WordVectors, sentences: Sequence[Sequence[str]] | KnownWords, weights: np.ndarray
) -> np.ndarray:
    """Average word vectors, each multiplied by the weight of its word: (1 / |s|) Σ a_w v_w.

    Parameters
    ----------
    vectors : WordVectors
    sentences : sequence of sequence of str, or KnownWords
        n tokenized sentences. Unknown words are skipped and do not count in |s|.
    weights : (V,) float
        a_w of every word of the vocabulary.

    Returns
    -------
    (n, d) float32
        Zeros for a sentence without a known word.

    Raises
    ------
    TypeError
        A sentence is not a list of words.
    """

    def weighted(words: Sequence[Word] | np.ndarray, seen: np.ndarray) -> np.ndarray:
        factors = np.ones(len(words))  # of words by n-grams
        factors[: len(seen)] = weights[seen]
        product: np.ndarray = factors[:, None] * vectors[words]
        return product

    return _means(sentences, vectors, weighted)


def _means(
    sentences: Sequence[Sequence[str]] | KnownWords,
    vectors: WordVectors,
    rows_of: Callable[[Sequence[Word] | np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Return the mean of `rows_of` over the words of each sentence, (n, d) float32.

    `rows_of` takes distinct words, those of the vocabulary first and as ids, and these ids.
    """
    ids, ends, by_ngrams = sentences if isinstance(sentences, KnownWords) else known_words(vectors, sentences)
    result = np.zeros((len(ends) - 1, vectors.dimension), np.float32)
    for start in range(0, len(result), BLOCK):
        bounds = ends[start : start + BLOCK + 1]
        distinct, columns = np.unique(ids[bounds[0] : bounds[-1]], return_inverse=True)
        seen, unseen = np.split(distinct, [np.searchsorted(distinct, len(vectors))])
        words = [*seen, *(by_ngrams[number - len(vectors)] for number in unseen)] if len(unseen) else seen
        rows = rows_of(words, seen)
        ones = np.ones(len(columns), rows.dtype)
        occurrences = sparse.csr_array((ones, columns, bounds - bounds[0]), (len(bounds) - 1, len(distinct)))
        result[start : start + BLOCK] = (occurrences @ rows) / np.maximum(np.diff(bounds), 1)[:, None].astype(
            rows.dtype
        )
    return result


def common_component(sentence_vectors: np.ndarray) -> np.ndarray:
    """Compute the first right singular vector of sentence vectors.

    Line 5 of Algorithm 1 of Arora et al. (2017).

    Parameters
    ----------
    sentence_vectors : (n, d) float32
        At least one vector; from `weighted_sentence_vectors`.

    Returns
    -------
    (d,) float32
        Unit vector; its sign is arbitrary.

    Raises
    ------
    ValueError
        There are no sentence vectors.
    """
    if len(sentence_vectors) == 0:
        raise ValueError("got no sentence vectors; expected at least one")
    _, directions = np.linalg.eigh(np.asarray(sentence_vectors.T @ sentence_vectors, np.float64))  # ascending
    return directions[:, -1].astype(np.float32)


def remove_component(sentence_vectors: np.ndarray, component: np.ndarray) -> np.ndarray:
    """Subtract from each sentence vector its projection onto a component.

    Line 6 of Algorithm 1 of Arora et al. (2017).

    Parameters
    ----------
    sentence_vectors : (n, d) float32
    component : (d,) float32
        Unit vector, as `common_component` returns it.

    Returns
    -------
    (n, d) float32
    """
    return sentence_vectors - np.outer(sentence_vectors @ component, component)


def sif_sentence_vectors(
    vectors: WordVectors,
    sentences: Sequence[Sequence[str]] | KnownWords,
    smoothing: float = 1e-3,
    component: np.ndarray | None = None,
) -> np.ndarray:
    """Compute sentence vectors by smooth inverse frequency (SIF): weighted means without their common component.

    Algorithm 1 of Arora et al. (2017).

    Parameters
    ----------
    vectors : WordVectors
    sentences : sequence of sequence of str, or KnownWords
        n tokenized sentences.
    smoothing : float
        As in `weighted_sentence_vectors`.
    component : (d,) float32, optional
        Common component of other sentences, as `common_component` returns it; by default that of these sentences.

    Returns
    -------
    (n, d) float32
        Zeros for a sentence without a known word.
    """
    means = weighted_sentence_vectors(vectors, sentences, smoothing)
    if len(means) == 0:
        return means
    return remove_component(means, common_component(means) if component is None else component)
