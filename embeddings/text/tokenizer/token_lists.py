"""Sentences that are already lists of tokens: words, items of a basket, nodes of a walk.

Tokens are used unchanged and may hold any characters. A dictionary maps them to provisional ids, so that Python code
runs only for tokens that are new.
"""

import reprlib
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
_BYTES_PER_TOKEN = 150  # approximate memory of a token in the dictionary, without its characters
_END_OF_SENTENCE = object()  # differs from every token
_EMPTY, _TOO_LONG = -1, -2  # instead of the id of a skipped token


class NotTextError(EmbeddingsError, TypeError):
    """An input that is neither lines of str nor lists of tokens."""


class TokenLists:
    """Tokenizer of sentences that are sequences of str; a block of text is a list of such sentences.

    Parameters
    ----------
    lowercase, fold_digits : bool
        Replace characters of the tokens like `make_tokenizer`.
    name_of : callable, optional
        Takes the index of a sentence, returns its name in errors; by default "sentence 7", counted from 0.
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
        """Arguments of `make_tokenizer` for text with a space between tokens."""
        return {"spec": WHITE_SPACE, **self._options}

    def tokenize(self, text: str) -> list[list[str]]:
        """Split text at white space; its lines are sentences."""
        return make_tokenizer(**self.settings).tokenize(text)

    def counter(self, table_bytes: int | None = None) -> "TokenListCounter":
        """Return a new counter that takes at most about `table_bytes` of memory (None: no limit)."""
        return TokenListCounter(self._folding, table_bytes, self._name_of)


class TokenListCounter:
    """Counts the tokens of sentences; a `WordCounter` whose blocks are lists of sentences.

    Parameters
    ----------
    folding : mapping of int to str
        Replacements of characters, as `str.translate` takes them.
    table_bytes : int, optional
        Approximate largest size of the dictionary of tokens. By default there is no limit.
    name_of : callable
        Takes the index of a sentence, returns its name in errors.
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

    @property
    def skipped(self) -> dict[str, int]:
        """Counts of tokens that got no id, by kind."""
        counts = {"empty tokens": self._empty, f"words longer than {LONGEST_WORD} bytes": self._too_long}
        return {what: number for what, number in counts.items() if number}

    @property
    def is_full(self) -> bool:
        """True if `take_words` must be called before the next `ids`."""
        return self._table_bytes is not None and self._ids.size >= self._table_bytes

    def ids(self, block: Any) -> Iterator[np.ndarray]:
        """Yield the ids of a list of sentences in parts.

        Parameters
        ----------
        block : sequence of sequence of str

        Yields
        ------
        (n,) int32
            Tokens from 1 on, 0 at the end of a sentence.

        Raises
        ------
        NotTextError
            A sentence is not a sequence, or a token is not a str; the message states its position.
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
        """Yield nothing: no token is kept back."""
        return iter(())

    def take_words(self) -> WordTable:
        """Return the words of the ids so far, and reset the counter."""
        table = WordTable()
        table.add(CountedWords(Words.from_bytes(self._ids.words), self._counts))
        self._ids.reset()
        self._counts = np.zeros(0, np.int64)
        return table

    def _counted(self, found: np.ndarray) -> np.ndarray:
        """Count ids; return them without skipped tokens."""
        if self._ids.has_omissions:
            self._empty += int(np.sum(found == _EMPTY))
            self._too_long += int(np.sum(found == _TOO_LONG))
            found = found[found >= 0]
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
    """Ids of tokens; a new token gets the next id when it is looked up.

    Parameters
    ----------
    folding : mapping of int to str
        Replacements of characters, as `str.translate` takes them.

    Attributes
    ----------
    words : list of bytes
        Words of the ids from 1 on.
    size : int
        Approximate memory in bytes.
    has_omissions : bool
        True if a token has no id.
    """

    def __init__(self, folding: Mapping[int, str]) -> None:
        super().__init__()
        self._folding = folding
        self.has_omissions = False
        self.reset()

    def reset(self) -> None:
        """Remove all tokens."""
        self.clear()
        self[_END_OF_SENTENCE] = LINE_END_ID
        self.words: list[bytes] = []
        self.size = 0

    def __missing__(self, token: Any) -> int:
        """Return the id of a new token; raise a TypeError if it is not a str."""
        if not isinstance(token, str):
            raise TypeError
        word = token.translate(self._folding) if self._folding else token
        encoded = word.encode("utf-8", "replace")  # a lone surrogate becomes ?
        if not 0 < len(encoded) <= LONGEST_WORD:
            self.has_omissions = True
            return _TOO_LONG if word else _EMPTY
        self.size += len(token) + _BYTES_PER_TOKEN
        word = word if word.isascii() else encoded.decode()
        if word == token:
            self.words.append(encoded)
            number = len(self.words)
        else:
            number = self[word]
        self[token] = number
        return number


def is_sequence(value: Any) -> bool:
    """Return True if a value is iterable in a defined order, which includes str and bytes."""
    return isinstance(value, Iterable) and not isinstance(value, (Mapping, Set)) and getattr(value, "ndim", 1) > 0


def described(value: Any) -> str:
    """Return a shortened value and its type for a message: "'king' (str)"."""
    return f"{reprlib.repr(value)} ({type(value).__name__})"
