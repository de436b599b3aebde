"""Checkpoints of a language model's training: named groups of arrays, and settings that a resumed run repeats."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from embeddings.networks.cells import State
from embeddings.networks.parameters import Parameters
from embeddings.text.id_stream import Ids, IdStream


def joined_groups(groups: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of all groups under the names "<group> <name>"."""
    return {f"{group} {name}": array for group, arrays in groups.items() for name, array in arrays.items()}


def group_of(arrays: Mapping[str, np.ndarray], group: str) -> dict[str, np.ndarray]:
    """Return the arrays of one group under their own names."""
    return {key.partition(" ")[2]: array for key, array in arrays.items() if key.startswith(f"{group} ")}


def state_arrays(states: Sequence[State] | None) -> dict[str, np.ndarray]:
    """Return the states of all layers under the names "<layer> <part>"; no arrays for None."""
    return {f"{layer} {part}": array for layer, parts in enumerate(states or []) for part, array in enumerate(parts)}


def states_of(arrays: Mapping[str, np.ndarray]) -> list[State] | None:
    """Return the states that `state_arrays` was given; None for no arrays."""
    layers: dict[int, dict[int, np.ndarray]] = {}
    for key, array in arrays.items():
        layer, part = map(int, key.split())
        layers.setdefault(layer, {})[part] = array
    return [tuple(array for _, array in sorted(layers[i].items())) for i in sorted(layers)] or None


def not_finite(parameters: Parameters) -> str | None:
    """Return the name of the first parameter that holds NaN or infinity; None if all are finite."""
    return next((name for name, parameter in parameters.items() if not np.isfinite(parameter.value).all()), None)


def text_hash(ids: Ids) -> str:
    """Return the SHA-256 of a text of ids."""
    content = ids.fingerprint().encode() if isinstance(ids, IdStream) else np.asarray(ids[:]).tobytes()
    return hashlib.sha256(content).hexdigest()
