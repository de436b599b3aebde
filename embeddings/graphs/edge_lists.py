"""Edge lists: files with an edge a line, tables, and pairs of nodes, some thousands of edges at a time."""

import csv
import io
import logging
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.misread import IF_OTHER_ENCODING
from vecmill.arguments import columns_of, described, python_values, quoted, require_path
from vecmill.compression import Prefixed
from vecmill.extras import needs
from vecmill.hints import did_you_mean
from vecmill.plain_text import HEAD, STDIN, open_text, plain_text, require_text, suffix_of

logger = logging.getLogger(__name__)

STANDARD_INPUT = "-"
"""In the place of the path of a file: text on standard input."""

UNWEIGHTED = "none"
"""In the place of the name of the column of weights: all edges have the weight 1."""

_WEIGHT = "weight"  # the column of weights if none is named
_HEADERS = {  # usual names of the columns of nodes, without spaces and underscores
    ("source", "target"), ("src", "dst"), ("from", "to"), ("node1", "node2"), ("id1", "id2"), ("u", "v"),
    ("sourceid", "targetid"), ("fromid", "toid"), ("fromnode", "tonode"), ("fromnodeid", "tonodeid"),
    ("sourcenode", "targetnode"), ("nodeid1", "nodeid2"), ("numericid1", "numericid2"), ("userid", "itemid"),
    ("citing", "cited"), ("follower", "followee"),
}  # fmt: skip
_LETTERS = {("u", "v")}  # names that nodes may have, too: a header only if the nodes are numbers
_ROW_NUMBERS = ("", "unnamed: 0")  # names of a first column that numbers the rows, as pandas writes and reads it
_BEFORE_NODES = (*_ROW_NUMBERS, "index", "id", _WEIGHT)  # names of one before two columns with usual names
_LINES_EXAMINED = 100  # to see whether nodes are numbers
_COMMENTS = ("#", "%")  # before the edges, as SNAP and KONECT write them
_MATRIX_MARKET = "%%MatrixMarket"  # then comments, a line of sizes, and an entry a line: row, column and value
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_MISSING = ("None", "nan", "<NA>", "NaT")  # values of columns that are no str
_WEIGHTED = 3  # columns
_AT_ONCE = 1 << 16  # edges


class Edges(NamedTuple):
    """Some edges.

    Attributes
    ----------
    sources, targets : list of str
        n names of nodes each.
    weights : (n,) float64 or None
        None if all are 1.
    """

    sources: list[str]
    targets: list[str]
    weights: np.ndarray | None


class _Columns(NamedTuple):
    """Which columns hold an edge: their names as the user gives them, or their places from 0."""

    source: Any
    target: Any
    weight: Any


_PLAIN, _WITH_WEIGHTS = _Columns(0, 1, None), _Columns(0, 1, 2)


def read_edges(
    path: str | PathLike[str],
    *,
    source: str | None = None,
    target: str | None = None,
    weight: str | None = None,
    header: bool | None = None,
) -> Iterator[Edges]:
    """Read a file of edges, one a line: CSV, TSV, Parquet, or columns that white space separates.

    Text may be compressed; lines that begin with # or % before the first edge are comments, and white space around a
    name is no part of it. A sparse matrix in Matrix Market's form has an edge for each of its entries.

    Parameters
    ----------
    path : path
        ``"-"`` for text on standard input.
    source, target : str, optional
        Names of the columns of both nodes. Default: the first two columns, after one that numbers the rows.
    weight : str, optional
        Name of the column of weights, or "none". Default: the column "weight"; without a header the third one.
    header : bool, optional
        Whether the first line names the columns. Default: it does if a column is named here, if it begins with usual
        names, such as "source" and "target", or if it has words and the nodes of the next lines are whole numbers.

    Yields
    ------
    Edges

    Raises
    ------
    EmbeddingsError
        The file cannot be read, there is no such column, or an edge has no node or a weight that is no number above 0.
    VecmillError
        The file is no text, or pyarrow is missing.
    """
    require_path("edges", path)
    path, asked = Path(path), _Columns(source, target, weight)
    rows = _parquet_rows(path, asked) if suffix_of(path.name) == ".parquet" else _text_rows(path, asked, header)
    try:
        yield from _batches(rows, next(rows), _shown(path))
    except UnicodeDecodeError as error:  # replaced, two nodes could become one
        raise EmbeddingsError(f"{_shown(path)} is not UTF-8 ({error.reason}); {IF_OTHER_ENCODING}") from error
    except OSError as error:
        reason = error.strerror or error
        raise EmbeddingsError(f"cannot read {quoted(_shown(path))}: {reason}; expected a file of edges") from error


