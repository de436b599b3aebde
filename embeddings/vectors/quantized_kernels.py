"""Dot products of quantised rows with queries, from the codes: rows are never written out as float32."""

from typing import Any

import numpy as np

from embeddings import simd
from embeddings.compilation import compiled, inlined


@compiled
def score_int8(codes: np.ndarray, scales: np.ndarray, queries: np.ndarray, out: np.ndarray) -> None:
    """Write s_i (c_i · q) for every row i and query q.

    Parameters
    ----------
    codes : (n, d) int8
        c.
    scales : (n,) float32
        s.
    queries : (m, d) float32
    out : (n, m) float32
    """
    count, dimension = codes.shape
    columns_alone = dimension if dimension < simd.LANES else 0
    steps = _steps(queries)
    sums = np.empty((1, simd.SCORES), np.float32)
    for first in range(0, count, simd.GROUP):
        for q in range(len(queries)):
            simd.store(sums, 0, 0, _score_six(codes, first, steps, q))
            for r in range(min(simd.GROUP, count - first)):
                total = sums[0, r]
                for j in range(columns_alone):
                    total += np.float32(codes[first + r, j]) * queries[q, j]
                out[first + r, q] = total * scales[first + r]


@inlined
def _steps(queries: np.ndarray) -> np.ndarray:
    """Return the columns of queries as registers load them, (m, a multiple of `simd.LANES`).

    The last step loads the last columns of a row, and with them some of the step before, which meet zeros here.
    """
    count, dimension = queries.shape
    columns = -(-dimension // simd.LANES) * simd.LANES if dimension >= simd.LANES else 0
    steps = np.zeros((count, columns), np.float32)
    whole = dimension - dimension % simd.LANES
    for q in range(count):
        for j in range(min(columns, dimension)):
            steps[q, j if j < whole else columns - dimension + j] = queries[q, j]
    return steps


@inlined
def rows_after(first: int, count: int) -> tuple[int, int, int, int, int]:
    """Return the five rows after the first of a group of `simd.GROUP`; past the last of `count` rows, that one."""
    last = count - 1
    return min(first + 1, last), min(first + 2, last), min(first + 3, last), min(first + 4, last), min(first + 5, last)


@inlined
def _score_six(codes: np.ndarray, first: int, steps: np.ndarray, q: int) -> Any:
    """Return the products of six rows of codes with a query; past the last row, of that one."""
    r1, r2, r3, r4, r5 = rows_after(first, len(codes))
    a0 = a1 = a2 = a3 = a4 = a5 = simd.broadcast(np.float32(0))
    for step in range(0, steps.shape[1], simd.LANES):
        x = simd.load(steps, q, step)
        j = min(step, codes.shape[1] - simd.LANES)
        a0 = simd.multiply_add(simd.load_int8(codes, first, j), x, a0)
        a1 = simd.multiply_add(simd.load_int8(codes, r1, j), x, a1)
        a2 = simd.multiply_add(simd.load_int8(codes, r2, j), x, a2)
        a3 = simd.multiply_add(simd.load_int8(codes, r3, j), x, a3)
        a4 = simd.multiply_add(simd.load_int8(codes, r4, j), x, a4)
        a5 = simd.multiply_add(simd.load_int8(codes, r5, j), x, a5)
    return simd.lane_sums(a0, a1, a2, a3, a4, a5)


@compiled
def score_product_codes(codes: np.ndarray, scales: np.ndarray, tables: np.ndarray, out: np.ndarray) -> None:
    """Write s_i Σ_m T_q[m, c_im] for every row i and query q.

    Jégou, Douze & Schmid (2011), "Product Quantization for Nearest Neighbor Search", §3.2, with dot products.

    Parameters
    ----------
    codes : (n, M) uint8
        c.
    scales : (n,) float32
        s.
    tables : (queries, M, 256) float32
        T: the dot products of the parts of a query with the centroids of the codebook of each part.
    out : (n, queries) float32
    """
    for q in range(tables.shape[0]):
        table = tables[q]
        for i in range(codes.shape[0]):
            total = np.float32(0)
            for m in range(codes.shape[1]):
                total += table[m, codes[i, m]]
            out[i, q] = total * scales[i]
