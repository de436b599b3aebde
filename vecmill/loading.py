"""Word vectors read from run directories and from files of any format, and written to files of other tools."""

from os import PathLike

from embeddings import formats
from embeddings.formats import write as write_vectors
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import require_path
from vecmill.files import expanded

__all__ = ["load", "write_vectors"]


def load(
    path: str | PathLike[str],
    format: str | None = None,
    *,
    encoding: str = "utf-8",
    errors: str = "strict",
    counts: str | PathLike[str] | None = None,
    limit: int | None = None,
) -> WordVectors:
    """Open word vectors.

    Parameters
    ----------
    path : path
        A model directory, the directory of a ``vecmill run``, or a file or directory of any format that
        `embeddings.formats` reads: word2vec, GloVe, fastText, spaCy, NumPy, safetensors, Parquet, ...
    format : str, optional
        A name in `embeddings.formats.FORMATS`; by default detected from the content and the name of the file.
    encoding : str
        Encoding of the words of a text or word2vec file, such as ``"latin-1"``.
    errors : {"strict", "replace", "ignore"}
        Refuse words of another encoding, put U+FFFD in the place of such bytes, or remove them.
    counts : path, optional
        File of lines ``word count`` beside the vectors, as ``word2vec -save-vocab`` writes it.
    limit : int, optional
        Read only this many words, the first of the file.

    Returns
    -------
    WordVectors

    Raises
    ------
    VecmillError
        `path` does not exist, is damaged or of an unknown format, or is a language model.
    ValueError, TypeError
        `limit` is below 1, or no int.
    """
    require_path("path", path)
    return formats.read(expanded(path), format, encoding=encoding, errors=errors, counts=counts, limit=limit)
