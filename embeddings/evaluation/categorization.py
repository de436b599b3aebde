"""Categorization and odd-one-out: tests that vectors of related words lie close together."""

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage

from embeddings.evaluation.benchmark_files import Categories, OddOneOut
from embeddings.evaluation.known_words import KnownWords
from embeddings.setting_types import require_flags
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import require_kind


def evaluate_categories(
    vectors: WordVectors,
    categories: Categories,
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
    use_ngrams: bool = False,
) -> pd.DataFrame:
    """Compute the purity of clusters of the words, with one cluster per category.

    Ward's method clusters the unit vectors; it is deterministic. Purity is the fraction of words that belong to the
    largest category of their cluster (Baroni, Dinu & Kruszewski 2014, "Don't count, predict!").

    Parameters
    ----------
    vectors : WordVectors
    categories : Categories
        As `read_categories` returns them; the distances of n words take n² / 2 float64.
    restrict_vocab : int or None
        As in `evaluate_similarity`.
    case_insensitive : bool
        As in `evaluate_similarity`.
    use_ngrams : bool
        As in `evaluate_similarity`.

    Returns
    -------
    DataFrame
        One row; columns set, purity (NaN if no word is known), clusters, words (in the file), used,
        oov (fraction of unknown words).
    """
    require_kind("categories", categories, Categories, "Categories, as read_categories(path) returns them")
    require_flags(case_insensitive=case_insensitive, use_ngrams=use_ngrams)
    known = KnownWords(vectors, restrict_vocab, case_insensitive, categories.words if use_ngrams else ())
    rows = known.rows(categories.words)
    used = rows >= 0
    names, category = np.unique(np.array(categories.categories)[used], return_inverse=True)
    purity = np.nan
    if used.sum() == 1:
        purity = 1.0
    elif used.sum() > 1:
        tree = linkage(known.unit_vectors(rows[used]).astype(np.float64), method="ward")
        purity = _purity(fcluster(tree, len(names), criterion="maxclust"), category)
    return pd.DataFrame(
        {
            "set": [categories.name],
            "purity": purity,
            "clusters": len(names),
            "words": len(used),
            "used": int(used.sum()),
            "oov": float(1 - used.mean()),
        }
    )


def _purity(cluster: np.ndarray, category: np.ndarray) -> float:
    """Return the fraction of words that belong to the largest category of their cluster."""
    return float(pd.crosstab(cluster, category).max(axis=1).sum() / len(cluster))


def evaluate_odd_one_out(
    vectors: WordVectors,
    odd_one_out: OddOneOut,
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
    use_ngrams: bool = False,
) -> pd.DataFrame:
    """Compute the accuracy of outlier detection: the fraction of outliers found among the members of their topic.

    Each outlier is added to the members; it is found if its mean cosine with the others is the lowest (the
    compactness score of Camacho-Collados & Navigli 2016).

    Parameters
    ----------
    vectors : WordVectors
    odd_one_out : OddOneOut
        As `read_odd_one_out` returns it. Unknown members are skipped, and so is a topic with fewer than two known
        members.
    restrict_vocab : int or None
        As in `evaluate_similarity`.
    case_insensitive : bool
        As in `evaluate_similarity`.
    use_ngrams : bool
        As in `evaluate_similarity`.

    Returns
    -------
    DataFrame
        One row per topic and a last row "total"; columns topic, outliers (in the file), used, found,
        accuracy (found / used, NaN if none was used), oov (fraction of outliers not used).
    """
    require_kind("odd_one_out", odd_one_out, OddOneOut, "OddOneOut, as read_odd_one_out(path) returns it")
    require_flags(case_insensitive=case_insensitive, use_ngrams=use_ngrams)
    words = [word for topic in odd_one_out.topics for word in (*topic.members, *topic.outliers)]
    known = KnownWords(vectors, restrict_vocab, case_insensitive, words if use_ngrams else ())
    counts = []
    for topic in odd_one_out.topics:
        members, outliers = (rows[rows >= 0] for rows in map(known.rows, (topic.members, topic.outliers)))
        if len(members) < 2:
            outliers = outliers[:0]
        found = sum(_is_farthest(known.unit_vectors(np.append(members, row))) for row in outliers)
        counts.append((topic.name, len(topic.outliers), len(outliers), found))
    table = pd.DataFrame(counts, columns=["topic", "outliers", "used", "found"])
    table.loc[len(table)] = ["total", *table.iloc[:, 1:].sum()]
    table["accuracy"] = table["found"] / table["used"].where(table["used"] > 0)
    table["oov"] = 1 - table["used"] / table["outliers"]
    return table


def _is_farthest(units: np.ndarray) -> bool:
    """Return True if the last of the unit vectors has the lowest mean cosine with the others."""
    cosines = units @ units.T
    np.fill_diagonal(cosines, 0)
    means = cosines.sum(axis=1)
    return bool(means[-1] < means[:-1].min())
