"""Matrix products of the networks, in float32 or, for faster training, of numbers rounded to bfloat16.

Mixed precision (Micikevicius et al. 2018; Kalamkar et al. 2019): weights, states, gradients and all sums stay float32,
and only the factors of large products are rounded. bfloat16 has the range of float32, so that no loss is scaled.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from embeddings import bfloat16, parallel
from embeddings.packed_matrices import packed_left, packed_right
from embeddings.parallel import over_rows

_rounds: ContextVar[bool] = ContextVar("rounds to bfloat16", default=False)
FEWEST_ROUNDED = 64
"""Rows and columns of a product, or units of a layer, below which packing takes longer than it saves."""


@contextmanager
def in_bfloat16(rounds: bool = True) -> Iterator[None]:
    """Round the factors of products of float32 matrices to bfloat16 within the context, or do not.

    Like `parallel.using_threads`, the setting holds for the calling thread alone.

    Parameters
    ----------
    rounds : bool
        Without effect on processors that are not faster with it, see `bfloat16.AVAILABLE`.
    """
    token = _rounds.set(rounds and bfloat16.AVAILABLE)
    try:
        yield
    finally:
        _rounds.reset(token)


def rounded(dtype: np.dtype | type) -> bool:
    """Return whether products of matrices of this type are rounded here."""
    return _rounds.get() and dtype == np.float32


def product(left: np.ndarray, right: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Compute a matrix product; see `in_bfloat16`.

    Parameters
    ----------
    left : (n, k)
    right : (k, m)
    out : (n, m), optional
        Array to write to, whose rows are contiguous. Default: a new one.

    Returns
    -------
    (n, m)
        left · right
    """
    n, m = left.shape[0], right.shape[1]
    if min(n, m) < FEWEST_ROUNDED or not rounded(left.dtype):
        return parallel.product(left, right, out)
    result = np.empty((n, m), left.dtype) if out is None else out
    a, b = packed_left(left), packed_right(right.T)
    cost = left.shape[1] * bfloat16.COLUMNS * bfloat16.ROWS
    if len(a) > len(b):
        over_rows(lambda p: bfloat16.multiply(a, b, result, False, p, (0, len(b))), len(a), cost=cost * len(b))
    else:
        over_rows(lambda q: bfloat16.multiply(a, b, result, False, (0, len(a)), q), len(b), cost=cost * len(a))
    return result
