"""A directory at a URL of any file system that fsspec knows: S3, GCS, SFTP ...; requests that fail are repeated."""

import logging
import os
import re
import time
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from vecmill.errors import VecmillError
from vecmill.extras import needs

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each repetition of a request that has failed."""

_MOST_SECONDS = 120.0  # since the first request; then it is not repeated any more
_URL = re.compile(r"([a-z][a-z0-9+.-]+):/+(?=[^/])")
_LOCAL = ("file", "local")
_PERMANENT = (
    FileNotFoundError,
    PermissionError,
    IsADirectoryError,
    ImportError,
    NotImplementedError,
    TypeError,
    ValueError,
    VecmillError,
)


class StorageError(VecmillError):
    """A storage that does not answer, or refuses."""


class UrlError(StorageError, ValueError):
    """A URL where only a path of this machine can be read or written."""


def is_url(path: str | PathLike[str]) -> bool:
    """Return whether a path is a URL, of this machine's files too.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    bool

    Examples
    --------
    >>> is_url("s3://bucket/runs"), is_url(Path("file:///data")), is_url("runs/mine")
    (True, True, False)
    """
    return _URL.match(Path(os.fsdecode(path)).as_posix()) is not None


def url_of(path: str | Path) -> str | None:
    """Return the URL that a path stands for, or None for a path of this machine; ``Path`` makes one slash of two.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    str or None

    Examples
    --------
    >>> url_of(Path("s3://bucket/runs"))
    's3://bucket/runs'
    >>> url_of("runs/mine")
    """
    text = Path(path).as_posix()
    found = _URL.match(text)
    return None if found is None or found[1] in _LOCAL else f"{found[1]}://{text[found.end() :]}"


def shown_url(path: str | PathLike[str]) -> str:
    """Return the URL that a path stands for as it was typed: ``Path`` has made one slash of several.

    Parameters
    ----------
    path : str or path
        See `is_url`.

    Returns
    -------
    str

    Examples
    --------
    >>> shown_url(Path("s3://bucket/runs")), shown_url(Path("file:///data"))
    ('s3://bucket/runs', 'file:///data')
    """
    scheme, _, rest = Path(os.fsdecode(path)).as_posix().partition(":/")
    return f"{scheme}://{'/' * (scheme in _LOCAL)}{rest}"


def require_local(name: str, path: str | PathLike[str], remedy: str = "copy it here first") -> None:
    """Raise an error for a URL, which would be read or written as a file or directory named ``s3:``.

    Parameters
    ----------
    name : str
        Of the argument; "" for none.
    path : str or path
    remedy : str

    Raises
    ------
    UrlError
    """
    if is_url(path):
        what = f"{name} is {shown_url(path)}, a URL" if name else f"{shown_url(path)} is a URL"
        raise UrlError(f"{what}; expected a path of this machine: {remedy}")


def local_path(path: Path) -> Path:
    """Return the path that a URL of this machine's files stands for (``file:///data``); any other path as it is."""
    found = _URL.match(path.as_posix())
    return Path("/", path.as_posix()[found.end() :]) if found and found[1] in _LOCAL else path


def repeated(request: Callable[[], Answer], what: str) -> Answer:
    """Make a request, and make it again while it fails in a way that may pass.

    Parameters
    ----------
    request : callable
    what : str
        What is asked for, in messages.

    Returns
    -------
    Answer
        That of the request.

    Raises
    ------
    Exception
        That of the last request; every file system raises errors of its own.
    """
    started = time.monotonic()
    for pause in PAUSES:
        try:
            return request()
        except _PERMANENT:
            raise
        except Exception as error:
            if time.monotonic() - started > _MOST_SECONDS or _is_about_credentials(error):
                raise
            logger.info("%s: %s; asking again", what, reason(error))
            time.sleep(pause)
    return request()


def reason(error: BaseException) -> str:
    """Return the message of an error in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


class Storage:
    """The files below a URL.

    Parameters
    ----------
    url : str

    Raises
    ------
    StorageError
        The protocol is unknown, or its package is missing.
    MissingExtraError
        fsspec is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        with needs("remote", url):
            import fsspec  # imported here: it is slow, and rarely needed

        try:
            self._system, self._root = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise StorageError(f"cannot use {self.url}: {reason(error)}") from error

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None if there is none."""
        try:
            content: bytes = self._ask(name, lambda: self._system.cat_file(self._path(name)))
        except FileNotFoundError:
            return None
        return content

    def fetch(self, name: str, path: Path) -> None:
        """Write a file to a path of this machine."""
        self._ask(name, lambda: self._system.get_file(self._path(name), str(path)))

    def send(self, path: Path, name: str) -> None:
        """Write a file of this machine to the storage."""
        self._ask(name, lambda: self._system.put_file(str(path), self._path(name)))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        try:
            self._ask(name, lambda: self._system.rm_file(self._path(name)))
        except FileNotFoundError:
            return

    def names(self) -> list[str]:
        """Return the names of all files, with "/" between folders, in order."""

        def find() -> list[str]:
            self._system.invalidate_cache()
            return [str(path) for path in self._system.find(self._root)]

        start = len(self._root.rstrip("/")) + 1
        try:
            return sorted(path[start:] for path in self._ask("", find))
        except FileNotFoundError:
            return []

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _ask(self, name: str, request: Callable[[], Any]) -> Any:
        what = f"{self.url}/{name}".rstrip("/")
        try:
            return repeated(request, what)
        except FileNotFoundError as error:
            if _is_without_bucket(error):
                raise StorageError(f"{what}: {reason(error)}; make the bucket first, or choose another URL") from error
            raise
        except VecmillError:
            raise
        except Exception as error:
            if isinstance(error, PermissionError) or _is_about_credentials(error):
                raise StorageError(f"{what}: access is refused ({reason(error)}); see the credentials") from error
            raise StorageError(
                f"{what} cannot be reached ({reason(error)}); repeat the command when the storage answers again"
            ) from error


def _is_about_credentials(error: Exception) -> bool:
    """Return whether a request failed because there are no credentials, or half of them; each library has its error."""
    return "Credentials" in type(error).__name__


def _is_without_bucket(error: FileNotFoundError) -> bool:
    return "bucket does not exist" in str(error).lower()
