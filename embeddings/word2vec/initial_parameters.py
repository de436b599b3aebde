"""Matrices and tables of a training before its first step."""

import math

import numpy as np

from embeddings.compilation import read_only
from embeddings.errors import EmbeddingsError
from embeddings.text.character_ngrams import NgramTable
from embeddings.text.vocabulary import Vocabulary
from embeddings.word2vec import kernel_arguments as kernels
from embeddings.word2vec import padded_matrices as matrices
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.huffman import huffman_paths
from embeddings.word2vec.sampling import alias_table, as_uint32_threshold, keep_probability, noise_distribution


def initial_parameters(
    config: Word2VecConfig,
    vocabulary: Vocabulary,
    trained: np.ndarray | None,
    ngrams: NgramTable | None,
    documents: int = 0,
    kept: np.ndarray | None = None,
) -> kernels.Parameters:
    """Draw E, and compute the tables of draws.

    Parameters
    ----------
    config : Word2VecConfig
    vocabulary : Vocabulary
    trained : (V,) bool, optional
        Words to train, by default all.
    ngrams : NgramTable, optional
        The n-grams of all words, with subwords.
    documents : int
        Number of documents; their rows of E follow those of the words.
    kept : (V,) float64, optional
        Probability that an occurrence of each word is trained on; by default that of ``sample``.

    Returns
    -------
    kernels.Parameters

    Raises
    ------
    EmbeddingsError
        Fewer than two words are to be trained.
    """
    counts = trained_counts(vocabulary, trained)
    if np.count_nonzero(counts) < 2 and trained is not None:
        raise EmbeddingsError("fewer than two words to train; give more text")
    threshold, alias = alias_table(noise_distribution(counts, config.noise_exponent, trained))
    if kept is None:
        kept = keep_probability(counts, config.sample_for(len(counts)), trained)
    words, generator = len(vocabulary), np.random.default_rng(config.seed)
    more = documents + (len(ngrams.buckets) if ngrams else 0)
    embedding = matrices.random_rows(words + more, config.dimension, generator)
    embedding[words : words + documents] *= document_spread(config.dimension)
    return kernels.Parameters(
        embedding=embedding,
        context=matrices.zeros(words + _rows_of_threads(config), config.dimension),
        keep=as_uint32_threshold(kept),
        alias_threshold=threshold,
        alias_word=alias,
    )


def document_spread(dimension: int) -> float:
    """Return how many times as far apart as those of words the vectors of documents begin: from -1/√d to 1/√d.

    A document has few words, and C begins with zeros: from vectors as short as those of words, a good part of the
    training would pass before both have grown.

    Parameters
    ----------
    dimension : int

    Returns
    -------
    float
    """
    return 2.0 * math.sqrt(dimension)


def extensions_of(
    config: Word2VecConfig, vocabulary: Vocabulary, trained: np.ndarray | None, ngrams: NgramTable | None
) -> kernels.Extensions:
    """Compute the tables of subwords and of hierarchical softmax; position weights begin at 1.

    Parameters
    ----------
    config : Word2VecConfig
    vocabulary : Vocabulary
    trained : (V,) bool, optional
        Words to train, by default all.
    ngrams : NgramTable, optional
        The n-grams of all words, with subwords.

    Returns
    -------
    kernels.Extensions
    """
    weights = None
    if config.position_weights:
        weights = matrices.zeros(2 * config.window, config.dimension)
        weights[:, : config.dimension] = 1
    return kernels.Extensions(
        subwords=input_rows(ngrams, own=not config.floret_hashes) if ngrams else None,
        paths=huffman_paths(trained_counts(vocabulary, trained), trained) if config.hierarchical_softmax else None,
        position_weights=weights,
    )


def _rows_of_threads(config: Word2VecConfig) -> int:
    """Return the number of rows of C that threads have for the top nodes of the tree."""
    return 2 * kernels.MOST_TOP_NODES * config.thread_count if config.hierarchical_softmax else 0


def trained_counts(vocabulary: Vocabulary, trained: np.ndarray | None) -> np.ndarray:
    """Return the counts of the words that are trained, 0 for others; (V,) int64."""
    return vocabulary.counts if trained is None else np.where(trained, vocabulary.counts, 0)


def ngrams_of(config: Word2VecConfig, vocabulary: Vocabulary, trained: np.ndarray | None) -> NgramTable | None:
    """Return the n-grams of all words that are trained; None without subwords.

    Parameters
    ----------
    config : Word2VecConfig
    vocabulary : Vocabulary
    trained : (V,) bool, optional
        Words that have n-grams, by default all.

    Returns
    -------
    NgramTable or None
    """
    if config.ngrams is None:
        return None
    if trained is None:
        return config.ngrams.table(vocabulary.encoded_words, config.thread_count)
    table = config.ngrams.table(vocabulary.encoded_words.take(np.flatnonzero(trained)), config.thread_count)
    lengths = np.zeros(len(vocabulary), np.int64)
    lengths[trained] = np.diff(table.offsets)
    return table._replace(offsets=np.concatenate([[0], np.cumsum(lengths)]))


def input_rows(ngrams: NgramTable, *, own: bool = True) -> kernels.InputRows:
    """Return the rows of E of every word: its own first, then those of its n-grams.

    Parameters
    ----------
    ngrams : NgramTable
    own : bool
        Whether words have a row of their own; false with floret's hashes.

    Returns
    -------
    kernels.InputRows
    """
    words = len(ngrams.offsets) - 1
    offsets, rows = ngrams.offsets, ngrams.rows + np.int32(words)
    if own:
        rows = np.insert(rows, offsets[:-1], np.arange(words, dtype=np.int32))
        offsets = offsets + np.arange(words + 1)
    return kernels.InputRows(read_only(offsets), read_only(rows))
