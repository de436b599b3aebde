"""Arrow's file format, also called Feather version 2: the same table as Parquet, in its in-memory layout."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from embeddings.formats.arrow_table import (
    DAMAGED,
    batch_rows,
    damaged,
    table_batches,
    table_columns,
    table_schema,
    table_stream,
)
from embeddings.formats.stream import Progress, VectorStream


@contextmanager
def open_stream(path: Path, progress: Progress | None = None) -> Iterator[VectorStream]:
    """Open a table for reading."""
    try:
        source = pa.memory_map(str(path))
        file = pa.ipc.open_file(source)
        schema = file.schema
        columns = table_columns(schema, path)
    except DAMAGED as error:
        raise damaged(path, error) from error
    with source:
        yield table_stream(_batches(file, columns, batch_rows(schema)), schema, None, path, progress)


def _batches(file: pa.ipc.RecordBatchFileReader, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
    for index in range(file.num_record_batches):
        batch = file.get_batch(index).select(columns)
        batch.validate(full=True)
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def write_stream(stream: VectorStream, file: BinaryIO, dtype: str) -> None:
    """Write the table without compression, so that it can be memory-mapped."""
    schema = table_schema(stream, dtype)
    with pa.ipc.new_file(file, schema) as writer:
        for batch in table_batches(stream, schema, dtype):
            writer.write_batch(batch)
