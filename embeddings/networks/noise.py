"""Noise distributions over word ids, for sampled softmax.

Ids are assumed to be ordered by falling frequency, as in a `Vocabulary`.
"""

from abc import ABC, abstractmethod

import numpy as np

from embeddings.word2vec.sampling import noise_distribution


class Noise(ABC):
    """A distribution q over V word ids."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw `count` ids independently, (count,) int64."""

    @abstractmethod
    def log_probability(self, ids: np.ndarray) -> np.ndarray:
        """Return ln q of `ids`, float64."""


class LogUniformNoise(Noise):
    """The log-uniform distribution q(w) = ln((w + 2) / (w + 1)) / ln(V + 1): close to Zipf's law, without counts.

    Parameters
    ----------
    size : int
        V.
    """

    def __init__(self, size: int):
        self._size, self._range = size, np.log(size + 1.0)

    def sample(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw ids: the integer parts of log-uniform numbers."""
        ids: np.ndarray = np.exp(rng.random(count) * self._range).astype(np.int64) - 1
        return ids.clip(max=self._size - 1)  # rounding may reach V

    def log_probability(self, ids: np.ndarray) -> np.ndarray:
        """Return ln q of `ids`."""
        return np.asarray(np.log(np.log1p(1.0 / (np.asarray(ids) + 1.0)) / self._range))


class UnigramNoise(Noise):
    """The smoothed unigram distribution q(w) ∝ count(w)^exponent.

    Parameters
    ----------
    counts : (V,) int64
        Occurrences of each word; a word without occurrences counts as one.
    exponent : float
        1 is the unigram distribution, 0.75 that of word2vec, 0 the uniform one.
    """

    def __init__(self, counts: np.ndarray, exponent: float = 0.75):
        self._probabilities = noise_distribution(np.maximum(counts, 1), exponent)
        self._cumulative = np.cumsum(self._probabilities)

    def sample(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw ids by inverting the cumulative distribution."""
        ids: np.ndarray = np.searchsorted(self._cumulative, rng.random(count), side="right")
        return ids.clip(max=len(self._cumulative) - 1)

    def log_probability(self, ids: np.ndarray) -> np.ndarray:
        """Return ln q of `ids`."""
        return np.asarray(np.log(self._probabilities[ids]))
