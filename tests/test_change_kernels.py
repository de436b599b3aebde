"""Changes of rows in 8 bits a number: what differs, sums over pieces and over parts, numbers that are not finite."""

import numpy as np
import pytest

from embeddings.word2vec import padded_matrices as matrices
from embeddings.word2vec.changes import PackedRows, changed_rows, combined, cut, follow, taken_changes

ALL = np.arange(6, dtype=np.int32)


def test_changes_are_those_of_the_rows_that_differ_and_are_undone():
    before = np.ones((6, 16), np.float32)
    after = before.copy()
    after[[1, 4], :3] += [[127, -3, 0], [0.5, 0.25, -127]]
    found = taken_changes(before, after, 8, np.array([0, 4, 5], np.int32))
    assert found.rows.tolist() == [4]
    assert after[1, 0] == 128
    np.testing.assert_array_equal(after[4], before[4])
    assert taken_changes(before, after, 8, ALL).rows.tolist() == [1]
    np.testing.assert_array_equal(after, before)


def packed(rows, changes):
    """Changes of rows of a matrix, as one piece would have them."""
    changes = np.array(changes, np.float32)
    before = matrices.zeros(max(rows, default=0) + 1, changes.shape[1])
    after = matrices.zeros(*before.shape)
    after[rows, : changes.shape[1]] = changes
    return taken_changes(before, after, changes.shape[1], np.array(rows, np.int32))


def unpacked(changes):
    return changes.scales[:, None] * changes.values


def whole_sums(rows, sums, squares):
    return np.ones(len(rows))


def test_changes_of_pieces_are_added_row_by_row():
    pieces = [packed([0, 2], [[127, 0], [127, 0]]), packed([2, 5], [[0, 127], [-127, 127]]), packed([2], [[127, 0]])]
    given = {}

    def half(rows, sums, squares):
        given.update(zip(rows.tolist(), squares.tolist(), strict=True))
        return np.full(len(rows), 0.5)

    total = combined(pieces, half)
    assert total.rows.tolist() == [0, 2, 5]
    np.testing.assert_allclose(unpacked(total), [[63.5, 0], [127, 63.5], [-63.5, 63.5]], atol=0.5)
    assert given == {0: 127**2, 2: 3 * 127**2, 5: 2 * 127**2}


def test_what_is_rounded_off_is_a_small_share_of_each_row():
    generator = np.random.default_rng(1)
    changes = generator.normal(size=(3000, 100)).astype(np.float32) * np.logspace(-20, 3, 3000)[:, None]
    found = unpacked(combined([packed(range(3000), changes)], whole_sums))
    off = np.linalg.norm(found - changes, axis=1) / np.linalg.norm(changes, axis=1)
    assert off.max() < 0.02
    assert abs((found - changes).mean(axis=1) / np.abs(changes).max(axis=1)).mean() < 1e-3  # neither up nor down


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_change_that_is_not_finite_is_seen_in_the_row_that_follows(wrong):
    matrix = np.zeros((3, 16), np.float32)
    follow(matrix, combined([packed([0, 1], [[1, 2], [3, wrong]]), packed([1], [[1, 1]])], whole_sums))
    assert np.isfinite(matrix).all(axis=1).tolist() == [True, False, True]


def test_tiny_changes_do_no_harm():
    found = combined([packed([1], [[1e-42, -1e-42]])], whole_sums)
    np.testing.assert_allclose(unpacked(found), 0, atol=1e-30)


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_parts_make_the_same_sum_as_all_rows(parts):
    generator = np.random.default_rng(2)
    pieces = [packed(np.sort(generator.permutation(3000)[:n]), generator.normal(size=(n, 20))) for n in (1500, 2900, 0)]
    bounds = [3000 * part // parts for part in range(1, parts)]
    cuts = zip(*(cut(piece, bounds) for piece in pieces), strict=True)
    found = [combined(part, whole_sums) for part in cuts]
    assert len(found) == parts
    for arrays, expected in zip(zip(*found, strict=True), combined(pieces, whole_sums), strict=True):
        np.testing.assert_array_equal(np.concatenate(arrays), expected)


def test_rows_follow_without_their_padding():
    matrix = np.ones((3, 16), np.float32)
    follow(matrix, PackedRows(np.array([1], np.int32), np.array([2], np.float32), np.array([[2, -1]], np.int8)))
    np.testing.assert_array_equal(matrix[:, :3], [[1, 1, 1], [5, -1, 1], [1, 1, 1]])


def test_rows_that_differ_are_found():
    before, after = matrices.zeros(5, 20), matrices.zeros(5, 20)
    after[[1, 4], [0, 19]] = [1, np.nan]
    assert changed_rows(before, after).tolist() == [1, 4]
    assert changed_rows(before, before).tolist() == []
