"""No backward pass without its proof: all gradients against central differences in float64."""

import numpy as np
import pytest

from embeddings.networks import (
    AdaptiveSoftmax,
    BidirectionalRNN,
    DeepRNN,
    Dropout,
    Embedding,
    GRUCell,
    LogUniformNoise,
    LSTMCell,
    MinGRUCell,
    MogrifierCell,
    Parameter,
    RNNCell,
    SampledSoftmax,
    SoftmaxCrossEntropy,
    clear_gradients,
)
from tests.reference.recurrent import assert_gradient

CELLS = {
    "rnn-sigmoid": RNNCell(activation="sigmoid"),
    "rnn-tanh": RNNCell(activation="tanh"),
    "rnn-relu": RNNCell(activation="relu"),
    "gru": GRUCell(),
    "lstm": LSTMCell(),
    "mingru": MinGRUCell(),
    "mogrifier-4": MogrifierCell(rounds=4),
    "mogrifier-5": MogrifierCell(rounds=5),
}
STEPS, BATCH, WORDS, SIZE = 4, 2, 9, 3


def random_states(network, rng):
    _, states = network.forward(np.zeros((1, BATCH, SIZE)))
    return [tuple(rng.standard_normal(array.shape) for array in state) for state in states]


def make_loss(kind, hidden_size, rng):
    if kind == "adaptive":
        return AdaptiveSoftmax(hidden_size, WORDS, [3, 6], rng=rng, divisor=2.0, dtype=np.float64)
    weight, bias = Parameter(rng.standard_normal((WORDS, hidden_size))), Parameter(rng.standard_normal(WORDS))
    if kind == "sampled":
        return SampledSoftmax(weight, bias, noise=LogUniformNoise(WORDS), num_sampled=5, rng=np.random.default_rng(0))
    return SoftmaxCrossEntropy(weight, bias)


@pytest.mark.parametrize("loss_kind", ["full", "sampled", "adaptive"])
@pytest.mark.parametrize("network_kind", [DeepRNN, BidirectionalRNN])
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_every_gradient_of_a_language_model(cell, depth, network_kind, loss_kind):
    rng = np.random.default_rng(depth)
    embedding = Embedding(Parameter(rng.standard_normal((WORDS, SIZE))))
    network = network_kind(CELLS[cell], SIZE, [4, 2, 3][:depth], rng=rng, dtype=np.float64)
    loss = make_loss(loss_kind, network.output_size, rng)
    parameters = {"embedding": embedding.weight, **network.parameters, **loss.parameters}
    states = random_states(network, rng)
    ids, targets = rng.integers(0, WORDS, (2, STEPS, BATCH))
    targets[1, 0] = -1
    lengths = np.array([STEPS, STEPS - 2])
    weights = [tuple(rng.standard_normal(array.shape) for array in state) for state in states]  # of the final states

    def forward():
        if loss_kind == "sampled":
            loss.rng = np.random.default_rng(3)  # the same noise words each time
        outputs, ends = network.forward(embedding.forward(ids), states, lengths)
        value, d_hidden = loss.value_and_gradient(outputs.reshape(STEPS * BATCH, -1), targets.ravel())
        of_states = sum(
            (w * e).sum() for ws, es in zip(weights, ends, strict=True) for w, e in zip(ws, es, strict=True)
        )
        return value + of_states, d_hidden

    clear_gradients(parameters)
    _, d_hidden = forward()
    d_vectors, d_states = network.backward(d_hidden.reshape(STEPS, BATCH, -1), weights)
    embedding.backward(d_vectors)
    arrays = {name: parameter.value for name, parameter in parameters.items()}
    gradients = {name: parameter.dense_gradient().copy() for name, parameter in parameters.items()}
    for number, (state, d_state) in enumerate(zip(states, d_states, strict=True)):
        for which, (array, gradient) in enumerate(zip(state, d_state, strict=True)):
            arrays[f"state {number}.{which}"], gradients[f"state {number}.{which}"] = array, gradient
    assert_gradient(lambda: forward()[0], arrays, gradients, rng)


