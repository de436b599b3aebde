"""Text as a Python object: a path, an open file, lines of str, or sentences that are lists of tokens."""

import logging
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from corpora import Corpus, open_corpus
from embeddings.setting_types import require_type
from embeddings.text.tokenizer.token_lists import NotTextError
from vecmill.arguments import columns_of, described, is_sequence
from vecmill.files import expanded
from vecmill.plain_text import without_breaks_in_lines, without_line_breaks
from vecmill.surrogates import encoded

logger = logging.getLogger(__name__)

Text: TypeAlias = (
    str
    | PathLike[str]
    | Iterable[PathLike[str]]
    | Corpus
    | BinaryIO
    | Iterable[str]
    | Iterable[bytes]
    | Iterable[Iterable[str]]  # or a column
)
"""A text: see `vecmill.train`."""

_ITEMS_AT_ONCE = 10_000
_LONGEST_PATH = 1000  # characters: Linux allows 4,096 bytes
_MANY_SPACES = 4
_NAMES_LOOKED_AT = 20
_MISSING = ("None", "nan", "<NA>", "NaT")
_COLUMNS = ("iloc", "to_pylist", "to_arrow", "column_name")  # attributes of columns: pandas, Arrow, Polars, datasets
_EXPECTED = "expected a path, an open file, an iterable of str (lines) or an iterable of lists of str (tokens)"


class TextInput:
    """A text to be read once.

    Parameters
    ----------
    text : Text
    field : str
        Field of ``.jsonl`` records that holds the text.
    column : str
        Column of ``.csv``, ``.tsv`` and ``.parquet`` files that holds the text.

    Attributes
    ----------
    corpus : Corpus or None
        Reader of the text; None if `text` holds the text itself.
    is_tokenized : bool
        True for sentences of tokens, False for lines.

    Raises
    ------
    NotTextError
        `text`, or its first item, is not text.
    TypeError
        `field` or `column` is no str.
    CorpusError
        There is nothing to read at a path.
    """

    def __init__(self, text: Text, *, field: str = "text", column: str = "text") -> None:
        require_type("field", field, str)
        require_type("column", column, str)
        self.is_tokenized = False
        self.corpus = _opened(text, field, column)
        self._items: Iterator[Any] = iter(())
        self._labels = getattr(text, "index", None) if hasattr(text, "iloc") else None  # of a Series
        self._missing: list[int] = []
        self._keeps_missing = False
        if self.corpus is None:
            items = _items(text)
            if any(hasattr(text, name) for name in _COLUMNS):
                items = self._present(items)
            self._items, first = _peek(items)
            if isinstance(first, PathLike):
                self.corpus = open_corpus(list(self._paths()), field=field, column=column)
                return
            _require_lines(text, first)
            self.is_tokenized = not isinstance(first, (str, bytes, bytearray))
            if self.is_tokenized and not is_sequence(first):
                raise self._bad_item(0, first)

    @property
    def warnings(self) -> dict[str, int]:
        """Counts of what was left out so far, by kind: by the readers, or missing values of a column."""
        if self.corpus:
            return self.corpus.warnings
        return {"missing value left out": len(self._missing)} if self._missing else {}

    def blocks(self, *, line_per_item: bool = False) -> Iterator[Any]:
        """Iterate over the text.

        Parameters
        ----------
        line_per_item : bool
            Line breaks within a line of a list, a record of a table or a line of a file become spaces, and a missing
            value of a column is an item without words, so that item n is value n.

        Returns
        -------
        iterator of bytes, or of list of lists of tokens
            Blocks of lines, or of sentences.

        Raises
        ------
        NotTextError
            An item is not a line; the message states its position. (`TokenLists` checks sentences.)
        CorpusError
            A file cannot be read, is damaged or is not text.
        """
        if self.corpus is not None:
            blocks = self.corpus.blocks(line_per_record=line_per_item)
            return map(without_breaks_in_lines, blocks) if line_per_item else blocks
        if line_per_item:
            self._keeps_missing = True
            self._items = chain([self._without_words()] * len(self._missing), self._items)  # those before the first
        if line_per_item and not self.is_tokenized:
            self._items = map(_one_line, self._items)
        batches = iter(lambda: list(islice(self._items, _ITEMS_AT_ONCE)), [])
        return batches if self.is_tokenized else self._line_blocks(batches)

    def log_warnings(self) -> None:
        """Log what the readers have skipped."""
        for what, count in self.warnings.items():
            logger.warning("%s: %d", what, count)

    def name_of(self, index: int) -> str:
        """Return the name of an item that is there, counted from 0: its position and its label in a Series."""
        for missing in () if self._keeps_missing else self._missing:
            if missing > index:
                break
            index += 1
        kind = "sentence" if self.is_tokenized else "line"
        if self._labels is None:
            return f"{kind} {index}"
        label = self._labels[index]
        return f"{kind} {index} (index {label.item() if hasattr(label, 'item') else label!r})"

    def _present(self, values: Iterator[Any]) -> Iterator[Any]:
        """Yield the values of a column that are not missing; note the places of the others."""
        for place, value in enumerate(values):
            if isinstance(value, (str, list)) or is_sequence(value) or str(value) not in _MISSING:
                yield value
                continue
            self._missing.append(place)
            if self._keeps_missing:
                yield self._without_words()

    def _without_words(self) -> Any:
        return [] if self.is_tokenized else ""

    def _paths(self) -> Iterator[Path]:
        for index, path in enumerate(self._items):
            if not isinstance(path, PathLike):
                raise NotTextError(f"path {index} is {described(path)}; expected a path object, as those before")
            yield expanded(path)

    def _line_blocks(self, batches: Iterator[list[Any]]) -> Iterator[bytes]:
        first = 0
        for batch in batches:
            try:
                yield encoded("\n".join(batch)) + b"\n"
            except TypeError:  # not all of them are str
                yield b"".join(self._encoded(line, index) + b"\n" for index, line in enumerate(batch, first))
            first += len(batch)

    def _encoded(self, line: Any, index: int) -> bytes:
        if isinstance(line, (bytes, bytearray)):
            return bytes(line)
        if isinstance(line, str):
            return encoded(line)
        raise self._bad_item(index, line)

    def _bad_item(self, index: int, item: Any) -> NotTextError:
        if isinstance(item, Mapping):
            remedy = "; give one of its fields: (row['text'] for row in rows)"
        elif isinstance(item, PathLike):
            remedy = "; give path objects alone for several files"
        elif str(item) in _MISSING:
            remedy = "; remove missing values: (line for line in lines if line is not None)"
        else:
            remedy = ""
        expected = "a str, as the lines before" if index else "a str (a line) or a list of str (tokens)"
        return NotTextError(f"{self.name_of(index)} is {described(item)}; expected {expected}{remedy}")


