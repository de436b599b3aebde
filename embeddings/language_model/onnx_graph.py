"""A language model as an ONNX graph, built node by node.

::

    ids (T, B) ──► Gather(E) ──► LSTM | GRU | RNN ──► ... ──► MatMul ──► LogSoftmax ──► log_probabilities (T, B, V)
                                  ▲           │
                 state<l>_h (B, H)┘           └► new_state<l>_h (B, H)        and c for an LSTM

The states are inputs and outputs, so that a text can be read in pieces of any length; zeros are the state before a
text, which begins with ``<eos>``. ``log_probabilities[t, b]`` is ln P of every word after ``ids[t, b]``, normalised
over all V words for every kind of softmax. Cells that ONNX does not have are loops over time (Scan). Metadata:
``vocabulary`` (one word per line, in the order of the ids), ``eos`` and ``unk`` (ids), ``tokenizer`` (JSON).
"""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from embeddings.language_model.model import LanguageModel
from embeddings.networks.cells import Cell, GRUCell, LSTMCell, MinGRUCell, MogrifierCell, RNNCell
from embeddings.networks.losses import AdaptiveSoftmax

OPSET = 17
IR_VERSION = 8
_ACTIVATIONS = {"tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu"}
_GATES = {LSTMCell: "iofg", GRUCell: "zrn", RNNCell: "a"}
"""Order of the gates in ONNX."""


class _Graph:
    """Nodes, constants, inputs and outputs of a graph, in the order of their creation."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []

    def constant(self, name: str, array: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, inputs: list[str], outputs: str | list[str], **attributes: Any) -> str:
        outputs = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return outputs[0]

    def input(self, name: str, kind: int, shape: list[str | int]) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, shape: list[str | int]) -> None:
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))


def onnx_model(model: LanguageModel) -> onnx.ModelProto:
    """Return the graph of a language model."""
    graph = _Graph()
    ids = graph.input("ids", TensorProto.INT64, ["T", "B"])
    graph.output("log_probabilities", ["T", "B", len(model.vocabulary)])
    E = graph.constant("E", model.embedding.weight.value)
    first, second = graph.constant("axis_0", np.array([0])), graph.constant("axis_1", np.array([1]))
    hidden = graph.node("Gather", [E, ids], "e")
    for number, (cell, weights) in enumerate(model.layers()):
        hidden = _layer(graph, number, cell, weights, hidden, (first, second))
    if "output.projection" in model.parameters:
        projection = graph.constant("projection", model.parameters["output.projection"].value.T)
        hidden = graph.node("MatMul", [hidden, projection], "projected")
    if isinstance(model.output, AdaptiveSoftmax):
        _adaptive(graph, model.output, hidden)
    else:
        _full(graph, model, hidden, E)
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "language_model", graph.inputs, graph.outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="vecmill",
    )
    helper.set_model_props(
        proto,
        {
            "vocabulary": "\n".join(model.vocabulary.words),
            "eos": str(model.eos),
            "unk": str(model.unk),
            "tokenizer": json.dumps(model.tokenizer_settings),
        },
    )
    return proto


def _layer(
    graph: _Graph, number: int, cell: Cell, weights: Mapping[str, np.ndarray], x: str, axes: tuple[str, str]
) -> str:
    """Add one recurrent layer; ONNX's additional axis for directions is removed."""
    if isinstance(cell, (MogrifierCell, MinGRUCell)):
        return _scanned_layer(graph, number, cell, weights, x)
    hidden = weights["weight_hh"].shape[1]
    order = [cell.gates.index(gate) for gate in _GATES[type(cell)]]

    def arranged(array: np.ndarray) -> np.ndarray:
        return np.concatenate([np.split(array, len(order))[gate] for gate in order])[None]

    arrays = cell.torch_arrays(weights)
    biases = np.concatenate([arranged(arrays["bias_ih"]), arranged(arrays["bias_hh"])], axis=1)
    inputs = [
        x,
        graph.constant(f"W_ih_{number}", arranged(arrays["weight_ih"])),
        graph.constant(f"W_hh_{number}", arranged(arrays["weight_hh"])),
        graph.constant(f"b_{number}", biases),
        "",  # all sequences are T long
    ]
    outputs = [f"sequence_{number}"]
    for state in cell.states:
        given = graph.input(f"state{number}_{state}", TensorProto.FLOAT, ["B", hidden])
        inputs.append(graph.node("Unsqueeze", [given, axes[0]], f"start{number}_{state}"))
        outputs.append(f"end{number}_{state}")
    attributes: dict[str, Any] = {"hidden_size": hidden}
    if isinstance(cell, GRUCell):
        attributes["linear_before_reset"] = 1
    if isinstance(cell, RNNCell):
        attributes["activations"] = [_ACTIVATIONS[cell.activation]]
    graph.node({LSTMCell: "LSTM", GRUCell: "GRU", RNNCell: "RNN"}[type(cell)], inputs, outputs, **attributes)
    for state in cell.states:
        graph.node("Squeeze", [f"end{number}_{state}", axes[0]], f"new_state{number}_{state}")
        graph.output(f"new_state{number}_{state}", ["B", hidden])
    return graph.node("Squeeze", [f"sequence_{number}", axes[1]], f"h_{number}")


