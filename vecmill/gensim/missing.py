"""Paths at which nothing is: an error that ``except FileNotFoundError`` of code written for gensim catches."""

from pathlib import Path
from typing import Any

from vecmill.arguments import require_path
from vecmill.errors import VecmillError
from vecmill.storage import is_url


class NothingThereError(VecmillError, FileNotFoundError):
    """There is no file or directory at a path that is to be read."""


def require_there(name: str, path: Any, expected: str) -> None:
    """Raise an error unless a file or directory is at a path.

    Parameters
    ----------
    name : str
        Of the argument.
    path : path
    expected : str
        What should be there, such as "a text file".

    Raises
    ------
    NothingThereError
        There is nothing. (Also a FileNotFoundError.)
    TypeError, ValueError
        It is no path of this machine.
    """
    require_path(name, path)
    if not Path(path).exists():
        raise NothingThereError(f"there is no {path}; expected {expected}")


def require_text(name: str, source: Any) -> None:
    """Raise a NothingThereError unless a text file is at a path; what is at a URL shows when it is read."""
    if not is_url(source):
        require_there(name, source, "a text file")
