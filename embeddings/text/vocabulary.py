"""The vocabulary: words, their counts and their ids."""

import difflib
import hashlib
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Sized
from functools import cached_property
from itertools import repeat
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.setting_types import require_type
from embeddings.text.tokenizer.counted_words import CountedWords, Words, escape, unescape
from vecmill.arguments import described, quoted, require_kind, require_path, require_place, require_words
from vecmill.files import atomic_file
from vecmill.plurals import counted

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

UNK, EOS = "<unk>", "<eos>"
"""Tokens for words outside of the vocabulary and for the end of a line."""
_SEARCHES = 8  # words searched in the text before a dictionary is built
_CANDIDATES = 50_000  # words whose spelling is compared with that of an unknown word


class UnknownWordError(EmbeddingsError, KeyError):
    """A word that is not in the vocabulary."""


class Vocabulary:
    """Words with their counts; the id of a word is its index. Immutable.

    `build_vocabulary` and `from_counts` sort words by descending count, then by code points; `from_words` keeps the
    given order. The vocabulary is stored as the text of ``vocabulary.tsv`` and decoded on demand, so that a large
    vocabulary opens at once.

    Parameters
    ----------
    text : bytes
        ``word<TAB>count`` lines; see `CountedWords.to_text`.

    Attributes
    ----------
    known_ids : dict of str to int
        Ids of all words once several were looked up, for loops over single words; empty before.

    Examples
    --------
    The vector of a word is the product of its one-hot vector o_w and the embedding matrix E (V, d), e_w = o_w E:

    >>> vocabulary = Vocabulary.from_counts({"king": 3, "queen": 5})
    >>> E = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> vocabulary.one_hot("king") @ E == E[vocabulary.ids(["king"])]
    array([[ True,  True]])
    """

    def __init__(self, text: bytes) -> None:
        require_kind("text", text, bytes, "the bytes of a vocabulary.tsv; Vocabulary.from_words takes words")
        self._text = text if text.endswith(b"\n") or not text else text + b"\n"
        self._searches = 0
        self.known_ids: dict[str, int] = {}

    @classmethod
    def from_counted(cls, counted: CountedWords) -> Self:
        """Make a vocabulary of distinct words in the given order."""
        return cls(counted.to_text())

    @classmethod
    def from_words(cls, words: Iterable[str], counts: Iterable[int] | None = None) -> Self:
        """Make a vocabulary of words in the given order.

        Parameters
        ----------
        words : iterable of str
            Distinct words.
        counts : iterable of int, optional
            One count per word; by default 0, which means unknown.

        Returns
        -------
        Vocabulary

        Raises
        ------
        ValueError
            A word occurs twice, is empty or has no UTF-8, a count is negative or no whole number, or the numbers of
            counts and words differ.
        TypeError
            `words` is one word or a set, or one of them is no str.
        """
        if isinstance(words, (set, frozenset)):
            raise TypeError(f"got {described(words)}, which has no order; expected a list of words: give sorted(words)")
        if not isinstance(words, Mapping):  # whose keys are words
            require_words(words)
        words = list(words)
        _require_items("a word", words, str, "a str")
        words = list(map(str.__str__, words))  # NumPy's would be shown as np.str_('king')
        numbers = np.zeros(len(words), np.int64) if counts is None else _whole_numbers(counts)
        if len(numbers) != len(words):
            raise ValueError(
                f"{counted(len(numbers), 'count')} for {counted(len(words), 'word')}; expected one count per word"
            )
        if numbers.min(initial=0) < 0:
            raise ValueError(f"count {numbers.min()} is negative; expected the number of occurrences of a word")
        if len(set(words)) != len(words):
            twice = Counter(words).most_common(1)[0][0]
            raise ValueError(f"word {twice!r} occurs twice; expected distinct words: remove one of them")
        if "" in words:
            raise ValueError("a word is empty; remove it")
        try:
            vocabulary = cls(_lines(words, None if counts is None else numbers.tolist()).encode())
        except UnicodeEncodeError:
            raise _without_utf_8(words) from None
        vocabulary.words = tuple(words)  # fills the cached property
        return vocabulary

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], min_count: int = 1, max_vocabulary: int | None = None) -> Self:
        """Make a vocabulary of the `max_vocabulary` most frequent words with a count of at least `min_count`.

        Parameters
        ----------
        counts : mapping of str to int
        min_count : int
        max_vocabulary : int, optional
            By default all words.

        Returns
        -------
        Vocabulary
            Words by descending count, then by code points.

        Raises
        ------
        EmbeddingsError
            No word is frequent enough.
        TypeError, ValueError
            `counts` is no mapping of str to int, or a number is of another type or out of range.
        """
        require_kind("counts", counts, Mapping, "a mapping of words to their counts, such as a Counter")
        _require_items("a count", counts.values(), Integral, "a whole number")
        min_count, max_vocabulary = _numbers(min_count, max_vocabulary)
        kept = sorted((-count, word) for word, count in counts.items() if count >= min_count)[:max_vocabulary]
        if not kept:
            raise EmbeddingsError(f"none of {len(counts):,} words reaches min_count={min_count}; lower it")
        return cls.from_words([word for _, word in kept], [-count for count, _ in kept])

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Open a ``vocabulary.tsv``; its lines are parsed on demand.

        Parameters
        ----------
        path : str or PathLike

        Returns
        -------
        Vocabulary

        Raises
        ------
        EmbeddingsError
            The file cannot be read.
        TypeError, ValueError
            `path` is no path.
        """
        require_path("path", path)
        try:
            return cls(Path(path).read_bytes())
        except OSError as error:
            raise EmbeddingsError(f"cannot read the vocabulary {path}: {error.strerror}") from error

    def save(self, path: str | PathLike[str]) -> None:
        r"""Write ``word<TAB>count`` lines in UTF-8, without a header.

        Tab, newline, carriage return and backslash in words are escaped as ``\t``, ``\n``, ``\r`` and ``\\``.

        Parameters
        ----------
        path : str or PathLike

        Raises
        ------
        OutputError
            The file cannot be written.
        TypeError, ValueError
            `path` is no path.
        """
        require_place("path", path)
        with atomic_file(path) as file:
            file.write(self._text)

    @cached_property
    def _counted(self) -> CountedWords:
        return CountedWords.from_text(self._text)

    @property
    def encoded_words(self) -> Words:
        """The words as UTF-8 bytes, for compiled code."""
        words = self._counted.words
        return Words.from_bytes(list(map(unescape, words.to_bytes()))) if b"\\" in self._text else words

    @cached_property
    def words(self) -> Sequence[str]:
        """The words by id."""
        try:
            words = [line.partition("\t")[0] for line in self._text.decode().split("\n")[: len(self.counts)]]
        except UnicodeDecodeError as error:
            line = self._text.count(b"\n", 0, error.start) + 1
            raise EmbeddingsError(f"line {line:,} of the vocabulary is not UTF-8; build it again") from None
        if b"\\" in self._text:
            words = [unescape(word.encode()).decode() for word in words]
        return tuple(words)

    @cached_property
    def counts(self) -> np.ndarray:
        """Counts of the words by id, (V,) int64; 0 if unknown."""
        counts = self._counted.counts
        counts.flags.writeable = False
        return counts

    @cached_property
    def _length(self) -> int:
        return self._text.count(b"\n")  # without parsing the lines: a large vocabulary opens at once

    @cached_property
    def _ids(self) -> dict[str, int]:
        self.known_ids = {word: number for number, word in enumerate(self.words)}
        return self.known_ids

    def _find(self, word: str) -> int | None:
        """Return the id of a word; the first look-ups search the text, later ones use a dictionary."""
        if not isinstance(word, str):
            return None
        if self._searches >= _SEARCHES:
            return self._ids.get(word)
        self._searches += 1
        line = escape(word.encode("utf-8", "surrogatepass")) + b"\t"
        if len(line) == 1 or self._text.startswith(line):
            return 0 if len(line) > 1 else None
        place = self._text.find(b"\n" + line)
        return None if place < 0 else self._text.count(b"\n", 0, place + 1)

    def id(self, word: str) -> int:
        """Return the id of a word.

        Parameters
        ----------
        word : str

        Returns
        -------
        int
            Row of E, from 0.

        Raises
        ------
        UnknownWordError
            The word is not in the vocabulary (a `KeyError` and an `EmbeddingsError`); the message suggests the closest
            spellings.
        """
        number = self._find(word)
        if number is None:
            require_kind("a word", word, str, "a str")
            raise self.unknown_word(word)
        return number

    def unknown_word(self, word: str) -> UnknownWordError:
        """Return the error of a word that is not in the vocabulary."""
        near = self._closest(word)
        hint = f"closest: {', '.join(near)}" if near else f"the vocabulary has {counted(len(self), 'other word')}"
        return UnknownWordError(f"word {quoted(word)} is not in the vocabulary; {hint}")

    def ids(self, words: Iterable[str], missing: int | None = None) -> np.ndarray:
        """Return the ids of words, (n,) int32.

        Parameters
        ----------
        words : iterable of str
        missing : int, optional
            Id of words that are not in the vocabulary; by default they are an error.

        Returns
        -------
        (n,) int32

        Raises
        ------
        UnknownWordError
            See `id`.
        TypeError, ValueError
            A str is given instead of a list of words, an item is no str, or `missing` is no whole number of 32 bits.
        """
        require_words(words)
        missing = require_type("missing", missing, int | None)
        if missing is not None and not -(2**31) <= missing < 2**31:
            raise ValueError(f"missing is {missing}; expected an id of 32 bits, such as -1")
        if missing is None:
            return np.array([self.id(word) for word in words], np.int32)
        words = words if isinstance(words, Sized) else list(words)
        if not all(issubclass(kind, str) for kind in set(map(type, words))):  # quicker than to look at each word
            for word in words:
                require_kind("a word", word, str, "a str")
        return np.array(self.find(words, missing), np.int32)

    def find(self, words: Iterable[str], missing: int) -> list[int]:
        """Return the ids of words as a list, `missing` for those that are not in the vocabulary."""
        if isinstance(words, Sized) and len(words) <= _SEARCHES - self._searches:
            found = [self._find(word) for word in words]
            return [missing if number is None else number for number in found]
        return list(map(self._ids.get, words, repeat(missing)))

    def _closest(self, word: str) -> list[str]:
        """Return up to three similar words: first words of other case, then frequent words of similar spelling."""
        other_case = [form for form in (word.lower(), word.capitalize(), word.upper()) if form in self]
        candidates = [
            other
            for other in self.words[:_CANDIDATES]
            if abs(len(other) - len(word)) <= 2 and not set(other[:2]).isdisjoint(word[:2])
        ]
        return list(dict.fromkeys(other_case + difflib.get_close_matches(word, candidates)))[:3]

    def prefix(self, max_vocabulary: int | None = None, min_count: int = 1) -> "Vocabulary":
        """Return the first words as a new vocabulary, with the same ids.

        Parameters
        ----------
        max_vocabulary : int, optional
            Largest number of words; by default all.
        min_count : int
            Omit words that occur less often, except ``<unk>`` and ``<eos>``.

        Returns
        -------
        Vocabulary
            The count of ``<unk>`` includes the counts of the omitted words.

        Raises
        ------
        TypeError, ValueError
            A number is of another type or out of range.
        """
        min_count, max_vocabulary = _numbers(min_count, max_vocabulary)
        frequent = 2 + int(np.searchsorted(-self.counts[2:], -min_count, side="right"))
        size = min(len(self), frequent, len(self) if max_vocabulary is None else max_vocabulary)
        if size == len(self) or self.words[:2] != (UNK, EOS):
            return self
        counts = self.counts[:size].tolist()
        counts[0] += int(self.counts[size:].sum())
        return Vocabulary.from_words(self.words[:size], counts)

    def is_word(self, *, punctuation: bool) -> np.ndarray:
        """Return a mask of the entries that are words of the text: not ``<unk>``, ``<eos>`` or punctuation.

        Parameters
        ----------
        punctuation : bool
            Include entries without a letter, digit, mark or underscore.

        Returns
        -------
        (V,) bool
        """
        found = np.ones(len(self), bool)
        found[: 2 if self.words[:2] == (UNK, EOS) else 0] = False
        if not punctuation:
            others = [number for number, word in enumerate(self.words) if not word.isalnum()]
            found[[number for number in others if not _has_letter(self.words[number])]] = False
        return found

    def select(self, chosen: np.ndarray) -> "Vocabulary":
        """Return the words at the given indices or mask as a new vocabulary."""
        numbers = np.arange(len(self))[chosen].tolist()
        return Vocabulary.from_words([self.words[number] for number in numbers], self.counts[chosen].tolist())

    def one_hot(self, words: str | Iterable[str]) -> "sparse.csr_array":
        """Return the one-hot vectors o_w of words as rows, (n, V) float32; a single str is one row.

        Parameters
        ----------
        words : str or iterable of str

        Returns
        -------
        sparse array (n, V) float32

        Raises
        ------
        UnknownWordError
            See `id`.
        """
        from scipy import sparse  # imported here: it takes a third of a second, which other methods do not need

        ids = self.ids([words] if isinstance(words, str) else words)
        rows = np.arange(len(ids) + 1, dtype=np.int32)
        return sparse.csr_array((np.ones(len(ids), np.float32), ids, rows), shape=(len(ids), len(self)))

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with the columns ``word`` and ``count``; the index is the id."""
        import pandas as pd  # imported here: it takes half a second, which other methods do not need

        return pd.DataFrame({"word": self.words, "count": self.counts}).rename_axis("id")

    def fingerprint(self) -> str:
        """Return the SHA-256 of ``vocabulary.tsv``."""
        return hashlib.sha256(self._text).hexdigest()

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self._find(word) is not None

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Vocabulary) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        some = ", ".join(f"{word} ({count:,})" for word, count in zip(self.words[:3], self.counts, strict=False))
        return f"<Vocabulary of {len(self):,} words: {some}{', ...' if len(self) > 3 else ''}>"


