"""Subsampling probabilities, the noise distribution and the alias table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.word2vec.sampling import alias_table, as_uint32_threshold, keep_probability, noise_distribution

counts = st.lists(st.integers(1, 10**9), min_size=1, max_size=200).map(np.array)


@given(counts, st.floats(-1, 2))
def test_alias_table_gives_back_the_distribution(counts, exponent):
    probability = noise_distribution(counts, exponent)
    threshold, alias = alias_table(probability)
    own = threshold / 2.0**32
    rebuilt = np.bincount(alias, weights=1 - own, minlength=len(counts)) + own
    np.testing.assert_allclose(rebuilt / len(counts), probability, rtol=0, atol=1e-8)


def test_noise_distribution_is_the_power_of_the_counts():
    np.testing.assert_allclose(noise_distribution(np.array([1, 16, 81]), 0.75), np.array([1, 8, 27]) / 36)


def test_keep_probability_is_that_of_word2vec():
    share, t = 0.02, 1e-3
    kept = keep_probability(np.array([2, 98]), t)[0]
    assert kept == pytest.approx((np.sqrt(share / t) + 1) * t / share)  # as the C code writes it


@given(counts)
def test_keep_probability_falls_with_frequency_and_is_off_at_zero(counts):
    kept = keep_probability(np.sort(counts), 1e-3)
    assert (np.diff(kept) <= 0).all()
    assert ((kept > 0) & (kept <= 1)).all()
    assert (keep_probability(counts, 0) == 1).all()


def test_thresholds_reach_both_ends():
    assert as_uint32_threshold(np.array([0.0, 0.5, 1.0])).tolist() == [0, 2**31, 2**32 - 1]
