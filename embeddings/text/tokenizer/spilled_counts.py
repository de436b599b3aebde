"""The spilled words of a worker: its word table with counts, written to disk and sorted by hash.

In every spill the words of one of the `BUCKETS` buckets of hashes are contiguous, so that the words of several spills
are merged bucket by bucket, in a table that fits into the processor's cache. A file holds, little-endian,

    n, m               int64    numbers of words and of letters
    buckets  (256,)    int64    end of each bucket of words
    ends     (n,)      int64    end of each word in the letters
    counts   (n,)      int64
    ids      (n,)      int64    the provisional id of each word: 1 to n
    letters  (m,)      uint8    UTF-8
"""

from pathlib import Path

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.tokenizer.counted_words import CountedWords, Words
from embeddings.text.tokenizer.word_table import BUCKETS, WordTable

_ITEM = 8
_HEADER = (2 + BUCKETS) * _ITEM


def write_spilled_counts(path: Path, table: WordTable) -> CountedWords:
    """Write the words and counts of a table and return them; their provisional ids are their ids in the table."""
    counted, ids, buckets = table.export_by_bucket()
    words, counts = counted
    with path.open("wb") as file:
        for array in ([len(ids), words.letters.size], buckets, words.ends, counts, ids):
            file.write(np.asarray(array, "<i8").data)
        file.write(words.letters.data)
    return counted


class SpilledCounts:
    """A file that `write_spilled_counts` has written.

    Parameters
    ----------
    path : Path

    Raises
    ------
    EmbeddingsError
        The file is missing or damaged; the methods raise the same error.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        header = self._read(0, 2 + BUCKETS)
        self.size, self._letters = header[:2].tolist()
        self._buckets = np.concatenate([[0], header[2:]])
        in_order = (np.diff(self._buckets) >= 0).all() and self._buckets[-1] == self.size
        if not in_order or path.stat().st_size != _HEADER + 3 * _ITEM * self.size + self._letters:
            raise self._damaged()

    def words(self, first_bucket: int = 0, end_bucket: int = BUCKETS, counts: np.ndarray | None = None) -> CountedWords:
        """Read the words of a range of buckets.

        Parameters
        ----------
        first_bucket, end_bucket : int
            Half-open range.
        counts : (n,) int64, optional
            Counts of all words of the spill, instead of those in the file.

        Returns
        -------
        CountedWords
        """
        if counts is not None and counts.shape != (self.size,):
            raise self._damaged()
        first, end = self._buckets[[first_bucket, end_bucket]].tolist()
        ends = self._read(_HEADER + _ITEM * max(first - 1, 0), end - max(first - 1, 0))
        bounds = ends if first else np.concatenate([[0], ends])
        own = self._read(_HEADER + _ITEM * (self.size + first), end - first) if counts is None else counts[first:end]
        if (np.diff(bounds) < 0).any() or bounds[0] < 0 or bounds[-1] > self._letters:
            raise self._damaged()
        begin = int(bounds[0])
        place = _HEADER + 3 * _ITEM * self.size + begin
        letters = self._read(place, int(bounds[-1]) - begin, "u1")
        return CountedWords(Words(letters, bounds[:-1] - begin, bounds[1:] - begin), own)

    def ids(self) -> np.ndarray:
        """Return the provisional ids of all words, in the order of `words`."""
        ids = self._read(_HEADER + 2 * _ITEM * self.size, self.size)
        if ids.size and (ids.min() < 1 or ids.max() > self.size):
            raise self._damaged()
        return ids

    def _read(self, place: int, number: int, dtype: str = "<i8") -> np.ndarray:
        try:
            items = np.fromfile(self._path, dtype, number, offset=place)
        except OSError as error:
            raise EmbeddingsError(f"cannot read {self._path}: {error.strerror}; tokenize the corpus again") from error
        if len(items) < number:
            raise self._damaged()
        return items

    def _damaged(self) -> EmbeddingsError:
        return EmbeddingsError(f"{self._path} is damaged; tokenize the corpus again")
