"""A tokenized text on disk: provisional word ids, the words of these ids, and their counts.

A directory contains

    tokenized.json             settings of the tokenizer and totals
    ids-<worker>.bin           little-endian int32, part after part: words from 1 on, 0 at the end of a line
    words-<worker>-<n>.bin     the words of spill n of a worker; see `embeddings.text.tokenizer.spilled_counts`
    parts.npy                  (p, 5) int64 in the order of the text: worker, spill, first id, number of ids,
                               source

Each worker numbers words in the order in which it finds them. When its table of words reaches the size limit, the
worker writes (spills) the table to disk and begins a new one, which bounds memory for any text. The assignment of
blocks to workers is random, but the results of `build_vocabulary` and `encode_corpus` do not depend on it.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from embeddings.array_files import read_array, read_items, save_array
from embeddings.errors import EmbeddingsError
from embeddings.text.misread import unsegmented_runs, warn_if_misread
from embeddings.text.tokenizer.spilled_counts import SpilledCounts, write_spilled_counts
from embeddings.text.tokenizer.token_lists import TokenLists
from embeddings.text.tokenizer.tokenizers import Tokenizer
from embeddings.text.tokenizer.word_counters import WordCounter
from embeddings.threads import thread_count
from vecmill.arguments import require_path
from vecmill.files import atomic_directory, write_json, writing
from vecmill.records import require_types

_TABLES_BYTES = 96 << 20  # memory of the word tables of all workers
_LARGEST_TABLE = 48 << 20
_SMALLEST_TABLE = 6 << 20
_FORMAT = 3


@dataclass(frozen=True, kw_only=True)
class TokenizedCorpus:
    """A directory that `tokenize_corpus` has written.

    Attributes
    ----------
    directory : Path
    tokenizer : dict
        Settings of the tokenizer.
    byte_count, token_count : int
        Bytes and tokens of the text.
    word_count : int
        Sum of the words of all spills; a word in several spills counts several times.
    skipped : dict of str to int
        Counts of text that gave no token, by kind: invalid UTF-8, control characters, too long words.
    sources : list of str
        Names of the texts, in the order in which they were read; empty for a single text.
    parts : (p, 5) int64
        Worker, spill, first id, number of ids and source (index into `sources`), in the order of the text.
    """

    directory: Path
    tokenizer: dict[str, Any]
    byte_count: int
    token_count: int
    word_count: int
    skipped: dict[str, int]
    sources: list[str]
    parts: np.ndarray

    @classmethod
    def open(cls, directory: str | PathLike[str]) -> "TokenizedCorpus":
        """Open a directory.

        Parameters
        ----------
        directory : path

        Returns
        -------
        TokenizedCorpus

        Raises
        ------
        EmbeddingsError
            The directory holds no tokenized text, or is damaged.
        """
        require_path("directory", directory)
        directory = Path(directory)
        try:
            about = json.loads((directory / "tokenized.json").read_text("utf-8"))
            if about.pop("format") != _FORMAT:
                raise EmbeddingsError(f"{directory} is of another version; tokenize the corpus again")
            corpus = cls(directory=directory, parts=_checked(read_array(directory / "parts.npy")), **about)
            require_types(corpus)
            if corpus.parts[:, 4].max(initial=0) >= max(1, len(corpus.sources)):
                raise ValueError(f"parts.npy names a text that is none of the {len(corpus.sources)}")
            return corpus
        except FileNotFoundError as error:
            raise EmbeddingsError(f"{directory} has no {Path(error.filename).name}; expected tokenized text") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EmbeddingsError(f"{directory} is damaged ({error}); tokenize the corpus again") from error

    def write_record(self, directory: Path) -> None:
        """Write ``tokenized.json`` and ``parts.npy``, which describe the other files of a directory."""
        about = {**asdict(self), "format": _FORMAT}
        del about["directory"], about["parts"]
        save_array(directory / "parts.npy", self.parts)
        write_json(directory / "tokenized.json", about)

    def spills(self) -> list[tuple[int, int]]:
        """Return worker and number of every spill."""
        return [(worker, number) for worker, number in np.unique(self.parts[:, :2], axis=0).tolist()]

    def spilled_counts(self, worker: int, number: int) -> SpilledCounts:
        """Open the words and counts of a spill.

        Parameters
        ----------
        worker, number : int
            A pair of `spills`.

        Returns
        -------
        SpilledCounts

        Raises
        ------
        EmbeddingsError
            The file is missing or damaged.
        """
        return SpilledCounts(self.directory / words_name(worker, number))

    def ids(self, part: int) -> np.ndarray:
        """Read the provisional ids of a part.

        Parameters
        ----------
        part : int
            Row of `parts`.

        Returns
        -------
        (n,) int32

        Raises
        ------
        EmbeddingsError
            The file is missing or truncated.
        """
        worker, _, first, number, _ = self.parts[part].tolist()
        path = self.directory / ids_name(worker)
        try:
            if path.stat().st_size < 4 * (first + number):
                raise EmbeddingsError(f"{path} is cut short; tokenize the corpus again")
            return read_items(path, "<i4", number, first)
        except OSError as error:
            raise EmbeddingsError(f"cannot read {path}: {error.strerror}; tokenize the corpus again") from error


def tokenize_corpus(
    blocks: Iterable[bytes] | Mapping[str, Iterable[bytes]],
    tokenizer: Tokenizer,
    directory: str | PathLike[str],
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
    table_bytes: int | None = None,
) -> TokenizedCorpus:
    """Tokenize a text and count its words.

    Parameters
    ----------
    blocks : iterable of bytes, or mapping of str to iterable of bytes
        UTF-8 text; the end of a block ends a word, but not a line. A mapping holds several named texts, which are read
        one after the other; the end of a text ends a line.
    tokenizer : Tokenizer
    directory : path
        Output directory, which must not exist or be empty.
    threads : int, optional
        By default one per processor core. Tokenizers written in Python use one.
    progress : callable, optional
        Called with the number of bytes read so far.
    table_bytes : int, optional
        Memory of one thread's word table. By default 96 MB divided by the number of threads, from 6 to 48 MB.

    Returns
    -------
    TokenizedCorpus

    Raises
    ------
    OutputError
        `directory` exists or cannot be written.
    """
    threads = thread_count(threads) if tokenizer.uses_threads else 1
    room = table_bytes or max(_SMALLEST_TABLE, min(_LARGEST_TABLE, _TABLES_BYTES // threads))
    with atomic_directory(directory, sync=False) as partial:  # no sync: reading detects damage
        with ExitStack() as stack:
            workers = [_Worker(number, tokenizer.counter(room), partial) for number in range(threads)]
            for worker in workers:
                stack.callback(worker.close)
            byte_count = _distribute(_numbered(blocks), workers, progress)
        skipped: Counter[str] = Counter()
        for worker in workers:
            skipped.update(worker.counter.skipped)
        parts = sorted(part for worker in workers for part in worker.parts)
        corpus = TokenizedCorpus(
            directory=Path(directory),
            tokenizer=tokenizer.settings,
            byte_count=byte_count,
            token_count=sum(worker.token_count for worker in workers),
            word_count=sum(worker.word_count for worker in workers),
            skipped=dict(skipped),
            sources=list(blocks) if isinstance(blocks, Mapping) else [],
            parts=np.array([part[2:] for part in parts], np.int64).reshape(-1, 5),
        )
        with writing(directory):
            corpus.write_record(partial)
    if not isinstance(tokenizer, TokenLists):
        runs = sum((worker.runs for worker in workers), Counter[str]())
        warn_if_misread(corpus.token_count, corpus.skipped, runs)
    return corpus


def _numbered(blocks: Iterable[bytes] | Mapping[str, Iterable[bytes]]) -> Iterator[tuple[int, bytes, int]]:
    """Yield the source, the block and its size; append a line end to a text that has none at its end."""
    for source, texts in enumerate(blocks.values() if isinstance(blocks, Mapping) else [blocks]):
        block = b"\n"
        for block in texts:
            yield source, block, len(block)
        if isinstance(block, bytes) and not block.endswith(b"\n"):  # a block of `TokenLists` ends all sentences
            yield source, b"\n", 0


def _distribute(
    blocks: Iterable[tuple[int, bytes, int]], workers: list["_Worker"], progress: Callable[[int], None] | None
) -> int:
    """Give each block to an idle worker, and read the next when one is idle; return the number of bytes read."""
    idle: SimpleQueue[_Worker] = SimpleQueue()
    errors: list[BaseException] = []
    byte_count = 0

    def read(worker: _Worker, number: int, source: int, block: bytes) -> None:
        try:
            worker.read(number, source, block)
        except BaseException as error:  # re-raised in the caller's thread
            errors.append(error)
        idle.put(worker)

    for worker in workers:
        idle.put(worker)
    with ThreadPoolExecutor(len(workers), "tokenizer") as pool:
        for number, (source, block, size) in enumerate(blocks):
            worker = idle.get()
            if errors:
                break
            pool.submit(read, worker, number, source, block)
            byte_count += size
            if progress and size:
                progress(byte_count)
    if errors:
        raise errors[0]
    with ThreadPoolExecutor(len(workers), "tokenizer") as pool:
        list(pool.map(_Worker.finish, workers))
    return byte_count


class _Worker:
    """Writer of the ids and words of one thread.

    Parameters
    ----------
    number : int
        Number of the worker.
    counter : WordCounter
    directory : Path
        Directory of the files.

    Attributes
    ----------
    parts : list of tuple
        Number of the block, number of the part in it, worker, spill, first id, number of ids, source.
    runs : Counter of str
        Counts of `unsegmented_runs`.
    """

    def __init__(self, number: int, counter: WordCounter, directory: Path) -> None:
        self.counter = counter
        self.parts: list[tuple[int, int, int, int, int, int, int]] = []
        self.token_count = self.word_count = 0
        self.runs: Counter[str] = Counter()
        self._number = number
        self._directory = directory
        self._spill = self._id_count = self._source = 0
        self._path = directory / ids_name(number)
        with writing(self._path):
            self._file = self._path.open("wb")

    def read(self, block_number: int, source: int, block: bytes) -> None:
        """Tokenize a block."""
        self._source = source
        self._write(block_number, self.counter.ids(block))

    def finish(self) -> None:
        """Write the remaining ids and words."""
        self._write(sys.maxsize, self.counter.last_ids())
        self._save_words()
        self.close()

    def close(self) -> None:
        """Close the file of ids; it may be called more than once."""
        with writing(self._path):
            self._file.close()

    def _write(self, block_number: int, parts: Iterator[np.ndarray]) -> None:
        for part, ids in enumerate(parts):
            place = (block_number, part, self._number, self._spill, self._id_count, len(ids), self._source)
            if ids.size:
                with writing(self._path):
                    self._file.write(ids.data)
                self.parts.append(place)
                self._id_count += len(ids)
            if self.counter.is_full:
                self._save_words()

    def _save_words(self) -> None:
        """Spill the word table to disk; the next id belongs to a new spill."""
        table = self.counter.take_words()
        path = self._directory / words_name(self._number, self._spill)
        with writing(path):
            words = write_spilled_counts(path, table)
        self.runs += unsegmented_runs(words)
        self.token_count += table.total
        self.word_count += len(table)
        self._spill += 1


def _checked(parts: np.ndarray) -> np.ndarray:
    if parts.dtype != np.int64 or parts.ndim != 2 or parts.shape[1] != 5 or parts.min(initial=0) < 0:
        raise ValueError(f"parts.npy holds {parts.dtype} of shape {parts.shape}, expected places in the files of ids")
    return parts


def ids_name(worker: int) -> str:
    """Return the name of the file of a worker's ids."""
    return f"ids-{worker}.bin"


def words_name(worker: int, spill: int) -> str:
    """Return the name of the file of a spill's words."""
    return f"words-{worker}-{spill}.bin"
