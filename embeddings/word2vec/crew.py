"""Training by a crew: workers in other processes or on other machines, which train the same E and C in rounds.

The blocks of the corpus are dealt to W workers, a contiguous stretch of the text each. In a round every worker trains
its next blocks, its *piece*, from the same E and C. What the pieces changed is added up, by each process a part of the
rows, and every replica follows as far as changes may be added up (`changes.share_of_sums`).

Rows of frequent words are exchanged in every round, those of rare ones, which are most of the bytes, in the last round
of a *cycle* of n rounds: until then every worker goes on from its own. A cycle is a function of E and C, the epoch and
its blocks, so that any processes can train it, and train it again if one was lost: the result is the same for the same
number of workers, however many processes there are and whatever becomes of them.

`WorkerRounds` is the side of the process that leads, `crew_member.Member` that of the processes that train. How they
reach each other is the matter of a `Crew`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np

from embeddings.block_queue import Work
from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.word2vec import changes as of_rows
from embeddings.word2vec import kernel_arguments as kernels
from embeddings.word2vec.blocks import BLOCK_TOKENS, BlockTable
from vecmill.plurals import counted

ROUNDS = 800
"""Rounds of an epoch: with 400 of them 8 workers learn less from 100 MB, 16 million words."""
CYCLE = 4
"""Rounds of a cycle by default, measured by the quality of the vectors."""
FREQUENT_SHARE = 0.1
"""Share of the rows of a matrix that are exchanged in every round: those that are trained most often."""
_ROUNDS_OF_A_SHORT_TEXT = 400  # as good there, in half the time
_ROUND_WORDS = 15_000  # of all workers: a text that is not short has rounds of so many, or more
_FEWEST_BLOCK_TOKENS = 50
_WORDS_ALONE = 100_000

Matrices = Mapping[str, np.ndarray]
"""Everything that is trained, by name."""
AllChanges = dict[str, Any]
"""The changes of each matrix, `PackedRows` or `Changes`."""


def follow(matrices: Matrices, changes: "AllChanges") -> None:
    """Move the rows of all matrices, in place."""
    for name, changed in changes.items():
        of_rows.follow(matrices[name], changed)


def cut(changes: AllChanges, bounds: Mapping[str, Sequence[int]]) -> list[AllChanges]:
    """Cut the changes of each matrix at some rows; return what belongs together."""
    parts = [of_rows.cut(changed, bounds[name]) for name, changed in changes.items()]
    return [dict(zip(changes, part, strict=True)) for part in zip(*parts, strict=True)]


class ProcessLost(Exception):
    """A process was lost with what it has not published; the cycle is trained again."""


class Piece(NamedTuple):
    """What one worker trains in one round.

    Attributes
    ----------
    epoch : int
    blocks : sequence of int
        Of the epoch, by their numbers.
    worker : int
    begins, ends : bool
        Whether the round is the first, and the last, of a cycle.
    """

    epoch: int
    blocks: Sequence[int]
    worker: int
    begins: bool
    ends: bool


class Settling(NamedTuple):
    """What decides how far rows move that several pieces have changed.

    Attributes
    ----------
    workers : int
        How many trained a piece.
    words : float
        That each of them trained in this round.
    of_cycle : float
        That each of them has trained since the cycle began, and with it the rows of rare words.
    rate : float
        The learning rate.
    """

    workers: int
    words: float
    of_cycle: float
    rate: float


class Trained(NamedTuple):
    """The result of a piece: its changes, the sum of losses, the number of examples and the seconds it took.

    The changes are cut into parts. `states` is what the next piece of the same worker begins with, if there is such a
    thing.
    """

    changes: list[AllChanges]
    loss: float
    examples: int
    seconds: float
    states: Any = None


class Outcome(NamedTuple):
    """The result of a round.

    Attributes
    ----------
    changes : list of dict
        Of all pieces, combined: part by part.
    measured : list of Trained
        Of each piece, without its changes.
    processes : int
        How many processes trained.
    exchanged : int
        Bytes that were sent.
    """

    changes: list[AllChanges]
    measured: list[Trained]
    processes: int
    exchanged: int


class MemberLike(Protocol):
    """What a crew calls in each process; `crew_member.Member` is one."""

    def train(self, piece: Any, parts: int) -> Trained:
        """Train a piece from the matrices as they are, and leave them so; cut its changes into parts."""
        ...

    def combine(self, changes: Sequence[AllChanges], settling: Any) -> AllChanges:
        """Return the same part of the changes of all pieces, added up, and as far as rows follow them."""
        ...

    def follow(self, changes: AllChanges) -> None:
        """Move the rows that a round has changed."""
        ...

    def reset(self, matrices: Matrices) -> None:
        """Begin again from these matrices."""
        ...


class Crew(Protocol):
    """Processes with a replica of E and C each; `pipelines.backends` has them."""

    @property
    def workers(self) -> int:
        """Number of pieces in a round."""
        ...

    @property
    def cycle(self) -> int:
        """Rounds after which rows of rare words are exchanged; more mean fewer bytes."""
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

    def round(
        self, pieces: Sequence[Any], settling: Settling | None = None, size: int | None = None, *, goes_on: bool = False
    ) -> Outcome:
        """Train the pieces, replacing lost processes, and add up their changes.

        Parameters
        ----------
        pieces : sequence
        settling : Settling, optional
            Have every member follow what has been settled before its next piece. By default they follow nothing.
        size : int, optional
            How many bytes a piece changes at most, which decides among how many processes the rows are divided.
        goes_on : bool
            Whether the workers begin with what the round before has left them; as many pieces as then.

        Returns
        -------
        Outcome

        Raises
        ------
        ProcessLost
            A process was lost with what a round before has left it; the next round begins from the matrices.
        """
        ...

    def follow(self, changes: AllChanges) -> int:
        """Have every member follow before its next piece; return the bytes that are sent."""
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


def piece_tokens(corpus: EncodedCorpus, workers: int) -> int | None:
    """Return the tokens of the blocks of a text, so that a piece is at least one block; None for the usual blocks."""
    most = corpus.token_count // (workers * _rounds_of_an_epoch(corpus.token_count))
    return None if workers == 1 or most > BLOCK_TOKENS else max(_FEWEST_BLOCK_TOKENS, most)


def _blocks_of_a_piece(blocks: BlockTable, workers: int) -> int:
    """Return how many blocks a worker trains in a round.

    One worker has nobody to exchange with; it trains at least `_WORDS_ALONE` in a round.
    """
    tokens = int(blocks.tokens.sum())
    alone = _WORDS_ALONE * len(blocks) // max(1, tokens) if workers == 1 else 1
    return max(1, alone, len(blocks) // (workers * _rounds_of_an_epoch(tokens)))


def _rounds_of_an_epoch(tokens: int) -> int:
    return min(ROUNDS, max(_ROUNDS_OF_A_SHORT_TEXT, tokens // _ROUND_WORDS))


def frequent_rows(updates: np.ndarray) -> np.ndarray:
    """Return which rows of a matrix are exchanged in every round.

    Parameters
    ----------
    updates : (rows,) float64
        How often each row is expected to be trained.

    Returns
    -------
    (rows,) bool
        True for a share of `FREQUENT_SHARE`, and for more if several are trained as often.
    """
    least = np.quantile(updates, 1 - FREQUENT_SHARE, method="higher")
    return np.asarray(updates >= least)


def size_of(changes: AllChanges) -> int:
    """Return the bytes of the changes of all matrices."""
    return sum(map(of_rows.size_of, changes.values()))


def _rounds(numbers: range, ahead: int) -> list[range]:
    """Cut the blocks of a cycle into rounds of so many; the last one has the rest as well."""
    rounds = max(1, len(numbers) // ahead)
    ends = [*(numbers.start + ahead * turn for turn in range(rounds)), numbers.stop]
    return [range(*pair) for pair in pairwise(ends)]


class WorkerRounds:
    """Leads a crew: hands out the pieces of every round and applies what comes back.

    Parameters
    ----------
    crew : Crew
    matrices : mapping of str to ndarray
        Everything that is trained; changed in place.
    updates : mapping of str to (rows,) float64
        How often each row is expected to be trained for each token of the text.

    Attributes
    ----------
    threads : int
        1: the thread that leads.
    """

    threads = 1

    def __init__(self, crew: Crew, matrices: Matrices, updates: Mapping[str, np.ndarray]) -> None:
        self._crew, self._matrices = crew, matrices
        self._frequent = {name: frequent_rows(expected) for name, expected in updates.items()}
        self._bytes_of_all = sum(matrix.size for matrix in matrices.values())
        self._bytes_of_frequent = sum(matrices[name][rows].size for name, rows in self._frequent.items())
        self._forget()

    def _forget(self) -> None:
        self._rounds = self._exchanged = self._processes = self._words = 0
        self._busy, self._elapsed = 0.0, 0.0

    def compile(self, step: kernels.Step) -> None:
        """Do nothing: every process compiles its own kernels."""

    def start(self, work: Work, blocks: BlockTable, step: Callable[[int], kernels.Step]) -> Callable[[], None]:
        """Return the function that leads rounds until no block is left."""
        ahead = self._crew.workers * _blocks_of_a_piece(blocks, self._crew.workers)

        def run() -> None:
            while numbers := work.ahead(ahead * self._crew.cycle):
                if work.blocks - numbers.stop < ahead:  # the last round takes what would not fill another
                    numbers = range(numbers.start, work.blocks)
                for trained, tokens in self._train_cycle(_rounds(numbers, ahead), blocks.tokens, step):
                    work.add(trained.loss, trained.examples, tokens)
                work.hand_out(len(numbers))

        return run

    def _train_cycle(
        self, rounds: Sequence[range], tokens: np.ndarray, step: Callable[[int], kernels.Step]
    ) -> list[tuple[Trained, int]]:
        """Train the rounds of a cycle, again if a process is lost; return what was measured, and the words, by piece.

        An error leaves E and C as they were before the cycle.
        """
        before = {name: self._matrices[name][frequent] for name, frequent in self._frequent.items()}
        while True:
            try:
                return self._try_cycle(rounds, tokens, step)
            except BaseException as error:
                for name, rows in before.items():
                    self._matrices[name][self._frequent[name]] = rows
                if not isinstance(error, ProcessLost):
                    raise

    def _try_cycle(
        self, rounds: Sequence[range], tokens: np.ndarray, step: Callable[[int], kernels.Step]
    ) -> list[tuple[Trained, int]]:
        measured: list[tuple[Trained, int]] = []
        trained_words = 0.0  # of each worker in this cycle
        for turn, numbers in enumerate(rounds):
            started, ends = time.monotonic(), turn == len(rounds) - 1
            pieces = self._pieces(numbers, turn == 0, ends)
            words = [int(tokens[np.asarray(piece.blocks)].sum()) for piece in pieces]
            each = sum(words) / len(words)
            trained_words += each
            settling = Settling(len(words), each, trained_words, step(numbers[0]).learning_rate)
            size = self._bytes_of_all if ends else self._bytes_of_frequent
            outcome = self._crew.round(pieces, settling, size, goes_on=turn > 0)
            for part in outcome.changes:
                follow(self._matrices, part)
            measured += zip(outcome.measured, words, strict=True)
            self._record(outcome, sum(words), time.monotonic() - started)
        return measured

    def _pieces(self, numbers: range, begins: bool, ends: bool) -> list[Piece]:
        dealt = [numbers[worker :: self._crew.workers] for worker in range(self._crew.workers)]
        return [Piece(self._epoch, own, worker, begins, ends) for worker, own in enumerate(dealt) if own]

    def begin_epoch(self, epoch: int) -> None:
        """Set the epoch of the next rounds, and forget what `costs` has of the one before."""
        self._epoch = epoch
        self._forget()

    def _record(self, outcome: Outcome, words: int, seconds: float) -> None:
        self._rounds += 1
        self._processes = outcome.processes
        self._exchanged += outcome.exchanged
        self._words += words
        self._busy += sum(trained.seconds for trained in outcome.measured) / outcome.processes
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
        workers = counted(self._crew.workers, "worker")
        if not self._rounds:
            return workers
        each = self._words / self._busy / self._processes if self._busy else 0.0
        waiting = 100 * self.costs()["exchange_share"]
        return (
            f"{workers} in {self._processes} process{'' if self._processes == 1 else 'es'} "
            f"at {each / 1000:,.0f} k words/s each, "
            f"{waiting:.0f} % waiting and exchanging, {self._exchanged / self._rounds / 1e6:.1f} MB a round"
        )
