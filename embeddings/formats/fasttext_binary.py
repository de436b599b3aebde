"""fastText's ``.bin`` (and ``.ftz``): settings, words with counts, the input matrix and the output matrix.

The input matrix has a row for each word and then one for each bucket of n-grams. The vectors that are read are those
of fastText's ``getWordVector``: the mean of a word's row and the rows of its n-grams. Vectors of buckets that are all
zero, as vecmill writes them for n-grams that no word has, are left out. A quantised matrix (product quantisation;
Jégou, Douze & Schmid 2011) is unpacked to float32.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from embeddings.formats.decoding import UTF_8, Decoding, decode_words
from embeddings.formats.errors import FormatError, shown
from embeddings.formats.stream import Progress, VectorStream, collect, rows_per_block, sliced
from embeddings.formats.text_rows import require_no_white_space
from embeddings.text.character_ngrams import CharacterNgrams
from embeddings.text.tokenizer.counted_words import Words
from embeddings.vectors.subwords import SubwordVectors

MAGIC, VERSION, OLDER_VERSION = 793712314, 12, 11
CBOW, SKIP_GRAM, SUPERVISED = 1, 2, 3
HIERARCHICAL_SOFTMAX, NEGATIVE_SAMPLING, SOFTMAX = 1, 2, 3

_SETTINGS = struct.Struct("<12id")
_SIZES = struct.Struct("<iiiqq")
_FIRST_SIZES = struct.Struct("<iiiq")  # of the files of the first fastText, which begin with the settings
_ENTRY = struct.Struct("<qb")  # count and kind of a word
_SHAPE = struct.Struct("<qq")
_CENTROIDS = 256  # of each part of a quantised vector
_LARGEST_EXPANSION = 64  # unpacked bytes for a byte of the file; fastText's default is 8
_MOST_WORD_BYTES = 1 << 16
_MOST_DIMENSIONS = 100_000  # of a file that could be of the first fastText


class Settings(NamedTuple):
    """The settings of a fastText model, as its file has them."""

    dimension: int
    window: int = 5
    epochs: int = 5
    min_count: int = 1
    negatives: int = 5
    word_ngrams: int = 1
    loss: int = NEGATIVE_SAMPLING
    architecture: int = SKIP_GRAM
    buckets: int = 0
    min_length: int = 0
    max_length: int = 0
    rate_updates: int = 100
    sample: float = 1e-4

    @property
    def ngrams(self) -> CharacterNgrams | None:
        """The n-grams of characters; None if words have none."""
        shortest = max(1, self.min_length)
        if self.buckets == 0 or self.max_length < shortest:
            return None
        return CharacterNgrams(min_length=shortest, max_length=self.max_length, buckets=self.buckets)


class SupervisedModelError(FormatError, NotImplementedError):
    """A model of fastText that was trained to tell labels apart."""


class FastTextModel(NamedTuple):
    """What a file of fastText holds.

    Attributes
    ----------
    settings : Settings
    words : list of str
    counts : (V,) int64
    own : (V, d) float32
        The rows of the words, without those of their n-grams.
    subwords : SubwordVectors or None
        The rows of the buckets that are not all zero.
    output : (V, d) float32
        Context vectors; with hierarchical softmax those of the nodes of the tree.
    """

    settings: Settings
    words: list[str]
    counts: npt.NDArray[np.int64]
    own: npt.NDArray[np.float32]
    subwords: SubwordVectors | None
    output: npt.NDArray[np.float32]


class _File:
    """Reads records of a file that is mapped into memory, and checks that it has them.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0
        with path.open("rb") as file:
            self.size = os.fstat(file.fileno()).st_size
            self.bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if self.size else b""

    @property
    def begins_with_settings(self) -> bool:
        """Whether this is a file of the first fastText, before `MAGIC`; its first numbers are those of a model."""
        if self.size < _SETTINGS.size:
            return False
        settings = Settings(*_SETTINGS.unpack_from(self.bytes))
        return (
            1 <= settings.dimension <= _MOST_DIMENSIONS
            and 1 <= settings.window <= _MOST_DIMENSIONS
            and settings.loss in (HIERARCHICAL_SOFTMAX, NEGATIVE_SAMPLING, SOFTMAX)
            and settings.architecture in (CBOW, SKIP_GRAM, SUPERVISED)
        )

    def skip(self, size: int, what: str) -> int:
        """Move on by `size` bytes; return the position before them."""
        start = self.position
        if size < 0 or size > self.size - start:
            raise FormatError(f"{self.path}: ends within {what}; get the file again")
        self.position += size
        return start

    def unpack(self, record: struct.Struct, what: str) -> tuple[Any, ...]:
        """Read a record."""
        return record.unpack_from(self.bytes, self.skip(record.size, what))

    def array(self, dtype: str, shape: tuple[int, ...], what: str) -> npt.NDArray[Any]:
        """Map an array of numbers."""
        size = np.dtype(dtype).itemsize
        for length in shape:
            size *= length
        start = self.skip(size, what)
        return np.memmap(self.path, dtype, "r", start, shape) if size else np.empty(shape, dtype)

    def flag(self, what: str) -> bool:
        """Read a byte that is 0 or 1."""
        (value,) = self.unpack(struct.Struct("<B"), what)
        if value > 1:
            raise self.damaged(f"{what} is {value}; expected 0 or 1")
        return bool(value)

    def damaged(self, reason: str) -> FormatError:
        """Return the error of a file whose values cannot be."""
        return FormatError(f"{self.path}: {reason}; the file is damaged: get it again")


