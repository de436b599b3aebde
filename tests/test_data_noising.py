"""Data noising: probabilities against plain counts, the share and the distribution of the words that are replaced."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.language_model.data_noising import DataNoising
from embeddings.networks.batching import PADDING

TEXT = np.array([0, 1, 0, 2, 0, 3, 0, 1, 4, 4, 4, 5, 0, 1])
WORDS = 7  # the last one does not occur


@given(st.lists(st.integers(0, WORDS - 1), min_size=1, max_size=40), st.floats(0, 1))
def test_probabilities_are_those_of_the_paper(text, strength):
    noising = DataNoising(np.array(text, np.int32), WORDS, strength)
    pairs = set(pairwise(text))
    count, after, before = Counter(text), Counter(x for x, _ in pairs), Counter(y for _, y in pairs)
    for word in range(WORDS):
        expected = strength * after[word] / count[word] if word in count else 0
        assert noising.probabilities[word] == pytest.approx(expected)
        if pairs:
            assert noising.proposal[word] == pytest.approx(before[word] / len(pairs))
    assert noising.proposal.sum() == pytest.approx(1)


def test_words_are_replaced_as_often_as_their_probability_says():
    noising = DataNoising(TEXT, WORDS, 0.5)
    inputs = np.tile(np.arange(6), (20_000, 1))
    targets = np.full_like(inputs, 6)  # a word that is never proposed, so that every replacement shows
    noised, targets = noising(inputs, targets, np.random.default_rng(1))
    np.testing.assert_allclose((targets != 6).mean(axis=0), noising.probabilities[:6], atol=0.015)
    for word, changed in enumerate((noised != inputs).mean(axis=0)):  # a word may be drawn in its own place
        assert changed == pytest.approx(noising.probabilities[word] * (1 - noising.proposal[word]), abs=0.015)
    drawn = np.bincount(targets[targets != 6], minlength=WORDS)
    np.testing.assert_allclose(drawn / drawn.sum(), noising.proposal, atol=0.015)


def test_padding_and_what_is_given_stay():
    noising = DataNoising(TEXT, WORDS, 1.0)
    inputs, targets = np.zeros((50, 4), np.int64), np.full((50, 4), PADDING)
    before = inputs.copy()
    _, noised = noising(inputs, targets, np.random.default_rng(1))
    np.testing.assert_array_equal(noised, PADDING)
    np.testing.assert_array_equal(inputs, before)


def test_nothing_is_replaced_without_strength():
    noised = DataNoising(TEXT, WORDS, 0.0)(TEXT[:12].reshape(3, 4), TEXT[1:13].reshape(3, 4), np.random.default_rng(1))
    np.testing.assert_array_equal(noised, [TEXT[:12].reshape(3, 4), TEXT[1:13].reshape(3, 4)])
