"""Records of n-grams on disk, in sorted runs that are cut at the same words: each range is merged on its own."""

import threading
from pathlib import Path

import numpy as np

from embeddings.array_files import read_items, save_items
from embeddings.language_model.ngram_kernels import Layout, Records, add_equal, first_with_context, sort_records

_TYPES = (np.uint64, np.uint64, np.int64)


class SortedRuns:
    """Sorted runs of records, which threads write and read range by range.

    Parameters
    ----------
    path : Path
        Beginning of the names of the files.
    layout : Layout
        That of the keys.
    bounds : (r + 1,) int64
        Range i holds the n-grams whose last word but one has a number from ``bounds[i]`` to ``bounds[i + 1]``
        (exclusive).
    """

    def __init__(self, path: Path, layout: Layout, bounds: np.ndarray) -> None:
        self._path, self._layout, self._bounds = path, layout, bounds
        self._starts: list[np.ndarray] = []
        self._lock = threading.Lock()

    def add(self, records: Records) -> None:
        """Sort records, add up the values of equal keys, and write them."""
        records = merged(records)
        starts = np.empty(len(self._bounds), np.int64)
        first_with_context(records, self._layout, self._bounds, starts)
        with self._lock:
            number = len(self._starts)
            self._starts.append(starts)
        for half, array in enumerate(records):
            save_items(self._file(number, half), array)

    def read(self, number: int) -> Records:
        """Read the records of a range, sorted, with the sum of the values of equal keys."""
        parts: list[list[np.ndarray]] = [[], [], []]
        for run, starts in enumerate(self._starts):
            first, size = int(starts[number]), int(starts[number + 1] - starts[number])
            for half, dtype in enumerate(_TYPES):
                parts[half].append(read_items(self._file(run, half), dtype, size, first))
        return merged(Records(*(np.concatenate([np.empty(0, t), *p]) for t, p in zip(_TYPES, parts, strict=True))))

    def _file(self, run: int, half: int) -> Path:
        return self._path.with_name(f"{self._path.name}-{run}-{half}.bin")


def empty_records(size: int) -> Records:
    """Return records of undefined content."""
    return Records(*(np.empty(size, dtype) for dtype in _TYPES))


def head(records: Records, size: int) -> Records:
    """Return a view of the first records."""
    return Records(records.high[:size], records.low[:size], records.values[:size])


def merged(records: Records) -> Records:
    """Sort records by key and add up the values of equal keys; the arrays given are overwritten."""
    spare = empty_records(len(records.low))
    found = spare if sort_records(records, spare) else records
    return head(found, add_equal(found))
