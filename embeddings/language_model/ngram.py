"""n-gram models of a text: unigram, and interpolated modified Kneser-Ney, estimated by threads in bounded memory.

Modified Kneser-Ney (Chen & Goodman 1998), from order n down to 1::

    p_k(w | h) = (a(hw) - D(a(hw))) / a(h·) + γ(h) p_{k-1}(w | h')        h' is h without its first word
    γ(h)       = (D1 N1(h·) + D2 N2(h·) + D3 N3+(h·)) / a(h·)             p_0 = 1 / V

a(hw) is the count of hw for the highest order and for n-grams that begin a sentence, and the number of different words
before hw for all others. Discounts are estimated from the numbers of n-grams with the counts 1 to 4. A context does not
reach over the ``<eos>`` before a sentence. The counts a(hw) of n-grams that are pruned go to γ(h), as in KenLM's lmplz.

Estimation in bounded memory, as Heafield et al. (2013) do it, with other sorts: threads count blocks of the stream and
write them as sorted runs. The vocabulary is cut into ranges, so that the n-grams whose last word but one is in a range
fit in memory. Counts of lower orders, γ and p_k of these n-grams need no others; only γ of an n-gram, as a context,
belongs to another range, and is sorted by way of the disk once more.
"""

import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from embeddings.array_files import read_items, save_items
from embeddings.errors import EmbeddingsError
from embeddings.language_model import ngram_kernels as kernels
from embeddings.language_model.backoff import BackOffTable, Grams
from embeddings.language_model.ngram_kernels import Layout, Records
from embeddings.language_model.ngram_runs import SortedRuns, empty_records, head
from embeddings.text.id_stream import Ids
from embeddings.threads import thread_count

HIGHEST_ORDER = 6
BLOCK_TOKENS = 1 << 19  # of one thread, at 48 bytes a token
RANGE_TOKENS = 1 << 19  # n-grams of a range, at about 150 bytes each
_LOWEST_LOG = -99.0  # stands for log10 0 in ARPA files
_KEY_BITS = 64  # of each half of a key

Item = TypeVar("Item")
Result = TypeVar("Result")


class CountedGrams(NamedTuple):
    """n-grams of the highest order n with their counts, and shorter ones that begin a sentence.

    Attributes
    ----------
    grams : (m, n) int32
        Ids; n-grams that are shorter begin with -1.
    counts : (m,) int64
    """

    grams: np.ndarray
    counts: np.ndarray


