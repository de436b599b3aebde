"""A model directory: word vectors with their vocabulary, and context vectors if training produced them.

Layout::

    DIRECTORY/vectors.npy        E, (V, d) float32
    DIRECTORY/context.npy        the context matrix, (V, d) float32; optional
    DIRECTORY/vocabulary.tsv     the words in the order of the rows, with their counts
    DIRECTORY/config.json        the settings of the tokenizer, under "tokenizer"; optional; training adds its own
    DIRECTORY/phrases.tsv        the phrases that are joined in text, such as new_york; optional
    DIRECTORY/metrics.jsonl      the metrics of every epoch, if training wrote the directory
"""

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from embeddings.array_files import read_array, save_array
from embeddings.errors import EmbeddingsError
from embeddings.text.phrase_table import PHRASES_FILE, PhraseTable
from embeddings.text.vocabulary import Vocabulary
from vecmill.files import atomic_directory, writing

VECTORS_FILE, CONTEXT_FILE, VOCABULARY_FILE = "vectors.npy", "context.npy", "vocabulary.tsv"
REQUIRED_FILES = (VECTORS_FILE, VOCABULARY_FILE)
CONFIG_FILE, METRICS_FILE = "config.json", "metrics.jsonl"
MODEL_FILES = (*REQUIRED_FILES, CONTEXT_FILE)

_STAGE = "train-embeddings"  # of the directory of a run, where its vectors are
_LANGUAGE_MODEL = "language_model.json"


class StoredVectors(NamedTuple):
    """The content of a model directory.

    Attributes
    ----------
    vocabulary : Vocabulary
    matrix : (V, d) float32
    context : (V, d) float32 or None
    """

    vocabulary: Vocabulary
    matrix: np.ndarray
    context: np.ndarray | None


def vectors_path(path: str | PathLike[str]) -> Path:
    """Return the path of word vectors: in the directory of a `vecmill run`, that of the stage that trained them.

    Parameters
    ----------
    path : path

    Returns
    -------
    Path

    Raises
    ------
    EmbeddingsError
        It is a language model.
    """
    place = Path(path)
    if (place / _STAGE).is_dir():
        return place / _STAGE
    if (place / _LANGUAGE_MODEL).is_file():
        raise EmbeddingsError(f"{place} is a language model; open it with vecmill.LanguageModel.load({str(path)!r})")
    return place


def read_model_directory(path: str | PathLike[str]) -> StoredVectors:
    """Open a model directory; its arrays are memory-mapped and not read yet.

    Parameters
    ----------
    path : path

    Returns
    -------
    StoredVectors

    Raises
    ------
    EmbeddingsError
        There is no model directory at `path`, or one of its files is missing or damaged.
    """
    path = Path(path)
    if not path.exists():
        raise EmbeddingsError(f"there is no {path}; expected a model directory")
    for name in REQUIRED_FILES:
        if not (path / name).is_file():
            what = f"has no {name}" if path.is_dir() else "is a file"
            raise EmbeddingsError(
                f"{path} {what}; expected a model directory, as training and save() write it; vecmill.load(path) reads "
                "word vectors of any format"
            )
    context = path / CONTEXT_FILE
    return StoredVectors(
        Vocabulary.load(path / VOCABULARY_FILE),
        read_array(path / VECTORS_FILE, mapped=True),
        read_array(context, mapped=True) if context.is_file() else None,
    )


def read_tokenizer_settings(path: str | PathLike[str]) -> dict[str, Any]:
    """Return the arguments of `make_tokenizer` that a model directory records, or {} if there are none.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict of str to Any
    """
    try:
        settings = dict(json.loads((Path(path) / CONFIG_FILE).read_text("utf-8"))["tokenizer"])
        return {"spec": settings.pop("name", "fast"), **settings}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def find_phrases_file(path: str | PathLike[str]) -> Path | None:
    """Return the table of phrases in a model directory, or None if it was trained without phrases."""
    file = Path(path) / PHRASES_FILE
    return file if file.is_file() else None


def read_metrics(path: str | PathLike[str]) -> list[dict[str, Any]]:
    """Return the metrics of every epoch that a model directory records, or [] if there are none.

    Parameters
    ----------
    path : path

    Returns
    -------
    list of dict of str to Any
    """
    try:
        lines = (Path(path) / METRICS_FILE).read_text("utf-8").splitlines()
        return [dict(json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError):
        return []


def write_model_directory(
    path: str | PathLike[str],
    stored: StoredVectors,
    tokenizer: Mapping[str, Any],
    phrases: PhraseTable | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Write a model directory atomically: under a temporary name, renamed when it is complete.

    Parameters
    ----------
    path : path
    stored : StoredVectors
    tokenizer : mapping of str to Any
        Arguments of `make_tokenizer`; empty if they are not known.
    phrases : PhraseTable, optional
        Phrases that are joined in text.
    overwrite : bool
        Replace an existing directory with all its content.

    Raises
    ------
    OutputError
        `path` exists and is not empty (without `overwrite`), or cannot be written.
    """
    with atomic_directory(path, replace=overwrite) as new, writing(path):
        save_array(new / VECTORS_FILE, stored.matrix)
        if stored.context is not None:
            save_array(new / CONTEXT_FILE, stored.context)
        stored.vocabulary.save(new / VOCABULARY_FILE)
        if phrases is not None:
            phrases.save(new / PHRASES_FILE)
        if tokenizer:
            settings = {"name" if name == "spec" else name: value for name, value in tokenizer.items()}
            (new / CONFIG_FILE).write_text(json.dumps({"tokenizer": settings}, indent=2) + "\n", "utf-8")
