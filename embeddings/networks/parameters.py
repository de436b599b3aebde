"""Parameters: an array and its gradient, either dense or of some rows only.

The parameters of a network are a plain ``dict[str, Parameter]``; networks are combined by merging such dicts. Tied
weights are one `Parameter` in two places: gradients add up in whatever order they arrive.
"""

from typing import NamedTuple

import numpy as np

from embeddings.networks.optimizer_kernels import add_rows, sum_of_squares
from embeddings.parallel import over_rows

Parameters = dict[str, "Parameter"]


class RowGradient(NamedTuple):
    """Gradient of a matrix that is zero except in some rows.

    Attributes
    ----------
    rows : (n,) int64
        Row numbers, increasing, each once.
    values : (n, d)
        Gradient of these rows; (n,) if the parameter is a vector.
    """

    rows: np.ndarray
    values: np.ndarray

    @classmethod
    def summed(cls, rows: np.ndarray, values: np.ndarray) -> "RowGradient":
        """Sum the `values` (n, d) of equal `rows` (n,), which may repeat, in any order."""
        unique, where = np.unique(rows, return_inverse=True)
        return cls(unique, sum_by_index(values, where, len(unique)))


class Parameter:
    """An array that is learned.

    Parameters
    ----------
    value : ndarray
        float32 or float64; the optimizers change it in place. An array that is not C-contiguous is copied.

    Attributes
    ----------
    value : ndarray
    gradient : ndarray or RowGradient or None
        ∂L/∂value of the last backward pass, summed over all uses; None when there is none.
    """

    __slots__ = ("_buffer", "gradient", "value")

    def __init__(self, value: np.ndarray):
        self.value = np.ascontiguousarray(value)
        self.gradient: np.ndarray | RowGradient | None = None
        self._buffer: np.ndarray | None = None

    def gradient_buffer(self) -> np.ndarray:
        """Return memory for a dense gradient: write to it, then pass it to `add_gradient`, which does not copy it."""
        if isinstance(self.gradient, np.ndarray):
            return np.empty_like(self.value)
        if self._buffer is None:
            self._buffer = np.empty_like(self.value)
        return self._buffer

    def add_gradient(self, gradient: np.ndarray | RowGradient) -> None:
        """Add to the gradient; the first dense one is kept by reference."""
        present = self.gradient
        if present is None:
            self.gradient = gradient
        elif isinstance(present, RowGradient) and isinstance(gradient, RowGradient):
            rows = np.concatenate([present.rows, gradient.rows])
            self.gradient = RowGradient.summed(rows, np.concatenate([present.values, gradient.values]))
        else:
            dense, other = (gradient, present) if isinstance(present, RowGradient) else (present, gradient)
            assert isinstance(dense, np.ndarray)
            if isinstance(other, RowGradient):
                add_rows(_rows(other.values), other.rows, _rows(dense))
            else:
                dense += other
            self.gradient = dense

    def dense_gradient(self) -> np.ndarray:
        """Return the gradient as an array of the value's shape; zeros where there is none."""
        if isinstance(self.gradient, np.ndarray):
            return self.gradient
        dense = np.zeros_like(self.value)
        if self.gradient is not None:
            dense[self.gradient.rows] = self.gradient.values
        return dense


def distinct(parameters: Parameters) -> dict[str, Parameter]:
    """Return each parameter once, under its first name: tied weights may have two."""
    first = {id(parameter): name for name, parameter in reversed(parameters.items())}
    return {name: parameter for name, parameter in parameters.items() if first[id(parameter)] == name}


def clear_gradients(parameters: Parameters) -> None:
    """Remove all gradients; call it before each forward and backward pass."""
    for parameter in parameters.values():
        parameter.gradient = None


def as_matrix(array: np.ndarray) -> np.ndarray:
    """Return a view with two axes; a vector is one row."""
    return array.reshape(1, -1) if array.ndim == 1 else array.reshape(len(array), -1)


def sum_by_index(values: np.ndarray, index: np.ndarray, count: int) -> np.ndarray:
    """Return the (count, ...) sums of the rows of `values` (n, ...) that have equal `index` (n,)."""
    sums = np.zeros((count, *values.shape[1:]), values.dtype)
    add_rows(_rows(values), index.ravel(), _rows(sums))
    return sums


def _rows(array: np.ndarray) -> np.ndarray:
    """Return the array with two axes; each number of a vector is a row."""
    return np.ascontiguousarray(array if array.ndim == 2 else array[:, None])


def global_norm(parameters: Parameters) -> float:
    """Return the Euclidean norm of all gradients together; a parameter under two names counts once."""
    total = 0.0
    for parameter in distinct(parameters).values():
        gradient = parameter.gradient
        if gradient is not None:
            total += _sum_of_squares(gradient.values if isinstance(gradient, RowGradient) else gradient)
    return float(np.sqrt(total))


def _sum_of_squares(array: np.ndarray) -> float:
    matrix = as_matrix(array)
    sums = np.zeros(len(matrix))
    over_rows(lambda rows: sum_of_squares(matrix, sums, rows), len(matrix), matrix.shape[1])
    return float(sums.sum())
