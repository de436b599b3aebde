"""Reader of a text column of a Parquet file, batch by batch."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from corpora.errors import CorpusError
from corpora.skipped import LISTS, Count, DamagedFileError, UnusableFileError, no_records, raise_if_short_of_resources

BATCH_BYTES = 1 << 23
"""Approximate bytes of text decoded at a time, in whole records."""


def read_parquet(stored: BinaryIO, path: str, column: str, count: Count) -> Iterator[bytes | None]:
    """Yield the text in `column` of every record, None without one; `corpora.readers.read_pieces` has the arguments."""
    try:
        file = pq.ParquetFile(stored)
        names = file.schema_arrow.names
        if column not in names:
            raise no_records(path, "column", column, names, "there is no")
        kind = file.schema_arrow.field(names.index(column)).type
        if not _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind):
            remedy = LISTS if pa.types.is_nested(kind) else "choose another column with --column"
            raise UnusableFileError(
                f"file whose column {column!r} is not text",
                f"{path}: column {column!r} holds {kind}, expected text; {remedy}",
            )
        rows = max(1, file.metadata.num_rows)
        stored_bytes = sum(file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups))
        batch_size = max(1, min(rows, BATCH_BYTES * rows // max(1, stored_bytes)))
        for number, batch in enumerate(file.iter_batches(batch_size, columns=[column])):
            for text in _texts(batch.column(0)):
                if text is None:
                    count(f"record without column {column!r} skipped", f"row {number * batch_size} ff. of {path}")
                yield text
    except (pa.ArrowException, OSError, ValueError) as error:
        message = f"{path} is damaged or not a Parquet file: {str(error).splitlines()[0]}"
        if isinstance(error, MemoryError):  # for a length that damage made huge, or for a whole file
            raise CorpusError(message) from error
        raise_if_short_of_resources(path, error)
        raise DamagedFileError(message) from error


def _texts(values: pa.Array) -> Iterable[bytes | None]:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    # as bytes, because Arrow does not guarantee that its strings are UTF-8
    texts: list[bytes | None] = values.cast(pa.large_binary()).to_pylist()
    return texts


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
