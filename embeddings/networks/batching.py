"""Text in batches: one long stream in B columns for language models, padded sequences for everything else.

`batchify` cuts a stream of N words into B columns of T = ⌈N / B⌉ steps and pairs each word y with the word x before it.
With N = 13 words ``a b ... m``, B = 3, and ``·`` before the first::

        inputs x           targets y
     t  b=0 b=1 b=2        b=0 b=1 b=2
     0   ·   e   i          a   f   j       row t of column b is the word after row t - 1,
     1   a   f   j          b   g   k       so that the state h<t> of a column goes on
     2   b   g   k          c   h   l       from window to window
     3   c   h   l          d   i   m
     4   d   0   0          e  -1  -1  ◄─── padding: target -1 counts nothing

The first N mod B columns are one longer than the others (all are equal if B divides N).  No word is dropped: each of
the N words is the target of exactly one place, in training and in evaluation.  `windows` then cuts time into pieces of
the length over which gradients are propagated back::

     ├── window 0 (BPTT steps) ──┤├── window 1 ──┤ ... ├── the rest ──┤
"""

from collections.abc import Iterator, Sequence

import numpy as np

PADDING = -1
"""Target of a place that counts nothing."""


def batchify(ids: np.ndarray, batch_size: int, before: int) -> tuple[np.ndarray, np.ndarray]:
    """Lay a stream of words out in columns.

    Parameters
    ----------
    ids
        (N,) integers: the text.
    batch_size
        B, columns read side by side; fewer words than columns make fewer columns.
    before
        The id that stands before the first word, as a rule that of ``<eos>``.

    Returns
    -------
    inputs : np.ndarray
        (T, B) int64: the word before each target; 0 where there is none.
    targets : np.ndarray
        (T, B) int64: every word of ``ids`` once; `PADDING` elsewhere.

    Raises
    ------
    ValueError
        If there is no word, or no column.
    """
    ids = np.asarray(ids, np.int64)
    if ids.ndim != 1 or ids.size == 0:
        raise ValueError(f"a text of shape {ids.shape}: expected at least one word in one axis")
    if batch_size < 1:
        raise ValueError(f"batch size {batch_size}: expected at least 1")
    columns = min(batch_size, ids.size)
    lengths = np.full(columns, ids.size // columns)
    lengths[: ids.size % columns] += 1
    starts = np.concatenate([[0], np.cumsum(lengths)])
    stream = np.concatenate([[before], ids])
    inputs = np.zeros((lengths[0], columns), np.int64)
    targets = np.full((lengths[0], columns), PADDING, np.int64)
    for column, (start, length) in enumerate(zip(starts, lengths, strict=False)):
        inputs[:length, column] = stream[start : start + length]
        targets[:length, column] = ids[start : start + length]
    return inputs, targets


def windows(steps: int, length: int, rng: np.random.Generator | None = None) -> Iterator[slice]:
    """Cut ``steps`` time steps into windows for truncated BPTT; the last one may be shorter.

    Parameters
    ----------
    steps
        T.
    length
        Steps of a window.
    rng
        Draws the lengths instead (Merity et al. 2018): normal around ``length``, or in one of twenty cases around its
        half, with standard deviation 5, so that not always the same words begin a window.

    Raises
    ------
    ValueError
        If ``length`` is less than 1.
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
    """Stand sequences of different lengths side by side, time going down.

    Parameters
    ----------
    sequences
        B arrays of ids, of any lengths (0 too).
    value
        What stands past the end: 0 for inputs, `PADDING` for targets.

    Returns
    -------
    padded : np.ndarray
        (T, B) int64, T the longest length.
    lengths : np.ndarray
        (B,) int64.

    Raises
    ------
    ValueError
        If there is no sequence.
    """
    if not sequences:
        raise ValueError("no sequences: expected at least one")
    lengths = np.array([len(sequence) for sequence in sequences], np.int64)
    padded = np.full((lengths.max(), len(sequences)), value, np.int64)
    for column, sequence in enumerate(sequences):
        padded[: len(sequence), column] = sequence
    return padded, lengths
