"""Matrices of bfloat16 numbers in the order in which the kernels of `embeddings.bfloat16` read them."""

import numpy as np

from embeddings import bfloat16
from embeddings.parallel import over_rows

_ITEM = np.dtype(np.float32).itemsize


def packed_left(matrix: np.ndarray) -> np.ndarray:
    """Round the left side of a product to bfloat16, in the order in which the kernels read it.

    Parameters
    ----------
    matrix : (n, k) float32

    Returns
    -------
    (ceil(n / ROWS), p, ROWS) uint32
        p is ceil(k / 2), rounded up to a multiple of `bfloat16.PAIRS`.
    """
    return _packed(matrix, bfloat16.ROWS, True)


def packed_right(transpose: np.ndarray) -> np.ndarray:
    """Round the right side of a product, given as its transpose; see `packed_left`.

    Parameters
    ----------
    transpose : (m, k) float32

    Returns
    -------
    (ceil(m / COLUMNS), p, COLUMNS) uint32
    """
    return _packed(transpose, bfloat16.COLUMNS, False)


def _packed(matrix: np.ndarray, width: int, is_left: bool) -> np.ndarray:
    n, k = matrix.shape
    pairs = -(-k // (2 * bfloat16.PAIRS)) * bfloat16.PAIRS
    pack = np.empty((-(-n // width), pairs, width), np.uint32)
    if matrix.strides[1] == _ITEM:
        over_rows(lambda panels: bfloat16.pack_rows(matrix, pack, is_left, panels), len(pack), cost=width * k)
    else:
        transpose = matrix.T if matrix.strides[0] == _ITEM else np.ascontiguousarray(matrix.T)
        grain = bfloat16.PAIRS
        over_rows(lambda rows: bfloat16.pack_columns(transpose, pack, is_left, rows), pairs, cost=2 * n, grain=grain)
    return pack
