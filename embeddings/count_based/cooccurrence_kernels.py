"""Sliding-window co-occurrence counts in a hash table. Arithmetic only; `cooccurrence.py` owns the memory."""

import numpy as np

from embeddings.compilation import exact, subroutine

EMPTY = -1  # key of a free slot


@exact
def count_pairs(
    ids: np.ndarray,
    offsets: np.ndarray,
    position: np.ndarray,
    weights: np.ndarray,
    vocabulary_size: int,
    keys: np.ndarray,
    counts: np.ndarray,
    used: int,
    limit: int,
    totals: np.ndarray,
) -> int:
    """Count pairs of words within a window, each unordered pair once, until the table holds `limit` pairs.

    Parameters
    ----------
    ids : (n,) int32
        Word ids of a shard.
    offsets : (s + 1,) int64
        Bounds of s of its sentences; pairs do not cross them.
    position : (2,) int64
        Sentence and token at which to resume; updated.
    weights : (window,) int64
        Weight of a pair at the distances 1 to `window`.
    vocabulary_size : int
    keys, counts : (2^b,) int64
        Open-addressing table: key = smaller id · V + larger id; EMPTY marks free slots. Updated.
    used : int
        Slots in use.
    limit : int
        Stop once more slots are in use; the table must have at least `window` free slots beyond the limit.
    totals : (V,) int64
        Sum of the weights of all pairs of a word, in both directions. Updated.

    Returns
    -------
    int
        Slots in use. All sentences are counted if ``position[0]`` is s.
    """
    window = len(weights)
    mask = np.int64(len(keys) - 1)
    for sentence in range(position[0], len(offsets) - 1):
        end = offsets[sentence + 1]
        for i in range(max(offsets[sentence], position[1]), end):
            if used > limit:
                position[0] = sentence
                position[1] = i
                return used
            for j in range(i + 1, min(i + window + 1, end)):
                weight = weights[j - i - 1]
                low, high = np.int64(min(ids[i], ids[j])), np.int64(max(ids[i], ids[j]))
                key = low * vocabulary_size + high
                slot = _hash(key) & mask
                while keys[slot] != key and keys[slot] != EMPTY:
                    slot = (slot + 1) & mask
                used += keys[slot] == EMPTY
                keys[slot] = key
                counts[slot] += weight
                totals[low] += weight
                totals[high] += weight
    position[0] = len(offsets) - 1
    return used


@subroutine
def _hash(key: np.int64) -> np.int64:
    """Mix the bits of a key: neighbouring keys get distant slots. Factors below 2^31 keep products in 64 bits."""
    key = (key ^ (key >> 32)) & 0xFFFFFFFF
    key = ((key ^ (key >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    key = ((key ^ (key >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return key ^ (key >> 16)
