"""The backend of this machine: tasks and workers take turns in this process, whose threads they have."""

from collections.abc import Callable, Sequence
from pathlib import Path

from typing import TYPE_CHECKING

from embeddings.executor import InProcess

if TYPE_CHECKING:
    from embeddings.word2vec.crew import Crew, Matrices, MemberLike, Outcome, Piece


class LocalBackend(InProcess):
    """Runs everything in this process.

    Parameters
    ----------
    workers : int, optional
        Train in rounds of so many workers, one after the other: the result is that of a cluster with as many. Default:
        train without rounds.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers

    def begin(self, directory: Path) -> None:
        """Do nothing: this process sees its files."""

    def crew(self) -> "Crew":
        """Return the workers of one training."""
        return LocalCrew(self.workers or 1)


LOCAL = LocalBackend()


class LocalCrew:
    """One replica that trains the pieces of a round one after the other.

    Parameters
    ----------
    workers : int
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._member: "MemberLike | None" = None

    def begin(self, make: "Callable[[Matrices], MemberLike]", matrices: "Callable[[], Matrices]") -> None:
        """Set how the replica is made, which the first round does."""
        self._make, self._matrices = make, matrices

    def round(self, pieces: "Sequence[Piece]") -> "Outcome":
        """Train the pieces."""
        from embeddings.word2vec.changes import added_up
        from embeddings.word2vec.crew import Outcome, add_changes

        member = self._member = self._member or self._make(self._matrices())
        trained = [member.train(piece) for piece in pieces]
        changes = added_up([one.changes for one in trained], add_changes)
        member.follow(changes, len(pieces))
        return Outcome(changes, [(one.loss, one.examples, one.seconds) for one in trained], 1, 0)
