"""Drawing the next word: temperature, the k most probable words, the nucleus; from exact or from rounded weights."""

import math
from dataclasses import dataclass

import numpy as np

from embeddings.setting_types import require_setting_types

_HIGHEST = 1e38  # float32, in which logits are divided by it, has no number far above
_CLASSES_OF_A_SUM = 128  # classes whose weights are added up before one of them is searched
_SHARPEST = 3.0  # range of the bounds of a logit, over the temperature, above which too few draws would be kept


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """Sampling of the next word.

    Attributes
    ----------
    temperature : float
        Divides the log-probabilities: below 1, probable words become more probable. 0 takes the most probable word.
    top_k : int, optional
        Sample from this number of most probable words only. Default: all words.
    top_p : float
        Sample from the fewest words whose probabilities sum to at least this (nucleus, Holtzman et al. 2020), after
        `top_k`.
    allow_unknown : bool
        Allow ``<unk>`` in the output.

    Raises
    ------
    ValueError
        A value is out of range; the message names the setting.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    allow_unknown: bool = False

    def __post_init__(self) -> None:
        require_setting_types(self)
        if not 0 <= self.temperature <= _HIGHEST:  # also refuses NaN
            raise ValueError(f"temperature must be from 0 to {_HIGHEST:.1e}, got {self.temperature}")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k must be at least 1, got {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be a probability above 0, got {self.top_p}")


def probabilities(log_p: np.ndarray, config: SamplingConfig) -> np.ndarray:
    """Compute the distribution of the next word.

    Parameters
    ----------
    log_p : (V,) float32 or float64
        ln P of all words, not necessarily normalised; -inf for words that are not allowed.
    config : SamplingConfig

    Returns
    -------
    (V,) float32 or float64
    """
    if config.temperature == 0:
        chosen = np.zeros_like(log_p)
        chosen[np.argmax(log_p)] = 1.0
        return chosen
    with np.errstate(over="ignore"):  # of a very low temperature
        p: np.ndarray = np.exp((log_p - log_p.max()) / max(config.temperature, np.finfo(log_p.dtype).tiny))
    if config.top_k is not None and config.top_k < len(p):
        least = np.partition(p, -config.top_k)[-config.top_k]
        p = _only(_most_probable(p, least)[: config.top_k], p)
    if config.top_p < 1:
        total = p.sum(dtype=np.float64)
        # words below this are no more than 1 - top_p together, so that the others suffice
        order = _most_probable(p, (1 - config.top_p) * total / len(p))
        reached = int(np.searchsorted(np.cumsum(p[order], dtype=np.float64), config.top_p * total)) + 1
        p = _only(order[:reached], p)
    return np.asarray(p / p.sum())


def _most_probable(p: np.ndarray, least: float) -> np.ndarray:
    """Return the ids of words with at least this probability, from the most probable on; among equals in order."""
    ids = np.flatnonzero(p >= least)
    return np.asarray(ids[np.argsort(-p[ids], kind="stable")])


def _only(ids: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return the probabilities of these words, and zero for all others."""
    kept = np.zeros_like(p)
    kept[ids] = p[ids]
    return kept


def drawn(p: np.ndarray, rng: np.random.Generator) -> int:
    """Return what ``rng.choice(len(p), p=p)`` does, without its checks, which take longer than the draw."""
    cumulative = np.cumsum(p, dtype=np.float64)
    cumulative /= cumulative[-1]
    return int(np.searchsorted(cumulative, rng.random(), side="right"))


