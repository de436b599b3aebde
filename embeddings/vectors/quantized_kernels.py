"""Dot products of quantised rows with queries, from the codes: rows are never written out as float32."""

import numpy as np

from embeddings.compilation import compiled


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
    for i in range(codes.shape[0]):
        for q in range(queries.shape[0]):
            total = np.float32(0)
            for j in range(codes.shape[1]):
                total += np.float32(codes[i, j]) * queries[q, j]
            out[i, q] = total * scales[i]


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
