"""SHA-256 of files that were hashed before: a corpus of gigabytes need not be read to learn that it is unchanged."""

import json
import logging
import time
from pathlib import Path

from corpora.corpus import digest_of_file
from corpora.sources import InputFile

logger = logging.getLogger(__name__)

FILE_NAME = ".hashes.json"
_SETTLED = 2.0  # seconds: a file changed just now may change again without its time stamps showing it


class KnownHashes:
    """Remembers size, inode and both time stamps of a file with its hash.

    As long as all four are the same, the content is taken to be the same: the time of the last change of the inode
    (ctime) is set by the system at every write, and no ordinary program can set it back. Where a clock was set back or
    a disk was written to behind the system's back, this can err; removing the file makes everything be read again.

    Parameters
    ----------
    path
        JSON file to keep them in; None remembers nothing.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[str, list] = {}
        if path and path.exists():
            try:
                self._known = dict(json.loads(path.read_text("utf-8")))
            except (OSError, ValueError, TypeError) as error:
                logger.info("%s cannot be used (%s): all text is read again", path, error)

    def __call__(self, file: InputFile) -> str:
        """Return the hash of a file's content, as `corpora.corpus.digest_of_file` does."""
        try:
            status = Path(file.path).stat()
        except (OSError, ValueError):  # elsewhere, or gone
            return digest_of_file(file)
        stamp = [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
        name = str(Path(file.path).resolve())
        known = self._known.get(name)
        if isinstance(known, list) and known[:-1] == stamp:
            return str(known[-1])
        found = digest_of_file(file)
        if time.time() - status.st_ctime > _SETTLED and Path(file.path).stat().st_ctime_ns == status.st_ctime_ns:
            self._known[name] = [*stamp, found]
            self._save()
        return found

    def _save(self) -> None:
        if self._path:
            partial = self._path.with_name(f"{self._path.name}.partial")
            partial.write_text(json.dumps(self._known), "utf-8")
            partial.replace(self._path)
