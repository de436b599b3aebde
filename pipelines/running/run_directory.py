"""The directory of `vecmill run`: one directory per stage, the effective settings, and a lock."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipelines.running.directory_lock import DirectoryLock
from pipelines.running.manifest import MANIFEST_FILE
from pipelines.settings.file_names import CONFIG_FILE
from vecmill.errors import OutputError
from vecmill.files import read_json, write_json

_BEFORE_SETTINGS = (".lock", ".owner", "..owner", f".{CONFIG_FILE}")
"""Beginnings of the names of files, whole or partial, that a killed process leaves before the settings are written."""


class RunDirectory:
    """Holds the lock on the directory of a run; a context manager.

    Unlike an `OutputDirectory` it can be run again, which updates its stages.

    Parameters
    ----------
    path : Path
        The directory; it and its parents are created.

    Raises
    ------
    OutputError
        On entering: `path` contains anything but a run, cannot be written, or is being written by another process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = DirectoryLock(path, path)

    def __enter__(self) -> Self:
        refuse_foreign(self.path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            try:
                self._lock.record_owner()
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
        self._lock.clear_owner()
        self._lock.release()

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Write the effective settings of this run."""
        write_json(self.path / CONFIG_FILE, settings)


def refuse_foreign(path: Path) -> None:
    """Raise `OutputError` if `path` exists and is not a run."""
    if not path.exists():
        return
    if not path.is_dir():
        raise OutputError(f"{path} is a file, but a run needs a directory; choose another name")
    if (path / MANIFEST_FILE).exists():
        raise OutputError(f"{path} is the directory of a single model or stage; choose another directory")
    entries = sorted(entry.name for entry in path.iterdir())
    if not is_run(path) and not all(name.startswith(_BEFORE_SETTINGS) for name in entries):
        raise OutputError(f"{path} contains {entries[0]} and is not a run directory; choose another directory")


def is_run(path: Path) -> bool:
    """Return whether a directory contains the settings of a run."""
    settings = read_json(path / CONFIG_FILE) or {}
    return "corpus" in settings and "output" in settings
