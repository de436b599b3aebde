"""The same networks in torch: outputs, losses and every gradient, to 1e-5 in float32 relative to their size."""

from functools import partial

import numpy as np
import pytest

from embeddings.networks import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    AdaptiveSoftmax,
    BidirectionalRNN,
    DeepRNN,
    GRUCell,
    LSTMCell,
    MinGRUCell,
    MogrifierCell,
    Momentum,
    Parameter,
    RMSProp,
    RNNCell,
    RowGradient,
    SoftmaxCrossEntropy,
)
from tests.torch_cells import cell_of_our_own

torch = pytest.importorskip("torch")

STEPS, BATCH, SIZE = 12, 7, 10
CELLS = {
    "rnn-tanh": (RNNCell(activation="tanh"), torch.nn.RNN, {"nonlinearity": "tanh"}),
    "rnn-relu": (RNNCell(activation="relu"), torch.nn.RNN, {"nonlinearity": "relu"}),
    "gru": (GRUCell(), torch.nn.GRU, {}),
    "lstm": (LSTMCell(), torch.nn.LSTM, {}),
}


def assert_close(found, expected, what):
    expected = expected.detach().numpy()
    difference = np.linalg.norm(found - expected) / max(1e-30, np.linalg.norm(expected))
    assert difference < 1e-5, f"{what} differs by {difference:.1e}"


def twin(network, cell, torch_class, options, depth, bidirectional):
    """Build torch's network with the weights of ours; return it and ours by torch's suffixes."""
    options = options | ({"bidirectional": True} if bidirectional else {})
    module = torch_class(SIZE, 9, depth, **options)
    layers = {}
    for number in range(depth):
        for direction in ("", "_reverse")[: 1 + bidirectional]:
            suffix = f"_l{number}{direction}"
            ours = {n.removesuffix(suffix): p for n, p in network.parameters.items() if n.endswith(suffix)}
            for name, array in cell.torch_arrays({n: p.value for n, p in ours.items()}).items():
                getattr(module, name + suffix).data = torch.from_numpy(array.copy())
            layers[suffix] = ours
    return module, layers


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("name", CELLS)
def test_networks_are_torchs(name, depth, bidirectional, padded):
    cell, torch_class, options = CELLS[name]
    rng = np.random.default_rng(0)
    network = (BidirectionalRNN if bidirectional else DeepRNN)(cell, SIZE, [9] * depth, rng=rng)
    for parameter in network.parameters.values():
        parameter.value[...] = rng.normal(0, 0.3, parameter.value.shape)
    module, layers = twin(network, cell, torch_class, options, depth, bidirectional)
    inputs = rng.standard_normal((STEPS, BATCH, SIZE)).astype(np.float32)
    d_output = rng.standard_normal((STEPS, BATCH, network.output_size)).astype(np.float32)
    lengths = np.array([12, 3, 7, 1, 12, 5, 9]) if padded else None

    tensor = torch.from_numpy(inputs).requires_grad_()
    if padded:
        packed = torch.nn.utils.rnn.pack_padded_sequence(tensor, torch.from_numpy(lengths), enforce_sorted=False)
        expected, states = module(packed)
        expected, _ = torch.nn.utils.rnn.pad_packed_sequence(expected)
    else:
        expected, states = module(tensor)
    states = states if name == "lstm" else (states,)
    (expected * torch.from_numpy(d_output)).sum().add(sum(s.sum() for s in states)).backward()

    outputs, ends = network.forward(inputs, lengths=lengths)
    assert_close(outputs, expected, "output")
    for which, state in enumerate(states):
        assert_close(np.stack([end[which] for end in ends]), state, "final state")
    d_inputs, _ = network.backward(d_output, [tuple(np.ones_like(array) for array in end) for end in ends])
    assert_close(d_inputs, tensor.grad, "gradient of the inputs")
    for suffix, ours in layers.items():
        for kind in ("weight_ih", "weight_hh"):
            assert_close(ours[kind].gradient, getattr(module, kind + suffix).grad, kind + suffix)
        assert_close(ours["bias"].gradient, getattr(module, "bias_ih" + suffix).grad, "bias" + suffix)
        if name == "gru":
            assert_close(ours["bias_hn"].gradient, getattr(module, "bias_hh" + suffix).grad[-9:], "bias_hn" + suffix)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize(
    ("cell", "name", "rounds"),
    [(MinGRUCell(), "mingru", 0), (MogrifierCell(rounds=5), "lstm", 5), (MogrifierCell(rounds=2), "lstm", 2)],
)
def test_cells_of_our_own_have_torchs_gradients(cell, name, rounds, depth):
    rng = np.random.default_rng(0)
    network = DeepRNN(cell, SIZE, [9] * depth, rng=rng)
    for parameter in network.parameters.values():
        parameter.value[...] = rng.normal(0, 0.3, parameter.value.shape)
    module, layers = twin(network, cell, partial(cell_of_our_own, torch, name, rounds), {}, depth, False)
    inputs = rng.standard_normal((STEPS, BATCH, SIZE)).astype(np.float32)
    d_output = rng.standard_normal((STEPS, BATCH, 9)).astype(np.float32)
    tensor = torch.from_numpy(inputs).requires_grad_()
    expected, states = module(tensor)
    (expected * torch.from_numpy(d_output)).sum().add(sum(h.sum() for h, _ in states)).backward()
    outputs, ends = network.forward(inputs)
    assert_close(outputs, expected, "output")
    d_ends = [tuple(np.full_like(array, which == 0) for which, array in enumerate(end)) for end in ends]
    d_inputs, _ = network.backward(d_output, d_ends)
    assert_close(d_inputs, tensor.grad, "gradient of the inputs")
    for suffix, ours in layers.items():
        for kind, parameter in ours.items():
            theirs = "bias_ih" if kind == "bias" else kind
            assert_close(parameter.gradient, getattr(module, theirs + suffix).grad, kind + suffix)


