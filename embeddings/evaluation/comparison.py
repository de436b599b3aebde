"""A model on many sets, and two models side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from embeddings.errors import EmbeddingsError
from embeddings.evaluation.analogies import evaluate_analogies
from embeddings.evaluation.benchmark_files import (
    Analogies,
    Categories,
    EvaluationSet,
    PathLike,
    WordPairs,
    read_evaluation_set,
)
from embeddings.evaluation.categorization import evaluate_categories, evaluate_odd_one_out
from embeddings.evaluation.similarity import evaluate_similarity
from embeddings.vectors.neighbors import nearest
from embeddings.vectors.word_vectors import WordVectors

MEASURED = ["measure", "score", "low", "high", "pearson", "items", "used", "oov"]
RANKS = (100, 2000)  # of frequent words that are no function words


def evaluate(
    vectors: WordVectors,
    sets: Mapping[str, PathLike],
    method: str = "3CosAdd",
    restrict_vocab: int | None = 300_000,
    sections: bool = False,
) -> pd.DataFrame:
    """Score vectors on files of any kind; what a file holds is seen from its content.

    Parameters
    ----------
    vectors : WordVectors
    sets : mapping of name to path
        Read by `read_evaluation_set`.
    method : {"3CosAdd", "3CosMul"}
        For analogies.
    restrict_vocab : int or None
        Only the first so many words are known; None: all.
    sections : bool
        A row also for every section of analogies and every topic of odd-one-out sets, above that of the set; its
        name stands in the column "section", which the table then has after "set".

    Returns
    -------
    DataFrame
        One row a set; columns set, measure ("Spearman", "accuracy (3CosAdd)", "purity", "accuracy"), score,
        low and high (95 % interval, Spearman only), pearson (likewise), items, used, oov (share not used).

    Raises
    ------
    EmbeddingsError
        A file cannot be read as an evaluation set.
    """
    rows = []
    for name, path in sets.items():
        parts = _measured(vectors, read_evaluation_set(path), method, restrict_vocab)
        rows += [{**part, "set": name} for part in (parts if sections else parts[-1:])]
    return pd.DataFrame(rows).reindex(columns=["set", "section", *MEASURED] if sections else ["set", *MEASURED])


def _measured(
    vectors: WordVectors, evaluation_set: EvaluationSet, method: str, restrict_vocab: int | None
) -> list[dict[str, Any]]:
    """Rows of the evaluation of that kind, under the names of `evaluate`; the last one is of the whole set."""
    if isinstance(evaluation_set, WordPairs):
        table, measure = evaluate_similarity(vectors, evaluation_set, restrict_vocab), "Spearman"
    elif isinstance(evaluation_set, Analogies):
        table, measure = evaluate_analogies(vectors, evaluation_set, method, restrict_vocab), f"accuracy ({method})"
    elif isinstance(evaluation_set, Categories):
        table, measure = evaluate_categories(vectors, evaluation_set, restrict_vocab), "purity"
    else:
        table, measure = evaluate_odd_one_out(vectors, evaluation_set, restrict_vocab), "accuracy"
    common = {"spearman_low": "low", "spearman_high": "high", "topic": "section"}
    common |= dict.fromkeys(["spearman", "accuracy", "purity"], "score")
    common |= dict.fromkeys(["pairs", "questions", "words", "outliers"], "items")
    records: list[dict[Any, Any]] = table.rename(columns=common).to_dict("records")
    return [{"section": "total", **record, "measure": measure} for record in records]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two models side by side.

    Attributes
    ----------
    scores : DataFrame
        One row a set; columns set, measure, score_a, score_b, difference (b − a), used_a, used_b.
    neighbors : DataFrame
        Words whose neighbours changed most, the most changed first; columns word, overlap (share of common
        neighbours), neighbors_a, neighbors_b (words, the nearest first).
    """

    scores: pd.DataFrame
    neighbors: pd.DataFrame


def compare(
    a: WordVectors,
    b: WordVectors,
    sets: Mapping[str, PathLike],
    method: str = "3CosAdd",
    words: int = 20,
    ranks: tuple[int, int] = RANKS,
    topn: int = 10,
) -> Comparison:
    """Compare two models on evaluation sets and by the neighbours of their common words.

    Parameters
    ----------
    a, b : WordVectors
    sets : mapping of name to path
    method : {"3CosAdd", "3CosMul"}
        For analogies.
    words, ranks, topn
        As in `changed_neighbors`.

    Raises
    ------
    EmbeddingsError
        A file cannot be read as an evaluation set, or the models have fewer than two words in common.
    """
    both = evaluate(a, sets, method).merge(evaluate(b, sets, method), on=["set", "measure"], suffixes=("_a", "_b"))
    both["difference"] = both["score_b"] - both["score_a"]
    scores = both[["set", "measure", "score_a", "score_b", "difference", "used_a", "used_b"]]
    return Comparison(scores=scores, neighbors=changed_neighbors(a, b, words, ranks, topn))


def changed_neighbors(
    a: WordVectors, b: WordVectors, words: int = 20, ranks: tuple[int, int] = RANKS, topn: int = 10
) -> pd.DataFrame:
    """Frequent words whose neighbours in two models have least in common.

    Parameters
    ----------
    a, b : WordVectors
        Neighbours are looked for among the words that both have.
    words : int
        How many words to show.
    ranks : (int, int)
        Of the common words, in the order of `a`'s vocabulary, those from the first to before the second of these
        places are looked at. Neighbours of the very first, mostly function words, differ between any two models. Where
        fewer than two common words are left, all are looked at.
    topn : int
        Neighbours a word.

    Returns
    -------
    DataFrame
        As `Comparison.neighbors`; words with equal overlap in the order of `a`'s vocabulary.

    Raises
    ------
    EmbeddingsError
        The models have fewer than two words in common.
    """
    shared = [word for word in a.words if word in b]
    if len(shared) < 2:
        raise EmbeddingsError(f"the models have {len(shared)} words in common; expected two or more")
    first, last = ranks if len(shared) > ranks[0] + 1 else (0, ranks[1])
    places = np.arange(first, min(last, len(shared)))
    found = [_shared_neighbors(model, shared, places, min(topn, len(shared) - 1)) for model in (a, b)]
    overlap = np.array([len(np.intersect1d(*pair)) for pair in zip(*found, strict=True)]) / found[0].shape[1]
    most_changed = np.argsort(overlap, kind="stable")[:words]
    return pd.DataFrame(
        {
            "word": [shared[places[row]] for row in most_changed],
            "overlap": overlap[most_changed],
            "neighbors_a": [[shared[i] for i in found[0][row]] for row in most_changed],
            "neighbors_b": [[shared[i] for i in found[1][row]] for row in most_changed],
        }
    )


def _shared_neighbors(vectors: WordVectors, shared: list[str], places: np.ndarray, topn: int) -> np.ndarray:
    """Neighbours of some shared words among all of them, as places in that list: (n, topn)."""
    units = vectors.unit_vectors(shared)
    return nearest(units, units[places], topn, places[:, None])[0]
