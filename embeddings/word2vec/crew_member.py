"""A replica of E and C in one process of a crew; `crew` says how they go together."""

import time

import numpy as np

from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.text.vocabulary import Vocabulary
from embeddings.word2vec.changes import changed_rows, changes_between
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.crew import AllChanges, Matrices, Piece, Trained, follow, frequent_rows
from embeddings.word2vec.training_run import TrainingRun

Rows = dict[str, tuple[np.ndarray, np.ndarray]]
"""Rows of each matrix: their numbers, and what they hold."""


class Member:
    """Trains pieces of rounds, each from the E and C with which the round began, and from the rare rows of its worker.

    Parameters
    ----------
    matrices : mapping of str to ndarray
        Everything that is trained, as it is now.
    config : Word2VecConfig
    corpus : EncodedCorpus
    vocabulary : Vocabulary
    trained : (V,) bool, optional
    workers : int
        Workers among whom the blocks are dealt.
    """

    def __init__(
        self,
        matrices: Matrices,
        config: Word2VecConfig,
        corpus: EncodedCorpus,
        vocabulary: Vocabulary,
        trained: np.ndarray | None,
        workers: int,
    ) -> None:
        self._run = TrainingRun(config, corpus, vocabulary, trained, workers=workers)
        self._dimension = config.dimension
        self._matrices = self._run.matrices()
        self.reset(matrices)
        updates = self._run.expected_updates()
        self._frequent = {name: np.flatnonzero(frequent_rows(expected)) for name, expected in updates.items()}
        self._run.compile()

    def reset(self, matrices: Matrices) -> None:
        """Begin again from these matrices.

        Parameters
        ----------
        matrices : mapping of str to ndarray
        """
        for name, matrix in matrices.items():
            self._matrices[name][:] = matrix
        self._base = {name: matrix.copy() for name, matrix in self._matrices.items()}
        self._owner: int | None = None  # the worker whose rare rows the matrices have
        self._put_away: dict[int, Rows] = {}  # the rare rows of others, by worker

    def train(self, piece: Piece) -> Trained:
        """Train a piece from E and C as they are, and leave them so.

        Parameters
        ----------
        piece : Piece

        Returns
        -------
        Trained
        """
        started = time.monotonic()
        self._take_rare_rows(piece)
        loss, examples = self._run.train_blocks(piece.epoch, piece.blocks)
        seconds = time.monotonic() - started
        changes = {
            name: changes_between(
                self._base[name], matrix, self._dimension, None if piece.ends else self._frequent[name]
            )
            for name, matrix in self._matrices.items()
        }
        for name, changed in changes.items():
            self._matrices[name][changed.rows] = self._base[name][changed.rows]
        if piece.ends:
            self._owner = None
        return Trained(changes, loss, examples, seconds)

    def _take_rare_rows(self, piece: Piece) -> None:
        """Put those of the worker of a piece into the matrices: what it has changed since its cycle began."""
        if self._owner is not None and (piece.begins or self._owner != piece.worker):
            self._put_away[self._owner] = self._without_rare_rows()
        own = self._put_away.pop(piece.worker, {})
        if not piece.begins:
            for name, (rows, values) in own.items():
                self._matrices[name][rows] = values
        self._owner = piece.worker

    def _without_rare_rows(self) -> "Rows":
        """Return the rows that differ from those with which the cycle began, and undo them."""
        found = {}
        for name, matrix in self._matrices.items():
            rows = changed_rows(self._base[name], matrix)
            found[name] = rows, matrix[rows]
            matrix[rows] = self._base[name][rows]
        return found

    def follow(self, changes: AllChanges) -> None:
        """Move the rows that a round has changed.

        Parameters
        ----------
        changes : dict of str to Changes
        """
        follow(self._base, changes)
        follow(self._matrices, changes)