def test_softmax_cross_entropy_is_torchs():
    rng = np.random.default_rng(0)
    loss = SoftmaxCrossEntropy(
        Parameter(rng.normal(0, 0.3, (200, SIZE)).astype(np.float32)),
        Parameter(rng.standard_normal(200).astype(np.float32)),
    )
    hidden, targets = rng.standard_normal((50, SIZE)).astype(np.float32), rng.integers(0, 200, 50)
    targets[::7] = -1
    weight, bias, x = (
        torch.tensor(a, requires_grad=True) for a in (*(p.value for p in loss.parameters.values()), hidden)
    )
    expected = torch.nn.functional.cross_entropy(x @ weight.T + bias, torch.from_numpy(targets), ignore_index=-1)
    expected.backward()
    value, d_hidden = loss.value_and_gradient(hidden, targets)
    assert value == pytest.approx(expected.item(), rel=1e-5)
    assert_close(d_hidden, x.grad, "gradient of the hidden states")
    assert_close(loss.parameters["weight"].gradient, weight.grad, "gradient of the weight")
    assert_close(loss.parameters["bias"].gradient, bias.grad, "gradient of the bias")


def test_adaptive_softmax_is_torchs():
    rng = np.random.default_rng(0)
    ours = AdaptiveSoftmax(32, 500, [20, 100], rng=rng)
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(32, 500, [20, 100])
    pairs = {"head": theirs.head.weight}
    for i in range(2):
        pairs |= {f"tail{i}_projection": theirs.tail[i][0].weight, f"tail{i}_weight": theirs.tail[i][1].weight}
    for name, tensor in pairs.items():
        tensor.data = torch.from_numpy(ours.parameters[name].value.copy())
    hidden, targets = rng.standard_normal((60, 32)).astype(np.float32), rng.integers(0, 500, 60)
    x = torch.tensor(hidden, requires_grad=True)
    expected = theirs(x, torch.from_numpy(targets))
    expected.loss.backward()
    value, d_hidden = ours.value_and_gradient(hidden, targets)
    assert value == pytest.approx(expected.loss.item(), rel=1e-5)
    assert_close(ours.log_likelihood(hidden, targets), expected.output, "log-likelihood")
    assert_close(ours.log_probabilities(hidden), theirs.log_prob(x), "log-probabilities")
    assert_close(d_hidden, x.grad, "gradient of the hidden states")
    for name, tensor in pairs.items():
        assert_close(ours.parameters[name].gradient, tensor.grad, name)


@pytest.mark.parametrize(
    ("ours", "theirs", "options", "torch_options"),
    [
        (SGD, "SGD", {"weight_decay": 0.01}, {"weight_decay": 0.01}),
        (Momentum, "SGD", {"momentum": 0.9, "weight_decay": 0.01}, {"momentum": 0.9, "weight_decay": 0.01}),
        (Momentum, "SGD", {"momentum": 0.8, "nesterov": True}, {"momentum": 0.8, "nesterov": True}),
        (Adagrad, "Adagrad", {}, {}),
        (RMSProp, "RMSprop", {"smoothing": 0.95, "weight_decay": 0.1}, {"alpha": 0.95, "weight_decay": 0.1}),
        (Adam, "Adam", {"weight_decay": 0.1}, {"weight_decay": 0.1}),
        (AdamW, "AdamW", {"weight_decay": 0.1}, {"weight_decay": 0.1}),
    ],
)
def test_optimizers_are_torchs(ours, theirs, options, torch_options):
    rng = np.random.default_rng(0)
    start = {"matrix": rng.standard_normal((6, 5)), "vector": rng.standard_normal(7)}
    parameters = {name: Parameter(array.copy()) for name, array in start.items()}
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in start.items()}
    optimizer = ours(parameters, 0.05, **options)
    torch_optimizer = getattr(torch.optim, theirs)(tensors.values(), lr=0.05, **torch_options)
    for _ in range(5):
        for name, array in start.items():
            gradient = rng.standard_normal(array.shape)
            parameters[name].gradient, tensors[name].grad = gradient, torch.tensor(gradient)
        torch.nn.utils.clip_grad_norm_(tensors.values(), 3.0)
        optimizer.step(3.0)
        torch_optimizer.step()
    for name, parameter in parameters.items():
        np.testing.assert_allclose(parameter.value, tensors[name].detach().numpy(), rtol=1e-9)


def test_adam_of_some_rows_is_torchs_sparse_adam():
    rng = np.random.default_rng(0)
    start = rng.standard_normal((8, 3))
    parameter, tensor = Parameter(start.copy()), torch.tensor(start, requires_grad=True)
    optimizer, torch_optimizer = Adam({"E": parameter}, 0.05), torch.optim.SparseAdam([tensor], lr=0.05)
    for rows in ([1, 4], [4, 7], [0, 1, 4]):
        values = rng.standard_normal((len(rows), 3))
        parameter.gradient = RowGradient(np.array(rows), values)
        tensor.grad = torch.sparse_coo_tensor([rows], values, start.shape, check_invariants=False)
        optimizer.step()
        torch_optimizer.step()
    np.testing.assert_allclose(parameter.value, tensor.detach().numpy(), rtol=1e-5)  # torch's epsilon differs
    np.testing.assert_array_equal(parameter.value[[2, 3, 5, 6]], start[[2, 3, 5, 6]])
