"""Download of a file over HTTP, with progress, resumption, a checksum and an atomic write."""

import hashlib
import logging
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from corpora.cache import cache_directory, locked, writing
from corpora.errors import CorpusError
from vecmill.files import file_digest, flush, read_json, write_json

if TYPE_CHECKING:
    import requests

logger = logging.getLogger(__name__)

Progress = Callable[[int, int | None], None]
"""Called with the bytes done and the total bytes, None if the server does not state them."""

ATTEMPTS = 4
"""Number of consecutive attempts without new bytes after which a download fails."""
TIMEOUT = (10, 30)
"""Seconds to wait for a connection, and for the next bytes."""
_CHUNK = 1 << 18
_TRY_AGAIN = {408, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Record:
    """Origin and checksum of a downloaded file, stored beside it as JSON.

    Attributes
    ----------
    url : str
    sha256 : str
        SHA-256 of the bytes that were downloaded.
    checked_by : str
        Source of the checksum with which they were compared; "" without one, so that ``sha256`` only states the result
        of the first download.
    size : int
        Bytes.
    downloaded : str
        Date and time, ISO 8601.
    """

    url: str
    sha256: str
    checked_by: str
    size: int
    downloaded: str

    @classmethod
    def of(cls, path: Path, url: str, checksum: "Checksum | None") -> "Record":
        """Return the record of a file downloaded from `url` that has passed `checksum`."""
        checked_by = f"{checksum.algorithm} from {checksum.source}" if checksum else ""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(url, file_digest(path), checked_by, path.stat().st_size, now)

    def write_first(self, path: Path) -> None:
        """Write to a JSON file, unless it has an earlier record."""
        if self.read(path) is None:
            write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> "Record | None":
        """Read from a JSON file; return None if it is missing or damaged."""
        try:
            return cls(**(read_json(path) or {}))
        except TypeError:
            return None


@dataclass(frozen=True)
class Checksum:
    """A checksum that a file must have.

    Attributes
    ----------
    algorithm : str
        "sha256" or "md5".
    value : str
        Hexadecimal digits.
    source : str
        Source of the checksum.
    """

    algorithm: str
    value: str
    source: str

    def check(self, path: Path, name: str) -> None:
        """Compare with a file.

        Parameters
        ----------
        path : Path
        name : str
            Name of the file in messages.

        Raises
        ------
        CorpusError
            The file has another checksum; the message states both.
        """
        actual = file_digest(path, self.algorithm)
        if actual != self.value.lower():
            raise CorpusError(
                f"{name}: its {self.algorithm} is {actual}, expected {self.value.lower()} (according to {self.source})"
            )


def fetch_url(url: str, progress: Progress | None = None) -> Path:
    """Download a file into the cache, once; record its SHA-256 beside it.

    Parameters
    ----------
    url : str
        An http or https address.
    progress : callable, optional
        See `Progress`.

    Returns
    -------
    Path
        The file in the cache, with the last part of the address as its name.

    Raises
    ------
    CorpusError
        The file cannot be downloaded or written.
    """
    name = re.sub(r"[^\w.+-]", "_", unquote(PurePosixPath(urlsplit(url).path).name)).lstrip(".")[-128:] or "download"
    folder = cache_directory() / "downloads" / hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    path = folder / name
    with locked(path):
        if path.exists():
            logger.info("%s is in the cache: %s", url, path)
        else:
            download(url, path, progress=progress).write_first(folder / ".record.json")
    return path


def download(url: str, path: Path, checksum: Checksum | None = None, progress: Progress | None = None) -> Record:
    """Download `url` to `path`.

    Received bytes are stored in a hidden sibling of `path`. After a broken connection, or at the next call, the
    download resumes from there, unless the file on the server has changed.

    Parameters
    ----------
    url : str
        An http or https address.
    path : Path
        Replaced if it exists.
    checksum : Checksum, optional
        Checksum that the file must have.
    progress : callable, optional
        See `Progress`.

    Returns
    -------
    Record

    Raises
    ------
    CorpusError
        The server refuses, the connection fails repeatedly, the checksum differs, or the disk is full.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise CorpusError(f"cannot download {url}: expected an http or https address")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = _Part(url, path)
    _transfer_all(part, checksum is not None, progress)
    if checksum:
        try:
            checksum.check(part.path, url)
        except CorpusError as error:
            part.remove()
            raise CorpusError(f"{error}; the file was removed: try again, or do not trust this address") from None
    record = Record.of(part.path, url, checksum)
    part.finish(path)
    return record


def _transfer_all(part: "_Part", will_be_checked: bool, progress: Progress | None) -> None:
    """Transfer until the file is complete; fail after `ATTEMPTS` consecutive attempts without new bytes."""
    failures, longest = 0, part.length
    while True:
        try:
            _transfer(part, will_be_checked, progress)
            return
        except _InterruptedError as error:
            failures = 0 if part.length > longest else failures + 1
            longest = max(longest, part.length)
            if failures == ATTEMPTS:
                kept = f"; {part.length:,} bytes are kept: the same command resumes from there" if part.length else ""
                raise CorpusError(f"cannot download {part.url}: {error}{kept}") from error
            logger.info("%s: %s; resuming", part.url, error)
            time.sleep(0.25 * 2**failures)


class _InterruptedError(Exception):
    """An interrupted transfer that can be resumed."""


class _Part:
    """The bytes of a download received so far, and the version of the file to which they belong."""

    def __init__(self, url: str, target: Path) -> None:
        self.path = target.with_name(f".{target.name}.part")
        self._about = target.with_name(f".{target.name}.part.json")
        self.url = url
        about = read_json(self._about) or {}
        self.validator = str(about.get("validator", ""))
        if about.get("url") != url or "validator" not in about:
            self.remove()

    @property
    def length(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def begin(self, validator: str) -> None:
        """Start from zero with the version of the file that `validator` (ETag or date) identifies."""
        self.remove()
        with writing(self.path):
            self.path.touch()
        self.validator = validator
        write_json(self._about, {"url": self.url, "validator": validator})

    def remove(self) -> None:
        self.validator = ""
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        with writing(target):
            flush(self.path)
            self.path.replace(target)
        self._about.unlink(missing_ok=True)


def _transfer(part: _Part, will_be_checked: bool, progress: Progress | None) -> None:
    """Append the missing bytes to `part`; raise an `_InterruptedError` if fewer arrive than the server stated."""
    import requests  # imported here: it is slow, and rarely needed
    import urllib3

    # Without a validator only a checksum can show that the rest belongs to the same version of the file.
    start = part.length if part.validator or will_be_checked else 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "vecmill"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if part.validator:
            headers["If-Range"] = part.validator
    try:
        with requests.get(part.url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            total = _accept(response, part, start)
            done = part.length
            if done == total:
                return
            with writing(part.path), part.path.open("ab") as file:
                for chunk in response.raw.stream(_CHUNK, decode_content=False):
                    file.write(chunk)
                    done += len(chunk)
                    if progress:
                        progress(done, total)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        reason = _innermost(error)
        passing = isinstance(error, requests.ConnectionError | requests.Timeout | urllib3.exceptions.HTTPError)
        if passing and not isinstance(reason, urllib3.exceptions.NameResolutionError):
            raise _InterruptedError(_message(reason)) from error
        raise CorpusError(f"cannot download {part.url}: {_message(reason)}") from error
    if total is not None and done < total:
        raise _InterruptedError(f"the connection was cut after {done:,} of {total:,} bytes")


def _accept(response: "requests.Response", part: _Part, start: int) -> int | None:
    """Continue `part` with the response or begin again; return the size of the whole file, or None if unknown."""
    code, url = response.status_code, response.url
    length = response.headers.get("Content-Length", "")
    if code == 206:
        first, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        found = _validators(response)
        same = not found or part.validator in ("", *found)  # some servers do not heed If-Range
        if same and first.split("-")[0] == str(start):
            return int(total) if total.isdigit() else None
        part.remove()
        raise _InterruptedError(f"the server sent another {'range' if same else 'version'} than the requested one")
    if code == 416 and start:
        if response.headers.get("Content-Range", "") == f"bytes */{start}":
            return start  # complete
        part.remove()
        raise _InterruptedError("the part downloaded before is longer than the file")
    if code in _TRY_AGAIN:
        raise _InterruptedError(f"HTTP {code} {response.reason}")
    if code != 200:
        raise CorpusError(f"cannot download {url}: HTTP {code} {response.reason}")
    part.begin(next(iter(_validators(response)), ""))
    return int(length) if length.isdigit() else None


def _validators(response: "requests.Response") -> list[str]:
    """Return what identifies the version of a file byte for byte: its ETag, unless it is weak, and its date."""
    found = (response.headers.get(name, "") for name in ("ETag", "Last-Modified"))
    return [validator for validator in found if validator and not validator.startswith("W/")]


def _innermost(error: Exception) -> Exception:
    """Return the innermost of nested errors."""
    for wrapped in (*error.args[:1], getattr(error, "reason", None)):
        if isinstance(wrapped, Exception):
            return _innermost(wrapped)
    return error


def _message(error: Exception) -> str:
    # "HTTPSConnection(host='example.org', port=443): Failed to resolve ..." repeats the host
    return re.sub(r"^HTTPS?Connection\w*\(.*?\): ", "", str(error)) or type(error).__name__
