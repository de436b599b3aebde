"""The search for the neighbours of many queries: products and selection in one pass, without a matrix of scores.

Twelve rows of E meet one wide vector of queries at a time (Goto & van de Geijn 2008, "Anatomy of High-Performance
Matrix Multiplication"): the products stay in registers while the dimensions are walked through. A score is looked at
only if it is above the smallest of the k best of its query, which a heap holds.
"""

import numpy as np

from embeddings import bfloat16, simd, tiles
from embeddings.compilation import compiled, inlined, subroutine

ROWS = 12
"""Rows of the matrix that are multiplied at a time."""

_PANELS = 64  # of the matrix that are packed at a time, for the cache
_ZERO = np.float32(0)


@compiled
def search(matrix, queries, exclude, floors, ids, values):
    """Find the k rows with the largest products with each query.

    Parameters
    ----------
    matrix : (V, d) float32
    queries : (d, p) float32
        One query a column; p is a multiple of `simd.WIDE`, columns from n on are padding.
    exclude : (n, m) int32
        Rows excluded from the results, for each query; values that are no rows have no effect.
    floors : (1, p) float32
        -inf for each query, inf for padding. Afterwards the k-th largest product of each query.
    ids : (n, k) int32
        Filled with V. Afterwards the rows, best first; equal products in the order of the rows.
    values : (n, k) float32
        Filled with -inf. Afterwards the products of these rows.
    """
    count, dimension = matrix.shape
    block = np.empty((dimension, ROWS), np.float32)
    scores = np.empty((ROWS, simd.WIDE), np.float32)
    for start in range(0, count, ROWS):
        for r in range(ROWS):
            row = min(start + r, count - 1)
            for j in range(dimension):
                block[j, r] = matrix[row, j]
        for column in range(0, queries.shape[1], simd.WIDE):
            _multiply(block, queries, column, scores)
            limit = simd.load_wide(floors, 0, column)
            for r in range(min(ROWS, count - start)):
                if simd.any_above(simd.load_wide(scores, r, 0), limit):
                    _offer(scores, r, start + r, column, exclude, floors, ids, values)
    for query in range(len(ids)):
        _sort(ids[query], values[query])


