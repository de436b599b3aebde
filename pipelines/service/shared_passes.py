"""Neighbours of single queries that arrive while others are answered: one pass over the matrix for all that wait."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embeddings.parallel import own_threads, using_threads
from embeddings.vectors.neighbors import FEW, nearest
from embeddings.vectors.quantized_matrix import QuantizedMatrix
from embeddings.vectors.word_vectors import WordVectors
from pipelines.service.released_pages import release_compiler

if TYPE_CHECKING:
    from embeddings.vectors.rounded_matrix import RoundedMatrix

MOST_AT_ONCE = FEW  # queries of a pass
TURNS = 3  # of the event loop, in which a request is received, read, and asks
COPIED = range(1 << 20, 1 << 26)  # numbers of a matrix: the cache holds fewer, and the copy of more takes memory
FEWEST_FOR_ALL = 5  # queries for which all processors are used; fewer leave the others to the reading of requests


class _Waiting(NamedTuple):
    query: np.ndarray
    exclude: Sequence[int]
    topn: int
    answer: "asyncio.Future[tuple[np.ndarray, np.ndarray]]"


class SharedPasses:
    """Answers queries of one model in the order of their arrival, those that wait together.

    A pass over the matrix costs memory traffic, and little more for many queries than for one. Once several queries
    have waited together, passes go over a copy in 8 bits a number, unless the model is small, or very large. A service
    that seldom has a query does without the memory of the copy and of its kernel.

    Parameters
    ----------
    vectors : WordVectors
    report : callable, optional
        Called with the number of queries of every pass.
    """

    def __init__(self, vectors: WordVectors, report: Callable[[int], object] = lambda queries: None) -> None:
        self._vectors, self._report = vectors, report
        self._thread = ThreadPoolExecutor(1, "neighbors")
        self._preparing = ThreadPoolExecutor(1, "rounded-matrix")
        self._rounded: RoundedMatrix | None = None
        self._may_prepare = self._can_be_copied()
        self._waiting: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None

    async def nearest(self, query: np.ndarray, exclude: Sequence[int], topn: int) -> tuple[np.ndarray, np.ndarray]:
        """Find the words nearest to a unit vector.

        Parameters
        ----------
        query : (d,) float32
        exclude : sequence of int
            Rows that are not answers.
        topn : int

        Returns
        -------
        ids : (k,) int32
            Best first.
        similarities : (k,) float32
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(query, exclude, topn, loop.create_future())
        self._waiting.append(waiting)
        if self._running is None:
            self._running = loop.create_task(self._answer_all())
        return await waiting.answer

    async def _answer_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await self._gather()
            asked, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            asked = [waiting for waiting in asked if not waiting.answer.done()]  # the client has gone
            try:
                found = await loop.run_in_executor(self._thread, self._search, asked) if asked else []
            except Exception as error:  # each of those who wait is told
                for waiting in asked:
                    waiting.answer.set_exception(error)
                continue
            for waiting, answer in zip(asked, found, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(answer)
        self._running = None

    async def _gather(self) -> None:
        """Let all requests that have arrived be read, and ask, before a pass begins."""
        asking = 0
        while asking < len(self._waiting) < MOST_AT_ONCE:
            asking = len(self._waiting)
            for _ in range(TURNS):
                await asyncio.sleep(0)

    def _search(self, asked: list[_Waiting]) -> list[tuple[np.ndarray, np.ndarray]]:
        self._report(len(asked))
        if len(asked) >= FEWEST_FOR_ALL and self._may_prepare:
            self._may_prepare = False
            self._preparing.submit(self._prepare)
        exclude = np.full((len(asked), max(len(waiting.exclude) for waiting in asked)), -1, np.int32)
        for place, waiting in enumerate(asked):
            exclude[place, : len(waiting.exclude)] = waiting.exclude
        queries, topn = np.stack([waiting.query for waiting in asked]), max(waiting.topn for waiting in asked)
        with own_threads, using_threads(None if len(asked) >= FEWEST_FOR_ALL else 1):  # BLAS's threads would spin
            if self._rounded is not None:
                ids, similarities = self._rounded.nearest(queries, topn, exclude)
            else:
                ids, similarities = nearest(self._vectors.unit_matrix, queries, topn, exclude)
        found = []
        for waiting, rows, cosines in zip(asked, ids, similarities, strict=True):
            kept = np.flatnonzero(cosines > -np.inf)[: waiting.topn]
            found.append((rows[kept], cosines[kept]))
        return found

    def _can_be_copied(self) -> bool:
        matrix: np.ndarray | QuantizedMatrix = self._vectors.matrix
        return not isinstance(matrix, QuantizedMatrix) and matrix.size in COPIED

    def _prepare(self) -> None:
        """Copy the matrix, if it has finite rows, and load the kernel by a first query."""
        from embeddings.vectors.rounded_matrix import RoundedMatrix  # slow to import: Numba

        with suppress(ValueError), using_threads(1):
            rounded = RoundedMatrix(self._vectors.unit_matrix)
            rounded.nearest(np.zeros((1, self._vectors.dimension), np.float32), 1)
            self._rounded = rounded
        release_compiler()

    def close(self) -> None:
        """End the threads."""
        self._thread.shutdown()
        self._preparing.shutdown()
