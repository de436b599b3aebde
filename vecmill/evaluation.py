"""Scores of word vectors on evaluation sets."""

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

from corpora.evaluation_data import find_sets
from embeddings import evaluation
from embeddings.setting_types import require_type
from embeddings.vectors.embedding_matrix import require_vectors
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import require_kind, require_path

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
    TypeError, ValueError
        An argument is of another type or out of range.

    Examples
    --------
    >>> evaluate(vectors, "wordsim-353")                            # doctest: +SKIP
    >>> evaluate(vectors, ["wordsim-353", "my-pairs.tsv"])          # doctest: +SKIP
    """
    require_vectors(vectors)
    require_type("restrict_vocab", restrict_vocab, int | None)
    if restrict_vocab is not None and restrict_vocab < 1:
        raise ValueError(f"restrict_vocab is {restrict_vocab}; expected 1 or more words, or None for all")
    places = [data] if isinstance(data, (str, PathLike)) else data
    if places is not None:
        require_kind("data", places, (list, tuple), "names of evaluation sets and paths of files or folders")
        for place in places:
            require_path("an evaluation set", place)
        if not places:
            raise ValueError("data is empty; expected evaluation sets, or None for all named ones")
    return evaluation.evaluate(vectors, find_sets(places), method, restrict_vocab, sections)
