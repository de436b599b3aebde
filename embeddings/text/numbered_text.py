"""A tokenized text whose words have one id each, in one mapped file, with the hashes by which phrases are known."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.misread import without_words
from embeddings.text.phrase_kernels import HASHES, hash_words
from embeddings.text.tokenized_corpus import TokenizedCorpus, ids_name
from embeddings.text.tokenizer.counted_words import Words
from embeddings.text.tokenizer.kernels import LINE_END_ID
from embeddings.text.tokenizer.word_table import WordTable

BETWEEN_PARTS = b"\xff"
"""Stands between the words of a phrase that is known by its parts: no byte of UTF-8."""
_STRETCH = 1 << 18  # ids that one thread processes at a time
_IDS_AT_ONCE = 1 << 16
_WORDS_AT_ONCE = 1 << 16

Result = TypeVar("Result")


class Stretch(NamedTuple):
    """Whole sentences of one source: ``ids[first:end]``."""

    first: int
    end: int
    source: int


class NumberedText:
    """A tokenized text whose words have the same ids everywhere.

    Parameters
    ----------
    tokenized : TokenizedCorpus
    directory : Path
        Receives the ids in a file of its own; it may be missing.
    connectors : collection of str
        Connector words.
    threads : int

    Attributes
    ----------
    ids : (n,) int32
        Memory-mapped: 1 to V, and `LINE_END_ID`.
    words : Words
        The words by id; word i has the id i + 1.
    counts : (V,) int64
    connector : (V + 1,) bool
        By id.
    stretches : list of Stretch
        In the order of the text.
    """

    def __init__(self, tokenized: TokenizedCorpus, directory: Path, connectors: Iterable[str], threads: int) -> None:
        self.tokenized, self.directory, self.threads = tokenized, directory, threads
        self.table = WordTable()
        final = {place: self._numbered(*place) for place in tokenized.spills()}
        self.words, self.counts = self.table.export(min_count=0)
        if not len(self.counts):
            raise without_words(tokenized.skipped)
        self.connector = np.zeros(len(self.counts) + 1, bool)
        self.connector[self.table.find(words_of(map(str.encode, connectors)))] = True
        self.connector[LINE_END_ID] = False
        ends = np.cumsum(tokenized.parts[:, 3])
        directory.mkdir(exist_ok=True)
        self._file = _mapped(directory / ids_name(0), int(ends[-1]))
        self.ids = np.asarray(self._file)

        def number(part: int) -> None:
            worker, spill, _, size, _ = tokenized.parts[part].tolist()
            provisional, numbers = tokenized.ids(part), final[worker, spill]
            if provisional.min(initial=0) < 0 or provisional.max(initial=0) >= len(numbers):
                raise EmbeddingsError(f"{tokenized.directory} is damaged; tokenize the corpus again")
            self.ids[ends[part] - size : ends[part]] = numbers[provisional]

        self.each(number, range(len(ends)))
        self.stretches = list(self._whole_sentences(ends))
        self._hashes: dict[bytes, np.ndarray] = {}

    def _numbered(self, worker: int, spill: int) -> np.ndarray:
        """Return the final ids of the words of a spill by provisional id."""
        spilled = self.tokenized.spilled_counts(worker, spill)
        final = np.zeros(spilled.size + 1, np.int32)
        final[spilled.ids()] = self.table.add(spilled.words())
        return final

    def _whole_sentences(self, ends: np.ndarray) -> Iterator[Stretch]:
        """Cut the text where sentences end: soon after every `_STRETCH` ids, and where a source may end."""
        first = 0
        for end in np.union1d(ends, np.arange(_STRETCH, len(self.ids), _STRETCH)).tolist():
            while first < end < len(self.ids) and self.ids[end - 1] != LINE_END_ID:
                found = np.flatnonzero(self.ids[end : end + _IDS_AT_ONCE] == LINE_END_ID)
                end = end + int(found[0]) + 1 if len(found) else min(end + _IDS_AT_ONCE, len(self.ids))
            if end > first:
                part = int(np.searchsorted(ends, first, side="right"))
                yield Stretch(first, end, int(self.tokenized.parts[part, 4]))
                first = end

    def flush(self) -> None:
        """Write the ids to their file, so that other machines read them."""
        self._file.flush()

    def each(self, work: Callable[[int], Result], numbers: Iterable[int]) -> list[Result]:
        """Call a function with each number, in threads; return the results in order."""
        with ThreadPoolExecutor(self.threads, "phrases") as pool:
            return list(pool.map(work, numbers))

    def hashes(self, delimiter: bytes) -> np.ndarray:
        """Return the hashes of the words by id, (V + 1, 6) uint64; see `hash_words`."""
        if delimiter in self._hashes:
            return self._hashes[delimiter]
        hashes = self._hashes[delimiter] = np.zeros((len(self.counts) + 1, HASHES), np.uint64)

        def work(first: int) -> None:
            part = np.arange(first, min(first + _WORDS_AT_ONCE, len(self.counts)))
            hash_spans(self.words.take(part), delimiter, hashes[1 + first : 1 + first + _WORDS_AT_ONCE])

        self.each(work, range(0, len(self.counts), _WORDS_AT_ONCE))
        return hashes

    def sequences(self, places: np.ndarray) -> Iterator[tuple[str, ...]]:
        """Yield the words from the first to the last place of each row of `places`, (n, 2) int64."""
        lengths = places[:, 1] - places[:, 0] + 1
        shifts = places[:, 0] - np.cumsum(lengths) + lengths
        ids, which = np.unique(self.ids[np.repeat(shifts, lengths) + np.arange(lengths.sum())], return_inverse=True)
        words = list(map(bytes.decode, self.words.take(ids - 1).to_bytes()))
        flat = map(words.__getitem__, which.tolist())
        yield from (tuple(islice(flat, length)) for length in lengths.tolist())


def _mapped(path: Path, size: int) -> "np.memmap[Any, Any]":
    """Map a new file of ids into memory, (size,) int32.

    It is written first: where a disk is full, writing is an error, but a mapped file that has no room ends the process.
    """
    with path.open("wb") as file:
        for first in range(0, size, _IDS_AT_ONCE):
            file.write(bytes(4 * min(_IDS_AT_ONCE, size - first)))
    return np.memmap(path, "<i4", "r+")


def words_of(words: Iterable[bytes]) -> Words:
    """Return words as spans of bytes."""
    return Words.from_bytes(list(words))


def hash_spans(words: Words, delimiter: bytes, hashes: np.ndarray) -> None:
    """Write the hashes of words, (n, 6) uint64; see `hash_words`."""
    with np.errstate(over="ignore"):
        hash_words(words.letters, words.starts, words.ends, np.frombuffer(delimiter or b"", np.uint8), hashes)
