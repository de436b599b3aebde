"""The table of Parquet and Arrow files: ``word``, ``count`` (if known) and ``vector``, a list of d numbers."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

from embeddings.formats.errors import FormatError, shown
from embeddings.formats.stream import Progress, VectorBlock, VectorStream, as_dtype, as_float32, encoded, rows_per_block
from vecmill.plurals import counted

BATCH_BYTES = 1 << 24

_NUMBERS = (pa.float32(), pa.float64(), pa.float16())
# errors that pyarrow raises for damaged files and for files of other formats
DAMAGED = (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError)


def table_schema(stream: VectorStream, dtype: str) -> pa.Schema:
    """Return the schema of the table of a stream."""
    number = pa.field("element", pa.float16() if dtype == "float16" else pa.float32(), nullable=False)
    fields = [pa.field("word", pa.string(), nullable=False)]
    if stream.has_counts:
        fields.append(pa.field("count", pa.int64(), nullable=False))
    return pa.schema([*fields, pa.field("vector", pa.list_(number, stream.dimension), nullable=False)])


def table_batches(stream: VectorStream, schema: pa.Schema, dtype: str) -> Iterator[pa.RecordBatch]:
    """Yield a stream as batches of the table, each of about `BATCH_BYTES`."""
    vector = schema.field("vector").type
    waiting: list[pa.RecordBatch] = []
    for block in stream.blocks:
        encoded(block.words)  # raises for half of a surrogate pair
        columns = [pa.array(block.words, pa.string())]
        if stream.has_counts:
            columns.append(pa.array(block.counts, pa.int64()))
        numbers = pa.array(as_dtype(block, dtype).ravel())
        columns.append(pa.FixedSizeListArray.from_arrays(numbers, type=vector))
        waiting.append(pa.record_batch(columns, schema=schema))
        if sum(batch.nbytes for batch in waiting) >= BATCH_BYTES:
            yield pa.concat_batches(waiting)
            waiting = []
    if waiting:
        yield pa.concat_batches(waiting)


def batch_rows(schema: pa.Schema) -> int:
    """Return the number of rows to read at a time."""
    vector = schema.field("vector").type
    return rows_per_block(vector.list_size if pa.types.is_fixed_size_list(vector) else 300)


def table_columns(schema: pa.Schema, path: Path) -> list[str]:
    """Return the columns to read.

    Parameters
    ----------
    schema : pyarrow.Schema
    path : Path

    Returns
    -------
    list of str

    Raises
    ------
    FormatError
        A column is missing or has an unexpected type.
    """
    columns = {name: schema.field(name).type for name in ("word", "count", "vector") if schema.names.count(name) == 1}
    word, vector = columns.get("word"), columns.get("vector")
    is_list = (pa.types.is_fixed_size_list, pa.types.is_list, pa.types.is_large_list)
    if word is not None and pa.types.is_dictionary(word):
        word = word.value_type
    if (
        word not in (pa.string(), pa.large_string(), pa.string_view())
        or vector is None
        or not any(test(vector) for test in is_list)
        or vector.value_type not in _NUMBERS
        or ("count" in columns and not pa.types.is_integer(columns["count"]))
    ):
        found = ", ".join(f"{field.name}: {field.type}" for field in schema)
        raise FormatError(
            f"{path}: has the columns {shown(found, 200)}; expected word: string, vector: list of floats and perhaps "
            "count: int64"
        )
    return list(columns)


def table_stream(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, count: int | None, path: Path, progress: Progress | None
) -> VectorStream:
    """Return the batches of a table, read from a file, as a stream."""
    pieces = iter(batches)
    vector = schema.field("vector").type
    try:
        first = next(pieces, None)
        while first is not None and first.num_rows == 0:
            first = next(pieces, None)
        if first is None:
            raise FormatError(f"{path}: the table has no rows; expected a word and its vector in each")
        first.validate(full=True)
        is_fixed = pa.types.is_fixed_size_list(vector)
        dimension = vector.list_size if is_fixed else first.column("vector").value_lengths()[0].as_py()
    except DAMAGED as error:
        raise damaged(path, error) from error
    if not dimension:
        raise FormatError(f"{path}: the first vector has no numbers; every vector needs as many as the others")

    def blocks() -> Iterator[VectorBlock]:
        row = size = 0
        try:
            for batch in chain([first], pieces):
                batch.validate(full=True)  # offsets in the file may point anywhere
                if batch.num_rows:
                    yield _block(batch, dimension, row, path)
                row += batch.num_rows
                size += batch.nbytes
                if progress is not None:
                    progress(size)
        except DAMAGED as error:
            raise damaged(path, error) from error

    return VectorStream(dimension=dimension, count=count, has_counts="count" in schema.names, blocks=blocks())


def damaged(path: Path, error: Exception) -> FormatError:
    """Return the error for a file that pyarrow cannot read."""
    if isinstance(error, FormatError):
        return error
    return FormatError(
        f"{path}: not a valid table ({shown(str(error), 200)}); get the file again or write it with pyarrow"
    )


def _block(batch: pa.RecordBatch, dimension: int, row: int, path: Path) -> VectorBlock:
    for name in batch.schema.names:
        column = batch.column(name)
        if column.null_count:
            missing = row + column.is_null().index(True).as_py() + 1
            raise FormatError(f"{path}: row {missing} has no {name}; fill it in or leave the row out")
    words = batch.column("word").cast(pa.string()).to_pylist()
    column = batch.column("vector")
    if not pa.types.is_fixed_size_list(column.type):
        lengths = column.value_lengths().to_numpy(zero_copy_only=False)
        if (lengths != dimension).any():
            bad = int(np.flatnonzero(lengths != dimension)[0])
            raise FormatError(
                f"{path}: row {row + bad + 1}, {shown(words[bad])}, has {counted(lengths[bad], 'number')}, "
                f"expected {dimension} as in the first row"
            )
    numbers = column.flatten()
    if numbers.null_count:
        bad = numbers.is_null().index(True).as_py() // dimension
        raise FormatError(f"{path}: row {row + bad + 1}, {shown(words[bad])}, has a missing number; fill it in")
    matrix = as_float32(numbers.to_numpy(zero_copy_only=False)).reshape(-1, dimension)
    counts = batch.column("count").cast(pa.int64()).to_numpy() if "count" in batch.schema.names else None
    return VectorBlock(words, matrix, counts)
