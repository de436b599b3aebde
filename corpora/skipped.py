"""Records and files that readers skip and count."""

import errno
from collections.abc import Callable, Iterable
from typing import Any

from corpora.errors import CorpusError
from vecmill.errors import TOO_MANY_OPEN
from vecmill.hints import did_you_mean

Count = Callable[[str, str], None]
"""Called with the kind and the place of everything skipped."""


LISTS = "join the words of a list with spaces, or give the column itself to vecmill.train in Python"
"""What to do with a column or field of lists."""


class UnusableFileError(CorpusError):
    """A file without usable text; in a directory it is skipped and counted under `kind`.

    Parameters
    ----------
    kind : str
        What the file is, for the count: "binary file".
    message : str
        Message of the error.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class DamagedFileError(UnusableFileError):
    """A file whose compression or encoding ends in the midst, or that cannot be read to its end.

    Parameters
    ----------
    message : str
        Message of the error.
    """

    def __init__(self, message: str) -> None:
        super().__init__("damaged file", message)


def raise_if_short_of_resources(path: str, error: Exception) -> None:
    """Raise an error for a file that this process has no room to read: another process could, so it is not skipped.

    Parameters
    ----------
    path : str
    error : Exception
        What reading the file, or listing the directory, has raised.

    Raises
    ------
    CorpusError
        Too many files are open.
    MemoryError, OSError
        `error` itself, if there is too little memory.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number in TOO_MANY_OPEN:
        raise CorpusError(f"cannot read {path}: too many open files; raise their limit (ulimit -n)") from error
    if isinstance(error, MemoryError) or number == errno.ENOMEM:
        raise error


def no_records(path: str, what: str, name: str, known: Iterable[Any], problem: str) -> UnusableFileError:
    """Return the error for a file in which no record has the field or column `name`; it lists the `known` names."""
    names = sorted(text if len(text) < 60 else f"{text[:60]}..." for text in map(str, known))
    listed = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "") or "none"
    message = (
        f"{path}: {problem} {what} {name!r}{did_you_mean(name, names)} ({what}s: {listed}); choose one with --{what}"
    )
    return UnusableFileError(f"file without {what} {name!r}", message)
