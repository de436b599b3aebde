"""What the pieces of a round changed in the rows of a matrix: sparse, added up in a tree, settled, followed."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

CURVATURE = 0.1
"""h of `settled`, measured by the quality of the vectors."""

_ROWS_AT_A_TIME = 4096
_SMALLEST = 1e-30  # no updates, or no change: 0 / 0

Leaf = TypeVar("Leaf")


class Changes(NamedTuple):
    """The rows of one matrix that at least one piece changed.

    Attributes
    ----------
    rows : (n,) int64
        In ascending order.
    sums : (n, d) float32
        The sum of the changes of all pieces.
    squares : (n,) float32
        Σ |change|² of the pieces.
    """

    rows: np.ndarray
    sums: np.ndarray
    squares: np.ndarray

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self)


def changes_between(before: np.ndarray, after: np.ndarray, dimension: int, among: np.ndarray | None = None) -> Changes:
    """Return how one piece changed the rows of a matrix.

    Parameters
    ----------
    before, after : (V, padded d) float32
    dimension : int
        d, without padding.
    among : (n,) int64, optional
        The rows that count, in ascending order. Default: all.

    Returns
    -------
    Changes
    """
    rows = changed_rows(before, after) if among is None else among[(before[among] != after[among]).any(axis=1)]
    change = after[rows, :dimension] - before[rows, :dimension]
    return Changes(rows, change, np.square(change).sum(axis=1))


def changed_rows(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the rows in which two matrices differ, (n,) int64 in ascending order.

    Parameters
    ----------
    before, after : (V, padded d) float32

    Returns
    -------
    (n,) int64
    """
    changed = [np.flatnonzero((before[part] != after[part]).any(axis=1)) + part.start for part in _slices(before)]
    return np.concatenate([np.empty(0, np.int64), *changed])


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
    if np.array_equal(first.rows, second.rows):
        return Changes(first.rows, first.sums + second.sums, first.squares + second.squares)
    rows = np.union1d(first.rows, second.rows)
    squares = np.zeros(len(rows), first.squares.dtype)
    sums = np.zeros((len(rows), first.sums.shape[1]), first.sums.dtype)
    for part in (first, second):
        place = np.searchsorted(rows, part.rows)
        sums[place] += part.sums
        squares[place] += part.squares
    return Changes(rows, sums, squares)


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


def settled(changes: Changes, updates: np.ndarray, rate: float, workers: int) -> Changes:
    """Return how far every row moves when W workers have changed it, each as if it were alone.

    W workers one after the other would move a row that they seldom train by the sum of their changes, and one that each
    of them has brought to where its text wants it by their mean: the next worker finds it there. n updates at the
    learning rate η leave a share (1 - ηh)ⁿ of the way that a row has to go, with h the curvature of the loss, and thus
    e⁻ᵃ with a = η h n. W times as many leave e⁻ᵂᵃ, so that a row whose changes agree moves by the sum times

        s = (1 - e⁻ᵂᵃ) / (W (1 - e⁻ᵃ)),

    which is 1 for rare words and 1 / W for frequent ones. Changes that do not agree lead nowhere too far: they have the
    gradient diversity Δ = Σ |change|² / |Σ change|², which is 1 / W for equal ones and 1 for orthogonal ones (Yin et
    al. 2018, "Gradient Diversity: a Key Ingredient for Scalable Distributed Learning"). A row moves by the sum times

        1 - (1 - s) (1 - Δ) / (1 - 1 / W).

    Parameters
    ----------
    changes : Changes
        The sums of a round.
    updates : (rows,) float64
        n: how often one worker is expected to train each row in this round.
    rate : float
        η.
    workers : int
        W.

    Returns
    -------
    Changes
        The same rows.
    """
    if workers == 1:
        return changes
    alone = np.maximum(rate * CURVATURE * updates[changes.rows], _SMALLEST)
    agreeing = np.expm1(-workers * alone) / np.expm1(-alone) / workers
    square = np.square(changes.sums).sum(axis=1)
    diversity = changes.squares / np.maximum(np.maximum(square, changes.squares), _SMALLEST)
    share = 1 - (1 - agreeing) * (1 - diversity) / (1 - 1 / workers)
    return changes._replace(sums=changes.sums * share[:, None].astype(np.float32))


def follow(matrix: np.ndarray, changes: Changes) -> None:
    """Move the rows of a matrix, in place; every replica does the same arithmetic.

    Parameters
    ----------
    matrix : (V, padded d) float32
    changes : Changes
    """
    matrix[changes.rows, : changes.sums.shape[1]] += changes.sums
