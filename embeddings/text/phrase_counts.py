"""Exact counts of words and of pairs of adjacent words, by threads and in bounded memory.

Each table holds a range of keys. A table that reaches its size limit gives up the upper half of its range, which is
counted when the lower half is done.
"""

from collections.abc import Iterator
from threading import Lock
from typing import NamedTuple

import numpy as np

from embeddings.text.numbered_text import NumberedText
from embeddings.text.phrase_kernels import (
    NO_CHAIN,
    NUMBER,
    NUMBER_BITS,
    Chain,
    add_keys,
    find_keys,
    pair_keys,
    word_keys,
)

PIECE = 1 << 14
"""Ids whose keys stay in the processor's cache."""
_SLOTS_AT_ONCE = 1 << 16
_SLOT_BYTES = 16
_FEWEST_SLOTS = 1 << 12
_RANGES_PER_THREAD = 4  # so that threads seldom wait for a table
_FULLEST = 0.75  # share of the slots in use
_ALL_KEYS = 1 << 64


def keys_of(hashes: np.ndarray) -> np.ndarray:
    """Return the keys of words, (n, 2) uint64, from their hashes."""
    keys = np.empty((len(hashes), 2), np.uint64)
    with np.errstate(over="ignore"):
        word_keys(hashes, keys)
    return keys


class KeyTable:
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
        for first in range(0, len(self.slots), 2 * _SLOTS_AT_ONCE):
            slots = self.slots[first : first + 2 * _SLOTS_AT_ONCE].reshape(-1, 2)
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
    table : KeyTable
    distinct : int
        Number of keys below `low`, which were counted before.
    frequent : list of (keys, numbers)
        Those of them that reach the smallest count.
    """

    def __init__(self, low: int, high: int, limit: int, expected: int) -> None:
        self.low, self.end, self._high, self._limit = low, high, high, limit
        self._expected = min(expected, limit // (2 * _SLOT_BYTES))
        self.table, self.distinct = KeyTable(self._expected), 0
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
            for first in range(0, len(keys), PIECE):
                part, own = keys[first : first + PIECE], numbers[first : first + PIECE]
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
        self.table = KeyTable(size)
        for keys, numbers in old.entries():
            kept = self.holds(keys)
            self.table.add(keys[kept], numbers[kept])

    def finish(self, min_count: int) -> None:
        """Keep the frequent keys of the table, and go on to the keys that were given up."""
        self.distinct += self.table.used
        self.frequent += self.table.entries(min_count)
        self.low, self.end = self.end, self._high
        self.table = KeyTable(0 if self.is_done else self._expected)


class Counts(NamedTuple):
    """Counts of words and of pairs of words.

    Attributes
    ----------
    distinct : int
        Number of distinct words and pairs.
    words : (V + 1,) int64
        By id; a pair that is written as a word counts too.
    frequent : KeyTable
        The counts that reach the smallest count.
    """

    distinct: int
    words: np.ndarray
    frequent: KeyTable


def count_pairs(text: NumberedText, strings: np.ndarray, min_count: int, table_bytes: int) -> Counts:
    """Count words and pairs of words, in a table for each range of keys.

    Parameters
    ----------
    text : NumberedText
    strings : (V + 1, 6) uint64
        Hashes of the words, to be joined by the delimiter.
    min_count : int
        Keep only the counts that reach it.
    table_bytes : int
        Largest size of all tables.

    Returns
    -------
    Counts
    """
    keys = keys_of(strings)
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
        _add_pairs(text, strings, counters)
        for counter in active:
            own = np.flatnonzero(counter.holds(keys))
            words[own] = counter.table.find(keys[own])
            counter.finish(min_count)
    frequent = KeyTable(2 * sum(len(numbers) for counter in counters for _, numbers in counter.frequent))
    for counter in counters:
        for part in counter.frequent:
            frequent.add(*part)
    return Counts(sum(counter.distinct for counter in counters), words, frequent)


def _add_pairs(text: NumberedText, strings: np.ndarray, counters: list[_RangeCounter]) -> None:
    """Add the pairs of words to the tables of ranges that are not done."""
    none = _ALL_KEYS - 1, 0
    bounds = [none if counter.is_done else (counter.low, counter.end - 1) for counter in counters]
    ranges = np.array(bounds, np.uint64)
    ones = np.ones(PIECE, np.int64)

    def count(stretch: int) -> None:
        keys, found = np.empty((len(counters), PIECE, 2), np.uint64), np.empty(len(counters), np.int64)
        ids, chain = text.ids[slice(*text.stretches[stretch][:2])], NO_CHAIN
        for first in range(0, len(ids), PIECE):
            with np.errstate(over="ignore"):
                begun, *hashes = pair_keys(
                    ids[first : first + PIECE], strings, text.connector, chain, ranges, keys, found
                )
            chain = Chain(begun, *map(np.uint64, hashes))
            for counter, own, size in zip(counters, keys, found.tolist(), strict=True):
                counter.add(own[:size], ones[:size])

    text.each(count, range(len(text.stretches)))