def _opened(text: Any, field: str, column: str) -> Corpus | None:
    """Return `text` as a corpus if it is one or names one; None if it holds the text itself."""
    if isinstance(text, Corpus):
        return text
    if isinstance(text, str):
        _require_path(text)
        return open_corpus(str(text), field=field, column=column)
    if isinstance(text, PathLike):
        return open_corpus(Path(text), field=field, column=column)
    if hasattr(text, "read") and isinstance(_read_nothing(text), bytes):
        return open_corpus(cast(BinaryIO, text), field=field, column=column)
    return None


def _require_path(text: str) -> None:
    is_sentence = text.count(" ") >= _MANY_SPACES and not set("/\\*?") & set(text)
    if ("\n" in text or len(text) > _LONGEST_PATH or is_sentence) and not exists(text):
        raise NotTextError(
            f"this looks like text, not a path: {text[:40]!r}{'...' * (len(text) > 40)} ({len(text):,} characters); "
            "give [text] or text.splitlines()"
        )


def _require_lines(text: Any, first: Any) -> None:
    """Raise an error for names of files in the place of lines of text."""
    given = text if isinstance(text, (list, tuple)) else [first]
    if all(isinstance(line, str) and _is_file_name(line) for line in given[:_NAMES_LOOKED_AT]):
        raise NotTextError(
            f"line 0 is {first!r}, the name of a file; to read files give path objects: [Path(name) for name in names]"
        )


def _is_file_name(line: str) -> bool:
    """Return whether a line is the name of a file that is there; a word without a dot or a slash is none."""
    try:
        return not {".", "/", "\\"}.isdisjoint(line) and expanded(line).is_file()
    except (OSError, ValueError):
        return False


def exists(path: str | PathLike[str]) -> bool:
    """Return whether there is something at a path; a str that can be no path is none."""
    try:
        return expanded(path).exists()
    except (OSError, ValueError):  # too long, or a NUL in it
        return False


def _one_line(item: Any) -> Any:
    """Return a line without line breaks; what is no line as it is."""
    if isinstance(item, str):
        return " ".join(item.splitlines())
    return without_line_breaks(bytes(item)) if isinstance(item, (bytes, bytearray)) else item


def _read_nothing(file: Any) -> Any:
    try:
        return file.read(0)
    except (OSError, ValueError) as error:
        raise NotTextError(f"cannot read {described(file)}: {str(error).rstrip('.')}; open it for reading") from None


def _items(text: Any) -> Iterator[Any]:
    """Return an iterator over lines or sentences."""
    if (names := columns_of(text)) is not None:
        listed = ", ".join(map(repr, names[:5]))
        raise NotTextError(f"a {type(text).__name__} is not text; give one of its columns, as df['text'] ({listed})")
    if isinstance(text, (bytes, bytearray)) or not is_sequence(text):
        raise NotTextError(f"{described(text)} is not text; {_EXPECTED}")
    if hasattr(text, "to_pylist"):  # Arrow's arrays iterate over values that are not str
        return _in_slices(getattr(text, "chunks", [text]), lambda part: part.to_pylist())
    if hasattr(text, "column_name") and hasattr(text, "__len__"):  # a column of datasets: on disk
        return _in_slices([text], list)
    return _lines(text) if hasattr(text, "read") else iter(text)


def _in_slices(parts: Iterable[Any], values: Callable[[Any], list[Any]]) -> Iterator[Any]:
    """Yield the values of a column, some thousands of which are in memory."""
    for part in parts:
        for start in range(0, len(part), _ITEMS_AT_ONCE):
            yield from values(part[start : start + _ITEMS_AT_ONCE])


def _lines(file: Iterable[str]) -> Iterator[str]:
    try:
        yield from file
    except UnicodeDecodeError as error:
        name = getattr(file, "name", "the file")
        raise NotTextError(f"{name} cannot be decoded ({error}); give its path, or open it in binary mode") from None


def _peek(items: Iterator[Any]) -> tuple[Iterator[Any], Any]:
    """Return the items and the first item."""
    for first in items:
        if isinstance(first, str):
            first = first.removeprefix("\ufeff")  # byte-order mark of a file
        elif isinstance(first, bytes):
            first = first.removeprefix(BOM_UTF8)
        return chain([first], items), first
    raise NotTextError(f"the text is empty; {_EXPECTED}")
