# mypy: allow-untyped-defs
"""The loop that drops weights: a number for every element is a function of a seed and of the element's place."""

import numpy as np

from embeddings.compilation import exact

_GOLDEN, _FIRST, _SECOND = map(np.uint64, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_U27, _U30, _U31, _U32 = map(np.uint64, (27, 30, 31, 32))


@exact
def drop(values, out, seed, threshold, keep, rows):
    """Set out = keep values, or 0 where the number of an element is below a threshold.

    The numbers are the upper halves of SplitMix64 (Steele, Lea & Flood 2014) from a seed on, one for each element.

    Parameters
    ----------
    values, out : (n, m)
        May be the same array.
    seed, threshold : uint64
        The threshold is 2^32 times the probability.
    keep : float
        Of the type of the values.
    rows : (int, int)
        First row, and the row after the last.
    """
    columns, zero = values.shape[1], keep - keep
    for i in range(rows[0], rows[1]):
        row, dropped = values[i], out[i]
        before = seed + np.uint64(i * columns) * _GOLDEN
        for k in range(columns):
            number = before + np.uint64(k + 1) * _GOLDEN
            number = (number ^ (number >> _U30)) * _FIRST
            number = (number ^ (number >> _U27)) * _SECOND
            number = (number ^ (number >> _U31)) >> _U32
            dropped[k] = row[k] * (keep if number >= threshold else zero)
