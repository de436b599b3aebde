"""Outputs that are there in full or not at all: written to a temporary sibling and renamed."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from tokenize import TokenError
from typing import BinaryIO

import numpy as np

from embeddings.errors import EmbeddingsError

_DAMAGED_ARRAY = (ValueError, TypeError, EOFError, OverflowError, MemoryError, RecursionError, SyntaxError, TokenError)


@contextmanager
def writing(path: str | PathLike[str]) -> Iterator[None]:
    """Turn an `OSError` into an `EmbeddingsError` that names `path` and what to do."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        remedy = "free some space or write elsewhere" if full else "choose a place that can be written to"
        raise EmbeddingsError(f"cannot write {path}: {error.strerror or error}; {remedy}") from error


@contextmanager
def atomic_file(path: str | PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary sibling of `path` for writing; it takes its place if the block ends well.

    Raises
    ------
    EmbeddingsError
        It cannot be written.
    """
    path = Path(path)
    partial = _sibling(path)
    with writing(path):
        _remove(partial)
        try:
            with partial.open("xb") as file:  # x: follows no link
                yield file
                file.flush()
                if not os.path.samestat(os.fstat(file.fileno()), partial.stat()):
                    raise EmbeddingsError(f"another process began to write {path} meanwhile; its output is kept")
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


@contextmanager
def atomic_directory(path: str | PathLike[str], *, replace: bool = False) -> Iterator[Path]:
    """Make a temporary sibling of `path`; it takes its place if the block ends well.

    What a killed process left there is removed. Errors of the block itself pass unchanged: see `writing`.

    Parameters
    ----------
    path : path
    replace : bool
        Replace a directory that is there, with all that is in it.

    Raises
    ------
    EmbeddingsError
        `path` exists and is not a directory that is empty or to be replaced, or it cannot be written.
    """
    path = Path(path)
    partial = _sibling(path)
    with writing(path):
        if path.exists() and not (path.is_dir() and (replace or not any(path.iterdir()))):
            raise EmbeddingsError(f"{path} exists; remove it or choose another directory")
        _remove(partial)
        partial.mkdir(parents=True)
    try:
        yield partial
        with writing(path):
            if replace and path.exists():
                old = path.with_name(f".{path.name}.replaced")
                shutil.rmtree(old, ignore_errors=True)
                path.rename(old)
                partial.rename(path)
                shutil.rmtree(old, ignore_errors=True)
            else:
                partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def write_array(file: BinaryIO, array: np.ndarray) -> None:
    """Write an array as `numpy.save` does, but with errors that tell the reason."""
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
    file.write(np.ascontiguousarray(array).data)


def read_array(path: Path, *, mapped: bool = False) -> np.ndarray:
    """Read an array that `write_array` or `numpy.save` has written, or map it into memory.

    Raises
    ------
    EmbeddingsError
        The file is damaged; NumPy has a different error for every kind of damage.
    OSError
        It cannot be read.
    """
    try:
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except _DAMAGED_ARRAY as error:
        reason = " ".join(str(error).split())[:200]
        raise EmbeddingsError(
            f"{path} is not a whole .npy file ({reason}); expected the array that was saved"
        ) from error


class ArrayFile:
    """A one-dimensional ``.npy`` file that grows at its end.

    Parameters
    ----------
    path : Path
    dtype : type
        Of the items.
    """

    def __init__(self, path: Path, dtype: type) -> None:
        self.path = path
        self._items: np.ndarray = np.empty(0, dtype)
        self._length = 0
        self._file = path.open("wb")
        write_array(self._file, self._items)

    def __len__(self) -> int:
        return self._length

    def append(self, items: np.ndarray) -> None:
        """Write items at the end."""
        self._file.write(items.data)
        self._length += len(items)

    def finish(self) -> None:
        """Write the length, for which NumPy leaves room in the header, and close the file."""
        header = np.lib.format.header_data_from_array_1_0(self._items)
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(self._file, {**header, "shape": (self._length,)})
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _remove(partial: Path) -> None:
    """Remove what a killed process left, or a link that somebody laid in the way."""
    if partial.is_dir() and not partial.is_symlink():
        shutil.rmtree(partial, ignore_errors=True)
    else:
        partial.unlink(missing_ok=True)


def _sibling(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")
