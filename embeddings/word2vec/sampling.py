"""Which tokens are trained on, and which words serve as negatives."""

import numpy as np

from embeddings.compilation import exact

_UINT32_MAX = 2**32 - 1


def keep_probability(counts: np.ndarray, sample: float, trained: np.ndarray | None = None) -> np.ndarray:
    """Probability that an occurrence of each word is trained on.

    Frequent words are subsampled: with f the word's share of the corpus and t = `sample`, an occurrence is kept with
    probability min(1, √(t/f) + t/f), the rule of word2vec's C code (the paper, Mikolov et al. 2013, section 2.3,
    states √(t/f)).

    Parameters
    ----------
    counts : (V,) int64
        Occurrences of each word.
    sample : float
        The threshold t; 0 keeps everything.
    trained : (V,) bool, optional
        The words that are trained on: no occurrence of another is kept. Default: all.

    Returns
    -------
    (V,) float64
    """
    if sample == 0:
        kept = np.ones(len(counts))
    else:
        ratio = sample * counts.sum() / np.maximum(counts, 1)
        kept = np.minimum(1.0, np.sqrt(ratio) + ratio)
    return kept if trained is None else np.where(trained, kept, 0.0)


def noise_distribution(counts: np.ndarray, exponent: float = 0.75, trained: np.ndarray | None = None) -> np.ndarray:
    """Distribution that negatives are drawn from: P(w) ∝ count(w)^`exponent` (Mikolov et al. 2013, section 2.2).

    Parameters
    ----------
    counts : (V,) int64
    exponent : float
        1 is the unigram distribution, 0 the uniform one.
    trained : (V,) bool, optional
        The words that can be drawn. Default: all.

    Returns
    -------
    (V,) float64, sums to 1
    """
    weights = np.asarray(counts if trained is None else np.where(trained, counts, 1), np.float64) ** exponent
    if trained is not None:
        weights[~trained] = 0.0
    return weights / weights.sum()


def as_uint32_threshold(probability: np.ndarray) -> np.ndarray:
    """Thresholds for random 32-bit integers r: ``r <= threshold`` holds with the given probabilities.

    Parameters
    ----------
    probability : (V,) float

    Returns
    -------
    (V,) uint32
    """
    return np.minimum(np.rint(probability * 2.0**32), _UINT32_MAX).astype(np.uint32)


def alias_table(probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tables from which a word is drawn in constant time (Walker 1977, built as in Vose 1991).

    To draw: take a word w uniformly and a random 32-bit integer r; the result is w if r < threshold[w], else alias[w].

    Parameters
    ----------
    probability : (V,) float64, sums to 1

    Returns
    -------
    threshold : (V,) uint32
    alias : (V,) int32
    """
    share = np.asarray(probability, np.float64) * len(probability)
    alias = np.arange(len(share), dtype=np.int32)
    _vose(share, alias, np.empty(len(share), np.int64))
    return as_uint32_threshold(share), alias


@exact
def _vose(share: np.ndarray, alias: np.ndarray, pending: np.ndarray) -> None:
    """Let each word below its fair share of 1 take the rest from a word above it.

    Parameters
    ----------
    share : (V,) float64
        Changed in place.
    alias : (V,) int32
        0, 1, 2 ...; changed in place.
    pending : (V,) int64
        Working memory: words below 1 from the left, words above from the right.
    """
    below, above = 0, len(share)
    for word in range(len(share)):
        if share[word] < 1:
            pending[below] = word
            below += 1
        else:
            above -= 1
            pending[above] = word
    while below > 0 and above < len(share):
        below -= 1
        poor, rich = pending[below], pending[above]
        alias[poor] = rich
        share[rich] -= 1 - share[poor]
        if share[rich] < 1:
            above += 1
            pending[below] = rich
            below += 1
