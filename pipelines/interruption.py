"""Ctrl-C and SIGTERM: stop cleanly and say how to go on."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from pipelines.console import messages


class Terminated(KeyboardInterrupt):
    """SIGTERM was received: an interruption like Ctrl-C, from a job system instead of a keyboard."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


@contextmanager
def interruptible(how_to_go_on: str) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM inside the context into one line and the exit codes 130 and 143."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    previous = signal.signal(signal.SIGTERM, _terminate) if in_main_thread else None
    try:
        yield
    except KeyboardInterrupt as error:
        messages.print(f"stopped; {how_to_go_on}")
        raise typer.Exit(143 if isinstance(error, Terminated) else 130) from None
    finally:
        if in_main_thread:
            signal.signal(signal.SIGTERM, previous)
