"""Queries of word vectors as their definitions read, in float64, one word at a time."""

import numpy as np


def unit(vector):
    norm = np.sqrt(sum(float(x) ** 2 for x in vector))
    return np.array([float(x) for x in vector]) / (norm or 1.0)


def cosine(x, y):
    return float(np.dot(unit(x), unit(y)))


def most_similar(matrix, positive, negative, topn, given=()):
    """Rows by falling cosine with Σ w⁺ e⁺ + Σ w⁻ e⁻ over unit vectors; terms are (row, weight)."""
    query = sum(weight * unit(matrix[row]) for row, weight in positive + negative)
    scores = {row: cosine(matrix[row], query) for row in range(len(matrix)) if row not in given}
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:topn]


def most_similar_cosmul(matrix, positive, negative, topn):
    scores = {}
    for row in range(len(matrix)):
        if row not in positive + negative:
            up = np.prod([(1 + cosine(matrix[row], matrix[p])) / 2 for p in positive])
            down = np.prod([(1 + cosine(matrix[row], matrix[n])) / 2 for n in negative])
            scores[row] = up / (down + 1e-6)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:topn]
