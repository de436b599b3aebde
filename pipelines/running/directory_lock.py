"""A lock that lets one process at a time write a directory, with a record of its owner.

The kernel releases the lock when its owner dies.
"""

import logging
import os
import socket
from pathlib import Path

from filelock import FileLock, Timeout

from vecmill.errors import OutputError
from vecmill.files import is_locked, read_json, write_json

logger = logging.getLogger(__name__)


class DirectoryLock:
    """A lock on a directory.

    Parameters
    ----------
    directory : Path
        Directory of the lock file; it must exist when the lock is acquired.
    shown : Path
        Name of the locked directory in messages.
    """

    def __init__(self, directory: Path, shown: Path) -> None:
        self._shown = shown
        self._lock = FileLock(directory / ".lock", timeout=0)
        self._owner = directory / ".owner.json"

    def acquire(self, patience: float = 0.0) -> None:
        """Take the lock.

        Parameters
        ----------
        patience : float
            Seconds to wait for its owner to end.

        Raises
        ------
        OutputError
            Another process holds it; the message names the process.
        """
        try:
            self._lock.acquire(timeout=patience)
        except Timeout:
            raise OutputError(
                f"{self._shown} is being written by {self._describe_owner()}; wait until it has ended"
            ) from None

    def record_owner(self) -> None:
        """Record this process as the owner; log it if the previous owner did not end properly."""
        if self._owner.exists():
            logger.info("%s was stopped before it finished %s", self._describe_owner(), self._shown)
        write_json(self._owner, {"pid": os.getpid(), "host": socket.gethostname()})

    def clear_owner(self) -> None:
        """Remove the record: the owner ends properly."""
        self._owner.unlink(missing_ok=True)

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    def holder(self) -> str | None:
        """Return a description of the process that holds the lock now, or None."""
        if not Path(self._lock.lock_file).exists():
            return None
        try:
            self._lock.acquire()
        except Timeout:
            return self._describe_owner()
        except OSError:  # the lock of another user may be read alone
            return self._describe_owner() if is_locked(Path(self._lock.lock_file)) else None
        self._lock.release()
        return None

    def _describe_owner(self) -> str:
        owner = read_json(self._owner) or {}
        return f"process {owner['pid']} on {owner['host']}" if {"pid", "host"} <= owner.keys() else "another process"
