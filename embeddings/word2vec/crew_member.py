"""A replica of E and C in one process of a crew; `crew` says how they go together."""

import time
from collections.abc import Sequence

import numpy as np

from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.text.vocabulary import Vocabulary
from embeddings.word2vec.changes import CURVATURES, PackedRows, changed_rows, combined, share_of_sums, taken_changes
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.crew import AllChanges, Matrices, Piece, Settling, Trained, cut, follow, frequent_rows
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
    kept : (V,) float64, optional
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
        kept: np.ndarray | None,
        workers: int,
    ) -> None:
        self._run = TrainingRun(config, corpus, vocabulary, trained, workers=workers, kept=kept)
        self._dimension = config.dimension
        self._matrices = self._run.matrices()
        self.reset(matrices)
        self._updates = self._run.expected_updates()
        self._is_frequent = {name: frequent_rows(expected) for name, expected in self._updates.items()}
        self._frequent = {name: np.flatnonzero(rows).astype(np.int32) for name, rows in self._is_frequent.items()}
        self._all = {name: np.arange(len(rows), dtype=np.int32) for name, rows in self._is_frequent.items()}
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

    def train(self, piece: Piece, parts: int) -> Trained:
        """Train a piece from E and C as they are, and leave them so.

        Parameters
        ----------
        piece : Piece
        parts : int
            Into which its changes are cut, with about as many rows each.

        Returns
        -------
        Trained
        """
        started = time.monotonic()
        self._take_rare_rows(piece)
        loss, examples = self._run.train_blocks(piece.epoch, piece.blocks)
        seconds = time.monotonic() - started
        among = self._all if piece.ends else self._frequent
        changes = {
            name: taken_changes(self._base[name], matrix, self._dimension, among[name])
            for name, matrix in self._matrices.items()
        }
        if piece.ends:
            self._owner = None
        bounds = {name: [rows[len(rows) * part // parts] for part in range(1, parts)] for name, rows in among.items()}
        return Trained(cut(changes, bounds), loss, examples, seconds)

    def combine(self, changes: Sequence[AllChanges], settling: Settling) -> AllChanges:
        """Add up what all pieces changed in a part of the rows; return how far they move.

        Parameters
        ----------
        changes : sequence of dict
            The same part of each piece.
        settling : Settling

        Returns
        -------
        dict of str to PackedRows
        """
        return {name: self._combined(name, [part[name] for part in changes], settling) for name in self._matrices}

    def _combined(self, name: str, pieces: list[PackedRows], settling: Settling) -> PackedRows:
        def shares(rows: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> np.ndarray:
            words = np.where(self._is_frequent[name][rows], settling.words, settling.of_cycle)
            alone = settling.rate * CURVATURES[name] * self._updates[name][rows] * words
            return share_of_sums(sums, squares, alone, settling.workers)

        return combined(pieces, shares)

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
