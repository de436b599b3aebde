"""Words as spans of bytes, with counts, and their text form: ``word<TAB>count`` lines.

Millions of Python strings would take several times as much memory.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from embeddings.errors import EmbeddingsError

_PART = 1 << 17
_MOST_DIGITS = 19  # of a whole number of 64 bits
_TAB, _NEWLINE, _ZERO, _NINE = b"\t\n09"
_ESCAPES = {b"\\": rb"\\", b"\t": rb"\t", b"\n": rb"\n", b"\r": rb"\r"}
_ORIGINALS = {escape: byte for byte, escape in _ESCAPES.items()}
_TO_ESCAPE = re.compile(rb"[\\\t\n\r]")
_ESCAPED = re.compile(rb"\\.", re.DOTALL)


class Words(NamedTuple):
    """Words as spans of UTF-8 bytes.

    Attributes
    ----------
    letters : (m,) uint8
    starts, ends : (n,) int64
        Word i is ``letters[starts[i] : ends[i]]``.
    """

    letters: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def from_bytes(cls, words: Sequence[bytes]) -> "Words":
        """Concatenate words."""
        lengths = np.fromiter(map(len, words), np.int64, len(words))
        ends = np.cumsum(lengths)
        return cls(np.frombuffer(b"".join(words), np.uint8), ends - lengths, ends)

    def to_bytes(self) -> Iterator[bytes]:
        """Yield the words one by one."""
        letters = self.letters.tobytes()
        for part in _parts(len(self.starts)):
            for start, end in zip(self.starts[part].tolist(), self.ends[part].tolist(), strict=True):
                yield letters[start:end]

    def take(self, which: np.ndarray | slice) -> "Words":
        """Return the words at the given indices, mask or slice; the letters are shared, not copied."""
        return Words(self.letters, self.starts[which], self.ends[which])

    def compact(self) -> "Words":
        """Return the same words with a copy of only their letters."""
        lengths = self.ends - self.starts
        ends = np.cumsum(lengths)
        starts = ends - lengths
        letters = np.empty(lengths.sum(), np.uint8)
        for part in _parts(len(starts)):
            first, last = starts[part][0], ends[part][-1]
            letters[first:last] = self.letters[
                np.arange(first, last) + np.repeat(self.starts[part] - starts[part], lengths[part])
            ]
        return Words(letters, starts, ends)


class CountedWords(NamedTuple):
    """Words and their counts.

    Attributes
    ----------
    words : Words
    counts : (n,) int64
    """

    words: Words
    counts: np.ndarray

    @classmethod
    def join(cls, parts: Sequence["CountedWords"]) -> "CountedWords":
        """Concatenate the words of all parts."""
        before = np.cumsum([0, *(part.words.letters.size for part in parts)])
        letters, starts, ends = (
            np.concatenate([part.words.letters for part in parts]),
            np.concatenate([part.words.starts + shift for part, shift in zip(parts, before, strict=False)]),
            np.concatenate([part.words.ends + shift for part, shift in zip(parts, before, strict=False)]),
        )
        return cls(Words(letters, starts, ends), np.concatenate([part.counts for part in parts]))

    def ranked(self, most: int | None = None) -> "CountedWords":
        """Sort by descending count, then by code points, and keep the first `most` words.

        UTF-8 bytes sort like code points. Words are compared by their first 16 bytes as two numbers; the few words that
        are equal so far are compared in full.
        """
        first, second = _leading_bytes(self.words).T
        order = np.lexsort((second, first, -self.counts))
        alike = np.ones(len(order[1:]), bool)
        for key in (self.counts, first, second):
            alike &= key[order[1:]] == key[order[:-1]]
        places = np.flatnonzero(alike)
        for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if places.size else []:
            members = order[run[0] : run[-1] + 2]
            words = list(self.words.take(members).to_bytes())
            order[run[0] : run[-1] + 2] = members[sorted(range(len(words)), key=words.__getitem__)]
        order = order[:most]
        return CountedWords(self.words.take(order).compact(), self.counts[order])

    def to_text(self) -> bytes:
        """Return ``word<TAB>count`` lines; a backslash escapes tab, newline, return and backslash in words."""
        words = self.words.to_bytes()
        if _TO_ESCAPE.search(self.words.letters.data):
            words = (_TO_ESCAPE.sub(lambda found: _ESCAPES[found[0]], word) for word in words)
        lines = (b"%b\t%d\n" % line for line in zip(words, self.counts.tolist(), strict=True))
        return b"".join(
            iter(lambda: b"".join(islice(lines, 100_000)), b"")
        )  # in parts, because bytes objects are large

    @classmethod
    def from_text(cls, text: bytes) -> "CountedWords":
        """Parse the result of `to_text`; the words keep their escapes.

        Parameters
        ----------
        text : bytes
            Lines of UTF-8.

        Returns
        -------
        CountedWords

        Raises
        ------
        EmbeddingsError
            A line has another form; the message states its number.
        """
        letters = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(letters == _NEWLINE)
        starts = np.concatenate([[0], ends[:-1] + 1]) if ends.size else ends
        tabs = np.flatnonzero(letters == _TAB)
        if len(tabs) != len(ends) or not ((starts < tabs) & (tabs + 1 < ends)).all():
            _raise_for_line(text)
        counts = np.zeros(len(ends), np.int64)
        digits = ends - tabs - 1
        for place in range(int(digits.max(initial=0))):
            has_digit = np.flatnonzero(place < digits)
            value = letters[tabs[has_digit] + 1 + place]
            if place == _MOST_DIGITS or ((value < _ZERO) | (value > _NINE)).any():
                _raise_for_line(text)
            counts[has_digit] = counts[has_digit] * 10 + (value - _ZERO)
        if counts.min(initial=0) < 0:  # beyond 2^63
            _raise_for_line(text)
        return cls(Words(letters, starts, tabs), counts)


def _parts(number: int) -> Iterator[slice]:
    """Return slices that cut a long array into parts, so that temporary arrays are small."""
    return (slice(first, first + _PART) for first in range(0, number, _PART))


def unescape(word: bytes) -> bytes:
    """Return a word of `CountedWords.from_text` without escapes."""
    return _ESCAPED.sub(lambda found: _ORIGINALS.get(found[0], found[0]), word) if b"\\" in word else word


def escape(word: bytes) -> bytes:
    """Return a word with the escapes of `CountedWords.to_text`."""
    return _TO_ESCAPE.sub(lambda found: _ESCAPES[found[0]], word)


def _leading_bytes(words: Words) -> np.ndarray:
    """Return bytes 0 to 7 and 8 to 15 of each word as numbers, (n, 2) uint64; zeros follow shorter words."""
    leading = np.zeros((len(words.starts), 16), np.uint8)
    lengths = words.ends - words.starts
    for place in range(16):
        longer = np.flatnonzero(place < lengths)
        leading[longer, place] = words.letters[words.starts[longer] + place]
    return leading.view(">u8").astype(np.uint64)


def _raise_for_line(text: bytes) -> None:
    for number, line in enumerate(text.removesuffix(b"\n").split(b"\n"), start=1):
        parts = re.fullmatch(rb"[^\t]+\t([0-9]{1,%d})" % _MOST_DIGITS, line)
        if not parts or int(parts[1]) >= 1 << 63:
            shown = line[:50].decode("utf-8", "replace")
            raise EmbeddingsError(f"line {number:,} of a vocabulary is {shown!r}; expected a word, a tab and its count")
