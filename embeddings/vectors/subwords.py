"""Vectors of character n-grams, from which words outside of the vocabulary get theirs (Bojanowski et al. 2017).

The vector e_w of a word of the vocabulary is the mean of its own row and the rows of its n-grams; that of any other
word is the mean of the rows of its n-grams alone, as in fastText. With floret's hashes no word has a row of its own.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from embeddings.compilation import read_only
from embeddings.errors import EmbeddingsError
from embeddings.parallel import Rows, over_rows, threads_or_context
from embeddings.text.character_ngrams import CharacterNgrams, WordNgrams
from embeddings.text.tokenizer.counted_words import Words
from embeddings.vectors.subword_kernels import average_ngrams, subtract_from_total
from vecmill.plurals import counted

_NGRAMS = 20  # of a word, about


class SubwordVectors:
    """Vectors of the n-grams of words.

    Parameters
    ----------
    ngrams : CharacterNgrams
    buckets : (U,) int32
        Distinct numbers of the buckets that have a vector, ascending; the vectors of all others are zero.
    matrix : (U, d) float32
        A memory map stays one.

    Raises
    ------
    EmbeddingsError
        The arrays do not fit each other, or `buckets` are not ascending numbers of buckets.
    """

    def __init__(self, ngrams: CharacterNgrams, buckets: np.ndarray, matrix: np.ndarray) -> None:
        if matrix.ndim != 2 or matrix.shape[1] == 0 or matrix.dtype.kind != "f" or matrix.dtype.itemsize != 4:
            raise EmbeddingsError(
                f"the vectors of n-grams have the shape {matrix.shape} and the type {matrix.dtype}; expected float32 "
                "of shape (U, d)"
            )
        if buckets.shape != (len(matrix),) or buckets.dtype.kind not in "iu":
            raise EmbeddingsError(
                f"the buckets of n-grams have the shape {buckets.shape} and the type {buckets.dtype} for "
                f"{counted(len(matrix), 'vector')}; expected one whole number per vector"
            )
        if len(buckets) and not (
            buckets[0] >= 0 and buckets[-1] < ngrams.buckets and (buckets[1:] > buckets[:-1]).all()
        ):
            raise EmbeddingsError(f"the buckets of n-grams are not ascending numbers from 0 to {ngrams.buckets - 1:,}")
        self.ngrams = ngrams
        self.buckets = read_only(np.asarray(buckets))
        self.matrix = read_only(np.asarray(matrix, matrix.dtype.newbyteorder("="), order="C"))

    def __repr__(self) -> str:
        ngrams = self.ngrams
        return f"SubwordVectors({ngrams.range}, {len(self):,} of {counted(ngrams.buckets, 'bucket')} used)"

    def __len__(self) -> int:
        return len(self.buckets)

    @property
    def dimension(self) -> int:
        """Number of dimensions d."""
        return int(self.matrix.shape[1])

    def blocks(self, step: int) -> Iterator[np.ndarray]:
        """Yield the vectors of all buckets, zeros for those without one, up to `step` at a time, (n, d) float32."""
        for start in range(0, self.ngrams.buckets, step):
            stop = min(start + step, self.ngrams.buckets)
            first, last = np.searchsorted(self.buckets, (start, stop))
            rows = np.zeros((stop - start, self.dimension), np.float32)
            rows[self.buckets[first:last] - start] = self.matrix[first:last]
            yield rows

    @cached_property
    def _row_of_bucket(self) -> np.ndarray:
        """Row of each bucket, (B,) int32; -1 for none."""
        rows = np.full(self.ngrams.buckets, -1, np.int32)
        rows[self.buckets] = np.arange(len(self), dtype=np.int32)
        return rows

    def know(self, words: Sequence[str]) -> np.ndarray:
        """Return for each word whether one of its n-grams has a vector, (n,) bool."""
        offsets, buckets = self.ngrams.buckets_of(words)
        found = np.concatenate([[0], np.cumsum(self._row_of_bucket[buckets] >= 0)])
        known: np.ndarray = found[offsets[1:]] > found[offsets[:-1]]
        return known

    def vector(self, word: str) -> np.ndarray:
        """Return the mean vector of the n-grams of a word, (d,) float32; see `vectors`."""
        vector: np.ndarray = self.vectors([word])[0]
        return vector

    def vectors(self, words: Sequence[str]) -> np.ndarray:
        """Return the mean vectors of the n-grams of words, (n, d) float32; see `look_up`."""
        return self.look_up(words)[0]

    def look_up(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean vectors of the n-grams of words, and whether they have one.

        Parameters
        ----------
        words : sequence of str

        Returns
        -------
        vectors : (n, d) float32
            The sum of the vectors of all n-grams, divided by their number; zeros if there are none.
        known : (n,) bool
            Whether one of the n-grams has a vector.

        Raises
        ------
        EmbeddingsError
            A vector holds NaN or infinity.
        """
        means = np.zeros((len(words), self.dimension), np.float32)
        known = self._average(self.ngrams.buckets_of(words), means, own=0)
        if not np.isfinite(means).all():
            word = words[int(np.argmin(np.isfinite(means).all(axis=1)))]
            raise EmbeddingsError(f"the vector of an n-gram of {word!r} holds NaN or infinity; train again")
        return means, known

    def word_vectors(self, own: np.ndarray, words: Words | Sequence[str], threads: int | None = None) -> np.ndarray:
        """Return the vectors e_w of words that have a row of their own.

        Parameters
        ----------
        own : (n, d) float32
            Their own rows; with floret's hashes they have none, and these are ignored.
        words : Words or sequence of str
        threads : int, optional
            By default all cores.

        Returns
        -------
        (n, d) float32
            Means of the own row and the vectors of all n-grams.
        """
        have_own = not self.ngrams.floret_hashes
        with threads_or_context(threads):
            means = np.array(own, np.float32, order="C") if have_own else np.zeros(own.shape, np.float32)
            self._average(self.ngrams.buckets_of(words), means, own=int(have_own))
        return means

    def own_rows(self, vectors: np.ndarray, words: Words | Sequence[str], threads: int | None = None) -> np.ndarray:
        """Return the own rows of words from their vectors e_w: what `word_vectors` made these from.

        They are not stored: n e_w − Σ n-grams, computed in float64, is exact to the rounding of e_w.

        Parameters
        ----------
        vectors : (n, d) float32
            e_w.
        words : Words or sequence of str
        threads : int, optional
            By default all cores.

        Returns
        -------
        (n, d) float32
            Without meaning with floret's hashes, where words have none.
        """
        means = read_only(np.ascontiguousarray(vectors, np.float32))
        own = np.empty(means.shape, np.float32)
        with threads_or_context(threads):
            offsets, buckets = self.ngrams.buckets_of(words)

            def subtract(rows: Rows) -> None:
                part, ends = slice(*rows), slice(rows[0], rows[1] + 1)
                subtract_from_total(self.matrix, self._row_of_bucket, offsets[ends], buckets, means[part], own[part])

            over_rows(subtract, len(own), cost=_NGRAMS * self.dimension)
        return own

    def _average(self, ngrams: WordNgrams, means: np.ndarray, own: int) -> np.ndarray:
        """Replace own rows or zeros by means with the n-grams of each word; return which words have some, (n,) bool."""
        offsets, buckets = ngrams
        known = np.empty(len(means), bool)

        def average(rows: Rows) -> None:
            part, ends = slice(*rows), slice(rows[0], rows[1] + 1)
            with np.errstate(over="ignore", invalid="ignore"):  # of damaged n-grams: NaN and infinity are refused later
                average_ngrams(self.matrix, self._row_of_bucket, offsets[ends], buckets, own, means[part], known[part])

        over_rows(average, len(means), cost=_NGRAMS * self.dimension)
        return known
