"""Directories of `KeyedVectors.save` and `Word2Vec.save`: a model directory of vecmill, and what gensim adds to it.

Layout::

    DIRECTORY/vectors.npy, context.npy, vocabulary.tsv    see `embeddings.vectors.model_directory`
    DIRECTORY/gensim.json                                 kind of the object, its settings, attributes that hold text
    DIRECTORY/gensim-ATTRIBUTE.npy                        other attributes of the words
"""

import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from embeddings.array_files import read_array, save_array
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import require_place
from vecmill.errors import VecmillError
from vecmill.files import atomic_directory, write_json
from vecmill.gensim.missing import require_there

ABOUT_FILE = "gensim.json"
KEYS = "keys"
_PREFIX = "gensim-"
_CONVERT = "getattr(model, 'wv', model).save_word2vec_format('vectors.bin', binary=True)"
_PICKLE = b"\x80"  # the first byte of a pickle since protocol 2


class SavedFormatError(VecmillError, AttributeError):
    """What is at a path is no directory of the class that is to be loaded."""


def write(
    path: str | PathLike[str],
    kind: str,
    vectors: WordVectors,
    about: dict[str, Any],
    attributes: dict[str, np.ndarray],
    inside: dict[str, WordVectors] | None = None,
) -> None:
    """Write a directory; one of an earlier `save`, or a file, is replaced.

    Parameters
    ----------
    path : path
    kind : str
        Name of the class.
    vectors : WordVectors
    about : dict of str to JSON value
    attributes : dict of str to array
    inside : dict of str to WordVectors, optional
        Further model directories in it, by their names.

    Raises
    ------
    OutputError
        It cannot be written, or there is another directory.
    """
    require_place("fname", path)
    path = Path(path)
    texts = {name: values.tolist() for name, values in attributes.items() if values.dtype == object}
    place = path.with_name(f".{path.name}.new") if path.is_file() else path
    with atomic_directory(place, replace=(place / ABOUT_FILE).is_file()) as new:
        vectors.save(new, overwrite=True)
        for name, others in (inside or {}).items():
            others.save(new / name)
        write_json(new / ABOUT_FILE, {"kind": kind, **about, "attributes": texts})
        for name, values in attributes.items():
            if name not in texts:
                save_array(new / f"{_PREFIX}{name}.npy", values)
    if place != path:
        path.unlink()
        place.rename(path)


def read_about(path: str | PathLike[str], kind: str) -> dict[str, Any]:
    """Return the settings of a directory.

    Parameters
    ----------
    path : path
    kind : str
        Name of the class that was saved.

    Returns
    -------
    dict of str to JSON value

    Raises
    ------
    SavedFormatError
        It is no directory of this class.
    NothingThereError
        There is nothing.
    """
    require_no_pickle(path)
    try:
        about: dict[str, Any] = json.loads((Path(path) / ABOUT_FILE).read_text("utf-8"))
        found = about.pop("kind")
    except (OSError, ValueError, KeyError) as error:
        raise SavedFormatError(f"{path} is no directory of {kind}.save; vecmill.load reads vectors alone") from error
    if found != kind:
        raise SavedFormatError(f"{path} holds a {found}; open it with {found}.load")
    return about


def read_keys(path: str | PathLike[str], kind: str) -> list[Any] | None:
    """Return the keys of a directory of this class that are not the words of the model directory, else None."""
    path = Path(path)
    if not (path / ABOUT_FILE).is_file():
        return None
    about = json.loads((path / ABOUT_FILE).read_text("utf-8"))
    keys: list[Any] | None = about.get(KEYS) if about.get("kind") == kind else None
    return keys


def read_attributes(path: str | PathLike[str]) -> dict[str, np.ndarray]:
    """Return the attributes of the words of a directory; none if it is a model directory of vecmill."""
    path = Path(path)
    if not (path / ABOUT_FILE).is_file():
        return {}
    texts = json.loads((path / ABOUT_FILE).read_text("utf-8"))["attributes"]
    found = {name: np.array(values, object) for name, values in texts.items()}
    for file in sorted(path.glob(f"{_PREFIX}*.npy")):
        found[file.stem.removeprefix(_PREFIX)] = read_array(file)
    return found


def require_mode(mmap: str | None) -> None:
    """Raise a ValueError for a mode of memory maps that would write changes to the files."""
    if mmap not in (None, "r", "c"):
        raise ValueError(f"mmap is {mmap!r}; expected None, 'r' or 'c': change the arrays and save them")


def require_no_pickle(path: str | PathLike[str], remedy: str = _CONVERT) -> None:
    """Raise a SavedFormatError that says how to convert a pickle of gensim, a NothingThereError where nothing is."""
    require_there("fname", path, "what save has written")
    path = Path(path)
    if not path.is_file():
        return
    with path.open("rb") as file:
        if file.read(1) != _PICKLE:
            return
    raise SavedFormatError(
        f"{path} is a pickle, which can run any code and is not read; where gensim is installed, convert it once:\n"
        f"    model = gensim.utils.SaveLoad.load({str(path)!r})\n    {remedy}"
    )
