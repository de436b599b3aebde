"""Stacked layers: padding and the reverse direction, dropout masks, names, shapes that are refused."""

import numpy as np
import pytest

from embeddings.networks import (
    BidirectionalRNN,
    DeepRNN,
    Dropout,
    GRUCell,
    LSTMCell,
    RepeatedVectors,
    RNNCell,
    dropout_mask,
    pad_sequences,
)

STEPS, BATCH, SIZE = 5, 3, 4


def network(kind=DeepRNN, cell=None, sizes=(4, 3), **options):
    return kind(cell or GRUCell(), SIZE, sizes, rng=np.random.default_rng(1), dtype=np.float64, **options)


@pytest.mark.parametrize("kind", [DeepRNN, BidirectionalRNN])
def test_padding_changes_nothing(kind):
    rng = np.random.default_rng(0)
    sequences = [rng.standard_normal((length, SIZE)) for length in (5, 1, 2)]
    padded = rng.standard_normal((STEPS, BATCH, SIZE))  # what stands in the padding must not matter
    for b, sequence in enumerate(sequences):
        padded[: len(sequence), b] = sequence
    net = network(kind, LSTMCell())
    outputs, states = net.forward(padded, lengths=np.array([5, 1, 2]))
    outputs = outputs.copy()
    for b, sequence in enumerate(sequences):
        alone, alone_states = net.forward(sequence[:, None])
        np.testing.assert_allclose(outputs[: len(sequence), b], alone[:, 0], atol=1e-12)
        assert not outputs[len(sequence) :, b].any()
        for state, alone_state in zip(states, alone_states, strict=True):
            np.testing.assert_allclose([s[b] for s in state], [s[0] for s in alone_state], atol=1e-12)


def test_the_reverse_direction_reads_backwards():
    net = network(BidirectionalRNN, RNNCell(), sizes=(3,))
    for name, parameter in net.parameters.items():
        if name.endswith("_reverse"):
            parameter.value[...] = net.parameters[name.removesuffix("_reverse")].value
    inputs = np.random.default_rng(0).standard_normal((STEPS, BATCH, SIZE))
    outputs, _ = net.forward(inputs)
    turned, _ = net.forward(inputs[::-1])
    np.testing.assert_allclose(outputs[..., 3:], turned[::-1, :, :3], atol=1e-12)


@pytest.mark.parametrize("kind", [DeepRNN, BidirectionalRNN])
def test_repeated_vectors_are_the_dense_inputs(kind):
    rng = np.random.default_rng(0)
    repeated = RepeatedVectors(rng.standard_normal((3, SIZE)), rng.integers(0, 3, (STEPS, BATCH)))
    lengths = np.array([5, 1, 3])
    net = network(kind, LSTMCell())
    dense_outputs, _ = net.forward(repeated.dense(), lengths=lengths)
    dense_outputs = dense_outputs.copy()
    d_output = rng.standard_normal(dense_outputs.shape)
    d_dense, _ = net.backward(d_output)
    outputs, _ = net.forward(repeated, lengths=lengths)
    d_vectors, _ = net.backward(d_output)
    np.testing.assert_allclose(outputs, dense_outputs, atol=1e-12)
    np.testing.assert_allclose(d_vectors, repeated.summed(d_dense), atol=1e-12)


def test_layers_may_differ_in_size_and_are_named_as_torch_names_them():
    shapes = {name: parameter.value.shape for name, parameter in network(sizes=(5, 2)).parameters.items()}
    assert shapes["weight_ih_l0"] == (15, SIZE)
    assert shapes["weight_ih_l1"] == (6, 5)
    assert shapes["weight_hh_l1"] == (6, 2)
    assert shapes["bias_hn_l1"] == (2,)
    names = network(BidirectionalRNN, LSTMCell(), sizes=(2,)).parameters
    assert list(names) == [n + d for d in ("_l0", "_l0_reverse") for n in ("weight_ih", "weight_hh", "bias")]


def test_one_seed_one_network():
    one, other = network(), network()
    for name, parameter in one.parameters.items():
        np.testing.assert_array_equal(parameter.value, other.parameters[name].value)


def test_dropout_only_with_a_generator():
    net = network(dropout=Dropout(hidden=0.5, recurrent_weights=0.5))
    inputs = np.random.default_rng(0).standard_normal((STEPS, BATCH, SIZE))
    plain = network().forward(inputs)[0]
    np.testing.assert_array_equal(net.forward(inputs)[0], plain)
    assert not np.allclose(net.forward(inputs, rng=np.random.default_rng(0))[0], plain)


@pytest.mark.parametrize("variational", [True, False])
def test_variational_masks_are_the_same_at_all_times(variational):
    rng = np.random.default_rng(0)
    net = network(cell=RNNCell(), dropout=Dropout(hidden=0.5, variational=variational))
    inputs = rng.standard_normal((STEPS, BATCH, SIZE))
    net.forward(inputs, rng=rng)
    below = net.layers[0].forward(inputs)[0]
    seen = np.asarray(net.layers[1]._inputs) / below  # 0 or 2 for each output of the first layer
    assert set(np.unique(seen.round(6))) == {0.0, 2.0}
    assert (seen.round(6) == seen[0].round(6)).all() == variational


def test_masks_keep_the_mean():
    mask = dropout_mask(np.random.default_rng(0), (200, 200), 0.3, np.dtype(np.float32))
    assert mask.dtype == np.float32
    assert mask.mean() == pytest.approx(1.0, abs=0.02)
    assert (mask == 0).mean() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("options", [{"hidden": 1.0}, {"recurrent_weights": -0.1}])
def test_bad_probabilities_are_an_error(options):
    with pytest.raises(ValueError, match=r"expected a probability in \[0, 1\)"):
        Dropout(**options)


@pytest.mark.parametrize("kind", [DeepRNN, BidirectionalRNN])
@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([1, 2], "expected one for each of the 3"),
        ([1, 2, 6], "sequence 2 has length 6: expected 1 to 5"),
        ([1, 0, 5], "sequence 1 has length 0: expected 1 to 5; leave empty sequences out"),
    ],
)
def test_bad_lengths_are_an_error(kind, lengths, message):
    with pytest.raises(ValueError, match=message):
        network(kind).forward(np.zeros((STEPS, BATCH, SIZE)), lengths=np.array(lengths))


@pytest.mark.parametrize("kind", [DeepRNN, BidirectionalRNN])
def test_inputs_of_another_size_are_an_error(kind):
    wide = RepeatedVectors(np.zeros((2, SIZE + 1)), np.zeros((STEPS, BATCH), int))
    for inputs in (wide, wide.dense()):
        with pytest.raises(ValueError, match="inputs of dimension 5: the network was made for 4"):
            network(kind).forward(inputs)
    with pytest.raises(ValueError, match="3 sequences without a time step"):
        network(kind).forward(np.zeros((0, BATCH, SIZE)))


def test_a_network_needs_a_layer():
    with pytest.raises(ValueError, match="expected an input size and one hidden size per layer"):
        network(sizes=())


def test_pad_sequences():
    padded, lengths = pad_sequences([np.array([4, 5]), np.array([], int), np.array([6])], value=-1)
    np.testing.assert_array_equal(padded, [[4, -1, 6], [5, -1, -1]])
    np.testing.assert_array_equal(lengths, [2, 0, 1])
    with pytest.raises(ValueError, match="no sequences"):
        pad_sequences([])
