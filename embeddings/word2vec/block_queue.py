"""The blocks of an epoch, shared by the threads that train them."""

import threading
from typing import Any


class Work:
    """Blocks handed to threads one by one, and what came of them. All access is under one lock."""

    def __init__(self, blocks: int) -> None:
        self._lock = threading.Lock()
        self._paused = False
        self.blocks, self.position = blocks, 0  # all blocks before `position` were handed out
        self.loss, self.examples, self.tokens = 0.0, 0, 0

    @property
    def finished(self) -> bool:
        """Whether every block was handed out."""
        return self.position == self.blocks

    @property
    def mean_loss(self) -> float | None:
        """Loss of an example, in nats; None where none was measured."""
        return self.loss / self.examples if self.examples else None

    def next(self) -> int | None:
        """Return the next block, or None when there is none or work is paused."""
        with self._lock:
            if self._paused or self.finished:
                return None
            self.position += 1
            return self.position - 1

    def ahead(self, number: int) -> range:
        """Return the next blocks, at most `number`, without handing them out; none if work is paused."""
        with self._lock:
            return range(self.position, self.position if self._paused else min(self.position + number, self.blocks))

    def hand_out(self, number: int) -> None:
        """Count so many blocks as handed out."""
        with self._lock:
            self.position += number

    def add(self, loss: float, examples: int, tokens: int) -> None:
        """Add what came of a block."""
        with self._lock:
            self.loss += loss
            self.examples += examples
            self.tokens += tokens

    def pause(self, paused: bool = True) -> None:
        """Hand out no more blocks; every thread ends with the block that it has."""
        with self._lock:
            self._paused = paused

    def so_far(self) -> tuple[float, int, int]:
        """Return loss, examples and tokens, all of the same moment."""
        with self._lock:
            return self.loss, self.examples, self.tokens

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values; only while no thread works."""
        return {"position": self.position, "loss": self.loss, "examples": self.examples, "tokens": self.tokens}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self.position, self.loss = int(state["position"]), float(state["loss"])
        self.examples, self.tokens = int(state["examples"]), int(state["tokens"])
