"""Where gensim's numbers mean something else than vecmill's: CBOW's learning rate, ``sample``, ``vectors_lockf``."""

import math

import numpy as np

_COUNTS_PER_SAMPLE = (3 + math.sqrt(5)) / 2  # gensim's factor between ``sample`` and the threshold, a count


def input_scale(contexts: float, *, cbow_mean: bool) -> float:
    """Return s such that CBOW trained on E/s and C·s, at the rate α·s², moves E and C as fast as gensim does.

    C then moves at the rate α, and E at α·s⁴. gensim does not divide the gradient of the mean of the context words by
    their number, as the derivative is: s⁴ is their mean number. It divides that of their sum, which the derivative is
    not: s⁴ is the inverse.

    Parameters
    ----------
    contexts : float
        Mean number of context words.
    cbow_mean : bool

    Returns
    -------
    float
    """
    return contexts**0.25 if cbow_mean else contexts**-0.25


def mean_contexts(window: int, shrink_windows: bool, sentence_length: float) -> float:
    """Return about how many context words a word has: as many as its window, or as its sentence has others."""
    reach = window + 1 if shrink_windows else 2 * window
    return min(reach, max(1.0, sentence_length - 1))


def sample_share(sample: float, retained: int, total: int) -> float:
    """Return the threshold of subsampling as a share of all counts.

    Parameters
    ----------
    sample : float
        A share of the words of the last text of `build_vocab`; from 1 on, a count.
    retained : int
        Words of that text that are in the vocabulary.
    total : int
        Sum of all counts: more than `retained` after ``update=True``.

    Returns
    -------
    float
    """
    threshold = sample * retained if sample < 1 else int(sample * _COUNTS_PER_SAMPLE)
    return min(1.0, threshold / total)


def with_locks(before: np.ndarray, after: np.ndarray, lockf: np.ndarray) -> np.ndarray:
    """Return vectors that keep a share of their change.

    Parameters
    ----------
    before, after : (n, d) float32
    lockf : (1,) or (n,) float32
        1 keeps all of it, 0 none.

    Returns
    -------
    (n, d) float32
    """
    if (lockf == 1).all():
        return after
    share = np.broadcast_to(lockf, len(before))[:, None].astype(np.float32)
    return np.where(share == 0, before, before + share * (after - before))
