"""Conversion of text to provisional ids: each counter numbers the words of its text in order of appearance."""

import re
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from embeddings.text.tokenizer.counted_words import CountedWords, Words
from embeddings.text.tokenizer.kernels import (
    CONTROLS,
    INVALID,
    LINE_END_ID,
    LONGEST_WORD,
    POSITION,
    STATE_SIZE,
    TOO_LONG,
    WRITTEN,
    CharacterTables,
    most_tokens,
    scratch,
    tokenize_block,
)
from embeddings.text.tokenizer.normalization import normalize_block, normalize_text
from embeddings.text.tokenizer.word_table import WordTable
from vecmill.surrogates import replaced

PIECE = 4096  # bytes tokenized at a time: the buffers stay in the first-level cache
INVALID_SEQUENCES = "invalid UTF-8 sequences"
"""Key of their number among what was skipped."""
CONTROL_CHARACTERS = "control characters"
"""Key of theirs."""
TOO_LONG_WORDS = f"words longer than {LONGEST_WORD} bytes"
"""Key of theirs."""
_IDS_AT_ONCE = 1 << 20
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_LINE_END_BYTES = [end.encode() for end in "\n\r\x85\u2028\u2029"]
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_REPLACEMENT = "\ufffd"
_BYTES_PER_WORD = 150  # approximate memory of a word in a dictionary


class WordCounter(Protocol):
    """Converts the text of a corpus, block by block, to provisional ids."""

    @property
    def skipped(self) -> dict[str, int]:
        """Counts of text that gave no token, by kind."""

    @property
    def is_full(self) -> bool:
        """True if `take_words` must be called before the next `ids`."""

    def ids(self, block: bytes) -> Iterator[np.ndarray]:
        """Yield the ids of a block in parts, (n,) int32: words from 1 on, 0 at the end of a line.

        Each array is a view of a buffer that the next iteration overwrites; copy it to keep it.
        """

    def last_ids(self) -> Iterator[np.ndarray]:
        """Yield the ids of text that was kept back because its line was incomplete."""

    def take_words(self) -> WordTable:
        """Return the words of the ids so far, with their counts, and reset the counter."""


class KernelCounter:
    """Counts the words that the compiled tokenizer finds.

    Parameters
    ----------
    characters : CharacterTables
    table_bytes : int, optional
        Largest size of the word table; `is_full` is True when it is reached. By default there is no limit.
    piece : int
        Bytes of text tokenized at a time.
    normalize : bool
        Bring the text into normalization form C first.
    """

    def __init__(
        self,
        characters: CharacterTables,
        table_bytes: int | None = None,
        piece: int = PIECE,
        *,
        normalize: bool = False,
    ) -> None:
        self._characters = characters
        self._normalize = normalize
        self._table_bytes = table_bytes
        self._piece = piece
        self._scratch = scratch(piece)
        self._ids = np.empty(max(_IDS_AT_ONCE, most_tokens(piece)), np.int32)
        self._state = np.zeros(STATE_SIZE, np.int64)
        self._table = WordTable()

    @property
    def skipped(self) -> dict[str, int]:
        """Counts of text that gave no token, by kind."""
        return _skipped(*self._state[[INVALID, CONTROLS, TOO_LONG]].tolist())

    @property
    def is_full(self) -> bool:
        """True if `take_words` must be called before the next `ids`."""
        return not self._make_room()

    def ids(self, block: bytes) -> Iterator[np.ndarray]:
        """Yield the ids of a block in parts, as views of a buffer that the next iteration overwrites."""
        raw = np.frombuffer(normalize_block(block) if self._normalize else block, np.uint8)
        self._state[POSITION] = 0
        done = False
        while not done:
            self._make_room()
            self._state[WRITTEN] = 0
            with np.errstate(over="ignore"):  # hashes wrap around
                done = tokenize_block(raw, self._characters, self._table.arrays, self._scratch, self._ids, self._state)
            yield self._ids[: self._state[WRITTEN]]

    def last_ids(self) -> Iterator[np.ndarray]:
        """Yield nothing: no text is kept back."""
        return iter(())

    def take_words(self) -> WordTable:
        """Return the words of the ids so far, and reset the counter."""
        table, self._table = self._table, WordTable()
        return table

    def _make_room(self) -> bool:
        limit = self._table_bytes if len(self._table) else None  # an empty table always takes a piece of text
        return self._table.reserve(most_tokens(self._piece), self._scratch.folded.size, limit)


