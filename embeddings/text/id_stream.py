"""The ids of a corpus as one stream, read from memory-mapped files on demand."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from embeddings.array_files import read_array
from embeddings.errors import EmbeddingsError

_OPEN_FILES = 2  # files of 16 MB: the pages of a mapped file count as memory of the process


class Ids(Protocol):
    """A stream of word ids: an array (N,), or an `IdStream`."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: slice, /) -> np.ndarray: ...


class IdStream:
    """The concatenated ids of several files.

    Parameters
    ----------
    paths : sequence of Path
        Files of (n,) int32 ids.
    hashes : sequence of str
        SHA-256 of each file.
    stored_size : int
        Upper bound (exclusive) of the ids in the files.
    vocabulary_size : int, optional
        Ids from this one on are read as `unknown`. By default all ids are unchanged.
    unknown : int
        Id of ``<unk>``.

    Raises
    ------
    EmbeddingsError
        A file is missing or damaged; reading raises the same error.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        hashes: Sequence[str],
        stored_size: int,
        vocabulary_size: int | None = None,
        unknown: int = 0,
    ) -> None:
        self._hashes = list(hashes)
        self._size = stored_size if vocabulary_size is None else vocabulary_size
        self._limited = self._size < stored_size
        self._unknown = unknown
        self._ends = np.cumsum([0, *(len(open_ids(path)) for path in paths)])

        @lru_cache(maxsize=_OPEN_FILES)
        def opened(number: int) -> np.ndarray:
            ids = open_ids(paths[number])
            require_ids(ids, stored_size, paths[number])
            return ids

        self._open = opened

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: slice) -> np.ndarray:
        """Return a copy of the ids from start to stop (exclusive), (n,) int32."""
        first, last, _ = index.indices(len(self))
        found = np.empty(max(0, last - first), np.int32)
        file = int(np.searchsorted(self._ends, first, side="right")) - 1
        done = 0
        while done < len(found):
            begin = first + done - int(self._ends[file])
            part = self._open(file)[begin : begin + len(found) - done]
            found[done : done + len(part)] = part
            done += len(part)
            file += 1
        if self._limited:
            found[found >= self._size] = self._unknown
        return found

    def fingerprint(self) -> str:
        """Return a text that identifies the ids: vocabulary size and hashes of the files."""
        return f"{self._size} {' '.join(self._hashes)}"


def open_ids(path: Path) -> np.ndarray:
    """Memory-map an array of ids.

    Parameters
    ----------
    path : Path

    Returns
    -------
    np.ndarray

    Raises
    ------
    EmbeddingsError
        The file is missing or damaged.
    """
    try:
        return np.asarray(read_array(path, mapped=True))  # a plain array: slices of numpy.memmap objects are slow
    except OSError as error:
        raise EmbeddingsError(f"cannot read {path}: {error.strerror}; encode the corpus again") from error


def require_ids(ids: np.ndarray, vocabulary_size: int, path: Path) -> None:
    """Check that all ids are below the size of the vocabulary, because compiled code does not check bounds.

    Parameters
    ----------
    ids : np.ndarray
    vocabulary_size : int
    path : Path
        File of the ids, for messages.

    Raises
    ------
    EmbeddingsError
        An id is out of range, or the array is not (n,) int32.
    """
    if ids.dtype != np.int32 or ids.ndim != 1:
        raise EmbeddingsError(
            f"{path} holds {ids.dtype} of shape {ids.shape}, expected word ids; encode the corpus again"
        )
    if ids.size and (ids.min() < 0 or ids.max() >= vocabulary_size):
        raise EmbeddingsError(f"{path} has an id that is not below {vocabulary_size:,}; encode the corpus again")
