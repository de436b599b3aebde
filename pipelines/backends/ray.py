"""The backend of a Ray cluster, by tasks and actors of Ray Core.

Tasks are functions of their item. A training has an actor for each process of its crew: a replica of E and C. Actors
hold nothing that the leading process has not as well, so that any of them may be lost at any time: the round is
trained again, and an actor on another machine begins from the leading process's E and C.
"""

import contextlib
import logging
import math
import os
import signal
import socket
import subprocess  # nosec B404
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from embeddings.word2vec.crew import (
    CYCLE,
    AllChanges,
    Crew,
    Matrices,
    MemberLike,
    Outcome,
    ProcessLost,
    Settling,
    size_of,
)
from pipelines.backends.backend import BackendError, JobProcess
from pipelines.backends.local import start_python
from vecmill.errors import VecmillError
from vecmill.extras import needs

with needs("ray", "--backend ray"):
    import ray
    from ray.exceptions import (
        ActorDiedError,
        ActorUnavailableError,
        GetTimeoutError,
        NodeDiedError,
        ObjectLostError,
        OutOfMemoryError,
        RayError,
        RayTaskError,
        WorkerCrashedError,
    )
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOST = (ActorDiedError, ActorUnavailableError, NodeDiedError, ObjectLostError, OutOfMemoryError, WorkerCrashedError)
_IN_FLIGHT = 2  # tasks for each processor: one that runs, one that waits
_RETRIES = 5  # of a task whose process was lost
_MOST_LOSSES = 20  # in a row, of one round: something else is wrong
_START_SECONDS = 300.0  # for the first process: it imports, and may compile kernels
_CHECK_SECONDS = 60.0
_CONNECT_SECONDS = 10.0
_PAUSE = 0.5  # between two looks at the cluster
_PART_BYTES = 256 << 10  # of a piece that a process adds up, at least: smaller messages take as long
_CLOCK_SECONDS = 5.0


@contextlib.contextmanager
def connected(address: str | None, workers: int | None, threads: int | None) -> "Iterator[RayBackend]":
    """Connect to a cluster, or start one on this machine, for the time of a command.

    Parameters
    ----------
    address : str, optional
        ``"auto"``, ``"host:port"`` or ``"ray://host:port"``. Default: start one.
    workers : int, optional
        Default: one for every machine.
    threads : int, optional
        Default: those of the machine.

    Yields
    ------
    RayBackend

    Raises
    ------
    BackendError
        There is no such cluster, or it has another version of Ray or Python.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")  # of lost processes, which we replace
    ours = address is None
    _require_open(address or "")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        ray.init(
            address or "local",
            include_dashboard=False if ours else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
            configure_logging=True,
        )
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as error:
        raise BackendError(_why_not_connected(address, error)) from error
    finally:
        for number, handler in handlers.items():  # Ray takes SIGTERM for itself
            with contextlib.suppress(ValueError):  # only the main thread can
                signal.signal(number, handler)
    try:
        yield RayBackend(workers or max(1, len(_machines())), threads)
    finally:
        ray.shutdown()


def _require_open(address: str) -> None:
    """Raise `BackendError` if nobody listens at ``HOST:PORT``; Ray would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise BackendError(_why_not_connected(address, error)) from error


def _why_not_connected(address: str | None, error: Exception) -> str:
    reason = " ".join(str(error).split())
    here = f"Python {sys.version.split()[0]} and Ray {ray.__version__}"
    if any("InvalidAuthToken" in str(one) for one in _causes(error)):
        return (
            f"the cluster at {address} asks for a token; set RAY_AUTH_MODE=token, and copy ~/.ray/auth_token of its "
            "first machine to this one if it has none"
        )
    if "ersion mismatch" in reason:
        return f"the cluster at {address} has other versions than {here} here: {reason}; install the same everywhere"
    remedy = "start one with 'ray start --head', or leave --address out to use this machine alone"
    return f"there is no Ray cluster at {address or 'this machine'} ({reason[:200]}); {remedy}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__


class Machine(NamedTuple):
    """A node of the cluster that computes."""

    id: str
    name: str
    processors: int


def _machines() -> list[Machine]:
    """Return the machines of the cluster that are alive and have processors, in a fixed order."""
    found = [
        Machine(node["NodeID"], node["NodeManagerAddress"], int(node["Resources"].get("CPU", 0)))
        for node in ray.nodes()
        if node["Alive"]
    ]
    return sorted((machine for machine in found if machine.processors), key=lambda machine: machine.id)


