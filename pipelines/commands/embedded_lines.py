"""Lines of text with their vectors, written as text, CSV, JSON Lines, NumPy array or Parquet."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from itertools import islice
from typing import IO, BinaryIO, NamedTuple, Self

import numpy as np

from embeddings.array_files import write_array
from embeddings.formats.comma_separated import quoted
from embeddings.formats.stream import VectorBlock, VectorStream, encoded
from embeddings.formats.text_rows import write_rows
from embeddings.vectors.postprocessing import common_component, remove_component
from vecmill.files import writing

_LINES_AT_A_TIME = 4096


class EmbeddedLines(NamedTuple):
    """Consecutive lines and their vectors, (n, d) float32."""

    lines: list[str]
    matrix: np.ndarray


def common_component_removed(embedded: Iterable[EmbeddedLines]) -> Iterator[EmbeddedLines]:
    """Yield lines and vectors without their common component, which all of them determine.

    Parameters
    ----------
    embedded : iterable of EmbeddedLines
        Kept in temporary files.

    Yields
    ------
    EmbeddedLines
    """
    with _Spool(embedded) as spool:
        if len(spool.matrix):
            component = common_component(spool.matrix)
            for lines, rows in spool:
                yield EmbeddedLines(lines, remove_component(rows, component))


def write(embedded: Iterable[EmbeddedLines], file: BinaryIO, name: str, dimension: int) -> None:
    """Write lines and vectors.

    Parameters
    ----------
    embedded : iterable of EmbeddedLines
        Text formats are written and flushed as they come.
    file : binary file
    name : {"text", "tsv", "csv", "jsonl", "npy", "parquet"}
    dimension : int
    """
    if name == "npy":
        with _Spool(embedded) as spool:
            write_array(file, spool.matrix.reshape(-1, dimension))
    elif name == "parquet":
        _write_parquet(embedded, file, dimension)
    else:
        if name == "csv":
            file.write(",".join(["text", *map(str, range(dimension))]).encode() + b"\n")
        for part in embedded:
            file.write(_TEXT[name](part))
            file.flush()


class _Spool:
    """Lines and vectors in temporary files: a context manager, and an iterable of `EmbeddedLines`.

    Parameters
    ----------
    embedded : iterable of EmbeddedLines
        Read on entering.

    Attributes
    ----------
    matrix : (n, d) float32
        All vectors, memory-mapped.
    """

    def __init__(self, embedded: Iterable[EmbeddedLines]) -> None:
        self._embedded = embedded
        self._files = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as files:
            with _writing_temporary_files():
                self._texts, self._rows = (_opened(files) for _ in range(2))
            self.matrix = self._read()
            self._files = files.pop_all()
        return self

    def _read(self) -> np.ndarray:
        dimension = 0
        for lines, rows in self._embedded:
            with _writing_temporary_files():
                self._texts.writelines(line.encode() + b"\n" for line in lines)
                self._rows.write(rows.tobytes())
            dimension = rows.shape[1]
        with _writing_temporary_files():
            self._texts.flush()
            self._rows.flush()
        size = self._rows.tell()
        shape = (size // (4 * dimension), dimension) if size else (0, 0)
        return np.memmap(self._rows, np.float32, "r", shape=shape) if size else np.empty(shape, np.float32)

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def __iter__(self) -> Iterator[EmbeddedLines]:
        self._texts.seek(0)
        for start in range(0, len(self.matrix), _LINES_AT_A_TIME):
            block = self.matrix[start : start + _LINES_AT_A_TIME]
            yield EmbeddedLines([line.decode().removesuffix("\n") for line in islice(self._texts, len(block))], block)


def _writing_temporary_files() -> AbstractContextManager[None]:
    return writing(tempfile.gettempdir(), elsewhere="set TMPDIR to another folder")


def _opened(files: ExitStack) -> IO[bytes]:
    """Open a temporary file; to close it is no further error if the disk is full."""
    file = tempfile.TemporaryFile()  # noqa: SIM115

    def close() -> None:
        with suppress(OSError):
            file.close()

    files.callback(close)
    return file


def _write_parquet(embedded: Iterable[EmbeddedLines], file: BinaryIO, dimension: int) -> None:
    from vecmill.extras import needs

    with needs("parquet", str(getattr(file, "name", "the output"))):
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

    vector = pa.list_(pa.field("element", pa.float32(), nullable=False), dimension)
    schema = pa.schema([("text", pa.string()), ("vector", vector)])
    with _Spool(embedded) as spool, ParquetWriter(file, schema) as writer:  # a row group for many lines
        for lines, rows in spool:
            numbers = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(rows).ravel()), type=vector)
            writer.write_batch(pa.record_batch([pa.array(lines, pa.string()), numbers], schema=schema))


def _rows(part: EmbeddedLines, separator: bytes, prefixes: list[str]) -> bytes:
    """Return prefixes and numbers as text, with the fewest digits that read back as the same float32."""
    block = VectorBlock(prefixes, np.ascontiguousarray(part.matrix))
    stream = VectorStream(dimension=part.matrix.shape[1], blocks=iter([block]))
    return b"".join(write_rows(stream, lambda block: encoded(block.words), separator=separator))


def _numbers(separator: bytes) -> Callable[[EmbeddedLines], bytes]:
    return lambda part: _rows(part, separator, [""] * len(part.lines))


def _csv(part: EmbeddedLines) -> bytes:
    return _rows(part, b",", [quoted(line) or '""' for line in part.lines])


def _json_lines(part: EmbeddedLines) -> bytes:
    numbers = _rows(part, b",", [""] * len(part.lines)).decode().splitlines()
    texts = (json.dumps(line, ensure_ascii=False) for line in part.lines)
    return "".join(
        f'{{"text": {text}, "vector": [{row}]}}\n' for text, row in zip(texts, numbers, strict=True)
    ).encode()


_TEXT = {"text": _numbers(b" "), "tsv": _numbers(b"\t"), "csv": _csv, "jsonl": _json_lines}
