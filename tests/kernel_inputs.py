"""Small inputs of the word2vec kernels and of their reference."""

import numpy as np

from embeddings.compilation import read_only
from embeddings.word2vec import kernel_arguments as kernels
from embeddings.word2vec import padded_matrices as matrices
from embeddings.word2vec.huffman import huffman_paths
from embeddings.word2vec.sampling import alias_table, as_uint32_threshold, keep_probability, noise_distribution

WORDS = 23
NGRAMS = 40


def make_parameters(dimension, seed=0, sample=0.05, subwords=False):
    generator = np.random.default_rng(seed)
    counts = make_counts(seed)
    threshold, alias = alias_table(noise_distribution(counts))
    rows = WORDS + NGRAMS if subwords else WORDS
    E, C = matrices.zeros(rows, dimension), matrices.zeros(WORDS, dimension)
    E[:, :dimension] = generator.normal(0, 0.4, (rows, dimension))
    C[:, :dimension] = generator.normal(0, 0.4, (WORDS, dimension))
    return kernels.Parameters(E, C, as_uint32_threshold(keep_probability(counts, sample)), threshold, alias)


def make_counts(seed=0):
    return np.random.default_rng(seed).integers(1, 200, WORDS)


def make_extensions(dimension=0, subwords=False, paths=False, window=0, weighted=0):
    """With `window`, position weights of as many positions on either side, for the first `weighted` components."""
    generator = np.random.default_rng(7)
    weights = matrices.zeros(2 * window, dimension)
    weights[:, :dimension] = 1
    weights[:, :weighted] += generator.normal(0, 0.3, (2 * window, weighted))
    return kernels.Extensions(
        make_input_rows(generator) if subwords else None,
        huffman_paths(make_counts()) if paths else None,
        weights if window else None,
    )


def make_input_rows(generator):
    """Rows of words of 0 to 8 n-grams, some of them twice in a word."""
    rows = [[word, *(WORDS + generator.integers(0, NGRAMS, generator.integers(0, 9)))] for word in range(WORDS)]
    offsets = np.cumsum([0, *map(len, rows)])
    return kernels.InputRows(read_only(offsets), read_only(np.concatenate(rows).astype(np.int32)))


def make_sentences(lengths, seed=1):
    generator = np.random.default_rng(seed)
    return [generator.integers(0, WORDS, n).tolist() for n in lengths]


def as_block(sentences):
    ids = np.array([word for sentence in sentences for word in sentence], np.int32)
    offsets = np.cumsum([0] + [len(sentence) for sentence in sentences]).astype(np.int64)
    return kernels.Block(ids, offsets, 0, len(sentences), 0, len(ids))


def make_step(**settings):
    defaults = {
        "window": 5,
        "dynamic_window": True,
        "negative": 5,
        "share_negatives": True,
        "mean": True,
        "weighted": 0,
        "learning_rate": 0.05,
        "loss_interval": 3,
        "state": np.uint64(0xF23456789ABCDEF0),
    }
    return kernels.Step(**(defaults | settings))
