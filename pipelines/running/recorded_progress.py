"""Progress that is also recorded in a file, so that other processes can read the progress of a stage."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pipelines.console.progress import Progress, Update
from vecmill.files import read_json, write_json

_INTERVAL = 1.0  # seconds between two records


class RecordedProgress:
    """Forwards progress, and records the latest in a JSON file.

    Parameters
    ----------
    progress : Progress
        Receives the progress.
    path : Path
        JSON file with ``title`` of the task, ``share`` done (0 to 1; null if unknown), ``note``, ``at`` (UTC), and
        ``checkpoint``, the share that the last checkpoint contains.
    checkpoints : Path
        Directory of the checkpoints of the stage; the last name is the newest checkpoint.
    """

    def __init__(self, progress: Progress, path: Path, checkpoints: Path) -> None:
        self._progress, self._path, self._checkpoints = progress, path, checkpoints
        self._newest = self._newest_checkpoint()
        self._safe = (read_json(path) or {}).get("checkpoint") if self._newest else None
        self._share: float | None = None
        self._next = 0.0

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Update]:
        """Show and record the progress of a task while the context lasts."""
        size = total
        with self._progress.task(title, total) as inner:

            def update(done: int, note: str = "", seconds_left: float | None = None, total: int | None = None) -> None:
                nonlocal size
                size = total or size
                inner(done, note, seconds_left, total)
                if time.monotonic() >= self._next:
                    self._record(title, min(1.0, done / size) if size else None, note)

            self._record(title, None, "")
            yield update

    def forget(self) -> None:
        """Remove the record: the stage is finished."""
        self._path.unlink(missing_ok=True)

    def _record(self, title: str, share: float | None, note: str) -> None:
        newest = self._newest_checkpoint()
        if newest != self._newest:  # written after the last record: contains at least the share recorded then
            self._newest, self._safe = newest, self._share
        self._share = share
        record = {"title": title, "share": share, "note": note, "at": _now(), "checkpoint": self._safe}
        write_json(self._path, record, sync=False)  # rewritten every second, and needed only during the stage
        self._next = time.monotonic() + _INTERVAL

    def _newest_checkpoint(self) -> str | None:
        return max(
            (entry.name for entry in self._checkpoints.iterdir() if not entry.name.startswith(".")), default=None
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
