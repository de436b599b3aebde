"""Blocks cover every token once; held-out blocks are evenly spread; matrices are padded and aligned."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.block_queue import Work
from embeddings.word2vec import padded_matrices as matrices
from embeddings.word2vec.blocks import cut_into_blocks, hold_out

sentence_lengths = st.lists(st.integers(1, 300), min_size=1, max_size=60)


def make_corpus(*shards):
    return SimpleNamespace(
        shards=[SimpleNamespace(offsets=np.cumsum([0, *lengths])) for lengths in shards],
        token_count=sum(map(sum, shards)),
    )


@given(st.lists(sentence_lengths, min_size=1, max_size=3), st.integers(1, 120))
def test_blocks_cover_every_token_once_in_order(shards, size):
    blocks = cut_into_blocks(make_corpus(*shards), size)
    for number, lengths in enumerate(shards):
        part = blocks.select(blocks.shard == number)
        assert part.first[0] == 0
        assert part.last[-1] == sum(lengths)
        np.testing.assert_array_equal(part.first[1:], part.last[:-1])
    assert blocks.tokens.max() <= 2 * size
    assert blocks.tokens.min() > 0


@given(sentence_lengths, st.integers(1, 120))
def test_blocks_name_exactly_the_sentences_that_they_touch(lengths, size):
    offsets = np.cumsum([0, *lengths])
    blocks = cut_into_blocks(make_corpus(lengths), size)
    for i in range(len(blocks)):
        first, last = blocks.first_sentence[i], blocks.last_sentence[i]
        touched = [s for s in range(len(lengths)) if offsets[s] < blocks.last[i] and offsets[s + 1] > blocks.first[i]]
        assert touched == list(range(first, last))


@given(sentence_lengths, st.integers(1, 120))
def test_only_sentences_longer_than_a_block_are_cut(lengths, size):
    offsets = np.cumsum([0, *lengths])
    for cut in cut_into_blocks(make_corpus(lengths), size).first:
        if cut not in offsets:
            assert lengths[np.searchsorted(offsets, cut, side="right") - 1] > size


def test_held_out_blocks_are_spread_evenly():
    blocks = cut_into_blocks(make_corpus([10] * 5000), 100)
    held_out = np.flatnonzero(hold_out(blocks, 0.02))
    assert len(held_out) == 10
    assert np.diff(held_out).tolist() == [50] * 9


def test_a_huge_corpus_holds_out_no_more_than_fifty_thousand_tokens():
    blocks = cut_into_blocks(make_corpus([1000] * 20_000), 10_000)
    assert 0 < blocks.tokens[hold_out(blocks, 0.5)].sum() <= 50_000


def test_nothing_is_held_out_of_a_tiny_corpus_or_when_not_asked_for():
    assert not hold_out(cut_into_blocks(make_corpus([5, 7])), 0.01).any()
    assert not hold_out(cut_into_blocks(make_corpus([100] * 1000)), 0.0).any()


@pytest.mark.parametrize("dimension", [1, 16, 20, 100])
def test_rows_are_padded_aligned_and_closed_up_again(dimension):
    rows = 9000
    matrix = matrices.random_rows(rows, dimension, np.random.default_rng(3))
    assert matrix.shape == (rows, -(-dimension // 16) * 16)
    assert matrix.ctypes.data % 64 == 0
    assert not matrix[:, dimension:].any()
    expected = matrix[:, :dimension].copy()
    assert abs(expected).max() <= 0.5 / dimension
    closed = matrices.without_padding(matrix, dimension)
    np.testing.assert_array_equal(closed, expected)
    assert closed.flags["C_CONTIGUOUS"]
    assert np.shares_memory(closed, matrix)


def test_sums_of_numbers_of_numpy_can_be_written():
    """Kernels that are not compiled return numbers of NumPy, which a checkpoint in JSON cannot hold."""
    work = Work(3)
    work.add(np.float32(0.5), np.int64(2), np.int64(7))
    assert json.loads(json.dumps(work.so_far())) == [0.5, 2, 7]
    assert type(work.mean_loss) is float
