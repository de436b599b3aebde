"""The backend of this machine: tasks and workers take turns in this process, whose threads they have."""

import contextlib
import os
import subprocess  # nosec B404
import sys
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embeddings.executor import InProcess
from pipelines.backends.backend import JobProcess
from pipelines.console.interruption import STOPS_WITH_PARENT

if TYPE_CHECKING:
    from embeddings.word2vec.crew import AllChanges, Crew, Matrices, MemberLike, Outcome, Settling


def start_python(arguments: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start this Python without a shell; in a process group of its own, Ctrl-C reaches it once, by who started it.

    If this process is killed, a command of vecmill that it has started stops, too.

    Parameters
    ----------
    arguments : sequence of str
    log : Path
        Receives its messages, after those that are there.

    Returns
    -------
    subprocess.Popen
    """
    ending, held = os.pipe()  # its standard input ends when nobody holds the other end any more
    try:
        with log.open("ab") as file:
            process = subprocess.Popen(  # noqa: S603  # nosec B603
                [sys.executable, *arguments],
                stdin=ending,
                stdout=subprocess.DEVNULL,
                stderr=file,
                env=os.environ | {STOPS_WITH_PARENT: "1"},
                start_new_session=True,
            )
    except BaseException:
        os.close(held)
        raise
    finally:
        os.close(ending)
    weakref.finalize(process, os.close, held)
    return process


def _processors(slots: int) -> list[set[int]]:
    """Return the processors of each parallel job; empty for a single job or if the system cannot pin processes."""
    if slots == 1 or not hasattr(os, "sched_getaffinity"):
        return []
    usable = sorted(os.sched_getaffinity(0))
    return [set(usable[slot % len(usable) :: slots]) or set(usable) for slot in range(slots)]


class LocalBackend(InProcess):
    """Runs everything in this process.

    Parameters
    ----------
    workers : int, optional
        Train in rounds of so many workers, one after the other: the result is that of a cluster with as many. Default:
        train without rounds.
    """

    jobs = None

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers

    def begin(self, directory: Path) -> None:
        """Do nothing: this process sees its files."""

    def start_job(self, command: Sequence[str], log: Path, slot: int, slots: int) -> JobProcess:
        """Start Python with these arguments, on processors of its own if several jobs run."""
        process = start_python(command, log)
        if processors := _processors(slots):
            with contextlib.suppress(OSError):  # the process has already ended
                os.sched_setaffinity(process.pid, processors[slot])
        return process

    def crew(self) -> "Crew":
        """Return the workers of one training."""
        return LocalCrew(self.workers or 1)


LOCAL = LocalBackend()


class LocalCrew:
    """One replica that trains the pieces of a round one after the other.

    Parameters
    ----------
    workers : int
    cycle : int, optional
        Rounds after which rows of rare words are exchanged. Default: `crew.CYCLE`.
    """

    def __init__(self, workers: int, cycle: int | None = None) -> None:
        from embeddings.word2vec.crew import CYCLE

        self.workers, self.cycle = workers, cycle or CYCLE
        self._member: MemberLike | None = None

    def begin(self, make: "Callable[[Matrices], MemberLike]", matrices: "Callable[[], Matrices]") -> None:
        """Set how the replica is made, which the first round does."""
        self._make, self._matrices = make, matrices

    def round(
        self,
        pieces: Sequence[Any],
        settling: "Settling | None" = None,
        size: int | None = None,
        *,
        goes_on: bool = False,
    ) -> "Outcome":
        """Train the pieces; the replica is never lost."""
        from embeddings.word2vec.crew import Outcome

        member = self._member = self._member or self._make(self._matrices())
        trained = [member.train(piece, 1) for piece in pieces]
        changes = member.combine([part for one in trained for part in one.changes], settling)
        if settling:
            member.follow(changes)
        return Outcome([changes], [one._replace(changes=[]) for one in trained], 1, 0)

    def follow(self, changes: "AllChanges") -> int:
        """Have the replica follow; nothing is sent."""
        if self._member:
            self._member.follow(changes)
        return 0
