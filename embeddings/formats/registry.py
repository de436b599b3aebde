"""The registry of formats: their names, properties, and the modules that read and write them."""

import importlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embeddings.formats.compression import output_file
from embeddings.formats.decoding import Decoding
from embeddings.formats.stream import Progress, VectorStream
from embeddings.vectors.model_directory import MODEL_FILES
from vecmill.extras import needs
from vecmill.files import atomic_directory, writing

if TYPE_CHECKING:
    from embeddings.formats.tokenizer_rules import TokenizerRules


@dataclass(frozen=True, kw_only=True)
class Format:
    """Properties of a format.

    Attributes
    ----------
    name : str
    description : str
        One line for help texts.
    module : str
        Module of this package with ``open_stream`` and ``write_stream``.
    write_options : mapping
        Further arguments of ``write_stream``.
    extensions : tuple of str
        File name extensions; empty for directories.
    can_read, can_write : bool
    dtypes : tuple of str
        Precisions in which vectors can be written.
    compressible : bool
        Files may be compressed (``.gz``, ``.zst``).
    files : tuple of str
        Names of the files of a directory format, those that distinguish it from others first.
    needs_count : bool
        The number of words precedes the words.
    takes_encoding : bool
        Files may be in another encoding than UTF-8.
    takes_words : bool
        The words are those of a file of counts.
    takes_rules : bool
        The rules that split text into words are written too.
    takes_subwords : bool
        Vectors of n-grams are written too.
    """

    name: str
    description: str
    module: str
    write_options: Mapping[str, Any] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    can_read: bool = True
    can_write: bool = True
    dtypes: tuple[str, ...] = ("float32",)
    compressible: bool = False
    files: tuple[str, ...] = ()
    needs_count: bool = False
    takes_encoding: bool = False
    takes_words: bool = False
    takes_rules: bool = False
    takes_subwords: bool = False

    def open_stream(
        self, path: Path, progress: Progress | None, decoding: Decoding, counts: Mapping[str, int] | None
    ) -> AbstractContextManager[VectorStream]:
        """Open a file of this format for reading; its words are decoded, or are those of `counts`."""
        options: dict[str, Any] = {"decoding": decoding} if self.takes_encoding else {}
        if self.takes_words:
            options["counts"] = counts
        stream: AbstractContextManager[VectorStream] = self._module.open_stream(path, progress, **options)
        return stream

    @property
    def is_directory(self) -> bool:
        """True if the format is a directory of files."""
        return bool(self.files)

    def write_stream(
        self, stream: VectorStream, path: Path, dtype: str, overwrite: bool, rules: "TokenizerRules | None"
    ) -> None:
        """Write a file or directory of this format; it gets its name when it is complete."""
        options = {**self.write_options, "rules": rules} if self.takes_rules else self.write_options
        if self.is_directory:
            with atomic_directory(path, replace=overwrite) as directory, writing(path):
                self._module.write_stream(stream, directory, dtype, **options)
        else:
            with output_file(path) as file:
                self._module.write_stream(stream, file, dtype, **options)

    @property
    def _module(self) -> Any:
        # imported on demand: pyarrow alone takes a tenth of a second
        with needs("parquet", f"the format {self.name}"):
            return importlib.import_module(f"embeddings.formats.{self.module}")


_BOTH = ("float32", "float16")

FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format(
            name="word2vec-text",
            description="word2vec's text format: a header, then a word and its numbers on each line",
            module="word2vec_text",
            extensions=(".txt",),
            compressible=True,
            needs_count=True,
            takes_encoding=True,
        ),
        Format(
            name="word2vec-binary",
            description="word2vec's binary format, as gensim writes it",
            module="word2vec_binary",
            extensions=(".bin",),
            compressible=True,
            needs_count=True,
            takes_encoding=True,
        ),
        Format(
            name="word2vec-binary-newline",
            description="word2vec's binary format with a newline after each vector, as the C tool writes it",
            module="word2vec_binary",
            write_options={"newline": True},
            extensions=(".bin",),
            can_read=False,
            compressible=True,
            needs_count=True,
            takes_encoding=True,
        ),
        Format(
            name="glove",
            description="GloVe's text format: a word and its numbers on each line, no header",
            module="glove",
            extensions=(".txt",),
            compressible=True,
            takes_encoding=True,
        ),
        Format(
            name="fasttext-vec",
            description="fastText's .vec: word2vec's text format with five significant digits",
            module="word2vec_text",
            write_options={"digits": 5, "ending": b" \n"},
            extensions=(".vec",),
            compressible=True,
            needs_count=True,
            takes_encoding=True,
        ),
        Format(
            name="fasttext-bin",
            description="fastText's .bin: words, their n-grams and context vectors; also quantised ones are read",
            module="fasttext_binary",
            extensions=(".bin", ".ftz"),
            takes_encoding=True,
            takes_subwords=True,
        ),
        Format(
            name="floret",
            description="floret's table of n-grams, which spaCy loads; for models with floret's n-grams",
            module="floret_table",
            extensions=(".floret",),
            can_read=False,
            compressible=True,
            takes_subwords=True,
        ),
        Format(
            name="glove-binary",
            description="the parameters that GloVe writes with -binary; the words are those of its vocabulary file",
            module="glove_binary",
            extensions=(".bin",),
            can_write=False,
            takes_words=True,
        ),
        Format(
            name="npz",
            description="NumPy archive with the arrays vectors, words and counts",
            module="npz",
            extensions=(".npz",),
            dtypes=_BOTH,
            needs_count=True,
        ),
        Format(
            name="safetensors",
            description="safetensors file with the tensors vectors, words, word_ends and counts",
            module="safetensors_file",
            extensions=(".safetensors",),
            dtypes=_BOTH,
            needs_count=True,
        ),
        Format(
            name="parquet",
            description="Parquet table with the columns word, count and vector",
            module="parquet",
            extensions=(".parquet",),
            dtypes=_BOTH,
        ),
        Format(
            name="arrow",
            description="Arrow (Feather) table with the columns word, count and vector",
            module="arrow",
            extensions=(".arrow", ".feather"),
            dtypes=_BOTH,
        ),
        Format(
            name="csv",
            description="comma-separated values with a header, for pandas",
            module="comma_separated",
            extensions=(".csv",),
            compressible=True,
            takes_encoding=True,
        ),
        Format(
            name="static-embedding",
            description="directory that sentence-transformers and Model2Vec load",
            module="static_embedding",
            dtypes=_BOTH,
            files=("model.safetensors", "tokenizer.json", "config.json", "modules.json", "README.md"),
            takes_rules=True,
            needs_count=True,
        ),
        Format(
            name="projector",
            description="directory for TensorBoard's embedding projector",
            module="projector",
            files=("vectors.tsv", "metadata.tsv", "projector_config.pbtxt"),
            takes_encoding=True,
        ),
        Format(
            name="spacy",
            description="directory of vectors that spaCy wrote, or of a whole pipeline",
            module="spacy_vectors",
            can_write=False,
            files=("vectors", "key2row", "strings.json", "vectors.cfg"),
        ),
        Format(
            name="model",
            description="model directory, as training writes it",
            module="model_directory",
            files=MODEL_FILES,
            needs_count=True,
            takes_subwords=True,
        ),
    )
}
