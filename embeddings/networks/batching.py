"""Text in batches: one stream in B columns for language models, padded sequences for all other networks.

`Columns` cuts a stream of N words into B columns of T = ⌈N / B⌉ steps and pairs each word y with the word x before it.
With N = 13 words ``a b ... m``, B = 3, and ``·`` before the first::

        inputs x           targets y
     t  b=0 b=1 b=2        b=0 b=1 b=2
     0   ·   e   i          a   f   j       row t of column b is the word after row t - 1,
     1   a   f   j          b   g   k       so that the state h<t> of a column continues
     2   b   g   k          c   h   l       from window to window
     3   c   h   l          d   i   m
     4   d   0   0          e  -1  -1  ◄─── padding: target -1 does not count

The first N mod B columns are one longer than the others (all are equal if B divides N). No word is dropped: each of
the N words is the target of exactly one place, in training and in evaluation. `windows` then cuts time into pieces of
the length over which gradients are propagated back::

     ├── window 0 (BPTT steps) ──┤├── window 1 ──┤ ... ├── the rest ──┤
"""

from collections.abc import Iterator, Sequence

import numpy as np

from embeddings.text.id_stream import Ids

_STEPS_IN_MEMORY = 1 << 14
PADDING = -1
"""Target of a place that does not count."""


class Columns:
    """A stream of words laid out in columns; only a stretch of each column of a long stream is in memory.

    Parameters
    ----------
    ids : Ids
        (N,) word ids: an array, or a stream that is read in pieces.
    batch_size : int
        B, columns read side by side; fewer words than columns make fewer columns.
    before : int
        The id before the first word, usually that of ``<eos>``.

    Attributes
    ----------
    steps : int
        T, length of the longest column.
    columns : int
        Number of columns.
    lengths : (columns,) int64
        Length of each column.

    Raises
    ------
    ValueError
        There is no word, or no column.
    """

    def __init__(self, ids: Ids, batch_size: int, before: int) -> None:
        if len(ids) == 0:
            raise ValueError("a text without words: expected at least one word")
        if batch_size < 1:
            raise ValueError(f"batch size {batch_size}: expected at least 1")
        self._ids, self._before = ids, before
        self.columns = min(batch_size, len(ids))
        self.lengths = np.full(self.columns, len(ids) // self.columns)
        self.lengths[: len(ids) % self.columns] += 1
        self.steps = int(self.lengths[0])
        self._starts = np.cumsum(self.lengths) - self.lengths
        self._first = self._last = 0  # steps in memory
        self._words = np.empty((0, self.columns), np.int32)

    def window(self, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return a window of time steps.

        Parameters
        ----------
        rows : slice
            Steps, from 0 to `steps`.

        Returns
        -------
        inputs : (rows, B) int64
            The word before each target; 0 where there is none.
        targets : (rows, B) int64
            Every word of the stream once; `PADDING` elsewhere.
        """
        if rows.start < self._first or rows.stop > self._last:
            self._load(rows.start, max(rows.stop, rows.start + _STEPS_IN_MEMORY))
        words = self._words[rows.start - self._first : rows.stop - self._first + 1].astype(np.int64)
        inputs, targets = words[:-1], words[1:].copy()
        beyond = np.arange(rows.start, rows.stop)[:, None] >= self.lengths
        inputs[beyond], targets[beyond] = 0, PADDING
        return inputs, targets

    def _load(self, first: int, last: int) -> None:
        """Read the words of a stretch of all columns and the word before it."""
        last = min(last, self.steps)
        self._words = np.zeros((last - first + 1, self.columns), np.int32)
        for column, (start, length) in enumerate(zip(self._starts.tolist(), self.lengths.tolist(), strict=True)):
            begin, end = start + first - 1, start + min(last, length)
            words = self._ids[max(begin, 0) : max(begin, end)]
            skipped = 1 if begin < 0 else 0
            if skipped:
                self._words[0, column] = self._before
            self._words[skipped : skipped + len(words), column] = words
        self._first, self._last = first, last


def windows(steps: int, length: int, rng: np.random.Generator | None = None) -> Iterator[slice]:
    """Cut time into windows for truncated BPTT; the last one may be shorter.

    Parameters
    ----------
    steps : int
        T, the number of time steps.
    length : int
        Steps of a window.
    rng : Generator, optional
        Draws the lengths (Merity et al. 2018): normal with standard deviation 5 around `length`, or in one of twenty
        cases around its half, so that the words at the start of a window differ between epochs. Default: all windows
        have `length` steps.

    Yields
    ------
    slice
        Steps of a window.

    Raises
    ------
    ValueError
        `length` is less than 1.
    """
    if length < 1:
        raise ValueError(f"windows of {length} steps: expected at least 1")
    start = 0
    while start < steps:
        size = length
        if rng is not None:
            mean = length if rng.random() < 0.95 else length / 2
            size = max(min(5, length), round(rng.normal(mean, 5)))
        yield slice(start, min(start + size, steps))
        start += size


def pad_sequences(sequences: Sequence[np.ndarray], value: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Lay sequences of different lengths side by side, time going down.

    Parameters
    ----------
    sequences : sequence of ndarray
        B arrays of ids, of any lengths (0 too).
    value : int
        Value past the end of a sequence: 0 for inputs, `PADDING` for targets.

    Returns
    -------
    padded : (T, B) int64
        T is the longest length.
    lengths : (B,) int64

    Raises
    ------
    ValueError
        There is no sequence.
    """
    if not sequences:
        raise ValueError("no sequences: expected at least one")
    lengths = np.array([len(sequence) for sequence in sequences], np.int64)
    padded = np.full((lengths.max(), len(sequences)), value, np.int64)
    for column, sequence in enumerate(sequences):
        padded[: len(sequence), column] = sequence
    return padded, lengths