class PythonCounter:
    """Counts the words that a Python function finds in each line; an incomplete line waits for its end.

    Parameters
    ----------
    tokens : callable
        Takes a line, returns its tokens.
    table_bytes : int, optional
        Approximate largest size of the dictionary of words. By default there is no limit.
    normalize : bool
        Bring the text into normalization form C first.
    """

    def __init__(
        self, tokens: Callable[[str], list[str]], table_bytes: int | None = None, *, normalize: bool = False
    ) -> None:
        self._tokens = tokens
        self._normalize = normalize
        self._most_words = None if table_bytes is None else max(1, table_bytes // _BYTES_PER_WORD)
        self._invalid = self._controls = self._too_long = 0
        self._begun: list[bytes] = []
        self._words: dict[str, int] = {}
        self._counts = np.zeros(0, np.int64)

    @property
    def skipped(self) -> dict[str, int]:
        """Counts of text that gave no token, by kind."""
        return _skipped(self._invalid, self._controls, self._too_long)

    @property
    def is_full(self) -> bool:
        """True if `take_words` must be called before the next `ids`."""
        return self._most_words is not None and len(self._words) >= self._most_words

    def ids(self, block: bytes) -> Iterator[np.ndarray]:
        """Yield the ids of the complete lines of a block, (n,) int32."""
        end = max((at + len(byte) for byte in _LINE_END_BYTES if (at := block.rfind(byte)) >= 0), default=0)
        self._begun.append(block[:end] if end else block)
        if end:
            yield self._ids_of_lines()
            self._begun.append(block[end:])

    def last_ids(self) -> Iterator[np.ndarray]:
        """Yield the ids of the last line, (n,) int32."""
        yield self._ids_of_lines()[:-1]  # the last line has no end

    def take_words(self) -> WordTable:
        """Return the words of the ids so far, and reset the counter."""
        table = WordTable()
        table.add(CountedWords(Words.from_bytes([word.encode() for word in self._words]), self._counts))
        self._words, self._counts = {}, np.zeros(0, np.int64)
        return table

    def _ids_of_lines(self) -> np.ndarray:
        """Tokenize the lines read so far."""
        data = b"".join(self._begun)
        self._begun = []
        text = data.decode("utf-8", "replace")
        self._invalid += text.count(_REPLACEMENT) - data.count(_REPLACEMENT.encode())
        text, controls = _CONTROL.subn(" ", normalize_text(text) if self._normalize else text)
        self._controls += controls
        ids: list[int] = []
        for line in split_lines(text):
            ids += [number for token in self._tokens(line) if (number := self._words.get(token) or self._add(token))]
            ids.append(LINE_END_ID)
        found = np.array(ids, np.int32)
        counts = np.bincount(found, minlength=len(self._words) + 1)[1:]
        counts[: len(self._counts)] += self._counts
        self._counts = counts
        return found

    def _add(self, token: str) -> int:
        """Assign an id to a new token; return it, or 0 for an empty or too long token."""
        word, surrogates = replaced(token)
        self._invalid += surrogates
        if len(word.encode()) > LONGEST_WORD:
            self._too_long += 1
            return 0
        return self._words.setdefault(word, len(self._words) + 1) if token else 0


def split_lines(text: str) -> list[str]:
    r"""Split text at every ``\n``, ``\r\n``, ``\r``, U+0085, U+2028 and U+2029; lines do not include their end."""
    lines = _LINE_END.split(text)
    return lines if lines[-1] else lines[:-1]


def _skipped(invalid: int, controls: int, too_long: int) -> dict[str, int]:
    counts = {
        INVALID_SEQUENCES: invalid,
        CONTROL_CHARACTERS: controls,
        TOO_LONG_WORDS: too_long,
    }
    return {what: number for what, number in counts.items() if number}
