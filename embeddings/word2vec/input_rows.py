"""Vectors of words that are made of several rows of E: that of the word and those of its character n-grams.

The vector of word w is x_w = 1/|R_w| Σ_{r ∈ R_w} E[r] (Bojanowski et al. 2017). A token's vector is made when its
window comes near, is trained in place as a row of E would be, and what has changed is added to its rows when no window
needs it any more: one read and one write of the rows of each token. Every row gets the whole change, as in fastText,
so that the mean changes by as much.
"""

import numpy as np

from embeddings import simd
from embeddings.compilation import in_place_inlined

_LINE = 16  # floats of a line of the cache
_AHEAD = 4  # tokens between the prefetch of their rows and the use


@in_place_inlined
def make_vectors(dimension, embedding, subwords, tokens, first, last, n, scratch):
    """Make the vectors of the tokens `first` to `last` (exclusive) of n."""
    for position in range(first, last):
        if position + _AHEAD < n:
            _ask_for(embedding, subwords, tokens[position + _AHEAD])
        _make_vector(dimension, embedding, subwords, tokens[position], scratch, scratch.slots[position])


@in_place_inlined
def _ask_for(embedding, subwords, word):
    offsets, rows = subwords.offsets, subwords.rows
    for i in range(offsets[word], offsets[word + 1]):
        for j in range(0, embedding.shape[1], _LINE):
            simd.prefetch(embedding, np.int64(rows[i]), j)


@simd.with_few_vectors
def _mean_columns(load, broadcast):
    @in_place_inlined
    def mean(embedding, rows, first, last, scale, scratch, slot, j):
        total = broadcast(np.float32(0))
        for i in range(first, last):
            total = simd.add(total, load(embedding, rows[i], j))
        total = simd.multiply(total, broadcast(scale))
        simd.store(scratch.vectors, slot, j, total)
        simd.store(scratch.before, slot, j, total)

    return mean


@in_place_inlined
def _make_vector(dimension, embedding, subwords, word, scratch, slot):
    offsets, rows = subwords.offsets, subwords.rows
    first, last = offsets[word], offsets[word + 1]
    scale = np.float32(1) / np.float32(last - first)
    _mean_columns(dimension, embedding, rows, first, last, scale, scratch, slot)


@simd.with_few_vectors
def _change_columns(load, broadcast):
    @in_place_inlined
    def change(embedding, rows, first, last, scratch, slot, j):
        changed = simd.subtract(load(scratch.vectors, slot, j), load(scratch.before, slot, j))
        for i in range(first, last):
            simd.store(embedding, rows[i], j, simd.add(load(embedding, rows[i], j), changed))

    return change


@in_place_inlined
def change_rows(dimension, embedding, subwords, tokens, first, last, scratch):
    """Add what training changed of the vectors of the tokens `first` to `last` (exclusive) to their rows."""
    offsets, rows = subwords.offsets, subwords.rows
    for position in range(first, last):
        begin, end, slot = offsets[tokens[position]], offsets[tokens[position] + 1], scratch.slots[position]
        _change_columns(dimension, embedding, rows, begin, end, scratch, slot)
