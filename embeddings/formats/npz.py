"""NumPy's ``.npz``: arrays ``vectors`` (V, d), ``words`` (V,) and, if known, ``counts`` (V,).

``numpy.load`` opens it. The archive stores the vectors uncompressed and aligned, so that they can be memory-mapped.
"""

import errno
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from embeddings.array_files import DAMAGED_ARRAY
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

LARGEST_WORD_ARRAY = 1 << 31

_INFLATION = 1040  # deflate packs no more than 1032 bytes into one
_LOCAL_HEADER, _ZIP64_FIELD = 30, 20
_STREAMED = 0x08  # the flag of members whose sizes follow them, so that they cannot be mapped
_PADDING_FIELD = 0xD935  # the zip field for alignment of the data
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # so that equal vectors give equal files
# errors that zipfile and NumPy raise for damaged archives
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, OSError, LookupError, RuntimeError),
    *DAMAGED_ARRAY,
)


class _Member(NamedTuple):
    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    header: int  # bytes before the numbers


@contextmanager
def open_stream(path: Path, progress: Progress | None = None) -> Iterator[VectorStream]:
    """Open an archive; uncompressed float32 vectors are memory-mapped."""
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGED as error:
        raise _damaged(path, error) from error
    with archive:
        try:
            stream = _stream(archive, path, progress)
        except _DAMAGED as error:
            raise _damaged(path, error) from error
        yield stream


def write_stream(stream: VectorStream, file: BinaryIO, dtype: str) -> None:
    """Write vectors, then counts and words.

    Parameters
    ----------
    stream : VectorStream
    file : binary file
    dtype : {"float32", "float16"}

    Raises
    ------
    FormatError
        NumPy's fixed-width text cannot store the words: one ends in a zero byte, or their array is too large.
    """
    words: list[str] = []
    counts: list[npt.NDArray[np.int64]] = []
    with zipfile.ZipFile(file, "w") as archive:
        stored = np.dtype("<f2" if dtype == "float16" else "<f4")
        with _new_member(archive, "vectors", stored, (stream.count or 0, stream.dimension)) as member:
            for block in stream.blocks:
                member.write(as_dtype(block, dtype).data)
                words += block.words
                if block.counts is not None:
                    counts.append(block.counts)
        if counts:
            with _new_member(archive, "counts", np.dtype("<i8"), (len(words),)) as member:
                member.write(np.concatenate(counts).astype("<i8").data)
        width = _word_width(words)
        with _new_member(archive, "words", np.dtype(f"<U{width}"), (len(words),)) as member:
            for start in range(0, len(words), 1 << 16):
                member.write(np.array(words[start : start + (1 << 16)], f"<U{width}").data.cast("B"))
        if any(info.flag_bits & _STREAMED for info in archive.infolist()):  # zipfile's answer to an error of the disk
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def _word_width(words: list[str]) -> int:
    longest = max(words, key=len)
    for word in words:
        if word.endswith("\0"):
            raise FormatError(f"word {shown(word)} ends in a zero byte, which NumPy's text arrays drop; choose parquet")
    if 4 * len(longest) * len(words) > LARGEST_WORD_ARRAY:
        raise FormatError(
            f"NumPy would give every word the space of the longest, {shown(longest)} with {len(longest)} characters: "
            f"more than {LARGEST_WORD_ARRAY >> 30} GiB; remove it, or choose parquet or safetensors"
        )
    return len(longest)


