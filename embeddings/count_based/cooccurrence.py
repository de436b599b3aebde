"""Co-occurrence counts of a corpus in bounded memory: a hash table that is spilled to sorted runs on disk."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from embeddings.array_files import read_array, save_array
from embeddings.count_based.cooccurrence_kernels import EMPTY, count_pairs

if TYPE_CHECKING:
    from embeddings.text.encoded_corpus import EncodedCorpus

TABLE_SLOTS = 1 << 21  # 32 MiB of keys and counts; sorting and writing a run takes about three times as much
FULL = 0.6  # load factor at which the table is spilled
SENTENCES = 10_000  # sentences per call of the kernel, between progress reports and checks for interruption
MERGED_ENTRIES = 1 << 20  # entries of the runs merged at a time


def window_weights(window: int, *, dynamic: bool) -> np.ndarray:
    """Return the weights of word2vec's windows: `window` times the expected count of a pair.

    Parameters
    ----------
    window : int
        Words to each side.
    dynamic : bool
        The window is drawn from 1 to `window`, so that a pair at distance k has the weight window + 1 − k (Levy,
        Goldberg & Dagan 2015, §3.1); else all pairs have the weight `window`.

    Returns
    -------
    (window,) int64
    """
    return np.arange(window, 0, -1) if dynamic else np.full(window, window)


class Run(NamedTuple):
    """Counts sorted by key = row · V + column.

    Attributes
    ----------
    keys, counts : (m,) int64
        Memory maps.
    row_starts : (V + 1,) int64
        Row r holds the entries from ``row_starts[r]`` to ``row_starts[r + 1]``.
    """

    keys: np.ndarray
    counts: np.ndarray
    row_starts: np.ndarray


class Cooccurrences:
    """Symmetric matrix of weighted co-occurrence counts, with integer weights.

    A pair within a sentence counts as much as `weights` says for its distance, in both directions; the sums of
    integers do not depend on their order.

    Parameters
    ----------
    corpus : EncodedCorpus
    vocabulary_size : int
        V, at most 2³¹.
    weights : (window,) int64
        Weight of a pair at the distances 1 to `window`.
    directory : Path
        Directory of the runs, which must exist as long as this object is used.
    progress : callable, optional
        Called with the number of tokens read so far.
    table_slots : int
        Slots of the hash table, a power of two; raised for wide windows.
    """

    def __init__(
        self,
        corpus: "EncodedCorpus",
        vocabulary_size: int,
        *,
        weights: np.ndarray,
        directory: Path,
        progress: Callable[[int], None] | None = None,
        table_slots: int = TABLE_SLOTS,
    ) -> None:
        self.vocabulary_size = vocabulary_size
        self.directory = directory
        self.totals = np.zeros(vocabulary_size, np.int64)
        """Row sums of the matrix, (V,) int64."""
        self._runs: list[Run] = []
        # the kernel checks its limit once per token and may add `window` pairs between two checks
        slots = max(table_slots, 1 << (4 * len(weights)).bit_length())
        keys, counts = np.full(slots, EMPTY, np.int64), np.zeros(slots, np.int64)
        limit, used, tokens = int(FULL * slots), 0, 0
        for ids, offsets in corpus.shards:
            for first in range(0, len(offsets) - 1, SENTENCES):
                starts = offsets[first : first + SENTENCES + 1]
                position = np.array([0, starts[0]], np.int64)
                while position[0] < len(starts) - 1:
                    used = count_pairs(
                        ids, starts, position, weights, vocabulary_size, keys, counts, used, limit, self.totals
                    )
                    if used > limit:
                        self._write_run(keys, counts)
                        used = 0
                if progress is not None:
                    progress(tokens + int(starts[-1]))
            tokens += len(ids)
        if used:
            self._write_run(keys, counts)

    def rows(self) -> Iterator[tuple[int, sparse.csr_array]]:
        """Yield ranges of consecutive rows: the first row, and the counts as (r, V) csr_array of int64."""
        V = self.vocabulary_size
        entries = np.zeros(V + 1, np.int64)
        for run in self._runs:
            entries += run.row_starts  # entries of all runs before each row
        start = 0
        while start < V:
            stop = int(np.searchsorted(entries, entries[start] + MERGED_ENTRIES, side="right")) - 1
            stop = min(max(stop, start + 1), V)
            yield start, self._merged(start, stop)
            start = stop

    def _merged(self, start: int, stop: int) -> sparse.csr_array:
        """Return the sum of the runs over the rows from start to stop."""
        parts = [(run, slice(run.row_starts[start], run.row_starts[stop])) for run in self._runs]
        keys = np.concatenate([np.empty(0, np.int64), *(run.keys[part] for run, part in parts)])
        counts = np.concatenate([np.empty(0, np.int64), *(run.counts[part] for run, part in parts)])
        keys, counts = _summed(keys, counts)
        rows, columns = np.divmod(keys - start * self.vocabulary_size, self.vocabulary_size)
        row_starts = np.searchsorted(rows, np.arange(stop - start + 1))
        return sparse.csr_array(
            (counts, columns.astype(np.int32), row_starts), shape=(stop - start, self.vocabulary_size)
        )

    def _write_run(self, keys: np.ndarray, counts: np.ndarray) -> None:
        """Spill the table to a run and clear it; the table holds each pair once, a run in both directions."""
        V = self.vocabulary_size
        in_use = np.flatnonzero(keys != EMPTY)
        low, high = np.divmod(keys[in_use], V)
        run_keys, run_counts = _summed(np.concatenate((keys[in_use], high * V + low)), np.tile(counts[in_use], 2))
        row_starts = np.searchsorted(run_keys, np.arange(V + 1) * V)
        self._runs.append(Run(self._stored(run_keys, "keys"), self._stored(run_counts, "counts"), row_starts))
        keys.fill(EMPTY)
        counts.fill(0)

    def _stored(self, array: np.ndarray, name: str) -> np.ndarray:
        """Write an array of the next run; return it as a memory map."""
        path = self.directory / f"{len(self._runs)}.{name}.npy"
        save_array(path, array)
        return read_array(path, mapped=True)


def _summed(keys: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct keys in ascending order, and the sum of the counts of each."""
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[first], np.add.reduceat(counts, first) if len(first) else counts
