"""Noise distributions over word ids, for sampled softmax.

Ids are assumed to be ordered by falling frequency, as those of a `Vocabulary` are.
"""

from abc import ABC, abstractmethod

import numpy as np

from embeddings.word2vec.sampling import noise_distribution


class Noise(ABC):
    """A distribution q over V word ids."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw ``count`` ids independently, (count,) int64."""

    @abstractmethod
    def log_probability(self, ids: np.ndarray) -> np.ndarray:
        """Return log q of ``ids``, float64."""


class LogUniformNoise(Noise):
    """q(w) = log((w + 2) / (w + 1)) / log(V + 1): about Zipf's law, without counts."""

    def __init__(self, size: int):
        self._size, self._range = size, np.log(size + 1.0)

    def sample(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw ids: the integer part of a log-uniform number."""
        ids = np.exp(rng.random(count) * self._range).astype(np.int64) - 1
        return np.minimum(ids, self._size - 1)  # rounding may reach V

    def log_probability(self, ids: np.ndarray) -> np.ndarray:
        """Return log q of ``ids``."""
        return np.log(np.log1p(1.0 / (np.asarray(ids) + 1.0)) / self._range)


class UnigramNoise(Noise):
    """q(w) ∝ count(w)^exponent.

    Parameters
    ----------
    counts
        (V,): how often each word came; words that never came count as one.
    exponent
        1 is the unigram distribution, 0.75 that of word2vec, 0 uniform.
    """

    def __init__(self, counts: np.ndarray, exponent: float = 0.75):
        self._probabilities = noise_distribution(np.maximum(counts, 1), exponent)
        self._cumulative = np.cumsum(self._probabilities)

    def sample(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw ids by inverting the cumulative distribution."""
        ids = np.searchsorted(self._cumulative, rng.random(count), side="right")
        return np.minimum(ids, len(self._cumulative) - 1)

    def log_probability(self, ids: np.ndarray) -> np.ndarray:
        """Return log q of ``ids``."""
        return np.log(self._probabilities[ids])
