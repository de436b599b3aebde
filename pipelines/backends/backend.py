"""The interface of backends, and their names."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from embeddings.executor import Executor
from vecmill.errors import VecmillError

if TYPE_CHECKING:
    from embeddings.word2vec.crew import Crew

BACKENDS = ("local", "ray")


class BackendError(VecmillError):
    """A cluster that cannot be reached, or whose machines cannot do the work."""


class Backend(Executor, Protocol):
    """An executor of tasks, and the workers of a training."""

    @property
    def workers(self) -> int | None:
        """Number of workers that train in rounds; None to train in this process without rounds."""
        ...

    def begin(self, directory: Path) -> None:
        """Check, before the first stage, that every machine sees the directory of the stages."""
        ...

    def crew(self) -> "Crew":
        """Return the workers of one training; `workers` is a number."""
        ...
