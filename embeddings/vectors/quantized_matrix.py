"""Matrices of quantised rows, which stand in the place of E: an eighth to a quarter of its bytes, or fewer.

Row i is s_i times what its codes stand for. Single rows and lists of rows are unpacked to float32; slices are views;
products with queries are computed from the codes. ``numpy.asarray`` unpacks the whole matrix.

Layout in a model directory, in the place of ``vectors.npy``::

    vectors.int8.npy     (V, d) int8                                 int8
    vectors.codes.npy    (V, M) uint8                                product quantisation
    codebooks.npy        (256, d) float32                            product quantisation
    scales.npy           (V,) float32                                both
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from embeddings import parallel
from embeddings.array_files import read_array, save_array
from embeddings.errors import EmbeddingsError

INT8_FILE, CODES_FILE, CODEBOOKS_FILE, SCALES_FILE = (
    "vectors.int8.npy",
    "vectors.codes.npy",
    "codebooks.npy",
    "scales.npy",
)
QUANTIZED_FILES = (INT8_FILE, CODES_FILE, CODEBOOKS_FILE, SCALES_FILE)
CENTROIDS = 256
FEW_QUERIES = 8
"""With more, a product of unpacked rows is faster."""

_BLOCK = 1 << 12
_LARGEST_CODE = 127


class QuantizedMatrix(ABC):
    """A (V, d) matrix of quantised rows that can be read like an array of float32.

    Parameters
    ----------
    codes : (V, n) int8 or uint8
        May be memory-mapped.
    scales : (V,) float32
    """

    ndim: ClassVar[int] = 2
    dtype: ClassVar[np.dtype[np.float32]] = np.dtype(np.float32)

    def __init__(self, codes: np.ndarray, scales: np.ndarray) -> None:
        self.codes, self.scales = codes, scales

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """V and d."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """How a row is stored, in words."""

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Write the files of the matrix to a model directory."""

    @abstractmethod
    def _like(self, codes: np.ndarray, scales: np.ndarray) -> Self:
        """Return a matrix of other rows."""

    @abstractmethod
    def _unpack(self, codes: np.ndarray) -> np.ndarray:
        """Return what codes stand for, (n, d) float32, without the scales."""

    @abstractmethod
    def _score(self, codes: np.ndarray, scales: np.ndarray, queries: np.ndarray, out: np.ndarray) -> None:
        """Write the products of rows with a few queries (m, d) to `out`, (n, m)."""

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> Any:
        """Return a slice as a view; unpack one row (d,), or the rows of a list, (n, d) float32."""
        if isinstance(rows, slice):
            return self._like(self.codes[rows], self.scales[rows])
        if isinstance(rows, (int, np.integer)):
            row = self[[rows]][0]
            row.flags.writeable = False
            return row
        return self._unpack(self.codes[rows]) * self.scales[rows][:, None]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        unpacked = np.empty(self.shape, np.float32)
        for start in range(0, len(self), _BLOCK):
            part = slice(start, start + _BLOCK)
            with np.errstate(over="ignore", invalid="ignore"):  # of damaged scales: found where lengths are computed
                np.multiply(self._unpack(self.codes[part]), self.scales[part, None], out=unpacked[part])
        return unpacked if dtype is None else unpacked.astype(dtype, copy=False)

    def take(self, indices: Any, axis: int = 0) -> np.ndarray:
        """Return rows as float32, (n, d); the only axis is the first."""
        return self[np.asarray(indices, np.int64)]

    def __matmul__(self, right: np.ndarray) -> np.ndarray:
        """Return the products with a vector (d,) or with columns (d, n)."""
        columns = right[:, None] if right.ndim == 1 else right
        multiply = self.multiply if columns.shape[1] <= FEW_QUERIES else self.multiply_unpacked
        products = multiply(columns, np.empty((len(self), columns.shape[1]), np.float32))
        return products[:, 0] if right.ndim == 1 else products

    def astype(self, dtype: Any) -> np.ndarray:
        """Unpack all rows.

        Parameters
        ----------
        dtype : dtype

        Returns
        -------
        (V, d) array
        """
        return self.__array__(dtype)

    def divided_by(self, lengths: np.ndarray) -> Self:
        """Return the matrix with rows divided by numbers; the codes are shared.

        Parameters
        ----------
        lengths : (V,) float64

        Returns
        -------
        QuantizedMatrix
        """
        return self._like(self.codes, (self.scales / lengths).astype(np.float32))

    def multiply(self, columns: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Compute the products with a few columns from the codes, by threads.

        Parameters
        ----------
        columns : (d, n) float32
        out : (V, n) float32
            Array to write to.

        Returns
        -------
        (V, n) float32
            `out`.
        """
        queries = np.ascontiguousarray(columns.T, np.float32)
        codes, scales = np.asarray(self.codes), np.asarray(self.scales)

        def score(rows: parallel.Rows) -> None:
            part = slice(*rows)
            self._score(codes[part], scales[part], queries, out[part])

        parallel.over_rows(score, len(self), cost=queries.size)
        return out

    def multiply_unpacked(self, columns: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Compute the products with many columns, from some unpacked rows at a time; see `multiply`."""
        for start in range(0, len(self), _BLOCK):
            part = slice(start, start + _BLOCK)
            np.matmul(np.asarray(self[part]), columns, out=out[part])
        return out


class Int8Matrix(QuantizedMatrix):
    """Rows of whole numbers from -127 to 127, the codes (V, d) int8, times a scale a row."""

    @property
    def shape(self) -> tuple[int, int]:
        """V and d."""
        return len(self.codes), self.codes.shape[1]

    @property
    def kind(self) -> str:
        """How a row is stored, in words."""
        return "int8"

    def save(self, directory: Path) -> None:
        """Write ``vectors.int8.npy`` and ``scales.npy``."""
        save_array(directory / INT8_FILE, self.codes)
        save_array(directory / SCALES_FILE, self.scales)

    def _like(self, codes: np.ndarray, scales: np.ndarray) -> Self:
        return type(self)(codes, scales)

    def _unpack(self, codes: np.ndarray) -> np.ndarray:
        return codes.astype(np.float32)

    def _score(self, codes: np.ndarray, scales: np.ndarray, queries: np.ndarray, out: np.ndarray) -> None:
        from embeddings.compilation import read_only
        from embeddings.vectors.quantized_kernels import score_int8  # slow to import: Numba

        score_int8(read_only(codes), read_only(scales), queries, out)


class ProductMatrix(QuantizedMatrix):
    """Rows of M codes, each the number of a centroid of ⌈d / M⌉ components, times a scale a row.

    Parameters
    ----------
    codes : (V, M) uint8
    scales : (V,) float32
    codebooks : (256, d) float32
        The centroids of all parts side by side; the last part has fewer components if M does not divide d.
    """

    def __init__(self, codes: np.ndarray, scales: np.ndarray, codebooks: np.ndarray) -> None:
        super().__init__(codes, scales)
        self.codebooks = codebooks

    @property
    def shape(self) -> tuple[int, int]:
        """V and d."""
        return len(self.codes), self.codebooks.shape[1]

    @property
    def kind(self) -> str:
        """How a row is stored, in words."""
        return f"product quantisation, {self.codes.shape[1]} codes a word"

    def save(self, directory: Path) -> None:
        """Write ``vectors.codes.npy``, ``codebooks.npy`` and ``scales.npy``."""
        save_array(directory / CODES_FILE, self.codes)
        save_array(directory / SCALES_FILE, self.scales)
        save_array(directory / CODEBOOKS_FILE, self.codebooks)

    def _like(self, codes: np.ndarray, scales: np.ndarray) -> Self:
        return type(self)(codes, scales, self.codebooks)

    def _unpack(self, codes: np.ndarray) -> np.ndarray:
        components = np.arange(self.codebooks.shape[1])
        return self.codebooks[codes[:, components // part_width(len(components), codes.shape[1])], components]

    def _score(self, codes: np.ndarray, scales: np.ndarray, queries: np.ndarray, out: np.ndarray) -> None:
        from embeddings.compilation import read_only
        from embeddings.vectors.quantized_kernels import score_product_codes  # slow to import: Numba

        width = part_width(self.codebooks.shape[1], codes.shape[1])
        starts = np.arange(0, self.codebooks.shape[1], width)
        products = queries[:, None, :] * self.codebooks  # (queries, 256, d)
        tables = np.add.reduceat(products, starts, axis=2).transpose(0, 2, 1)
        score_product_codes(read_only(codes), read_only(scales), np.ascontiguousarray(tables), out)


def to_int8(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round rows to whole numbers times a scale, of which 127 stands for the largest number of the row.

    Parameters
    ----------
    rows : (n, d) float32

    Returns
    -------
    codes : (n, d) int8
    scales : (n,) float32
    """
    largest = np.abs(rows).max(axis=1)
    codes = np.rint(rows / np.where(largest > 0, largest, 1)[:, None] * _LARGEST_CODE).astype(np.int8)
    return codes, largest / np.float32(_LARGEST_CODE)


def part_width(dimension: int, parts: int) -> int:
    """Return the number of components of each of M parts, ⌈d / M⌉; the last part may have fewer."""
    return -(-dimension // parts)


def is_quantized(directory: Path) -> bool:
    """Return whether a model directory holds quantised vectors."""
    return any((directory / name).is_file() for name in (INT8_FILE, CODES_FILE))


def read_quantized(directory: Path) -> QuantizedMatrix:
    """Map the quantised vectors of a model directory.

    Parameters
    ----------
    directory : Path

    Returns
    -------
    QuantizedMatrix

    Raises
    ------
    EmbeddingsError
        A file is missing or damaged, or the arrays do not fit together.
    """
    scales = _read(directory / SCALES_FILE, np.float32, 1)
    if (directory / INT8_FILE).is_file():
        codes = _read(directory / INT8_FILE, np.int8, 2)
        _require(len(codes) == len(scales), directory, f"{len(codes):,} rows and {len(scales):,} scales")
        return Int8Matrix(codes, scales)
    codes, codebooks = _read(directory / CODES_FILE, np.uint8, 2), _read(directory / CODEBOOKS_FILE, np.float32, 2)
    _require(len(codes) == len(scales), directory, f"{len(codes):,} rows and {len(scales):,} scales")
    parts, dimension = codes.shape[1], codebooks.shape[1]
    fits = 0 < parts <= dimension and parts == part_width(dimension, part_width(dimension, parts))
    _require(fits and len(codebooks) == CENTROIDS, directory, f"{parts} codes a row, codebooks {codebooks.shape}")
    return ProductMatrix(codes, scales, np.array(codebooks))


def _read(path: Path, dtype: type, dimensions: int) -> np.ndarray:
    if not path.is_file():
        raise EmbeddingsError(f"{path.parent} has no {path.name}; expected a model directory with quantised vectors")
    array = read_array(path, mapped=True)
    if array.dtype != dtype or array.ndim != dimensions:
        raise EmbeddingsError(
            f"{path} holds {array.dtype} of shape {array.shape}; expected {np.dtype(dtype)} of {dimensions} dimensions"
        )
    return array


def _require(fits: bool, directory: Path, found: str) -> None:
    if not fits:
        raise EmbeddingsError(f"the quantised vectors in {directory} do not fit together: {found}; quantise them again")
