"""Sentences that are lists of tokens already: words, items of a basket, nodes of a walk.

The tokens are taken as they are, whatever characters they hold. All tokens of a block are joined to one text, and the
compiled table of words counts and numbers its spans; Python does not look at single tokens.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from numbers import Integral
from typing import Any

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.tokenizer.character_tables import case_and_digit_folding, with_final_sigmas
from embeddings.text.tokenizer.counted_words import CountedWords, Words
from embeddings.text.tokenizer.kernels import LINE_END_ID, LONGEST_WORD
from embeddings.text.tokenizer.normalization import NFC, NONE, normalize_text, require_normalization
from embeddings.text.tokenizer.tokenizers import WHITE_SPACE, tokenizer_of
from embeddings.text.tokenizer.word_counters import TOO_LONG_WORDS
from embeddings.text.tokenizer.word_table import WordTable
from vecmill.arguments import columns_of, described, is_sequence
from vecmill.surrogates import replaced

_TOKENS_AT_ONCE = 1 << 13  # their str objects fit into the processor's cache
_SEPARATOR = "\0"  # between tokens in the text that is numbered
_LEFT_OUT = -1  # in place of the id of a token that is empty or too long


class NotTextError(EmbeddingsError, TypeError):
    """The input is not a text: neither lines of str nor lists of tokens."""


class TokenLists:
    """The tokenizer of sentences that are sequences of str; a block of text is a list of such sentences.

    Parameters
    ----------
    lowercase, fold_digits : bool
        Replace characters of the tokens as `make_tokenizer` does.
    normalize : {"nfc", "none"}
        Unicode normalization of the tokens. By default none, as tokens may be names of items or nodes.
    name_of : callable, optional
        Names a sentence in errors, given its index. Default: "sentence 7", counted from 0.
    """

    uses_threads = False

    def __init__(
        self,
        *,
        lowercase: bool = False,
        fold_digits: bool = False,
        normalize: str = NONE,
        name_of: Callable[[int], str] = "sentence {}".format,
    ) -> None:
        require_normalization(normalize)
        self._options = {
            "lowercase": lowercase,
            "punctuation": False,
            "fold_digits": fold_digits,
            "normalize": normalize,
        }
        self._lowercase, self._normalize = lowercase, normalize == NFC
        self._folding = case_and_digit_folding(lowercase, fold_digits)
        self._name_of = name_of

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that suit text with a space between tokens."""
        return {"spec": WHITE_SPACE, **self._options}

    def tokenize(self, text: str) -> list[list[str]]:
        """Split text at white space: its lines are sentences."""
        return tokenizer_of(self.settings).tokenize(text)

    def counter(self, table_bytes: int | None = None) -> "TokenListCounter":
        """Return a new counter of about `table_bytes` of memory at most (default: no limit)."""
        return TokenListCounter(
            self._folding, table_bytes, self._name_of, lowercase=self._lowercase, normalize=self._normalize
        )


