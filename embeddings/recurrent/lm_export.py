"""Language models for other tools: weights under the names that a torch module of the usual layers has.

The module that these weights load into::

    class Model(torch.nn.Module):
        def __init__(self, V, d, H, L):
            self.encoder = torch.nn.Embedding(V, d)
            self.rnn = torch.nn.LSTM(d, H, L)            # or GRU, RNN
            self.projection = torch.nn.Linear(H, d, bias=False)      # only if weights are tied and H is not d
            self.decoder = torch.nn.Linear(d, V)         # of H, if there is no projection

Rows of the recurrent weights come gate by gate in torch's order, which is ours.
"""

import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from embeddings.atomic_output import writing
from embeddings.errors import EmbeddingsError
from embeddings.recurrent.language_model import LanguageModel


def torch_arrays(model: LanguageModel) -> dict[str, np.ndarray]:
    """Return all weights by the names above.

    Raises
    ------
    EmbeddingsError
        If the softmax is adaptive, or the last layer is of another size than those below (one `torch.nn.LSTM` has
        layers of one size).
    """
    if model.config.output == "adaptive":
        raise EmbeddingsError("an adaptive softmax cannot be exported: train with --output full or sampled")
    if len(set(model.config.layer_sizes)) > 1:
        raise EmbeddingsError(
            f"layers of {model.config.layer_sizes} units cannot be exported as one torch module: make them equal"
        )
    values = {name: parameter.value for name, parameter in model.parameters.items()}
    arrays = {"encoder.weight": values["embedding.weight"]}
    for number, layer in enumerate(model.network.layers):
        suffix = f"_l{number}"
        weights = {name.removesuffix(suffix): parameter.value for name, parameter in layer.parameters.items()}
        cell = layer.cell  # type: ignore[union-attr]
        arrays |= {f"rnn.{name}{suffix}": array for name, array in cell.torch_arrays(weights).items()}
    if "output.projection" in values:
        arrays["projection.weight"] = values["output.projection"]
    arrays["decoder.weight"] = values.get("output.weight", values["embedding.weight"])
    arrays["decoder.bias"] = values["output.bias"]
    return {name: np.array(array) for name, array in arrays.items()}


def export_safetensors(model: LanguageModel, path: Path) -> None:
    """Write a safetensors file, which `safetensors.torch.load_file` reads."""
    partial = path.with_name(f".{path.name}.partial")
    with writing(path):
        save_file(torch_arrays(model), partial, metadata={"format": "pt"})
        partial.replace(path)


def export_torch(model: LanguageModel, path: Path) -> None:
    """Write a state dictionary with `torch.save`, which ``torch.load(path, weights_only=True)`` reads.

    Raises
    ------
    EmbeddingsError
        If torch is not installed.
    """
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        raise EmbeddingsError("format torch needs torch (pip install torch); safetensors does not") from None
    partial = path.with_name(f".{path.name}.partial")
    with writing(path):
        torch.save({name: torch.from_numpy(array) for name, array in torch_arrays(model).items()}, partial)
        partial.replace(path)


EXPORTERS: dict[str, Callable[[LanguageModel, Path], None]] = {
    "safetensors": export_safetensors,
    "torch": export_torch,
}