class RayBackend:
    """Runs tasks and crews on the cluster that this process is connected to.

    Parameters
    ----------
    workers : int
        Workers that train in rounds.
    threads : int, optional
        Threads of each process that trains. Default: as many as the processors of its machine allow.
    """

    def __init__(self, workers: int, threads: int | None = None) -> None:
        self.workers = workers
        self._threads = threads

    @property
    def tasks(self) -> int:
        """Number of processors of the cluster; 2 or more, so that tasks have one thread."""
        return max(2, sum(machine.processors for machine in _machines()))

    def begin(self, directory: Path) -> None:
        """Check that every machine sees the directory and has this version of vecmill.

        Parameters
        ----------
        directory : Path

        Raises
        ------
        BackendError
            One of them does not; the message names it. Or there is none.
        """
        if not _machines():
            raise BackendError("no machine of the cluster has processors; add one with 'ray start --address=HOST:PORT'")
        seen = directory.resolve() / ".seen-by-all"
        seen.write_text("vecmill", "utf-8")
        try:
            for machine, answer in [(machine, _on(machine, _look, str(seen))) for machine in _machines()]:
                _require_same(machine, answer, directory)
        finally:
            seen.unlink(missing_ok=True)

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield the results in the order of the items; a few tasks for every processor are under way.

        Parameters
        ----------
        work : callable
        items : iterable

        Yields
        ------
        object

        Raises
        ------
        BackendError
            A task was lost again and again.
        """
        task = ray.remote(num_cpus=1, max_retries=_RETRIES)(_call)
        here, waiting, under_way = str(Path.cwd()), iter(items), deque[Any]()
        shared = ray.put(work)  # once, not with every task
        for item in islice(waiting, _IN_FLIGHT * self.tasks):
            under_way.append(task.remote(here, shared, item))
        while under_way:
            with _errors_of_tasks():
                result = ray.get(under_way.popleft())
            under_way.extend(task.remote(here, shared, item) for item in islice(waiting, 1))
            yield result

    @property
    def jobs(self) -> int:
        """One job for every machine."""
        return len(_machines())

    def start_job(self, command: Sequence[str], log: Path, slot: int, slots: int) -> JobProcess:
        """Start a job on the machine of its slot, which it has for itself.

        Parameters
        ----------
        command : sequence of str
            Arguments of Python.
        log : Path
        slot, slots : int

        Returns
        -------
        JobProcess
        """
        machines = _machines()
        if not machines:
            raise BackendError("the cluster has no machine left; add one and repeat the command")
        return RayJob(machines[slot % len(machines)], list(command), log.resolve(), -(-slots // len(machines)))

    def crew(self) -> Crew:
        """Return the workers of one training."""
        return RayCrew(self.workers, self._threads)


@contextlib.contextmanager
def _errors_of_tasks() -> Iterator[None]:
    """Raise our own errors as they were raised in the task, and those of the cluster as one line."""
    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, VecmillError | MemoryError):
            raise error.cause from None
        raise
    except OutOfMemoryError as error:
        raise BackendError(_out_of_memory(error)) from error
    except RayError as error:
        raise BackendError(f"the cluster lost a task ({_line(error)}); repeat the command to resume") from error


def _call(directory: str, work: Callable[[Item], Result], item: Item) -> Result:
    """Call any callable in the directory of the leading process; Ray takes only functions."""
    _work_in(directory)
    return work(item)


def _work_in(directory: str) -> None:
    """Enter a directory, in which relative paths mean what they do in the leading process."""
    with contextlib.suppress(OSError):  # this machine does not have it, and gets whole paths
        os.chdir(directory)


def _out_of_memory(error: RayError) -> str:
    return (
        f"a process ran out of memory ({_line(error)}); "
        "give fewer --workers for each machine, a smaller --max-vocabulary or --dimension, or machines with more memory"
    )


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _look(path: str) -> tuple[str, float, str]:
    """Return the version of vecmill on this machine, its clock, and what is wrong with a file ("" if nothing)."""
    import vecmill

    try:
        wrong = "" if Path(path).read_text("utf-8") == "vecmill" else "its content is another"
    except OSError as error:
        wrong = error.strerror or str(error)
    return vecmill.__version__, time.time(), wrong


def _on(machine: Machine, work: Callable[..., Result], *arguments: Any) -> Result:
    """Run a function on a machine, without waiting for a free processor."""
    here = NodeAffinitySchedulingStrategy(machine.id, soft=False)
    reference = ray.remote(num_cpus=0, max_retries=1, scheduling_strategy=here)(work).remote(*arguments)
    try:
        result: Result = ray.get(reference, timeout=_CHECK_SECONDS)
    except GetTimeoutError:
        raise BackendError(f"{machine.name} does not answer for {_CHECK_SECONDS:.0f} s; remove it first") from None
    except RayError as error:
        if "ModuleNotFoundError" in str(error) or "No module named" in str(error):
            raise BackendError(f"{machine.name} has no vecmill; install the version of this machine there") from error
        raise BackendError(f"{machine.name} cannot run a task ({_line(error)})") from error
    return result


def _require_same(machine: Machine, answer: tuple[str, float, str], directory: Path) -> None:
    import vecmill

    version, clock, wrong = answer
    if version != vecmill.__version__:
        raise BackendError(
            f"{machine.name} has vecmill {version}, this machine {vecmill.__version__}; install the same everywhere"
        )
    if wrong:
        raise BackendError(
            f"{machine.name} does not see {directory} ({wrong}); put --out, or --work if that is a URL, on storage "
            "that all machines share under the same path"
        )
    if abs(time.time() - clock) > _CLOCK_SECONDS + _CHECK_SECONDS:
        logger.warning(
            "the clock of %s is %.0f s apart; times in logs will not agree", machine.name, clock - time.time()
        )


class _JobActor:
    """Starts a job on its machine."""

    def __init__(self, command: list[str], log: Path, directory: str) -> None:
        _work_in(directory)
        self._process = start_python(command, log)

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.poll()

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)


class RayJob:
    """A job on another machine, with the methods of `subprocess.Popen`.

    Parameters
    ----------
    machine : Machine
    command : list of str
    log : Path
    share : int
        How many jobs the machine has at a time.
    """

    def __init__(self, machine: Machine, command: list[str], log: Path, share: int) -> None:
        processors = max(1, machine.processors // share)
        options = {
            "num_cpus": processors,
            "scheduling_strategy": NodeAffinitySchedulingStrategy(machine.id, soft=False),
            "runtime_env": {"env_vars": {"NUMBA_NUM_THREADS": str(processors)}},
        }
        self._actor = ray.remote(_JobActor).options(**options).remote(command, log, str(Path.cwd()))
        self._answer = self._actor.poll.remote()
        self._command = command
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs or has not started; -9 if its machine was lost."""
        if self._code is not None or not ray.wait([self._answer], timeout=0)[0]:
            return self._code
        try:
            self._code = ray.get(self._answer)
            self._answer = self._actor.poll.remote()
        except RayError as error:
            logger.warning("a job was lost (%s)", _line(error))
            self._code = -signal.SIGKILL
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Returns
        -------
        int

        Raises
        ------
        subprocess.TimeoutExpired
            The time is up.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self._command, timeout or 0)
            time.sleep(0.1)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        with contextlib.suppress(RayError):
            ray.get(self._actor.send_signal.remote(int(number)), timeout=_CHECK_SECONDS)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


