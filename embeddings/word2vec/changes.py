"""What pieces of a round changed in the rows of a matrix: sparse, added up in a tree, and applied to all replicas.

All pieces are trained from the same rows. Where their changes agree, the sum goes too far; `scales` says how far to go.
The compiled `replicas.merge` follows the same rule inside one process.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

_SMALLEST = 1e-30  # no change: 0 / 0
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
    squares : (n,) float32
        The sum of their squared lengths, Σ |change|².
    pieces : (n,) int32
        How many pieces changed the row.
    """

    rows: np.ndarray
    sums: np.ndarray
    squares: np.ndarray
    pieces: np.ndarray

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self)


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
    starts = range(0, len(before), _ROWS_AT_A_TIME)
    parts = [slice(start, start + _ROWS_AT_A_TIME) for start in starts]
    changed = [np.flatnonzero((before[part] != after[part]).any(axis=1)) + part.start for part in parts]
    rows = np.concatenate([np.empty(0, np.int64), *changed])
    sums = after[rows, :dimension] - before[rows, :dimension]
    return Changes(rows, sums, np.square(sums).sum(axis=1), np.ones(len(rows), np.int32))


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
    total = Changes(
        rows,
        np.zeros((len(rows), first.sums.shape[1]), np.float32),
        np.zeros(len(rows), np.float32),
        np.zeros(len(rows), np.int32),
    )
    for part in (first, second):
        where = np.searchsorted(rows, part.rows)
        total.sums[where] += part.sums
        total.squares[where] += part.squares
        total.pieces[where] += part.pieces
    return total


def scales(changes: Changes, pieces: int) -> np.ndarray:
    """Return the factors of the sums of changes, (n,) float32.

    With the gradient diversity Δ = Σ |change|² / |Σ change|², which is 1/W for equal changes and 1 for orthogonal ones
    (Yin et al. 2018, "Gradient Diversity: a Key Ingredient for Scalable Distributed Learning"), a row that n of W
    pieces changed is moved by 1 - κ (1 - Δ) times the sum, κ = ((n - 1) / (W - 1))².

    Parameters
    ----------
    changes : Changes
    pieces : int
        W, all pieces of the round.

    Returns
    -------
    (n,) float32
    """
    square = np.square(changes.sums).sum(axis=1)
    diversity = changes.squares / np.maximum(np.maximum(square, changes.squares), _SMALLEST)
    share = np.square((changes.pieces - 1) / max(1, pieces - 1))
    factors: np.ndarray = (1 - share * (1 - diversity)).astype(np.float32)
    return np.where(square > 0, factors, np.float32(1))


def apply_changes(matrix: np.ndarray, changes: Changes, pieces: int) -> None:
    """Add the changes of a round to a matrix; every replica does the same arithmetic.

    Parameters
    ----------
    matrix : (V, padded d) float32
    changes : Changes
    pieces : int
        All pieces of the round.
    """
    matrix[changes.rows, : changes.sums.shape[1]] += scales(changes, pieces)[:, None] * changes.sums


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
