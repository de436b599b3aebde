"""Parameters: gradients add up in any order, and those of rows are summed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.networks import Embedding, Parameter, RowGradient, clear_gradients

SIZE, WIDTH = 6, 3


@st.composite
def gradients(draw):
    """A dense gradient, or one of some rows as they come from a text, with repetitions."""
    seed = draw(st.integers(0, 1000))
    rng = np.random.default_rng(seed)
    if draw(st.booleans()):
        return rng.standard_normal((SIZE, WIDTH))
    rows = np.array(draw(st.lists(st.integers(0, SIZE - 1), max_size=8)), np.int64)
    return RowGradient.summed(rows, rng.standard_normal((len(rows), WIDTH)))


def dense(gradient):
    if not isinstance(gradient, RowGradient):
        return gradient.copy()
    array = np.zeros((SIZE, WIDTH))
    np.add.at(array, gradient.rows, gradient.values)
    return array


@settings(max_examples=40)
@given(st.lists(gradients(), max_size=4))
def test_gradients_add_up_in_any_order(parts):
    parameter = Parameter(np.zeros((SIZE, WIDTH)))
    expected = sum((dense(part) for part in parts), np.zeros((SIZE, WIDTH)))
    for part in parts:
        parameter.add_gradient(part)
    np.testing.assert_allclose(parameter.dense_gradient(), expected, atol=1e-12)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 9), max_size=20))
def test_rows_are_summed(rows):
    rows = np.array(rows, np.int64)
    values = np.random.default_rng(0).standard_normal((len(rows), 2))
    gradient = RowGradient.summed(rows, values)
    expected = np.zeros((10, 2))
    np.add.at(expected, rows, values)
    np.testing.assert_array_equal(gradient.rows, np.unique(rows))
    np.testing.assert_allclose(gradient.values, expected[gradient.rows], atol=1e-12)


def test_the_first_dense_gradient_is_not_copied():
    parameter = Parameter(np.zeros((2, 2)))
    buffer = parameter.gradient_buffer()
    parameter.add_gradient(buffer)
    assert parameter.gradient is buffer
    assert parameter.gradient_buffer() is not buffer
    clear_gradients({"w": parameter})
    assert parameter.gradient is None
    assert parameter.gradient_buffer() is buffer


def test_embedding_looks_up_each_word_once():
    embedding = Embedding(Parameter(np.arange(12.0).reshape(6, 2)))
    ids = np.array([[5, 1], [1, 5], [1, 0]])
    found = embedding.forward(ids)
    assert len(found.vectors) == 3
    np.testing.assert_array_equal(found.dense(), embedding.weight.value[ids])
    np.testing.assert_array_equal(found.summed(np.ones((3, 2, 4)))[:, 0], [1, 3, 2])
    embedding.backward(np.array([[1.0, 1], [2, 2], [3, 3]]))
    np.testing.assert_array_equal(embedding.weight.dense_gradient()[:, 0], [1, 2, 0, 0, 0, 3])


@pytest.mark.parametrize("ids", [[[6]], [[-1]]])
def test_embedding_of_a_word_that_is_not_there(ids):
    with pytest.raises(IndexError, match="for an embedding of 6 words"):
        Embedding(Parameter(np.zeros((6, 2)))).forward(np.array(ids))


@pytest.mark.parametrize("ids", [[[4]], [[4, 4]], [[4], [4]]])
def test_one_word_is_looked_up_as_several_are(ids):
    embedding = Embedding(Parameter(np.arange(12.0).reshape(6, 2)))
    np.testing.assert_array_equal(embedding.forward(np.array(ids)).dense(), np.tile([8.0, 9.0], (*np.shape(ids), 1)))
    embedding.backward(np.ones((1, 2)))
    np.testing.assert_array_equal(embedding.weight.dense_gradient()[:, 0], [0, 0, 0, 0, 1, 0])
