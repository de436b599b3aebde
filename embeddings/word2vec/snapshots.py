"""Snapshots of the vectors of frequent words while they are trained. Taking them changes nothing in the training."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from embeddings.vectors.history import TrainingHistory, directions_of

_CLOSER_AT_FIRST = 1.5  # exponent: the vectors move most at the beginning


class Snapshot(NamedTuple):
    """The vectors of frequent words at one moment of a training.

    Attributes
    ----------
    directions : (n, d) int8
        See `embeddings.vectors.history.directions_of`.
    trained : int
        Words of the text trained by then, over all epochs.
    loss : float
        Mean loss per example since the snapshot before; NaN where none was measured.
    """

    directions: np.ndarray
    trained: int
    loss: float


class Snapshotting(NamedTuple):
    """How many snapshots a training takes, of how many words, and who sees them.

    Attributes
    ----------
    moments : int
        Largest number of snapshots, the first and the last of the training among them; 2 or more. A short training
        takes fewer: at most five a second.
    words : int
        Number of words, the most frequent ones.
    taken : callable, optional
        Called in the thread that called `fit` with each `Snapshot`.
    """

    moments: int = 40
    words: int = 5000
    taken: Callable[[Snapshot], None] | None = None


class Snapshots:
    """Takes snapshots at moments that lie closer together at the beginning.

    The snapshots are part of a checkpoint, so that a training that was interrupted keeps those of before.

    Parameters
    ----------
    wanted : Snapshotting
    total : int
        Words to train, over all epochs.
    vectors : callable
        Returns the present vectors of the n most frequent words, (n, d) float32.
    """

    def __init__(self, wanted: Snapshotting, total: int, vectors: Callable[[], np.ndarray]) -> None:
        self._vectors, self._notify = vectors, wanted.taken
        shares = np.linspace(0, 1, max(wanted.moments, 2)) ** _CLOSER_AT_FIRST
        self._moments = np.ceil(shares * total).astype(np.int64)
        self._taken: list[Snapshot] = []
        self._loss, self._examples = 0.0, 0

    def update(self, done: int, loss: float = 0.0, examples: int = 0) -> None:
        """Take a snapshot if one is due.

        Parameters
        ----------
        done : int
            Words trained so far.
        loss : float
            Sum of the losses since the last call.
        examples : int
            Number of examples of which it is the sum.
        """
        self._loss += loss
        self._examples += examples
        last = self._taken[-1].trained if self._taken else -1
        if np.searchsorted(self._moments, done, "right") > np.searchsorted(self._moments, last, "right"):
            mean = self._loss / self._examples if self._examples else float("nan")
            self._loss, self._examples = 0.0, 0
            self._taken.append(Snapshot(directions_of(self._vectors()), done, mean))
            if self._notify:
                self._notify(self._taken[-1])

    def return_to(self, done: int) -> None:
        """Leave out the snapshots after a moment to which the training returned, and let its vectors be the last ones.

        Parameters
        ----------
        done : int
            Words trained by then.
        """
        self._taken = [snapshot for snapshot in self._taken if snapshot.trained <= done]
        if not self._taken or self._taken[-1].trained < done:
            self._taken.append(Snapshot(directions_of(self._vectors()), done, float("nan")))

    def history(self) -> TrainingHistory:
        """Return all snapshots."""
        return TrainingHistory(
            directions=np.stack([snapshot.directions for snapshot in self._taken]),
            trained=np.array([snapshot.trained for snapshot in self._taken], np.int64),
            losses=np.array([snapshot.loss for snapshot in self._taken], np.float64),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all snapshots as arrays of a checkpoint."""
        history = self.history()
        return {
            "history_directions": history.directions,
            "history_trained": history.trained,
            "history_losses": history.losses,
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue from the arrays of a checkpoint, if it has snapshots of as many words."""
        directions = arrays.get("history_directions")
        if directions is None or directions.shape[1:] != self._vectors().shape:
            return
        rows = zip(directions, arrays["history_trained"].tolist(), arrays["history_losses"].tolist(), strict=True)
        self._taken = [Snapshot(*row) for row in rows]
