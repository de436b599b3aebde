"""Ctrl-C and SIGTERM: a command stops cleanly and says how to resume."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

logger = logging.getLogger(__name__)


class Terminated(KeyboardInterrupt):
    """SIGTERM was received: an interruption like Ctrl-C, sent by a job system."""


KIND = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}
EXIT_CODE = {KeyboardInterrupt: 130, Terminated: 143}

_received: list[type[KeyboardInterrupt]] = []


def raise_if_interrupted() -> None:
    """Raise an interruption that was received but not raised, or lost, until now; stages call this regularly.

    A signal handler runs wherever the main thread happens to be. Python only prints an exception that is raised in a
    finalizer, and one that is raised while Numba compiles can leave LLVM's lock taken for ever.
    """
    if _received:
        raise _received[0]


@contextmanager
def interruptible(advice: str) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM inside the context into one line with advice and the exit codes 130 and 143."""
    in_main_thread = threading.current_thread() is threading.main_thread()  # the only thread that can handle signals
    previous = {number: signal.signal(number, _interrupt) for number in KIND} if in_main_thread else {}
    try:
        yield
    except KeyboardInterrupt as error:
        logger.warning("stopped; %s", advice)
        raise typer.Exit(EXIT_CODE[type(error)]) from None
    finally:
        _received.clear()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    _received.append(KIND[signal.Signals(number)])
    if not _is_compiling(frame):
        raise _received[0]


def _is_compiling(frame: FrameType | None) -> bool:
    while frame:
        if frame.f_globals.get("__name__", "").partition(".")[0] in ("numba", "llvmlite"):
            return True
        frame = frame.f_back
    return False
