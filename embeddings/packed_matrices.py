"""Matrices of bfloat16 numbers in the order in which the kernels of `embeddings.bfloat16` read them."""

import numpy as np

from embeddings import bfloat16
from embeddings.parallel import over_rows

_ITEM = np.dtype(np.float32).itemsize


def packed(matrix: np.ndarray, width: int) -> np.ndarray:
    """Round a matrix to bfloat16, in the order in which the kernels read it.

    Parameters
    ----------
    matrix : (n, k) float32
    width : int
        Rows of a panel: `bfloat16.ROWS` for the left side of a product, `bfloat16.COLUMNS` for the transpose of the
        right side.

    Returns
    -------
    (ceil(n / width), ceil(k / 2), width) uint32
    """
    n, k = matrix.shape
    pack = np.empty((-(-n // width), -(-k // 2), width), np.uint32)
    if matrix.strides[1] == _ITEM:
        over_rows(lambda panels: bfloat16.pack_rows(matrix, pack, panels), len(pack), cost=width * k)
    else:
        transpose = matrix.T if matrix.strides[0] == _ITEM else np.ascontiguousarray(matrix.T)
        over_rows(lambda pairs: bfloat16.pack_columns(transpose, pack, pairs), pack.shape[1], cost=2 * n)
    return pack
