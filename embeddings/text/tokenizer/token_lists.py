"""Sentences that are lists of tokens already: words, items of a basket, nodes of a walk.

The tokens are taken as they are, whatever characters they hold. A dictionary maps them to provisional ids; only a token
that is not in it yet is looked at in Python.
"""

import reprlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain, islice, repeat
from typing import Any

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.tokenizer.character_tables import case_and_digit_folding
from embeddings.text.tokenizer.counted_words import CountedWords, Words
from embeddings.text.tokenizer.kernels import LINE_END_ID, LONGEST_WORD
from embeddings.text.tokenizer.tokenizers import WHITE_SPACE, make_tokenizer
from embeddings.text.tokenizer.word_table import WordTable

_IDS_AT_ONCE = 1 << 16
_BYTES_PER_TOKEN = 150  # of a token in the dictionary beside its characters, roughly
_END_OF_SENTENCE = f"\ud800{secrets.token_hex()}"  # equal to no token; a str, for a dictionary of str is the fastest
_LONGEST_SHOWN = 50  # characters of a value in a message
_EMPTY, _TOO_LONG = -1, -2  # in place of the id of a token that is left out


class NotTextError(EmbeddingsError, TypeError):
    """The input is not a text: neither lines of str nor lists of tokens."""


class TokenLists:
    """The tokenizer of sentences that are sequences of str; a block of text is a list of such sentences.

    Parameters
    ----------
    lowercase, fold_digits : bool
        Replace characters of the tokens as `make_tokenizer` does.
    name_of : callable, optional
        Names a sentence in errors, given its index. Default: "sentence 7", counted from 0.
    """

    uses_threads = False

    def __init__(
        self,
        *,
        lowercase: bool = False,
        fold_digits: bool = False,
        name_of: Callable[[int], str] = "sentence {}".format,
    ) -> None:
        self._options = {"lowercase": lowercase, "punctuation": False, "fold_digits": fold_digits}
        self._folding = case_and_digit_folding(lowercase, fold_digits)
        self._name_of = name_of

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that suit text with a space between tokens."""
        return {"spec": WHITE_SPACE, **self._options}

    def tokenize(self, text: str) -> list[list[str]]:
        """Split text at white space: its lines are sentences."""
        return make_tokenizer(**self.settings).tokenize(text)

    def counter(self, table_bytes: int | None = None) -> "TokenListCounter":
        """Return a new counter of about `table_bytes` of memory at most (default: no limit)."""
        return TokenListCounter(self._folding, table_bytes, self._name_of)


class TokenListCounter:
    """Counts the tokens of sentences; a `WordCounter` whose blocks are lists of sentences.

    Parameters
    ----------
    folding : mapping of int to str
        Replacements of characters, as `str.translate` takes them.
    table_bytes : int, optional
        About the largest size of the dictionary of tokens. Default: no limit.
    name_of : callable
        Names a sentence in errors, given its index.
    """

    def __init__(
        self,
        folding: Mapping[int, str],
        table_bytes: int | None = None,
        name_of: Callable[[int], str] = "sentence {}".format,
    ) -> None:
        self._ids = _TokenIds(folding)
        self._table_bytes = table_bytes
        self._name_of = name_of
        self._counts = np.zeros(0, np.int64)
        self._empty = self._too_long = self._sentences = 0
        self._size = 0  # of the dictionary in bytes, roughly

    @property
    def passed_over(self) -> dict[str, int]:
        """What no token was made of, counted."""
        counts = {"empty tokens": self._empty, f"words longer than {LONGEST_WORD} bytes": self._too_long}
        return {what: number for what, number in counts.items() if number}

    @property
    def is_full(self) -> bool:
        """Whether the words have to be taken before the next ids are asked for."""
        return self._table_bytes is not None and self._size >= self._table_bytes

    def ids(self, block: Any) -> Iterator[np.ndarray]:
        """Number the tokens of some sentences.

        Parameters
        ----------
        block : list of iterables of str
            Sentences.

        Yields
        ------
        (n,) int32
            Ids in parts: tokens from 1 on, 0 where a sentence ends.

        Raises
        ------
        NotTextError
            A sentence is not a sequence, or a token is not a str; the message says where.
        """
        sentences = self._checked(block)
        with_ends = chain.from_iterable(zip(sentences, repeat((_END_OF_SENTENCE,))))
        numbers = map(self._ids.__getitem__, chain.from_iterable(with_ends))
        while True:
            try:
                found = np.fromiter(islice(numbers, _IDS_AT_ONCE), np.int32)
            except TypeError as error:
                raise self._first_bad_token(sentences) or error from None
            if not found.size:
                break
            yield self._counted(found)
        self._sentences += len(sentences)

    def last_ids(self) -> Iterator[np.ndarray]:
        """Yield nothing: no token is held back."""
        return iter(())

    def take_words(self) -> WordTable:
        """Return the words of the ids so far, and begin anew."""
        table = WordTable()
        table.add(CountedWords(Words.from_bytes([word.encode() for word in self._ids.words]), self._counts))
        self._ids.reset()
        self._size = 0
        self._counts = np.zeros(0, np.int64)
        return table

    def _counted(self, found: np.ndarray) -> np.ndarray:
        """Count ids and leave out those of no word."""
        if self._ids.has_omissions:
            self._empty += int(np.sum(found == _EMPTY))
            self._too_long += int(np.sum(found == _TOO_LONG))
            found = found[found >= 0]
        new = self._ids.words[len(self._counts) :]
        self._size += _BYTES_PER_TOKEN * len(new) + sum(map(len, new))
        counts = np.bincount(found, minlength=len(self._ids.words) + 1)[1:]
        counts[: len(self._counts)] += self._counts
        self._counts = counts
        return found

    def _checked(self, block: Sequence[Any]) -> Sequence[Iterable[str]]:
        """Return the sentences as lists or tuples."""
        if set(map(type, block)) <= {list, tuple}:
            return block
        return [self._as_list(sentence, index) for index, sentence in enumerate(block, self._sentences)]

    def _as_list(self, sentence: Any, index: int) -> list[Any]:
        if isinstance(sentence, (str, bytes, bytearray)) or not is_sequence(sentence):
            raise NotTextError(
                f"{self._name_of(index)} is {described(sentence)}; expected a list of tokens, as the sentences before"
            )
        return sentence.tolist() if hasattr(sentence, "tolist") else list(sentence)

    def _first_bad_token(self, sentences: Sequence[Iterable[Any]]) -> NotTextError | None:
        for index, sentence in enumerate(sentences, self._sentences):
            for place, token in enumerate(sentence):
                if not isinstance(token, str):
                    return NotTextError(f"{self._name_of(index)}: token {place} is {described(token)}; expected a str")
        return None


class _TokenIds(dict[Any, int]):
    """Ids of tokens; a new token gets the next one when it is asked for.

    Parameters
    ----------
    folding : mapping of int to str
        Replacements of characters, as `str.translate` takes them.

    Attributes
    ----------
    words : list of str
        The words of the ids from 1 on.
    has_omissions : bool
        Whether some token has no id.
    """

    def __init__(self, folding: Mapping[int, str]) -> None:
        super().__init__()
        self._folding = folding
        self._is_plain = not folding
        self.has_omissions = False
        self.reset()

    def reset(self) -> None:
        """Forget all tokens."""
        self.clear()
        self[_END_OF_SENTENCE] = LINE_END_ID
        self.words: list[str] = []

    def __missing__(self, token: Any) -> int:
        """Return the id of a new token; raise a TypeError if it is not a str."""
        if type(token) is str and self._is_plain and token.isascii() and 0 < len(token) <= LONGEST_WORD:
            words = self.words
            words.append(token)
            self[token] = number = len(words)
            return number
        return self._id_of_other(token)

    def _id_of_other(self, token: Any) -> int:
        """Return the id of a new token that may need another spelling, or may not have an id."""
        if not isinstance(token, str):
            raise TypeError
        word = token.translate(self._folding).encode("utf-8", "replace").decode()  # a lone surrogate becomes ?
        if not word or len(word.encode()) > LONGEST_WORD:
            self.has_omissions = True
            return _TOO_LONG if word else _EMPTY
        if word == token:
            self.words.append(word)
            number = len(self.words)
        else:
            number = self[word]
        self[str(token)] = number  # a subclass of str would make all look-ups slower
        return number


def is_sequence(value: Any) -> bool:
    """Whether a value can be iterated over in an order of its own; str and bytes can."""
    return isinstance(value, Iterable) and not isinstance(value, (Mapping, Set)) and getattr(value, "ndim", 1) > 0


def described(value: Any) -> str:
    """Return a value, shortened, and its type: "'king' (str)"."""
    shown = " ".join(reprlib.repr(value).split())
    return f"{shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + '...'} ({type(value).__name__})"
