"""An n-gram model in memory: a hash table of n-grams with their probabilities and back-off weights."""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np

from embeddings.language_model.ngram_kernels import insert_grams, look_up, move_grams
from embeddings.text.tokenizer.counted_words import Words

_LN10 = math.log(10)
_FULLEST = 0.7  # share of the slots in use
_FEWEST_SLOTS = 1 << 10


class Grams(NamedTuple):
    """n-grams of one order.

    Attributes
    ----------
    ids : (m, k) int32
        w_1 ... w_k. ``<eos>`` stands for ``</s>`` at the end of an n-gram and for ``<s>`` at its beginning.
    log_p : (m,) float64
        log10 p of the last word after the others.
    log_gamma : (m,) float64
        log10 of the back-off weight γ of the n-gram as a context; of ``<eos>`` alone that of ``<s>``.
    """

    ids: np.ndarray
    log_p: np.ndarray
    log_gamma: np.ndarray


class BackOffTable:
    """n-grams by the 64-bit hash of their ids, as in KenLM's probing model (Heafield 2011).

    Two of a billion n-grams have the same hash with a probability of 3 %; one is then read as the other.

    Parameters
    ----------
    eos : int
        Id of ``<eos>``.
    order : int
        Length of the longest n-gram.
    """

    def __init__(self, eos: int, order: int) -> None:
        self._keys, self._values = np.zeros(_FEWEST_SLOTS, np.uint64), np.zeros((_FEWEST_SLOTS, 2), np.float64)
        self._used = 0
        self._eos, self.order = eos, order

    def insert(self, grams: Grams) -> None:
        """Insert n-grams; the table grows as needed."""
        self._used += len(grams.ids)
        weights = np.stack([grams.log_p, grams.log_gamma], axis=1)
        with np.errstate(over="ignore"):  # hashes wrap around
            self._reserve()
            insert_grams(grams.ids, weights, self._keys, self._values)

    def holds_duplicates(self) -> bool:
        """Return whether an n-gram was inserted twice; the later one replaced the earlier."""
        return bool(np.count_nonzero(self._keys) < self._used)

    def _reserve(self) -> None:
        slots = len(self._keys)
        while self._used > slots * _FULLEST:
            slots *= 2
        if slots > len(self._keys):
            keys, values = np.zeros(slots, np.uint64), np.zeros((slots, 2), np.float64)
            move_grams(self._keys, self._values, keys, values)
            self._keys, self._values = keys, values

    def log_likelihoods(self, ids: np.ndarray) -> np.ndarray:
        """Return ln P of every word of a text of whole sentences.

        Parameters
        ----------
        ids : (N,) integers
            With ``<eos>`` at the end of each sentence; ids that the model does not know have the probability 0.

        Returns
        -------
        (N,) float64
        """
        ids, log_p = np.asarray(ids, np.int32), np.empty(len(ids))
        with np.errstate(over="ignore"):
            look_up(ids, self._eos, self.order, self._keys, self._values, log_p)
        return log_p * _LN10


class NgramModel(ABC):
    """An n-gram model of sentences with words of its own.

    Attributes
    ----------
    eos, unk : int
        Ids of ``<eos>`` and ``<unk>``; -1 for a model without ``<unk>``.
    """

    eos: int
    unk: int
    _table: BackOffTable

    @property
    def order(self) -> int:
        """Length of the longest n-gram."""
        return self._table.order

    @abstractmethod
    def ids(self, words: Words) -> np.ndarray:
        """Return the ids of words, (n,) int32; `unk` for unknown words."""

    def sentence(self, words: list[str]) -> np.ndarray:
        """Return the ids of the words of a sentence and of its end, (n + 1,) int32."""
        found = self.ids(Words.from_bytes([word.encode("utf-8", "replace") for word in words]))
        return np.append(found, np.int32(self.eos))

    def log_likelihoods(self, words: list[str]) -> np.ndarray:
        """Return ln P of each word of a sentence and of its end, (n + 1,) float64."""
        return self._table.log_likelihoods(self.sentence(words))
