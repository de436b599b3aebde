"""One reader per format: it reads stored bytes and yields pieces of UTF-8 text.

A reader is a generator. Every file and every record ends with a newline, which is added if it is missing. A reader
counts everything that it skips through ``count(kind, where)``.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from corpora.errors import CorpusError
from corpora.skipped import LISTS, Count, UnusableFileError, no_records
from corpora.wikipedia import ROOT, read_wikipedia
from vecmill.compression import Prefixed, decompressed
from vecmill.extras import needs
from vecmill.plain_text import (
    OtherKindError,
    is_json_lines,
    lines_without_ends,
    refuse_json_values,
    require_text,
    suffix_of,
    utf8_text,
    without_line_breaks,
)
from vecmill.surrogates import encoded

RECORD_LIMIT = 1 << 30
"""Longest record of a .jsonl or .csv file, in bytes; a longer one is damage, such as an unclosed quotation mark."""

_NO_SEPARATOR = "\uffff"  # of columns: it is in no text
_RAGGED = "record with more fields than the header has columns; text with separators needs quotation marks"
_CUT = "record with fewer fields than the header has columns; a text with line breaks needs quotation marks"
_SWALLOWED = "record over several lines whose quotation marks do not match; one that opens a field needs its end"
_JSON_KINDS = {
    bool: "true or false",
    dict: "an object",
    float: "a number",
    int: "a number",
    list: "a list",
    type(None): "null",
}
_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}


@dataclass(frozen=True)
class ReadOptions:
    """Names of the field and the column that hold the text.

    Attributes
    ----------
    field : str
        Field of ``.jsonl`` records.
    column : str
        Column of ``.csv``, ``.tsv`` and ``.parquet`` files.
    line_per_record : bool
        Line breaks within a record become spaces, and a record without text is an empty line: line n is record n.
    """

    field: str = "text"
    column: str = "text"
    line_per_record: bool = False


def format_of(name: str) -> str:
    """Return the format of a file name: "text", "jsonl", "csv" or "parquet"."""
    return _SUFFIXES.get(suffix_of(name), "text")


def read_pieces(
    stored: BinaryIO, path: str, options: ReadOptions, piece_size: int, count: Count, continued: bool = False
) -> Iterator[bytes]:
    """Read the text of one file.

    Parameters
    ----------
    stored : binary file
        The file as stored, possibly compressed.
    path : str
        Its name, for messages and for detection of the format.
    options : ReadOptions
    piece_size : int
        Bytes of plain text read at a time.
    count : callable
        Called with the kind and the place of everything skipped.
    continued : bool
        Whether `stored` is a later part of plain text.

    Yields
    ------
    bytes
        Pieces of UTF-8 text; the last one ends with a newline.

    Raises
    ------
    UnusableFileError
        The file is not plain UTF-8 text, or none of its records has the text.
    CorpusError
        The contents are damaged.
    """
    if continued:
        yield from _read_text(io.BufferedReader(Prefixed(b"", stored), 1 << 17), piece_size)
        return
    kind = format_of(path)
    if kind == "parquet":
        with needs("parquet", path):
            from corpora.parquet import read_parquet  # imported here: pyarrow is slow, and rarely needed

        yield from _ended(read_parquet(stored, path, options.column, count), options)
        return
    with _usable():
        head, stream = utf8_text(decompressed(stored, path), path)
    if suffix_of(path) == ".json" and is_json_lines(head):
        kind = "jsonl"
    if kind == "jsonl":
        yield from _ended(_read_jsonl(stream, path, options.field, count), options)
    elif kind == "csv":
        yield from _ended(_read_csv(stream, path, _delimiter(head, path), options.column, count), options)
    elif head.startswith(ROOT):
        yield from read_wikipedia(stream, path, count)
    else:
        with _usable():
            require_text(head, path)
        yield from _read_text(stream, piece_size)


@contextmanager
def _usable() -> Iterator[None]:
    """Convert the error of a file that is no plain text to that of a file of a corpus."""
    try:
        yield
    except OtherKindError as error:
        raise UnusableFileError(error.kind, str(error)) from error.__cause__


def _read_text(stream: io.BufferedReader, piece_size: int) -> Iterator[bytes]:
    last = b"\n"
    while piece := stream.read(piece_size):
        yield piece
        last = piece[-1:]
    if last != b"\n":
        yield b"\n"


def _ended(records: Iterable[bytes | None], options: ReadOptions) -> Iterator[bytes]:
    """Yield records that end with a newline; None is one without text."""
    for record in records:
        if record is None:
            if options.line_per_record:
                yield b"\n"
            continue
        text = without_line_breaks(record) if options.line_per_record else record
        yield text if text.endswith(b"\n") else text + b"\n"


def _read_jsonl(stream: io.BufferedReader, path: str, field: str, count: Count) -> Iterator[bytes | None]:
    records = found = 0
    names: set[str] = set()
    others: set[str] = set()  # what the field holds in place of text
    value = b""  # the first line that is JSON, but no object
    before: dict[str, tuple[int, str]] = {}  # what was skipped before the first text; without any, the file is counted

    def skipped(kind: str, number: int) -> Iterator[None]:
        where = f"line {number} of {path}"
        if found:
            count(kind, where)
            yield None
        else:
            times, first = before.get(kind, (0, where))
            before[kind] = times + 1, first

    for number, line in enumerate(lines_without_ends(_lines(stream, path)), start=1):
        if not line.strip():
            continue
        records += 1
        try:
            record = json.loads(line.decode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError):
            yield from skipped("malformed JSON line skipped", number)
            continue
        text = record.get(field) if isinstance(record, dict) else None
        if isinstance(text, str):
            if not found:
                for kind, (times, first) in before.items():
                    for _ in range(times):
                        count(kind, first)
                        yield None
            found += 1
            yield encoded(text)
            continue
        if not isinstance(record, dict):
            value = value or line
        elif len(names) < 100:
            names |= record.keys()
            others |= {_JSON_KINDS[type(record[field])]} if field in record else set()
        yield from skipped(f"record without text in field {field!r} skipped", number)
    if others and not found:
        held = " or ".join(sorted(others))
        remedy = LISTS if _JSON_KINDS[list] in others else "choose another field with --field"
        message = f"{path}: the field {field!r} holds {held}, expected a string; {remedy}"
        raise UnusableFileError(f"file without field {field!r}", message)
    if value and not found and not names:
        with _usable():
            refuse_json_values(value, path)
    if records and not found and not names:
        expected = f"expected one a line with the field {field!r}; rename it to end in .txt if it is plain text"
        raise UnusableFileError("file without JSON objects", f"{path}: no line is a JSON object, {expected}")
    if records and not found:
        raise no_records(path, "field", field, names, f"none of the {records:,} lines is a JSON object with")


def _lines(stream: io.BufferedReader, path: str) -> Iterator[bytes]:
    while line := stream.readline(RECORD_LIMIT):
        if len(line) == RECORD_LIMIT:
            raise CorpusError(f"{path}: a line of more than {RECORD_LIMIT:,} bytes; expected one JSON object per line")
        yield line


def _delimiter(head: bytes, path: str) -> str:
    """Return what separates the columns: .csv files with semicolons, tabs and bars are common, too.

    Where the header is one column, the commas of a text that has no quotation marks separate nothing.
    """
    header = re.split(rb"[\r\n]", head, maxsplit=1)[0]
    marks = "\t" if suffix_of(path) == ".tsv" else ",;\t|"
    return next((mark for mark in marks if mark.encode() in header), _NO_SEPARATOR)


class _Lines:
    """An iterator over lines that keeps those of one row, and knows if it has come to the end."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.of_row: list[str] = []
        self.at_end = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.of_row.append(line)
            yield line
        self.at_end = True


