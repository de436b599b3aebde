"""Matrices and tables of a training before its first step."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

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
    config: Word2VecConfig, vocabulary: Vocabulary, trained: np.ndarray | None, ngrams: NgramTable | None
) -> kernels.Parameters:
    """Draw E, and compute what does not change during training.

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
    kernels.Parameters

    Raises
    ------
    EmbeddingsError
        Fewer than two words are to be trained.
    """
    counts = vocabulary.counts if trained is None else np.where(trained, vocabulary.counts, 0)
    if np.count_nonzero(counts) < 2 and trained is not None:
        raise EmbeddingsError("fewer than two words to train; give more text")
    threshold, alias = alias_table(noise_distribution(counts, config.noise_exponent, trained))
    words, generator = len(vocabulary), np.random.default_rng(config.seed)
    weights = matrices.zeros(2 * config.window if config.position_weights else 0, config.dimension)
    weights[:, : config.dimension] = 1
    return kernels.Parameters(
        embedding=matrices.random_rows(words + (len(ngrams.buckets) if ngrams else 0), config.dimension, generator),
        context=matrices.zeros(words, config.dimension),
        keep=as_uint32_threshold(keep_probability(counts, config.sample, trained)),
        alias_threshold=threshold,
        alias_word=alias,
        inputs=input_rows(ngrams) if ngrams else kernels.no_input_rows(),
        paths=huffman_paths(counts, trained) if config.hierarchical_softmax else kernels.no_paths(),
        position_weights=weights,
    )


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


def input_rows(ngrams: NgramTable) -> kernels.InputRows:
    """Return the rows of E of every word: its own first, then those of its n-grams.

    Parameters
    ----------
    ngrams : NgramTable

    Returns
    -------
    kernels.InputRows
    """
    words = len(ngrams.offsets) - 1
    own = np.arange(words, dtype=np.int32)
    rows = np.insert(ngrams.rows + np.int32(words), ngrams.offsets[:-1], own)
    return kernels.InputRows(read_only(ngrams.offsets + np.arange(words + 1)), read_only(rows))


def word_vectors_of(parameters: kernels.Parameters) -> np.ndarray:
    """Return the vectors of all words: rows of E, or means of several with subwords.

    Parameters
    ----------
    parameters : kernels.Parameters

    Returns
    -------
    (V, padded d) float32
    """
    offsets, rows = parameters.inputs
    if not len(offsets):
        return parameters.embedding
    lengths = np.diff(offsets)
    shares = np.repeat((1 / lengths).astype(np.float32), lengths)
    means = csr_array((shares, rows, offsets), shape=(len(lengths), len(parameters.embedding)))
    vectors: np.ndarray = means @ parameters.embedding
    return vectors


class Sizes(NamedTuple):
    """What the working memory of a training is sized by."""

    outputs: int  # most output rows of a word
    subwords: bool


def sizes_of(parameters: kernels.Parameters, negative: int) -> Sizes:
    """Return the sizes of a training with `negative` noise words a centre word, 0 with hierarchical softmax."""
    longest = int(np.diff(parameters.paths.offsets).max(initial=1))
    return Sizes(longest if negative == 0 else negative + 1, len(parameters.inputs.offsets) > 0)