class _Process:
    """The actor: a member of the crew, in a process of its own."""

    def begin(self, directory: str, make: Callable[[Matrices], MemberLike], matrices: Matrices) -> None:
        """Make the member; errors of a constructor would not tell what was wrong."""
        _work_in(directory)
        self._member = make(matrices)

    def ping(self) -> None:
        """Do nothing."""

    def train(self, piece: Any, parts: int) -> tuple[Any, ...]:
        """Train a piece; return the parts of its changes, what was measured, and the bytes of each part."""
        trained = self._member.train(piece, parts)
        return *trained.changes, (trained._replace(changes=[]), [size_of(part) for part in trained.changes])

    def combine(self, settling: Settling | None, *changes: AllChanges) -> AllChanges:
        """Add up a part of the changes of all pieces."""
        return self._member.combine(changes, settling)

    def follow_parts(self, *parts: AllChanges) -> None:
        """Move the rows that a round has changed."""
        for part in parts:
            self._member.follow(part)

    def follow(self, changes: AllChanges, after: None = None) -> None:
        """Move the rows that a round has changed, once something else is done."""
        self._member.follow(changes)

    def pass_on(self, changes: AllChanges, after: None) -> tuple[AllChanges, None]:
        """Follow, and return the changes: those who get them from here take them from this machine."""
        self._member.follow(changes)
        return changes, None

    def reset(self, matrices: Matrices) -> None:
        """Begin again from these matrices."""
        self._member.reset(matrices)


