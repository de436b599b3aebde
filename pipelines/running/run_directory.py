"""The directory of `vecmill run`: one directory per stage, the effective settings, and a lock."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipelines.running.directory_lock import DirectoryLock
from pipelines.running.manifest import MANIFEST_FILE
from pipelines.running.unfinished_work import has_checkpoint, has_stage
from pipelines.settings.file_names import CONFIG_FILE
from vecmill.errors import OutputError, unwritable
from vecmill.files import make_directory, read_json, remove_empty, write_json

_FIRST_STAGE = "fetch"  # which every run has
_BEFORE_SETTINGS = (".lock", ".owner", "..owner", f".{CONFIG_FILE}")
"""Beginnings of the names of files, whole or partial, that a killed process leaves before the settings are written."""


class RunDirectory:
    """Holds the lock on the directory of a run; a context manager.

    Unlike an `OutputDirectory` it can be run again, which updates its stages.

    If the run fails before there is anything that a later run can use, all that it made is removed.

    Parameters
    ----------
    path : Path
        The directory; it and its parents are created.
    patience : float
        Seconds to wait for another process that writes it and is about to end.

    Raises
    ------
    OutputError
        On entering: `path` contains anything but a run, cannot be written, or is being written by another process.
    """

    def __init__(self, path: Path, patience: float = 0.0) -> None:
        self.path, self._patience = path, patience
        self._lock = DirectoryLock(path, path)
        self._created: list[Path] = []
        self._is_new = False

    def __enter__(self) -> Self:
        refuse_foreign(self.path)
        try:
            self._created = make_directory(self.path)
            self._lock.acquire(self._patience)
            self._is_new = not (self.path / CONFIG_FILE).exists() and not has_lost_settings(self.path)
            try:
                self._remove_partial_files()
                self._lock.record_owner()
            except BaseException as error:
                self.__exit__(type(error), error, None)
                raise
        except OSError as error:
            remove_empty(self._created)
            raise unwritable(self.path, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Release the lock; all work is kept."""
        try:
            self._lock.clear_owner()
            if kind is not None and self._is_new and not (has_stage(self.path) or has_checkpoint(self.path)):
                for entry in self.path.iterdir():
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        finally:
            self._lock.release()
            remove_empty(self._created)

    def _remove_partial_files(self) -> None:
        """Remove what a process that was killed, or whose machine lost its power, was writing."""
        for partial in self.path.glob(".*.partial"):
            shutil.rmtree(partial) if partial.is_dir() else partial.unlink()

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
    is_one = is_run(path) or has_lost_settings(path)  # which the run writes again
    if not is_one and not all(name.startswith(_BEFORE_SETTINGS) for name in entries):
        raise OutputError(f"{path} contains {entries[0]} and is not a run directory; choose another directory")


def is_run(path: Path) -> bool:
    """Return whether a directory contains the settings of a run."""
    settings = read_json(path / CONFIG_FILE) or {}
    return "corpus" in settings and "output" in settings


def has_lost_settings(path: Path) -> bool:
    """Return whether a directory is that of a run whose settings are missing or cannot be read."""
    return not is_run(path) and (path / _FIRST_STAGE / MANIFEST_FILE).exists()
