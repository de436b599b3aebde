"""Word vectors from outside the pipeline: like a text, they are an input that is identified by the hash of its files.

The parsers of file formats are therefore not part of the code of a stage (`pipelines.running.code_version`): after an
edit of a format no stage runs again.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embeddings import WordVectors


def phrases_of(path: Path) -> Path | None:
    """Return the table of phrases of a model directory or of a run, or None if it was trained without phrases."""
    from embeddings.vectors.model_directory import find_phrases_file, vectors_path

    return find_phrases_file(vectors_path(path))


def read_vectors(path: Path) -> "WordVectors":
    """Read a model directory, or a file or directory of any format.

    Parameters
    ----------
    path : Path

    Returns
    -------
    WordVectors

    Raises
    ------
    EmbeddingsError
        `path` does not exist, or is damaged or of an unknown format.
    """
    from embeddings import formats

    return formats.read(path)