def edges_of_columns(
    table: Any, *, source: str | None = None, target: str | None = None, weight: str | None = None
) -> Iterator[Edges]:
    """Take edges from the columns of a data frame or an Arrow table.

    Parameters
    ----------
    table : data frame
        Of pandas, Polars or Arrow.
    source, target, weight : str, optional
        Names of columns, as of `read_edges`.

    Yields
    ------
    Edges

    Raises
    ------
    EmbeddingsError
        There is no such column, or an edge has no node or a weight that is no number above 0.
    """
    names = columns_of(table) or []
    columns = _named_columns(list(map(str, names)), _Columns(source, target, weight), "the table")
    found = [table[names[place]] for place in columns if place is not None]
    rows = zip(*map(python_values, found), strict=True)
    yield from _batches(map(_with_names, rows), _places(columns), "the table")


def edges_of_pairs(pairs: Iterable[Any]) -> Iterator[Edges]:
    """Take edges from pairs (source, target) or triples (source, target, weight).

    Parameters
    ----------
    pairs : iterable of tuple
        Nodes are named by their ``str``.

    Yields
    ------
    Edges

    Raises
    ------
    EmbeddingsError
        An item is no edge.
    """
    rows = map(_row_of, pairs)
    for first in rows:
        columns = _WITH_WEIGHTS if len(first) == _WEIGHTED else _PLAIN
        every = chain([first], rows)
        yield from _batches(every if columns.weight else _pairs(every, "the edges"), columns, "the edges")


def _pairs(rows: Iterable[Any], where: str) -> Iterator[Any]:
    """Yield rows of two nodes, as the first one is; a weight that a later one has would be lost."""
    for number, row in enumerate(rows, 1):
        if any(cell != "" for cell in row[2:]):
            raise EmbeddingsError(
                f"{where}: edge {number:,} is {', '.join(map(str, row))[:60]!r}; expected two nodes, as the first edge "
                "has: give all edges a weight, or none"
            )
        yield row


def _row_of(item: Any) -> tuple[Any, ...]:
    if not isinstance(item, (tuple, list, np.ndarray)) or not 2 <= len(item) <= _WEIGHTED:
        raise EmbeddingsError(f"got the edge {described(item)}; expected (source, target) or (source, target, weight)")
    return _with_names(tuple(item))


