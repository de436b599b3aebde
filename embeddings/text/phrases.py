"""Phrases of a tokenized text: found by counting adjacent words, and joined to words of their own.

Joining makes another tokenized text of a tokenized text, so that the vocabulary and the encoding know nothing of
phrases: new_york is a word like any other, and counts are exact. Phrases are found before the vocabulary is made, since
the words that it leaves out count too (Mikolov et al. 2013, "Distributed representations of words and phrases and their
compositionality"; the numbers are those of gensim's `Phrases` for the same tokens).

A pass reads the text three times, by threads:

    count     words and pairs of words, in tables for ranges of keys. A table that reaches its size limit gives up the
              upper half of its range, which is counted when the lower half is done: memory is bounded, and counts are
              exact
    select    scores every pair of adjacent words that is frequent enough
    join      replaces the phrases by their ids, in place

Memory: a mapped file of 4 bytes a token, about 250 bytes a distinct word, and the tables of pairs, 256 MB at most.
"""

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import NamedTuple, TypeVar

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.phrase_kernels import (
    HASHES,
    NO_CHAIN,
    NUMBER,
    NUMBER_BITS,
    Chain,
    Scorer,
    add_keys,
    find_keys,
    hash_words,
    join_phrases,
    pair_keys,
    select_phrases,
    word_keys,
)
from embeddings.text.phrase_table import Phrase, PhraseSettings, PhraseTable
from embeddings.text.tokenized_corpus import TokenizedCorpus, ids_name, words_name
from embeddings.text.tokenizer.counted_words import CountedWords, Words
from embeddings.text.tokenizer.kernels import LINE_END_ID
from embeddings.text.tokenizer.spilled_counts import write_spilled_counts
from embeddings.text.tokenizer.word_table import WordTable
from embeddings.threads import thread_count
from vecmill.files import atomic_directory, writing

logger = logging.getLogger(__name__)

TABLE_BYTES = 256 << 20
"""Largest size of the tables of pairs of all threads."""
_PIECE = 1 << 14  # ids whose keys stay in the processor's cache
_WORDS_AT_ONCE = 1 << 16
_SLOT_BYTES = 16
_FEWEST_SLOTS = 1 << 12
_RANGES_PER_THREAD = 4  # so that threads seldom wait for a table
_FULLEST = 0.75  # share of the slots in use
_ALL_KEYS = 1 << 64
_BETWEEN_PARTS = b"\xff"  # no byte of UTF-8
_MOST_JOINED = 0.5  # share of the tokens above which a warning says so

Result = TypeVar("Result")
Report = Callable[[str], None]
"""Called with what is done now: "pass 1: counting pairs"."""


def find_phrases(
    tokenized: TokenizedCorpus,
    settings: PhraseSettings,
    threads: int | None = None,
    report: Report | None = None,
    table_bytes: int = TABLE_BYTES,
) -> PhraseTable:
    """Find the phrases of a text.

    Parameters
    ----------
    tokenized : TokenizedCorpus
    settings : PhraseSettings
        With one pass or more.
    threads : int, optional
        By default one per processor core.
    report : callable, optional
        Called with what is done now.
    table_bytes : int
        Largest size of the tables of pairs of all threads; with a smaller one the text is read more often.

    Returns
    -------
    PhraseTable

    Raises
    ------
    EmbeddingsError
        The text has no words.
    """
    with tempfile.TemporaryDirectory(prefix="vecmill-") as folder:
        return _learn(tokenized, Path(folder), settings, thread_count(threads), report, table_bytes, joins_last=False)