@contextmanager
def open_stream(path: Path, progress: Progress | None = None, decoding: Decoding = UTF_8) -> Iterator[VectorStream]:
    """Open a model of skip-gram or CBOW; its matrices are memory-mapped unless they are quantised."""
    encoded, model = _read_model(_File(path), decoding)
    yield VectorStream(
        dimension=model.settings.dimension,
        count=len(model.words),
        has_counts=True,
        blocks=sliced(model.words, model.counts, _vectors(model.own, encoded, model.subwords), progress),
        context=_context(model),
        subwords=model.subwords,
    )


def read_model(path: Path, decoding: Decoding = UTF_8) -> FastTextModel:
    """Read a model of skip-gram or CBOW as its file has it; its matrices are memory-mapped unless they are quantised.

    Parameters
    ----------
    path : Path
    decoding : Decoding
        Of the words.

    Returns
    -------
    FastTextModel

    Raises
    ------
    FormatError
        It is no such file, or it is damaged.
    SupervisedModelError
        The model was trained to tell labels apart.
    """
    return _read_model(_File(path), decoding)[1]


def _read_model(file: _File, decoding: Decoding) -> tuple[Words, FastTextModel]:
    """Read a model; the words also as the bytes of the file, whose n-grams are hashed."""
    settings, ngrams = _read_settings(file)
    first = file.begins_with_settings
    encoded, counts = _read_words(file, first)
    words = _decoded(encoded, file, decoding)
    quantised = not first and file.flag("the mark of a quantised matrix")
    shape = (len(words) + settings.buckets, settings.dimension)
    matrix = _read_quantised(file, shape) if quantised else _read_matrix(file, shape, "the input matrix")
    output = _read_output(file, (len(words), settings.dimension), first)
    subwords = None if ngrams is None else _used(ngrams, matrix[len(words) :], file)
    return encoded, FastTextModel(settings, words, counts, matrix[: len(words)], subwords, output)


def _context(model: FastTextModel) -> npt.NDArray[np.float32] | None:
    """Return the output matrix; None if its rows are not those of words, or all zero."""
    of_words = model.settings.loss in (NEGATIVE_SAMPLING, SOFTMAX)
    return model.output if of_words and any(model.output[part].any() for part in _parts(model.output)) else None


def _read_settings(file: _File) -> tuple[Settings, CharacterNgrams | None]:
    """Read the settings; models with labels, and settings that cannot be, are refused."""
    magic, version = file.unpack(struct.Struct("<ii"), "the first eight bytes")
    if file.begins_with_settings:
        file.position = 0
    elif magic != MAGIC or version not in (VERSION, OLDER_VERSION):
        raise FormatError(
            f"{file.path}: begins with {magic} and {version}; expected {MAGIC} and {VERSION}, as fastText's models do"
        )
    settings = Settings(*file.unpack(_SETTINGS, "its settings"))
    if settings.architecture == SUPERVISED:
        raise SupervisedModelError(
            f"{file.path}: is a supervised fastText model, whose vectors were trained to tell labels apart and not to "
            "be compared; give a model of skip-gram or CBOW, or write the vectors of words: fasttext "
            f"print-word-vectors {file.path.name} < words.txt > vectors.txt"
        )
    if settings.architecture not in (CBOW, SKIP_GRAM) or settings.dimension < 1 or settings.buckets < 0:
        raise file.damaged(
            f"has the model {settings.architecture}, {settings.dimension} dimensions and {settings.buckets} buckets"
        )
    try:
        return settings, settings.ngrams
    except ValueError as error:
        raise file.damaged(str(error)) from error


