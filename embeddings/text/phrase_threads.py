"""Counting, selecting and joining phrases by threads."""

from queue import SimpleQueue

import numpy as np

from embeddings.text.numbered_text import BETWEEN_PARTS, NumberedText
from embeddings.text.phrase_counts import Counts, count_pairs
from embeddings.text.phrase_kernels import Scorer, join_phrases, select_phrases

Found = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Places, counts and scores of phrases."""


class PhraseThreads:
    """One pass over a text by threads; `phrase_tasks.PhraseTasks` is the same by tasks.

    Parameters
    ----------
    text : NumberedText
    delimiter : str
        Between the words of a phrase.
    table_bytes : int
        Largest size of the tables of pairs of all threads.
    """

    def __init__(self, text: NumberedText, delimiter: str, table_bytes: int) -> None:
        self._text, self._delimiter, self._table_bytes = text, delimiter.encode(), table_bytes

    def count(self, min_count: int) -> Counts:
        """Count words and pairs of words; see `phrase_counts.count_pairs`."""
        return count_pairs(self._text, self._text.hashes(self._delimiter), min_count, self._table_bytes)

    def select(self, counts: Counts, scorer: Scorer) -> list[Found]:
        """Find the phrases, each at least once.

        Parameters
        ----------
        counts : Counts
        scorer : Scorer

        Returns
        -------
        list of (places, numbers, scores)
            See `phrase_kernels.select_phrases`; places are those in the whole text.
        """
        text = self._text
        strings, parts = text.hashes(self._delimiter), text.hashes(BETWEEN_PARTS)
        seen = np.zeros(len(counts.frequent.slots), np.uint64)

        def select(number: int) -> Found:
            first, end, _ = text.stretches[number]
            places = np.empty((end - first, 2), np.int64)
            numbers, scores = np.empty(end - first, np.int64), np.empty(end - first)
            with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
                found = select_phrases(
                    text.ids[first:end], strings, parts, text.connector, counts.words, counts.frequent.slots, seen,
                    scorer, places, numbers, scores,
                )  # fmt: skip
            return first + places[:found], numbers[:found].copy(), scores[:found].copy()

        return text.each(select, range(len(text.stretches)))

    def join(self, slots: np.ndarray, words: int) -> tuple[np.ndarray, np.ndarray]:
        """Join phrases in the ids of the text, in place.

        Parameters
        ----------
        slots : (2 s,) uint64
            Table of the ids of phrases.
        words : int
            Number of words, phrases included.

        Returns
        -------
        sizes : (stretches, 2) int64
            Ids after joining, and ids that became part of a phrase.
        changes : (words + 1,) int64
            Of the counts, by id.
        """
        text, parts = self._text, self._text.hashes(BETWEEN_PARTS)
        changes: SimpleQueue[np.ndarray] = SimpleQueue()
        for _ in range(text.threads):
            changes.put(np.zeros(words + 1, np.int64))

        def join(number: int) -> tuple[int, int]:
            first, end, _ = text.stretches[number]
            own = changes.get()
            with np.errstate(over="ignore"):
                written, joined = join_phrases(text.ids[first:end], parts, text.connector, slots, own)
            changes.put(own)
            return written, joined

        sizes = np.array(text.each(join, range(len(text.stretches))))
        return sizes, np.sum([changes.get() for _ in range(text.threads)], axis=0)
