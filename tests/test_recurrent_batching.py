"""Streams of words in columns: every word is a target once, after the word before it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.networks import PADDING, Columns, windows


def laid_out(ids, batch_size, before):
    """All columns at once."""
    columns = Columns(np.array(ids, np.int32), batch_size, before)
    return columns.window(slice(0, columns.steps))


def test_the_layout_is_the_one_drawn():
    inputs, targets = laid_out(np.arange(1, 14), 3, before=0)
    np.testing.assert_array_equal(inputs.T, [[0, 1, 2, 3, 4], [5, 6, 7, 8, 0], [9, 10, 11, 12, 0]])
    np.testing.assert_array_equal(targets.T, [[1, 2, 3, 4, 5], [6, 7, 8, 9, -1], [10, 11, 12, 13, -1]])


@settings(max_examples=60)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.integers(1, 12), st.integers(1, 9))
def test_every_word_is_a_target_once_and_comes_after_the_word_before_it(ids, batch_size, length):
    columns = Columns(np.array(ids), batch_size, before=99)
    parts = [columns.window(rows) for rows in windows(columns.steps, length)]
    inputs, targets = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    pairs = [
        pair for x, y in zip(inputs.T.tolist(), targets.T.tolist(), strict=True) for pair in zip(x, y, strict=True)
    ]
    counted = [(x, y) for x, y in pairs if y != PADDING]
    assert counted == list(zip([99, *ids[:-1]], ids, strict=True))
    assert len(pairs) - len(counted) < max(1, inputs.shape[1])


@pytest.mark.parametrize("in_memory", [1, 3, 100])
def test_only_a_stretch_of_each_column_is_read(monkeypatch, in_memory):
    monkeypatch.setattr("embeddings.networks.batching._STEPS_IN_MEMORY", in_memory)
    ids = np.random.default_rng(0).integers(0, 9, 61)
    expected = laid_out(ids, 7, before=9)
    columns = Columns(ids, 7, before=9)
    for rows in (*windows(columns.steps, 4), slice(0, 2), slice(7, 9)):
        for found, whole in zip(columns.window(rows), expected, strict=True):
            np.testing.assert_array_equal(found, whole[rows])


@settings(max_examples=40)
@given(st.integers(0, 300), st.integers(1, 70), st.integers(0, 5))
def test_windows_cover_all_steps_in_order(steps, length, seed):
    for rng in (None, np.random.default_rng(seed)):
        pieces = list(windows(steps, length, rng))
        assert [t for piece in pieces for t in range(piece.start, piece.stop)] == list(range(steps))


def test_drawn_windows_vary_around_their_length():
    sizes = [piece.stop - piece.start for piece in windows(100_000, 70, np.random.default_rng(0))]
    assert np.mean(sizes) == pytest.approx(0.95 * 70 + 0.05 * 35, abs=1)
    assert 5 <= min(sizes[:-1]) < 40 < 80 < max(sizes)


@pytest.mark.parametrize(("ids", "batch_size", "message"), [([], 3, "at least one word"), ([1], 0, "batch size 0")])
def test_bad_text_or_batch_is_an_error(ids, batch_size, message):
    with pytest.raises(ValueError, match=message):
        Columns(np.array(ids, int), batch_size, before=0)


def test_windows_without_length_are_an_error():
    with pytest.raises(ValueError, match="windows of 0 steps"):
        list(windows(5, 0))
