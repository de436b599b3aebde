"""A growing hash table that counts words; its operations are in `embeddings.text.tokenizer.kernels`."""

import numpy as np

from embeddings.compilation import read_only
from embeddings.text.tokenizer.counted_words import CountedWords, Words
from embeddings.text.tokenizer.kernels import (
    LETTERS,
    WORDS,
    TableArrays,
    add_words,
    find_words,
    move_slots,
    read_buckets,
    read_letters,
    read_sizes,
)

BUCKETS = 256
_FEWEST_SLOTS = 64
_FEWEST_LETTERS = 1 << 12
_WORDS_AT_ONCE = 1 << 16


class WordTable:
    """Words with ids 1, 2, 3 ... in the order of insertion, and exact counts.

    At most half of the slots are in use, so that a word takes at least 64 bytes.

    Attributes
    ----------
    arrays : TableArrays
        Arrays for the kernels; replaced when the table grows.
    """

    def __init__(self) -> None:
        slots, letters = np.zeros(4 * _FEWEST_SLOTS, np.uint64), np.empty(_FEWEST_LETTERS, np.uint8)
        self.arrays = TableArrays(slots, letters, np.zeros(2, np.int64))

    def __len__(self) -> int:
        return int(self.arrays.sizes[WORDS])

    @property
    def words(self) -> Words:
        """The words, in the order of their ids."""
        return self.export().words

    @property
    def total(self) -> int:
        """Sum of all counts."""
        return int(self.arrays.slots[3::4].sum())

    def reserve(self, words: int, letters: int, limit: int | None = None) -> bool:
        """Make room for more words.

        Parameters
        ----------
        words : int
            Number of additional words.
        letters : int
            Number of additional bytes of words longer than 16 bytes.
        limit : int, optional
            Largest size of the table in bytes; the table does not grow beyond it.

        Returns
        -------
        bool
            False if the limit does not allow that many.
        """
        slots, stored, sizes = self.arrays
        slots_size, stored_size = slots.size, stored.size
        while slots_size < 8 * (sizes[WORDS] + words):
            slots_size *= 2
        while stored_size < sizes[LETTERS] + letters:
            stored_size *= 2
        if limit is not None and slots_size * slots.itemsize + stored_size > limit:
            return False
        if slots_size > slots.size:
            slots = np.zeros(slots_size, np.uint64)
            with np.errstate(over="ignore"):  # hashes wrap around
                move_slots(self.arrays.slots, slots)
        if stored_size > stored.size:
            stored = np.resize(stored, stored_size)
        self.arrays = TableArrays(slots, stored, sizes)
        return True

    def add(self, added: CountedWords) -> np.ndarray:
        """Add counts of words; return the id of every word, (n,) int32."""
        words, ids = added.words, np.empty(len(added.counts), np.int32)
        for first in range(0, len(added.counts), _WORDS_AT_ONCE):
            part = slice(first, first + _WORDS_AT_ONCE)
            starts, ends, counts = words.starts[part], words.ends[part], added.counts[part]
            self.reserve(len(counts), int((ends - starts).sum()))
            with np.errstate(over="ignore"):
                add_words(Words(read_only(words.letters), starts, ends), read_only(counts), self.arrays, ids[part])
        return ids

    def find(self, words: Words) -> np.ndarray:
        """Return the id of every word, (n,) int32; 0 for words that are not in the table."""
        ids = np.empty(len(words.starts), np.int32)
        with np.errstate(over="ignore"):
            find_words(words._replace(letters=read_only(words.letters)), self.arrays, ids)
        return ids

    def counts_of(self, words: Words) -> np.ndarray:
        """Return the count of every word, (n,) int64; 0 for words that are not in the table."""
        return np.append(self._sizes()[1], 0)[self.find(words) - 1]

    def export(self, min_count: int = 1) -> CountedWords:
        """Return the words with a count of at least `min_count`, in the order of their ids."""
        lengths, counts = self._sizes()
        kept = counts >= min_count
        lengths[~kept] = 0
        ends = np.cumsum(lengths)
        words = self._letters(ends - lengths, lengths)
        return CountedWords(words.take(kept), counts[kept])

    def export_by_bucket(self) -> tuple[CountedWords, np.ndarray, np.ndarray]:
        """Return all words, sorted by bucket, a part of their hash.

        Returns
        -------
        words : CountedWords
        ids : (n,) int64
        ends : (BUCKETS,) int64
            Cumulative number of words of the buckets.
        """
        lengths, counts = self._sizes()
        buckets = np.empty(len(self), np.uint8)
        with np.errstate(over="ignore"):
            read_buckets(self.arrays.slots, buckets)
        order = np.argsort(buckets, kind="stable")
        ends = np.cumsum(lengths[order])
        starts = np.empty_like(ends)
        starts[order] = ends - lengths[order]
        words = CountedWords(self._letters(starts, lengths).take(order), counts[order])
        return words, order + 1, np.bincount(buckets, minlength=BUCKETS).cumsum()

    def _sizes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return lengths and counts by id."""
        lengths, counts = np.empty(len(self), np.int64), np.empty(len(self), np.int64)
        read_sizes(self.arrays.slots, lengths, counts)
        return lengths, counts

    def _letters(self, starts: np.ndarray, lengths: np.ndarray) -> Words:
        """Return all words, by id, with their letters at the given starts."""
        words = Words(np.empty(lengths.sum(), np.uint8), starts, starts + lengths)
        read_letters(self.arrays, words)
        return words
