"""Nearest neighbours: the search for few queries and the kernel for many find what a full sort finds."""

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import config

from embeddings import bfloat16, parallel
from embeddings.vectors import neighbors
from embeddings.vectors.neighbors import nearest
from embeddings.vectors.rounded_matrix import RoundedMatrix

FEW, MANY = 1 << 20, -1
ROUNDS = bfloat16.AVAILABLE or config.DISABLE_JIT
COPY = "a copy in 8 bits"
SEARCHES = [(FEW, MANY), (MANY, FEW), *([(MANY, MANY)] if ROUNDS else []), COPY]
"""Queries that are few, and those that are too few for products of rounded numbers."""


@contextmanager
def searching(search):
    """Yield the search for neighbours."""
    if search == COPY:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parallel, "SMALLEST_TASK", 200)  # several threads
            yield lambda matrix, *arguments: RoundedMatrix(matrix).nearest(*arguments)
        return
    few, fewest_rounded = search
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bfloat16, "AVAILABLE", ROUNDS)
        patch.setattr(neighbors, "FEW", few)
        patch.setattr(neighbors, "FEWEST_ROUNDED", fewest_rounded)
        patch.setattr(neighbors, "QUERY_BLOCK", 16)
        patch.setattr(neighbors, "GROUP", 4)
        yield nearest


def by_sorting(matrix, queries, topn, exclude):
    """Return the ids and products of the best rows: sorted by product, then by id; excluded rows come last."""
    scores = queries.astype(np.float64) @ matrix.astype(np.float64).T
    for row, excluded in enumerate(exclude):
        scores[row, excluded[(excluded >= 0) & (excluded < len(matrix))]] = -np.inf
    ids = np.argsort(-scores, axis=1, kind="stable")[:, :topn]
    return scores, ids, np.take_along_axis(scores, ids, axis=1)


@pytest.mark.parametrize("search", SEARCHES)
@settings(max_examples=40)
@given(
    rows=st.integers(1, 300),
    queries=st.integers(1, 40),
    dimension=st.integers(1, 20),
    topn=st.integers(1, 320),
    excluded=st.integers(0, 4),
    ties=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_nearest_equals_a_full_sort(search, rows, queries, dimension, topn, excluded, ties, seed):
    rng = np.random.default_rng(seed)
    matrix, asked = rng.random((rows, dimension), np.float32), rng.random((queries, dimension), np.float32)
    if ties:  # small whole numbers: the products are exact, so that equal ones are equal
        matrix, asked = np.round(2 * matrix) - 1, np.round(2 * asked) - 1
    exclude = rng.integers(-1, rows + 1, (queries, excluded))
    with searching(search) as find:
        ids, similarities = find(matrix, asked, topn, exclude)
    scores, expected_ids, expected = by_sorting(matrix, asked, topn, exclude)
    assert ids.shape == similarities.shape == (queries, min(rows, topn))
    np.testing.assert_allclose(similarities, expected, atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(scores, ids.astype(int), axis=1), similarities, atol=1e-5)
    assert all(len(set(row)) == len(row) for row in ids.tolist())
    if ties:
        np.testing.assert_array_equal(ids, expected_ids)


@pytest.mark.parametrize("search", SEARCHES)
@settings(max_examples=20, deadline=None)
@given(
    exponents=st.tuples(st.integers(-30, 15), st.integers(-30, 15)),
    spread=st.sampled_from([0.0, 1e-6, 1e-3, 3e-2]),
    dimension=st.integers(1, 90),
    seed=st.integers(0, 2**32 - 1),
)
def test_neighbours_are_exact_where_products_differ_less_than_by_rounding(search, exponents, spread, dimension, seed):
    """Rows around a few centres, at any scale: most products differ by less than 2^-8."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((3, dimension))
    matrix = centres[rng.integers(0, 3, 200)] + spread * rng.standard_normal((200, dimension))
    asked = centres[rng.integers(0, 3, 20)] + 0.1 * rng.standard_normal((20, dimension))
    scaled = [(10.0**e * values).astype(np.float32) for e, values in zip(exponents, (matrix, asked), strict=True)]
    with searching(search) as find:
        ids, similarities = find(*scaled, 7)
    _, _, expected = by_sorting(*scaled, 7, np.empty((20, 0), np.int64))
    size = np.abs(scaled[1].astype(np.float64)) @ np.abs(scaled[0].astype(np.float64)).T
    assert (np.abs(similarities - expected) <= 1e-6 * size.max(axis=1, keepdims=True) + 1e-37 * dimension).all()
    assert all(len(set(row)) == len(row) for row in ids.tolist())


@pytest.mark.parametrize("queries", [1, neighbors.FEW, neighbors.FEW + 1, 3 * neighbors.QUERY_BLOCK])
def test_equal_similarities_come_in_the_order_of_the_ids(queries):
    ids, _ = nearest(np.ones((50, 2), np.float32), np.ones((queries, 2), np.float32), 5)
    assert ids.tolist() == [[0, 1, 2, 3, 4]] * queries


def test_rows_need_not_be_contiguous():
    rng = np.random.default_rng(0)
    matrix, asked = rng.random((90, 14), np.float32)[::2, ::2], rng.random((80, 14), np.float32)[:, 1::2]
    _, ids, _ = by_sorting(matrix, asked, 3, np.empty((80, 0), np.int64))
    np.testing.assert_array_equal(nearest(matrix, asked, 3)[0], ids)


def test_no_queries_have_no_neighbours():
    ids, similarities = nearest(np.ones((5, 2), np.float32), np.empty((0, 2), np.float32), 3)
    assert ids.shape == similarities.shape == (0, 3)


def test_fewer_than_one_neighbour_is_refused():
    with pytest.raises(ValueError, match="topn is 0"):
        nearest(np.ones((5, 2), np.float32), np.ones((1, 2), np.float32), 0)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e20])
def test_no_copy_is_made_of_rows_that_are_not_finite_or_too_long(wrong):
    rows = np.eye(300, 4, dtype=np.float32)
    rows[7, 1] = wrong
    with pytest.raises(ValueError, match="not finite"):
        RoundedMatrix(rows)


def test_a_copy_finds_what_is_nearest_when_it_excludes_nearly_nothing():
    """The rows differ by less than their codes."""
    rng = np.random.default_rng(3)
    matrix = (1 + 1e-4 * rng.standard_normal((500, 24))).astype(np.float32)
    asked = rng.standard_normal((7, 24)).astype(np.float32)
    _, ids, _ = by_sorting(matrix, asked, 9, np.empty((7, 0), np.int64))
    np.testing.assert_array_equal(RoundedMatrix(matrix).nearest(asked, 9)[0], ids)


def test_fewer_than_one_neighbour_is_refused_by_a_copy():
    with pytest.raises(ValueError, match="topn is 0"):
        RoundedMatrix(np.ones((5, 2), np.float32)).nearest(np.ones((1, 2), np.float32), 0)
