"""Checkpoints of a training run: arrays and a JSON state, written so that a kill at any moment leaves a whole one.

Layout::

    DIRECTORY/000000017/NAME.npy ...    one file an array
    DIRECTORY/000000017/state.json      the state, the SHA-256 of every array, and that of both

A new checkpoint is complete before the one before it is removed.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from embeddings.errors import EmbeddingsError
from vecmill.files import atomic_directory, file_digest, write_json, writing

logger = logging.getLogger(__name__)

_STATE = "state.json"


class Checkpoint(NamedTuple):
    """What a training run needs to go on."""

    arrays: dict[str, np.ndarray]
    state: dict[str, Any]


def save_checkpoint(directory: Path, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
    """Write the next checkpoint and remove the ones before it.

    Parameters
    ----------
    directory : Path
        Of the checkpoints of one run; is made if missing.
    arrays : mapping of name to array
        Written as `.npy`, whatever their type but objects.
    state : mapping
        JSON values.

    Raises
    ------
    OutputError
        If it cannot be written; the checkpoint before it is still there then.
    """
    earlier = _numbered(directory)
    number = int(earlier[-1].name) + 1 if earlier else 0
    with atomic_directory(directory / f"{number:09d}") as partial, writing(directory):
        hashes = {}
        for name, array in arrays.items():
            path = partial / f"{name}.npy"
            np.save(path, array, allow_pickle=False)
            hashes[path.name] = file_digest(path)
        record = {"sha256": hashes, "state": dict(state)}
        write_json(partial / _STATE, {"record": record, "sha256": _sha256_of_record(record)})
    for path in earlier:
        shutil.rmtree(path, ignore_errors=True)


def load_checkpoint(directory: Path) -> Checkpoint | None:
    """Read the newest undamaged checkpoint; None where there is none.

    A damaged one is passed over with a warning that names the file.

    Returns
    -------
    Checkpoint or None
    """
    for path in reversed(_numbered(directory)):
        try:
            return _read(path)
        except EmbeddingsError as error:
            logger.warning("%s", error)
    return None


def _numbered(directory: Path) -> list[Path]:
    return sorted(path for path in directory.glob("*") if path.name.isdigit()) if directory.is_dir() else []


def _read(path: Path) -> Checkpoint:
    damaged = f"checkpoint {path} is damaged and passed over"
    try:
        stored = json.loads((path / _STATE).read_text("utf-8"))
        record = stored["record"]
        if _sha256_of_record(record) != stored["sha256"]:
            raise ValueError("its content is not what was written")
        hashes, state = dict(record["sha256"]), dict(record["state"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EmbeddingsError(f"{damaged}: {_STATE} cannot be read ({error})") from error
    arrays = {}
    for name, expected in hashes.items():
        file = path / Path(name).name
        try:
            if file_digest(file) != expected:
                raise EmbeddingsError(f"{damaged}: {file.name} is not what was written")
            arrays[file.stem] = np.load(file, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise EmbeddingsError(f"{damaged}: {file.name} cannot be read ({error})") from error
    return Checkpoint(arrays, state)


def _sha256_of_record(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record).encode()).hexdigest()
