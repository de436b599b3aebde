"""The directory of `vecmill run`: a directory a stage, the effective settings, and a lock."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipelines.running.directory_lock import DirectoryLock
from pipelines.running.manifest import MANIFEST_FILE
from pipelines.settings.file_names import CONFIG_FILE
from vecmill.errors import OutputError
from vecmill.files import read_json, write_json


class RunDirectory:
    """Holds the lock on the directory of a run; a context manager.

    Unlike an `OutputDirectory` it stays when it is finished, and is brought up to date by the next run.

    Parameters
    ----------
    path
        The directory; it and its parents are made.

    Raises
    ------
    OutputError
        On entering: if `path` holds anything but a run, cannot be written, or is being written by another process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = DirectoryLock(path, path)

    def __enter__(self) -> Self:
        refuse_other(self.path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            try:
                self._lock.sign()
            except BaseException:
                self._lock.release()
                raise
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Release the lock; all work is kept."""
        self._lock.sign_off()
        self._lock.release()

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Write the effective settings of this run."""
        write_json(self.path / CONFIG_FILE, settings)


def refuse_other(path: Path) -> None:
    """Raise `OutputError` if there is something at `path` that is no run."""
    if not path.exists():
        return
    if not path.is_dir():
        raise OutputError(f"{path} is a file; a run is kept in a directory: choose another name")
    if (path / MANIFEST_FILE).exists():
        raise OutputError(f"{path} is a single stage, as train-embeddings writes it; choose another directory")
    entries = sorted(entry.name for entry in path.iterdir())
    if not is_run(path) and not all(name.startswith((".lock", ".owner", f".{CONFIG_FILE}")) for name in entries):
        raise OutputError(f"{path} holds {entries[0]} and is no run of vecmill; choose another directory")


def is_run(path: Path) -> bool:
    """Whether a directory has the settings of a run."""
    settings = read_json(path / CONFIG_FILE) or {}
    return "corpus" in settings and "output" in settings
