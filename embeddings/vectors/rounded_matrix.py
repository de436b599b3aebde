"""Exact neighbours of a few queries at a time from a copy of a matrix in 8 bits a number.

Few queries wait for memory more than for arithmetic, and the copy is a quarter of the matrix. It excludes most rows;
the others are multiplied exactly. It pays where few queries come again and again, as in a service.
"""

import numpy as np

from embeddings import parallel, simd
from embeddings.compilation import read_only
from embeddings.vectors import neighbor_kernels
from embeddings.vectors.neighbors import TINY, longest_norm, nearest
from embeddings.vectors.quantized_matrix import to_int8

_BLOCK = 1 << 12
_LONGEST = 2.0**60  # of rows whose squares float32 can add up


class RoundedMatrix:
    """A matrix, and its rows rounded to 8 bits a number.

    Parameters
    ----------
    matrix : (V, d) float32
        Rows of finite numbers; referenced, not copied.

    Raises
    ------
    ValueError
        A row is not finite, or so long that float32 cannot hold its square.
    """

    def __init__(self, matrix: np.ndarray) -> None:
        count, dimension = matrix.shape
        self._matrix = read_only(matrix)
        self._codes = np.zeros((count, -(-dimension // simd.LANES) * simd.LANES), np.int8)
        self._scales = np.empty(count, np.float32)
        error = longest = 0.0
        for start in range(0, count, _BLOCK):
            part = slice(start, start + _BLOCK)
            rows = np.asarray(matrix[part])
            longest = max(longest, length := longest_norm(rows))
            if not length < _LONGEST:
                raise ValueError("a row is not finite, or too long")
            codes, self._scales[part] = to_int8(rows)
            self._codes[part, :dimension] = codes
            error = max(error, longest_norm(rows - codes * self._scales[part, None].astype(np.float64)))
        # Cauchy-Schwarz: |x·q - x̂·q| ≤ |x - x̂||q|; every addition in float32 adds 2^-23 |x||q| at most
        self._error = error + longest * dimension * 2**-22

    def nearest(
        self, queries: np.ndarray, topn: int, exclude: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the rows of the matrix whose dot product with each query is largest.

        Parameters
        ----------
        queries : (n, d) float32
        topn : int
            Neighbours per query, at least 1; at most V are returned.
        exclude : (n, m) int, optional
            Rows to exclude, for each query; -1 marks an unused place.

        Returns
        -------
        ids : (n, k) int32
            Best first; equal products in the order of the ids. k = min(topn, V).
        products : (n, k) float32
            -inf for an excluded row, which is returned only if there are fewer than k others.

        Raises
        ------
        ValueError
            `topn` is below 1.
        """
        n, count, places = len(queries), len(self._matrix), 0 if exclude is None else exclude.shape[1]
        if not 0 < topn <= count - places:
            return nearest(self._matrix, queries, topn, exclude)
        lanes = np.arange(n) // simd.GROUP * simd.SCORES + np.arange(n) % simd.GROUP
        padded = -(-n // simd.GROUP) * simd.SCORES
        asked = np.zeros((padded, self._codes.shape[1]), np.float32)
        asked[lanes, : self._matrix.shape[1]] = queries
        excluded = np.full((padded, places), -1, np.int32)
        if exclude is not None:
            excluded[lanes] = exclude
        margins = self._error * np.linalg.norm(asked.astype(np.float64), axis=1) + TINY * asked.shape[1]
        found: list[tuple[np.ndarray, np.ndarray]] = []

        def search(rows: parallel.Rows) -> None:
            floors = np.full((1, padded), np.inf, np.float32)
            floors[0, lanes] = -np.inf
            ids, values = np.full((padded, topn), count, np.int32), np.full((padded, topn), -np.inf, np.float32)
            neighbor_kernels.search_coded(
                self._codes,
                self._scales,
                self._matrix,
                *rows,
                asked,
                margins[None].astype(np.float32),
                excluded,
                floors,
                ids,
                values,
            )
            found.append((ids[lanes], values[lanes]))

        parallel.over_rows(search, count, cost=queries.size)
        return _best_of_all(found, topn)


def _best_of_all(found: list[tuple[np.ndarray, np.ndarray]], k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k best of each query among those of all slices of the matrix."""
    ids, values = (np.concatenate(arrays, axis=1) for arrays in zip(*found, strict=True))
    order = np.lexsort((ids, -values))[:, :k]
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(values, order, axis=1)
