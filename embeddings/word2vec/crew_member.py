"""A replica of E and C in one process of a crew; `crew` says how they go together."""

import time

import numpy as np

from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.text.vocabulary import Vocabulary
from embeddings.word2vec.changes import changes_between, divided
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.crew import AllChanges, Matrices, Piece, Trained, follow, frequent_rows
from embeddings.word2vec.training_run import TrainingRun


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
        self._frequent = {name: frequent_rows(updates) for name, updates in self._run.expected_updates().items()}
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
        self._unpublished: dict[int, AllChanges] = {}  # by worker: rare rows that it has changed in this cycle

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
        own = self._unpublished.pop(piece.worker, {})
        if not piece.begins:
            follow(self._matrices, own)
        loss, examples = self._run.train_blocks(piece.epoch, piece.blocks)
        seconds = time.monotonic() - started
        changes = {
            name: changes_between(self._base[name], matrix, self._dimension) for name, matrix in self._matrices.items()
        }
        for name, changed in changes.items():
            self._matrices[name][changed.rows] = self._base[name][changed.rows]
        if not piece.ends:
            changes = self._published(piece.worker, changes)
        return Trained(changes, loss, examples, seconds)

    def _published(self, worker: int, changes: AllChanges) -> AllChanges:
        """Return the changes of frequent rows, and keep those of rare ones."""
        both = {name: divided(changed, self._frequent[name]) for name, changed in changes.items()}
        self._unpublished[worker] = {name: rare for name, (_, rare) in both.items()}
        return {name: frequent for name, (frequent, _) in both.items()}

    def follow(self, changes: AllChanges) -> None:
        """Move the rows that a round has changed.

        Parameters
        ----------
        changes : dict of str to Changes
        """
        follow(self._base, changes)
        follow(self._matrices, changes)
