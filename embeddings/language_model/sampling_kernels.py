# mypy: allow-untyped-defs
"""Loops of a softmax layer whose weights are rounded to 8 bits: bounds of its logits, and their exponentials."""

import math

import numpy as np

from embeddings import simd
from embeddings.compilation import compiled, inlined
from embeddings.networks.kernels import _exp
from embeddings.vectors.quantized_kernels import rows_after

LARGEST_CODE = 127
"""The whole number that stands for the largest weight of a row."""
LEAST_LARGEST = np.float32(1e-30)
"""Rows of smaller numbers become zeros: float32 cannot hold the reciprocals of much smaller ones."""
LARGEST = 32_767
"""The whole number that stands for the largest component of a hidden state."""
LONGEST = 4_096
"""Components of a hidden state whose products with codes of 8 bits fit into sums of 32 bits."""
SMALLEST = np.float32(-87.0)
"""The least exponent that is not taken for -inf."""


@compiled
def round_rows(weight, codes, scales, errors):
    """Round rows of weights to 8 bits a number, and bound the errors of their products with a rounded hidden state.

    Parameters
    ----------
    weight : (V, d) float32
    codes : (V, columns) int8
        Array to write to; its columns from d on are not written.
    scales : (V,) float32
        Array to write to: the unit of each row, of which 127 are its largest number.
    errors : (V,) float32
        Array to write to: how far |ŵ_i · ĥ - w_i · h| can be for an h of length 1. By Cauchy and Schwarz it is
        |ŵ_i - w_i| + |ŵ_i||ĥ - h|, and every addition in float32 adds 2^-23 |w_i| at most.
    """
    size = weight.shape[1]
    of_hidden = np.float32(math.sqrt(size) / (2 * LARGEST))  # |ĥ - h|, at most
    of_sum = np.float32(size * 2.0**-22)
    for i in range(len(weight)):
        row, largest = weight[i], np.float32(0)
        for k in range(size):
            largest = max(largest, abs(row[k]))
        scale, per_unit = np.float32(0), np.float32(0)
        if largest > LEAST_LARGEST:
            scale, per_unit = largest / np.float32(LARGEST_CODE), np.float32(LARGEST_CODE) / largest
        scales[i] = scale
        square, rounded_square, difference = np.float32(0), np.float32(0), np.float32(0)
        for k in range(size):
            code = np.float32(np.rint(row[k] * per_unit))
            codes[i, k] = np.int8(code)
            rounded = code * scale
            square += row[k] * row[k]
            rounded_square += rounded * rounded
            difference += (rounded - row[k]) * (rounded - row[k])
        errors[i] = np.sqrt(difference) + np.sqrt(rounded_square) * of_hidden + np.sqrt(square) * of_sum


@compiled
def upper_bounds(codes, scales, bias, errors, hidden, bounds):
    """Write upper bounds of logits w_i · h + b_i, by products of whole numbers: h is rounded to 16 bits.

    Parameters
    ----------
    codes : (V, columns) int8
        With `scales`, each row of the weights rounded; at least `simd.SHORTS` columns, zeros from d on.
    scales, bias : (V,) float32
    errors : (V,) float32
        How far a rounded product can be from the exact one, for an h of length 1.
    hidden : (d,) float32
        h.
    bounds : (V,) float32
        Array to write to.

    Returns
    -------
    largest : float32
        The largest bound.
    length : float32
        That of h.
    """
    count = len(codes)
    steps, step = _rounded(hidden, codes.shape[1])
    length = np.float32(math.sqrt(np.float64(_square(hidden))))
    sums = np.empty((1, simd.SCORES), np.float32)
    largest = np.float32(-np.inf)
    for first in range(0, count, simd.GROUP):
        simd.store(sums, 0, 0, _products_of_six(codes, first, steps))
        for row in range(first, min(first + simd.GROUP, count)):
            bounds[row] = sums[0, row - first] * (scales[row] * step) + bias[row] + errors[row] * length
            largest = max(largest, bounds[row])
    return largest, length


@compiled
def exponentials(logits, largest, temperature, weights, sums):
    """Write exp((l - largest) / temperature) of all logits, and their sums up to the end of every part.

    Parameters
    ----------
    logits : (V,) float32
    largest, temperature : float32
    weights : (V,) float32
        Array to write to; smaller numbers than float32 has become 0.
    sums : (n,) float64
        Array to write to: the sums of the first, the first two, ... of n parts of ⌈V / n⌉ weights.
    """
    total, size = 0.0, -(-len(logits) // len(sums))
    for number in range(len(sums)):
        part = slice(number * size, min((number + 1) * size, len(logits)))
        total += float(_add_exponentials(logits[part], largest, temperature, weights[part]))
        sums[number] = total


@compiled
def _add_exponentials(logits, largest, temperature, weights):
    """Write exp((l - largest) / temperature), and return the sum."""
    total = np.float32(0)
    for k in range(logits.size):
        x = (logits[k] - largest) / temperature
        e = _exp(x)
        weights[k] = np.float32(0) if x < SMALLEST else e
        total += weights[k]
    return total


@inlined
def _square(vector):
    total = np.float32(0)
    for k in range(vector.size):
        total += vector[k] * vector[k]
    return total


@inlined
def _rounded(hidden, columns):
    """Return a vector as whole numbers, (1, a multiple of `simd.SHORTS`) int16 as registers load them, and their unit.

    The last step loads the last columns of a row, and with them some of the step before, which meet zeros here.
    """
    size = hidden.size
    largest = np.float32(0)
    for k in range(size):
        largest = max(largest, abs(hidden[k]))
    per_unit = LARGEST / np.float64(largest) if largest > 0 else 0.0
    steps = np.zeros((1, -(-columns // simd.SHORTS) * simd.SHORTS), np.int16)
    whole, shift = columns - columns % simd.SHORTS, steps.shape[1] - columns
    for k in range(size):
        steps[0, k if k < whole else k + shift] = np.int16(round(hidden[k] * per_unit))
    return steps, np.float32(np.float64(largest) / LARGEST)


@inlined
def _products_of_six(codes, first, steps):
    """Return the products of six rows of codes with a rounded vector; past the last row, of that one."""
    end = codes.shape[1] - simd.SHORTS
    r1, r2, r3, r4, r5 = rows_after(first, len(codes))
    a0 = a1 = a2 = a3 = a4 = a5 = simd.no_sums()
    for step in range(0, steps.shape[1], simd.SHORTS):
        x, j = simd.load_shorts(steps, 0, step), min(step, end)
        a0 = simd.add_products(a0, simd.load_shorts_of_int8(codes, first, j), x)
        a1 = simd.add_products(a1, simd.load_shorts_of_int8(codes, r1, j), x)
        a2 = simd.add_products(a2, simd.load_shorts_of_int8(codes, r2, j), x)
        a3 = simd.add_products(a3, simd.load_shorts_of_int8(codes, r3, j), x)
        a4 = simd.add_products(a4, simd.load_shorts_of_int8(codes, r4, j), x)
        a5 = simd.add_products(a5, simd.load_shorts_of_int8(codes, r5, j), x)
    return simd.lane_sums(
        simd.as_floats(a0),
        simd.as_floats(a1),
        simd.as_floats(a2),
        simd.as_floats(a3),
        simd.as_floats(a4),
        simd.as_floats(a5),
    )