@compiled
def search_rounded(matrix, queries, query_panels, margins, exclude, floors, ids, values):
    """Do what `search` does, faster: products of numbers rounded to bfloat16 tell which rows cannot be among the best.

    Parameters
    ----------
    matrix : (V, d) float32
    queries : (n, d) float32
    query_panels : uint32
        `queries`, packed in panels of `bfloat16.COLUMNS`.
    margins : (1, p) float32
        How far a rounded product of each query can be from the exact one; p is n, padded to whole panels.
    exclude, floors, ids, values : ndarray
        Those of `search`.
    """
    scores = np.empty((bfloat16.ROWS, bfloat16.COLUMNS), np.float32)
    panels = np.empty((_PANELS, query_panels.shape[1], bfloat16.ROWS), np.uint32)
    limits = floors - margins
    tiles.configure()
    for first in range(0, len(matrix), _PANELS * bfloat16.ROWS):
        part = matrix[first : first + _PANELS * bfloat16.ROWS]
        count = -(-len(part) // bfloat16.ROWS)
        bfloat16.pack_rows(part, panels, True, (0, count))
        for p in range(count):
            rows = min(bfloat16.ROWS, len(part) - p * bfloat16.ROWS)
            for q in range(len(query_panels)):
                bfloat16.multiply_panels(panels, p, query_panels, q, 0, panels.shape[1], rows, scores)
                for start in range(0, bfloat16.COLUMNS, simd.WIDE):
                    column = q * bfloat16.COLUMNS + start
                    limit = simd.load_wide(limits, 0, column)
                    for r in range(rows):
                        if simd.any_above(simd.load_wide(scores, r, start), limit):
                            row = first + p * bfloat16.ROWS + r
                            _offer_exactly(
                                matrix,
                                scores[r, start : start + simd.WIDE],
                                row,
                                queries,
                                column,
                                margins,
                                exclude,
                                floors,
                                limits,
                                ids,
                                values,
                            )
    tiles.release()
    for query in range(len(ids)):
        _sort(ids[query], values[query])


@compiled
def search_coded(codes, scales, matrix, first, end, queries, margins, exclude, floors, ids, values):
    """Do what `search` does, for a few queries and some rows, by products of 8-bit numbers first, as `search_rounded`.

    Few queries wait for memory more than for arithmetic, and 8-bit numbers are a quarter of it. Two rows meet six
    queries at a time, lane by lane.

    Parameters
    ----------
    codes : (V, padded d) int8
        With `scales`, each row of the matrix rounded; zeros pad d to a multiple of `simd.LANES`.
    scales : (V,) float32
    matrix : (V, d) float32
    first, end : int
        The first of the rows, and the row after the last.
    queries : (p, padded d) float32
        `simd.GROUP` of `simd.SCORES` rows are queries, the others and the columns from d on are zeros.
    margins : (1, p) float32
        How far a rounded product of each query can be from the exact one.
    exclude, floors, ids, values : ndarray
        Those of `search`, each with p queries.
    """
    scores = np.empty((1, simd.SCORES), np.float32)
    limits = floors - margins
    for row in range(first, end, 2):
        other = min(row + 1, end - 1)
        for column in range(0, len(queries), simd.SCORES):
            a, b = _score_two(codes, row, other, queries, column)
            limit = simd.load_scores(limits, 0, column)
            a = simd.multiply(a, simd.broadcast_score(scales[row]))
            if simd.any_above(a, limit):
                simd.store(scores, 0, 0, a)
                _offer_exactly(matrix, scores[0], row, queries, column, margins, exclude, floors, limits, ids, values)
            b = simd.multiply(b, simd.broadcast_score(scales[other]))
            if other > row and simd.any_above(b, limit):
                simd.store(scores, 0, 0, b)
                _offer_exactly(matrix, scores[0], other, queries, column, margins, exclude, floors, limits, ids, values)
    for query in range(len(ids)):
        _sort(ids[query], values[query])


@inlined
def _score_two(codes, row, other, queries, first):
    """Return the products of two rows of codes with six queries each."""
    a0 = a1 = a2 = a3 = a4 = a5 = simd.broadcast(_ZERO)
    b0 = b1 = b2 = b3 = b4 = b5 = simd.broadcast(_ZERO)
    for j in range(0, queries.shape[1], simd.LANES):
        x, y = simd.load_int8(codes, row, j), simd.load_int8(codes, other, j)
        q = simd.load(queries, first, j)
        a0, b0 = simd.multiply_add(x, q, a0), simd.multiply_add(y, q, b0)
        q = simd.load(queries, first + 1, j)
        a1, b1 = simd.multiply_add(x, q, a1), simd.multiply_add(y, q, b1)
        q = simd.load(queries, first + 2, j)
        a2, b2 = simd.multiply_add(x, q, a2), simd.multiply_add(y, q, b2)
        q = simd.load(queries, first + 3, j)
        a3, b3 = simd.multiply_add(x, q, a3), simd.multiply_add(y, q, b3)
        q = simd.load(queries, first + 4, j)
        a4, b4 = simd.multiply_add(x, q, a4), simd.multiply_add(y, q, b4)
        q = simd.load(queries, first + 5, j)
        a5, b5 = simd.multiply_add(x, q, a5), simd.multiply_add(y, q, b5)
    return simd.lane_sums(a0, a1, a2, a3, a4, a5), simd.lane_sums(b0, b1, b2, b3, b4, b5)


@subroutine
def _offer_exactly(matrix, scores, row, queries, column, margins, exclude, floors, limits, ids, values):
    """Offer one row of the matrix, with its exact product, to the queries for which it may be large enough."""
    for lane in range(len(scores)):
        query = column + lane
        if scores[lane] > limits[0, query]:
            score = _product(matrix[row], queries[query])
            if score > floors[0, query] and not _holds(exclude[query], row):
                _replace_worst(query, row, score, floors, ids, values)
                limits[0, query] = floors[0, query] - margins[0, query]


@inlined
def _product(a, b):
    total = _ZERO
    for j in range(len(a)):
        total += a[j] * b[j]
    return total


@inlined
def _multiply(block, queries, column, scores):
    """``scores = block.T @ queries[:, column : column + WIDE]``."""
    a0 = a1 = a2 = a3 = a4 = a5 = simd.broadcast_wide(_ZERO)
    b0 = b1 = b2 = b3 = b4 = b5 = simd.broadcast_wide(_ZERO)
    for j in range(len(block)):
        q = simd.load_wide(queries, j, column)
        a0 = simd.multiply_add(simd.broadcast_wide(block[j, 0]), q, a0)
        a1 = simd.multiply_add(simd.broadcast_wide(block[j, 1]), q, a1)
        a2 = simd.multiply_add(simd.broadcast_wide(block[j, 2]), q, a2)
        a3 = simd.multiply_add(simd.broadcast_wide(block[j, 3]), q, a3)
        a4 = simd.multiply_add(simd.broadcast_wide(block[j, 4]), q, a4)
        a5 = simd.multiply_add(simd.broadcast_wide(block[j, 5]), q, a5)
        b0 = simd.multiply_add(simd.broadcast_wide(block[j, 6]), q, b0)
        b1 = simd.multiply_add(simd.broadcast_wide(block[j, 7]), q, b1)
        b2 = simd.multiply_add(simd.broadcast_wide(block[j, 8]), q, b2)
        b3 = simd.multiply_add(simd.broadcast_wide(block[j, 9]), q, b3)
        b4 = simd.multiply_add(simd.broadcast_wide(block[j, 10]), q, b4)
        b5 = simd.multiply_add(simd.broadcast_wide(block[j, 11]), q, b5)
    simd.store(scores, 0, 0, a0)
    simd.store(scores, 1, 0, a1)
    simd.store(scores, 2, 0, a2)
    simd.store(scores, 3, 0, a3)
    simd.store(scores, 4, 0, a4)
    simd.store(scores, 5, 0, a5)
    simd.store(scores, 6, 0, b0)
    simd.store(scores, 7, 0, b1)
    simd.store(scores, 8, 0, b2)
    simd.store(scores, 9, 0, b3)
    simd.store(scores, 10, 0, b4)
    simd.store(scores, 11, 0, b5)


@subroutine
def _offer(scores, r, row, column, exclude, floors, ids, values):
    """Put one row of the matrix among the k best of the queries for which its score is large enough."""
    for lane in range(simd.WIDE):
        query = column + lane
        score = scores[r, lane]
        if score > floors[0, query] and not _holds(exclude[query], row):
            _replace_worst(query, row, score, floors, ids, values)


@inlined
def _replace_worst(query, row, score, floors, ids, values):
    values[query, 0], ids[query, 0] = score, row
    _sink(ids[query], values[query], values.shape[1])
    floors[0, query] = values[query, 0]


@inlined
def _holds(excluded, row):
    for e in excluded:  # noqa: SIM110  (Numba compiles no generator)
        if e == row:
            return True
    return False


@inlined
def _is_worse(ids, values, i, j):
    """Whether entry i comes after entry j in the results."""
    return values[i] < values[j] or (values[i] == values[j] and ids[i] > ids[j])


@inlined
def _sink(ids, values, size):
    """Restore the heap after its first entry, the worst of all, was replaced."""
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            return
        if child + 1 < size and _is_worse(ids, values, child + 1, child):
            child += 1
        if not _is_worse(ids, values, child, place):
            return
        _swap(ids, values, place, child)
        place = child


@inlined
def _swap(ids, values, i, j):
    ids[i], ids[j] = ids[j], ids[i]
    values[i], values[j] = values[j], values[i]


@inlined
def _sort(ids, values):
    """Sort a heap, best first: move the worst of the rest to the end, time after time."""
    for last in range(len(ids) - 1, 0, -1):
        _swap(ids, values, 0, last)
        _sink(ids, values, last)
