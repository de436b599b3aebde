"""A growing hash table that counts words; what happens to each word is in `embeddings.tokenizer_kernels`."""

import numpy as np

from embeddings.counted_words import CountedWords, Words
from embeddings.tokenizer_kernels import (
    LETTERS,
    WORDS,
    TableArrays,
    add_words,
    find_words,
    move_slots,
    read_letters,
    read_sizes,
)

FEWEST_SLOTS = 64
_FEWEST_LETTERS = 1 << 12
_WORDS_AT_ONCE = 1 << 16


class WordTable:
    """Words with ids 1, 2, 3 ... in the order in which they are added, and exact counts.

    At most half of the slots are in use, so that a word costs at least 64 bytes.

    Attributes
    ----------
    arrays : TableArrays
        What the kernels work on; replaced when the table grows.
    """

    def __init__(self) -> None:
        slots, letters = np.zeros(4 * FEWEST_SLOTS, np.uint64), np.empty(_FEWEST_LETTERS, np.uint8)
        self.arrays = TableArrays(slots, letters, np.zeros(2, np.int64))

    def __len__(self) -> int:
        return int(self.arrays.sizes[WORDS])

    def reserve(self, words: int, letters: int, limit: int | None = None) -> bool:
        """Make room for more words.

        Parameters
        ----------
        words : int
            So many more words.
        letters : int
            So many more bytes of words longer than 16 bytes.
        limit : int, optional
            Largest size of the table in bytes; beyond it the table does not grow.

        Returns
        -------
        bool
            Whether there is room now.
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

    def add(self, added: CountedWords, partition: int = 0, partitions: int = 1) -> None:
        """Add counts of words; with several partitions, only of the words whose hash falls into one of them."""
        words = added.words
        for first in range(0, len(added.counts), _WORDS_AT_ONCE):
            part = slice(first, first + _WORDS_AT_ONCE)
            starts, ends, counts = words.starts[part], words.ends[part], added.counts[part]
            self.reserve(len(counts), int((ends - starts).sum()))
            with np.errstate(over="ignore"):
                add_words(Words(words.letters, starts, ends), counts, partition, partitions, self.arrays)

    def find(self, words: Words) -> np.ndarray:
        """Return the id of every word, (n,) int32; 0 for those that are not in the table."""
        ids = np.empty(len(words.starts), np.int32)
        with np.errstate(over="ignore"):
            find_words(words, self.arrays, ids)
        return ids

    def export(self, min_count: int = 1) -> CountedWords:
        """Return the words seen at least `min_count` times, in the order of their ids."""
        lengths, counts = np.empty(len(self), np.int64), np.empty(len(self), np.int64)
        read_sizes(self.arrays.slots, lengths, counts)
        kept = counts >= min_count
        lengths[~kept] = 0
        ends = np.cumsum(lengths)
        words = Words(np.empty(lengths.sum(), np.uint8), ends - lengths, ends)
        read_letters(self.arrays, words)
        return CountedWords(Words(words.letters, words.starts[kept], words.ends[kept]), counts[kept])
