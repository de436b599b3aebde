"""Exact nearest neighbours by cosine: one blocked matrix product and a partial sort.

The queries are methods of `WordVectors`; an approximate index is in ``ann.py``.
"""

from collections.abc import Callable

import numpy as np

from embeddings import parallel
from embeddings.vectors.quantized_matrix import QuantizedMatrix

QUERY_BLOCK = 256
SCORES = QUERY_BLOCK << 14  # of one block of queries and one of words: 16 MiB of float32, inside the last-level cache
QUERY_GRAIN = 8  # queries below which another thread does not pay
GROUP = 64  # rows that share one maximum when the k-th largest entry is bounded


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

    Notes
    -----
    A thread holds at most `SCORES` similarities at a time.
    """
    if topn < 1:
        raise ValueError(f"topn is {topn}; expected 1 or more")
    k = min(topn, len(unit_matrix))
    ids = np.empty((len(queries), k), np.int32)
    similarities = np.empty((len(queries), k), np.float32)

    few = len(queries) <= QUERY_GRAIN
    multiply = parallel.product if few else np.matmul  # threads share the words of few queries, or the queries
    if isinstance(unit_matrix, QuantizedMatrix):
        multiply = QuantizedMatrix.multiply if few else QuantizedMatrix.multiply_unpacked

    def search(rows: tuple[int, int]) -> None:
        for start in range(*rows, QUERY_BLOCK):
            block = slice(start, min(start + QUERY_BLOCK, rows[1]))
            excluded = None if exclude is None else exclude[block]
            ids[block], similarities[block] = _nearest_block(unit_matrix, queries[block], k, excluded, multiply)

    with parallel.own_threads:
        if few:
            search((0, len(queries)))
        else:
            parallel.over_rows(
                search, len(queries), cost=unit_matrix.shape[0] * unit_matrix.shape[1], grain=QUERY_GRAIN
            )
    return ids, similarities


def _nearest_block(
    unit_matrix: np.ndarray,
    queries: np.ndarray,
    k: int,
    exclude: np.ndarray | None,
    multiply: Callable[..., np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Search all rows for one block of queries; return sorted ids and similarities, (n, k)."""
    n = len(queries)
    floor = np.full(n, -np.inf, np.float32)  # no entry below it can be among the k largest
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # query, id, similarity
    block = min(len(unit_matrix), SCORES // max(n, 1))
    buffer = np.empty((block, n), np.float32)  # with this layout OpenBLAS was up to a third faster
    for start in range(0, len(unit_matrix), block):
        rows = unit_matrix[start : start + block]
        scores = buffer[: len(rows)]
        multiply(rows, queries.T, out=scores)
        if exclude is not None:
            query, place = np.nonzero((exclude >= start) & (exclude < start + len(rows)))
            scores[exclude[query, place] - start, query] = -np.inf
        np.maximum(floor, _kth_largest_bound(scores, k), out=floor)
        position = _not_below(scores, floor, k)
        row, query = np.divmod(position, n)
        found.append((query, row + start, scores.ravel()[position]))
    query, ids, values = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((ids, -values, query))
    first = np.searchsorted(query[order], np.arange(n))
    best = order[first[:, None] + np.arange(k)]
    return ids[best].astype(np.int32), values[best]


def _kth_largest_bound(scores: np.ndarray, k: int) -> np.ndarray | float:
    """Return a lower bound of the k-th largest entry of each column, (n,), from one vectorised pass.

    The rows are dealt into groups. The k-th largest maximum of the groups is such a bound, and a close one.
    """
    rows, n = scores.shape
    groups = rows // GROUP
    if rows < k:
        return -np.inf
    if groups < 2 * k:
        kth: np.ndarray = np.partition(scores, rows - k, axis=0)[rows - k]
        return kth
    # group g holds the rows g, g + groups, g + 2 groups, ...: maxima of whole contiguous runs
    maxima = scores[: groups * GROUP].reshape(GROUP, groups, n).max(axis=0)
    return np.partition(np.ascontiguousarray(maxima.T), groups - k, axis=1)[:, groups - k]


def _not_below(scores: np.ndarray, floor: np.ndarray, k: int) -> np.ndarray:
    """Return the flat positions of the entries that may be among the k largest of their column."""
    rows, n = scores.shape
    position = np.flatnonzero(scores >= floor)
    if len(position) > n * k * GROUP:  # very many equal similarities, as from a zero query
        best = np.argpartition(scores, max(rows - k, 0), axis=0)[-k:]
        position = (best * n + np.arange(n)).ravel()
    return position
