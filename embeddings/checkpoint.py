"""Checkpoints of a training run: arrays and a JSON state. A process killed at any moment leaves a whole checkpoint.

Layout::

    DIRECTORY/000000017/NAME.npy ...    one file per array
    DIRECTORY/000000017/state.json      the state, the SHA-256 of every array, and that of both

A new checkpoint is complete before the previous one is removed.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from embeddings.array_files import read_array, save_array
from embeddings.errors import EmbeddingsError
from vecmill.files import atomic_directory, file_digest, write_json, writing

logger = logging.getLogger(__name__)

_STATE = "state.json"


class Checkpoint(NamedTuple):
    """Arrays and state from which a training run resumes."""

    arrays: dict[str, np.ndarray]
    state: dict[str, Any]


def save_checkpoint(directory: Path, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
    """Write the next checkpoint and remove the previous ones.

    Parameters
    ----------
    directory : Path
        Directory of one run's checkpoints, created if missing.
    arrays : mapping of str to ndarray
        Written as ``.npy``, of any type but objects.
    state : mapping
        JSON values.

    Raises
    ------
    OutputError
        It cannot be written; the previous checkpoint remains.
    """
    earlier = _numbered(directory)
    number = int(earlier[-1].name) + 1 if earlier else 0
    with atomic_directory(directory / f"{number:09d}") as partial, writing(directory):
        hashes = {}
        for name, array in arrays.items():
            path = partial / f"{name}.npy"
            save_array(path, array)
            hashes[path.name] = file_digest(path)
        record = {"sha256": hashes, "state": dict(state)}
        write_json(partial / _STATE, {"record": record, "sha256": _sha256_of_record(record)})
    for path in earlier:
        shutil.rmtree(path, ignore_errors=True)


def load_checkpoint(directory: Path) -> Checkpoint | None:
    """Read the newest undamaged checkpoint.

    A damaged one is skipped with a warning that names the file.

    Parameters
    ----------
    directory : Path
        Directory of one run's checkpoints; need not exist.

    Returns
    -------
    Checkpoint or None
        None if there is no checkpoint.
    """
    for path in reversed(_numbered(directory)):
        try:
            return _read(path)
        except EmbeddingsError as error:
            logger.warning("%s", error)
    return None


def require_same(before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]], origin: str) -> None:
    """Compare settings, section by section.

    Parameters
    ----------
    before, now : mapping of str to mapping
        Settings by section: those of the checkpoint, and those of this training.
    origin : str
        Where `before` was read from, for the message.

    Raises
    ------
    EmbeddingsError
        A setting differs; the message names it.
    """
    for section in now:
        for name in sorted(before[section].keys() | now[section].keys()):
            theirs, ours = before[section].get(name), now[section].get(name)
            if theirs != ours:
                raise EmbeddingsError(
                    f"the checkpoint in {origin} has {name} = {theirs}, this training {ours}: "
                    "repeat its settings to resume it, or remove it"
                )


def _numbered(directory: Path) -> list[Path]:
    return sorted(path for path in directory.glob("*") if path.name.isdigit()) if directory.is_dir() else []


def _read(path: Path) -> Checkpoint:
    damaged = f"checkpoint {path} is damaged and skipped"
    try:
        stored = json.loads((path / _STATE).read_text("utf-8"))
        record = stored["record"]
        if _sha256_of_record(record) != stored["sha256"]:
            raise ValueError("its content has changed since it was written")
        hashes, state = dict(record["sha256"]), dict(record["state"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise EmbeddingsError(f"{damaged}: {_STATE} cannot be read ({error})") from error
    arrays = {}
    for name, expected in hashes.items():
        file = path / Path(name).name
        try:
            if file_digest(file) != expected:
                raise EmbeddingsError(f"{damaged}: {file.name} has changed since it was written")
            arrays[file.stem] = read_array(file)
        except (OSError, ValueError) as error:
            raise EmbeddingsError(f"{damaged}: {file.name} cannot be read ({error})") from error
    return Checkpoint(arrays, state)


def _sha256_of_record(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record).encode()).hexdigest()
