"""Exact nearest neighbours by cosine.

Few queries are one matrix product and a partial sort. Many queries are the business of a compiled kernel, which keeps
no scores. The queries are methods of `WordVectors`; an approximate index is in ``ann.py``.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from embeddings import parallel
from embeddings.vectors.quantized_matrix import QuantizedMatrix

FEW = 16  # queries for which no kernel is loaded: that takes as long as a hundred of them
QUERY_BLOCK = 512  # queries of a thread that share a pass over the matrix: 200 kB of d = 100, inside the L2 cache
PIECES = 8  # slices of a thread
GROUP = 64  # rows that share one maximum when the k-th largest entry is bounded
FEWEST_ROUNDED = 64  # queries for which it pays to pack the matrix
TINY = float(np.finfo(np.float32).tiny)  # smaller products are zero where numbers are rounded
_SHORTEST = 2.0**-40  # and 1 / it: lengths whose squares are normal numbers of float32
SMALL_PRODUCT = 100**3  # multiplications up to which OpenBLAS copies no operand


def nearest(
    unit_matrix: np.ndarray, queries: np.ndarray, topn: int, exclude: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Find the rows of a matrix whose dot product with each query is largest.

    Parameters
    ----------
    unit_matrix : (V, d) float32 or QuantizedMatrix
        Rows of unit length, so that dot products are cosines.
    queries : (n, d) float32
        One query per row, of unit length if the results are to be cosines.
    topn : int
        Neighbours per query, at least 1; at most V are returned.
    exclude : (n, m) int, optional
        Rows of `unit_matrix` to exclude, for each query; -1 marks an unused place.

    Returns
    -------
    ids : (n, k) int32
        Best first; equal similarities in the order of the ids. k = min(topn, V).
    similarities : (n, k) float32
        Dot products; -inf for an excluded row, which is returned only if there are fewer than k others.

    Raises
    ------
    ValueError
        `topn` is below 1.
    """
    if topn < 1:
        raise ValueError(f"topn is {topn}; expected 1 or more")
    k = min(topn, len(unit_matrix))
    if exclude is None:
        exclude = np.empty((len(queries), 0), np.int32)
    search = _nearest_to_few if len(queries) <= FEW else _nearest_to_many
    if isinstance(unit_matrix, QuantizedMatrix):
        search = _nearest_in_blocks
    elif len(queries) == 1:  # one product, for which the threads of BLAS are faster than ours
        return _best(np.dot(unit_matrix, queries[0])[None], k, exclude)
    with parallel.own_threads:
        return search(unit_matrix, queries, k, exclude)


