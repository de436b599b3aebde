"""Word vectors from wherever they lie, and into files of other tools."""

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
        A model directory, the directory of a `vecmill run`, or a file or directory of any format that
        `embeddings.formats` reads: word2vec, GloVe, fastText, NumPy, safetensors, Parquet, ...
    format : str, optional
        A name in `embeddings.formats.FORMATS`; by default the content and the name of the file tell.

    Returns
    -------
    WordVectors

    Raises
    ------
    VecmillError
        There is nothing at `path`, it is damaged or of an unknown format, or it is a language model.
    """
    return formats.read(Path(path).expanduser(), format)
