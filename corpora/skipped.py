"""What readers pass over: records that they count, and files that hold no text for us."""

from collections.abc import Callable, Iterable
from typing import Any

from corpora.errors import CorpusError
from vecmill.hints import did_you_mean

Count = Callable[[str, str], None]
"""Called with what was passed over, and where."""


class UnusableFileError(CorpusError):
    """A file that holds no text for us; in a directory it is passed over and counted under ``kind``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def no_records(path: str, what: str, name: str, known: Iterable[Any], problem: str) -> UnusableFileError:
    """The error for a file in which no record has the field or column ``name``; lists those that are ``known``."""
    names = sorted(text if len(text) < 60 else f"{text[:60]}..." for text in map(str, known))
    listed = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "") or "none"
    message = (
        f"{path}: {problem} {what} {name!r}{did_you_mean(name, names)} ({what}s: {listed}); choose one with --{what}"
    )
    return UnusableFileError(f"file without {what} {name!r} skipped", message)
