"""The neural cache: words of the text just read become more probable where the hidden state is alike.

Grave, Joulin and Usunier 2017, "Improving neural language models with a continuous cache". The cache holds the last
`size` states h_i, each with the word x_{i+1} that followed it::

    P_cache(w | h_t) ∝ Σ_i 1[w = x_{i+1}] exp(θ h_t · h_i)
    P(w) = (1 - λ) P_model(w) + λ P_cache(w)

h is the input of the softmax. While the cache is empty, P is P_model. No weight of the model changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.language_model.adaptation_kernels import cache_probabilities
from embeddings.parallel import Rows, over_rows, product
from embeddings.setting_types import LARGEST_SINGLE, require_setting_types

DEFAULT_SIZE = 2000


@dataclass(frozen=True, kw_only=True)
class CacheSettings:
    """Settings of a neural cache.

    Attributes
    ----------
    size : int
        Words that the cache holds; a text that is shorter is held in full.
    theta : float
        θ: above 0, words after similar states count more; 0 counts all words of the cache alike.
    weight : float
        λ, the share of the cache in the mixture.

    Raises
    ------
    ValueError
        A value is out of range; the message names the setting.
    TypeError
        A value has another type.
    """

    size: int = DEFAULT_SIZE
    theta: float = 0.3
    weight: float = 0.1

    def __post_init__(self) -> None:
        require_setting_types(self)
        if self.size < 1:
            raise ValueError(f"cache size {self.size}: expected at least 1 word")
        if not 0 <= self.theta <= LARGEST_SINGLE:  # also refuses NaN
            raise ValueError(f"cache theta {self.theta}: expected a finite number from 0 to {LARGEST_SINGLE:g}")
        if not 0 <= self.weight <= 1:
            raise ValueError(f"cache weight {self.weight}: expected a share from 0 to 1")


class NeuralCache:
    """The last states of a text and the words that followed them; it never changes, `after` returns the next one.

    Parameters
    ----------
    size : int
        Number of words that it holds.
    hidden : (n, H), optional
        States. Default: none.
    words : (n,) int32, optional
        The words that followed them.
    """

    def __init__(self, size: int, hidden: np.ndarray | None = None, words: np.ndarray | None = None):
        self._size = size
        self._hidden = hidden
        self._words = np.empty(0, np.int32) if words is None else words

    def __len__(self) -> int:
        return len(self._words)

    def after(self, hidden: np.ndarray, words: np.ndarray) -> "NeuralCache":
        """Return the cache after more text.

        Parameters
        ----------
        hidden : (T, H)
            The state before each word.
        words : (T,) integers

        Returns
        -------
        NeuralCache
        """
        states, followers = self._with(hidden, words)
        return NeuralCache(self._size, states[-self._size :].copy(), followers[-self._size :].copy())

    def read(self, hidden: np.ndarray, words: np.ndarray, thetas: Sequence[float]) -> np.ndarray:
        """Compute the probability of each word, given this cache and the words before it.

        Parameters
        ----------
        hidden : (T, H)
            The state before each word.
        words : (T,) integers
        thetas : sequence of float
            Values of θ, K of them.

        Returns
        -------
        (K, T) float64
            P_cache; NaN where the cache is empty.
        """
        states, followers = self._with(hidden, words)
        scores = product(np.ascontiguousarray(hidden), states.T)
        targets = followers[len(self) :]
        found = np.empty((len(thetas), len(targets)))
        constants = np.asarray(thetas, hidden.dtype)

        def work(rows: Rows) -> None:
            cache_probabilities(scores, followers, targets, self._size, constants, found, rows)

        over_rows(work, len(targets), cost=4 * len(constants) * min(self._size, len(followers)))
        return found

    def distribution(self, hidden: np.ndarray, theta: float, words: int) -> np.ndarray:
        """Compute P_cache of all words after one state.

        Parameters
        ----------
        hidden : (H,)
        theta : float
        words : int
            V.

        Returns
        -------
        (V,) float64
            NaN if the cache is empty.
        """
        if self._hidden is None or not len(self):
            return np.full(words, np.nan)
        scores = theta * (self._hidden @ hidden).astype(np.float64)
        weights = np.exp(scores - scores.max())
        return np.bincount(self._words, weights / weights.sum(), words)

    def _with(self, hidden: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        states = hidden if self._hidden is None else np.concatenate([self._hidden, hidden])
        return np.ascontiguousarray(states), np.concatenate([self._words, np.asarray(words, np.int32)])


def mixed(log_p: np.ndarray, other: np.ndarray, weight: float) -> np.ndarray:
    """Mix two models: ln((1 - weight) P + weight P_other).

    Parameters
    ----------
    log_p : (N,)
        ln P.
    other : (N,)
        P of the other model; NaN where it has none, which leaves P as it is.
    weight : float
        From 0 to 1.

    Returns
    -------
    (N,) float64
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        sums = np.logaddexp(np.log1p(-weight) + log_p, np.log(weight) + np.log(other))
    return np.where(np.isnan(other), log_p, sums)


def best_weight(log_p: np.ndarray, other: np.ndarray) -> float:
    """Find the weight of another model that makes a text most probable in the mixture; see `mixed`.

    ln P of the text is concave in the weight: its derivative falls, and its root is found by bisection.

    Parameters
    ----------
    log_p : (N,)
    other : (N,)

    Returns
    -------
    float
        From 0 to 1.
    """
    there = ~np.isnan(other)
    gain = other[there] * np.exp(-np.asarray(log_p, np.float64)[there]) - 1
    low, high = 0.0, 1.0
    for _ in range(40):
        weight = (low + high) / 2
        if float(np.sum(gain / (1 + weight * gain))) > 0:
            low = weight
        else:
            high = weight
    return 0.0 if low == 0.0 else (low + high) / 2
