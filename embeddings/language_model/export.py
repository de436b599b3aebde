"""Language models for other tools: ONNX, and weights under the names of a torch module of the usual layers.

The weights load into this module::

    class Model(torch.nn.Module):
        def __init__(self, V, d, H, L):
            self.encoder = torch.nn.Embedding(V, d)
            self.rnn = torch.nn.LSTM(d, H, L)            # or GRU, RNN
            self.projection = torch.nn.Linear(H, d, bias=False)      # only if weights are tied and H is not d
            self.decoder = torch.nn.Linear(d, V)         # of H, if there is no projection

With layers of different sizes, which one ``torch.nn.LSTM`` cannot have, ``self.rnn`` is a ``torch.nn.ModuleList`` of
networks of one layer each; with an adaptive softmax ``self.decoder`` is ``torch.nn.AdaptiveLogSoftmaxWithLoss(H, V,
cutoffs)``. torch has neither minGRU nor Mogrifier LSTM: the weights of a minGRU are ``weight_ih`` and ``bias_ih``, with
the rows of z and n; a Mogrifier has ``mogrify_1``, ``mogrify_2``, ... beside the weights of an LSTM
(`embeddings.networks.cells` has the equations). Rows of the recurrent weights are grouped by gate in torch's order.
Weights are exported without dropout: those that weight-drop masks in training are whole.
"""

import importlib
import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
from safetensors.numpy import save

from embeddings.errors import EmbeddingsError
from embeddings.language_model.model import LanguageModel
from embeddings.networks.losses import AdaptiveSoftmax
from vecmill.files import atomic_file


def torch_arrays(model: LanguageModel) -> dict[str, np.ndarray]:
    """Return copies of all weights under the names above; tied weights are one array under two names."""
    values = {name: parameter.value for name, parameter in model.parameters.items()}
    arrays = {"encoder.weight": values["embedding.weight"]}
    several = len(set(model.config.layer_sizes)) > 1
    for number, (cell, weights) in enumerate(model.layers()):
        prefix, suffix = (f"rnn.{number}.", "_l0") if several else ("rnn.", f"_l{number}")
        arrays |= {f"{prefix}{name}{suffix}": array for name, array in cell.torch_arrays(weights).items()}
    if "output.projection" in values:
        arrays["projection.weight"] = values["output.projection"]
    if isinstance(model.output, AdaptiveSoftmax):
        arrays["decoder.head.weight"] = values["output.head"]
        for i in range(len(model.output.cutoffs)):
            arrays[f"decoder.tail.{i}.0.weight"] = values[f"output.tail{i}_projection"]
            arrays[f"decoder.tail.{i}.1.weight"] = values[f"output.tail{i}_weight"]
    else:
        arrays["decoder.weight"] = values.get("output.weight", values["embedding.weight"])
        arrays["decoder.bias"] = values["output.bias"]
    copies = {id(array): np.array(array) for array in arrays.values()}
    return {name: copies[id(array)] for name, array in arrays.items()}


def export_safetensors(model: LanguageModel, path: Path) -> None:
    """Write a safetensors file for ``safetensors.torch.load_file``; its metadata holds the cutoffs.

    Parameters
    ----------
    model : LanguageModel
    path : Path
        File to write.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    cutoffs = model.output.cutoffs if isinstance(model.output, AdaptiveSoftmax) else []
    metadata = {"format": "pt"} | ({"cutoffs": ",".join(map(str, cutoffs))} if cutoffs else {})
    with atomic_file(path) as file:
        file.write(save(torch_arrays(model), metadata=metadata))


def export_torch(model: LanguageModel, path: Path) -> None:
    """Write a state dictionary with ``torch.save``; ``torch.load(path, weights_only=True)`` reads it.

    Tied weights are stored once.

    Parameters
    ----------
    model : LanguageModel
    path : Path
        File to write.

    Raises
    ------
    EmbeddingsError
        torch is not installed.
    OutputError
        The file cannot be written.
    """
    torch = _optional("torch", "torch; safetensors needs nothing more")
    arrays = torch_arrays(model)
    tensors = {id(array): torch.from_numpy(array) for array in arrays.values()}
    content = io.BytesIO()  # torch would hide why a file cannot be written
    torch.save({name: tensors[id(array)] for name, array in arrays.items()}, content)
    with atomic_file(path) as file:
        file.write(content.getbuffer())


def export_onnx(model: LanguageModel, path: Path) -> None:
    """Write an ONNX model from ids and states to ln P of all words and new states (`onnx_graph`).

    Parameters
    ----------
    model : LanguageModel
    path : Path
        File to write.

    Raises
    ------
    EmbeddingsError
        onnx is not installed, or the weights exceed the size of an ONNX file (2 GB).
    OutputError
        The file cannot be written.
    """
    _optional("onnx", "'vecmill[onnx]'")
    from google.protobuf.message import EncodeError

    from embeddings.language_model.onnx_graph import onnx_model

    try:
        content = onnx_model(model).SerializeToString()
    except (ValueError, EncodeError) as error:  # the one or the other, by the version of protobuf
        raise EmbeddingsError(f"the weights are too large for an ONNX file ({error}); use safetensors") from error
    with atomic_file(path) as file:
        file.write(content)


def _optional(name: str, package: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise EmbeddingsError(f"format {name} needs {name}: pip install {package}") from None


EXPORTERS: dict[str, Callable[[LanguageModel, Path], None]] = {
    "safetensors": export_safetensors,
    "torch": export_torch,
    "onnx": export_onnx,
}

FORMAT_OF_EXTENSION = {".safetensors": "safetensors", ".onnx": "onnx", ".pt": "torch", ".pth": "torch"}
"""Formats by the usual endings of their files."""
