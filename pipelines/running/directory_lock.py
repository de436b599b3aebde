"""One process at a time in a directory: a lock that the kernel releases when its holder dies, and who holds it."""

import logging
import os
import socket
from pathlib import Path

from filelock import FileLock, Timeout

from vecmill.errors import OutputError
from vecmill.files import read_json, write_json

logger = logging.getLogger(__name__)


class DirectoryLock:
    """A lock on a directory.

    Parameters
    ----------
    directory
        Where the lock lies; it must exist when the lock is acquired.
    shown
        What messages call the directory that is being written.
    """

    def __init__(self, directory: Path, shown: Path) -> None:
        self._shown = shown
        self._lock = FileLock(directory / ".lock", timeout=0)
        self._owner = directory / ".owner.json"

    def acquire(self) -> None:
        """Take the lock.

        Raises
        ------
        OutputError
            If another process holds it; the message names it.
        """
        try:
            self._lock.acquire()
        except Timeout:
            raise OutputError(f"{self._shown} is being written by {self._describe_owner()}; wait for it") from None

    def sign(self) -> None:
        """Write down who holds the lock, and say so if the one before did not end in good order."""
        if self._owner.exists():
            logger.info("%s ended without finishing %s; its lock is void", self._describe_owner(), self._shown)
        write_json(self._owner, {"pid": os.getpid(), "host": socket.gethostname()})

    def sign_off(self) -> None:
        """State that the holder has ended in good order."""
        self._owner.unlink(missing_ok=True)

    def release(self) -> None:
        """Let others have it."""
        self._lock.release()

    def holder(self) -> str | None:
        """Return in words which process holds the lock at this moment, None if none does."""
        if not Path(self._lock.lock_file).exists():
            return None
        try:
            self._lock.acquire()
        except (Timeout, OSError):
            return self._describe_owner()
        self._lock.release()
        return None

    def _describe_owner(self) -> str:
        owner = read_json(self._owner) or {}
        return f"process {owner['pid']} on {owner['host']}" if {"pid", "host"} <= owner.keys() else "another process"
