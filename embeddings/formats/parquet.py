"""Parquet: a table with the columns ``word``, ``count`` (if known) and ``vector``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow.parquet as pq

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

_VECTOR_COLUMN = "vector.list.element"


@contextmanager
def open_stream(path: Path, progress: Progress | None = None) -> Iterator[VectorStream]:
    """Open a table for reading."""
    try:
        file = pq.ParquetFile(path, memory_map=True)
        schema = file.schema_arrow
        columns = table_columns(schema, path)
    except DAMAGED as error:
        raise damaged(path, error) from error
    with file:
        batches = file.iter_batches(batch_rows(schema), columns=columns)
        yield table_stream(batches, schema, None, path, progress)


def write_stream(stream: VectorStream, file: BinaryIO, dtype: str) -> None:
    """Write the table; vectors are neither compressed nor indexed, because their bits are nearly random."""
    schema = table_schema(stream, dtype)
    plain = [name for name in schema.names if name != "vector"]
    with pq.ParquetWriter(
        file,
        schema,
        compression={**dict.fromkeys(plain, "zstd"), _VECTOR_COLUMN: "none"},
        use_dictionary=False,
        write_statistics=plain,
    ) as writer:
        for batch in table_batches(stream, schema, dtype):
            writer.write_batch(batch, row_group_size=batch.num_rows)