@pytest.mark.parametrize("network_kind", [DeepRNN, BidirectionalRNN])
@pytest.mark.parametrize("variational", [True, False])
@pytest.mark.parametrize("cell", [GRUCell(), MogrifierCell(rounds=3), MinGRUCell()])
def test_gradients_with_dropout_and_dense_inputs(network_kind, variational, cell):
    rng = np.random.default_rng(0)
    dropout = Dropout(hidden=0.4, variational=variational, recurrent_weights=0.3)
    network = network_kind(cell, SIZE, [4, 4], rng=rng, dropout=dropout, dtype=np.float64)
    inputs = rng.standard_normal((STEPS, BATCH, SIZE))
    d_output = rng.standard_normal((STEPS, BATCH, network.output_size))

    def loss():
        outputs, _ = network.forward(inputs, rng=np.random.default_rng(5))  # the same masks each time
        return float((outputs * d_output).sum())

    loss()
    d_inputs, _ = network.backward(d_output)
    arrays = {"inputs": inputs, **{name: p.value for name, p in network.parameters.items()}}
    gradients = {"inputs": d_inputs, **{name: p.dense_gradient().copy() for name, p in network.parameters.items()}}
    assert_gradient(loss, arrays, gradients, rng)


def test_tied_weights_get_both_gradients():
    rng = np.random.default_rng(0)
    weight, bias = Parameter(rng.standard_normal((WORDS, SIZE))), Parameter(rng.standard_normal(WORDS))
    embedding, loss = Embedding(weight), SoftmaxCrossEntropy(weight, bias)
    network = DeepRNN(LSTMCell(), SIZE, [SIZE], rng=rng, dtype=np.float64)
    ids, targets = rng.integers(0, WORDS, (2, STEPS, BATCH))

    def forward():
        outputs, _ = network.forward(embedding.forward(ids))
        return loss.value_and_gradient(outputs.reshape(-1, SIZE), targets.ravel())

    parameters = {"embedding": weight, **loss.parameters, **network.parameters}
    clear_gradients(parameters)
    _, d_hidden = forward()
    d_vectors, _ = network.backward(d_hidden.reshape(STEPS, BATCH, SIZE))
    embedding.backward(d_vectors)
    gradient = weight.dense_gradient().copy()
    assert_gradient(lambda: forward()[0], {"E": weight.value}, {"E": gradient}, rng)


def test_gradient_passed_from_window_to_window_is_that_of_the_whole_sequence():
    rng = np.random.default_rng(0)
    network = DeepRNN(LSTMCell(), SIZE, [3, 2], rng=rng, dtype=np.float64)
    inputs, d_output = rng.standard_normal((6, BATCH, SIZE)), rng.standard_normal((6, BATCH, 2))
    network.forward(inputs)
    expected, _ = network.backward(d_output)
    clear_gradients(network.parameters)
    _, middle = network.forward(inputs[:2])
    network.forward(inputs[2:], middle)
    last, d_middle = network.backward(d_output[2:])
    network.forward(inputs[:2])
    first, _ = network.backward(d_output[:2], d_middle)
    np.testing.assert_allclose(np.concatenate([first, last]), expected, atol=1e-12)


def test_two_backward_passes_add_up():
    rng = np.random.default_rng(0)
    network = DeepRNN(GRUCell(), SIZE, [3], rng=rng, dtype=np.float64)
    inputs, d_output = rng.standard_normal((3, BATCH, SIZE)), rng.standard_normal((3, BATCH, 3))
    once = {}
    for times in (1, 2):
        clear_gradients(network.parameters)
        for _ in range(times):
            network.forward(inputs)
            network.backward(d_output)
        gradients = {name: p.dense_gradient().copy() for name, p in network.parameters.items()}
        once = once or gradients
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, 2 * once[name], atol=1e-12)
