"""The progress of a training as one line of text, in a terminal or a notebook."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from embeddings.training import ProgressCallback, TrainingProgress
from vecmill.arguments import described

_SECONDS = 0.1  # between two updates


@contextmanager
def reporting(progress: ProgressCallback | bool | None) -> Iterator[ProgressCallback | None]:
    """Return the function that is told the progress; True stands for a line on stderr.

    Parameters
    ----------
    progress : callable or bool, optional

    Yields
    ------
    callable or None

    Raises
    ------
    TypeError
        `progress` is something else.
    """
    if progress is True:
        line = ProgressLine()
        try:
            yield line
        finally:
            line.end()
    elif progress is None or progress is False:
        yield None
    elif callable(progress):
        yield progress
    else:
        raise TypeError(f"progress is {described(progress)}; expected True, or a function of a TrainingProgress")


class ProgressLine:
    """Shows epoch, speed, losses and remaining time, each time in the place of the text before.

    Parameters
    ----------
    write : callable, optional
        Takes a str. Default: writes to stderr.
    clock : callable
        Returns seconds.
    """

    def __init__(
        self, write: Callable[[str], object] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write, self._clock = write or _to_stderr, clock
        self._held_out, self._width, self._shown_at = "", 0, float("-inf")

    def __call__(self, event: TrainingProgress) -> None:
        """Show an event; between epochs, only some a second."""
        if event.epoch_metrics is not None:
            self._held_out = _held_out(event)
        elif self._clock() - self._shown_at < _SECONDS:
            return
        self._shown_at = self._clock()
        text = self._text(event)
        self._write(f"\r{text.ljust(self._width)}")
        self._width = len(text)

    def end(self) -> None:
        """End the line, if there is one."""
        if self._width:
            self._write("\n")

    def _text(self, event: TrainingProgress) -> str:
        parts = [f"epoch {event.epoch} of {event.epochs}", f"{event.done / max(event.total, 1):.0%}"]
        if event.speed:
            parts.append(f"{event.speed:,.0f} {event.unit}/s")
        if event.loss == event.loss:  # measured, not NaN
            parts.append(f"loss {event.loss:.3f}")
        if self._held_out:
            parts.append(self._held_out)
        if 0 < event.seconds_left < float("inf"):
            parts.append(f"{timedelta(seconds=round(event.seconds_left))} left")
        return ", ".join(parts)


def _held_out(event: TrainingProgress) -> str:
    """Return the loss on text that was not trained on, after the epoch that has ended, or ""."""
    metrics = event.epoch_metrics or {}
    for key, label in (("held_out_loss", "held out"), ("valid_loss", "validation")):
        if metrics.get(key) is not None:
            return f"{label} {metrics[key]:.3f} after epoch {metrics['epoch']}"
    return ""


def _to_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
