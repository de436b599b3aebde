"""Another Python beside this one, for work that nobody waits for."""

import os
import subprocess  # nosec B404 - runs this Python, with a program of ours
import sys
from contextlib import suppress
from pathlib import Path

_SHARE_OF_SESSION = Path("/proc/self/autogroup")


def start_python(program: str) -> "subprocess.Popen[bytes] | None":
    """Start a Python with the module path of this one; it reads and prints nothing, and Ctrl-C does not reach it.

    Parameters
    ----------
    program : str
        As after ``python -c``.

    Returns
    -------
    subprocess.Popen or None
        None where this program is no Python, or no process can be started.
    """
    if not Path(sys.executable or "").stem.lower().startswith(("python", "pypy")):  # a program around it
        return None
    try:
        return subprocess.Popen(  # noqa: S603  # nosec B603 - this Python, a program of ours
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {program}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None


def give_way(niceness: int) -> None:
    """Leave the processors to other processes, where the system knows niceness.

    Linux may share the processors among sessions (autogroups) first and heed niceness only within one, so that a
    process with a session of its own lowers the session's share too.

    Parameters
    ----------
    niceness : int
        How much to add, up to 19.
    """
    with suppress(AttributeError, OSError):
        total = os.nice(niceness)
        if os.getsid(0) == os.getpid():
            _SHARE_OF_SESSION.write_text(str(total))
