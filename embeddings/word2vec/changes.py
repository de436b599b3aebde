"""What the pieces of a round changed in the rows of a matrix: sparse, added up in a tree, applied with momentum."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

_ROWS_AT_A_TIME = 4096

Leaf = TypeVar("Leaf")


class Changes(NamedTuple):
    """The rows of one matrix that at least one piece changed.

    Attributes
    ----------
    rows : (n,) int64
        In ascending order.
    sums : (n, d) float32
        The sum of the changes of all pieces.
    """

    rows: np.ndarray
    sums: np.ndarray

    @property
    def nbytes(self) -> int:
        """Bytes of both arrays."""
        return self.rows.nbytes + self.sums.nbytes


def changes_between(before: np.ndarray, after: np.ndarray, dimension: int) -> Changes:
    """Return how one piece changed the rows of a matrix.

    Parameters
    ----------
    before, after : (V, padded d) float32
    dimension : int
        d, without padding.

    Returns
    -------
    Changes
    """
    changed = [np.flatnonzero((before[part] != after[part]).any(axis=1)) + part.start for part in _slices(before)]
    rows = np.concatenate([np.empty(0, np.int64), *changed])
    return Changes(rows, after[rows, :dimension] - before[rows, :dimension])


def _slices(matrix: np.ndarray) -> list[slice]:
    return [slice(start, start + _ROWS_AT_A_TIME) for start in range(0, len(matrix), _ROWS_AT_A_TIME)]


def added(first: Changes, second: Changes) -> Changes:
    """Return the changes of the pieces of both.

    Parameters
    ----------
    first, second : Changes
        Of the same matrix, from the same rows.

    Returns
    -------
    Changes
    """
    rows = np.union1d(first.rows, second.rows)
    sums = np.zeros((len(rows), first.sums.shape[1]), np.float32)
    for part in (first, second):
        sums[np.searchsorted(rows, part.rows)] += part.sums
    return Changes(rows, sums)


def added_up(leaves: Sequence[Leaf], add: Callable[[Leaf, Leaf], Leaf]) -> Leaf:
    """Add up in a binary tree whose shape depends on the number of leaves alone: neighbours first.

    Parameters
    ----------
    leaves : sequence
        At least one.
    add : callable
        Takes two of them; returns their sum.

    Returns
    -------
    object
        The sum of all.
    """
    level = list(leaves)
    while len(level) > 1:
        sums = [add(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = sums + level[2 * len(sums) :]
    return level[0]


def apply_changes(matrix: np.ndarray, velocity: np.ndarray, changes: Changes, workers: int) -> None:
    """Move a matrix by the mean change of a round, with block momentum; every replica does the same arithmetic.

    The mean of W changes is stable, but moves a row as one worker does, though W have read a text each. Momentum
    μ = 1 - 1/W gives the rest in the rounds that follow: with the mean change g

        v ← μ v + g,    E ← E + g + μ v

    (K. Chen, Q. Huo: "Scalable Training of Deep Learning Machines by Incremental Block Training with Intra-block
    Parallel Optimization and Blockwise Model-Update Filtering", 2016, with Nesterov's momentum).

    Parameters
    ----------
    matrix : (V, padded d) float32
        Changed in place.
    velocity : (V, padded d) float32
        v, zero before the first round; changed in place.
    changes : Changes
    workers : int
        W.
    """
    momentum, width = np.float32(1 - 1 / workers), changes.sums.shape[1]
    mean = changes.sums / np.float32(workers)
    velocity *= momentum
    velocity[changes.rows, :width] += mean
    for part in _slices(matrix):
        matrix[part] += momentum * velocity[part]
    matrix[changes.rows, :width] += mean
