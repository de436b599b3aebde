"""Compiled means of the vectors of n-grams."""

# mypy: ignore-errors
# (Numba infers the types of what it compiles.)

import numpy as np

from embeddings.compilation import exact


@exact
def average_ngrams(matrix, row_of_bucket, offsets, buckets, own, means, found):
    """Average the vectors of the n-grams of words, one after the other in float32, as fastText does.

    Parameters
    ----------
    matrix : (U, d) float32
    row_of_bucket : (B,) int32
        Row of `matrix` for each bucket; -1 for none.
    offsets : (n + 1,) int64
        The n-grams of word i are ``buckets[offsets[i] : offsets[i + 1]]``.
    buckets : (m,) int32
    own : int
        1 if words have a row of their own, 0 if not.
    means : (n, d) float32
        Own rows or zeros; replaced by the means.
    found : (n,) bool
        Receives whether an n-gram of the word has a row.
    """
    for word in range(offsets.size - 1):
        found[word] = False
        for place in range(offsets[word], offsets[word + 1]):
            row = row_of_bucket[buckets[place]]
            if row >= 0:
                found[word] = True
                for i in range(means.shape[1]):
                    means[word, i] += matrix[row, i]
        share = np.float32(1 / max(1, offsets[word + 1] - offsets[word] + own))
        for i in range(means.shape[1]):
            means[word, i] *= share


@exact
def subtract_from_total(matrix, row_of_bucket, offsets, buckets, means, own):
    """Compute the own vectors of words from the means over these and the vectors of their n-grams.

    Parameters
    ----------
    matrix : (U, d) float32
    row_of_bucket : (B,) int32
        Row of `matrix` for each bucket; -1 for none.
    offsets : (n + 1,) int64
        The n-grams of word i are ``buckets[offsets[i] : offsets[i + 1]]``.
    buckets : (m,) int32
    means : (n, d) float32
    own : (n, d) float32
        Receives the own vectors.
    """
    total = np.empty(means.shape[1])
    for word in range(offsets.size - 1):
        rows = 1 + offsets[word + 1] - offsets[word]
        for i in range(total.size):
            total[i] = np.float64(means[word, i]) * rows
        for place in range(offsets[word], offsets[word + 1]):
            row = row_of_bucket[buckets[place]]
            if row >= 0:
                for i in range(total.size):
                    total[i] -= matrix[row, i]
        for i in range(total.size):
            own[word, i] = np.float32(total[i])
