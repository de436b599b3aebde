"""What the pieces of a round changed in the rows of a matrix: sparse, packed, added up, followed.

The rows of E and C travel as `PackedRows`, 8 bits a number: what is rounded off is 0.6 % of what a piece has changed.
Other matrices, gradients, travel as `Changes`.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np

from embeddings.compilation import read_only
from embeddings.word2vec import change_kernels as kernels

CURVATURES = {"embedding": 0.2, "context": 0.05, "position_weights": 0.2}
"""h of `share_of_sums` by matrix: with these, the mean rows of E and C become as long as those of one worker.

Changes that all workers make alike lead along the mean row of the other matrix. Its square is their curvature: the mean
of C, which holds what is true of all words, is longer than that of E.
"""

_ROWS_IN_THE_CACHE = 1024
_SMALLEST = 1e-30  # no updates, or no change: 0 / 0

Leaf = TypeVar("Leaf")
Sparse = TypeVar("Sparse", "Changes", "PackedRows")
Shares = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Takes rows, the sums of their changes and the sums of |change|²; returns which share of the sums they move by."""


class Changes(NamedTuple):
    """Rows of a matrix, and what belongs to each: a sum of gradients, or a new value.

    Attributes
    ----------
    rows : (n,) int64
        In ascending order.
    values : (n, d) float
    """

    rows: np.ndarray
    values: np.ndarray


class PackedRows(NamedTuple):
    """Rows of a matrix that were changed, and by how much: a scale times 8-bit numbers.

    Attributes
    ----------
    rows : (n,) int32
        In ascending order.
    scales : (n,) float32
    values : (n, d) int8
    """

    rows: np.ndarray
    scales: np.ndarray
    values: np.ndarray


def size_of(changes: Changes | PackedRows) -> int:
    """Return the bytes of all arrays."""
    return sum(array.nbytes for array in changes)


def taken_changes(before: np.ndarray, after: np.ndarray, dimension: int, among: np.ndarray) -> PackedRows:
    """Return how one piece changed the rows of a matrix, and undo it.

    Parameters
    ----------
    before, after : (V, padded d) float32
        `after` becomes `before` in these rows.
    dimension : int
        d, without padding.
    among : (n,) int32
        The rows that count, in ascending order.

    Returns
    -------
    PackedRows
    """
    found = _room(len(among), dimension)
    differ = kernels.take_changes(before, after, read_only(among), *_working_memory(dimension), *found)
    return PackedRows(*(array[:differ] for array in found))


def _room(rows: int, dimension: int) -> PackedRows:
    return PackedRows(np.empty(rows, np.int32), np.empty(rows, np.float32), np.empty((rows, dimension), np.int8))


def _working_memory(dimension: int) -> tuple[np.ndarray, np.ndarray]:
    change = np.empty(dimension, np.float32)
    return change, change.view(np.int32)


def changed_rows(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the rows in which two matrices differ, (n,) int64 in ascending order.

    Parameters
    ----------
    before, after : (V, padded d) float32

    Returns
    -------
    (n,) int64
    """
    differ = np.empty(len(before), np.bool_)
    kernels.find_changed(before, after, differ)
    return np.flatnonzero(differ)


def cut(changes: Sparse, bounds: Sequence[int]) -> list[Sparse]:
    """Cut changes at some rows; the first part has the rows before them all.

    Parameters
    ----------
    changes : Changes or PackedRows
    bounds : sequence of int
        In ascending order.

    Returns
    -------
    list of Changes or PackedRows
        One more than there are bounds.
    """
    ends = [0, *np.searchsorted(changes.rows, bounds).tolist(), len(changes.rows)]
    return [type(changes)(*(array[begin:end] for array in changes)) for begin, end in pairwise(ends)]


def joined(parts: Sequence[Changes]) -> Changes:
    """Return the changes of all parts, whose rows follow each other."""
    return Changes(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def added(first: Changes, second: Changes) -> Changes:
    """Return the changes of the pieces of both.

    Parameters
    ----------
    first, second : Changes
        Of the same matrix.

    Returns
    -------
    Changes
    """
    if np.array_equal(first.rows, second.rows):
        return Changes(first.rows, first.values + second.values)
    rows = np.union1d(first.rows, second.rows)
    values = np.zeros((len(rows), first.values.shape[1]), first.values.dtype)
    for part in (first, second):
        values[np.searchsorted(rows, part.rows)] += part.values
    return Changes(rows, values)


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


def combined(pieces: Sequence[PackedRows], shares: Shares) -> PackedRows:
    """Add up the changes of all pieces, in their order, and return how far every row moves.

    Parameters
    ----------
    pieces : sequence of PackedRows
        Of the same matrix, from the same rows.
    shares : callable
        See `Shares`.

    Returns
    -------
    PackedRows
        The rows that at least one piece changed.
    """
    rows = np.unique(np.concatenate([piece.rows for piece in pieces]))
    dimension = pieces[0].values.shape[1]
    memory, result = _working_memory(dimension), _room(len(rows), dimension)
    result.rows[:] = rows
    for begin in range(0, len(rows), _ROWS_IN_THE_CACHE):
        few = slice(begin, begin + _ROWS_IN_THE_CACHE)
        sums = np.zeros((len(rows[few]), dimension), np.float32)
        squares = np.zeros(len(sums), np.float32)
        for piece in pieces:
            _add(rows[few], piece, sums, squares)
        share = shares(rows[few], sums, squares).astype(np.float32)
        kernels.pack_rows(sums, share, *memory, result.scales[few], result.values[few])
    return result


def _add(rows: np.ndarray, piece: PackedRows, sums: np.ndarray, squares: np.ndarray) -> None:
    """Add what a piece has of some rows to their sums."""
    begin, end = np.searchsorted(piece.rows, [rows[0], rows[-1] + 1])
    own, scales, values = (read_only(array[begin:end]) for array in piece)
    kernels.add_rows(sums, squares, np.searchsorted(rows, own), scales, values)


def share_of_sums(sums: np.ndarray, squares: np.ndarray, alone: np.ndarray, workers: int) -> np.ndarray:
    """Return by which share of the sum of its changes a row moves when W workers have changed it, each as if alone.

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
    sums : (n, d) float32
        Σ change of each row.
    squares : (n,) float32
        Σ |change|².
    alone : (n,) float64
        a of each row: the learning rate times `CURVATURES` times how often one worker is expected to train the row.
    workers : int
        W.

    Returns
    -------
    (n,) float64
    """
    if workers == 1:
        return np.ones(len(sums))
    alone = np.maximum(alone, _SMALLEST)
    agreeing = np.expm1(-workers * alone) / np.expm1(-alone) / workers
    with np.errstate(over="ignore", invalid="ignore"):  # of a training that diverges, which ends later
        square = np.square(sums).sum(axis=1)
        diversity = squares / np.maximum(np.maximum(square, squares), _SMALLEST)
    share: np.ndarray = 1 - (1 - agreeing) * (1 - diversity) / (1 - 1 / workers)
    return share


def follow(matrix: np.ndarray, changes: PackedRows) -> None:
    """Move the rows of a matrix, in place; every replica does the same arithmetic.

    Parameters
    ----------
    matrix : (V, padded d) float32
    changes : PackedRows
    """
    kernels.follow_rows(matrix, *(read_only(array) for array in changes))
