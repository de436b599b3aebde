"""Weights that are dropped: which ones, how many, and the same ones of their gradient."""

import numpy as np
import pytest

from embeddings.networks.dropout import drop_weights
from embeddings.parallel import using_threads

SEED = np.uint64(2**63 + 12345)


def splitmix64(seed, count):
    """Return the first numbers of SplitMix64, in Python's integers."""
    numbers = []
    for place in range(1, count + 1):
        z = (int(seed) + place * 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        numbers.append(z ^ z >> 31)
    return numbers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("probability", [0.0, 0.3, 0.75])
def test_dropped_weights_are_those_of_the_formula(probability, dtype):
    weights = np.random.default_rng(0).normal(0, 1, (7, 19)).astype(dtype)
    found = drop_weights(weights, probability, SEED, np.empty_like(weights))
    kept = np.array([number >> 32 >= probability * 2**32 for number in splitmix64(SEED, weights.size)])
    np.testing.assert_array_equal(
        found, np.where(kept.reshape(weights.shape), weights * dtype(1 / (1 - probability)), 0)
    )
    assert found.dtype == dtype


def test_the_same_seed_drops_the_same_elements_whatever_the_threads():
    ones = np.ones((300, 40), np.float32)
    masks = []
    for threads in (1, 2):
        with using_threads(threads):
            masks.append(drop_weights(ones, 0.5, SEED, np.empty_like(ones)))
    np.testing.assert_array_equal(*masks)
    gradient = np.full_like(ones, 3)
    assert drop_weights(gradient, 0.5, SEED, gradient) is gradient
    np.testing.assert_array_equal(gradient, 3 * masks[0])


def test_rows_columns_and_seeds_are_dropped_alike_and_independently():
    ones = np.ones((200, 200))
    one, other = (drop_weights(ones, 0.3, np.uint64(seed), np.empty_like(ones)) == 0 for seed in (1, 2))
    for mask in (one, other):
        assert mask.mean() == pytest.approx(0.3, abs=0.01)
        assert np.abs(mask.mean(axis=0) - 0.3).max() < 0.15
        assert np.abs(mask.mean(axis=1) - 0.3).max() < 0.15
    for left, right in ((one, other), (one[1:], one[:-1]), (one[:, 1:], one[:, :-1])):
        assert (left & right).mean() == pytest.approx(0.09, abs=0.01)