def join_found_phrases(
    tokenized: TokenizedCorpus,
    directory: str | PathLike[str],
    settings: PhraseSettings,
    threads: int | None = None,
    report: Report | None = None,
    table_bytes: int = TABLE_BYTES,
) -> tuple[PhraseTable, TokenizedCorpus]:
    """Find the phrases of a text and write the text with its phrases joined.

    Parameters
    ----------
    tokenized : TokenizedCorpus
    directory : path
        Output directory, which must not exist or be empty.
    settings : PhraseSettings
        With one pass or more.
    threads : int, optional
        By default one per processor core.
    report : callable, optional
        Called with what is done now.
    table_bytes : int
        See `find_phrases`.

    Returns
    -------
    phrases : PhraseTable
    joined : TokenizedCorpus
        Its words are those that are left, and the phrases.

    Raises
    ------
    EmbeddingsError
        The text has no words, or every sentence became one word.
    OutputError
        `directory` exists or cannot be written.
    """
    with atomic_directory(directory, sync=False) as partial, writing(directory):
        table = _learn(tokenized, partial, settings, thread_count(threads), report, table_bytes, joins_last=True)
    return table, TokenizedCorpus.open(directory)


def join_given_phrases(
    tokenized: TokenizedCorpus, directory: str | PathLike[str], table: PhraseTable, threads: int | None = None
) -> TokenizedCorpus:
    """Write a text with given phrases joined, such as those of a model whose training goes on.

    Parameters
    ----------
    tokenized : TokenizedCorpus
    directory : path
        Output directory, which must not exist or be empty.
    table : PhraseTable
        With one pass or more.
    threads : int, optional
        By default one per processor core.

    Returns
    -------
    TokenizedCorpus

    Raises
    ------
    EmbeddingsError
        The text has no words, or every sentence became one word.
    OutputError
        `directory` exists or cannot be written.
    """
    threads = thread_count(threads)
    with atomic_directory(directory, sync=False) as partial, writing(directory):
        for number, phrases in enumerate(table.passes, start=1):
            is_last = number == len(table.passes)
            tokenized = _join(
                _NumberedText(tokenized, _place(partial, number, is_last), table.connectors, threads), phrases, table
            )
            _remove_earlier(partial, number)
    return TokenizedCorpus.open(directory)


def _learn(
    tokenized: TokenizedCorpus,
    directory: Path,
    settings: PhraseSettings,
    threads: int,
    report: Report | None,
    table_bytes: int,
    *,
    joins_last: bool,
) -> PhraseTable:
    """Find the phrases of every pass; join them, those of the last pass only on demand."""
    table = PhraseTable(
        passes=(),
        delimiter=settings.delimiter,
        connectors=settings.connectors,
        scorer=settings.scorer,
        threshold=settings.lowest_score,
        min_count=settings.min_count,
    )
    tell = report or (lambda _: None)
    for number in range(1, settings.passes + 1):
        is_last = number == settings.passes
        text = _NumberedText(tokenized, _place(directory, number, is_last), table.connectors, threads)
        tell(f"pass {number}: counting pairs of words")
        phrases = _found(text, table, table_bytes)
        table = replace(table, passes=(*table.passes, phrases))
        logger.info("pass %d: %s phrases", number, f"{len(phrases):,}")
        if joins_last or not is_last:
            tell(f"pass {number}: joining {len(phrases):,} phrases")
            tokenized = _join(text, phrases, table)
            _remove_earlier(directory, number)
    return table


def _place(directory: Path, number: int, is_last: bool) -> Path:
    """Return the directory of the text that a pass writes."""
    return directory if is_last else directory / f"pass-{number}"


def _remove_earlier(directory: Path, number: int) -> None:
    if number > 1:
        shutil.rmtree(_place(directory, number - 1, False))


class _Stretch(NamedTuple):
    """Whole sentences of one source: ``ids[first:end]``."""

    first: int
    end: int
    source: int