def _require_items(name: str, items: Collection[Any], kind: type, expected: str) -> None:
    """Raise a TypeError for the first item of another kind; their types are few."""
    for other in {type(item) for item in items if not isinstance(item, kind)}:
        require_kind(name, next(item for item in items if type(item) is other), kind, expected)


def _without_utf_8(words: Iterable[str]) -> ValueError:
    """Return the error that names the first word with half of a surrogate pair."""
    word = next(word for word in words if any("\ud800" <= character <= "\udfff" for character in word))
    return ValueError(f"word {quoted(word)} has half of a surrogate pair and so no UTF-8 form; remove it")


def _whole_numbers(counts: Iterable[Any]) -> np.ndarray:
    """Return counts as (n,) int64."""
    given = np.asarray(counts if isinstance(counts, np.ndarray) else list(counts))
    try:
        with np.errstate(invalid="ignore"):
            numbers = given.astype(np.int64)
        is_whole = given.ndim == 1 and given.dtype.kind in "iuf" and bool((numbers == given).all())
    except (OverflowError, ValueError, TypeError):
        is_whole = False
    if not is_whole and given.size:
        raise ValueError(f"counts are {described(counts)}; expected a list of whole numbers of 64 bits")
    return numbers if given.size else np.zeros(0, np.int64)


def _has_letter(word: str) -> bool:
    return any(unicodedata.category(character)[0] in "LNM" or character == "_" for character in word)


def _lines(words: list[str], counts: list[int] | None) -> str:
    """Return the lines of ``vocabulary.tsv``; without counts one join suffices, as there may be millions of words."""
    letters = "".join(words)
    if any(special in letters for special in "\\\t\n\r"):
        words = [escape(word.encode()).decode() for word in words]
    if counts is None:
        return "\t0\n".join([*words, ""])
    return "".join(map("{}\t{}\n".format, words, counts))


def _numbers(min_count: int, max_vocabulary: int | None) -> tuple[int, int | None]:
    """Return the limits of a vocabulary; raise an error if they are no whole numbers, or leave no word."""
    limit = require_type("max_vocabulary", max_vocabulary, int | None)
    if limit is not None and limit < 1:
        raise ValueError(f"max_vocabulary is {limit}; expected 1 or more, or None for all words")
    return require_type("min_count", min_count, int), limit