def _scanned_layer(
    graph: _Graph, number: int, cell: MogrifierCell | MinGRUCell, weights: Mapping[str, np.ndarray], x: str
) -> str:
    """Add a layer that ONNX does not have, as a loop over time whose body is one step."""
    hidden = len(weights["bias"]) // len(cell.gates)
    constants = {
        name: graph.constant(f"{name}_{number}", array.T if array.ndim == 2 else array)
        for name, array in weights.items()
    }
    body, given = _Graph(), []
    for state in cell.states:
        given.append(graph.input(f"state{number}_{state}", TensorProto.FLOAT, ["B", hidden]))
        body.input(state, TensorProto.FLOAT, ["B", hidden])
        graph.output(f"new_state{number}_{state}", ["B", hidden])
    body.input("x", TensorProto.FLOAT, ["B", weights["weight_ih"].shape[1]])
    (_mogrifier_step if isinstance(cell, MogrifierCell) else _mingru_step)(body, constants)
    body.node("Identity", ["new_h"], "y")
    for name in (*(f"new_{state}" for state in cell.states), "y"):
        body.output(name, ["B", hidden])
    graph.node(
        "Scan",
        [*given, x],
        [*(f"new_state{number}_{state}" for state in cell.states), f"h_{number}"],
        num_scan_inputs=1,
        body=helper.make_graph(body.nodes, f"step_{number}", body.inputs, body.outputs, body.constants),
    )
    return f"h_{number}"


def _mingru_step(body: _Graph, constants: Mapping[str, str]) -> None:
    """Add h<t> = h<t-1> + z ∘ (n - h<t-1>)."""
    product = body.node("MatMul", ["x", constants["weight_ih"]], "product")
    gates = body.node("Add", [product, constants["bias"]], "gates")
    body.node("Split", [gates], ["z_before", "n"], axis=-1)
    z = body.node("Sigmoid", ["z_before"], "z")
    change = body.node("Mul", [z, body.node("Sub", ["n", "h"], "difference")], "change")
    body.node("Add", ["h", change], "new_h")


def _mogrifier_step(body: _Graph, constants: Mapping[str, str]) -> None:
    """Add the rounds, and the step of an LSTM."""
    target, source, two = "x", "h", body.constant("two", np.array(2, np.float32))
    rounds = sum(name.startswith("mogrify_") for name in constants)
    for number in range(1, rounds + 1):
        product = body.node("MatMul", [source, constants[f"mogrify_{number}"]], f"product_{number}")
        scale = body.node("Mul", [body.node("Sigmoid", [product], f"sigmoid_{number}"), two], f"scale_{number}")
        target, source = source, body.node("Mul", [scale, target], f"gated_{number}")
    x, h = (source, target) if rounds % 2 else (target, source)
    of_x = body.node("MatMul", [x, constants["weight_ih"]], "of_x")
    of_h = body.node("MatMul", [h, constants["weight_hh"]], "of_h")
    gates = body.node("Add", [body.node("Add", [of_x, of_h], "products"), constants["bias"]], "gates")
    body.node("Split", [gates], ["i_before", "f_before", "g_before", "o_before"], axis=-1)
    i, f, o = (body.node("Sigmoid", [f"{gate}_before"], gate) for gate in "ifo")
    g = body.node("Tanh", ["g_before"], "g")
    kept, added = body.node("Mul", [f, "c"], "kept"), body.node("Mul", [i, g], "added")
    c = body.node("Add", [kept, added], "new_c")
    body.node("Mul", [o, body.node("Tanh", [c], "squashed")], "new_h")


def _full(graph: _Graph, model: LanguageModel, hidden: str, E: str) -> None:
    """Add softmax(W_ya a + b_y); tied weights are stored once."""
    weight = E if model.config.tie_weights else graph.constant("W_ya", model.parameters["output.weight"].value)
    transposed = graph.node("Transpose", [weight], "W_ya_transposed", perm=[1, 0])
    product = graph.node("MatMul", [hidden, transposed], "product")
    bias = graph.constant("b_y", model.parameters["output.bias"].value)
    logits = graph.node("Add", [product, bias], "logits")
    graph.node("LogSoftmax", [logits], "log_probabilities", axis=-1)


def _adaptive(graph: _Graph, output: AdaptiveSoftmax, hidden: str) -> None:
    """Add ln P_head(w) for the frequent words and ln P_head(cluster) + ln P_cluster(w) for the others."""
    weights = {name: graph.constant(name, parameter.value.T) for name, parameter in output.parameters.items()}
    head = graph.node(
        "LogSoftmax", [graph.node("MatMul", [hidden, weights["head"]], "head_logits")], "head_log", axis=-1
    )
    bounds = [0, output.cutoffs[0], *(output.cutoffs[0] + 1 + i for i in range(len(output.cutoffs)))]
    sizes = graph.constant("head_sizes", np.array([last - first for first, last in pairwise(bounds)]))
    parts = [f"head_part{i}" for i in range(len(bounds) - 1)]
    graph.node("Split", [head, sizes], parts, axis=-1)
    found = parts[:1]
    for i, cluster in enumerate(parts[1:]):
        reduced = graph.node("MatMul", [hidden, weights[f"tail{i}_projection"]], f"tail{i}_input")
        logits = graph.node("MatMul", [reduced, weights[f"tail{i}_weight"]], f"tail{i}_logits")
        within = graph.node("LogSoftmax", [logits], f"tail{i}_log", axis=-1)
        found.append(graph.node("Add", [within, cluster], f"tail{i}_log_p"))
    graph.node("Concat", found, "log_probabilities", axis=-1)
