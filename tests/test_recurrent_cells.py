"""Recurrent cells: forward and backward passes of a window equal the equations, step by step."""

from functools import partial

import numpy as np
import pytest

from embeddings.networks import (
    ACTIVATIONS,
    GRUCell,
    LSTMCell,
    MinGRUCell,
    MogrifierCell,
    MogrifierLayer,
    RecurrentLayer,
    RNNCell,
)
from tests.reference import recurrent as reference

CELLS = {
    "rnn-sigmoid": (RNNCell(activation="sigmoid"), partial(reference.rnn_step, activation="sigmoid")),
    "rnn-tanh": (RNNCell(activation="tanh"), partial(reference.rnn_step, activation="tanh")),
    "rnn-relu": (RNNCell(activation="relu"), partial(reference.rnn_step, activation="relu")),
    "gru": (GRUCell(), reference.gru_step),
    "lstm": (LSTMCell(), reference.lstm_step),
    "mingru": (MinGRUCell(), reference.mingru_step),
    "mogrifier-1": (MogrifierCell(rounds=1), reference.mogrifier_step),
    "mogrifier-4": (MogrifierCell(rounds=4), reference.mogrifier_step),
    "mogrifier-5": (MogrifierCell(rounds=5), reference.mogrifier_step),
}


def random_layer(cell, input_size, hidden_size, rng, dtype):
    kind = MogrifierLayer if isinstance(cell, MogrifierCell) else RecurrentLayer
    layer = kind(cell, input_size, hidden_size, rng=rng, dtype=dtype)
    for parameter in layer.parameters.values():
        parameter.value[...] = rng.normal(0, 0.5, parameter.value.shape)
    weights = {name: parameter.value.astype(np.float64) for name, parameter in layer.parameters.items()}
    return layer, weights


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("steps", "batch", "hidden"), [(5, 3, 4), (2, 7, 17), (6, 1, 1), (6, 11, 9)])
def test_a_window_is_what_the_equations_say(name, dtype, steps, batch, hidden):
    cell, step = CELLS[name]
    rng = np.random.default_rng(1)
    layer, weights = random_layer(cell, 3, hidden, rng, dtype)
    inputs = rng.standard_normal((steps, batch, 3)).astype(dtype)
    states = tuple(rng.standard_normal((batch, hidden)).astype(dtype) for _ in cell.states)
    lengths = rng.integers(0, steps + 1, batch)
    lengths[0] = steps
    outputs, (finals,) = layer.forward(inputs, [states], lengths)
    expected, expected_finals = reference.unrolled(step, weights, inputs.astype(float), states, lengths)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(outputs, expected, rtol=tolerance, atol=tolerance)
    for found, wanted in zip(finals, expected_finals, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CELLS)
def test_state_carried_across_windows_makes_them_one(name):
    cell, _ = CELLS[name]
    rng = np.random.default_rng(2)
    layer, _ = random_layer(cell, 3, 5, rng, np.float64)
    inputs = rng.standard_normal((9, 2, 3))
    whole, whole_end = layer.forward(inputs)
    whole = whole.copy()
    states, pieces = None, []
    for window in (slice(0, 1), slice(1, 7), slice(7, 9)):  # a single step takes another way through the layer
        outputs, states = layer.forward(inputs[window], states)
        pieces.append(outputs.copy())
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-12)
    np.testing.assert_allclose(states[0], whole_end[0], atol=1e-12)


def test_forget_bias_is_where_the_forget_gate_is():
    layer = RecurrentLayer(LSTMCell(forget_bias=1.5), 2, 3, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(np.split(layer.parameters["bias"].value, 4), [[0] * 3, [1.5] * 3, [0] * 3, [0] * 3])


def test_recurrent_weights_start_orthogonal_gate_by_gate():
    layer = RecurrentLayer(GRUCell(), 2, 6, rng=np.random.default_rng(0), dtype=np.float64)
    for block in np.split(layer.parameters["weight_hh"].value, 3):
        np.testing.assert_allclose(block @ block.T, np.eye(6), atol=1e-12)


def test_unknown_activation_is_named():
    with pytest.raises(ValueError, match="unknown activation 'swish': choose one of sigmoid, tanh, relu"):
        RNNCell(activation="swish")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_and_their_derivatives(name):
    z = np.concatenate([np.linspace(-30, 30, 301), [-1e4, 1e4, 1e-6, -1e-6]])
    g = ACTIVATIONS[name]
    with np.errstate(over="ignore"):
        expected = reference.G1[name](z)
    np.testing.assert_allclose(g(z), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(g(z.astype(np.float32)), expected, rtol=1e-6, atol=1e-37)
    inner = z[(np.abs(z) < 20) & (np.abs(z) > 1e-3)]
    differences = (g(inner + 1e-6) - g(inner - 1e-6)) / 2e-6
    np.testing.assert_allclose(g.derivative(g(inner)), differences, atol=1e-8)


@pytest.mark.parametrize("name", CELLS)
def test_not_a_number_is_not_hidden(name):
    layer, _ = random_layer(CELLS[name][0], 2, 3, np.random.default_rng(0), np.float32)
    inputs = np.zeros((5, 1, 2), np.float32)
    inputs[2] = np.nan
    outputs, _ = layer.forward(inputs)
    assert np.isfinite(outputs[1]).all()
    assert np.isnan(outputs[4]).any()