def _nearest_to_few(
    unit_matrix: np.ndarray, queries: np.ndarray, k: int, exclude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compute all scores; threads share the rows of the matrix."""
    if isinstance(unit_matrix, QuantizedMatrix):
        return _best(np.ascontiguousarray((unit_matrix @ queries.T).T), k, exclude)
    scores = np.empty((len(queries), len(unit_matrix)), np.float32)

    columns = np.ascontiguousarray(queries.T)
    size = max(FEW, SMALL_PRODUCT // max(columns.size, 1))

    def multiply(rows: tuple[int, int]) -> None:
        for start in range(*rows, size):
            piece = slice(start, min(start + size, rows[1]))
            scores[:, piece] = (unit_matrix[piece] @ columns).T

    parallel.over_rows(multiply, len(unit_matrix), cost=queries.size, grain=16, pieces=PIECES)
    return _best(scores, k, exclude)


def _best(scores: np.ndarray, k: int, exclude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ids and similarities of the k largest scores of every row, (n, k); `scores` (n, V) is changed."""
    n, count = scores.shape
    query, place = np.nonzero((exclude >= 0) & (exclude < count))
    scores[query, exclude[query, place]] = -np.inf
    position = _not_below(scores, _kth_largest_bound(scores, k), k)
    query, ids = np.divmod(position, count)
    values = scores.ravel()[position]
    order = np.lexsort((ids, -values, query))
    first = np.searchsorted(query[order], np.arange(n))
    best = order[first[:, None] + np.arange(k)]
    return ids[best].astype(np.int32), values[best]


def _nearest_in_blocks(
    unit_matrix: np.ndarray, queries: np.ndarray, k: int, exclude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compute all scores of a few queries at a time."""
    starts = range(0, max(len(queries), 1), FEW)
    parts = [
        _nearest_to_few(unit_matrix, queries[start : start + FEW], k, exclude[start : start + FEW]) for start in starts
    ]
    ids, similarities = zip(*parts, strict=True)
    return np.concatenate(ids), np.concatenate(similarities)


def _nearest_to_many(
    unit_matrix: np.ndarray, queries: np.ndarray, k: int, exclude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give every thread a part of the queries; it walks once over the matrix for each block of them."""
    from embeddings import bfloat16, simd  # slow to import: Numba
    from embeddings.compilation import read_only

    count = len(unit_matrix)
    matrix, exclude = read_only(np.ascontiguousarray(unit_matrix)), exclude.astype(np.int32)
    ids = np.full((len(queries), k), count, np.int32)
    values = np.full(ids.shape, -np.inf, np.float32)
    if k > count - exclude.shape[1]:
        _fill_up(ids, exclude)
    rounded = _rounded_search(matrix) if bfloat16.AVAILABLE and len(queries) >= FEWEST_ROUNDED else None
    search_block, width = (rounded, bfloat16.COLUMNS) if rounded else (partial(_search, matrix), simd.WIDE)
    most = 2 * QUERY_BLOCK if rounded else QUERY_BLOCK  # rounded numbers take half the memory

    def search(rows: tuple[int, int]) -> None:
        for start in range(*rows, most):
            block = slice(start, min(start + most, rows[1]))
            floors = np.full((1, -(-(block.stop - block.start) // width) * width), np.inf, np.float32)
            floors[:, : block.stop - block.start] = -np.inf
            search_block(queries[block], exclude[block], floors, ids[block], values[block])

    parallel.over_rows(search, len(queries), cost=unit_matrix.size, grain=width, pieces=PIECES, fewest=most)
    return ids, values


def _search(
    matrix: np.ndarray, queries: np.ndarray, exclude: np.ndarray, floors: np.ndarray, *best: np.ndarray
) -> None:
    """Search for the rows with the largest products with each query."""
    from embeddings.vectors import neighbor_kernels

    columns = np.zeros((queries.shape[1], floors.shape[1]), np.float32)
    columns[:, : len(queries)] = queries.T
    neighbor_kernels.search(matrix, columns, exclude, floors, *best)


def _rounded_search(matrix: np.ndarray) -> Callable[..., None] | None:
    """Return a function that does what `_search` does, by products of rounded numbers first.

    A number is rounded by 2^-8 of itself at most, and a product of two rows x and y by no more than (2^-7 + 2^-16)
    |x||y| (Cauchy-Schwarz); every addition in float32 adds no more than 2^-23 |x||y|. None for rows whose squares may
    be too small or too large for float32, which rows of about unit length are not.
    """
    from embeddings.packed_matrices import packed_right
    from embeddings.vectors import neighbor_kernels

    dimension, largest = matrix.shape[1], longest_norm(matrix)
    if not _SHORTEST < largest < 1 / _SHORTEST:
        return None
    error = (2**-7 + 2**-16 + dimension * 2**-22) * largest

    def search(queries: np.ndarray, exclude: np.ndarray, floors: np.ndarray, *best: np.ndarray) -> None:
        queries = np.ascontiguousarray(queries)
        margins = np.zeros_like(floors)
        margins[0, : len(queries)] = error * np.linalg.norm(queries.astype(np.float64), axis=1) + TINY * dimension
        query_panels = packed_right(queries)
        neighbor_kernels.search_rounded(matrix, queries, query_panels, margins, exclude, floors, *best)

    return search


def longest_norm(matrix: np.ndarray) -> float:
    """Return the norm of the longest row of (n, d) floats, NaN if one is not a number."""
    return float(np.sqrt(np.max(np.einsum("ij,ij->i", matrix, matrix), initial=0)))


def _fill_up(ids: np.ndarray, exclude: np.ndarray) -> None:
    """Let the excluded rows take the places for which there are no others; the first of them the best."""
    count, k = ids[0, 0], ids.shape[1]
    for places, excluded in zip(ids, exclude, strict=True):
        given = np.unique(excluded[(excluded >= 0) & (excluded < count)])[:k]
        places[k - len(given) :] = given[::-1]


def _kth_largest_bound(scores: np.ndarray, k: int) -> np.ndarray:
    """Return a lower bound of the k-th largest entry of each row, (n, 1), from one vectorised pass.

    The columns are dealt into groups. The k-th largest maximum of the groups is such a bound, and a close one.
    """
    n, count = scores.shape
    groups = count // GROUP
    if groups >= 2 * k:
        # group g holds the columns g, g + groups, g + 2 groups, ...: maxima of whole contiguous runs
        scores = scores[:, : groups * GROUP].reshape(n, GROUP, groups).max(axis=1)
    place = scores.shape[1] - k
    return np.partition(scores, place, axis=1)[:, place, None]


def _not_below(scores: np.ndarray, floor: np.ndarray, k: int) -> np.ndarray:
    """Return the flat positions of the entries that may be among the k largest of their row."""
    n, count = scores.shape
    position = np.flatnonzero(scores >= floor)
    if len(position) > n * k * GROUP:  # very many equal similarities, as from a zero query
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        position = (best + count * np.arange(n)[:, None]).ravel()
    return position
