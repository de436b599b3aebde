"""A model directory as training writes it: ``vectors.npy``, ``vocabulary.tsv``, and files of n-grams if it has some."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from embeddings.array_files import save_array
from embeddings.formats.safetensors_file import row_blocks
from embeddings.formats.stream import Progress, VectorStream, as_dtype, sliced
from embeddings.text.phrase_table import PHRASES_FILE
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.model_directory import (
    CONFIG_FILE,
    CONTEXT_FILE,
    NODES_FILE,
    VECTORS_FILE,
    VOCABULARY_FILE,
    read_model_directory,
    write_subwords,
)
from embeddings.vectors.quantized_matrix import QuantizedMatrix

RECORDS = (CONFIG_FILE, PHRASES_FILE, NODES_FILE)
"""Files of a model directory that another one of the same words takes over: tokenizer, phrases, Huffman tree."""


@contextmanager
def open_stream(path: Path, progress: Progress | None = None) -> Iterator[VectorStream]:
    """Open a model directory; the vectors are memory-mapped."""
    vocabulary, matrix, context, subwords, _ = read_model_directory(path)
    counts = vocabulary.counts if vocabulary.counts.any() else None
    yield VectorStream(
        dimension=matrix.shape[1],
        count=len(vocabulary),
        has_counts=counts is not None,
        matrix=None if isinstance(matrix, QuantizedMatrix) else matrix,
        blocks=sliced(list(vocabulary.words), counts, row_blocks(matrix), progress),
        context=context,
        subwords=subwords,
        directory=path,
    )


def write_stream(stream: VectorStream, directory: Path, dtype: str) -> None:
    """Write the vectors, the vocabulary, and what else the stream has: context vectors, vectors of n-grams."""
    words: list[str] = []
    counts = [np.empty(0, np.int64)]
    with (directory / VECTORS_FILE).open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (stream.count, stream.dimension)}
        np.lib.format.write_array_header_1_0(file, header)
        for block in stream.blocks:
            file.write(as_dtype(block, dtype).data)
            words += block.words
            if block.counts is not None:
                counts.append(block.counts)
    if stream.context is not None:
        save_array(directory / CONTEXT_FILE, stream.context)
    if stream.subwords is not None:
        write_subwords(directory, stream.subwords)
    if stream.directory is not None:
        _copy_records(stream.directory, directory)
    known = np.concatenate(counts) if stream.has_counts else None
    Vocabulary.from_words(words, known).save(directory / VOCABULARY_FILE)


def _copy_records(source: Path, directory: Path) -> None:
    for name in RECORDS:
        if (source / name).is_file():
            shutil.copyfile(source / name, directory / name)
