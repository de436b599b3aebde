"""n-gram models of a text, as baselines: unigram, and interpolated modified Kneser-Ney.

Modified Kneser-Ney (Chen & Goodman 1998), from order n down to 1::

    p_k(w | h) = (a(hw) - D(a(hw))) / a(h·) + γ(h) p_{k-1}(w | h')        h' is h without its first word
    γ(h)       = (D1 N1(h·) + D2 N2(h·) + D3 N3+(h·)) / a(h·)             p_0 = 1 / V

a(hw) is the count of hw for the highest order and for n-grams that begin a sentence, and the number of different words
before hw for all others. Discounts are estimated from the numbers of n-grams with the counts 1 to 4. A context does not
reach over the ``<eos>`` before a sentence.
"""

import numpy as np

from embeddings.errors import EmbeddingsError

_TOKENS_AT_ONCE = 1 << 18


def unigram_log_likelihoods(counts: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return ln of (count + 1) / (N + V) for every word of `ids`: the unigram model with add-one smoothing."""
    smoothed = counts + 1.0
    return np.asarray(np.log(smoothed / smoothed.sum())[ids])


class KneserNey:
    """Interpolated modified Kneser-Ney model of a text.

    Parameters
    ----------
    ids : (N,) integers
        Ids with `eos` at the end of each sentence.
    words : int
        V.
    eos : int
        Id of ``<eos>``.
    order : int
        n, the length of the longest n-gram.

    Raises
    ------
    ValueError
        `order` is less than 1.
    EmbeddingsError
        The text is empty.
    """

    def __init__(self, ids: np.ndarray, words: int, eos: int, order: int = 5):
        if order < 1:
            raise ValueError(f"order must be at least 1, got {order}")
        if len(ids) == 0:
            raise EmbeddingsError("an n-gram model of an empty text: expected at least one word")
        self._words, self._eos, self.order = words, eos, order
        stream, room = self._stream(ids)
        self._keys, counts, begins, suffixes = [np.arange(words)], [np.bincount(ids, minlength=words)], [], []
        ending = stream  # number of the n-gram of the present order that ends at each place
        for k in range(2, order + 1):
            keys = self._joined(ending, stream, room >= k - 1)
            there = np.flatnonzero(keys >= 0)
            unique, first, inverse, count = np.unique(
                keys[there], return_index=True, return_inverse=True, return_counts=True
            )
            self._keys.append(unique)
            counts.append(count)
            begins.append(room[there[first]] == k - 1)
            suffixes.append(ending[there[first]])
            ending = np.full(len(stream), -1)
            ending[there] = inverse
        self._levels = []
        for k, raw in enumerate(counts):
            adjusted = raw
            if k < order - 1:
                adjusted = np.bincount(suffixes[k], minlength=len(raw))
                adjusted = np.where(begins[k - 1], raw, adjusted) if k else adjusted
            contexts = self._keys[k] // words if k else np.zeros(words, np.int64)
            self._levels.append(_Level(adjusted, contexts, len(self._keys[k - 1]) if k else 1))

    def log_likelihoods(self, ids: np.ndarray) -> np.ndarray:
        """Return ln P of every word of a text of whole sentences, (N,) float64."""
        ids = np.asarray(ids)
        ends = np.flatnonzero(ids == self._eos) + 1
        after = np.searchsorted(ends, np.arange(_TOKENS_AT_ONCE, len(ids), _TOKENS_AT_ONCE))
        pieces = np.split(ids, np.unique(ends[after[after < len(ends)]]))  # of whole sentences, to save memory
        return np.concatenate([self._of_sentences(piece) for piece in pieces])

    def _of_sentences(self, ids: np.ndarray) -> np.ndarray:
        stream, room = self._stream(ids)
        p = self._levels[0].interpolate(np.full(len(stream), 1.0 / self._words), np.zeros_like(stream), stream)
        ending = stream
        for k in range(1, self.order):
            found = _find(self._keys[k], self._joined(ending, stream, room >= k))
            context = np.where(room >= k, _before(ending), -1)
            p = self._levels[k].interpolate(p, context, found)
            ending = found
        return np.asarray(np.log(p[1:]))

    def _stream(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``<eos>`` and the ids, and the length of the context of each: words before it, and ``<eos>``."""
        stream = np.concatenate([[self._eos], np.asarray(ids, np.int64)])
        place = np.arange(len(stream))
        opened = np.maximum.accumulate(np.where(stream == self._eos, place, 0))
        return stream, np.concatenate([[0], place[1:] - opened[:-1]])

    def _joined(self, ending: np.ndarray, stream: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """Return the key of the n-gram that ends at each place, -1 where there is none.

        The key is g · V + w, where g is the number of the n-gram of the order below that ends at the place before, and
        w the word at the place.
        """
        before = _before(ending)
        return np.where(allowed & (before >= 0), before * self._words + stream, -1)


class _Level:
    """The n-grams of one order.

    Parameters
    ----------
    counts : (G,)
        a(hw) of each n-gram.
    contexts : (G,)
        h of each, as the number of an n-gram of the order below.
    context_count : int
        Number of n-grams of the order below.
    """

    def __init__(self, counts: np.ndarray, contexts: np.ndarray, context_count: int):
        discount = discounts(counts)
        self._total = np.bincount(contexts, counts, context_count)
        self._left = np.bincount(contexts, discount[np.minimum(counts, 3)], context_count)  # for the order below
        self._kept = counts - discount[np.minimum(counts, 3)]

    def interpolate(self, lower: np.ndarray, contexts: np.ndarray, found: np.ndarray) -> np.ndarray:
        """Return p_k of words, given p_{k-1}.

        Parameters
        ----------
        lower : (N,) float64
            p_{k-1} of each word.
        contexts : (N,)
            Number of the n-gram of the order below that precedes the word; -1 for none.
        found : (N,)
            Number of the n-gram of this order that ends with the word; -1 for none.

        Returns
        -------
        (N,) float64
        """
        if not len(self._kept):  # no sentence was that long
            return lower
        total = np.where(contexts >= 0, self._total[contexts], 0.0)
        known = total > 0
        divisor = np.where(known, total, 1.0)
        own = np.where(found >= 0, self._kept[found], 0.0)
        return np.where(known, (own + self._left[contexts] * lower) / divisor, lower)


def discounts(counts: np.ndarray) -> np.ndarray:
    """Return D(0) ... D(3+) by KenLM's rule: 0.5, 1 and 1.5 where a text is too small to estimate them.

    D_j = j - (j + 1) y n_{j+1} / n_j with y = n1 / (n1 + 2 n2). They are not estimated where n1, n2 or n3 is zero or
    an estimate is not within 0 and j. Without n-grams that occur four times, D_3 is 3.

    Parameters
    ----------
    counts : (G,) integers
        a(hw) of all n-grams of an order.

    Returns
    -------
    (4,) float64
    """
    fallback = np.array([0.0, 0.5, 1.0, 1.5])
    n = np.array([np.sum(counts == c) for c in (1, 2, 3, 4)], np.float64)
    if not n[:3].all():
        return fallback
    y = n[0] / (n[0] + 2 * n[1])
    j = np.array([1, 2, 3])
    estimates = j - (j + 1) * y * n[1:] / n[:3]
    return np.append(0.0, estimates) if ((estimates >= 0) & (estimates <= j)).all() else fallback


def _before(values: np.ndarray) -> np.ndarray:
    return np.concatenate([[-1], values[:-1]])


def _find(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the position of each of `wanted` in the sorted `keys`, -1 where it is missing."""
    if not len(keys):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, place, -1)
