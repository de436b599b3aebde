"""Messages of the command line: on stderr, and in a log file if one is given; as text or JSON."""

import dataclasses
import logging
import os
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.console.streams import DATE, LogFormat, MessageHandler, json_formatter, messages
from vecmill.errors import unwritable
from vecmill.storage import require_local

_PACKAGES = ("vecmill", "corpora", "embeddings", "pipelines")
_LOG_LINE = re.compile(rb'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]+ |\{"time": ')


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """What is logged, where and how.

    Attributes
    ----------
    log_format : {"text", "json", "auto"}, optional
        "auto" is JSON unless stderr is a terminal. Default: text.
    quiet : bool
        Write warnings and errors only to stderr; show no progress. The log file is complete.
    verbose : bool
        Log details too.
    debug : bool
        Log details and the traceback of an error.
    log_file : Path, optional
        File to which the log is also written, with date and level.
    """

    log_format: LogFormat | None = None
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    log_file: Path | None = None


class LogFile(logging.FileHandler):
    """Appends log records to a file; a file that cannot be written any more is given up with a warning.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    is_new : bool
        Whether there was no such file.
    """

    def __init__(self, path: Path) -> None:
        self.is_new = not os.path.lexists(path)
        super().__init__(path, encoding="utf-8", errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name in logging
        """Warn once, on stderr, and write no more."""
        self.setLevel(logging.CRITICAL + 1)
        messages.print(f"the log file {self.baseFilename} cannot be written: {sys.exc_info()[1]}", style="yellow")


_handler = MessageHandler()
_file: LogFile | None = None
_settings = LogSettings()


def log_settings() -> LogSettings:
    """Return the present settings."""
    return _settings


def configure_logging(**changes: Any) -> None:
    """Change some settings of the log of vecmill's own modules.

    Parameters
    ----------
    **changes : Any
        Attributes of `LogSettings`.

    Raises
    ------
    OutputError
        The log file cannot be written.
    """
    global _settings
    _settings = dataclasses.replace(_settings, **changes)
    _handler.write_as(_settings.log_format or "text")
    _handler.setLevel(logging.WARNING if _settings.quiet else logging.DEBUG)
    _open_log_file(_settings.log_file)
    for package in _PACKAGES:
        logger = logging.getLogger(package)
        logger.setLevel(logging.DEBUG if _settings.verbose or _settings.debug else logging.INFO)
        logger.addHandler(_handler)  # a logger holds a handler only once
        if _file:
            logger.addHandler(_file)


def _open_log_file(path: Path | None) -> None:
    """Close the log file, if there is one, and open the one at `path`."""
    global _file
    if _file is not None:
        for package in _PACKAGES:
            logging.getLogger(package).removeHandler(_file)
        with suppress(OSError):  # on a full disk, of which a warning told
            _file.close()
        _file = None
    if path is None:
        return
    require_local("--log-file", path, "copy the log there")
    try:
        _file = LogFile(path)
    except OSError as error:
        raise unwritable(f"the log file {path}", error) from None
    as_text = logging.Formatter("%(asctime)s %(levelname)s %(message)s", DATE)
    _file.setFormatter(json_formatter() if _settings.log_format == "json" else as_text)


def log_file_among(paths: Iterable[str | Path]) -> Path | None:
    """Return the log file if it is one of the files that a command is given, and close it; None if it is none of them.

    Nothing is written to such a file: the log would be appended to a text, settings or vectors.

    Parameters
    ----------
    paths : iterable of str or Path
        Files and directories that the command reads or writes; others are passed over.

    Returns
    -------
    Path or None
    """
    path = _settings.log_file
    if _file is None or path is None or not (_is_stdin(path) or any(_holds(Path(other), path) for other in paths)):
        return None
    is_new = _file.is_new
    configure_logging(log_file=None)
    if is_new:
        path.unlink(missing_ok=True)
    return path


def _holds(other: Path, log: Path) -> bool:
    """Tell whether the log file is another file, or is in a directory and was there before, and not as a log."""
    try:
        if not other.is_dir():
            return log.is_file() and log.samefile(other)
        if not log.is_file() or not log.resolve().is_relative_to(other.resolve()):
            return False
        with log.open("rb") as file:
            beginning = file.read(64)
    except (OSError, ValueError):  # no such file, or a name that no file can have
        return False
    return bool(beginning) and not _LOG_LINE.match(beginning)


def _is_stdin(log: Path) -> bool:
    try:
        return log.is_file() and os.path.samestat(os.fstat(0), log.stat())
    except OSError:
        return False


def shows_progress_bars() -> bool:
    """Return whether stderr is a terminal, logs are text and progress is wanted."""
    return messages.is_terminal and not _handler.as_json and not _settings.quiet