def _read_words(file: _File, first: bool) -> tuple[Words, npt.NDArray[np.int64]]:
    """Read the dictionary: the words as bytes, and their counts."""
    sizes = file.unpack(_FIRST_SIZES if first else _SIZES, "the sizes of its dictionary")
    size, words, labels, _, pruned = (*sizes, -1)[:5]
    if size < 1 or size != words or labels != 0:
        raise file.damaged(f"its dictionary has {size} entries, {words} words and {labels} labels")
    if pruned >= 0:
        raise FormatError(
            f"{file.path}: its n-grams are pruned (fasttext quantize -cutoff); expected all: give the model before it"
        )
    if size > (file.size - file.position) // (_ENTRY.size + 2):
        raise FormatError(f"{file.path}: ends within its dictionary of {size:,} words; get the file again")
    found, counts = [], np.empty(size, np.int64)
    for number in range(size):
        start = file.position
        end = file.bytes.find(b"\0", start, start + _MOST_WORD_BYTES)
        word = file.bytes[start:end]
        file.skip(max(end, start) + 1 - start, "its dictionary")
        counts[number], kind = file.unpack(_ENTRY, "its dictionary")
        if end < start or b"\n" in word or kind != 0:
            raise file.damaged(f"word {number + 1} of its dictionary is {shown(word[:100])} of the kind {kind}")
        found.append(word)
    if len(set(found)) != size:
        raise file.damaged("a word is twice in its dictionary")
    return Words.from_bytes(found), counts


def _decoded(words: Words, file: _File, decoding: Decoding) -> list[str]:
    blob = b"".join(word + b"\n" for word in words.to_bytes())
    decoded = decode_words(blob, decoding, lambda index: f"{file.path}: word {index + 1}")
    if len(set(decoded)) != len(words.starts):
        raise FormatError(f"{file.path}: two words are the same text in the encoding {decoding.encoding}; name another")
    return decoded


def _require_shape(file: _File, expected: tuple[int, int], what: str) -> None:
    found = file.unpack(_SHAPE, f"the shape of {what}")
    if found != expected:
        raise file.damaged(f"{what} has the shape {found}, by its settings {expected}")


def _read_matrix(file: _File, shape: tuple[int, int], what: str) -> npt.NDArray[np.float32]:
    _require_shape(file, shape, what)
    return file.array("<f4", shape, what)


def _read_output(file: _File, shape: tuple[int, int], first: bool) -> npt.NDArray[np.float32]:
    """Map the output matrix."""
    if not first and file.flag("the mark of a quantised output matrix"):
        raise file.damaged("its output matrix is quantised, as only that of a supervised model can be")
    matrix = _read_matrix(file, shape, "the output matrix")
    if file.position != file.size:
        raise file.damaged(f"continues after the output matrix with {file.size - file.position:,} bytes")
    return matrix


