"""Scores of word vectors on evaluation sets."""

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

from corpora.evaluation_data import find_sets
from embeddings import evaluation
from embeddings.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    import pandas as pd


def evaluate(
    vectors: WordVectors,
    data: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
    *,
    method: str = "3CosAdd",
    restrict_vocab: int | None = 300_000,
    sections: bool = False,
) -> "pd.DataFrame":
    """Score word vectors on word similarity, analogies and categories.

    Parameters
    ----------
    vectors : WordVectors
    data : str, path or sequence of these, optional
        Names of evaluation sets ("wordsim-353"), which are downloaded once, files, and folders of files. By default all
        named sets.
    method : {"3CosAdd", "3CosMul"}
        Scoring of analogies.
    restrict_vocab : int or None
        Use only the first `restrict_vocab` words of the vocabulary; None uses all.
    sections : bool
        Add a row for every section of analogies and every topic of odd-one-out sets.

    Returns
    -------
    DataFrame
        One row per set; see `embeddings.evaluation.evaluate`.

    Raises
    ------
    VecmillError
        A set cannot be found, fetched or read.

    Examples
    --------
    >>> evaluate(vectors, "wordsim-353")                            # doctest: +SKIP
    >>> evaluate(vectors, ["wordsim-353", "my-pairs.tsv"])          # doctest: +SKIP
    """
    places = [data] if isinstance(data, (str, PathLike)) else data
    return evaluation.evaluate(vectors, find_sets(places), method, restrict_vocab, sections)
