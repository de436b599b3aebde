"""The number of requests in flight, which the workers of a service share."""

import mmap


class InFlight:
    """Counts requests, and says whether there are too many of them in all workers together.

    Parameters
    ----------
    most : int
        Requests answered at the same time.
    workers : int
        Processes that are forked after this was made.
    """

    def __init__(self, most: int, workers: int = 1) -> None:
        self.most = most
        self._counts = memoryview(mmap.mmap(-1, 8 * workers)).cast("q")  # of every worker; memory that forks share
        self._worker = 0

    def begin(self, worker: int) -> None:
        """Count from now on for one worker, from 0; one that ended before may have left requests."""
        self._worker = worker
        self._counts[worker] = 0

    def enter(self) -> None:
        """Count a request."""
        self._counts[self._worker] += 1

    def leave(self) -> None:
        """Count a request no longer."""
        self._counts[self._worker] -= 1

    @property
    def too_many(self) -> bool:
        """Whether more than `most` are in flight."""
        return sum(self._counts) > self.most
