"""safetensors: tensors ``vectors`` (V, d), ``words`` (all words as UTF-8), ``word_ends`` (V,) and ``counts`` (V,).

Word i is the bytes from ``word_ends[i - 1]`` to ``word_ends[i]``. ``counts`` exists if counts are known. The file is
memory-mapped.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from embeddings.formats.errors import FormatError, shown
from embeddings.formats.stream import (
    Progress,
    VectorStream,
    as_dtype,
    as_float32,
    encoded,
    rows_per_block,
    sliced,
)

_DTYPES = {"F16": "<f2", "F32": "<f4", "I64": "<i8", "U8": "u1"}


@contextmanager
def open_stream(path: Path, progress: Progress | None = None) -> Iterator[VectorStream]:
    """Open a file; float32 vectors are memory-mapped."""
    tensors = open_tensors(path)
    if not {"vectors", "words", "word_ends"} <= set(tensors):
        raise FormatError(
            f"{path}: holds the tensors {shown(sorted(tensors), 200)}, expected 'vectors', 'words' and 'word_ends'; "
            "for a sentence-transformers or Model2Vec model, give the directory"
        )
    vectors = tensors["vectors"]
    if vectors.ndim != 2 or vectors.size == 0 or vectors.dtype.kind != "f":
        raise FormatError(
            f"{path}: 'vectors' is {vectors.dtype} of shape {vectors.shape}, expected numbers (V, d), V, d > 0"
        )
    words = _words(tensors["words"], tensors["word_ends"], len(vectors), path)
    counts = tensors.get("counts")
    if counts is not None and (counts.shape != (len(vectors),) or counts.dtype.kind != "i"):
        raise FormatError(f"{path}: 'counts' is {counts.dtype} {counts.shape}, expected int64 ({len(vectors)},)")
    yield VectorStream(
        dimension=vectors.shape[1],
        count=len(vectors),
        has_counts=counts is not None,
        matrix=vectors if vectors.dtype == np.float32 else None,
        blocks=sliced(words, None if counts is None else np.array(counts, np.int64), row_blocks(vectors), progress),
    )


def write_stream(stream: VectorStream, file: BinaryIO, dtype: str) -> None:
    """Write the words, their ends, counts and vectors."""
    count = stream.count or 0
    stored = "F16" if dtype == "float16" else "F32"
    # The header states the sizes of all tensors, but the size of the words is known last. So the words are the last
    # tensor, and the header, padded to a fixed size, is written twice.
    tensors: dict[str, tuple[str, list[int]]] = {"word_ends": ("I64", [count])}
    if stream.has_counts:
        tensors["counts"] = ("I64", [count])
    tensors |= {"vectors": (stored, [count, stream.dimension]), "words": ("U8", [0])}
    begin = write_header(file, tensors)
    file.write(bytes(8 * count * (1 + stream.has_counts)))
    ends, counts, words = [np.zeros(1, np.int64)], [], bytearray()
    for block in stream.blocks:
        file.write(as_dtype(block, dtype).data)
        blob, block_ends = encoded(block.words)
        ends.append(block_ends + len(words))
        words += blob
        if block.counts is not None:
            counts.append(block.counts)
    file.write(words)
    file.seek(0)
    tensors["words"] = ("U8", [len(words)])
    write_header(file, tensors)
    file.seek(begin)
    file.write(np.concatenate(ends)[1:].astype("<i8").data)
    if stream.has_counts:
        file.write(np.concatenate(counts).astype("<i8").data)


def write_header(file: BinaryIO, tensors: dict[str, tuple[str, list[int]]]) -> int:
    """Write the header of consecutive tensors.

    Parameters
    ----------
    file : binary file
    tensors : dict of str to (str, list of int)
        dtype ("F32", "F16", "I64", "U8") and shape of each tensor.

    Returns
    -------
    begin : int
        Offset of the first tensor.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "np"}}
    offset = 0
    for name, (dtype, shape) in tensors.items():
        end = offset + int(np.prod(shape, dtype=object)) * np.dtype(_DTYPES[dtype]).itemsize
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (1016 - len(text))
    return file.write(len(text).to_bytes(8, "little") + text)


def open_tensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return all tensors of a file as memory maps.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to array

    Raises
    ------
    FormatError
        The file is damaged, or a tensor is not of float32, float16, int64 or bytes.
    """
    try:
        with safe_open(path, framework="numpy"):
            pass  # the library checks names, shapes and offsets against the size of the file
    except (SafetensorError, OSError) as error:
        raise FormatError(f"{path}: not a valid safetensors file ({shown(str(error), 200)}); get it again") from error
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    header.pop("__metadata__", None)
    tensors: dict[str, npt.NDArray[Any]] = {}
    for name, entry in header.items():
        if entry["dtype"] not in _DTYPES:
            raise FormatError(
                f"{path}: tensor {name!r} is {entry['dtype']}, expected one of {', '.join(_DTYPES)}; convert it first"
            )
        dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(entry["shape"])
        if 0 in shape:
            tensors[name] = np.empty(shape, dtype)
        else:
            tensors[name] = np.memmap(path, dtype, "r", 8 + size + entry["data_offsets"][0], shape)
    return tensors


def row_blocks(matrix: npt.NDArray[np.floating]) -> Iterator[npt.NDArray[np.float32]]:
    """Yield consecutive rows of a matrix as float32."""
    step = rows_per_block(matrix.shape[1])
    for start in range(0, len(matrix), step):
        yield as_float32(matrix[start : start + step])


def _words(blob: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64], count: int, path: Path) -> list[str]:
    starts = np.concatenate([[0], ends[:-1]]) if ends.ndim == 1 and len(ends) else ends
    if blob.ndim != 1 or blob.dtype != np.uint8 or ends.shape != (count,) or ends.dtype.kind != "i":
        raise FormatError(
            f"{path}: 'words' is {blob.dtype} of shape {blob.shape}, 'word_ends' {ends.dtype} of shape {ends.shape}; "
            f"expected bytes and int64 ({count},)"
        )
    if ends[-1] != len(blob) or (starts > ends).any():
        raise FormatError(
            f"{path}: 'word_ends' does not increase to {len(blob)}, the bytes of 'words'; the file is damaged"
        )
    data = blob.tobytes()
    words = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        try:
            words.append(data[start:end].decode())
        except UnicodeDecodeError:
            raise FormatError(
                f"{path}: word {len(words) + 1}, {shown(data[start:end])}, is not UTF-8; the file is damaged"
            ) from None
    return words
