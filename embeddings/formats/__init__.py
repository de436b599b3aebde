"""Word vectors in the file formats of other tools; one module per format.

========================= ================================================== =============== ======= ======= ========
format                    content                                            words without   float16 .gz .zst counts
========================= ================================================== =============== ======= ======= ========
word2vec-text             header, ``word number …`` lines                    white space     no      yes     no
word2vec-binary           header, words and float32                          white space     no      yes     no
word2vec-binary-newline   the same with a newline after each vector          white space     no      yes     no
glove                     ``word number …`` lines                            white space     no      yes     no
fasttext-vec              word2vec-text with five significant digits         white space     no      yes     no
fasttext-bin              fastText's model with n-grams and context vectors  white space     no      no      yes
npz                       arrays ``vectors``, ``words``, ``counts``          NUL at the end  yes     no      yes
safetensors               tensors ``vectors``, ``words``, ``counts``         any             yes     no      yes
parquet, arrow            columns ``word``, ``count``, ``vector``            any             yes     no      yes
csv                       columns ``word``, ``count``, ``0``, ``1``, …       any             no      yes     yes
static-embedding          directory for sentence-transformers and Model2Vec  any             yes     no      no
spacy                     directory of spaCy's vectors; read only            any             –       no      no
glove-binary              GloVe's parameters; read only, with its vocabulary –               –       no      yes
floret                    floret's table of n-grams, for spaCy; write only   any             no      yes     no
projector                 directory for TensorBoard's projector              any             no      no      yes
model                     a model directory, as training writes it           any             no      no      yes
========================= ================================================== =============== ======= ======= ========

A model directory and fasttext-bin hold the vectors of n-grams too; ``.bin`` is fastText's format if there are some.
Vectors written in float32 read back bit for bit, except from three formats: fasttext-vec rounds to five digits,
fasttext-bin holds the words' own rows, from which vectors with n-grams are computed again, and static-embedding scales
every vector to unit length. No format stores empty words or numbers that are not finite.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from embeddings.formats.compression import COMPRESSION_SUFFIXES, is_packed
from embeddings.formats.decoding import ERRORS, UTF_8, Decoding, make_decoding
from embeddings.formats.detection import format_of_name, guess_format
from embeddings.formats.errors import FormatError, TruncatedFileError, UnknownFormatError
from embeddings.formats.registry import FORMATS, Format
from embeddings.formats.stream import (
    Progress,
    VectorBlock,
    VectorStream,
    VectorTable,
    collect,
    first_rows,
    stream_of,
    verified,
    without_duplicates,
)
from embeddings.formats.word_counts import read_word_counts, with_counts
from embeddings.setting_types import require_flags, require_type
from embeddings.text.phrase_table import PHRASES_FILE
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.embedding_matrix import require_vectors
from embeddings.vectors.model_directory import (
    NODES_FILE,
    SUBWORDS_FILE,
    read_phrases_file,
    read_tokenizer_settings,
    vectors_path,
)
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import quoted, require_function, require_path, require_place
from vecmill.files import require_writable, require_writable_directory
from vecmill.hints import did_you_mean

if TYPE_CHECKING:
    from embeddings.formats.tokenizer_rules import TokenizerRules

__all__ = [
    "ERRORS",
    "FORMATS",
    "Format",
    "FormatError",
    "TruncatedFileError",
    "UnknownFormatError",
    "convert",
    "format_of_name",
    "guess_format",
    "has_subwords",
    "read",
    "require_source",
    "write",
]


logger = logging.getLogger(__name__)


class _CountChanged(Exception):
    """The number of rows differs from the one announced."""

    def __init__(self, count: int) -> None:
        self.count = count


def read(
    path: str | os.PathLike[str],
    format: str | None = None,
    progress: Progress | None = None,
    *,
    encoding: str = "utf-8",
    errors: str = "strict",
    counts: str | os.PathLike[str] | None = None,
    limit: int | None = None,
) -> WordVectors:
    """Read word vectors.

    Parameters
    ----------
    path : path
        A file or a directory; of a `vecmill run`, the vectors that it trained.
    format : str, optional
        A name in `FORMATS`; by default detected from the content and the name of the file.
    progress : callable, optional
        Called now and then with the number of bytes of the file read so far.
    encoding : str
        Encoding of the words, such as ``"latin-1"``; of formats with `Format.takes_encoding`.
    errors : {"strict", "replace", "ignore"}
        Refuse words of another encoding, put U+FFFD in the place of such bytes, or remove them.
    counts : path, optional
        File of lines ``word count``, as ``word2vec -save-vocab`` and GloVe's ``vocab_count`` write it.
    limit : int, optional
        Read only this many words, the first of the file.

    Returns
    -------
    WordVectors
        Words in the order of the file. A duplicate word keeps its first vector, and a warning is logged. The matrix is
        float32, and a memory map of the file if its format allows that. Counts are zero if the format has none.

    Raises
    ------
    FormatError
        The file is missing, damaged, of another format or a pickle, or holds an empty word or a number that is not
        finite.
    OSError
        The file cannot be read.
    ValueError, TypeError
        `limit` is below 1, or no int.
    """
    require_path("path", path)
    require_type("format", format, str | None)
    require_function("progress", progress)
    if counts is not None:
        require_path("counts", counts)
    source, decoding = vectors_path(path), make_decoding(encoding, errors)
    entry = _readable(source, format, decoding)
    limit = require_type("limit", limit, int | None)
    if limit is not None and limit < 1:
        raise ValueError(f"limit is {limit}; expected 1 or more words, or None for all")
    if entry.name == "model" and counts is None and limit is None:
        return WordVectors.load(source)
    with _recognized(source, format), _open(source, entry, progress, decoding, counts) as stream:
        table = collect(stream if limit is None else first_rows(stream, limit))
    vocabulary = Vocabulary.from_words(table.words, table.counts)
    context = stream.context if stream.context is None or limit is None else stream.context[:limit]
    vectors = WordVectors(vocabulary, table.matrix, context, stream.subwords)
    vectors.tokenizer_settings, vectors.phrases_file = read_tokenizer_settings(source), read_phrases_file(source)
    return vectors


def write(
    vectors: WordVectors,
    path: str | os.PathLike[str],
    format: str | None = None,
    dtype: str = "float32",
    progress: Progress | None = None,
    overwrite: bool = False,
    *,
    rules: "TokenizerRules | None" = None,
) -> None:
    """Write word vectors atomically: the file gets its name when it is complete.

    Parameters
    ----------
    vectors : WordVectors
    path : path
        The file or, for formats that are directories, the directory.
    format : str, optional
        A name in `FORMATS`; by default determined by the file name.
    dtype : {"float32", "float16"}
        Precision; float16 for formats with it in `Format.dtypes`.
    progress : callable, optional
        Called now and then with the number of words written so far.
    overwrite : bool
        Replace a directory that holds only files of that format. (A file is always replaced.)
    rules : TokenizerRules, optional
        Those of the tokenizer of the training text, for static-embedding: ``exact_rules(tokenizer.settings)`` of
        `embeddings.formats.tokenizer_rules`. By default they are guessed from the words.

    Raises
    ------
    FormatError
        The format cannot store a word or the precision, or the directory holds other files, which would be lost.
    EmbeddingsError
        The file cannot be written, or the directory exists and `overwrite` is not set.
    """
    require_vectors(vectors)
    require_place("path", path)
    require_type("format", format, str | None)
    require_function("progress", progress)
    destination = _absolute(path)
    entry = _writable(destination, format, dtype, overwrite, vectors.subwords is not None)
    if entry.name == "model":
        vectors.save(destination, overwrite=overwrite)
        return
    _say_what_is_lost(
        entry,
        destination,
        tokenizer=bool(vectors.tokenizer_settings),
        phrases=vectors.phrases is not None,
        tree=vectors.nodes is not None,
    )
    counts = vectors.vocabulary.counts
    table = VectorTable(vectors.vocabulary.words, counts if counts.any() else None, vectors.matrix)
    stream = stream_of(table, f"vectors for {destination.name}", progress)
    stream.context, stream.subwords = vectors.context, vectors.subwords
    _write_stream(entry, stream, destination, dtype, overwrite, rules)


def convert(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    source_format: str | None = None,
    format: str | None = None,
    dtype: str = "float32",
    progress: Progress | None = None,
    overwrite: bool = False,
    *,
    encoding: str = "utf-8",
    errors: str = "strict",
    counts: str | os.PathLike[str] | None = None,
    rules: "TokenizerRules | None" = None,
) -> None:
    """Read one file and write another block by block: memory holds the words, but not the vectors.

    A source that does not state its number of words is read twice if the destination begins with it.

    Parameters
    ----------
    source, destination : path
        The files or directories.
    source_format : str, optional
        Format of the source; by default detected, as in `read`.
    format : str, optional
        Format of the destination; by default determined by its name, as in `write`.
    dtype : {"float32", "float16"}
        Precision, as in `write`.
    progress : callable, optional
        Called now and then with the number of bytes of `source` read so far.
    overwrite : bool
        As in `write`.
    encoding : str
        Encoding of the words of the source, as in `read`.
    errors : {"strict", "replace"}
        As in `read`.
    counts : path, optional
        File of counts of the source, as in `read`.
    rules : TokenizerRules, optional
        As in `write`.

    Raises
    ------
    FormatError
        See `read` and `write`.
    EmbeddingsError
        See `write`.
    """
    require_path("source", source)
    require_place("destination", destination)
    for name, value in (("source_format", source_format), ("format", format)):
        require_type(name, value, str | None)
    require_function("progress", progress)
    if counts is not None:
        require_path("counts", counts)
    source, destination = vectors_path(source), _absolute(destination)
    decoding = make_decoding(encoding, errors)
    source_entry = _readable(source, source_format, decoding)
    entry = _writable(destination, format, dtype, overwrite, has_subwords(source, source_entry.name))
    if source_entry.name == "model":
        _say_what_is_lost(
            entry,
            destination,
            tokenizer=bool(read_tokenizer_settings(source)),
            phrases=(source / PHRASES_FILE).is_file(),
            tree=(source / NODES_FILE).is_file(),
        )
    count = None
    while True:
        opened = _open(source, source_entry, progress, decoding, counts)
        with _recognized(source, source_format), opened as stream:
            if count is None:
                count = stream.count
            if count is None and entry.needs_count:
                count = sum(len(block.words) for block in stream.blocks)
                continue
            stream.count = count
            if entry.needs_count:
                stream.blocks = _exactly(stream.blocks, count or 0)
            try:
                _write_stream(entry, stream, destination, dtype, overwrite, rules)
            except _CountChanged as changed:  # by duplicate words
                count = changed.count
                continue
            return


def _exactly(blocks: Iterator[VectorBlock], count: int) -> Iterator[VectorBlock]:
    done = 0
    for block in blocks:
        done += len(block.words)
        yield block
    if done != count:
        raise _CountChanged(done)


def require_source(path: Path) -> None:
    """Raise an error if there are no vectors to read at a path.

    Parameters
    ----------
    path : Path

    Raises
    ------
    FormatError
        There is nothing.
    """
    if not path.exists():
        raise FormatError(f"there is no {path}; expected a model directory or a file of word vectors")


def _readable(path: Path, name: str | None, decoding: Decoding) -> Format:
    require_source(path)
    if path.is_fifo():
        raise FormatError(f"{path} is a pipe, which cannot be read twice; save it to a file first")
    entry = _named(guess_format(path) if name is None else name)
    if not entry.can_read:
        other = "it has no words" if entry.takes_subwords else "read with 'word2vec-binary', which takes both"
        raise UnknownFormatError(f"format {entry.name!r} is for writing; {other}")
    if path.is_dir() != entry.is_directory:
        expected = "directory" if entry.is_directory else "file"
        raise FormatError(f"{path} is not a {expected}, but format {entry.name!r} is one; give the {expected}")
    if is_packed(path) and not entry.compressible:
        raise FormatError(f"{path}: format {entry.name!r} cannot be read compressed; unpack the file first")
    if decoding != UTF_8 and not entry.takes_encoding:
        raise FormatError(f"{path}: format {entry.name!r} is always UTF-8; leave the encoding out")
    return entry


def has_subwords(path: Path, name: str | None = None) -> bool:
    """Return whether a source in this format, by default the detected one, has vectors of n-grams, or may have some."""
    name = name or guess_format(vectors_path(path))
    return name == "fasttext-bin" or (name == "model" and (vectors_path(path) / SUBWORDS_FILE).is_file())


def _writable(path: Path, name: str | None, dtype: str, overwrite: bool, subwords: bool) -> Format:
    require_type("dtype", dtype, str)
    require_flags(overwrite=overwrite)
    entry = _named(format_of_name(path, subwords) if name is None else name)
    if not entry.can_write:
        able = ", ".join(other.name for other in FORMATS.values() if other.can_write)
        raise UnknownFormatError(f"format {entry.name!r} is only read; formats that are written: {able}")
    if dtype not in entry.dtypes:
        able = ", ".join(other.name for other in FORMATS.values() if dtype in other.dtypes)
        raise UnknownFormatError(
            f"format {entry.name!r} is written in {' or '.join(entry.dtypes)}, not in {quoted(dtype)}"
            + (f"; formats that can: {able}" if able else "")
        )
    if path.suffix.lower() in COMPRESSION_SUFFIXES and not entry.compressible:
        raise UnknownFormatError(f"{path}: format {entry.name!r} cannot be written compressed; leave {path.suffix} out")
    if overwrite and entry.is_directory and path.is_dir():
        foreign = sorted({file.name for file in path.iterdir()} - {*entry.files})
        if foreign:
            raise FormatError(f"{path} also holds {foreign[0]}, which would be lost; move it away first")
    (require_writable_directory if entry.is_directory else require_writable)(path)
    return entry


def _write_stream(
    entry: Format, stream: VectorStream, path: Path, dtype: str, overwrite: bool, rules: "TokenizerRules | None"
) -> None:
    """Write a stream; say so if its vectors of n-grams are lost."""
    if stream.subwords is not None and not entry.takes_subwords:
        able = " and ".join(other.name for other in FORMATS.values() if other.takes_subwords and other.can_read)
        logger.warning(
            "%s: the vectors of n-grams, for words not in the vocabulary, are left out; %s hold them", path, able
        )
    entry.write_stream(stream, path, dtype, overwrite, rules)


def _say_what_is_lost(entry: Format, path: Path, *, tokenizer: bool, phrases: bool, tree: bool) -> None:
    """Say what vectors have that the format cannot hold: a warning for phrases and the tree, which few vectors have."""
    lost = {
        "the settings of the tokenizer": tokenizer and not entry.takes_rules,
        "the phrases": phrases,
        "the Huffman tree, which scores sentences": tree,
    }
    if entry.name != "model" and any(lost.values()):
        level = logging.WARNING if phrases or tree else logging.INFO
        names = " and ".join(what for what, is_lost in lost.items() if is_lost)
        logger.log(level, "%s: format %s does not hold %s; a model directory does", path.name, entry.name, names)


def _named(name: str) -> Format:
    if name not in FORMATS:
        hint = did_you_mean(name, FORMATS)
        raise UnknownFormatError(f"unknown format {quoted(name)}{hint} (one of: {', '.join(FORMATS)})")
    return FORMATS[name]


@contextmanager
def _open(
    path: Path,
    entry: Format,
    progress: Progress | None,
    decoding: Decoding,
    counts: str | os.PathLike[str] | None,
) -> Iterator[VectorStream]:
    """Open a file; in its stream every word is unique and not empty, and every number is finite."""
    report = None
    if progress is not None:
        size = sum(file.stat().st_size for file in path.rglob("*")) if path.is_dir() else path.stat().st_size

        def report(done: int) -> None:  # memory-mapped formats count the bytes of their blocks
            progress(min(done, size))

    counted = None if counts is None else read_word_counts(Path(counts), decoding)
    with entry.open_stream(path, report, decoding, counted) as stream:
        stream.blocks = without_duplicates(verified(stream.blocks, path), path)
        if counts is not None and counted is not None:
            stream.blocks, stream.has_counts = with_counts(stream.blocks, counted, Path(counts)), True
        yield stream


@contextmanager
def _recognized(path: Path, named: str | None) -> Iterator[None]:
    """Say which format a file seems to have if it cannot be read in the one that was named."""
    try:
        yield
    except FormatError as error:
        if named is None:
            raise
        try:
            seems = guess_format(path)
        except (FormatError, OSError):
            raise error from error.__context__
        if FORMATS[seems].module == FORMATS[named].module:
            raise
        raise type(error)(f"{error}; the file looks like {seems}, not like {named}") from error.__context__


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - unlike Path.absolute it resolves "x/.."
