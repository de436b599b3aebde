"""Progress of a stage: a bar on a terminal, otherwise a log line every ten seconds."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from pipelines.console.interruption import raise_if_interrupted
from pipelines.console.logs import shows_progress_bars
from pipelines.console.streams import messages
from vecmill.visible import visible

logger = logging.getLogger(__name__)


class Update(Protocol):
    """The function that a stage calls to report its progress."""

    def __call__(self, done: int, note: str = "", seconds_left: float | None = None, total: int | None = None) -> None:
        """Show the progress of the task.

        Parameters
        ----------
        done : int
            Completed part of the total.
        note : str
            Further text: speed, loss, learning rate.
        seconds_left : float, optional
            Estimated remaining time, infinite while there is no estimate. Default: extrapolated from the time so far.
        total : int, optional
            Total of the task, if it was not known before.
        """
        ...


class Progress(Protocol):
    """Shows the progress of tasks."""

    def task(self, title: str, total: int | None) -> AbstractContextManager[Update]:
        """Return the context of a task of size `total` (None if unknown)."""
        ...


class TerminalProgress:
    """Shows a bar, which disappears when its task has ended; log lines appear above it."""

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Update]:
        """Show a bar while the context lasts."""
        from rich import progress as rich

        columns = (
            rich.SpinnerColumn(),
            rich.TextColumn("{task.description}", markup=False),
            rich.BarColumn(),
            rich.TaskProgressColumn(),
        )
        text = rich.TextColumn("{task.fields[text]}", markup=False)
        with rich.Progress(*columns, text, console=messages, transient=True) as bar:
            row = bar.add_task(visible(title), total=total, text="")
            describe = _Description(total)

            def update(done: int, note: str = "", seconds_left: float | None = None, total: int | None = None) -> None:
                raise_if_interrupted()
                words = describe(done, note, seconds_left, total)
                bar.update(row, completed=done, total=describe.total, text=words)

            yield update


class LogProgress:
    """Logs a line every `interval` seconds."""

    def __init__(self, interval: float = 10.0) -> None:
        self._interval = interval

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Update]:
        """Log while the context lasts."""
        last = time.monotonic()
        describe = _Description(total)

        def update(done: int, note: str = "", seconds_left: float | None = None, total: int | None = None) -> None:
            nonlocal last
            raise_if_interrupted()
            now = time.monotonic()
            if now - last >= self._interval:
                last = now
                words = describe(done, note, seconds_left, total)
                share = f"{100 * done / describe.total:.0f} %" if describe.total else ""
                numbers = {"task": title, "done": done, "total": describe.total}  # for logs in JSON
                logger.info("%s: %s", title, ", ".join(filter(None, [share, words])), extra=numbers)

        yield update


class _Description:
    """Formats the progress of a task."""

    def __init__(self, total: int | None) -> None:
        self.total = total
        self._started = time.monotonic()

    def __call__(self, done: int, note: str, seconds_left: float | None, total: int | None) -> str:
        self.total = total or self.total
        elapsed = time.monotonic() - self._started
        if seconds_left is None and self.total and done and elapsed > 1:
            seconds_left = elapsed * max(self.total - done, 0) / done
        left = "" if seconds_left is None or math.isinf(seconds_left) else f"{duration(seconds_left)} left"
        return ", ".join(filter(None, [note, left]))


def make_progress() -> Progress:
    """Return a progress bar if stderr is a terminal, else log lines."""
    return TerminalProgress() if shows_progress_bars() else LogProgress()


def duration(seconds: float) -> str:
    """Return ``"45 s"``, ``"3 min 05 s"`` or ``"2 h 10 min"``."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def memory(size: int | None) -> str:
    """Return a number of bytes in MiB; "unknown" for 0 or None, which stand for a system that does not say."""
    return f"{size / 2**20:,.0f} MiB" if size else "unknown"


def count(number: float) -> str:
    """Return a number with three digits and a unit: ``"812"``, ``"3.46 k"``, ``"16.7 M"``, ``"1.20 G"``."""
    for unit in ("", " k", " M"):
        if number < 999.5:
            return f"{number:.{_decimals(number)}f}{unit}" if unit else f"{number:.0f}"
        number /= 1000
    return f"{number:.{_decimals(number)}f} G"


def _decimals(number: float) -> int:
    return 2 if number < 9.995 else 1 if number < 99.95 else 0
