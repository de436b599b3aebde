"""An n-gram model in memory: a hash table of n-grams with their probabilities and back-off weights."""

import math
from typing import NamedTuple

import numpy as np

from embeddings.language_model.ngram_kernels import insert_grams, look_up

_LN10 = math.log(10)
_FULLEST = 0.7  # share of the slots in use


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
    count : int
        Number of n-grams to make room for.
    eos : int
        Id of ``<eos>``.
    order : int
        Length of the longest n-gram.
    """

    def __init__(self, count: int, eos: int, order: int) -> None:
        slots = 1 << math.ceil(math.log2(count / _FULLEST + 2))
        self._keys, self._values = np.zeros(slots, np.uint64), np.zeros((slots, 2), np.float32)
        self._room = int(slots * _FULLEST) + 1
        self._eos, self.order = eos, order

    def insert(self, grams: Grams) -> None:
        """Insert n-grams.

        Parameters
        ----------
        grams : Grams

        Raises
        ------
        ValueError
            They are more than there is room for.
        """
        self._room -= len(grams.ids)
        if self._room < 0:
            raise ValueError("there are more n-grams than there is room for")
        weights = np.stack([grams.log_p, grams.log_gamma], axis=1).astype(np.float32)
        with np.errstate(over="ignore"):  # hashes wrap around
            insert_grams(grams.ids, weights, self._keys, self._values)

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
            look_up(ids, 0, self._eos, self.order, self._keys, self._values, log_p)
        return log_p * _LN10
