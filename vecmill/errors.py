"""The base class of all errors of the project, and the error of outputs."""

import errno
from pathlib import Path

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
"""Numbers of errors: there is no room for more."""
TOO_LARGE = errno.EFBIG
"""Number of the error: a file would be larger than the shell or the file system allows."""
TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)
"""Numbers of errors: the process, or the system, may open no more files."""


class VecmillError(Exception):
    """An error with a one-line message for the user: found value, expected value, remedy."""

    def __str__(self) -> str:
        message = Exception.__str__(self)  # KeyError, of which some are too, would put it in quotes
        return " ".join(message.splitlines())  # messages of libraries, and names in damaged files, have line breaks


class OutputError(VecmillError):
    """An output that cannot or must not be written."""


def unwritable(path: object, error: OSError, elsewhere: str | None = None) -> OutputError:
    """Return the error of an output that cannot be written, with a remedy.

    Parameters
    ----------
    path : object
        As the message shows it.
    error : OSError
    elsewhere : str, optional
        How to write to another place; by default the advice to choose one.

    Returns
    -------
    OutputError
    """
    if error.errno in TOO_MANY_OPEN:
        remedy = "raise the limit of open files (ulimit -n), or use fewer threads"
    elif error.errno in FULL_DISK:
        remedy = f"free some space or {elsewhere or 'write elsewhere'}"
    elif error.errno == TOO_LARGE:
        remedy = f"raise the limit on the size of files (ulimit -f) or {elsewhere or 'write elsewhere'}"
    else:
        remedy = elsewhere or "choose a place that can be written to"
    reason = error.strerror or str(error)
    if error.errno == errno.EEXIST and (link := dead_link(Path(str(path)))):
        reason, remedy = f"{link} is a link to nothing", "remove it or choose another place"
    return OutputError(f"cannot write {path}: {reason}; {remedy}")


def dead_link(path: Path) -> Path | None:
    """Return the path, or the one of its parents, that is a link to nothing, where no directory can be made."""
    return next((part for part in (path, *path.parents) if part.is_symlink() and not part.exists()), None)
