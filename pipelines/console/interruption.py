"""Ctrl-C, SIGTERM, a closed terminal and SIGQUIT: a command stops cleanly and says how to resume."""

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

logger = logging.getLogger(__name__)

AGAIN = "repeat the command"
"""Advice where a command has none of its own."""

_NUMBERS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)]
_UNLESS_IGNORED = [getattr(signal, name) for name in ("SIGHUP", "SIGQUIT") if hasattr(signal, name)]  # nohup

_received: list["Interruption"] = []
_told: list[str] = []  # the advice of the line that says that the command was stopped


class Interruption(KeyboardInterrupt):
    """A signal was received that ends the command.

    Parameters
    ----------
    number : int
        Number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def exit_code(error: BaseException) -> int:
    """Return the exit code of a command that an interruption has ended, as shells have it."""
    return 128 + (error.number if isinstance(error, Interruption) else signal.SIGINT)


@contextmanager
def handled_signals() -> Iterator[None]:
    """Raise an `Interruption` in the main thread for a signal that ends the command.

    Signals that arrive while a first one is being handled are ignored: a checkpoint is written, temporary files are
    removed.
    """
    _told.clear()
    previous = {number: signal.signal(number, _interrupt) for number in _handled_numbers()}
    try:
        with _lost_ones_are_silent():
            yield
    finally:
        _received.clear()
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def process_signals() -> Iterator[None]:
    """Handle signals from the first import to the last line; afterwards they end the process without a traceback.

    A command handles signals itself. This context is for the moments before and after it.
    """
    numbers = _handled_numbers()
    for number in numbers:
        signal.signal(number, _interrupt)
    try:
        with _lost_ones_are_silent():
            yield
    except KeyboardInterrupt as error:
        if not _told:  # else a second signal came when the command had said all
            with suppress(OSError):
                sys.stderr.write(f"stopped; {AGAIN}\n")
        sys.exit(exit_code(error))
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _lost_ones_are_silent() -> Iterator[None]:
    """Let Python print no interruption that was raised in a finalizer: `raise_if_interrupted` raises it once more."""
    shown = sys.unraisablehook

    def show(lost: "sys.UnraisableHookArgs") -> None:
        if not isinstance(lost.exc_value, Interruption):
            shown(lost)

    sys.unraisablehook = show
    try:
        yield
    finally:
        sys.unraisablehook = shown


def _handled_numbers() -> list[int]:
    """Return the signals to handle: none outside the main thread, which alone can, nor those that nohup ignores."""
    if threading.current_thread() is not threading.main_thread():
        return []
    return [
        number for number in _NUMBERS if number not in _UNLESS_IGNORED or signal.getsignal(number) is not signal.SIG_IGN
    ]


def raise_if_interrupted() -> None:
    """Raise an interruption that was received but not raised, or lost, until now; stages call this regularly.

    A signal handler runs wherever the main thread happens to be. Python only prints an exception that is raised in a
    finalizer, and one that is raised while Numba compiles can leave LLVM's lock taken for ever.
    """
    if _received:
        raise _received[0]


@contextmanager
def interruptible(advice: str) -> Iterator[None]:
    """Turn an interruption inside the context into one line with advice and an exit code."""
    import typer

    try:
        yield
    except KeyboardInterrupt as error:
        logger.warning("stopped; %s", advice)
        _told.append(advice)
        raise typer.Exit(exit_code(error)) from None


def interrupted_by(error: BaseException) -> Interruption | None:
    """Return the interruption during whose handling an error was raised, as by a terminal that was closed."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, Interruption):
            return cause
        cause = cause.__context__
    return None


def _interrupt(number: int, frame: FrameType | None) -> None:
    if not _received:
        _received.append(Interruption(number))
    handled = sys.exception()
    lost = handled is None or interrupted_by(handled) is None
    if lost and not _is_compiling(frame):
        raise _received[0]


def _is_compiling(frame: FrameType | None) -> bool:
    while frame:
        if frame.f_globals.get("__name__", "").partition(".")[0] in ("numba", "llvmlite"):
            return True
        frame = frame.f_back
    return False