def _passed_on(changes: Any, actors: Sequence[Any]) -> list[Any]:
    """Send changes to actors in a binomial tree; return what they answer when they have followed.

    In every step each process that has the changes sends them to one other, after the one before has followed.
    """
    holders: list[tuple[Any, Any]] = [(changes, None)]
    answers: list[Any] = []
    while waiting := actors[len(answers) :]:
        is_last = len(waiting) <= len(holders)
        for place, actor in enumerate(waiting[: len(holders)]):
            held, after = holders[place]
            if is_last:
                followed = actor.follow.remote(held, after)
            else:
                passed, followed = actor.pass_on.options(num_returns=2).remote(held, after)
                holders.append((passed, followed))
            holders[place] = held, followed
            answers.append(followed)
    return answers


class _Joined(NamedTuple):
    """An actor, its machine, and the promise that it has started."""

    actor: Any
    machine: Machine
    ready: Any


class RayCrew:
    """A replica in every process; the processes are spread over the machines.

    Parameters
    ----------
    workers : int
        Pieces of a round; there are at most as many processes.
    threads : int, optional
        Threads of each process.
    cycle : int
        Rounds after which rows of rare words are exchanged.
    """

    def __init__(self, workers: int, threads: int | None, cycle: int = CYCLE) -> None:
        self.workers, self.cycle = workers, cycle
        self._threads = threads
        self._members: list[_Joined] = []
        self._joining: list[_Joined] = []
        self._refused: set[str] = set()  # machines on which a process could not start
        self._losses = 0  # since the last round that was not trained again
        self._are_apart = False  # since a process was lost: not all have followed, or are ahead of the matrices
        self._following: list[Any] = []  # what the processes answer when they have followed

    def begin(self, make: Callable[[Matrices], MemberLike], matrices: Callable[[], Matrices]) -> None:
        """Set how a process is made; the first round starts them."""
        self._make, self._matrices = make, matrices

    def round(
        self, pieces: Sequence[Any], settling: Settling | None = None, size: int | None = None, *, goes_on: bool = False
    ) -> Outcome:
        """Train the pieces, on other processes if some are lost.

        Parameters
        ----------
        pieces : sequence
        settling : Settling, optional
            Have all processes follow what has been settled, also those that are starting.
        size : int, optional
            How many bytes a piece changes at most.
        goes_on : bool
            Whether the processes begin with what the round before has left them.

        Returns
        -------
        Outcome

        Raises
        ------
        ProcessLost
            One of them is lost with what it has not published; the others begin the next round again.
        BackendError
            Processes are lost again and again, or none can be started.
        """
        if not goes_on and not self._are_apart:
            self._losses = 0
        while True:
            if not goes_on:
                self._fill()
            if self._are_apart:
                self._reset()
            try:
                with _errors_of_members():
                    return self._attempt(pieces, settling, size)
            except _LOST as error:
                self._count_loss(error)
                self._drop_lost()
                self._are_apart = True
                if goes_on:
                    raise ProcessLost from error

    def _reset(self) -> None:
        """Have all processes begin from the matrices as they are now."""
        self._are_apart = False
        self._following = []
        matrices = ray.put(self._matrices())
        for member in (*self._members, *self._joining):
            member.actor.reset.remote(matrices)

    def _count_loss(self, error: RayError) -> None:
        """Warn, or raise `BackendError` if too many processes were lost one after the other."""
        self._losses += 1
        if self._losses < _MOST_LOSSES:
            logger.warning("a process was lost; training the round again (%s)", _line(error))
            return
        if isinstance(error, OutOfMemoryError) or "memory" in str(error).lower():
            raise BackendError(_out_of_memory(error)) from error
        raise BackendError(
            f"processes were lost {_MOST_LOSSES} times in one round ({_line(error)}); repeat the command to resume"
        ) from error

    def _attempt(self, pieces: Sequence[Any], settling: Settling | None, size: int | None) -> Outcome:
        """Have each process add up a part of the rows, so that no link and no processor has more than its share."""
        actors = [member.actor for member in self._members]
        parts = len(actors) if size is None else min(len(actors), 1 + size // _PART_BYTES)
        which = [number * len(actors) // len(pieces) for number in range(len(pieces))]
        results = [
            actors[place].train.options(num_returns=parts + 1).remote(piece, parts)
            for place, piece in zip(which, pieces, strict=True)
        ]
        combined = [
            actors[part].combine.remote(settling, *(result[part] for result in results)) for part in range(parts)
        ]
        following = [actor.follow_parts.remote(*combined) for actor in actors] if settling else []
        answers = ray.get([result[parts] for result in results])
        ray.get(self._following)
        changes = ray.get(combined)
        self._following = following
        if settling:
            for member in self._joining:
                member.actor.follow_parts.remote(*combined)
        sent = sum(sum(sizes) - sum(sizes[place : place + 1]) for place, (_, sizes) in zip(which, answers, strict=True))
        sent += sum(map(size_of, changes)) * (len(actors) if settling else 1)  # all others, and the process that leads
        return Outcome(changes, [trained for trained, _ in answers], len(actors), sent)

    def follow(self, changes: AllChanges) -> int:
        """Have every process follow before its next piece, also those that are starting.

        Each passes the changes on to others, so that no machine sends them to all.

        Parameters
        ----------
        changes : dict of str to Changes

        Returns
        -------
        int
            The bytes that are sent.
        """
        shared = ray.put(changes)
        self._following = _passed_on(shared, [member.actor for member in self._members])
        for member in self._joining:
            member.actor.follow.remote(shared)
        return size_of(changes) * len(self._members)

    def _fill(self) -> None:
        """Take in processes that have started, and start those that the cluster has room for."""
        self._take_in(0.0)
        self._start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._members:  # the first ones; later ones join when they are ready
            if time.monotonic() > deadline:
                raise BackendError(
                    f"no process has started in {_START_SECONDS:.0f} s; see 'ray status' for free processors"
                )
            self._start()
            self._take_in(_PAUSE, all_of_them=True)
            if not self._joining and not self._members:
                time.sleep(_PAUSE)  # all machines were lost, or could not start a process; another may join

    def _start(self) -> None:
        """Start processes in turns on the machines, as far as they have processors."""
        used = [member.machine.id for member in (*self._members, *self._joining)]
        matrices = None
        machines = [machine for machine in _machines() if machine.id not in self._refused]
        for machine, threads in places(machines, self.workers, self._threads):
            if machine.id in used:
                used.remove(machine.id)
                continue
            matrices = matrices or ray.put(self._matrices())
            actor = ray.remote(_Process).options(
                num_cpus=threads,
                max_restarts=0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(machine.id, soft=False),
                runtime_env={"env_vars": {"NUMBA_NUM_THREADS": str(threads)}},
            )
            started = actor.remote()
            self._joining.append(_Joined(started, machine, started.begin.remote(str(Path.cwd()), self._make, matrices)))

    def _take_in(self, seconds: float, *, all_of_them: bool = False) -> None:
        """Make members of the processes that are ready within some seconds."""
        waiting = [one.ready for one in self._joining]
        if not waiting:
            return
        ready, _ = ray.wait(waiting, num_returns=len(waiting), timeout=_START_SECONDS if all_of_them else seconds)
        for one in [one for one in self._joining if one.ready in ready]:
            self._joining.remove(one)
            try:
                with _errors_of_members():
                    ray.get(one.ready)
            except (*_LOST, VecmillError) as error:
                logger.warning("a process on %s did not start (%s)", one.machine.name, _line(error))
                if isinstance(error, VecmillError) and not self._members:
                    raise
                self._refused.add(one.machine.id)
                continue
            self._members.append(one)
            logger.info("a process on %s has joined; number of processes: %d", one.machine.name, len(self._members))

    def _drop_lost(self) -> None:
        """Forget processes that no longer answer."""
        alive = {machine.id for machine in _machines()}
        pings = [(member, member.actor.ping.remote()) for member in self._members]
        self._members = []
        for member, ping in pings:
            try:
                ray.get(ping, timeout=_CHECK_SECONDS if member.machine.id in alive else _PAUSE)
                self._members.append(member)
            except (*_LOST, GetTimeoutError):
                with contextlib.suppress(RayError):
                    ray.kill(member.actor)


@contextlib.contextmanager
def _errors_of_members() -> Iterator[None]:
    """Raise our own errors as a member raised them; let pass what means that a process was lost."""
    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, (VecmillError, MemoryError, *_LOST)):
            raise error.cause from None
        raise


def places(machines: Sequence[Machine], workers: int, threads: int | None) -> list[tuple[Machine, int]]:
    """Return where processes run, and with how many threads: in turns on all machines, as far as there is room.

    Parameters
    ----------
    machines : sequence of Machine
    workers : int
        Most processes.
    threads : int, optional
        Of each process. Default: the processors of a machine, divided among its processes.

    Returns
    -------
    list of tuple of Machine and int
    """
    if not machines:
        return []
    share = math.ceil(workers / len(machines))
    room = {
        machine.id: min(share, max(1, machine.processors // threads)) if threads else min(share, machine.processors)
        for machine in machines
    }
    turns = [
        (machine, min(threads or machine.processors // room[machine.id], machine.processors))
        for turn in range(share)
        for machine in machines
        if turn < room[machine.id]
    ]
    return turns[:workers]