class _NumberedText:
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
    stretches : list of _Stretch
        In the order of the text.
    """

    def __init__(self, tokenized: TokenizedCorpus, directory: Path, connectors: Iterable[str], threads: int) -> None:
        self.tokenized, self.directory, self.threads = tokenized, directory, threads
        self.table = WordTable()
        final = {place: self._numbered(*place) for place in tokenized.spills()}
        self.words, self.counts = self.table.export(min_count=0)
        if not len(self.counts):
            raise EmbeddingsError("the corpus has no words; give it some text")
        self.connector = np.zeros(len(self.counts) + 1, bool)
        self.connector[self.table.find(_as_words(map(str.encode, connectors)))] = True
        self.connector[LINE_END_ID] = False
        ends = np.cumsum(tokenized.parts[:, 3])
        directory.mkdir(exist_ok=True)
        self.ids = _mapped(directory / ids_name(0), int(ends[-1]))

        def number(part: int) -> None:
            worker, spill, _, size, _ = tokenized.parts[part].tolist()
            provisional, numbers = tokenized.ids(part), final[worker, spill]
            if provisional.min(initial=0) < 0 or provisional.max(initial=0) >= len(numbers):
                raise EmbeddingsError(f"{tokenized.directory} is damaged; tokenize the corpus again")
            self.ids[ends[part] - size : ends[part]] = numbers[provisional]

        self.each(number, range(len(ends)))
        self.stretches = list(self._whole_sentences(ends.tolist()))

    def _numbered(self, worker: int, spill: int) -> np.ndarray:
        """Return the final ids of the words of a spill by provisional id."""
        spilled = self.tokenized.spilled_counts(worker, spill)
        final = np.zeros(spilled.size + 1, np.int32)
        final[spilled.ids()] = self.table.add(spilled.words())
        return final

    def _whole_sentences(self, ends: list[int]) -> Iterator[_Stretch]:
        """Cut the text where sentences end, at the ends of the parts or soon after them."""
        first = 0
        for part, end in enumerate(ends):
            while first < end < len(self.ids) and self.ids[end - 1] != LINE_END_ID:
                found = np.flatnonzero(self.ids[end : end + _PIECE] == LINE_END_ID)
                end = end + int(found[0]) + 1 if len(found) else min(end + _PIECE, len(self.ids))
            if end > first:
                yield _Stretch(first, end, int(self.tokenized.parts[part, 4]))
                first = end

    def each(self, work: Callable[[int], Result], numbers: Iterable[int]) -> list[Result]:
        """Call a function with each number, in threads; return the results in order."""
        with ThreadPoolExecutor(self.threads, "phrases") as pool:
            return list(pool.map(work, numbers))

    def hashes(self, delimiter: bytes) -> np.ndarray:
        """Return the hashes of the words by id, (V + 1, 6) uint64; see `hash_words`."""
        hashes = np.zeros((len(self.counts) + 1, HASHES), np.uint64)

        def work(first: int) -> None:
            part = np.arange(first, min(first + _WORDS_AT_ONCE, len(self.counts)))
            _hash(self.words.take(part), delimiter, hashes[1 + first : 1 + first + _WORDS_AT_ONCE])

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


def _mapped(path: Path, size: int) -> np.ndarray:
    """Map a new file of ids into memory, (size,) int32.

    It is written first: where a disk is full, writing is an error, but a mapped file that has no room ends the process.
    """
    with path.open("wb") as file:
        for first in range(0, size, _WORDS_AT_ONCE):
            file.write(bytes(4 * min(_WORDS_AT_ONCE, size - first)))
    return np.asarray(np.memmap(path, "<i4", "r+"))


def _as_words(words: Iterable[bytes]) -> Words:
    return Words.from_bytes(list(words))


def _hash(words: Words, delimiter: bytes, hashes: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        hash_words(words.letters, words.starts, words.ends, np.frombuffer(delimiter or b"", np.uint8), hashes)


def _keys_of(hashes: np.ndarray) -> np.ndarray:
    """Return the keys of words, (n, 2) uint64, from their hashes."""
    keys = np.empty((len(hashes), 2), np.uint64)
    with np.errstate(over="ignore"):
        word_keys(hashes, keys)
    return keys


class _KeyTable:
    """A table of keys with numbers; see `embeddings.text.phrase_kernels`.

    Parameters
    ----------
    keys : int
        Number of keys that find a place.

    Attributes
    ----------
    slots : (2 s,) uint64
    used : int
        Number of keys in the table.
    """

    def __init__(self, keys: int = 0) -> None:
        size = _FEWEST_SLOTS
        while size * _FULLEST < keys:
            size *= 2
        self.slots = np.zeros(2 * size, np.uint64)
        self.used = 0

    def has_room(self, keys: int) -> bool:
        """Return whether so many more keys find a place."""
        return self.used + keys <= len(self.slots) // 2 * _FULLEST

    def add(self, keys: np.ndarray, numbers: np.ndarray) -> None:
        """Add numbers to those of keys, which must find a place."""
        with np.errstate(over="ignore"):
            self.used += add_keys(keys, numbers, self.slots)

    def find(self, keys: np.ndarray) -> np.ndarray:
        """Return the numbers of keys, (n,) int64; 0 for keys that are not in the table."""
        numbers = np.empty(len(keys), np.int64)
        find_keys(keys, self.slots, numbers)
        return numbers

    def entries(self, least: int = 1) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield keys and numbers of at least `least`, some slots at a time."""
        for first in range(0, len(self.slots), 2 * _WORDS_AT_ONCE):
            slots = self.slots[first : first + 2 * _WORDS_AT_ONCE].reshape(-1, 2)
            rows = slots[(slots[:, 1] & NUMBER) >= np.uint64(least)]
            numbers = (rows[:, 1] & NUMBER).astype(np.int64)
            rows[:, 1] >>= np.uint64(NUMBER_BITS)
            yield rows, numbers


