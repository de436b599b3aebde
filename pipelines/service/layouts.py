"""The maps of the served models: laid out by a process of their own, kept in the cache."""

import hashlib
import importlib.metadata
import logging
import os
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from corpora.cache import atomic_file, cache_directory, locked
from embeddings.vectors.word_vectors import WordVectors
from pipelines.service.problems import RequestError
from pipelines.service.served import ServedModel
from vecmill.errors import VecmillError

logger = logging.getLogger(__name__)

WORDS = 50_000
SAMPLED_ROWS = 1000  # that tell models of the same words apart
RETRY_SECONDS = 2


class Layouts:
    """Lays out the words of models, one model after the other.

    Parameters
    ----------
    words : int
        Number of words shown; with 0 there are no maps.
    method : {"UMAP", "PCA"}, optional
        See `make_word_map`.
    encoding : str
        Of the words in files that are not UTF-8.
    """

    def __init__(self, words: int = WORDS, method: str | None = None, encoding: str = "utf-8") -> None:
        self._words, self._method, self._encoding = words, method, encoding
        self._found: dict[str, Future[Path]] = {}
        self._pool: ProcessPoolExecutor | None = None

    def start(self, models: Iterable[ServedModel]) -> None:
        """Begin to lay out what the cache does not hold."""
        if not self._words:
            return
        for model in models:
            place = _place(model.vectors, self._words, self._method)
            self._found[model.name] = done = Future[Path]()
            if place.is_file():
                done.set_result(place)
            elif len(model.vectors) < 3 or model.vectors.dimension < 2 or model.path is None:
                done.set_exception(VecmillError("a map needs 3 words and 2 dimensions"))
            else:
                # a process of its own: UMAP takes memory and the interpreter for a minute
                self._pool = self._pool or ProcessPoolExecutor(1, get_context("spawn"))
                self._found[model.name] = self._pool.submit(
                    _lay_out, model.path, self._encoding, place, self._words, self._method
                )

    def data(self, name: str) -> bytes:
        """Return the map of a model as the page reads it, compressed; a 503 while it is laid out."""
        found = self._found.get(name)
        if found is None:
            raise RequestError(404, f"{name} has no map; start 'vecmill serve' without --no-map")
        if not found.done():
            raise RequestError(503, f"the words of {name} are being laid out", Retry_After=str(RETRY_SECONDS))
        if failed := found.exception():
            raise RequestError(404, f"{name} has no map: {failed}")
        try:
            return found.result().read_bytes()
        except OSError as error:
            raise RequestError(404, f"{name} has no map: {error}") from None

    def close(self) -> None:
        """End the process."""
        if self._pool is None:
            return
        for process in list((self._pool._processes or {}).values()):  # shutdown alone would wait for the layout
            process.terminate()
        self._pool.shutdown(cancel_futures=True)


def _place(vectors: WordVectors, words: int, method: str | None) -> Path:
    """Return the file of the cache for a model and settings."""
    rows = np.linspace(0, len(vectors) - 1, min(len(vectors), SAMPLED_ROWS)).astype(np.int64)
    sampled = np.ascontiguousarray(vectors.matrix[rows], np.float32)
    version = importlib.metadata.version("vecmill")
    about = f"{version} {words} {method} {vectors.vocabulary.fingerprint()} {sampled.shape}".encode()
    return cache_directory() / "maps" / f"{hashlib.sha256(about + sampled.tobytes()).hexdigest()[:32]}.map"


def _lay_out(model: Path, encoding: str, place: Path, words: int, method: str | None) -> Path:
    with suppress(AttributeError, OSError):
        os.nice(10)
    from embeddings import formats
    from embeddings.vectors.word_map import make_word_map
    from pipelines.map_page import packed_map

    vectors = formats.read(model, encoding=encoding)
    layout = make_word_map(vectors, words=words, method=method)
    content = packed_map(layout, vectors.vocabulary.counts[: len(layout.words)])
    with locked(place), atomic_file(place) as file:
        file.write(content)
    return place
