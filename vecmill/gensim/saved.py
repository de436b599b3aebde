"""Directories of `KeyedVectors.save` and `Word2Vec.save`: a model directory of vecmill, and what gensim adds to it.

Layout::

    DIRECTORY/vectors.npy, context.npy, vocabulary.tsv    see `embeddings.vectors.model_directory`
    DIRECTORY/gensim.json                                 kind of the object, its settings, attributes that hold text
    DIRECTORY/gensim-ATTRIBUTE.npy                        other attributes of the words

Where a file is in its place, such as one of `tempfile`, the directory is packed into a file, a zip archive: the code
that made the file copies or removes it as a file.
"""

import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np

from corpora.archives import ARCHIVE_DAMAGE, members
from embeddings.array_files import read_array, save_array
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import require_place
from vecmill.errors import VecmillError
from vecmill.files import atomic_directory, atomic_file, entries, temporary_directory, write_json, writing
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
    """Write a directory, or a file where a file is; what an earlier `save` wrote there is replaced.

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

    def fill(directory: Path) -> None:
        texts = {name: values.tolist() for name, values in attributes.items() if values.dtype == object}
        vectors.fill(directory)
        for name, others in (inside or {}).items():
            others.save(directory / name)
        write_json(directory / ABOUT_FILE, {"kind": kind, **about, "attributes": texts})
        for name, values in attributes.items():
            if name not in texts:
                save_array(directory / f"{_PREFIX}{name}.npy", values)

    if path.is_file():
        with temporary_directory() as folder, atomic_file(path) as file, writing(path):
            fill(Path(folder))
            _pack(Path(folder), file)
    else:
        with atomic_directory(path, replace=(path / ABOUT_FILE).is_file()) as new, writing(path):
            fill(new)


def _pack(directory: Path, file: IO[bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for entry in sorted(entries(directory)):
            archive.write(entry, entry.relative_to(directory))


@contextmanager
def unpacked(path: str | PathLike[str]) -> Iterator[Path]:
    """Yield a directory of `write`: the path itself, or what a file of `write` holds, for as long as the block runs.

    Parameters
    ----------
    path : path

    Yields
    ------
    Path

    Raises
    ------
    SavedFormatError
        The file is damaged.
    CorpusError
        A name in it leads elsewhere.
    """
    path = Path(path)
    if not is_packed(path):
        yield path
        return
    with temporary_directory() as folder:
        try:
            for name, file in members(path, str(path)):
                place = Path(folder, name)
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("wb") as unpacked_file:
                    shutil.copyfileobj(file, unpacked_file)
        except ARCHIVE_DAMAGE as error:
            raise SavedFormatError(f"{path} is damaged ({error}); save it again") from error
        yield Path(folder)


def is_packed(path: Path) -> bool:
    """Return whether a file of `write` is at a path, and no directory or other zip archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return ABOUT_FILE in archive.namelist()
    except (OSError, *ARCHIVE_DAMAGE):
        return False


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
        about: dict[str, Any] = json.loads(_about_text(Path(path)))
        found = about.pop("kind")
    except (OSError, ValueError, KeyError, *ARCHIVE_DAMAGE) as error:
        raise SavedFormatError(f"{path} is no directory of {kind}.save; vecmill.load reads vectors alone") from error
    if found != kind:
        raise SavedFormatError(f"{path} holds a {found}; open it with {found}.load")
    return about


def _about_text(path: Path) -> bytes:
    if not is_packed(path):
        return (path / ABOUT_FILE).read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(ABOUT_FILE)


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