def _is_well_quoted(lines: Iterable[str], delimiter: str) -> bool:
    """Return whether a separator or the end of the row follows each quotation mark that ends a field."""
    try:
        return bool(list(csv.reader(lines, delimiter=delimiter, strict=True)))
    except csv.Error:
        return False


def _read_csv(
    stream: io.BufferedReader, path: str, delimiter: str, column: str, count: Count
) -> Iterator[bytes | None]:
    csv.field_size_limit(RECORD_LIMIT)
    decoded = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    lines = _Lines(decoded)
    rows = csv.reader(lines, delimiter=delimiter)
    try:
        header = next(rows, None)
        if header is None:
            return
        if column not in header:
            raise no_records(path, "column", column, header, "there is no")
        if header.count(column) > 1:
            count(f"column {column!r} that is there again skipped", path)
        position = header.index(column)
        lines.of_row.clear()
        for row in rows:
            if lines.at_end:  # a row ends with its line, but in a quotation
                raise csv.Error("the last record has no end")
            if len(lines.of_row) > 1 and not _is_well_quoted(lines.of_row, delimiter):
                count(_SWALLOWED, f"line {rows.line_num - len(lines.of_row) + 1} of {path}")
            lines.of_row.clear()
            if position < len(row):
                if any(row[len(header) :]):
                    count(_RAGGED, f"line {rows.line_num} of {path}")
                elif len(row) < len(header):
                    count(_CUT, f"line {rows.line_num} of {path}")
                yield encoded(row[position])
            elif row:
                count(f"record without column {column!r} skipped", f"line {rows.line_num} of {path}")
                yield None
    except csv.Error as error:
        raise CorpusError(f"{path}, line {rows.line_num}: {error}; is a quotation mark left open?") from error
