"""Post-processing of word vectors as the papers write it, in float64."""

import numpy as np


def all_but_the_top(matrix, components):
    """Algorithm 1 of Mu & Viswanath (2018)."""
    centred = np.asarray(matrix, np.float64) - np.mean(matrix, axis=0, dtype=np.float64)
    u = np.linalg.svd(centred, full_matrices=False)[2][:components]
    return np.array([v - sum((u_i @ v) * u_i for u_i in u) for v in centred])


def sif(matrix, rows_of, probabilities, sentences, a):
    """Algorithm 1 of Arora, Liang & Ma (2017)."""
    X = []
    for sentence in sentences:
        known = [rows_of[word] for word in sentence if word in rows_of]
        v = np.zeros(matrix.shape[1])
        for row in known:
            v += a / (a + probabilities[row]) * matrix[row] / len(known)
        X.append(v)
    X = np.array(X)
    u = np.linalg.svd(X, full_matrices=False)[2][0]
    return np.array([v - u * (u @ v) for v in X])
