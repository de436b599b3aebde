"""One reader per format: it reads stored bytes and yields pieces of UTF-8 text.

A reader is a generator. Every file and every record ends with a newline, which is added if it is missing. A reader
counts everything that it skips through ``count(kind, where)``.
"""

import codecs
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from corpora.errors import CorpusError
from corpora.other_kinds import HEAD, is_json_lines, require_plain_text, require_utf8, suffix_of
from corpora.skipped import Count, UnusableFileError, no_records
from corpora.wikipedia import ROOT, read_wikipedia
from vecmill.compression import Prefixed, decompressed, read_fully
from vecmill.extras import needs

RECORD_LIMIT = 1 << 30
"""Longest record of a .jsonl or .csv file, in bytes; a longer one is damage, such as an unclosed quotation mark."""

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
    """

    field: str = "text"
    column: str = "text"


def format_of(name: str) -> str:
    """Return the format of a file name: "text", "jsonl", "csv" or "parquet"."""
    return _SUFFIXES.get(suffix_of(name), "text")


def read_pieces(stored: BinaryIO, path: str, options: ReadOptions, piece_size: int, count: Count) -> Iterator[bytes]:
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
    kind = format_of(path)
    if kind == "parquet":
        with needs("parquet", path):
            from corpora.parquet import read_parquet  # imported here: pyarrow is slow, and rarely needed

        yield from read_parquet(stored, path, options.column, count)
        return
    head, stream = _text_stream(decompressed(stored, path), path)
    if suffix_of(path) == ".json" and is_json_lines(head):
        kind = "jsonl"
    if kind == "jsonl":
        yield from _read_jsonl(stream, path, options.field, count)
    elif kind == "csv":
        yield from _read_csv(stream, path, options.column, count)
    elif head.startswith(ROOT):
        yield from read_wikipedia(stream, path, count)
    else:
        require_plain_text(head, path)
        yield from _read_text(stream, piece_size)


def plain_text(stored: BinaryIO, path: str) -> io.BufferedReader:
    """Open plain UTF-8 text, compressed or not, without its byte order mark.

    Parameters
    ----------
    stored : binary file
    path : str
        Its name, for messages.

    Returns
    -------
    io.BufferedReader

    Raises
    ------
    UnusableFileError
        It is not plain UTF-8 text.
    """
    head, stream = _text_stream(decompressed(stored, path), path)
    require_plain_text(head, path)
    return stream


def _text_stream(stream: io.BufferedReader, path: str) -> tuple[bytes, io.BufferedReader]:
    """Return the first bytes of UTF-8 text and the text, both without byte order mark; raise for other files."""
    head = read_fully(stream, HEAD)
    require_utf8(head, path)
    head = head.removeprefix(codecs.BOM_UTF8)
    return head, io.BufferedReader(Prefixed(head, stream), 1 << 17)


def _read_text(stream: io.BufferedReader, piece_size: int) -> Iterator[bytes]:
    last = b"\n"
    while piece := stream.read(piece_size):
        yield piece
        last = piece[-1:]
    if last != b"\n":
        yield b"\n"


def _record(text: str) -> bytes:
    # Lone surrogates stand for invalid UTF-8 and are encoded as the original bytes; the tokenizer counts them.
    try:
        encoded = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        encoded = text.encode("utf-8", "surrogatepass")
    return encoded if encoded.endswith(b"\n") else encoded + b"\n"


def _read_jsonl(stream: io.BufferedReader, path: str, field: str, count: Count) -> Iterator[bytes]:
    records = found = 0
    names: set[str] = set()
    others: set[str] = set()  # what the field holds in place of text
    for number, line in enumerate(_lines(stream, path), start=1):
        if not line.strip():
            continue
        records += 1
        try:
            record = json.loads(line.decode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError):
            count("malformed JSON line skipped", f"line {number} of {path}")
            continue
        text = record.get(field) if isinstance(record, dict) else None
        if isinstance(text, str):
            found += 1
            yield _record(text)
            continue
        if isinstance(record, dict) and len(names) < 100:
            names |= record.keys()
            others |= {_JSON_KINDS[type(record[field])]} if field in record else set()
        count(f"record without text in field {field!r} skipped", f"line {number} of {path}")
    if others and not found:
        held = " or ".join(sorted(others))
        message = f"{path}: the field {field!r} holds {held}, expected a string; choose another field with --field"
        raise UnusableFileError(f"file without field {field!r} skipped", message)
    if records and not found:
        raise no_records(path, "field", field, names, f"none of the {records:,} lines is a JSON object with")


def _lines(stream: io.BufferedReader, path: str) -> Iterator[bytes]:
    while line := stream.readline(RECORD_LIMIT):
        if len(line) == RECORD_LIMIT:
            raise CorpusError(f"{path}: a line of more than {RECORD_LIMIT:,} bytes; expected one JSON object per line")
        yield line


def _read_csv(stream: io.BufferedReader, path: str, column: str, count: Count) -> Iterator[bytes]:
    csv.field_size_limit(RECORD_LIMIT)
    decoded = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    rows = csv.reader(decoded, delimiter="\t" if suffix_of(path) == ".tsv" else ",")
    try:
        header = next(rows, None)
        if header is None:
            return
        if column not in header:
            raise no_records(path, "column", column, header, "there is no")
        position = header.index(column)
        for row in rows:
            if position < len(row):
                yield _record(row[position])
            elif row:
                count(f"record without column {column!r} skipped", f"line {rows.line_num} of {path}")
    except csv.Error as error:
        raise CorpusError(f"{path}, line {rows.line_num}: {error}; is a quotation mark left open?") from error
