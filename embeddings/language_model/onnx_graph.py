"""A language model as an ONNX graph, built node by node.

::

    ids (T, B) ──► Gather(E) ──► LSTM | GRU | RNN ──► ... ──► MatMul ──► LogSoftmax ──► log_probabilities (T, B, V)
                                  ▲           │
                 state<l>_h (B, H)┘           └► new_state<l>_h (B, H)        and c for an LSTM

The states are inputs and outputs, so that a text can be read in pieces of any length; zeros are the state before a
text, which begins with ``<eos>``. ``log_probabilities[t, b]`` is ln P of every word after ``ids[t, b]``, normalised
over all V words for every kind of softmax. Metadata: ``vocabulary`` (one word per line, in the order of the ids),
``eos`` and ``unk`` (ids), ``tokenizer`` (JSON).
"""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from embeddings.language_model.model import LanguageModel
from embeddings.networks.cells import Cell, GRUCell, LSTMCell, RNNCell
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
