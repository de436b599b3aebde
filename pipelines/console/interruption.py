"""Signals that end a command, Ctrl-C and SIGTERM among them: it stops cleanly and says how to resume."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType

logger = logging.getLogger(__name__)

AGAIN = "repeat the command"
"""Advice where a command has none of its own."""
STOPS_WITH_PARENT = "VECMILL_STOPS_WITH_PARENT"
"""Environment variable of a process that is to stop when the one that started it is gone."""

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGXCPU")  # the last one: a limit on processor time (ulimit -t)
_NUMBERS = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
_UNLESS_IGNORED = [getattr(signal, name) for name in ("SIGHUP", "SIGQUIT") if hasattr(signal, name)]  # nohup

_SECONDS_KEPT_BACK = 0.2  # until a signal that came while Numba compiles is tried again

_received: list["Interruption"] = []
_told: list[str] = []  # the advice of the line that says that the command was stopped
_outputs: dict[Path, tuple[int, ...] | None] = {}  # what the command writes, and what was there before
_is_over = False  # whether the program has ended, and signals change nothing any more


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
        self.was_raised = False


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
    _outputs.clear()
    previous = {number: signal.signal(number, _interrupt) for number in _handled_numbers()}
    try:
        with _lost_ones_are_silent():
            yield
    finally:
        _try_no_more()
        _received.clear()
        for number, handler in previous.items():
            signal.signal(number, handler)


def run_interruptibly(run: Callable[[], object]) -> None:
    """Handle signals from the first import to the last line; afterwards they end the process without a traceback.

    A command handles signals itself. This function is for the moments before and after it. It is no context manager,
    whose own lines no context would cover.

    Parameters
    ----------
    run : callable
        The program.
    """
    global _is_over
    numbers = _handled_numbers()
    try:
        for number in numbers:
            signal.signal(number, _interrupt)
        with _lost_ones_are_silent():
            run()
    except KeyboardInterrupt as error:
        if not _told:  # else a second signal came when the command had said all
            with suppress(OSError):
                sys.stderr.write(f"stopped; {_advice(AGAIN)}\n")
        sys.exit(exit_code(error))
    finally:
        _is_over = True  # at once: Python looks for signals when it calls and returns
        _try_no_more()
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
        _is_over = False


def stop_with_parent() -> None:
    """Have this process stopped as by SIGTERM when the one that started it is gone, if that asked for it.

    It holds the other end of this process's standard input, which ends with it, killed or not.
    """
    if not os.environ.pop(STOPS_WITH_PARENT, ""):
        return

    def wait() -> None:
        os.read(0, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


@contextmanager
def _lost_ones_are_silent() -> Iterator[None]:
    """Let Python print no interruption that was raised in a finalizer: `raise_if_interrupted` raises it once more."""
    shown = sys.unraisablehook
    sys.unraisablehook = partial(_show_lost, shown)
    try:
        yield
    finally:
        sys.unraisablehook = shown


def _show_lost(show: Callable[["sys.UnraisableHookArgs"], object], lost: "sys.UnraisableHookArgs") -> None:
    """Show an error that Python could not raise, unless it is an interruption."""
    if isinstance(lost.exc_value, Interruption):
        lost.exc_value.was_raised = False
        _try_again_soon()
    else:
        show(lost)


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
        _received[0].was_raised = True
        raise _received[0]


def expect_output(path: Path) -> None:
    """Remember what is at a path that the command writes: an interruption after it was written says so.

    Parameters
    ----------
    path : Path
        A file or directory that appears as a whole.
    """
    _outputs[path] = _identity(path)


def _identity(path: Path) -> tuple[int, ...] | None:
    """Return what tells two files or directories of one name apart; None if there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # a name that no file can have
        return None
    return found.st_dev, found.st_ino


def _advice(otherwise: str) -> str:
    """Return what to say of an interrupted command: that all its outputs are complete, if they are."""
    written = [path for path, before in _outputs.items() if _identity(path) not in (None, before)]
    if not written or len(written) < len(_outputs):
        return otherwise
    return f"{' and '.join(map(str, written))} {'is' if len(written) == 1 else 'are'} complete"


def raise_if_untold() -> None:
    """Raise an interruption of which no line tells: Typer ends a command silently by one between its own steps."""
    if _received and not _told:
        raise _received[0]


@contextmanager
def interruptible(advice: str, *, unless_written: bool = True) -> Iterator[None]:
    """Turn an interruption inside the context into one line with advice and an exit code.

    Parameters
    ----------
    advice : str
    unless_written : bool
        An output that `expect_output` has named, and that is written by then, is named in the place of the advice.
    """
    import typer

    try:
        yield
    except KeyboardInterrupt as error:
        told = _advice(advice) if unless_written else advice
        logger.warning("stopped; %s", told)
        _told.append(told)
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
    if _is_over:
        return
    if not _received:
        _received.append(Interruption(number))
    handled = sys.exception()
    if handled is not None and interrupted_by(handled) is not None:
        return
    if _keeps_back(frame):
        _try_again_soon()
    else:
        raise_if_interrupted()


def _try_again_soon() -> None:
    """Let an alarm raise an interruption that is kept back or lost: not all commands call `raise_if_interrupted`."""
    if hasattr(signal, "setitimer"):  # an alarm, since a thread cannot be started wherever a signal comes
        signal.signal(signal.SIGALRM, _try_again)
        signal.setitimer(signal.ITIMER_REAL, _SECONDS_KEPT_BACK)


def _try_no_more() -> None:
    """Stop the alarm: after the last line of Python it would end the process as SIGALRM does."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def _try_again(number: int, frame: FrameType | None) -> None:
    if _received and not _received[0].was_raised:
        _interrupt(_received[0].number, frame)


def _keeps_back(frame: FrameType | None) -> bool:
    """Return whether a frame must raise no interruption: it compiles, or handles one that Python could not raise."""
    while frame:
        compiles = frame.f_globals.get("__name__", "").partition(".")[0] in ("numba", "llvmlite")
        if compiles or frame.f_code is _show_lost.__code__:
            return True
        frame = frame.f_back
    return False
