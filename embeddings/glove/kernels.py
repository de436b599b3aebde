"""The innermost loop of GloVe, compiled by Numba: one call trains one block of pairs on one thread, without locks.

All parameters of a word lie side by side in one row, so that a pair of words touches two places in memory::

    W | C | G_W | G_C | b, b̃, g_b, g_b̃        4 · padded d + 16 floats

W and C are the word and the context vector, b and b̃ their biases, G and g the sums of squared gradients of AdaGrad
(Duchi et al. 2011). As in the program of the authors of GloVe, G sums the squares of *steps*, gradients times the
learning rate, and biases have the learning rate 1.
"""

from typing import NamedTuple

import numpy as np

from embeddings import simd
from embeddings.compilation import compiled, inlined

BIASES = 16
"""Floats of a row after the vectors; the first four are b, b̃ and their sums of squares."""

_LOOKAHEAD = 6  # pairs between the prefetch of a row and its first use
_CACHE_LINE = 16  # floats


class Pairs(NamedTuple):
    """A block of co-occurring words; a pair is trained in both directions."""

    words: np.ndarray  # (n,) int32
    contexts: np.ndarray  # (n,) int32
    log_counts: np.ndarray  # (n,) float32, log X
    weights: np.ndarray  # (n,) float32, f(X)


@inlined
def _train_direction(
    rows: np.ndarray,
    width: int,
    word: np.int64,
    context: np.int64,
    log_count: np.float32,
    weight: np.float32,
    rate: np.float32,
) -> np.float64:
    """One step of AdaGrad on f(X) (w·c + b + b̃ − log X)² / 2; return this loss, before the step."""
    biases = 4 * width
    sums = simd.broadcast(np.float32(0))
    for j in range(0, width, simd.LANES):
        sums = simd.multiply_add(simd.load(rows, word, j), simd.load(rows, context, width + j), sums)
    difference = simd.lane_total(sums) + rows[word, biases] + rows[context, biases + 1] - log_count
    slope = weight * difference
    scale = simd.broadcast(rate * slope)
    for j in range(0, width, simd.LANES):
        w, c = simd.load(rows, word, j), simd.load(rows, context, width + j)
        word_squares, context_squares = simd.load(rows, word, 2 * width + j), simd.load(rows, context, 3 * width + j)
        word_step, context_step = simd.multiply(scale, c), simd.multiply(scale, w)
        word_change = simd.multiply(word_step, simd.reciprocal_root(word_squares))
        context_change = simd.multiply(context_step, simd.reciprocal_root(context_squares))
        simd.store(rows, word, j, simd.subtract(w, word_change))
        simd.store(rows, context, width + j, simd.subtract(c, context_change))
        simd.store(rows, word, 2 * width + j, simd.multiply_add(word_step, word_step, word_squares))
        simd.store(rows, context, 3 * width + j, simd.multiply_add(context_step, context_step, context_squares))
    rows[word, biases] -= slope / np.sqrt(rows[word, biases + 2])
    rows[context, biases + 1] -= slope / np.sqrt(rows[context, biases + 3])
    rows[word, biases + 2] += slope * slope
    rows[context, biases + 3] += slope * slope
    return np.float64(slope * difference) / 2


@compiled
def train_pairs(pairs: Pairs, rows: np.ndarray, learning_rate: float) -> tuple[float, int]:
    """Train a block of pairs in place.

    Parameters
    ----------
    pairs : Pairs
    rows : (V, 4 · padded d + BIASES) float32
        The parameters; changed.
    learning_rate : float

    Returns
    -------
    loss : float
        Σ f(X) (w·c + b + b̃ − log X)² / 2 over both directions of all pairs (Pennington et al. 2014, eq. 8, halved).
    examples : int
        Directions trained; a word beside itself has one.
    """
    width, n = (rows.shape[1] - BIASES) // 4, len(pairs.words)
    rate = np.float32(learning_rate)
    loss, examples = 0.0, n
    for i in range(n):
        ahead = min(i + _LOOKAHEAD, n - 1)
        first, second = np.int64(pairs.words[ahead]), np.int64(pairs.contexts[ahead])
        for j in range(0, rows.shape[1], _CACHE_LINE):
            simd.prefetch(rows, first, j)
            simd.prefetch(rows, second, j)
        word, context = np.int64(pairs.words[i]), np.int64(pairs.contexts[i])
        log_count, weight = pairs.log_counts[i], pairs.weights[i]
        loss += _train_direction(rows, width, word, context, log_count, weight, rate)
        if word != context:
            loss += _train_direction(rows, width, context, word, log_count, weight, rate)
            examples += 1
    return loss, examples
