"""The directory in which spaCy 3 stores vectors (``nlp.to_disk``, ``nlp.vocab.vectors.to_disk``).

==================== ==================================================================================
vectors              array (R, d) float32, a ``.npy`` file
key2row              MessagePack map of the key of each word to its row; words may share a row
strings.json         the words of which spaCy knows the keys, in any order
vectors.cfg          ``{"mode": "default"}``
==================== ==================================================================================

The key of a word is its hash, MurmurHash64A with seed 1. The names of spaCy's own symbols (``NOUN``, ``DATE``) are keys
of their own, small numbers that only spaCy can tell.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embeddings.array_files import read_array
from embeddings.compilation import exact
from embeddings.errors import EmbeddingsError
from embeddings.formats.errors import FormatError, shown
from embeddings.formats.safetensors_file import row_blocks
from embeddings.formats.stream import Progress, VectorStream, as_float32, encoded, sliced

logger = logging.getLogger(__name__)

VECTORS, KEYS, STRINGS, CONFIG = "vectors", "key2row", "strings.json", "vectors.cfg"
PIPELINE_FOLDER = "vocab"  # of a directory that nlp.to_disk wrote

_SEED = 1
_FACTOR, _SHIFT = np.uint64(0xC6A4A7935BD1E995), np.uint64(47)
_INTEGERS = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}  # MessagePack's unsigned integers: their sizes in bytes


@contextmanager
def open_stream(path: Path, progress: Progress | None = None) -> Iterator[VectorStream]:
    """Open a directory; words are in the order of their rows."""
    folder = path if (path / KEYS).is_file() else path / PIPELINE_FOLDER
    _require_words(folder)
    try:
        matrix = read_array(folder / VECTORS, mapped=True)
    except EmbeddingsError as error:
        raise FormatError(str(error)) from error
    if matrix.ndim != 2 or matrix.dtype.kind != "f":
        raise FormatError(f"{folder / VECTORS}: {matrix.dtype} {matrix.shape}, expected floats of shape (rows, d)")
    keys, rows = _key_table(folder / KEYS)
    if (rows < 0).any() or (rows >= len(matrix)).any():
        raise FormatError(f"{folder / KEYS}: points beyond the {len(matrix)} rows of {VECTORS}; a file is damaged")
    unordered, found = _words_of(keys, folder)
    order = np.argsort(rows[found], kind="stable")
    words, chosen = [unordered[place] for place in order.tolist()], rows[found][order]
    yield VectorStream(
        dimension=matrix.shape[1],
        count=len(chosen),
        blocks=sliced(words, None, row_blocks(as_float32(matrix[chosen])), progress),
    )


@exact
def hash_words(letters: np.ndarray, ends: np.ndarray, seed: int) -> np.ndarray:
    """Return MurmurHash64A (Appleby 2008) of words.

    Parameters
    ----------
    letters : (n,) uint8
        The concatenated words in UTF-8.
    ends : (V,) int64
        End of each word.
    seed : int

    Returns
    -------
    (V,) uint64
    """
    keys = np.empty(len(ends), np.uint64)
    start = 0
    for word in range(len(ends)):
        end = ends[word]
        key = np.uint64(seed) ^ np.uint64(end - start) * _FACTOR
        whole = start + (end - start) // 8 * 8
        for place in range(start, whole, 8):
            part = np.uint64(0)
            for byte in range(8):
                part |= np.uint64(letters[place + byte]) << np.uint64(8 * byte)
            part *= _FACTOR
            part ^= part >> _SHIFT
            key = (key ^ part * _FACTOR) * _FACTOR
        if whole < end:
            for place in range(whole, end):
                key ^= np.uint64(letters[place]) << np.uint64(8 * (place - whole))
            key *= _FACTOR
        key ^= key >> _SHIFT
        key *= _FACTOR
        keys[word] = key ^ key >> _SHIFT
        start = end
    return keys


def _require_words(folder: Path) -> None:
    """Raise a FormatError if the rows are not those of words."""
    mode = "default"
    if (folder / CONFIG).is_file():
        content = _json(folder / CONFIG)
        mode = content.get("mode", mode) if isinstance(content, dict) else mode
    if mode != "default":
        raise FormatError(
            f"{folder / CONFIG}: the mode is {shown(mode)}, whose rows are those of parts of words; expected "
            "'default': write the vectors of your words with spaCy as lines 'word number ...'"
        )


def _words_of(keys: npt.NDArray[np.uint64], folder: Path) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return the words of the keys that have one, and the places of these keys."""
    strings = _json(folder / STRINGS)
    if not isinstance(strings, list) or not all(isinstance(word, str) for word in strings):
        raise FormatError(f"{folder / STRINGS}: expected a list of words")
    blob, ends = encoded(strings)
    word_of = dict(zip(hash_words(np.frombuffer(blob, np.uint8), ends, _SEED).tolist(), strings, strict=True))
    if not all(key in word_of for key in keys.tolist()):
        word_of = {**_symbols(), **word_of}
    found = np.array([place for place, key in enumerate(keys.tolist()) if word_of.get(key)], np.int64)
    if not len(found):
        raise FormatError(f"{folder}: {STRINGS} has no word of the {len(keys)} keys; the files do not belong together")
    if len(found) < len(keys):
        logger.warning("%s: %d of %d keys have no word and are left out", folder, len(keys) - len(found), len(keys))
    return [word_of[keys[place].item()] for place in found.tolist()], found


def _symbols() -> dict[int, str]:
    """Return spaCy's own symbols by key; none if spaCy is not installed."""
    try:
        from spacy.symbols import IDS
    except ImportError:
        return {}
    return {key: name for name, key in IDS.items()}


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); spaCy's vectors need it") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: is no JSON ({shown(str(error), 100)}); the file is damaged") from error


def _key_table(path: Path) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Read a MessagePack map of unsigned integers; return its keys and values."""
    data = path.read_bytes()
    try:
        kind = data[0]
        if kind & 0xF0 == 0x80:
            count, place = kind & 0x0F, 1
        else:
            size = {0xDE: 2, 0xDF: 4}[kind]
            count, place = int.from_bytes(data[1 : 1 + size], "big"), 1 + size
        numbers = []
        for _ in range(2 * count):
            size = _INTEGERS[data[place]] if data[place] >= 0x80 else 0
            number = int.from_bytes(data[place + 1 : place + 1 + size], "big") if size else data[place]
            numbers.append(number)
            place += 1 + size
    except LookupError:
        raise FormatError(f"{path}: is no MessagePack map of keys to rows; the file is damaged") from None
    if place != len(data):
        raise FormatError(f"{path}: has {len(data)} bytes, expected {place}; the file is damaged")
    table = np.array(numbers, np.uint64).reshape(-1, 2)
    return table[:, 0], np.minimum(table[:, 1], np.uint64(2**62)).astype(np.int64)
