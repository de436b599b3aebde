"""Who watches a training: snapshots of its vectors are kept, and shown while it runs."""

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from embeddings.text.vocabulary import Vocabulary
    from embeddings.training import TrainingProgress
    from embeddings.word2vec.snapshots import Snapshot

MOMENTS = 40
HISTORY_WORDS = 5000


class Watcher(Protocol):
    """Sees a training while it runs; the thread that trains calls it, so that it must return at once."""

    def begin(self, vocabulary: "Vocabulary") -> None:
        """See the words whose vectors are trained."""
        ...

    def progress(self, event: "TrainingProgress") -> None:
        """See the progress, several times a second."""
        ...

    def snapshot(self, snapshot: "Snapshot") -> None:
        """See the vectors of the most frequent words."""
        ...


class Watching(NamedTuple):
    """The history that a training keeps, and who sees it grow.

    Attributes
    ----------
    moments : int
        Largest number of snapshots.
    words : int
        Number of words, the most frequent ones.
    watcher : Watcher, optional
    """

    moments: int = MOMENTS
    words: int = HISTORY_WORDS
    watcher: Watcher | None = None
