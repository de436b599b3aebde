"""Where independent tasks over parts of a text run: in this process, or on a cluster."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Executor(Protocol):
    """Runs tasks; `pipelines.backends` has one for clusters.

    A task may run twice, also at the same time, when a machine is lost: it returns the same, and what it writes has a
    name of its own.
    """

    @property
    def tasks(self) -> int:
        """How many tasks keep all processors busy; a task of an executor with one has all threads."""
        ...

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield the results in the order of the items."""
        ...


class InProcess:
    """Runs one task after the other in this process."""

    tasks = 1

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield the results in the order of the items.

        Parameters
        ----------
        work : callable
        items : iterable

        Yields
        ------
        object
        """
        yield from map(work, items)


IN_PROCESS = InProcess()