class RoundedSoftmax:
    """Draws classes of a softmax layer from weights rounded to 8 bits, with the probabilities of the exact ones.

    A product with one hidden state waits for memory, and the rounded weights are a quarter of them. With upper bounds
    u of the logits l, a class is drawn from softmax(u / temperature) and kept with probability exp((l - u) /
    temperature): rejection sampling, for which only the row of the drawn class is multiplied exactly.

    Parameters
    ----------
    weight : (V, d) float32
        Referenced, not copied.
    bias : (V,) float32
        -inf for classes that are not drawn.
    config : SamplingConfig
        `allow_unknown` has no effect.
    """

    def __init__(self, weight: np.ndarray, bias: np.ndarray, config: SamplingConfig) -> None:
        from embeddings.language_model.sampling_kernels import round_rows  # slow to import: Numba
        from embeddings.simd import SHORTS

        self._weight, self._bias, self._config = weight, bias, config
        count, dimension = weight.shape
        self._codes = np.zeros((count, max(dimension, SHORTS)), np.int8)
        self._scales, self._errors = np.empty(count, np.float32), np.empty(count, np.float32)
        round_rows(weight, self._codes, self._scales, self._errors)
        self._largest_error = float(self._errors.max())

    def draw(self, hidden: np.ndarray, rng: np.random.Generator) -> int:
        """Draw a class.

        Parameters
        ----------
        hidden : (d,) float32
            The input of the softmax.
        rng : Generator

        Returns
        -------
        int
        """
        from embeddings.language_model.sampling_kernels import upper_bounds

        config, bounds = self._config, np.empty(len(self._bias), np.float32)
        largest, length = upper_bounds(self._codes, self._scales, self._bias, self._errors, hidden, bounds)
        slack = 2 * length * self._largest_error  # l ≥ u - slack
        most = 1 if config.temperature == 0 else config.top_k
        if most is not None and most < len(bounds):
            return self._drawn_among_the_first(most, bounds, slack, hidden, rng)
        if not slack < _SHARPEST * config.temperature:
            return drawn(probabilities(self._logits(hidden), config), rng)
        return self._drawn_by_rejection(bounds, largest, slack, hidden, rng)

    def _logits(self, hidden: np.ndarray) -> np.ndarray:
        logits: np.ndarray = self._weight @ hidden
        logits += self._bias
        return logits

    def _drawn_among_the_first(
        self, most: int, bounds: np.ndarray, slack: float, hidden: np.ndarray, rng: np.random.Generator
    ) -> int:
        """Draw from the k most probable classes: those whose upper bounds reach the k-th largest lower one."""
        reached = np.flatnonzero(bounds >= np.partition(bounds, -most)[-most] - slack)
        logits = self._weight[reached] @ hidden + self._bias[reached]
        return int(reached[drawn(probabilities(logits, self._config), rng)])

    def _drawn_by_rejection(
        self, bounds: np.ndarray, largest: float, slack: float, hidden: np.ndarray, rng: np.random.Generator
    ) -> int:
        from embeddings.language_model.sampling_kernels import exponentials

        temperature, weights = self._config.temperature, np.empty_like(bounds)
        cumulative = np.empty(-(-len(weights) // _CLASSES_OF_A_SUM))
        exponentials(bounds, np.float32(largest), np.float32(temperature), weights, cumulative)
        while True:
            word = _found(weights, cumulative, rng.random() * float(cumulative[-1]))
            logit = float(self._weight[word] @ hidden + self._bias[word])
            if rng.random() < math.exp(min(0.0, (logit - bounds[word]) / temperature)) and self._is_in_nucleus(
                word, logit, weights, bounds, slack, hidden
            ):
                return word

    def _is_in_nucleus(
        self, word: int, logit: float, weights: np.ndarray, bounds: np.ndarray, slack: float, hidden: np.ndarray
    ) -> bool:
        """Return whether the words that are more probable have less than `top_p` together; if unsure, by all logits."""
        top_p = self._config.top_p
        if top_p == 1:
            return True
        total = float(weights.sum())
        shrunk = math.exp(-slack / self._config.temperature)  # what is left of a weight at least
        possibly = float(weights[bounds >= logit].sum()) - float(weights[word])
        if possibly < top_p * (possibly + shrunk * (total - possibly)):
            return True
        surely = float(weights[bounds > logit + slack].sum())
        if shrunk * surely >= top_p * (shrunk * surely + total - surely):
            return False
        return bool(probabilities(self._logits(hidden), self._config)[word] > 0)


def _found(weights: np.ndarray, cumulative: np.ndarray, amount: float) -> int:
    """Return the class at which the sum of the weights passes an amount, by their sums up to the end of every part."""
    number = _place(cumulative, amount)
    size = -(-len(weights) // len(cumulative))
    first = number * size
    within = np.cumsum(weights[first : first + size], dtype=np.float64)
    return first + _place(within, amount - float(cumulative[number - 1]) if number else amount)


def _place(cumulative: np.ndarray, amount: float) -> int:
    """Return the first place whose sum is above an amount; rounding may have brought the amount to the last sum."""
    below_all = np.nextafter(cumulative[-1], 0)
    return int(np.searchsorted(cumulative, min(amount, below_all), side="right"))
