"""The maps of a training while it runs: the newest moment is laid out by a process of its own."""

import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from safetensors.numpy import load, save

from vecmill.errors import VecmillError
from vecmill.workers import WorkerProcess

if TYPE_CHECKING:
    from embeddings.text.vocabulary import Vocabulary
    from embeddings.word2vec.snapshots import Snapshot

logger = logging.getLogger(__name__)

_REST = 9  # seconds for each second of a processor that a moment took: a tenth of one processor at most
_FIRST_WORDS = [f"w{number}" for number in range(60)]  # laid out while the text is read: all is imported then


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

    Attributes
    ----------
    latest : Moment or None
    failure : str
        Why there is no map; usually empty.
    """

    def __init__(self) -> None:
        self.latest: Moment | None = None
        self.failure = ""
        self._vocabulary: Vocabulary | None = None
        self._waiting: Snapshot | None = None
        self._ended = False
        self._changed = threading.Condition()
        self._worker = WorkerProcess(lay_out)
        self._former: dict[str, np.ndarray] = {}
        self._thread = threading.Thread(target=self._work, name="moments", daemon=True)
        self._thread.start()

    def begin(self, vocabulary: "Vocabulary") -> None:
        """Set words and counts of the rows of the snapshots, and more."""
        self._vocabulary = vocabulary

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
            self._worker.call(_request(_FIRST_WORDS, np.ones(60, np.int64), np.eye(60, 8, dtype=np.int8)))
            while (snapshot := self._next()) is not None:
                assert self._vocabulary is not None
                n = len(snapshot.directions)
                words, counts = self._vocabulary.words[:n], self._vocabulary.counts[:n]
                answer = self._worker.call(_request(words, counts, snapshot.directions, self._former))
                if not answer:
                    return
                tensors = load(answer)
                page, seconds = tensors.pop("page").tobytes(), float(tensors.pop("seconds")[0])
                self._former = tensors
                number = self.latest.number + 1 if self.latest else 1
                self.latest = Moment(number, snapshot.trained, page)
                with self._changed:
                    self._changed.wait_for(lambda: self._ended, _REST * seconds)
        except VecmillError as error:
            self.failure = str(error)
        except Exception:  # the training goes on
            self.failure = "the words cannot be laid out; the log has the reason"
            logger.exception("the page of --watch shows no map")


def _request(
    words: Sequence[str], counts: np.ndarray, directions: np.ndarray, former: Mapping[str, np.ndarray] | None = None
) -> bytes:
    text = np.frombuffer(json.dumps(words).encode(), np.uint8)
    tensors = {"words": text, "counts": np.asarray(counts, np.int64), "directions": directions, **(former or {})}
    return save(tensors)


def lay_out(request: bytes) -> bytes:
    """Lay out a snapshot; the function of the process.

    Parameters
    ----------
    request : bytes
        Tensors: words (JSON), counts, directions, and positions and clusters of the moment before.

    Returns
    -------
    bytes
        Tensors: the page, positions and clusters, and the seconds of the processor that it took.
    """
    began = time.process_time()
    from embeddings import Vocabulary, WordVectors
    from embeddings.vectors.word_map import PCA, Former, make_word_map
    from pipelines.map_page import packed_map

    given = load(request)
    words, counts = json.loads(given["words"].tobytes()), given["counts"]
    vectors = WordVectors(Vocabulary.from_words(words, counts.tolist()), given["directions"].astype(np.float32))
    former = Former(given["positions"], given["clusters"]) if "positions" in given else None
    found = make_word_map(vectors, words=len(words), method=PCA, former=former)
    page = np.frombuffer(packed_map(found, counts), np.uint8)
    seconds = np.array([time.process_time() - began])
    positions = np.ascontiguousarray(found.positions)
    return save({"page": page, "positions": positions, "clusters": found.clusters, "seconds": seconds})
