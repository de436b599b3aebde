"""Word vectors from elsewhere: an input of a stage that is known by the hash of its files, as a text is.

How a file of some format is parsed is therefore not part of a stage's code (`pipelines.running.code_version`): after
an edit to a format nothing is trained again.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embeddings import WordVectors


def read_vectors(path: Path) -> "WordVectors":
    """Read a model directory, or a file or directory of any format.

    Raises
    ------
    EmbeddingsError
        There is nothing at `path`, or it is damaged or of an unknown format.
    """
    from embeddings import formats

    return formats.read(path)
