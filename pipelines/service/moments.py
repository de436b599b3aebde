"""The maps of a training while it runs: the newest moment is laid out by a process of its own."""

import json
import logging
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from safetensors.numpy import load, save

from vecmill.errors import VecmillError
from vecmill.workers import WorkerProcess

if TYPE_CHECKING:
    from embeddings.text.vocabulary import Vocabulary
    from embeddings.word2vec.snapshots import Snapshot

logger = logging.getLogger(__name__)

_LAST_IN_LINE = 19  # niceness: the training has the processors first


class Moment(NamedTuple):
    """A moment that is laid out.

    Attributes
    ----------
    number : int
        From 1.
    trained : int
        Words of the text trained by then.
    page : bytes
        The map as the page reads it, compressed.
    """

    number: int
    trained: int
    page: bytes


class Moments:
    """Lays out snapshots in a thread that waits for a process; snapshots that arrive meanwhile replace each other.

    Parameters
    ----------
    vocabulary : Vocabulary
        Words and counts of the rows of the snapshots, and more.

    Attributes
    ----------
    latest : Moment or None
    failure : str
        Why there is no map; usually empty.
    """

    def __init__(self, vocabulary: "Vocabulary") -> None:
        self.latest: Moment | None = None
        self.failure = ""
        self._vocabulary = vocabulary
        self._waiting: Snapshot | None = None
        self._ended = False
        self._changed = threading.Condition()
        self._worker = WorkerProcess(lay_out)
        self._former: dict[str, np.ndarray] = {}
        self._thread = threading.Thread(target=self._work, name="moments", daemon=True)
        self._thread.start()

    def offer(self, snapshot: "Snapshot") -> None:
        """Lay out a snapshot next."""
        with self._changed:
            self._waiting = snapshot
            self._changed.notify()

    def close(self, patience: float) -> None:
        """End; wait some seconds for the last snapshot to be laid out.

        Parameters
        ----------
        patience : float
            Seconds.
        """
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(patience)
        self._worker.kill()
        self._thread.join()
        self._worker.close()

    def _next(self) -> "Snapshot | None":
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._ended)
            snapshot, self._waiting = self._waiting, None
            return snapshot

    def _work(self) -> None:
        try:
            while (snapshot := self._next()) is not None:
                answer = self._worker.call(self._request(snapshot))
                if not answer:
                    return
                tensors = load(answer)
                page = tensors.pop("page").tobytes()
                self._former = tensors
                number = self.latest.number + 1 if self.latest else 1
                self.latest = Moment(number, snapshot.trained, page)
        except VecmillError as error:
            self.failure = str(error)
        except Exception:  # the training goes on
            self.failure = "the words cannot be laid out; the log has the reason"
            logger.exception("the page of --watch shows no map")

    def _request(self, snapshot: "Snapshot") -> bytes:
        n = len(snapshot.directions)
        words = np.frombuffer(json.dumps(self._vocabulary.words[:n]).encode(), np.uint8)
        counts = np.asarray(self._vocabulary.counts[:n], np.int64)
        return save({"words": words, "counts": counts, "directions": snapshot.directions, **self._former})


def lay_out(request: bytes) -> bytes:
    """Lay out a snapshot; the function of the process.

    Parameters
    ----------
    request : bytes
        Tensors: words (JSON), counts, directions, and positions and clusters of the moment before.

    Returns
    -------
    bytes
        Tensors: the page, positions and clusters.
    """
    with suppress(AttributeError, OSError):  # Windows has no setpriority
        os.setpriority(os.PRIO_PROCESS, 0, _LAST_IN_LINE)
    from embeddings import Vocabulary, WordVectors
    from embeddings.vectors.word_map import PCA, Former, make_word_map
    from pipelines.map_page import packed_map

    given = load(request)
    words, counts = json.loads(given["words"].tobytes()), given["counts"]
    vectors = WordVectors(Vocabulary.from_words(words, counts.tolist()), given["directions"].astype(np.float32))
    former = Former(given["positions"], given["clusters"]) if "positions" in given else None
    found = make_word_map(vectors, words=len(words), method=PCA, former=former)
    page = np.frombuffer(packed_map(found, counts), np.uint8)
    return save({"page": page, "positions": np.ascontiguousarray(found.positions), "clusters": found.clusters})
