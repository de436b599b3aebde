"""Data noising: in training, some words of the text are drawn at random, as smoothing an n-gram model would have it.

Xie et al. 2017, "Data Noising as Smoothing in Neural Network Language Models", bigram Kneser-Ney noising. The word x
of a place is replaced with probability γ(x), and so, independently, is the word y to predict after it::

    γ(x) = γ₀ · N₁₊(x •) / c(x)        q(w) ∝ N₁₊(• w)

c(x) is the number of times that x occurs, N₁₊(x •) that of the different words after it, and N₁₊(• w) that of the
different words before w; what replaces a word is drawn from q. Words that foretell little of the next one are replaced
most.
"""

import numpy as np

from embeddings.networks.batching import PADDING
from embeddings.text.id_stream import Ids

_COUNTED = 10_000_000  # words; so much text needs no noise, and it bounds the memory for pairs


class DataNoising:
    """Replaces words of the columns that a language model is trained on.

    Parameters
    ----------
    ids : Ids
        (N,) ids of the training text; bigrams are counted in its first ten million words.
    vocabulary_size : int
        V.
    strength : float
        γ₀, between 0 and 1.

    Attributes
    ----------
    probabilities : (V,) float64
        γ of each word.
    proposal : (V,) float64
        q of each word.
    """

    def __init__(self, ids: Ids, vocabulary_size: int, strength: float) -> None:
        words = np.asarray(ids[:_COUNTED], np.int64)
        pairs = np.unique(words[:-1] * vocabulary_size + words[1:])
        count = np.bincount(words, minlength=vocabulary_size)
        after = np.bincount(pairs // vocabulary_size, minlength=vocabulary_size)
        before = np.bincount(pairs % vocabulary_size, minlength=vocabulary_size) if len(pairs) else count
        self.probabilities = strength * after / np.maximum(count, 1)
        self.proposal = before / before.sum()
        self._cumulative = np.cumsum(self.proposal)

    def __call__(
        self, inputs: np.ndarray, targets: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a window with some of its words replaced.

        Parameters
        ----------
        inputs, targets : (T, B) int64
            As `Columns.window` returns them; they do not change.
        rng : np.random.Generator

        Returns
        -------
        inputs, targets : (T, B) int64
            Places of padding stay.
        """
        probabilities = self.probabilities[inputs]
        replaced = rng.random((2, *inputs.shape)) < probabilities
        replaced[1] &= targets != PADDING
        found = np.stack([inputs, targets])
        found[replaced] = self._draw(int(replaced.sum()), rng)
        return found[0], found[1]

    def _draw(self, number: int, rng: np.random.Generator) -> np.ndarray:
        drawn = np.searchsorted(self._cumulative, rng.random(number), "right")
        return np.minimum(drawn, len(self._cumulative) - 1)  # the last sum may be just below 1
