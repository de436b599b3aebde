"""The output directory of a command: at any moment the old one, the new one, or none, but never a part of one.

During the run, finished stages, checkpoints, the settings of the run and a lock are in a hidden sibling,
``.NAME.work/``. At the end the result is renamed into place and the sibling is removed.
"""

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from corpora.errors import CorpusError
from embeddings.errors import EmbeddingsError
from pipelines.running.directory_lock import DirectoryLock
from pipelines.running.manifest import MANIFEST_FILE, Manifest, ManifestError
from pipelines.running.run_directory import is_run
from pipelines.running.unfinished_work import has_checkpoint, has_stage
from pipelines.settings.config import differences, with_present_keys
from pipelines.settings.file_names import CONFIG_FILE
from vecmill.errors import OutputError, dead_link, unwritable
from vecmill.files import (
    entries,
    flush,
    make_directory,
    read_json,
    real_path,
    remove_empty,
    require_replaceable,
    write_json,
)

logger = logging.getLogger(__name__)


class OutputDirectory:
    """Holds the lock on an output directory during a run; a context manager.

    Parameters
    ----------
    path : Path
        The directory; its parents are created.
    force : bool
        Replace a finished directory; discard unfinished work with other settings.

    Attributes
    ----------
    work : Path
        Hidden sibling in which the stages run. On exit it is kept if something in it saves time when the command is
        repeated.

    Raises
    ------
    OutputError
        On entering: `path` is finished (without `force`), contains files that vecmill did not write, cannot be
        written, or is being written by another process.
    """

    def __init__(self, path: Path, *, force: bool = False) -> None:
        self._shown = path
        self._path = real_path(path)
        self._force = force
        self.work = self._path.parent / f".{self._path.name}.work"
        self._removed = self._path.parent / f".{self._path.name}.removed"
        self._lock = DirectoryLock(self.work, path)
        self._created: list[Path] = []
        self._settings, self._aside = self.work / CONFIG_FILE, self.work / ".published"
        self._replaced = self.work / ".replaced"  # the old directory, between two renames

    def __enter__(self) -> Self:
        self._refuse_foreign()
        try:
            self._created = make_directory(self.work)
            self._lock.acquire()
        except OSError as error:
            remove_empty(self._created)
            raise self._unwritable(error) from error
        try:
            self._recover()
            self._lock.record_owner()
            if (self._path / MANIFEST_FILE).exists() and not self._force:
                raise OutputError(f"{self._shown} exists and is finished; add --force to replace it")
            require_replaceable(self._path)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            if isinstance(error, OSError):
                raise self._unwritable(error) from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Release the lock; remove the work unless the next run can use it."""
        # Caused by the text or the settings, not by the disk: the next run would fail in the same way.
        would_recur = isinstance(error, CorpusError | EmbeddingsError) and not isinstance(error.__cause__, OSError)
        try:
            self._recover()
            published = self._aside.exists() and not self._settings.exists()
            if not published and (has_checkpoint(self.work) or (self._has_stage() and not would_recur)):
                self._lock.clear_owner()
            elif self.work.exists():
                self._remove_work()
        finally:
            self._lock.release()
            remove_empty(self._created)

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Set the settings of this run: resume unfinished work with the same settings, refuse that with others.

        Parameters
        ----------
        settings : mapping of str to Any

        Raises
        ------
        OutputError
            A run with other settings was interrupted here; the message names the first difference.
        """
        settings = json.loads(json.dumps(settings))
        unfinished = self._unfinished()
        changed = differences(unfinished, settings) if unfinished else []
        if changed and not self._force and (other := _other_command(unfinished, settings)):
            raise OutputError(
                f"an unfinished run of another command is in {self.work} (it has settings of [{other}]); repeat that "
                "command to resume it, choose another --out, or add --force to start over"
            )
        if changed and not self._force:
            raise OutputError(
                f"an unfinished run with other settings is in {self.work} ({changed[0]}); "
                "repeat its settings to resume it, or add --force to start over"
            )
        if changed:
            logger.info("discarding an unfinished run with other settings (%s)", changed[0])
            self._clear_work()
        elif unfinished:
            logger.info("resuming the unfinished run in %s", self.work)
        write_json(self._settings, settings)

    def publish(self, stage: str) -> None:
        """Move the finished directory of a stage to its final place, and remove the work."""
        finished = self.work / stage
        self._settings.rename(self._aside)  # from now on there is no unfinished run
        try:
            flush(self.work)  # first: after a power cut, what is published must not be taken for an unfinished run
            if self._path.exists():
                self._path.rename(self._replaced)
            finished.rename(self._path)
            flush(self._path.parent)
        except BaseException:
            if finished.exists():
                self._aside.rename(self._settings)
            raise
        self._remove_work()

    def _refuse_foreign(self) -> None:
        """Raise `OutputError` for files that vecmill did not write, even with --force."""
        path = self._path
        if path.is_symlink():
            raise OutputError(f"{self._shown} is a link to itself; choose another name")
        if link := dead_link(self._shown):
            raise OutputError(f"{link} is a link to nothing; remove it or choose another place")
        if not path.exists():
            return
        if not path.is_dir():
            raise OutputError(f"{self._shown} is a file, but the output is a directory; choose another name")
        if os.path.ismount(path):
            raise OutputError(f"{self._shown} is a mount point and cannot be replaced; choose a directory inside it")
        found = (entry.relative_to(path).as_posix() for entry in entries(path) if not entry.is_dir())
        first = next(found, None)  # of how many files ever: the home directory may be given
        if first is None:
            return
        try:
            known = Manifest.read(path).known_files
        except ManifestError:
            what = "holds a run of several stages" if is_run(path) else "exists and was not written by vecmill"
            raise OutputError(f"{self._shown} {what}; choose another directory") from None
        foreign = next((name for name in chain([first], found) if name not in known), None) if self._force else None
        if foreign:
            raise OutputError(f"{self._shown} also holds {foreign}, which would be lost; move it away first")

    def _unwritable(self, error: OSError) -> OutputError:
        return unwritable(self._shown, error)

    def _recover(self) -> None:
        """Complete the exchange or removal of directories that a killed run left unfinished."""
        shutil.rmtree(self._removed, ignore_errors=True)
        if self._replaced.exists():
            if self._path.exists():
                shutil.rmtree(self._replaced)
            else:
                self._replaced.rename(self._path)
        if self._aside.exists() and not self._path.exists():
            self._aside.rename(self._settings)

    def _unfinished(self) -> dict[str, Any] | None:
        """Return the settings of an interrupted run, if it left usable work."""
        if not (self._has_stage() or has_checkpoint(self.work)):
            return None
        settings = read_json(self._settings)
        return None if settings is None else with_present_keys(settings)

    def _has_stage(self) -> bool:
        return self._settings.exists() and has_stage(self.work)

    def _clear_work(self) -> None:
        for entry in self.work.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)

    def _remove_work(self) -> None:
        """Remove the work directory; it is renamed first, so that no other process sees a part of it."""
        shutil.rmtree(self._removed, ignore_errors=True)
        self.work.rename(self._removed)
        shutil.rmtree(self._removed, ignore_errors=True)


