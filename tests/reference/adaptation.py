"""Neural cache and dynamic evaluation, one word after the other in float64, as the papers have them."""

from collections.abc import Mapping, Sequence

import numpy as np


def cache_probability(
    hidden: np.ndarray, before: Sequence[np.ndarray], words: Sequence[int], word: int, theta: float
) -> float:
    """Return P_cache(word) after the state `hidden` (Grave et al. 2017, equation 2).

    Parameters
    ----------
    hidden : (H,)
        h_t.
    before : sequence of (H,)
        The states h_i in the cache.
    words : sequence of int
        The word x_{i+1} that followed each of them.
    word : int
    theta : float

    Returns
    -------
    float
    """
    weights = [np.exp(theta * float(np.dot(hidden, state))) for state in before]
    return sum(weight for weight, follower in zip(weights, words, strict=True) if follower == word) / sum(weights)


def cached_log_likelihoods(
    hidden: np.ndarray, words: np.ndarray, log_p: np.ndarray, *, size: int, theta: float, weight: float
) -> np.ndarray:
    """Return ln((1 - λ) P + λ P_cache) of each word of a text; ln P while the cache is empty.

    Parameters
    ----------
    hidden : (N, H)
        The state before each word.
    words : (N,) integers
    log_p : (N,)
        ln P of each word by the model.
    size : int
        Words that the cache holds.
    theta, weight : float
        θ and λ.

    Returns
    -------
    (N,) float64
    """
    found = np.array(log_p, np.float64)
    for t in range(1, len(words)):
        kept = range(max(0, t - size), t)
        p = cache_probability(hidden[t], [hidden[i] for i in kept], [words[i] for i in kept], words[t], theta)
        found[t] = np.log((1 - weight) * np.exp(log_p[t]) + weight * p)
    return found


def dynamic_step(
    weights: Mapping[str, np.ndarray],
    trained: Mapping[str, np.ndarray],
    gradients: Mapping[str, np.ndarray],
    rms: Mapping[str, np.ndarray],
    *,
    learning_rate: float,
    decay: float,
    epsilon: float,
) -> dict[str, np.ndarray]:
    """Return the weights after a segment (Krause et al. 2018, equations 5 and 6).

    Parameters
    ----------
    weights, trained, gradients, rms : mapping of str to ndarray
        θ<i-1>, θ_g, ∇L(s_i) and the root mean square of gradients on the training text.
    learning_rate, decay, epsilon : float
        η, λ and ε.

    Returns
    -------
    dict of str to ndarray
    """
    every = np.concatenate([array.ravel() for array in rms.values()])
    stepped = {}
    for name, w in weights.items():
        normed = rms[name] / every.mean()
        pull = decay * np.minimum(normed, 1 / decay if decay else np.inf)
        stepped[name] = w - learning_rate * gradients[name] / (rms[name] + epsilon) + pull * (trained[name] - w)
    return stepped
