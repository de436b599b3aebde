"""CSV for pandas: a header ``word,count,0,1,…``, then a row for each word; ``count`` only if counts are known.

``pandas.read_csv(path, index_col="word", keep_default_na=False)`` reads it; without ``keep_default_na=False`` pandas
reads the words "null" and "nan" as missing values.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from embeddings.formats.arrow_table import DAMAGED
from embeddings.formats.compression import VectorFile
from embeddings.formats.decoding import UTF_8, Decoding
from embeddings.formats.errors import FormatError, shown
from embeddings.formats.stream import Progress, VectorBlock, VectorStream, encoded
from embeddings.formats.text_rows import first_line, write_rows

CHUNK_BYTES = 1 << 22

_NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$')


@contextmanager
def open_stream(path: Path, progress: Progress | None = None, decoding: Decoding = UTF_8) -> Iterator[VectorStream]:
    """Open a file: the first column is the word, a second column ``count`` is optional, the others are the numbers."""
    with VectorFile(path, decoding) as file:
        line, rest = first_line(file)
        names = [name.strip() for name in _header(line, file)]
        counted = len(names) > 1 and names[1].lower() == "count"
        dimension = len(names) - 1 - counted
        if dimension < 1:
            raise FormatError(
                f"{path}: line 1 is {shown(line)}, expected a header word,0,1,… with a column for each dimension"
            )
        if _are_coordinates(names[1 + counted :]):
            raise FormatError(
                f"{path}: line 1 is {shown(line)}, a word and its numbers; expected a header before it: word,0,1,…"
            )
        if other := _beside_dimensions(names[1 + counted :]):
            raise FormatError(
                f"{path}: the column {shown(other)} is no dimension of the vectors as the others are; call it count if "
                "it is the second and holds counts, or remove it"
            )
        columns = [str(index) for index in range(len(names))]
        types = [pa.string(), *[pa.int64()] * counted, *[pa.float32()] * dimension]
        try:
            reader = pyarrow.csv.open_csv(
                pa.PythonFile(_BufferedFile(file, line + b"\n" + rest), "r"),
                read_options=pyarrow.csv.ReadOptions(
                    column_names=columns,
                    skip_rows=1,
                    block_size=CHUNK_BYTES,
                    use_threads=False,
                    encoding=decoding.encoding,
                ),
                parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict(zip(columns, types, strict=True)), null_values=[]
                ),
            )
        except DAMAGED as error:
            raise _damaged(path, error) from error
        yield VectorStream(
            dimension=dimension, has_counts=counted, blocks=_blocks(reader, counted, dimension, file, progress)
        )


def write_stream(stream: VectorStream, file: BinaryIO, dtype: str) -> None:
    """Write numbers with the fewest digits that read back as the same float32."""
    counted = ["count"] if stream.has_counts else []
    file.write(",".join(["word", *counted, *map(str, range(stream.dimension))]).encode() + b"\n")
    for text in write_rows(stream, _prefixes, separator=b","):
        file.write(text)


def quoted(text: str) -> str:
    """Return a field of CSV, in quotes if it needs them."""
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _prefixes(block: VectorBlock) -> tuple[bytes, npt.NDArray[np.int64]]:
    words = [quoted(word) for word in block.words]
    if block.counts is not None:
        words = [f"{word},{count}" for word, count in zip(words, block.counts.tolist(), strict=True)]
    return encoded(words)


def _header(line: bytes, file: VectorFile) -> list[str]:
    try:
        return next(csv.reader([line.decode(*file.decoding).rstrip("\r")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        raise FormatError(f"{file.path}: line 1 is {shown(line)}, expected a header word,0,1,…") from None


def _are_coordinates(names: Sequence[str]) -> bool:
    """Return whether the names of columns are the numbers of a vector: pandas names columns 0, 1, 2 and so on."""
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return False
    return numbers != [numbers[0] + index for index in range(len(numbers))] or not float(numbers[0]).is_integer()


def _beside_dimensions(names: Sequence[str]) -> str | None:
    """Return the first column without a number where the others are 0, 1, 2 and so on, or 1, 2, 3; None otherwise."""
    numbered = [name for name in names if name.isdecimal()]
    first = 0 if numbered[:1] == ["0"] else 1
    if not numbered or numbered != [str(number) for number in range(first, first + len(numbered))]:
        return None
    return next((name for name in names if not name.isdecimal()), None)


class _BufferedFile:
    """A file with a part already read, as a Python file for pyarrow."""

    closed = False

    def __init__(self, file: VectorFile, buffered: bytes) -> None:
        self._file = file
        self._buffered = buffered

    def read(self, size: int) -> bytes:
        if not self._buffered:
            return self._file.read(size)
        data, self._buffered = self._buffered[:size], self._buffered[size:]
        return data

    def close(self) -> None:
        self.closed = True


def _blocks(
    reader: pyarrow.csv.CSVStreamingReader, counted: bool, dimension: int, file: VectorFile, progress: Progress | None
) -> Iterator[VectorBlock]:
    try:
        with reader:
            for batch in reader:
                matrix = np.empty((batch.num_rows, dimension), np.float32)
                for index in range(dimension):
                    matrix[:, index] = batch.column(1 + counted + index).to_numpy()
                yield VectorBlock(batch.column(0).to_pylist(), matrix, batch.column(1).to_numpy() if counted else None)
                if progress is not None:
                    progress(file.position)
    except DAMAGED as error:
        raise _damaged(file.path, error) from error


def _damaged(path: Path, error: Exception) -> FormatError:
    if isinstance(error, FormatError):
        return error
    return FormatError(
        f"{path}: {shown(str(error), 200)} (row 1 is the header); expected a word and as many numbers "
        "as the header has columns"
    )
