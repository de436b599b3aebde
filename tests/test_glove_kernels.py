"""The compiled kernel of GloVe against the float64 reference, and the reference against central differences."""

import numpy as np
import pytest

from embeddings import simd
from embeddings.glove import kernels
from embeddings.glove.training_run import initial_rows, summed_vectors
from embeddings.word2vec.padded_matrices import padded_dimension
from tests.reference import glove as reference

WORDS = 9


def make_pairs(n=60, seed=2):
    draw = np.random.default_rng(seed)
    words, contexts = draw.integers(0, WORDS, (2, n))
    contexts[::10] = words[::10]  # a word beside itself
    return words.astype(np.int32), contexts.astype(np.int32), (draw.random(n) * 150 + 0.1).astype(np.float32)


def parts_of(rows, dimension):
    """Return W, C, b and b̃ of the rows, and their sums of squares."""
    width = padded_dimension(dimension)
    vectors = [rows[:, start * width : start * width + dimension] for start in range(4)]
    biases = [rows[:, 4 * width + place] for place in range(4)]
    return [*vectors[:2], *biases[:2]], [*vectors[2:], *biases[2:]]


@pytest.mark.parametrize("dimension", [1, 16, 20, 112])
def test_kernel_equals_the_reference(dimension):
    rows = initial_rows(WORDS, dimension, np.random.default_rng(3))
    parameters, squares = parts_of(rows, dimension)
    oracle = reference.Reference(*parameters, learning_rate=0.1)
    words, contexts, counts = make_pairs()
    oracle.train(zip(words, contexts, counts.astype(np.float64), strict=True))
    weights = np.array([reference.weight(count, 100.0, 0.75) for count in counts], np.float32)
    loss, examples = kernels.train_pairs(kernels.Pairs(words, contexts, np.log(counts), weights), rows, 0.1)
    for found, expected in zip(parameters, (oracle.W, oracle.C, oracle.b, oracle.b_context), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)
    for found, expected in zip(squares, oracle.squares, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert examples == oracle.examples == 2 * len(words) - np.count_nonzero(words == contexts)
    assert loss == pytest.approx(oracle.loss, rel=1e-4)
    width = padded_dimension(dimension)
    assert not rows[:, dimension:width].any()  # padding stays zero
    assert not rows[:, width + dimension : 2 * width].any()
    np.testing.assert_array_equal(summed_vectors(rows, dimension), parameters[0] + parameters[1])


@pytest.mark.parametrize("count", [0.1, 7.0, 100.0, 3000.0])
def test_gradients_of_the_reference_are_central_differences(count):
    draw = np.random.default_rng(4)
    w, c, b, b_context, step = draw.normal(size=5), draw.normal(size=5), 0.3, -0.2, 1e-5

    def loss(w=w, c=c, b=b, b_context=b_context):
        return reference.loss(w, c, b, b_context, count, 100.0, 0.75)

    for_w, for_c, for_bias = reference.gradients(w, c, b, b_context, count, 100.0, 0.75)
    for i, unit in enumerate(step * np.eye(5)):
        assert for_w[i] == pytest.approx((loss(w=w + unit) - loss(w=w - unit)) / (2 * step), rel=1e-5)
        assert for_c[i] == pytest.approx((loss(c=c + unit) - loss(c=c - unit)) / (2 * step), rel=1e-5)
    assert for_bias == pytest.approx((loss(b=b + step) - loss(b=b - step)) / (2 * step), rel=1e-5)
    assert for_bias == pytest.approx((loss(b_context=b_context + step) - loss(b_context=b_context - step)) / (2 * step))


def test_initial_parameters_are_small_and_their_sums_of_squares_one():
    rows = initial_rows(WORDS, 20, np.random.default_rng(1))
    parameters, squares = parts_of(rows, 20)
    assert all(0 < np.abs(part).max() <= 0.5 / 20 for part in parameters)
    assert all((part == 1).all() for part in squares)
    assert rows.shape[1] % simd.LANES == 0