def _with_names(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (_name(row[0]), _name(row[1]), *row[2:])


def _name(node: Any) -> str | None:
    """Return the name of a node; None for a missing value."""
    if isinstance(node, bytes):
        raise EmbeddingsError(f"got the node {described(node)}; expected a str or a number: node.decode('utf-8')")
    name = str(node)
    return None if name in _MISSING and not isinstance(node, str) else name


def _batches(rows: Iterator[Any], columns: _Columns, where: str) -> Iterator[Edges]:
    """Group rows to edges; raise an error that names the first bad one."""
    before = 0
    while batch := list(islice(rows, _AT_ONCE)):
        try:
            edges = _edges(batch, columns)
        except (IndexError, ValueError, TypeError):
            for number, row in enumerate(batch, before + 1):
                _require_edge(row, columns, f"{where}: edge {number:,}")
            raise
        yield edges
        before += len(batch)


def _edges(rows: list[Any], columns: _Columns) -> Edges:
    sources, targets = ([row[place] for row in rows] for place in columns[:2])
    if not all(sources) or not all(targets):
        raise ValueError("a node has no name")
    if columns.weight is None:
        return Edges(sources, targets, None)
    weights = np.array([float(row[columns.weight]) for row in rows])
    if not np.all((weights > 0) & (weights < np.inf)):
        raise ValueError("a weight is not above 0")
    return Edges(sources, targets, weights)


def _require_edge(row: Any, columns: _Columns, what: str) -> None:
    """Raise an error for a row that is no edge."""
    try:
        _edges([row], columns)
    except (IndexError, ValueError, TypeError) as error:
        expected = "two nodes" if columns.weight is None else "two nodes and a weight above 0"
        raise EmbeddingsError(f"{what} is {', '.join(map(str, row))[:60]!r}; expected {expected}") from error


def _text_rows(path: Path, asked: _Columns, header: bool | None) -> Iterator[Any]:
    """Yield the places of the columns, then the rows: lists of str."""
    with _opened(path) as stream:
        require_text(stream.peek(HEAD)[:HEAD], _shown(path))
        lines = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        first = _first_edge(lines)
        if first is None:
            raise EmbeddingsError(f"{_shown(path)} has no edges; expected one a line")
        delimiter = _delimiter(path, first)
        whole = chain([first], lines)
        split = _cells(whole, delimiter) if delimiter else map(str.split, whole)
        try:
            rows = (row for row in split if row not in ([], [""]))
            top, *following = islice(rows, _LINES_EXAMINED)
            named = _is_header(top, following, asked) if header is None else header
            columns = _named_columns(top, asked, _shown(path)) if named else _unnamed_columns(top, asked, path)
            if header is None and not named:
                _require_no_header(top, columns, _shown(path))
            yield columns
            every = chain(following if named else [top, *following], rows)
            are_pairs = not named and columns.weight is None and asked.weight is None
            yield from _pairs(every, _shown(path)) if are_pairs else every
        except csv.Error as error:
            raise EmbeddingsError(f"{_shown(path)}: {error}; is a quotation mark left open?") from error


def _first_edge(lines: Iterable[str]) -> str | None:
    """Return the first line that is no comment; the sizes of a matrix come before its entries in Matrix Market."""
    sizes = False
    for line in lines:
        if line.startswith(_MATRIX_MARKET):
            sizes = True
        elif line.strip() and not line.startswith(_COMMENTS):
            if not sizes:
                return line
            sizes = False
    return None


def _cells(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Yield the rows of a table without the white space around their cells, which is no part of a name.

    A row over several lines must be quoted well: a quotation mark that is left open would swallow edges.
    """
    of_row: list[str] = []

    def kept() -> Iterator[str]:
        for line in lines:
            of_row.append(line)
            yield line

    for row in csv.reader(kept(), delimiter=delimiter, skipinitialspace=True):
        if len(of_row) > 1:
            list(csv.reader(of_row, delimiter=delimiter, skipinitialspace=True, strict=True))
        of_row.clear()
        yield list(map(str.strip, row))


def _opened(path: Path) -> AbstractContextManager[io.BufferedReader]:
    if str(path) != STANDARD_INPUT:
        return open_text(path)
    if sys.stdin is None or sys.stdin.closed:
        raise EmbeddingsError("standard input is closed; expected edges there, or the name of a file")
    stdin = io.BufferedReader(Prefixed(b"", sys.stdin.buffer))  # which is not closed with its reader
    return nullcontext(plain_text(stdin, STDIN))


def _shown(path: Path) -> str:
    return STDIN if str(path) == STANDARD_INPUT else str(path)


def _delimiter(path: Path, line: str) -> str | None:
    """Return what separates columns; None for white space."""
    found = _DELIMITERS.get(suffix_of(path.name))
    if found == "," and "," not in line and ";" in line:
        return ";"
    return found or next((mark for mark in ("\t", ",") if mark in line), None)


def _is_header(row: list[str], following: list[list[str]], asked: _Columns) -> bool:
    """Return whether the first row names the columns: it has usual names, or two words above numbers."""
    if any(name not in (None, UNWEIGHTED) for name in asked):
        return True
    first = _first_of_nodes(row)
    usual = _usual_names(row, first)
    if usual and usual not in _LETTERS:
        return True
    nodes = [cell for other in following for cell in other[first : first + 2]]
    are_numbered = len(following) > 1 and all(cell.strip().isdecimal() for cell in nodes)
    return are_numbered and len(row) > 1 and not any(map(_is_number, row))


def _usual_names(names: Sequence[str], first: int) -> tuple[str, ...] | None:
    """Return the usual names of two columns from a place on; None for other names."""
    found = tuple("".join(name.lower().replace("_", " ").split()) for name in names[first : first + 2])
    return found if found in _HEADERS else None


def _first_of_nodes(names: Sequence[str]) -> int:
    """Return the place of the first column of nodes: the second one after a column of row numbers or of weights."""
    before = names[0].strip().lower()
    numbers_rows = before in _ROW_NUMBERS and len(names) > 2
    return int(numbers_rows or (before in _BEFORE_NODES and _usual_names(names, 1) is not None))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _require_no_header(row: list[str], columns: _Columns, where: str) -> None:
    """Raise an error for a first line with a word for its weight: names of columns in other words than the usual."""
    if columns.weight is None:
        return
    try:
        float(row[columns.weight])
    except ValueError:
        if row[columns.weight].startswith("{"):
            raise EmbeddingsError(
                f"{where}: edge 1 has attributes, as networkx writes them; give --weight none (weight='none') for a "
                "graph without weights, or write it with networkx.write_weighted_edgelist"
            ) from None
        raise EmbeddingsError(
            f"{where}: edge 1 is {', '.join(row)[:60]!r}; expected two nodes and a weight above 0; if this line names "
            f"the columns, give --weight {shlex.quote(row[columns.weight])}, or --header for a graph without weights"
        ) from None


def _named_columns(names: list[str], asked: _Columns, where: str) -> _Columns:
    """Return the places of columns that have names."""

    def place(name: str | None, default: int | None) -> int | None:
        if name is None or name == UNWEIGHTED:
            return default if name is None else None
        if name not in names:
            listed = ", ".join(map(repr, names[:8]))
            raise EmbeddingsError(
                f"{where} has no column {quoted(name)}{did_you_mean(name, names)} (columns: {listed})"
            )
        return names.index(name)

    if len(names) < 2:
        held = f"one column, {names[0]!r}" if names else "no columns"
        raise EmbeddingsError(f"{where} has {held}; expected two, those of an edge's nodes")
    weight = place(asked.weight, next((n for n, name in enumerate(names) if name.strip().lower() == _WEIGHT), None))
    first = _first_of_nodes(names) if asked.source is None and asked.target is None else 0
    columns = _Columns(place(asked.source, first), place(asked.target, first + 1), weight)
    shown = [names[number] for number in columns if number is not None]
    logger.info("%s: edges from %r to %r, weights %r", where, *shown, *[UNWEIGHTED] * (_WEIGHTED - len(shown)))
    return columns


def _unnamed_columns(row: Sequence[str], asked: _Columns, path: Path) -> _Columns:
    if any(name not in (None, UNWEIGHTED) for name in asked):
        raise EmbeddingsError(f"{_shown(path)} is read without a header, so that its columns have no names; name none")
    return _WITH_WEIGHTS if len(row) >= _WEIGHTED and asked.weight is None else _PLAIN


def _places(columns: _Columns) -> _Columns:
    """Return the places of the columns in rows that hold no others."""
    return _PLAIN if columns.weight is None else _WITH_WEIGHTS


def _parquet_rows(path: Path, asked: _Columns) -> Iterator[Any]:
    """Yield the places of the columns, then the rows: tuples."""
    with needs("parquet", str(path)):
        import pyarrow as pa
        import pyarrow.parquet as pq
    with path.open("rb") as stored:
        try:
            file = pq.ParquetFile(stored)
            names = list(file.schema_arrow.names)
            columns = _named_columns(names, asked, str(path))
            yield _places(columns)
            chosen = [names[place] for place in columns if place is not None]
            for batch in file.iter_batches(_AT_ONCE, columns=chosen):
                yield from map(_with_names, zip(*(batch.column(name).to_pylist() for name in chosen), strict=True))
        except (pa.ArrowException, OSError) as error:
            raise EmbeddingsError(f"{path} is damaged or not a Parquet file: {str(error).splitlines()[0]}") from error
