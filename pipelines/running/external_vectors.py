"""Word vectors from outside the pipeline: like a text, they are an input that is identified by the hash of its files.

The parsers of file formats are therefore not part of the code of a stage (`pipelines.running.code_version`): after an
edit of a format no stage runs again.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embeddings import WordVectors


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
