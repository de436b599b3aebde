"""Accuracy and macro-averaged F1 with bootstrap intervals, and whether one set of answers is better than another.

What is resampled are the examples (sentences, reviews), not single labels: the words of a sentence are not independent.
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
    """Accuracy of one set of answers less that of another, its 95 % interval, and the p-value of a two-sided test."""

    difference: float
    low: float
    high: float
    p: float


def score(gold: Sequence[np.ndarray], found: Sequence[np.ndarray], labels: int, rng: np.random.Generator) -> Score:
    """Compare answers with the truth.

    Parameters
    ----------
    gold, found
        One (n,) int64 of labels an example; a negative one in ``found`` is no label.
    labels
        Number of labels.
    rng
        Draws the resamples.
    """
    table = np.stack([_counts(g, f, labels) for g, f in zip(gold, found, strict=True)])  # (examples, 3 labels)
    there = table[:, labels : 2 * labels].sum(axis=0) > 0
    values = _figures(table.sum(axis=0, keepdims=True), there)[0]
    resampled = bootstrap(lambda picks: _figures(_weights(picks) @ table, there), len(table), RESAMPLES, rng)
    accuracy, f1 = (percentile_interval(column) for column in resampled.T)
    return Score(
        accuracy=float(values[0]),
        accuracy_low=accuracy[0],
        accuracy_high=accuracy[1],
        macro_f1=float(values[1]),
        macro_f1_low=f1[0],
        macro_f1_high=f1[1],
    )


def compare_answers(
    gold: Sequence[np.ndarray], first: Sequence[np.ndarray], second: Sequence[np.ndarray], rng: np.random.Generator
) -> Difference:
    """Compare two sets of answers to the same examples by the paired bootstrap (Berg-Kirkpatrick et al. 2012).

    The p-value is twice the share of resamples in which the difference has the other sign, or is zero.
    """
    sizes = np.array([len(g) for g in gold], np.float64)
    gain = np.array([np.sum(a == g) - np.sum(b == g) for g, a, b in zip(gold, first, second, strict=True)], np.float64)
    columns = np.stack([gain, sizes], axis=1)

    def differences(picks: np.ndarray) -> np.ndarray:
        sums = _weights(picks) @ columns
        return sums[:, 0] / sums[:, 1]

    values = bootstrap(differences, len(sizes), PAIRED_RESAMPLES, rng)
    low, high = percentile_interval(values)
    against = min(np.sum(values <= 0), np.sum(values >= 0)) + 1
    p = min(1.0, 2 * against / (PAIRED_RESAMPLES + 1))
    return Difference(difference=float(gain.sum() / sizes.sum()), low=low, high=high, p=float(p))


def _counts(gold: np.ndarray, found: np.ndarray, labels: int) -> np.ndarray:
    """Count, label by label: right answers, times it is the truth, times it is the answer."""
    counted = (gold[gold == found], gold, found[found >= 0])
    return np.concatenate([np.bincount(values, minlength=labels) for values in counted]).astype(np.float64)


def _figures(sums: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return accuracy and macro-F1 of sums of `_counts` (r, 3 labels): (r, 2)."""
    right, truth, answers = np.split(sums, 3, axis=1)
    total = truth + answers
    f1 = np.divide(2 * right, total, out=np.zeros_like(total), where=total > 0)
    return np.stack([right.sum(axis=1) / truth.sum(axis=1), f1[:, there].mean(axis=1)], axis=1)


def _weights(picks: np.ndarray) -> np.ndarray:
    """How often each example was drawn in each resample, (r, items)."""
    return np.stack([np.bincount(row, minlength=picks.shape[1]) for row in picks]).astype(np.float64)
