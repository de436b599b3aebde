"""A cache of the SHA-256 of files, so that unchanged files are not read again."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpora.corpus import UNREADABLE, digest_of_file
from corpora.sources import InputFile, local_file
from vecmill.files import read_json, write_json

HASHES_FILE = ".hashes.json"
_SETTLED = 2.0  # seconds after a change in which another change may leave the time stamps as they are


class HashCache:
    """Stores the hash of a file with its size, inode and both time stamps.

    While all four are the same, the content is assumed to be the same: the system sets the time of the last inode
    change (ctime) at every write, and ordinary programs cannot set it back. A change that a reset clock hides, or bits
    that a disk loses, are found only by reading the file (`pipelines.running.verification`).

    Parameters
    ----------
    path : Path, optional
        JSON file of the cache. Default: keep the hashes in this process only.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._stored = (read_json(path) or {}) if path else {}
        self._changed = False

    def __call__(self, file: InputFile) -> str:
        """Return the hash of a file's content, as `corpora.corpus.digest_of_file` does."""
        path = Path(file.path)
        try:
            stamp = _stamp(path)
        except (OSError, ValueError):  # a remote or missing file
            return digest_of_file(file)
        stored = self._stored.get(str(path.resolve()))
        if isinstance(stored, list) and stored[:-1] == stamp:
            return str(stored[-1])
        found = digest_of_file(file)
        if found.startswith(UNREADABLE):  # perhaps for this moment only
            return found
        if time.time() - stamp[-1] / 1e9 > _SETTLED and _stamp(path) == stamp:
            self._set(path, stamp, found)
        return found

    def damaged(self, directory: Path, outputs: Mapping[str, Mapping[str, Any]]) -> str | None:
        """Return the first output of a stage whose content differs from its manifest, or None.

        Every file must exist.
        """
        wrong = (name for name, entry in outputs.items() if self(local_file(directory / name)) != entry["sha256"])
        return next(wrong, None)

    def remember(self, directory: Path, outputs: Mapping[str, Mapping[str, Any]]) -> None:
        """Store the hashes of files that a stage has just written; no other process may write them."""
        for name, entry in outputs.items():
            self._set(directory / name, _stamp(directory / name), entry["sha256"])

    def save(self) -> None:
        """Write the cache to its file if it has changed."""
        if self._path and self._changed:
            write_json(self._path, self._stored)
            self._changed = False

    def _set(self, path: Path, stamp: list[int], found: str) -> None:
        self._stored[str(path.resolve())] = [*stamp, found]
        self._changed = True


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