@contextmanager
def _new_member(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> Iterator[IO[bytes]]:
    info = zipfile.ZipInfo(f"{name}.npy", _FIXED_DATE)
    if dtype.kind == "U":
        info.compress_type = zipfile.ZIP_DEFLATED  # mostly zeros
    else:
        before = archive.fp.tell() + _LOCAL_HEADER + len(info.filename) + _ZIP64_FIELD + 4  # type: ignore[union-attr]
        padding = -before % 64
        info.extra = struct.pack("<HH", _PADDING_FIELD, padding) + bytes(padding)
    with archive.open(info, "w", force_zip64=True) as member:
        header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(member, header)
        yield member


def _stream(archive: zipfile.ZipFile, path: Path, progress: Progress | None) -> VectorStream:
    names = set(archive.namelist())
    if any(name.endswith(".pkl") for name in names):
        raise FormatError(
            f"{path}: holds a Python pickle (as PyTorch saves models); loading it could run code in it: refused"
        )
    if {"vectors.npy", "vocabulary.tsv"} <= names:
        raise FormatError(
            f"{path}: is a packed model directory; unpack it (unzip FILE -d DIRECTORY) and give the directory"
        )
    if not any(name.endswith(".npy") for name in names):
        raise FormatError(f"{path}: zip archive of {shown(sorted(names), 200)}; unpack it and give a file of vectors")
    if not {"vectors.npy", "words.npy"} <= names:
        raise FormatError(
            f"{path}: holds {shown(sorted(names), 200)}, expected arrays 'vectors' (V, d) and 'words' (V,); save it "
            "with numpy.savez(path, vectors=..., words=...)"
        )
    vectors = _member(archive, path, "vectors")
    if len(vectors.shape) != 2 or 0 in vectors.shape or vectors.dtype.kind != "f" or vectors.dtype.itemsize > 8:
        raise FormatError(
            f"{path}: 'vectors' is {vectors.dtype} of shape {vectors.shape}, expected numbers of shape (V, d), V, d > 0"
        )
    count, dimension = vectors.shape
    words = _words(archive, path, count)
    counts = _counts(archive, path, count) if "counts.npy" in names else None
    matrix = _mapped(path, vectors)
    if matrix is None:
        rows = _rows(archive, path, vectors)
    else:
        step = rows_per_block(dimension)
        rows = (matrix[start : start + step] for start in range(0, count, step))
    return VectorStream(
        dimension=dimension,
        count=count,
        has_counts=counts is not None,
        matrix=matrix,
        blocks=sliced(words, counts, rows, progress),
    )


def _member(archive: zipfile.ZipFile, path: Path, name: str) -> _Member:
    """Read the header of one array and check it against the size of the file."""
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
        if read is None:
            raise ValueError(f"array {name!r} has a header of version {version}")
        shape, fortran, dtype = read(member)
        header = member.tell()
    if dtype.hasobject:
        raise FormatError(
            f"{path}: array {name!r} holds Python objects, that is a pickle; loading it could run code in it: refused. "
            "Save plain arrays (dtype float32 and str)"
        )
    size = dtype.itemsize
    for length in shape:
        size *= length
    stored = info.compress_size * (_INFLATION if info.compress_type == zipfile.ZIP_DEFLATED else 1) + 64
    if min(shape, default=0) < 0 or header + size != info.file_size or info.file_size > stored:
        raise FormatError(
            f"{path}: array {name!r} of shape {shape} takes {size} bytes, but the file has {info.file_size - header}; "
            "it is damaged"
        )
    return _Member(info, shape, fortran, dtype, header)


def _array(archive: zipfile.ZipFile, member: _Member) -> npt.NDArray[Any]:
    data = archive.read(member.info)[member.header :]
    return np.frombuffer(data, member.dtype).reshape(member.shape, order="F" if member.fortran else "C")


def _words(archive: zipfile.ZipFile, path: Path, count: int) -> list[str]:
    member = _member(archive, path, "words")
    if member.shape != (count,) or member.dtype.kind not in "US" or member.dtype.itemsize == 0:
        raise FormatError(
            f"{path}: 'words' is {member.dtype} of shape {member.shape}, expected text of shape ({count},), as many as "
            "'vectors' has rows"
        )
    array = _array(archive, member)
    words = [word.decode() for word in array.tolist()] if member.dtype.kind == "S" else array.tolist()
    encoded(words)  # raises for half of a surrogate pair
    return words


def _counts(archive: zipfile.ZipFile, path: Path, count: int) -> npt.NDArray[np.int64]:
    member = _member(archive, path, "counts")
    if member.shape != (count,) or member.dtype.kind not in "iu":
        raise FormatError(
            f"{path}: 'counts' is {member.dtype} of shape {member.shape}, expected whole numbers of shape ({count},)"
        )
    return _array(archive, member).astype(np.int64)


def _mapped(path: Path, vectors: _Member) -> npt.NDArray[np.float32] | None:
    """Return the vectors as a memory map, or None unless the file stores them as uncompressed, aligned float32 rows."""
    if vectors.info.compress_type != zipfile.ZIP_STORED or vectors.dtype != np.dtype("<f4") or vectors.fortran:
        return None
    with path.open("rb") as file:
        file.seek(vectors.info.header_offset)
        name_length, extra_length = struct.unpack("<26xHH", file.read(_LOCAL_HEADER))
    offset = vectors.info.header_offset + _LOCAL_HEADER + name_length + extra_length + vectors.header
    if offset % 4:
        return None
    return np.memmap(path, np.float32, "r", offset, vectors.shape)


def _rows(archive: zipfile.ZipFile, path: Path, vectors: _Member) -> Iterator[npt.NDArray[np.float32]]:
    """Read the vectors in blocks."""
    try:
        if vectors.fortran:
            yield as_float32(_array(archive, vectors))
            return
        count, dimension = vectors.shape
        step = rows_per_block(dimension)
        with archive.open(vectors.info) as member:
            member.read(vectors.header)
            for start in range(0, count, step):
                rows = min(step, count - start)
                data = member.read(rows * dimension * vectors.dtype.itemsize)
                yield as_float32(np.frombuffer(data, vectors.dtype).reshape(rows, dimension))
    except _DAMAGED as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> FormatError:
    if isinstance(error, FormatError):
        return error
    return FormatError(f"{path}: not a valid .npz archive ({shown(str(error), 200)}); get the file again")
