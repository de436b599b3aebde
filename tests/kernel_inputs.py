"""Small inputs of the word2vec kernels and of their reference."""

import numpy as np

from embeddings.word2vec import kernels
from embeddings.word2vec import padded_matrices as matrices
from embeddings.word2vec.sampling import alias_table, as_uint32_threshold, keep_probability, noise_distribution

WORDS = 23


def make_parameters(dimension, seed=0, sample=0.05):
    generator = np.random.default_rng(seed)
    counts = generator.integers(1, 200, WORDS)
    threshold, alias = alias_table(noise_distribution(counts))
    E, C = matrices.zeros(WORDS, dimension), matrices.zeros(WORDS, dimension)
    E[:, :dimension] = generator.normal(0, 0.4, (WORDS, dimension))
    C[:, :dimension] = generator.normal(0, 0.4, (WORDS, dimension))
    return kernels.Parameters(E, C, as_uint32_threshold(keep_probability(counts, sample)), threshold, alias)


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
        "learning_rate": 0.05,
        "loss_interval": 3,
        "state": np.uint64(0xF23456789ABCDEF0),
    }
    return kernels.Step(**(defaults | settings))
