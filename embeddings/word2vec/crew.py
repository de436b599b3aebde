"""Training by a crew: workers in other processes or on other machines, which train the same E and C in rounds.

The blocks of the corpus are dealt to W workers, a contiguous stretch of the text each. In a round every worker trains
its next blocks, its *piece*, from the same E and C; the changes of all pieces are added up in a tree, and their mean is
applied to every replica, with momentum (`changes`). A piece is a function of E and C, the epoch and its blocks, so that
any process can train it, and train it again if another one was lost: the result is the same for the same number of
workers, however many processes there are and whatever becomes of them.

`WorkerRounds` is the side of the process that leads, `crew_member.Member` that of the processes that train. How they
reach each other is the matter of a `Crew`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from embeddings.block_queue import Work
from embeddings.word2vec import kernel_arguments as kernels
from embeddings.word2vec.blocks import BlockTable
from embeddings.word2vec.changes import Changes, added, apply_changes

ROUNDS_PER_WORKER = 6
"""Rounds of an epoch for each worker: momentum spreads a change over as many rounds as there are workers."""

Matrices = Mapping[str, np.ndarray]
"""Everything that is trained, by name, and the velocity of each, by `velocity_name`."""
AllChanges = dict[str, Changes]
"""The changes of each matrix."""


def velocity_name(name: str) -> str:
    """Return the name of the velocity of a matrix."""
    return f"{name}_velocity"


def with_velocities(matrices: Matrices) -> Matrices:
    """Return matrices and velocities, which are zero before the first round."""
    return {**matrices, **{velocity_name(name): np.zeros_like(matrix) for name, matrix in matrices.items()}}


def follow(matrices: Matrices, changes: "AllChanges", workers: int) -> None:
    """Apply the changes of a round to matrices and velocities, in place."""
    for name, changed in changes.items():
        apply_changes(matrices[name], matrices[velocity_name(name)], changed, workers)


class Piece(NamedTuple):
    """What one worker trains in one round: blocks of an epoch, by their numbers."""

    epoch: int
    blocks: Sequence[int]


class Trained(NamedTuple):
    """The result of a piece: its changes, the sum of losses, the number of examples and the seconds it took."""

    changes: AllChanges
    loss: float
    examples: int
    seconds: float


class Outcome(NamedTuple):
    """The result of a round.

    Attributes
    ----------
    changes : dict of str to Changes
        Of all pieces, added up.
    measured : list of tuple
        Sum of losses, number of examples and seconds of each piece.
    processes : int
        How many processes trained.
    exchanged : int
        Bytes that were sent.
    """

    changes: AllChanges
    measured: list[tuple[float, int, float]]
    processes: int
    exchanged: int


class MemberLike(Protocol):
    """What a crew calls in each process; `crew_member.Member` is one."""

    def train(self, piece: Piece) -> Trained:
        """Train a piece from E and C as they are, and leave them so."""
        ...

    def follow(self, changes: AllChanges) -> None:
        """Apply the changes of a round."""
        ...


class Crew(Protocol):
    """Processes with a replica of E and C each; `pipelines.backends` has them."""

    @property
    def workers(self) -> int:
        """Number of pieces in a round."""
        ...

    def begin(self, make: Callable[[Matrices], MemberLike], matrices: Callable[[], Matrices]) -> None:
        """Set how the processes are made, which start with the first round.

        Parameters
        ----------
        make : callable
            Makes the member of a process from the present matrices; it can be sent to another process.
        matrices : callable
            Returns the present matrices, for processes that join later too.
        """
        ...

    def round(self, pieces: Sequence[Piece]) -> Outcome:
        """Train the pieces, replacing lost processes; every member has then followed, or will before its next piece."""
        ...


def deal(blocks: BlockTable, workers: int) -> BlockTable:
    """Order blocks by turns: the next block of every worker, each of which has a stretch of the text.

    Parameters
    ----------
    blocks : BlockTable
    workers : int

    Returns
    -------
    BlockTable
        Block number i belongs to worker ``i % workers``.
    """
    stretches = np.array_split(np.arange(len(blocks)), workers)
    order = [stretch[turn] for turn in range(len(stretches[0])) for stretch in stretches if turn < len(stretch)]
    return blocks.select(np.array(order, np.int64))


def add_changes(first: AllChanges, second: AllChanges) -> AllChanges:
    """Return the changes of the pieces of both, matrix by matrix."""
    return {name: added(changes, second[name]) for name, changes in first.items()}


def size_of(changes: AllChanges) -> int:
    """Return the bytes of the changes of all matrices."""
    return sum(part.nbytes for part in changes.values())


class WorkerRounds:
    """Leads a crew: hands out the pieces of every round and applies what comes back.

    Parameters
    ----------
    crew : Crew
    matrices : mapping of str to ndarray
        Everything that is trained; changed in place.

    Attributes
    ----------
    threads : int
        1: the thread that leads.
    matrices : mapping of str to ndarray
        The same with the velocities.
    """

    threads = 1

    def __init__(self, crew: Crew, matrices: Matrices) -> None:
        self._crew, self.matrices = crew, with_velocities(matrices)
        self._forget()

    def _forget(self) -> None:
        self._rounds = self._exchanged = self._processes = self._words = 0
        self._busy, self._elapsed = 0.0, 0.0

    def compile(self, step: kernels.Step) -> None:
        """Do nothing: every process compiles its own kernels."""

    def start(self, work: Work, blocks: BlockTable, step: Callable[[int], kernels.Step]) -> Callable[[], None]:
        """Return the function that leads rounds until no block is left."""
        workers, tokens = self._crew.workers, blocks.tokens
        ahead = workers * max(1, len(blocks) // (workers * ROUNDS_PER_WORKER * workers))

        def run() -> None:
            while numbers := work.ahead(ahead):
                dealt = [numbers[worker::workers] for worker in range(workers)]
                pieces = [Piece(self._epoch, own) for own in dealt if own]
                started = time.monotonic()
                outcome = self._crew.round(pieces)
                follow(self.matrices, outcome.changes, workers)
                for piece, (loss, examples, _) in zip(pieces, outcome.measured, strict=True):
                    work.add(loss, examples, int(tokens[np.asarray(piece.blocks)].sum()))
                work.hand_out(len(numbers))
                self._record(outcome, int(tokens[np.asarray(numbers)].sum()), time.monotonic() - started)

        return run

    def begin_epoch(self, epoch: int) -> None:
        """Set the epoch of the next rounds, and forget what `costs` has of the one before."""
        self._epoch = epoch
        self._forget()

    def _record(self, outcome: Outcome, words: int, seconds: float) -> None:
        self._rounds += 1
        self._processes = outcome.processes
        self._exchanged += outcome.exchanged
        self._words += words
        self._busy += sum(trained for _, _, trained in outcome.measured) / outcome.processes
        self._elapsed += seconds

    def costs(self) -> dict[str, Any]:
        """Return the numbers of this epoch for its metrics: what was exchanged, and the time spent on that."""
        return {
            "workers": self._crew.workers,
            "processes": self._processes,
            "rounds": self._rounds,
            "exchanged_bytes": self._exchanged,
            "exchange_share": round(1 - min(1.0, self._busy / self._elapsed), 4) if self._elapsed else 0.0,
        }

    def note(self) -> str:
        """Return these numbers as a line for people."""
        if not self._rounds:
            return f"{self._crew.workers} workers"
        each = self._words / self._busy / self._processes if self._busy else 0.0
        waiting = 100 * self.costs()["exchange_share"]
        return (
            f"{self._crew.workers} workers in {self._processes} processes at {each / 1000:,.0f} k words/s each, "
            f"{waiting:.0f} % waiting and exchanging, {self._exchanged / self._rounds / 1e6:.1f} MB a round"
        )
