"""The maps of the served models: laid out by a process of their own, kept in the cache."""

import hashlib
import importlib.metadata
import logging
import shutil
import signal
import tempfile
from collections.abc import Collection
from contextlib import suppress
from multiprocessing import connection, get_context
from pathlib import Path
from threading import RLock
from typing import NamedTuple, Self

import numpy as np

from corpora.cache import atomic_file, cache_directory, locked, writing
from embeddings.errors import EmbeddingsError
from embeddings.vectors.word_vectors import WordVectors
from pipelines.service.problems import RequestError
from pipelines.service.served import ServedModel
from vecmill.errors import OutputError
from vecmill.python_process import give_way

logger = logging.getLogger(__name__)

WORDS = 50_000
SAMPLED_ROWS = 1000  # that tell models of the same words apart
RETRY_SECONDS = 2
_INTERRUPTED = "the process that lays it out has ended; see whether VECMILL_CACHE is a folder that can be written"


class _Settings(NamedTuple):
    words: int
    method: str | None
    encoding: str


class Layouts:
    """Lays out the words of models, one model after the other.

    Where the cache cannot be written, a temporary directory holds the maps until `close`.

    Parameters
    ----------
    models : collection of ServedModel
    words : int
        Number of words shown; with 0 there are no maps.
    method : {"UMAP", "PCA"}, optional
        See `make_word_map`.
    encoding : str
        Of the words in files that are not UTF-8.
    """

    def __init__(
        self,
        models: Collection[ServedModel],
        words: int = WORDS,
        method: str | None = None,
        encoding: str = "utf-8",
    ) -> None:
        settings = _Settings(words, method, encoding)
        names = {model.name: _file_name(model.vectors, settings) for model in models} if words else {}
        self._temporary: Path | None = None
        self._remedy = "start 'vecmill serve' without --map-words 0"
        folder = self._folder(list(names.values()))
        self._places = {name: folder / file for name, file in names.items()} if folder else {}
        wanted = {model.path: self._places[model.name] for model in models if self._places and model.path}
        missing = {path: place for path, place in wanted.items() if not place.is_file()}
        # a process of its own: UMAP takes memory and the interpreter for a minute
        self._process = get_context("spawn").Process(target=_lay_out_all, args=(missing, settings), daemon=True)
        self._has_work = bool(missing)

    def start(self) -> Self:
        """Begin to lay out what the cache does not hold."""
        for place in self._places.values():
            with suppress(OSError):
                _failure(place).unlink(missing_ok=True)  # of an earlier service
        if self._has_work:
            self._process.start()
        return self

    def close(self) -> None:
        """End the process."""
        if self._has_work:
            self._process.terminate()
            self._process.join()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _folder(self, files: list[str]) -> Path | None:
        """Return the folder of the maps, which can be written unless it holds all of them; None if there is none."""
        try:
            folder = cache_directory() / "maps"
            if not all((folder / file).is_file() for file in files):
                with writing(folder):
                    folder.mkdir(parents=True, exist_ok=True)
                    tempfile.TemporaryFile(dir=folder).close()
        except OutputError as error:
            try:
                folder = self._temporary = Path(tempfile.mkdtemp(prefix="vecmill-maps-"))
            except OSError:
                self._remedy = str(error)
                return None
            logger.warning("maps are kept until the service ends: %s", error)
        return folder

    def data(self, model: ServedModel) -> bytes | None:
        """Return the map of a model as the page reads it, compressed; None while it is laid out."""
        place = self._places.get(model.name)
        if place is None:
            raise RequestError(404, f"{model.name} has no map; {self._remedy}")
        is_working = self._is_working()
        try:
            return place.read_bytes()
        except OSError:
            failed = _reason(place)
            if is_working and failed is None:
                return None
            raise RequestError(404, f"{model.name} has no map: {failed or _INTERRUPTED}") from None

    def _is_working(self) -> bool:
        """Return whether the process runs; workers, which did not start it, ask too."""
        return self._has_work and not connection.wait([self._process.sentinel], timeout=0)


def _file_name(vectors: WordVectors, settings: _Settings) -> str:
    """Return the name of the file of a map in the cache."""
    rows = np.linspace(0, len(vectors) - 1, min(len(vectors), SAMPLED_ROWS)).astype(np.int64)
    sampled = np.ascontiguousarray(vectors.matrix[rows], np.float32)
    version = importlib.metadata.version("vecmill")
    about = f"{version} {settings.words} {settings.method} {vectors.vocabulary.fingerprint()} {sampled.shape}".encode()
    return f"{hashlib.sha256(about + sampled.tobytes()).hexdigest()[:32]}.map"


def _failure(place: Path) -> Path:
    """Return the file that holds the reason why there is no map."""
    return place.with_suffix(".failed")


def _reason(place: Path) -> str | None:
    try:
        return _failure(place).read_text()
    except OSError:
        return None


def _lay_out_all(places: dict[Path, Path], settings: _Settings) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the service, which ends this process
    give_way(10)
    _keep_locks_in_this_process()
    for path, place in places.items():
        try:
            written, content = place, _map(path, place.name, settings)
        except Exception as error:  # the service goes on without this map
            written, content = _failure(place), str(error).encode()
        with suppress(OutputError), locked(place), atomic_file(written) as file:
            file.write(content)


def _keep_locks_in_this_process() -> None:
    """Let tqdm, whose bars UMAP makes and does not show, lock by no semaphore, which a process that is ended leaves."""
    with suppress(ImportError):
        from tqdm import tqdm

        tqdm.set_lock(RLock())


def _map(path: Path, file: str, settings: _Settings) -> bytes:
    """Return the packed map of the model whose map has this name; its directory may hold another one by now."""
    from embeddings import formats
    from embeddings.vectors.word_map import make_word_map
    from pipelines.map_page import packed_map

    vectors = formats.read(path, encoding=settings.encoding)
    if _file_name(vectors, settings) != file:
        raise EmbeddingsError(f"{path} holds another model than the one that is served; start the service again")
    layout = make_word_map(vectors, words=settings.words, method=settings.method)
    return packed_map(layout, vectors.vocabulary.counts[: len(layout.words)])
