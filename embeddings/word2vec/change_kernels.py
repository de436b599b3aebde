"""Rows of changes in 8 bits a number: taken from two matrices, added up, packed again, followed.

A packed row is a scale, a float32, and numbers from -127 to 127, of which the largest stands for the largest change. A
change that is not finite makes the scale, and so the row that follows, not finite.
"""

import numpy as np

from embeddings.compilation import exact, in_place, in_place_inlined

LARGEST = 127
_SMALLEST = np.float32(1e-30)  # changes below it are none: their inverse would not be finite
_ABSOLUTE = np.int32(0x7FFFFFFF)  # all bits but the sign; of these the order of floats is that of integers


@in_place
def take_changes(before, after, among, change, bits, rows, scales, values):
    """Pack how rows differ, and undo it.

    Parameters
    ----------
    before, after : (V, padded d) float32
        `after` becomes `before` in all of the rows.
    among : (n,) int32
        The rows.
    change : (d,) float32
        Working memory.
    bits : (d,) int32
        The same memory.
    rows : (n,) int32
        Receives the rows that differ.
    scales : (n,) float32
        Receives their scales.
    values : (n, d) int8
        Receives their numbers.

    Returns
    -------
    int
        How many differ.
    """
    found = 0
    for i in range(len(among)):
        row = among[i]
        for j in range(len(change)):
            change[j] = after[row, j] - before[row, j]
        largest = _largest(bits)
        if largest == 0:
            continue
        for j in range(len(change)):
            after[row, j] = before[row, j]
        rows[found] = row
        scales[found] = _pack(change, bits, largest, values[found])
        found += 1
    return found


@in_place
def find_changed(before, after, differ):
    """Tell which rows differ.

    Parameters
    ----------
    before, after : (V, padded d) float32
    differ : (V,) bool
        Receives the answers.
    """
    for i in range(len(before)):
        differs = False
        for j in range(before.shape[1]):
            differs |= before[i, j] != after[i, j]
        differ[i] = differs


@in_place
def add_rows(sums, squares, places, scales, values):
    """Add packed rows, and the squares of their lengths.

    Parameters
    ----------
    sums : (n, d) float32
    squares : (n,) float32
    places : (m,) int64
        The rows of both to which the packed ones belong.
    scales : (m,) float32
    values : (m, d) int8
    """
    for i in range(len(places)):
        place, scale, square = places[i], scales[i], np.int32(0)
        for j in range(values.shape[1]):
            value = np.int32(values[i, j])
            square += value * value
            sums[place, j] += scale * np.float32(value)
        squares[place] += scale * scale * np.float32(square)


@in_place
def pack_rows(sums, shares, change, bits, scales, values):
    """Pack a share of every row.

    Parameters
    ----------
    sums : (n, d) float32
    shares : (n,) float32
    change : (d,) float32
        Working memory.
    bits : (d,) int32
        The same memory.
    scales : (n,) float32
        Receives the scales.
    values : (n, d) int8
        Receives the numbers.
    """
    for i in range(len(sums)):
        for j in range(len(change)):
            change[j] = shares[i] * sums[i, j]
        scales[i] = _pack(change, bits, _largest(bits), values[i])


@exact
def follow_rows(matrix, rows, scales, values):
    """Move rows; the same arithmetic on every processor.

    Parameters
    ----------
    matrix : (V, padded d) float32
    rows : (n,) int32
    scales : (n,) float32
    values : (n, d) int8
    """
    for i in range(len(rows)):
        row, scale = rows[i], scales[i]
        for j in range(values.shape[1]):
            matrix[row, j] += scale * np.float32(values[i, j])


@in_place_inlined
def _largest(bits):
    """Return the bits of the largest absolute value of floats; those of NaN are larger than any."""
    largest = np.int32(0)
    for j in range(len(bits)):
        largest = max(largest, bits[j] & _ABSOLUTE)
    return largest


@in_place_inlined
def _pack(change, bits, largest, values):
    """Write the numbers of a row and return its scale."""
    first = change[0]
    bits[0] = largest
    size = change[0]
    change[0] = first
    if not np.isfinite(size):
        values[:] = 1
        return np.float32(np.nan)
    if size < _SMALLEST:
        values[:] = 0
        return np.float32(0)
    inverse = np.float32(LARGEST) / size
    for j in range(len(change)):
        values[j] = np.int8(np.rint(change[j] * inverse))
    return size / np.float32(LARGEST)
