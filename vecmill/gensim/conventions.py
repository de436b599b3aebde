"""Where gensim's numbers mean something else than vecmill's: CBOW's learning rate, ``sample``, ``vectors_lockf``."""

import math

import numpy as np

from embeddings.word2vec.sampling import keep_probability

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


def sample_share(sample: float, total: int) -> float:
    """Return the threshold of subsampling as a share of all counts.

    Parameters
    ----------
    sample : float
        A share; from 1 on, a count.
    total : int
        Sum of all counts.

    Returns
    -------
    float
    """
    return sample if sample < 1 else min(1.0, int(sample * _COUNTS_PER_SAMPLE) / total)


def kept_shares(counts: np.ndarray, sample: float) -> np.ndarray:
    """Return the share of the occurrences of each word that subsampling leaves on average.

    Parameters
    ----------
    counts : (n,) int64
        Of one text.
    sample : float
        See `sample_share`.

    Returns
    -------
    (n,) float64
    """
    return keep_probability(counts, sample_share(sample, max(1, int(counts.sum()))))


def with_locks(before: np.ndarray, after: np.ndarray, lockf: np.ndarray) -> np.ndarray:
    """Return vectors that keep a share of their change.

    Parameters
    ----------
    before, after : (n, d) float32
    lockf : (1,) or (m,) float32
        1 keeps all of it, 0 none. Rows from m on, of words that were added later, keep all.

    Returns
    -------
    (n, d) float32

    Raises
    ------
    ValueError
        There are more numbers than vectors.
    """
    if (lockf == 1).all():
        return after
    share = lock_of_each(lockf, len(before))[:, None]
    return np.where(share == 0, before, before + share * (after - before))


def lock_of_each(lockf: np.ndarray, number: int) -> np.ndarray:
    """Return one lock for each of so many vectors, (number,) float32; see `with_locks`."""
    given = np.atleast_1d(np.asarray(lockf, np.float32))
    if given.ndim != 1 or len(given) > max(1, number):
        raise ValueError(f"lockf has the shape {np.shape(lockf)}; expected (1,) or ({number},), one for each vector")
    locks = np.full(number, given[0] if len(given) == 1 else 1, np.float32)
    if len(given) > 1:
        locks[: len(given)] = given
    return locks
