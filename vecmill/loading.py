"""Word vectors read from run directories and from files of any format, and written to files of other tools."""

from os import PathLike
from pathlib import Path

from embeddings import formats
from embeddings.formats import write as write_vectors
from embeddings.vectors.word_vectors import WordVectors

__all__ = ["load", "write_vectors"]


def load(path: str | PathLike[str], format: str | None = None) -> WordVectors:
    """Open word vectors.

    Parameters
    ----------
    path : path
        A model directory, the directory of a ``vecmill run``, or a file or directory of any format that
        `embeddings.formats` reads: word2vec, GloVe, fastText, NumPy, safetensors, Parquet, ...
    format : str, optional
        A name in `embeddings.formats.FORMATS`; by default detected from the content and the name of the file.

    Returns
    -------
    WordVectors

    Raises
    ------
    VecmillError
        `path` does not exist, is damaged or of an unknown format, or is a language model.
    """
    return formats.read(Path(path).expanduser(), format)
