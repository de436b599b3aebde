# mypy: allow-untyped-defs
"""Loops of a language model that adapts while it reads: the probabilities of a cache, the steps of the weights."""

import numpy as np

from embeddings.compilation import compiled
from embeddings.networks.kernels import _exp


@compiled
def cache_probabilities(scores, words, targets, size, thetas, found, rows):
    """Set found[k, t] = P_cache(targets[t]) with θ = thetas[k]; NaN where the cache is empty.

    `scores` (T, n + T) holds h_t · h_i, where the state h_i is followed by ``words[i]``, (n + T,) int32; row t sees
    the last `size` of the columns before n + t.
    """
    before = words.size - targets.size
    for t in range(rows[0], rows[1]):
        last = before + t
        row, followers = scores[t, max(0, last - size) : last], words[max(0, last - size) : last]
        zero = scores.dtype.type(0)
        largest = row[0] if row.size else zero
        for i in range(row.size):
            largest = max(largest, row[i])
        for k in range(thetas.size):
            theta, total, hits = thetas[k], zero, zero
            for i in range(row.size):
                e = _exp(theta * (row[i] - largest))
                total += e
                hits += e if followers[i] == targets[t] else zero
            found[k, t] = hits / total if row.size else np.nan


@compiled
def dynamic_step(value, gradient, rms, trained, constants, rows):
    """Step w += min(pull rms, 1) (trained - w) - rate g / (rms + epsilon)."""
    real = value.dtype.type
    rate, pull, epsilon = real(constants[0]), real(constants[1]), real(constants[2])
    one = real(1)
    for i in range(rows[0], rows[1]):
        w, g, s, start = value[i], gradient[i], rms[i], trained[i]
        for k in range(w.size):
            w[k] += min(pull * s[k], one) * (start[k] - w[k]) - rate * g[k] / (s[k] + epsilon)


@compiled
def add_squares(gradient, sums, rows):
    """Add g^2 to the sums."""
    for i in range(rows[0], rows[1]):
        g, total = gradient[i], sums[i]
        for k in range(g.size):
            total[k] += g[k] * g[k]
