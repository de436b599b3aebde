"""SHA-256 of files that were hashed before: gigabytes need not be read to learn that they are unchanged."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpora.corpus import digest_of_file
from corpora.sources import InputFile, local_file
from vecmill.files import read_json, write_json

HASHES_FILE = ".hashes.json"
_SETTLED = 2.0  # seconds: a file changed just now may change again without its time stamps showing it


class KnownHashes:
    """Remembers size, inode and both time stamps of a file with its hash.

    As long as all four are the same, the content is taken to be the same: the time of the last change of the inode
    (ctime) is set by the system at every write, and no ordinary program can set it back. What a clock that was set
    back hides, or a disk that loses bits by itself, only reading finds: `pipelines.running.verification`.

    Parameters
    ----------
    path
        JSON file to keep them in; None keeps them for this process only.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known = (read_json(path) or {}) if path else {}
        self._changed = False

    def __call__(self, file: InputFile) -> str:
        """Return the hash of a file's content, as `corpora.corpus.digest_of_file` does."""
        path = Path(file.path)
        try:
            stamp = _stamp(path)
        except (OSError, ValueError):  # elsewhere, or gone
            return digest_of_file(file)
        known = self._known.get(str(path.resolve()))
        if isinstance(known, list) and known[:-1] == stamp:
            return str(known[-1])
        found = digest_of_file(file)
        if time.time() - stamp[-1] / 1e9 > _SETTLED and _stamp(path) == stamp:
            self._set(path, stamp, found)
        return found

    def damaged(self, directory: Path, outputs: Mapping[str, Mapping[str, Any]]) -> str | None:
        """Return the first of a stage's files whose content is no longer what its manifest says; None if all is well.

        Every file must be there.
        """
        wrong = (name for name, entry in outputs.items() if self(local_file(directory / name)) != entry["sha256"])
        return next(wrong, None)

    def remember(self, directory: Path, outputs: Mapping[str, Mapping[str, Any]]) -> None:
        """Take in the hashes of files that a stage has just written, and that nobody else writes."""
        for name, entry in outputs.items():
            self._set(directory / name, _stamp(directory / name), entry["sha256"])

    def save(self) -> None:
        """Write down what has become known."""
        if self._path and self._changed:
            write_json(self._path, self._known)
            self._changed = False

    def _set(self, path: Path, stamp: list[int], found: str) -> None:
        self._known[str(path.resolve())] = [*stamp, found]
        self._changed = True


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
