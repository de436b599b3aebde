"""Evaluation scores as their definitions read, in float64."""

from collections import Counter

import numpy as np

from tests.reference.word_vectors import cosine, unit


def ranks(values):
    """Ranks from 1; equal values share the mean of their ranks."""
    return [1 + sum(v < x for v in values) + (sum(v == x for v in values) - 1) / 2 for x in values]


def pearson(x, y):
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    spread = sum((a - mean_x) ** 2 for a in x) * sum((b - mean_y) ** 2 for b in y)
    return covariance / np.sqrt(spread)


def spearman(x, y):
    return pearson(ranks(x), ranks(y))


def similarity(words, matrix, pairs, scores):
    """(Spearman, Pearson, pairs used) over the pairs of known lower-case words."""
    rows = {word: row for row, word in enumerate(words)}
    known = [(rows[a], rows[b], s) for (a, b), s in zip(pairs, scores, strict=True) if a in rows and b in rows]
    cosines = [cosine(matrix[a], matrix[b]) for a, b, _ in known]
    human = [score for *_, score in known]
    return spearman(human, cosines), pearson(human, cosines), len(known)


def answer(words, matrix, a, b, c, method):
    """The best candidate whose upper case is not that of a, b or c; of equal upper cases the first word counts."""
    rows = {}
    for row, word in enumerate(words):
        rows.setdefault(word.upper(), row)
    a, b, c = a.upper(), b.upper(), c.upper()
    e_a, e_b, e_c = (unit(matrix[rows[word]]) for word in (a, b, c))
    best, best_score = None, -np.inf
    for row, word in enumerate(words):
        if word.upper() in (a, b, c):
            continue
        e = unit(matrix[row])
        if method == "3CosAdd":
            score = e @ e_b + e @ e_c - e @ e_a
        else:
            score = ((1 + e @ e_b) / 2) * ((1 + e @ e_c) / 2) / ((1 + e @ e_a) / 2 + 1e-6)
        if score > best_score:
            best, best_score = word.upper(), score
    return best


def purity(clusters, categories):
    largest = [
        Counter(cat for own, cat in zip(clusters, categories, strict=True) if own == cluster).most_common(1)[0][1]
        for cluster in set(clusters)
    ]
    return sum(largest) / len(clusters)
