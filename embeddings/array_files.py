"""Arrays in files, ``.npy`` or items alone: written with the reason of an error, read with one error for all damage."""

from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np

from embeddings.errors import EmbeddingsError

DAMAGED_ARRAY = (ValueError, TypeError, EOFError, OverflowError, MemoryError, RecursionError, SyntaxError, TokenError)
"""Errors that NumPy raises for a damaged array; it reads the header as Python."""


def write_array(file: BinaryIO, array: np.ndarray) -> None:
    """Write an array as `numpy.save` does, whose C code hides the reason of an error, or the error.

    Parameters
    ----------
    file : binary file
    array : ndarray
        Of any type but objects.

    Raises
    ------
    ValueError
        The array holds objects.
    OSError
        It cannot be written.
    """
    array = np.asarray(array, order="C")
    if array.dtype.hasobject:
        raise ValueError(f"an array of {array.dtype} holds Python objects; expected numbers or text")
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
    file.write(array.data)


def save_array(path: Path, array: np.ndarray) -> None:
    """Write an array to a new file; see `write_array`."""
    with path.open("wb") as file:
        write_array(file, array)


def read_array(path: Path, *, mapped: bool = False) -> np.ndarray:
    """Read an array that `write_array` or `numpy.save` has written, or map it into memory.

    Parameters
    ----------
    path : Path
    mapped : bool
        Map the file instead of reading it.

    Returns
    -------
    ndarray

    Raises
    ------
    EmbeddingsError
        The file is damaged; NumPy has a different error for every kind of damage.
    OSError
        It cannot be read.
    """
    try:
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except DAMAGED_ARRAY as error:
        reason = " ".join(str(error).split())[:200]
        raise EmbeddingsError(
            f"{path} is not a whole .npy file ({reason}); expected the array that was saved"
        ) from error


def save_items(path: Path, array: np.ndarray) -> None:
    """Write the items of an array to a new file; `numpy.ndarray.tofile` hides the error of its last write.

    Parameters
    ----------
    path : Path
    array : ndarray
        In C order.

    Raises
    ------
    OSError
        They cannot be written.
    """
    with path.open("wb") as file:
        file.write(array.data)


def read_items(
    path: Path, dtype: "type | np.dtype[Any] | str", number: int | None = None, first: int = 0
) -> np.ndarray:
    """Read items that `save_items` has written; `numpy.fromfile` returns as many as there are.

    Parameters
    ----------
    path : Path
    dtype : type, dtype or str
        Of the items.
    number : int, optional
        Of items to read. By default all from `first` on.
    first : int
        Number of items before.

    Returns
    -------
    (number,) ndarray

    Raises
    ------
    EmbeddingsError
        The file is shorter.
    OSError
        It cannot be read.
    """
    size = np.dtype(dtype).itemsize
    expected = path.stat().st_size // size - first if number is None else number
    items = np.fromfile(path, dtype, expected, offset=size * first)
    if len(items) < expected:
        raise EmbeddingsError(f"{path} is cut short or cannot be read to its end; expected {expected:,} items")
    return items


class ArrayFile:
    """A one-dimensional ``.npy`` file that grows at its end.

    Parameters
    ----------
    path : Path
    dtype : type or dtype
        Of the items.
    """

    def __init__(self, path: Path, dtype: "type | np.dtype[Any]") -> None:
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