class TokenListCounter:
    """Counts the tokens of sentences; a `WordCounter` whose blocks are lists of sentences.

    Parameters
    ----------
    folding : mapping of int to str
        Replacements of characters, as `str.translate` takes them.
    table_bytes : int, optional
        Largest size of the table of tokens; when it is reached, `is_full` is true. Default: no limit.
    name_of : callable
        Names a sentence in errors, given its index.
    lowercase : bool
        `folding` converts to lower case: a final sigma has its own form.
    normalize : bool
        Bring the tokens into normalization form C first.
    """

    def __init__(
        self,
        folding: Mapping[int, str],
        table_bytes: int | None = None,
        name_of: Callable[[int], str] = "sentence {}".format,
        *,
        lowercase: bool = False,
        normalize: bool = False,
    ) -> None:
        self._folding = folding
        self._lowercase = lowercase
        self._normalize = normalize
        self._table_bytes = table_bytes
        self._name_of = name_of
        self._table = WordTable()
        self._empty = self._too_long = self._surrogates = self._sentences = 0
        self._is_full = False

    @property
    def skipped(self) -> dict[str, int]:
        """Counts of tokens that got no id, and of characters that were replaced, by kind."""
        counts = {
            "empty tokens": self._empty,
            TOO_LONG_WORDS: self._too_long,
            "lone surrogates, replaced by U+FFFD": self._surrogates,
        }
        return {what: number for what, number in counts.items() if number}

    @property
    def is_full(self) -> bool:
        """True if `take_words` must be called before the next `ids`."""
        return self._is_full

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
        lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
        groups = (np.cumsum(lengths) - lengths) // _TOKENS_AT_ONCE
        for group in np.split(np.arange(len(sentences)), np.flatnonzero(np.diff(groups)) + 1):
            yield from self._ids_of_few(sentences[group[0] : group[-1] + 1] if len(group) else [])
            self._sentences += len(group)

    def _ids_of_few(self, sentences: Sequence[Sequence[str]]) -> Iterator[np.ndarray]:
        """Number the tokens of sentences whose tokens fit into the processor's cache, as far as one sentence does."""
        tokens = list(chain.from_iterable(sentences))
        try:
            words = self._as_words(self._without_surrogates(tokens))
        except TypeError as error:
            raise self._first_bad_token(sentences) or error from None
        ends = np.cumsum(np.fromiter(map(len, sentences), np.int64, len(sentences)))
        for first in range(0, max(1, len(tokens)), _TOKENS_AT_ONCE):
            last = min(first + _TOKENS_AT_ONCE, len(tokens))
            part = Words(words.letters, words.starts[first:last], words.ends[first:last])
            limit = self._table_bytes if len(self._table) else None  # an empty table takes all tokens of a part
            if not self._table.reserve(len(part.starts), int((part.ends - part.starts).sum()), limit):
                self._is_full = True
                yield np.empty(0, np.int32)
            begin = np.searchsorted(ends, first, side="right") if first else 0
            end = np.searchsorted(ends, last, side="right")
            yield self._with_ends(self._numbered(part), ends[begin:end] - first)

    def last_ids(self) -> Iterator[np.ndarray]:
        """Yield nothing: no token is held back."""
        return iter(())

    def take_words(self) -> WordTable:
        """Return the words of the ids so far, and begin anew."""
        table, self._table, self._is_full = self._table, WordTable(), False
        return table

    def _without_surrogates(self, tokens: Sequence[str]) -> Sequence[str]:
        """Return the tokens with U+FFFD in the place of lone surrogates, and count these."""
        _, surrogates = replaced(_SEPARATOR.join(tokens))
        self._surrogates += surrogates
        return [replaced(token)[0] for token in tokens] if surrogates else tokens

    def _as_words(self, tokens: Sequence[str]) -> Words:
        """Return the tokens as spans of UTF-8.

        Parameters
        ----------
        tokens : sequence of str

        Returns
        -------
        Words

        Raises
        ------
        TypeError
            A token is not a str.
        """
        letters = self._encoded(_SEPARATOR.join(tokens))
        ends = np.append(np.flatnonzero(letters == ord(_SEPARATOR)), len(letters))
        if len(ends) != len(tokens):  # no token, or one that contains the separator
            ends = np.cumsum([len(self._encoded(token)) + 1 for token in tokens], dtype=np.int64) - 1
        return Words(letters, np.append(0, ends[:-1] + 1)[: len(tokens)], ends)

    def _encoded(self, text: str) -> np.ndarray:
        """Return the bytes of a text after normalization and folding."""
        text = normalize_text(text) if self._normalize else text
        text = with_final_sigmas(text) if self._lowercase else text
        folded = text.translate(self._folding) if self._folding else text
        return np.frombuffer(folded.encode(), np.uint8)

    def _numbered(self, words: Words) -> np.ndarray:
        """Count tokens and return their ids, (n,) int32; -1 for those that are left out."""
        sizes = words.ends - words.starts
        kept = (sizes > 0) & (sizes <= LONGEST_WORD)
        self._empty += int(np.sum(sizes == 0))
        self._too_long += int(np.sum(sizes > LONGEST_WORD))
        chosen = words if kept.all() else words.take(kept)
        ids = self._table.add(CountedWords(chosen, np.ones(len(chosen.starts), np.int64)))
        found = np.full(len(sizes), _LEFT_OUT, np.int32)
        found[kept] = ids
        return found

    @staticmethod
    def _with_ends(numbers: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Insert an id where each sentence ends and leave out tokens without one."""
        with_ends = np.insert(numbers, ends, LINE_END_ID) if len(ends) else numbers
        return with_ends[with_ends != _LEFT_OUT]

    def _checked(self, block: Sequence[Any]) -> Sequence[Sequence[str]]:
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
                    return NotTextError(
                        f"{self._name_of(index)}: token {place} is {described(token)}; expected a str{_as_str(token)}"
                    )
        return None


def _as_str(token: Any) -> str:
    """Return how to make a str of a token that may be an id or an encoded word; nothing for what is missing."""
    if isinstance(token, (bytes, bytearray)):
        return ": use token.decode()"
    return ": use str(token)" if isinstance(token, Integral) else ""


def require_documents(documents: Any, name: str = "documents", one: str = "document") -> None:
    """Raise a `NotTextError` for what is no several documents: the letters of a str would be read as documents.

    Parameters
    ----------
    documents : Any
        Lists, columns of a data frame and iterators are accepted.
    name, one : str
        Name of the argument and of one item, for the message.

    Raises
    ------
    NotTextError
        It is one document, a table, or nothing that has an order.
    """
    if isinstance(documents, (str, bytes)):
        raise NotTextError(f"{name} is a {type(documents).__name__}; expected several: give [{one}]")
    if (names := columns_of(documents)) is not None:
        listed = ", ".join(map(repr, names[:5]))
        raise NotTextError(
            f"a {type(documents).__name__} is not text; give one of its columns, as df['text'] ({listed})"
        )
    if not is_sequence(documents):
        raise NotTextError(f"{name} is {described(documents)}; expected a list of str, or of lists of str (words)")


def words_of_documents(first: int, documents: Sequence[Any]) -> list[str]:
    """Return the words of documents that are lists of words, one document after the other.

    Parameters
    ----------
    first : int
        Place of the first one among all documents, for the message.
    documents : sequence

    Returns
    -------
    list of str

    Raises
    ------
    NotTextError
        One is no list of words.
    """
    if all(map(_is_list, documents)):
        words = list(chain.from_iterable(documents))
        if _are_str(words):
            return words
    return list(chain.from_iterable(words_of_document(place, found) for place, found in enumerate(documents, first)))


def _is_list(document: Any) -> bool:
    return isinstance(document, (list, tuple)) or (isinstance(document, np.ndarray) and document.ndim > 0)


def words_of_document(place: int, document: Any) -> list[str]:
    """Return a document that is a list of words.

    Parameters
    ----------
    place : int
        Its place among the documents, for the message.
    document : Any

    Returns
    -------
    list of str

    Raises
    ------
    NotTextError
        It is no list of words.
    """
    if not _is_list(document) or not _are_str(document):
        raise NotTextError(f"document {place} is {described(document)}; expected a str or a list of str (words)")
    return list(document)


def _are_str(words: Iterable[Any]) -> bool:
    """Look at each type once: a call of `isinstance` for every word takes as long as inference."""
    return all(issubclass(kind, str) for kind in set(map(type, words)))