def _read_quantised(file: _File, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Unpack a quantised matrix: each part of a row is one of 256 centroids, and a row may have a factor."""
    rows, dimension = shape
    what = "the quantised matrix"
    has_norms = file.flag("the mark of quantised lengths")
    _require_shape(file, shape, what)
    if 4 * rows * dimension > _LARGEST_EXPANSION * file.size:
        raise file.damaged(f"{what} of shape {shape} is too large for {file.size:,} bytes")
    (size,) = file.unpack(struct.Struct("<i"), what)
    parts = size // rows
    codes = file.array("u1", (rows, parts), what)
    if parts < 1 or size != rows * parts:
        raise file.damaged(f"{what} has {size} codes for {rows} rows")
    centroids = _read_centroids(file, dimension, parts)
    matrix = np.concatenate([part[codes[:, place]] for place, part in enumerate(centroids)], axis=1)
    if has_norms:
        norm_codes = file.array("u1", (rows,), "quantised lengths")
        (norms,) = _read_centroids(file, 1, 1)
        with np.errstate(over="ignore", invalid="ignore"):  # numbers that are not finite are refused later
            matrix *= norms[norm_codes]
    return matrix


def _read_centroids(file: _File, dimension: int, parts: int) -> list[npt.NDArray[np.float32]]:
    """Read the centroids of each part of a vector, (256, columns of the part) float32."""
    what = "the centroids of a quantised matrix"
    found, count, width, last = file.unpack(struct.Struct("<4i"), what)
    if (found, count) != (dimension, parts) or width < 1 or not 1 <= last <= width:
        raise file.damaged(f"{what} are {count} times {width} numbers for vectors of {found}")
    if width * (parts - 1) + last != dimension:
        raise file.damaged(f"{what} make up {width * (parts - 1) + last} dimensions, not {dimension}")
    widths = [width] * (parts - 1) + [last]
    numbers = np.array(file.array("<f4", (_CENTROIDS * dimension,), what))
    ends = _CENTROIDS * np.cumsum(widths)
    return [part.reshape(_CENTROIDS, -1) for part in np.split(numbers, ends[:-1])]


def _used(ngrams: CharacterNgrams, matrix: npt.NDArray[np.float32], file: _File) -> SubwordVectors:
    """Return the vectors of the buckets that are not all zero."""
    used = np.empty(len(matrix), bool)
    for part in _parts(matrix):
        used[part] = matrix[part].any(axis=1)
        if not np.isfinite(matrix[part]).all():
            raise file.damaged("the vector of an n-gram holds NaN or infinity")
    buckets = np.flatnonzero(used).astype(np.int32)
    return SubwordVectors(ngrams, buckets, matrix if used.all() else matrix[buckets])


def _vectors(
    own: npt.NDArray[np.float32], words: Words, subwords: SubwordVectors | None
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the vectors of words in blocks."""
    for part in _parts(own):
        rows = np.array(own[part], np.float32)
        yield rows if subwords is None else subwords.word_vectors(rows, words.take(part))


def _parts(matrix: npt.NDArray[np.float32]) -> Iterator[slice]:
    step = rows_per_block(matrix.shape[1])
    return (slice(start, start + step) for start in range(0, len(matrix), step))


def write_stream(stream: VectorStream, file: BinaryIO, dtype: str) -> None:
    """Write a model of skip-gram that fastText and gensim load, with all buckets: those without a vector are zeros.

    Parameters
    ----------
    stream : VectorStream
        Its vectors are collected: the format begins with all words.
    file : binary file
    dtype : str
        "float32", the only precision of the format.

    Raises
    ------
    FormatError
        A word holds white space or a zero byte, or n-grams are hashed as floret does.
    """
    subwords, context = stream.subwords, stream.context
    if subwords is not None and subwords.ngrams.floret_hashes:
        raise FormatError("the n-grams of these vectors are hashed as floret does; fastText cannot: choose floret")
    table = collect(stream)
    counts = np.ones(len(table.words), np.int64) if table.counts is None else np.maximum(table.counts, 1)
    settings = Settings(dimension=stream.dimension)
    own: npt.NDArray[np.float32] = table.matrix
    if subwords is not None:
        ngrams = subwords.ngrams
        settings = settings._replace(buckets=ngrams.buckets, min_length=ngrams.min_length, max_length=ngrams.max_length)
        own = subwords.own_rows(table.matrix, list(table.words))
    output = np.broadcast_to(np.float32(0), own.shape) if context is None else context
    write_model(FastTextModel(settings, list(table.words), counts, own, subwords, output), file)


def write_model(model: FastTextModel, file: BinaryIO) -> None:
    """Write a model that fastText and gensim load, with all buckets: those without a vector are zeros.

    Parameters
    ----------
    model : FastTextModel
    file : binary file

    Raises
    ------
    FormatError
        A word holds white space or a zero byte.
    """
    settings, words = model.settings, _writable(model.words)
    if model.subwords is None:
        settings = settings._replace(buckets=0)
    file.write(struct.pack("<ii", MAGIC, VERSION) + _SETTINGS.pack(*settings))
    file.write(_SIZES.pack(len(words), len(words), 0, int(model.counts.sum()), -1))
    for part in _parts(model.own):
        entries = zip(words[part], model.counts[part].tolist(), strict=True)
        file.write(b"".join(word + b"\0" + _ENTRY.pack(count, 0) for word, count in entries))
    file.write(b"\0" + _SHAPE.pack(len(words) + settings.buckets, settings.dimension))
    _write_rows(model.own, file)
    if model.subwords is not None:
        for rows in model.subwords.blocks(rows_per_block(settings.dimension)):
            _write_rows(rows, file)
    file.write(b"\0" + _SHAPE.pack(len(words), settings.dimension))
    _write_rows(model.output, file)


def _write_rows(matrix: npt.NDArray[np.float32], file: BinaryIO) -> None:
    for part in _parts(matrix):
        file.write(np.ascontiguousarray(matrix[part], "<f4").data)


def _writable(words: list[str]) -> list[bytes]:
    """Return words as UTF-8 if the format can hold them."""
    require_no_white_space(words)
    for word in words:
        if "\0" in word:
            raise FormatError(f"word {shown(word)} has a zero byte, with which fastText ends words; choose parquet")
    try:
        return [word.encode() for word in words]
    except UnicodeEncodeError as error:
        raise FormatError(f"word {shown(error.object)} has half of a surrogate pair; remove it") from None