def _other_command(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> str | None:
    """Return the first section of settings that only one of two runs has; None if both are of one command."""
    sections = [{name for name, value in run.items() if isinstance(value, dict)} for run in (before or {}, now)]
    return min(sections[0] - sections[1], default=None) or min(sections[1] - sections[0], default=None)


def finished(path: Path) -> tuple[Manifest, dict[str, Any]] | None:
    """Return the manifest and the settings (``config.json``) of a finished model directory, or None."""
    try:
        return Manifest.read(path), with_present_keys(json.loads((path / CONFIG_FILE).read_text("utf-8")))
    except (ManifestError, OSError, ValueError, TypeError):
        return None


def require_unchanged(path: Path, changed: Sequence[str]) -> None:
    """Raise an `OutputError` that names the first difference between a finished directory and the present settings."""
    if changed:
        raise OutputError(
            f"{path} was made with other settings or inputs ({changed[0]}); "
            "add --force to replace it, or choose another --out"
        )


def remove_leftovers(path: Path) -> None:
    """Remove the leftovers of a run that was killed just before its end; unfinished work stays."""
    output = OutputDirectory(path)
    if output.work.exists() or output._removed.exists():
        with contextlib.suppress(OutputError), output:  # entering cleans up, then refuses a finished directory
            pass
