"""Allocation of the two matrices during training: aligned rows, padded to whole SIMD registers."""

import numpy as np

ROW_FLOATS = 16
"""Rows are padded to a multiple of this many floats; the padding stays zero."""

_CACHE_LINE = 64  # bytes
_ROWS_AT_A_TIME = 4096


def padded_dimension(dimension: int) -> int:
    """Return the dimension rounded up to a multiple of `ROW_FLOATS`."""
    return -(-dimension // ROW_FLOATS) * ROW_FLOATS


def zeros(rows: int, dimension: int) -> np.ndarray:
    """Allocate a padded matrix of zeros, aligned to a cache line.

    Parameters
    ----------
    rows : int
    dimension : int
        d, without padding.

    Returns
    -------
    (rows, padded dimension) float32
    """
    width = padded_dimension(dimension)
    buffer = np.zeros(rows * width + _CACHE_LINE // 4, np.float32)
    skip = -buffer.ctypes.data % _CACHE_LINE // 4
    return buffer[skip : skip + rows * width].reshape(rows, width)


def padded(matrix: np.ndarray) -> np.ndarray:
    """Copy a matrix to a padded one, (rows, padded dimension) float32."""
    copied = zeros(*matrix.shape)
    copied[:, : matrix.shape[1]] = matrix
    return copied


def random_rows(rows: int, dimension: int, generator: np.random.Generator) -> np.ndarray:
    """Allocate a padded matrix of small random vectors, uniform in ±1/(2d) as in word2vec.

    Parameters
    ----------
    rows : int
    dimension : int
        d, without padding.
    generator : np.random.Generator

    Returns
    -------
    (rows, padded dimension) float32
    """
    matrix = zeros(rows, dimension)
    for first in range(0, rows, _ROWS_AT_A_TIME):
        part = matrix[first : first + _ROWS_AT_A_TIME, :dimension]
        part[:] = (generator.random(part.shape, dtype=np.float32) - np.float32(0.5)) / np.float32(dimension)
    return matrix


def without_padding(matrix: np.ndarray, dimension: int) -> np.ndarray:
    """Remove the padding in place and return the contiguous (rows, dimension) matrix.

    No second matrix is allocated; the padded one is overwritten.
    """
    rows, width = matrix.shape
    if width == dimension:
        return matrix
    flat = matrix.reshape(-1)
    for first in range(0, rows, _ROWS_AT_A_TIME):
        part = matrix[first : first + _ROWS_AT_A_TIME, :dimension].copy()
        flat[first * dimension : first * dimension + part.size] = part.reshape(-1)
    return flat[: rows * dimension].reshape(rows, dimension)