class _RangeCounter:
    """Counts the keys of a range, from `low` on and below `end`, which falls when the table is full.

    Parameters
    ----------
    low, high : int
        The keys of the range.
    limit : int
        Largest size of the table in bytes.
    expected : int
        Number of keys for which there is room at first.

    Attributes
    ----------
    low, end : int
    table : _KeyTable
    distinct : int
        Number of keys below `low`, which were counted before.
    frequent : list of (keys, numbers)
        Those of them that reach the smallest count.
    """

    def __init__(self, low: int, high: int, limit: int, expected: int) -> None:
        self.low, self.end, self._high, self._limit = low, high, high, limit
        self._expected = min(expected, limit // (2 * _SLOT_BYTES))
        self.table, self.distinct = _KeyTable(self._expected), 0
        self.frequent: list[tuple[np.ndarray, np.ndarray]] = []
        self._lock = Lock()

    @property
    def is_done(self) -> bool:
        """Whether all keys of the range are counted."""
        return self.low == self._high

    def holds(self, keys: np.ndarray) -> np.ndarray:
        """Return which keys are counted now, (n,) bool."""
        return (keys[:, 0] >= np.uint64(self.low)) & (keys[:, 0] <= np.uint64(self.end - 1))

    def add(self, keys: np.ndarray, numbers: np.ndarray) -> None:
        """Add numbers, (n,) int64, to those of keys, (n, 2) uint64; several threads may do so."""
        with self._lock:
            for first in range(0, len(keys), _PIECE):
                part, own = keys[first : first + _PIECE], numbers[first : first + _PIECE]
                if self.end < self._high:
                    part, own = part[kept := self.holds(part)], own[kept]
                while not self.table.has_room(len(part)):
                    self._grow()
                    part, own = part[kept := self.holds(part)], own[kept]
                self.table.add(part, own)

    def _grow(self) -> None:
        """Make a larger table, or one without the upper half of the range."""
        old = self.table
        size = int(len(old.slots) * _FULLEST)
        if 2 * old.slots.nbytes > self._limit:
            self.end = self.low + (self.end - self.low) // 2
            size //= 2
        self.table = _KeyTable(size)
        for keys, numbers in old.entries():
            kept = self.holds(keys)
            self.table.add(keys[kept], numbers[kept])

    def finish(self, min_count: int) -> None:
        """Keep the frequent keys of the table, and go on to the keys that were given up."""
        self.distinct += self.table.used
        self.frequent += self.table.entries(min_count)
        self.low, self.end, self.table = self.end, self._high, _KeyTable(self._expected)


class _Counts(NamedTuple):
    """Counts of words and of pairs of words.

    Attributes
    ----------
    distinct : int
        Number of distinct words and pairs.
    words : (V + 1,) int64
        By id; a pair that is written as a word counts too.
    frequent : _KeyTable
        The counts that reach the smallest count.
    """

    distinct: int
    words: np.ndarray
    frequent: _KeyTable


def _count(text: _NumberedText, strings: np.ndarray, min_count: int, table_bytes: int) -> _Counts:
    """Count words and pairs of words, in a table for each range of keys."""
    keys = _keys_of(strings)
    counts = np.where(text.connector, 0, np.append(0, text.counts))
    words = np.zeros(len(counts), np.int64)
    number = 1 << (_RANGES_PER_THREAD * text.threads - 1).bit_length()
    width = _ALL_KEYS // number
    expected = len(text.ids) // (4 * number)
    counters = [
        _RangeCounter(width * place, width * (place + 1), table_bytes // number, expected) for place in range(number)
    ]
    while not all(counter.is_done for counter in counters):
        active = [counter for counter in counters if not counter.is_done]
        for counter in active:
            own = np.flatnonzero(counter.holds(keys) & (counts > 0))
            counter.add(keys[own], counts[own])
        _count_pairs(text, strings, counters)
        for counter in active:
            own = np.flatnonzero(counter.holds(keys))
            words[own] = counter.table.find(keys[own])
            counter.finish(min_count)
    frequent = _KeyTable(2 * sum(len(numbers) for counter in counters for _, numbers in counter.frequent))
    for counter in counters:
        for part in counter.frequent:
            frequent.add(*part)
    return _Counts(sum(counter.distinct for counter in counters), words, frequent)


def _count_pairs(text: _NumberedText, strings: np.ndarray, counters: list[_RangeCounter]) -> None:
    """Add the pairs of words to the tables of ranges that are not done."""
    none = _ALL_KEYS - 1, 0
    bounds = [none if counter.is_done else (counter.low, counter.end - 1) for counter in counters]
    ranges = np.array(bounds, np.uint64)
    ones = np.ones(_PIECE, np.int64)

    def count(stretch: int) -> None:
        keys, found = np.empty((len(counters), _PIECE, 2), np.uint64), np.empty(len(counters), np.int64)
        ids, chain = text.ids[slice(*text.stretches[stretch][:2])], NO_CHAIN
        for first in range(0, len(ids), _PIECE):
            with np.errstate(over="ignore"):
                begun, *hashes = pair_keys(
                    ids[first : first + _PIECE], strings, text.connector, chain, ranges, keys, found
                )
            chain = Chain(begun, *map(np.uint64, hashes))
            for counter, own, size in zip(counters, keys, found.tolist(), strict=True):
                counter.add(own[:size], ones[:size])

    text.each(count, range(len(text.stretches)))


def _found(text: _NumberedText, table: PhraseTable, table_bytes: int) -> tuple[Phrase, ...]:
    """Return the phrases of a pass, by falling score."""
    strings, parts = text.hashes(table.delimiter.encode()), text.hashes(_BETWEEN_PARTS)
    counts = _count(text, strings, table.min_count, table_bytes)
    scorer = Scorer(
        table.scorer == "npmi", table.min_count, counts.distinct, float(text.counts.sum()), float(table.threshold)
    )
    seen = np.zeros(len(counts.frequent.slots), np.uint64)

    def select(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        first, end, _ = text.stretches[number]
        places = np.empty((end - first, 2), np.int64)
        numbers, scores = np.empty(end - first, np.int64), np.empty(end - first)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            found = select_phrases(
                text.ids[first:end], strings, parts, text.connector, counts.words, counts.frequent.slots, seen, scorer,
                places, numbers, scores,
            )  # fmt: skip
        return first + places[:found], numbers[:found].copy(), scores[:found].copy()

    places, numbers, scores = map(np.concatenate, zip(*text.each(select, range(len(text.stretches))), strict=True))
    found = zip((-scores).tolist(), (-numbers).tolist(), text.sequences(places), strict=True)
    return tuple(Phrase(parts, -count, -score) for score, count, parts in sorted(set(found)))  # each once


def _join(text: _NumberedText, phrases: Iterable[Phrase], table: PhraseTable) -> TokenizedCorpus:
    """Join phrases in the ids of a text, and write its other files."""
    joined = {phrase.parts: table.delimiter.join(phrase.parts) for phrase in phrases}
    slots, words = _phrase_slots(text, joined)
    parts = text.hashes(_BETWEEN_PARTS)

    def join(number: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
        changes, written = np.zeros(len(words.counts) + 1, np.int64), []
        for first, end, _ in text.stretches[number :: text.threads]:
            with np.errstate(over="ignore"):
                written.append(join_phrases(text.ids[first:end], parts, text.connector, slots, changes))
        return changes, written

    results = text.each(join, range(text.threads))
    counts = words.counts + np.sum([changes for changes, _ in results], axis=0)[1:]
    sizes = np.zeros((len(text.stretches), 2), np.int64)
    for number, (_, written) in enumerate(results):
        sizes[number :: text.threads] = np.reshape(written, (-1, 2))
    _require_context(text, sizes, int(counts.sum()))
    numbers = np.append(0, np.where(counts > 0, np.cumsum(counts > 0), 0)).astype(np.int32)

    def renumber(number: int) -> None:
        first = text.stretches[number].first
        ids = text.ids[first : first + sizes[number, 0]]
        ids[:] = numbers[ids]

    text.each(renumber, range(len(text.stretches)))
    left = WordTable()
    left.add(CountedWords(words.words.take(counts > 0), counts[counts > 0]))
    write_spilled_counts(text.directory / words_name(0, 0), left)
    rows = [(0, 0, place.first, size, place.source) for place, size in zip(text.stretches, sizes[:, 0], strict=True)]
    corpus = replace(
        text.tokenized,
        directory=text.directory,
        token_count=int(counts.sum()),
        word_count=len(left),
        parts=np.array(rows, np.int64),
    )
    corpus.write_record(text.directory)
    return corpus


def _phrase_slots(text: _NumberedText, joined: dict[tuple[str, ...], str]) -> tuple[np.ndarray, CountedWords]:
    """Return a table of the ids of phrases, and the words of the text with those of the phrases."""
    targets = text.table.add(CountedWords(_as_words(map(str.encode, joined.values())), np.zeros(len(joined), np.int64)))
    hashes = np.empty((len(joined), HASHES), np.uint64)
    _hash(_as_words(_BETWEEN_PARTS.join(map(str.encode, parts)) for parts in joined), _BETWEEN_PARTS, hashes)
    ids = _KeyTable(2 * len(joined))
    ids.add(_keys_of(hashes), targets.astype(np.int64))
    return ids.slots, text.table.export(min_count=0)


def _require_context(text: _NumberedText, sizes: np.ndarray, tokens: int) -> None:
    """Raise an error if no sentence has two words any more; warn if most words are parts of phrases."""
    before = int(text.counts.sum())
    sentences = int(sizes[:, 0].sum()) - tokens
    share = sizes[:, 1].sum() / before
    if share and tokens <= sentences + 1:
        raise EmbeddingsError(
            f"phrases leave one word in every sentence: {share:.0%} of the {before:,} words are parts of phrases; "
            "raise the threshold or min_count of phrases"
        )
    if share > _MOST_JOINED:
        logger.warning(
            "%.0f %% of the %s words are parts of phrases; raise the threshold of phrases", 100 * share, f"{before:,}"
        )
