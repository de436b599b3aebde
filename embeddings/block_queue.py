"""The queue of the blocks of an epoch, shared by the training threads."""

import threading
from typing import Any


class Work:
    """Queue of numbered blocks, with the sums of their losses, examples and tokens; one lock guards all access.

    Parameters
    ----------
    blocks : int
        Number of blocks.
    """

    def __init__(self, blocks: int) -> None:
        self._lock = threading.Lock()
        self._paused = False
        self.blocks, self.position = blocks, 0  # all blocks before `position` have been handed out
        self.loss, self.examples, self.tokens = 0.0, 0, 0

    @property
    def finished(self) -> bool:
        """True if every block has been handed out."""
        return self.position == self.blocks

    @property
    def mean_loss(self) -> float | None:
        """Mean loss per example in nats, or None if no loss was measured."""
        return self.loss / self.examples if self.examples else None

    def next(self) -> int | None:
        """Return the number of the next block, or None if no block is left or the queue is paused."""
        with self._lock:
            if self._paused or self.finished:
                return None
            self.position += 1
            return self.position - 1

    def ahead(self, number: int) -> range:
        """Return at most `number` next blocks without handing them out; none if the queue is paused."""
        with self._lock:
            return range(self.position, self.position if self._paused else min(self.position + number, self.blocks))

    def hand_out(self, number: int) -> None:
        """Mark the next `number` blocks as handed out."""
        with self._lock:
            self.position += number

    def add(self, loss: float, examples: int, tokens: int) -> None:
        """Add the results of a block, numbers of NumPy too: kernels that are not compiled return some."""
        with self._lock:
            self.loss += float(loss)
            self.examples += int(examples)
            self.tokens += int(tokens)

    def pause(self, paused: bool = True) -> None:
        """Stop handing out blocks; every thread finishes its current block."""
        with self._lock:
            self._paused = paused

    def so_far(self) -> tuple[float, int, int]:
        """Return a consistent snapshot of loss, examples and tokens."""
        with self._lock:
            return self.loss, self.examples, self.tokens

    def state(self) -> dict[str, Any]:
        """Return the state as JSON values; call it only while no thread works."""
        return {"position": self.position, "loss": self.loss, "examples": self.examples, "tokens": self.tokens}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore the result of `state`; raise a ValueError if it is that of fewer blocks."""
        self.position, self.loss = int(state["position"]), float(state["loss"])
        if not 0 <= self.position <= self.blocks:
            raise ValueError(f"block {self.position} of {self.blocks}")
        self.examples, self.tokens = int(state["examples"]), int(state["tokens"])
        if not 0 <= self.examples < 2**63:
            raise ValueError(f"{self.examples} examples")
