"""Word similarity: the correlation of cosines with human scores of word pairs."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from embeddings.evaluation.benchmark_files import WordPairs
from embeddings.evaluation.bootstrap import bootstrap, percentile_interval
from embeddings.evaluation.known_words import KnownWords
from embeddings.setting_types import require_flags, require_number
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import require_kind


def evaluate_similarity(
    vectors: WordVectors,
    pairs: WordPairs,
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
    resamples: int = 1000,
    rng: np.random.Generator | int = 0,
    use_ngrams: bool = False,
) -> pd.DataFrame:
    """Compute the Spearman and Pearson correlations of cosines with human scores.

    Correlations and the fraction of unknown words equal those of gensim's ``evaluate_word_pairs``.

    Parameters
    ----------
    vectors : WordVectors
    pairs : WordPairs
        As `read_word_pairs` returns them.
    restrict_vocab : int or None
        Use only the first `restrict_vocab` words of the vocabulary; None uses all.
    case_insensitive : bool
        Compare upper-case forms; the most frequent word of a form represents all of them.
    dummy4unknown : bool
        Give pairs with an unknown word the cosine 0; otherwise they are skipped. The name is gensim's.
    resamples : int
        Bootstrap resamples of the pairs for the interval of Spearman's correlation (percentile method,
        Efron 1979).
    rng : np.random.Generator or int
        Generator of the bootstrap, or its seed.
    use_ngrams : bool
        Words outside of the vocabulary have the vectors of their n-grams, if the model has n-grams.

    Returns
    -------
    DataFrame
        One row; columns set, spearman, spearman_low, spearman_high (95 % interval), pearson, pairs (in the
        file), used, oov (fraction of pairs with an unknown word). Correlations of fewer than two pairs, or of
        constant values, are NaN.
    """
    require_flags(dummy4unknown=dummy4unknown)
    resamples = require_number("resamples", resamples, 1)
    if not isinstance(rng, np.random.Generator):
        rng = require_number("rng", rng, 0)
    cosines, answerable = pair_cosines(vectors, pairs, restrict_vocab, case_insensitive, use_ngrams)
    used = answerable | dummy4unknown
    x, y = cosines[used], np.asarray(pairs.scores, np.float64)[used]
    low, high = bootstrap_interval(x, y, resamples, np.random.default_rng(rng))
    return pd.DataFrame(
        {
            "set": [pairs.name],
            "spearman": _correlation(rankdata(x), rankdata(y)),
            "spearman_low": low,
            "spearman_high": high,
            "pearson": _correlation(x, y),
            "pairs": len(cosines),
            "used": int(used.sum()),
            "oov": float(1 - answerable.mean()),
        }
    )


def pair_cosines(
    vectors: WordVectors,
    pairs: WordPairs,
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
    use_ngrams: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the cosine of every pair.

    Parameters
    ----------
    vectors : WordVectors
    pairs : WordPairs
    restrict_vocab : int or None
        As in `evaluate_similarity`.
    case_insensitive : bool
        As in `evaluate_similarity`.
    use_ngrams : bool
        As in `evaluate_similarity`.

    Returns
    -------
    cosines : (n,) float64
        0 for a pair with an unknown word.
    known : (n,) bool
        Both words are known.
    """
    require_kind("pairs", pairs, WordPairs, "WordPairs, as read_word_pairs(path) returns them")
    require_flags(case_insensitive=case_insensitive, use_ngrams=use_ngrams)
    words = [word for pair in pairs.pairs for word in pair]
    known = KnownWords(vectors, restrict_vocab, case_insensitive, words if use_ngrams else ())
    rows = known.rows(words).reshape(-1, 2)
    answerable = rows.min(axis=1) >= 0
    first, second = rows[answerable].T
    cosines = np.zeros(len(rows))
    cosines[answerable] = np.einsum("ij,ij->i", known.unit_vectors(first), known.unit_vectors(second))
    return cosines, answerable


def bootstrap_interval(x: np.ndarray, y: np.ndarray, resamples: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return the 95 % interval of Spearman's correlation: percentiles over resamples of the pairs.

    Parameters
    ----------
    x, y : (n,) float64
    resamples : int
    rng : np.random.Generator

    Returns
    -------
    (float, float)
        NaN for fewer than two pairs, or if every resample has constant values.
    """
    if len(x) < 2 or resamples < 1:
        return np.nan, np.nan

    def correlations(picks: np.ndarray) -> np.ndarray:
        return _correlation(rankdata(x[picks], axis=1), rankdata(y[picks], axis=1))

    return percentile_interval(bootstrap(correlations, len(x), resamples, rng))


def _correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation along the last axis; NaN where a side is constant."""
    if x.shape[-1] < 2:
        return np.full(x.shape[:-1], np.nan)
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    spread = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    correlation: np.ndarray = np.divide(
        (x * y).sum(axis=-1), spread, out=np.full_like(spread, np.nan), where=spread > 0
    )
    return correlation