class KneserNeyEstimate:
    """Interpolated modified Kneser-Ney probabilities of all n-grams of a text, in files.

    Parameters
    ----------
    text : Ids or CountedGrams
        A stream of ids with `eos` at the end of each sentence, or counts of its n-grams.
    words : int
        V, with ``<unk>`` and ``<eos>``.
    eos : int
        Id of ``<eos>``, which stands before each sentence too.
    directory : Path
        Existing, empty directory, which must exist as long as the estimate is read.
    order : int
        n, the length of the longest n-gram, from 1 to 6.
    prune : sequence of int
        For each order from 1 on, n-grams that occur at most so often are left out; the last holds for all higher
        orders. No number may be below the one before, and words are never left out.
    threads : int, optional
        By default one per processor core.
    report : callable, optional
        Called with what is done next.

    Attributes
    ----------
    counts : list of int
        Number of n-grams of each order; of words V.
    discounts : list of (4,) float64
        D(0) ... D(3+) of each order.

    Raises
    ------
    ValueError
        `order` or `prune` is out of range.
    EmbeddingsError
        The text is empty, or has too many words for this order.
    """

    def __init__(
        self,
        text: Ids | CountedGrams,
        words: int,
        eos: int,
        directory: Path,
        *,
        order: int = 5,
        prune: Iterable[int] = (0,),
        threads: int | None = None,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self._thresholds = prune_thresholds(order, prune)
        if not len(text.grams if isinstance(text, CountedGrams) else text):
            raise EmbeddingsError("an n-gram model of an empty text: expected at least one word")
        self.order, self._words, self._eos, self._directory = order, words, eos, directory
        self._layout = key_layout(order, words)
        self._threads = thread_count(threads)
        report = report or (lambda _: None)
        report("counting words")
        self._unigrams = self._count_words(text)
        contexts = self._unigrams.copy()
        contexts[eos] += 1  # before the first sentence
        self._bounds = _cut(contexts, RANGE_TOKENS)
        self._counted = SortedRuns(directory / "counts", self._layout, self._bounds)
        self._gammas = {k: SortedRuns(directory / f"gammas-{k}", self._layout, self._bounds) for k in range(2, order)}
        report(f"counting {order}-grams")
        self._count(text)
        report("adjusting counts")
        self._numbers = np.zeros((order + 1, 5), np.int64)
        adjusted = self._adjust()
        self.discounts = [discounts(numbers[1:]) for numbers in self._numbers[1:]]
        self.counts = [words, *self._numbers[2:, 0].tolist()]
        report("computing probabilities")
        self._p_of_word, self._gamma_of_word = self._unigram_probabilities(adjusted), np.ones(words)
        for _ in self._by_ranges(self._interpolate):
            pass

    def grams(self, order: int, then: Callable[[Grams], Result]) -> Iterator[Result]:
        """Yield what `then` makes of the n-grams of an order, part by part; threads call it."""
        if order == 1:
            ids = np.arange(self._words, dtype=np.int32)[:, None]
            yield then(Grams(ids, _log10(self._p_of_word), _log10(self._gamma_of_word)))
        else:
            yield from self._by_ranges(lambda number: then(self._grams_of_range(order, number)))

    def table(self) -> BackOffTable:
        """Return the model in memory."""
        table = BackOffTable(self._eos, self.order)
        for order in range(1, self.order + 1):
            for grams in self.grams(order, lambda grams: grams):
                table.insert(grams)
        return table

    def _count_words(self, text: Ids | CountedGrams) -> np.ndarray:
        if isinstance(text, CountedGrams):
            return np.bincount(text.grams[:, -1], text.counts, self._words).astype(np.int64)
        counts = np.zeros(self._words, np.int64)
        for start in range(0, len(text), BLOCK_TOKENS):
            counts += np.bincount(text[start : start + BLOCK_TOKENS], minlength=self._words)
        return counts

    def _count(self, text: Ids | CountedGrams) -> None:
        """Write sorted runs of the n-grams of the highest order."""
        if isinstance(text, CountedGrams):
            records = empty_records(len(text.grams))
            kernels.pack_grams(text.grams, self._layout, records)
            records.values[:] = text.counts
            self._counted.add(records)
            return
        stream = text

        def count_block(start: int) -> None:
            first = max(0, start - self.order + 1)
            ids = np.ascontiguousarray(stream[first : start + BLOCK_TOKENS], np.int32)
            records = empty_records(len(ids) - (start - first))
            kernels.pack_stream(ids, start - first, self._eos, self._layout, records)
            self._counted.add(records)

        for _ in _in_order(count_block, range(0, len(text), BLOCK_TOKENS) if self.order > 1 else [], self._threads):
            pass

    def _adjust(self) -> np.ndarray:
        """Write the n-grams of all orders with adjusted counts; return those of the words."""
        if self.order == 1:
            adjusted = self._unigrams
        else:
            adjusted = np.zeros(self._words, np.int64)
            for numbers, before in self._by_ranges(self._adjust_range):
                self._numbers += numbers
                adjusted += before
        self._numbers[1, 1:] = np.bincount(np.minimum(adjusted, 5), minlength=6)[1:5]
        return adjusted

    def _adjust_range(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        numbers, before = np.zeros_like(self._numbers), np.zeros(self._words, np.int64)
        words, tallies = np.empty(self._words + 1, np.int64), np.zeros((self._words + 1, 2), np.int64)
        records = self._counted.read(number)
        raw = records.values.copy()
        for order in range(self.order, 1, -1):
            lower, lower_raw = empty_records(len(raw)), np.empty_like(raw)
            if order > 2:
                size = kernels.lower_order(records, raw, order, self._layout, words, tallies, lower, lower_raw)
            else:
                size = 0
                kernels.count_before(records, self._layout, before)
            kernels.tally_counts(records, raw, order, self._layout, self._thresholds[order - 1], numbers[order])
            for half, array in enumerate(records):
                save_items(self._file(order, number, half), array)
            records, raw = head(lower, size), lower_raw[:size]
        return numbers, before

    def _unigram_probabilities(self, counts: np.ndarray) -> np.ndarray:
        discount = self.discounts[0][np.minimum(counts, 3)]
        return np.asarray((counts - discount + discount.sum() / self._words) / counts.sum())

    def _interpolate(self, number: int) -> None:
        """Write p_k of the n-grams of a range, and γ of their contexts."""
        p_of_word = np.append(0.0, self._p_of_word)
        lower, lower_p = empty_records(0), np.empty(0)
        for order in range(2, self.order + 1):
            records = self._records(order, number)
            p, contexts = np.empty(len(records.low)), empty_records(len(records.low))
            discount = self.discounts[order - 1]
            size = kernels.interpolate(records, lower, lower_p, order, self._layout, discount, p_of_word, p, contexts)
            contexts = head(contexts, size)
            if order == 2:
                self._gamma_of_word[contexts.low.astype(np.int64) - 1] = contexts.values.view(np.float64)
            else:
                self._gammas[order - 1].add(contexts)
            save_items(self._file(order, number, len(records)), p)
            lower, lower_p = records, p

    def _grams_of_range(self, order: int, number: int) -> Grams:
        records = self._records(order, number)
        size = len(records.low)
        p = read_items(self._file(order, number, len(records)), np.float64, size)
        contexts = self._gammas[order].read(number) if order < self.order else empty_records(0)
        ids, log_p, log_gamma = np.empty((size, order), np.int32), np.empty(size), np.empty(size)
        kept = kernels.unpack(records, p, contexts, order, self._layout, ids, log_p, log_gamma)
        return Grams(ids[:kept], np.maximum(log_p[:kept], _LOWEST_LOG), np.maximum(log_gamma[:kept], _LOWEST_LOG))

    def _by_ranges(self, work: Callable[[int], Result]) -> Iterator[Result]:
        return _in_order(work, range(len(self._bounds) - 1), self._threads)

    def _records(self, order: int, number: int) -> Records:
        types = (np.uint64, np.uint64, np.int64)
        return Records(*(read_items(self._file(order, number, half), dtype) for half, dtype in enumerate(types)))

    def _file(self, order: int, number: int, half: int) -> Path:
        return self._directory / f"{order}-grams-{number}-{half}.bin"


class KneserNey:
    """Interpolated modified Kneser-Ney model of a text, in memory.

    Parameters
    ----------
    ids : Ids
        Stream of ids with `eos` at the end of each sentence.
    words : int
        V.
    eos : int
        Id of ``<eos>``.
    order : int
        n, the length of the longest n-gram, from 1 to 6.
    threads : int, optional
        By default one per processor core.
    work : Path, optional
        Existing directory for the n-grams of blocks while they are counted. By default that for temporary files, where
        they stay if the process is killed.

    Raises
    ------
    ValueError
        `order` is out of range.
    EmbeddingsError
        The text is empty, or has too many words for this order.
    """

    def __init__(
        self, ids: Ids, words: int, eos: int, order: int = 5, threads: int | None = None, work: Path | None = None
    ):
        self.order = order
        with tempfile.TemporaryDirectory(prefix="vecmill-", dir=work) as folder:
            self._table = KneserNeyEstimate(ids, words, eos, Path(folder), order=order, threads=threads).table()

    def log_likelihoods(self, ids: np.ndarray) -> np.ndarray:
        """Return ln P of every word of a text of whole sentences, (N,) float64."""
        return self._table.log_likelihoods(ids)


def unigram_log_likelihoods(counts: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return ln of (count + 1) / (N + V) for every word of `ids`: the unigram model with add-one smoothing."""
    smoothed = counts + 1.0
    return np.asarray(np.log(smoothed / smoothed.sum())[ids])


def discounts(numbers: np.ndarray) -> np.ndarray:
    """Return D(0) ... D(3+) by KenLM's rule: 0.5, 1 and 1.5 where a text is too small to estimate them.

    D_j = j - (j + 1) y n_{j+1} / n_j with y = n1 / (n1 + 2 n2). They are not estimated where n1, n2 or n3 is zero or
    an estimate is not within 0 and j. Without n-grams that occur four times, D_3 is 3.

    Parameters
    ----------
    numbers : (4,) integers
        n1 ... n4: how many n-grams of an order have the adjusted counts 1 to 4.

    Returns
    -------
    (4,) float64
    """
    fallback = np.array([0.0, 0.5, 1.0, 1.5])
    n = np.asarray(numbers, np.float64)
    if not n[:3].all():
        return fallback
    y = n[0] / (n[0] + 2 * n[1])
    j = np.array([1, 2, 3])
    estimates = j - (j + 1) * y * n[1:] / n[:3]
    return np.append(0.0, estimates) if ((estimates >= 0) & (estimates <= j)).all() else fallback


def key_layout(order: int, words: int) -> Layout:
    """Return the layout of keys of n-grams.

    Parameters
    ----------
    order : int
        Highest order.
    words : int
        V.

    Returns
    -------
    Layout

    Raises
    ------
    EmbeddingsError
        So many words do not fit.
    """
    bits = int(words).bit_length()
    low = _KEY_BITS // bits
    if order > 2 * low:
        most = (1 << _KEY_BITS // -(-order // 2)) - 1
        raise EmbeddingsError(
            f"{words:,} words are too many for n-grams of order {order}: expected at most {most:,}; "
            "give --max-vocabulary or --min-count, or a lower order"
        )
    return Layout(order, bits, min(order, low))


def prune_thresholds(order: int, prune: Iterable[int]) -> list[int]:
    """Return the threshold of each order; see `KneserNeyEstimate` for the arguments and the `ValueError`."""
    prune = list(prune)
    if not 1 <= order <= HIGHEST_ORDER:
        raise ValueError(f"order must be at least 1 and at most {HIGHEST_ORDER}, got {order}")
    shown = " ".join(map(str, prune))
    if not prune or prune[0] != 0 or len(prune) > order:
        raise ValueError(f"prune is {shown or 'empty'}: expected 1 to {order} numbers, for words 0")
    if prune != sorted(prune):
        raise ValueError(f"prune is {shown}: expected numbers that do not fall from one order to the next")
    return prune + [prune[-1]] * (order - len(prune))


def _cut(counts: np.ndarray, most: int) -> np.ndarray:
    """Return the numbers of the words at which ranges of about `most` tokens begin, and the one after the last."""
    places = (np.cumsum(counts) - 1) // most
    return np.concatenate([[0], np.flatnonzero(np.diff(places)) + 2, [len(counts) + 1]])


def _log10(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log10(values), _LOWEST_LOG)


def _in_order(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """Yield the results of threads in the order of the items; begin few of them ahead."""
    with ThreadPoolExecutor(threads, "n-grams") as pool:
        ahead: deque[Future[Result]] = deque()
        for item in items:
            ahead.append(pool.submit(work, item))
            if len(ahead) > threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
