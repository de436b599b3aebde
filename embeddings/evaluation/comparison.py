"""Evaluation of one model on many sets, and comparison of two models."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from embeddings.errors import EmbeddingsError
from embeddings.evaluation.analogies import evaluate_analogies, require_method
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
from embeddings.setting_types import require_flags, require_number, require_ranks
from embeddings.vectors.embedding_matrix import require_vectors
from embeddings.vectors.neighbors import nearest
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import require_kind
from vecmill.plurals import counted

logger = logging.getLogger(__name__)

MEASURED = ["measure", "score", "low", "high", "pearson", "items", "used", "oov"]
WITH_NGRAMS = " with n-grams"
"""End of the measure of scores in which words outside of the vocabulary are used too."""
RANKS = (100, 2000)  # frequency ranks of common content words


def evaluate(
    vectors: WordVectors,
    sets: Mapping[str, PathLike | EvaluationSet],
    method: str = "3CosAdd",
    restrict_vocab: int | None = 300_000,
    sections: bool = False,
) -> pd.DataFrame:
    """Score vectors on evaluation sets; the kind of each file is detected from its content.

    Parameters
    ----------
    vectors : WordVectors
    sets : mapping of name to path or evaluation set
        Files for `read_evaluation_set`, or what it has returned.
    method : {"3CosAdd", "3CosMul"}
        Scoring of analogies.
    restrict_vocab : int or None
        Use only the first `restrict_vocab` words of the vocabulary; None uses all.
    sections : bool
        Add a row for every section of analogies and every topic of odd-one-out sets, above the row of the set, and a
        column "section" after "set".

    Returns
    -------
    DataFrame
        One row per set; columns set, measure ("Spearman", "accuracy (3CosAdd)", "purity", "accuracy"), score,
        low and high (95 % interval, Spearman only), pearson (word pairs only), items, used, oov (fraction not used).
        Vectors with n-grams have a second row per set, "... with n-grams", in which words outside of the vocabulary
        are used too.

    Raises
    ------
    EmbeddingsError
        A file cannot be read as an evaluation set.
    ValueError
        The method is unknown.
    """
    require_vectors(vectors)
    require_kind("sets", sets, Mapping, "a mapping of names to paths of evaluation sets")
    require_method(method)
    require_flags(sections=sections)
    rows = []
    for name, given in sets.items():
        items = given if isinstance(given, EvaluationSet) else read_evaluation_set(given)
        for use_ngrams in (False,) if vectors.subwords is None else (False, True):
            parts = _measured(vectors, items, method, restrict_vocab, use_ngrams)
            rows += [{**part, "set": name} for part in (parts if sections else parts[-1:])]
    scores = pd.DataFrame(rows).reindex(columns=["set", "section", *MEASURED] if sections else ["set", *MEASURED])
    warn_of_unused(scores)
    return scores


def warn_of_unused(scores: pd.DataFrame) -> None:
    """Warn of sets without a score, because the vocabulary has none of their words.

    Parameters
    ----------
    scores : DataFrame
        See `evaluate`.
    """
    for name, rows in scores.groupby("set", sort=False):
        if not rows["used"].iloc[-1]:
            asked = counted(int(rows["items"].iloc[-1]), "item")
            logger.warning("%s: no score, because none of %s has only words of the vocabulary", name, asked)


def _measured(
    vectors: WordVectors, evaluation_set: EvaluationSet, method: str, restrict_vocab: int | None, use_ngrams: bool
) -> list[dict[str, Any]]:
    """Return the rows of one set with the columns of `evaluate`; the last row is of the whole set."""
    options: dict[str, Any] = {"restrict_vocab": restrict_vocab, "use_ngrams": use_ngrams}
    if isinstance(evaluation_set, WordPairs):
        table, measure = evaluate_similarity(vectors, evaluation_set, **options), "Spearman"
    elif isinstance(evaluation_set, Analogies):
        table, measure = evaluate_analogies(vectors, evaluation_set, method, **options), f"accuracy ({method})"
    elif isinstance(evaluation_set, Categories):
        table, measure = evaluate_categories(vectors, evaluation_set, **options), "purity"
    else:
        table, measure = evaluate_odd_one_out(vectors, evaluation_set, **options), "accuracy"
    measure += WITH_NGRAMS if use_ngrams else ""
    common = {"spearman_low": "low", "spearman_high": "high", "topic": "section"}
    common |= dict.fromkeys(["spearman", "accuracy", "purity"], "score")
    common |= dict.fromkeys(["pairs", "questions", "words", "outliers"], "items")
    records: list[dict[Any, Any]] = table.rename(columns=common).to_dict("records")
    return [{"section": "total", **record, "measure": measure} for record in records]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Comparison of two models.

    Attributes
    ----------
    scores : DataFrame
        One row per set; columns set, measure, score_a, score_b, difference (b − a), used_a, used_b.
    neighbors : DataFrame
        Words whose neighbours differ most, in descending order; columns word, overlap (fraction of common
        neighbours), neighbors_a, neighbors_b (words, nearest first).
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
        Scoring of analogies.
    words : int
        See `changed_neighbors`, also for `ranks` and `topn`.
    ranks : (int, int)
    topn : int

    Returns
    -------
    Comparison

    Raises
    ------
    EmbeddingsError
        A file cannot be read as an evaluation set, or the models have fewer than two words in common.
    """
    for vectors in (a, b):
        require_vectors(vectors)
    words, topn, ranks = require_number("words", words, 0), require_number("topn", topn, 1), require_ranks(ranks)
    both = evaluate(a, sets, method).merge(evaluate(b, sets, method), on=["set", "measure"], suffixes=("_a", "_b"))
    both["difference"] = both["score_b"] - both["score_a"]
    scores = both[["set", "measure", "score_a", "score_b", "difference", "used_a", "used_b"]]
    return Comparison(scores=scores, neighbors=changed_neighbors(a, b, words, ranks, topn))


def changed_neighbors(
    a: WordVectors, b: WordVectors, words: int = 20, ranks: tuple[int, int] = RANKS, topn: int = 10
) -> pd.DataFrame:
    """Find the frequent words whose neighbours differ most between two models.

    Parameters
    ----------
    a, b : WordVectors
        Neighbours are searched among the words that both models have.
    words : int
        Number of words to return.
    ranks : (int, int)
        Half-open range of the words to compare: places among the common words, in the order of `a`'s vocabulary. The
        first words, mostly function words, are skipped because their neighbours differ between any two models. If the
        range holds fewer than two words, it begins at 0.
    topn : int
        Neighbours per word.

    Returns
    -------
    DataFrame
        As `Comparison.neighbors`; words with equal overlap are in the order of `a`'s vocabulary.

    Raises
    ------
    EmbeddingsError
        The models have fewer than two words in common.
    TypeError, ValueError
        An argument is of another type or out of range.
    """
    for model in (a, b):
        require_vectors(model)
    words, topn, ranks = require_number("words", words, 0), require_number("topn", topn, 1), require_ranks(ranks)
    shared = [word for word in a.words if word in b]
    if len(shared) < 2:
        raise EmbeddingsError(f"the models have {counted(len(shared), 'word')} in common; expected two or more")
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
    """Return the neighbours of the shared words at `places`, as places in `shared`: (n, topn) int32."""
    units = vectors.unit_vectors(shared)
    return nearest(units, units[places], topn, places[:, None])[0]
