"""The streams of the command line: results on stdout; progress, logs and errors on stderr, as text or JSON."""

import io
import logging
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, Literal, TextIO, cast, get_args

from rich.console import Console
from rich.segment import Segment, Segments

from vecmill.visible import printable, visible

LogFormat = Literal["text", "json", "auto"]
LOG_FORMATS: tuple[str, ...] = get_args(LogFormat)
DATE = "%Y-%m-%d %H:%M:%S"


class VerbatimConsole(Console):
    """Prints text as it is, without markup, emoji codes and wrapping; on a terminal control characters are visible."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, soft_wrap=True, **options)

    def print(self, *objects: Any, sep: str = " ", end: str = "\n", **options: Any) -> None:
        """Print texts, and whatever else rich can print."""
        if objects and all(isinstance(item, str) for item in objects):
            text = sep.join(map(self.shown, objects)) + end
            super().print(Segments([Segment(text)]), **options)  # rich changes tabs of a str
        else:
            super().print(*objects, sep=sep, end=end, **options)

    def shown(self, text: str) -> str:
        """Return a text as this stream shows it: files and pipes get every character that can be written."""
        text = visible(text) if self.is_terminal else printable(text)
        encoding = getattr(self.file, "encoding", None) or "utf-8"
        return text.encode(encoding, "backslashreplace").decode(encoding)


class _Messages(VerbatimConsole):
    """Prints on stderr; if nobody reads them any more, messages go nowhere and the command goes on."""

    def on_broken_pipe(self) -> None:
        """Have further messages go nowhere; rich would end the process."""
        self.quiet = True
        with suppress(OSError, ValueError):
            _drop(self.file)


results = VerbatimConsole()
messages = _Messages(stderr=True)


@contextmanager
def whole_output() -> Iterator[None]:
    """Have all that the context prints on stdout written, or an error raised before the process ends.

    Without the context, Python flushes stdout when the exit code is settled, below PYTHONUNBUFFERED it ignores how
    much of a text a full disk took, and it prints nothing, without an error, on a stdout that is closed.

    Raises
    ------
    OSError
        The output cannot be written.
    """
    unbuffered = sys.stdout
    if unbuffered is None:
        sys.stdout = _no_stdout()
    elif isinstance(getattr(unbuffered, "buffer", None), io.RawIOBase):
        sys.stdout = _buffered(unbuffered)
    stdout = sys.stdout
    try:
        yield
        stdout.flush()
    except BaseException:
        _discard_unwritten(stdout)
        raise
    finally:
        if unbuffered and stdout is not unbuffered:
            cast(io.BufferedWriter, cast(io.TextIOWrapper, stdout).detach()).detach()
        sys.stdout = unbuffered


def _no_stdout() -> TextIO:
    """Return a stream in the place of none: one that takes nothing if stdout is closed, else one that drops all.

    It keeps the number of a closed stdout from files that are opened later.
    """
    flags = os.O_RDONLY if is_stdout_closed() else os.O_WRONLY  # contextlib.redirect_stdout(None)
    while not (number := os.open(os.devnull, flags)):
        pass  # stdin was closed, too: 0 is its number
    return os.fdopen(number, "w", encoding="utf-8")


def is_stdout_closed() -> bool:
    """Tell whether nothing can be printed: stdout was closed when the process began."""
    return sys.__stdout__ is None


def _buffered(stream: TextIO) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(cast(io.RawIOBase, stream.buffer))
    return io.TextIOWrapper(buffer, stream.encoding, stream.errors, line_buffering=True, write_through=True)


def _discard_unwritten(stream: TextIO) -> None:
    """Write what is left in the buffers of a stream; if that fails, have it go nowhere when the process ends."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            _drop(stream)


def _drop(stream: IO[str]) -> None:
    """Have a stream, and what is left in its buffers, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    stream.flush()


def program() -> str:
    """Return how the command line can be called: ``vecmill`` if it is on the PATH, else as it was called."""
    if shutil.which("vecmill"):
        return "vecmill"
    return "python -m vecmill" if sys.argv[0].endswith("__main__.py") else sys.argv[0]


def as_argument(name: object) -> str:
    """Return a name as an argument of a command: ./-a for -a, which would be read as an option."""
    return f"./{name}" if str(name).startswith("-") else str(name)


def shell(*names: object) -> str:
    """Return names as arguments in a shell: those with spaces, quotes and the like are quoted."""
    return shlex.join(map(as_argument, names))


class MessageHandler(logging.Handler):
    """Writes log records to stderr, above a progress bar if one is shown.

    As text, errors begin with "error: ", and other records with date and time unless stderr is a
    terminal. As JSON, each record is
    one line: an object with time (ISO 8601, UTC), level, logger, message, and the extra fields of the record.

    Attributes
    ----------
    as_json : bool
    """

    def __init__(self) -> None:
        super().__init__()
        self.write_as("text")

    def write_as(self, log_format: LogFormat) -> None:
        """Choose text or JSON; "auto" is JSON unless stderr is a terminal."""
        self.as_json = log_format == "json" or (log_format == "auto" and not messages.is_terminal)
        text = logging.Formatter("%(asctime)s %(message)s", DATE)
        self.setFormatter(json_formatter() if self.as_json else text)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a terminal that was closed, or a full disk under the log, stops no work."""
        with suppress(OSError):
            self._write(record)

    def _write(self, record: logging.LogRecord) -> None:
        if self.as_json:
            messages.file.write(f"{self.format(record)}\n")
            messages.file.flush()
        elif record.levelno >= logging.ERROR:
            messages.print(f"error: {visible(record.getMessage())}", style="red")
        else:
            text = record.getMessage() if messages.is_terminal and not record.exc_info else self.format(record)
            if not record.exc_info:  # names of files may hold line breaks
                text = " ".join(text.splitlines())
            messages.print(visible(text), style="yellow" if record.levelno >= logging.WARNING else "dim")


def json_formatter() -> logging.Formatter:
    """Return the formatter of log records as JSON."""
    from pythonjsonlogger.json import JsonFormatter

    return JsonFormatter(
        ["timestamp", "levelname", "name", "message"],
        rename_fields={"timestamp": "time", "levelname": "level", "name": "logger"},
        timestamp=True,
        json_ensure_ascii=False,
    )
