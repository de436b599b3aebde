"""Character n-grams of words, hashed into buckets as fastText does.

Bojanowski, Grave, Joulin & Mikolov (2017), "Enriching Word Vectors with Subword Information": a word is written between
``<`` and ``>``, and its n-grams are all sequences of `min_length` to `max_length` characters, for "her" of 3 characters
``<he her er>``. The numbers of the buckets are those of fastText, so that models can be exchanged.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vecmill.arguments import quoted

if TYPE_CHECKING:
    from embeddings.parallel import Rows
    from embeddings.text.tokenizer.counted_words import Words

MOST_BUCKETS = 1 << 27
LONGEST_NGRAM = 1000
MOST_HASHES = 4
FLORET_SEED = 2166136261
_COST = 100  # operations of a word, about
_RANGE = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?")


class WordNgrams(NamedTuple):
    """Bucket numbers of the n-grams of words.

    Attributes
    ----------
    offsets : (n + 1,) int64
        The n-grams of word i are ``buckets[offsets[i] : offsets[i + 1]]``.
    buckets : (m,) int32
    """

    offsets: np.ndarray
    buckets: np.ndarray


class NgramTable(NamedTuple):
    """The buckets that the words of a vocabulary use, and the n-grams of the words as rows of these.

    The matrix of a model with subwords has V + U rows: those of the words, then those of `buckets`. Buckets that no
    word uses have no row.

    Attributes
    ----------
    buckets : (U,) int32
        Distinct numbers, ascending.
    offsets : (V + 1,) int64
        The n-grams of word i are ``rows[offsets[i] : offsets[i + 1]]``.
    rows : (m,) int32
        Indices of `buckets`: 0 to U - 1.
    """

    buckets: np.ndarray
    offsets: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True, kw_only=True)
class CharacterNgrams:
    """Character n-grams and their hashing.

    Attributes
    ----------
    min_length, max_length : int
        Characters of the shortest and the longest n-gram, the boundary signs included. A boundary sign alone is no
        n-gram.
    buckets : int
        Number of buckets; n-grams with the same hash share one.
    floret_hashes : int
        0 for fastText's hash. 1 to 4 for tables of floret, which spaCy loads: so many rows of a small table make up for
        collisions, and a whole word is one more n-gram in the place of a row of its own.

    Raises
    ------
    ValueError
        The lengths are no range, there are no buckets, or too many hashes.

    Examples
    --------
    >>> ngrams = CharacterNgrams(min_length=3, max_length=3, buckets=100)
    >>> ngrams.buckets_of(["her", "there"]).offsets.tolist()  # <he her er>, <th the her ere re>
    [0, 3, 8]
    """

    min_length: int = 3
    max_length: int = 6
    buckets: int = 2_000_000
    floret_hashes: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.min_length <= self.max_length <= LONGEST_NGRAM:
            raise ValueError(
                f"n-grams of {self.min_length} to {self.max_length} characters are impossible; expected a range such "
                "as 3-6"
            )
        if not 1 <= self.buckets <= MOST_BUCKETS:
            raise ValueError(f"buckets={self.buckets}; expected 1 to {MOST_BUCKETS:,}, such as 2000000")
        if not 0 <= self.floret_hashes <= MOST_HASHES:
            raise ValueError(
                f"floret_hashes={self.floret_hashes}; expected 1 to {MOST_HASHES}, or 0 for fastText's hash"
            )

    @classmethod
    def of_range(cls, lengths: str, buckets: int = 2_000_000, floret_hashes: int = 0) -> "CharacterNgrams":
        """Make them from a range such as "3-6".

        Parameters
        ----------
        lengths : str
            Two numbers with a hyphen, or one number.
        buckets : int
        floret_hashes : int

        Returns
        -------
        CharacterNgrams

        Raises
        ------
        ValueError
            `lengths` is no such range.
        """
        found = _RANGE.fullmatch(lengths)
        if not found:
            raise ValueError(f"n-grams of {quoted(lengths)} characters are impossible; expected a range such as 3-6")
        shortest, longest = int(found[1]), int(found[2] or found[1])
        return cls(min_length=shortest, max_length=longest, buckets=buckets, floret_hashes=floret_hashes)

    @property
    def range(self) -> str:
        """The lengths as text, such as "3-6"."""
        return f"{self.min_length}-{self.max_length}"

    def buckets_of(self, words: "Words | Sequence[str]", threads: int | None = None) -> WordNgrams:
        """Return the bucket numbers of the n-grams of words, in fastText's order.

        fastText's hash is FNV-1a of 32 bits over the bytes of UTF-8, which are sign-extended, modulo the number of
        buckets; floret's rows are the 32-bit quarters of MurmurHash3 (x64, 128 bits), those of the whole word first.

        Parameters
        ----------
        words : Words or sequence of str
            n words.
        threads : int, optional
            By default all cores.

        Returns
        -------
        WordNgrams
        """
        from embeddings.compilation import read_only  # imported here: settings are checked without Numba
        from embeddings.parallel import over_rows, threads_or_context
        from embeddings.text.character_ngrams_kernels import (
            count_floret_rows,
            count_ngrams,
            hash_floret_rows,
            hash_ngrams,
        )
        from embeddings.text.tokenizer.counted_words import Words

        letters, starts, ends = map(read_only, words if isinstance(words, Words) else _encoded(words))
        n, lengths, hashes = len(starts), (self.min_length, self.max_length), self.floret_hashes
        offsets = np.zeros(n + 1, np.int64)

        def count(rows: "Rows") -> None:
            part = slice(*rows)
            if hashes:
                count_floret_rows(letters, starts[part], ends[part], *lengths, hashes, offsets[1:][part])
            else:
                count_ngrams(letters, starts[part], ends[part], *lengths, offsets[1:][part])

        def compute(rows: "Rows") -> None:
            part = slice(*rows)
            if hashes:
                hashing = (self.buckets, hashes, FLORET_SEED)
                hash_floret_rows(letters, starts[part], ends[part], *lengths, *hashing, offsets[part], buckets)
            else:
                hash_ngrams(letters, starts[part], ends[part], *lengths, self.buckets, offsets[part], buckets)

        with threads_or_context(threads):
            over_rows(count, n, cost=_COST)
            np.cumsum(offsets, out=offsets)
            buckets = np.empty(offsets[-1], np.int32)
            over_rows(compute, n, cost=_COST)
        return WordNgrams(offsets, buckets)

    def table(self, words: "Words | Sequence[str]", threads: int | None = None) -> NgramTable:
        """Return the n-grams of a vocabulary as rows of the buckets in use.

        Parameters
        ----------
        words : Words or sequence of str
            V words.
        threads : int, optional
            By default all cores.

        Returns
        -------
        NgramTable
        """
        offsets, buckets = self.buckets_of(words, threads)
        used = np.zeros(self.buckets, bool)
        used[buckets] = True
        distinct = np.flatnonzero(used).astype(np.int32)
        rows = np.empty(self.buckets, np.int32)
        rows[distinct] = np.arange(len(distinct), dtype=np.int32)
        return NgramTable(distinct, offsets, rows[buckets])


def _encoded(words: Sequence[str]) -> "Words":
    from embeddings.text.tokenizer.counted_words import Words
    from vecmill.arguments import require_words

    require_words(words)
    return Words.from_bytes([word.encode("utf-8", "surrogatepass") for word in words])
