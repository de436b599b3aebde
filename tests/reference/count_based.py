"""Co-occurrence counts, PPMI and its decomposition as the papers write them, dense and in float64."""

import numpy as np


def cooccurrences(sentences, vocabulary_size, window, dynamic):
    """n(w, c), with weight (window + 1 − k) / window at distance k, or 1."""
    counts = np.zeros((vocabulary_size, vocabulary_size))
    for sentence in sentences:
        for i, word in enumerate(sentence):
            for j, context in enumerate(sentence):
                distance = abs(i - j)
                if 1 <= distance <= window:
                    counts[word, context] += (window + 1 - distance) / window if dynamic else 1
    return counts


def ppmi(counts, alpha, shift):
    """max(0, log P(w, c) / (P(w) P_α(c)) − log k)."""
    total = counts.sum()
    p_word = counts.sum(axis=1) / total
    p_context = counts.sum(axis=0) ** alpha
    p_context[counts.sum(axis=0) == 0] = 0
    p_context /= p_context.sum()
    result = np.zeros_like(counts)
    for w, c in np.argwhere(counts):
        result[w, c] = max(0.0, np.log(counts[w, c] / total / (p_word[w] * p_context[c])) - np.log(shift))
    return result


def svd(matrix, dimension, p):
    """U_d Σ_d^p and V_d Σ_d^p."""
    U, S, Vt = np.linalg.svd(matrix)
    return U[:, :dimension] * S[:dimension] ** p, Vt[:dimension].T * S[:dimension] ** p
