"""Accuracy and macro-averaged F1 with bootstrap intervals, and a paired test between two sets of answers.

The bootstrap resamples test examples (sentences, reviews), not single labels, because the words of a sentence are not
independent. Where networks were trained on several subsets of the training examples, it resamples the networks too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.evaluation.bootstrap import bootstrap, percentile_interval

RESAMPLES = 1000
PAIRED_RESAMPLES = 10_000


@dataclass(frozen=True, kw_only=True)
class Score:
    """Accuracy and macro-F1, each with its 95 % interval.

    Macro-F1 is the mean over the labels of the test of F1 = 2 tp / (2 tp + fp + fn).
    """

    accuracy: float
    accuracy_low: float
    accuracy_high: float
    macro_f1: float
    macro_f1_low: float
    macro_f1_high: float


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Accuracy of one set of answers minus that of another, its 95 % interval, and the p-value of a two-sided test."""

    difference: float
    low: float
    high: float
    p: float


def score(
    gold: Sequence[np.ndarray], draws: Sequence[Sequence[np.ndarray]], labels: int, rng: np.random.Generator
) -> Score:
    """Score answers against the true labels; the scores are means over the networks.

    Parameters
    ----------
    gold : sequence of (n,) int64
        True labels of each example.
    draws : sequence of sequence of (n,) int64
        Answers of each network for each example; a negative number is no label.
    labels : int
        Number of labels.
    rng : np.random.Generator
        Draws the resamples.

    Returns
    -------
    Score
    """
    tables = [np.stack([_counts(g, f, labels) for g, f in zip(gold, found, strict=True)]) for found in draws]
    there = tables[0][:, labels : 2 * labels].sum(axis=0) > 0  # a table is (examples, 3 labels)

    def figures(picks: np.ndarray) -> np.ndarray:
        weights = _weights(picks)
        return _mean_of_resampled([_figures(weights @ table, there) for table in tables], rng)

    accuracy, f1 = np.mean([_figures(table.sum(axis=0, keepdims=True), there)[0] for table in tables], axis=0)
    resampled = bootstrap(figures, len(gold), RESAMPLES, rng)
    (low, high), (f1_low, f1_high) = (percentile_interval(column) for column in resampled.T)
    return Score(
        accuracy=float(accuracy),
        accuracy_low=low,
        accuracy_high=high,
        macro_f1=float(f1),
        macro_f1_low=f1_low,
        macro_f1_high=f1_high,
    )


def compare_answers(
    gold: Sequence[np.ndarray],
    first: Sequence[Sequence[np.ndarray]],
    second: Sequence[Sequence[np.ndarray]],
    rng: np.random.Generator,
) -> Difference:
    """Compare two sets of answers, network by network, by the paired bootstrap (Berg-Kirkpatrick et al. 2012).

    The p-value is twice the fraction of resamples in which the difference has the opposite sign, or is zero.

    Parameters
    ----------
    gold : sequence of (n,) int64
        True labels of each example.
    first, second : sequence of sequence of (n,) int64
        Answers of the networks of each side, in the same order.
    rng : np.random.Generator
        Draws the resamples.

    Returns
    -------
    Difference
        Accuracy of `first` minus that of `second`.
    """
    sizes = np.array([len(g) for g in gold], np.float64)
    gains = np.array(
        [
            [np.sum(a == g) - np.sum(b == g) for g, a, b in zip(gold, ours, theirs, strict=True)]
            for ours, theirs in zip(first, second, strict=True)
        ],
        np.float64,
    )  # (draws, examples)

    def differences(picks: np.ndarray) -> np.ndarray:
        weights = _weights(picks)
        return _mean_of_resampled((weights @ gains.T / (weights @ sizes)[:, None]).T, rng)

    values = bootstrap(differences, len(sizes), PAIRED_RESAMPLES, rng)
    low, high = percentile_interval(values)
    against = min(np.sum(values <= 0), np.sum(values >= 0)) + 1
    p = min(1.0, 2 * against / (PAIRED_RESAMPLES + 1))
    return Difference(difference=float(gains.sum(axis=1).mean() / sizes.sum()), low=low, high=high, p=float(p))


def _mean_of_resampled(values: Sequence[np.ndarray] | np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the mean over networks drawn with replacement, for each resample: (networks, r, ...) to (r, ...)."""
    table = np.asarray(values)
    picks = rng.integers(len(table), size=table.shape[:2])
    means: np.ndarray = table[picks, np.arange(table.shape[1])].mean(axis=0)
    return means


def _counts(gold: np.ndarray, found: np.ndarray, labels: int) -> np.ndarray:
    """Count correct answers, true labels and answers, each by label: (3 labels,) float64."""
    counted = (gold[gold == found], gold, found[found >= 0])
    return np.concatenate([np.bincount(values, minlength=labels) for values in counted]).astype(np.float64)


def _figures(sums: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return accuracy and macro-F1, (r, 2), from sums of `_counts`, (r, 3 labels)."""
    right, truth, answers = np.split(sums, 3, axis=1)
    total = truth + answers
    f1 = np.divide(2 * right, total, out=np.zeros_like(total), where=total > 0)
    return np.stack([right.sum(axis=1) / truth.sum(axis=1), f1[:, there].mean(axis=1)], axis=1)


def _weights(picks: np.ndarray) -> np.ndarray:
    """Return how often each item was drawn in each resample, (r, items) float64."""
    return np.stack([np.bincount(row, minlength=picks.shape[1]) for row in picks]).astype(np.float64)
