r"""TensorBoard's embedding projector: a directory with ``vectors.tsv`` and ``metadata.tsv``.

``tensorboard --logdir DIRECTORY`` shows the directory (``projector_config.pbtxt`` names the two files), and
https://projector.tensorflow.org loads the files. The projector skips blank lines of labels, reads the first line as
column names exactly if it holds a tab, and refuses vectors of one dimension. So labels escape tab, newline, carriage
return and backslash as ``\t \n \r \\``, and blank words as ``\u00a0`` and similar.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embeddings.formats.compression import VectorFile
from embeddings.formats.decoding import UTF_8, Decoding, not_decoded
from embeddings.formats.errors import FormatError, shown
from embeddings.formats.stream import Progress, VectorBlock, VectorStream, encoded
from embeddings.formats.text_rows import CHUNK_BYTES, first_line, read_rows, write_rows

VECTORS, METADATA, CONFIG = "vectors.tsv", "metadata.tsv", "projector_config.pbtxt"

_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\ufeff": "\\ufeff"}
_ESCAPED = re.compile(r"\\(?:([tnr\\])|u([0-9a-f]{4}))")
_ESCAPE_TABLE = str.maketrans(_ESCAPES)


@contextmanager
def open_stream(path: Path, progress: Progress | None = None, decoding: Decoding = UTF_8) -> Iterator[VectorStream]:
    """Open a directory; the labels are the column ``word``, or else the first column."""
    with VectorFile(path / VECTORS) as vectors, VectorFile(path / METADATA, decoding) as metadata:
        line, rest = first_line(vectors)
        dimension = len(re.findall(rb"[^ \t\r]+", line))
        if dimension < 1:
            raise FormatError(f"{vectors.path}: line 1 is {shown(line)}, expected numbers with tabs between them")
        labels, rows = first_line(metadata)
        columns = labels.rstrip(b"\r").decode(decoding.encoding, "replace").split("\t")
        counted = "count" in columns and len(columns) > 1
        word = columns.index("word") if "word" in columns and len(columns) > 1 else 0
        if len(columns) == 1:
            rows = labels + b"\n" + rows
        fields = _fields(metadata, rows, 1 + (len(columns) > 1), len(columns))
        blocks = read_rows(vectors, line + b"\n" + rest, 1, dimension, labelled=False, progress=progress)
        yield VectorStream(
            dimension=dimension,
            has_counts=counted,
            blocks=_joined(blocks, fields, path, word, columns.index("count") if counted else None),
        )


def write_stream(stream: VectorStream, directory: Path, dtype: str) -> None:
    """Write the two files and the configuration that names them.

    Parameters
    ----------
    stream : VectorStream
    directory : Path
    dtype : str
        "float32"; the files hold decimal numbers.

    Raises
    ------
    FormatError
        The vectors have only one dimension.
    """
    if stream.dimension < 2:
        raise FormatError("vectors have 1 dimension, but the projector shows 2 or more; choose another format")
    with (directory / VECTORS).open("wb") as vectors, (directory / METADATA).open("wb") as metadata:
        if stream.has_counts:
            metadata.write(b"word\tcount\n")

        def labels_apart(blocks: Iterator[VectorBlock]) -> Iterator[VectorBlock]:
            for block in blocks:
                lines = [escaped(label) for label in block.words]
                if block.counts is not None:
                    lines = [f"{label}\t{count}" for label, count in zip(lines, block.counts.tolist(), strict=True)]
                metadata.write(encoded([f"{text}\n" for text in lines])[0])
                yield block

        stream.blocks = labels_apart(stream.blocks)
        for text in write_rows(stream, _no_prefixes, separator=b"\t"):
            vectors.write(text)
    (directory / CONFIG).write_text(
        f'embeddings {{\n  tensor_path: "{VECTORS}"\n  metadata_path: "{METADATA}"\n}}\n', "utf-8"
    )


def escaped(word: str) -> str:
    """Return a word as the label of a point: not blank, without tabs and line ends."""
    if word.replace("\ufeff", "").strip():
        return word.translate(_ESCAPE_TABLE)
    return "".join(f"\\u{ord(character):04x}" for character in word)


def unescaped(label: str) -> str:
    """Return the word that `escaped` wrote as a label."""

    def character(match: re.Match[str]) -> str:
        return {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[match[1]] if match[1] else chr(int(match[2], 16))

    return _ESCAPED.sub(character, label) if "\\" in label else label


def _no_prefixes(block: VectorBlock) -> tuple[bytes, npt.NDArray[np.int64]]:
    return b"", np.zeros(len(block.words), np.int64)


def _fields(metadata: VectorFile, data: bytes, line: int, columns: int) -> Iterator[list[str]]:
    """Yield the fields of every line that is not blank, split like the projector does."""
    while True:
        piece = metadata.read(CHUNK_BYTES)
        data += piece
        lines = data.split(b"\n")
        data = lines.pop() if piece else b""
        for text in lines:
            try:
                fields = text.rstrip(b"\r").decode(*metadata.decoding).split("\t")
            except UnicodeDecodeError:
                raise not_decoded(f"{metadata.path}: line {line}", metadata.decoding) from None
            line += 1
            if len(fields) == 1 and not fields[0].strip():
                continue
            if len(fields) != columns:
                raise FormatError(
                    f"{metadata.path}: line {line - 1} has {len(fields)} fields, expected {columns} as in line 1"
                )
            yield fields
        if not piece:
            return


def _joined(
    blocks: Iterator[VectorBlock], fields: Iterator[list[str]], path: Path, word: int, count: int | None
) -> Iterator[VectorBlock]:
    """Join the rows of ``vectors.tsv`` with their labels."""
    done = 0
    for block in blocks:
        rows = [row for _, row in zip(range(len(block.matrix)), fields, strict=False)]
        if len(rows) < len(block.matrix):
            raise FormatError(
                f"{path}: {METADATA} has {done + len(rows)} labels, but {VECTORS} has more rows; a file is truncated"
            )
        done += len(rows)
        counts = None
        if count is not None:
            try:
                counts = np.array([row[count] for row in rows]).astype(np.int64)
            except (ValueError, OverflowError) as error:
                raise FormatError(f"{path}/{METADATA}: {error}; expected whole numbers as counts") from None
        words = [unescaped(row[word]) for row in rows]
        encoded(words)  # raises for half of a surrogate pair, which an escape can name
        yield VectorBlock(words, block.matrix, counts)
    if next(fields, None) is not None:
        raise FormatError(f"{path}: {VECTORS} has {done} rows, but {METADATA} has more labels; a file is truncated")
