"""Private copies of the rows that a block touches, and the sum of what several blocks changed.

The compiled part of reproducible training with several threads; `rounds` says how the parts go together. A block is
copied out of the matrices by `take_block`, trained by the same kernel as always, and the changes of all blocks of a
round are added to the matrices by `merge`.

Every function does the same additions in the same order whatever the number of threads.
"""

from typing import NamedTuple

import numpy as np

from embeddings import simd
from embeddings.compilation import compiled, inlined
from embeddings.word2vec import padded_matrices as matrices
from embeddings.word2vec.kernels import draw_negatives, subsample, tokens_of

_AHEAD = 12  # rows between the prefetch and the use of one
_LINE = 16  # floats of a line of the cache; words whose tables share a line are merged by the same thread
_NOBODY = -1


class Copies(NamedTuple):
    """Memory of W virtual workers; the first axis is the worker."""

    words: np.ndarray  # (W, c) int32: whose rows are copied; those of the block's tokens come first
    sizes: np.ndarray  # (W, 2) int64: how many rows of E, how many of C
    tokens: np.ndarray  # (W, t) int32: what subsampling left of the block, as numbers of copied rows
    offsets: np.ndarray  # (W, s) int64: where sentences begin in `tokens`
    noise: np.ndarray  # (W, 1 + n) int32: the block's noise words from 1 on, as numbers of copied rows
    embedding: np.ndarray  # (W, t, padded d) float32: rows of E
    context: np.ndarray  # (W, c, padded d) float32: rows of C


class Owners(NamedTuple):
    """Which of several copies of a row collects the sum of their changes; E's at 0 of the first axis, C's at 1."""

    place: np.ndarray  # (2, V) int64: worker x rows + row, or -1
    workers: np.ndarray  # (2, W x rows) int32: how many workers changed the row
    squares: np.ndarray  # (2, W x rows) float32: Σ |change|² of them


def make_copies(workers: int, tokens: int, sentences: int, noise: int, dimension: int) -> Copies:
    """Allocate memory for blocks of at most so many tokens, sentences and noise words."""
    width = matrices.padded_dimension(dimension)
    rows = tokens + noise
    return Copies(
        words=np.zeros((workers, rows), np.int32),
        sizes=np.zeros((workers, 2), np.int64),
        tokens=np.zeros((workers, tokens), np.int32),
        offsets=np.zeros((workers, sentences + 1), np.int64),
        noise=np.zeros((workers, 1 + noise), np.int32),
        embedding=matrices.zeros(workers * tokens, dimension).reshape(workers, tokens, width),
        context=matrices.zeros(workers * rows, dimension).reshape(workers, rows, width),
    )


def make_owners(words: int, copies: Copies) -> Owners:
    """Allocate the tables of `merge` for a vocabulary of so many words."""
    rows = copies.words.size
    return Owners(
        np.full((2, words), _NOBODY, np.int64), np.zeros((2, rows), np.int32), np.zeros((2, rows), np.float32)
    )


@inlined
def _number(word, place, words, n):
    """Number of a word's copied row; a new word gets the next one."""
    number = place[word]
    if number < 0:
        number = n
        place[word] = n
        words[n] = word
        n += 1
    return number, n


@compiled
def take_block(block, parameters, copies, worker, noise, place, state):
    """Draw the tokens and noise words of a block and copy their rows.

    Parameters
    ----------
    block : kernels.Block
    parameters : kernels.Parameters
    copies : Copies
        What is drawn and copied is written to it.
    worker : int
    noise : int
        How many noise words to draw.
    place : (V,) int32
        Working memory, all -1 before and after.
    state : uint64
        Of the random stream.

    Returns
    -------
    tokens : int
        How many subsampling left.
    state : uint64
        Of the random stream, after all draws.
    """
    words, tokens = copies.words[worker], copies.tokens[worker]
    offsets, drawn = copies.offsets[worker], copies.noise[worker]
    n, rows = 0, 0
    for sentence in range(block.first_sentence, block.last_sentence):
        begin, end = tokens_of(block, sentence)
        kept, state = subsample(block, begin, end, parameters.keep, tokens[n:], state)
        for i in range(n, n + kept):
            tokens[i], rows = _number(tokens[i], place, words, rows)
        n += kept
        offsets[sentence - block.first_sentence + 1] = n
    all_rows = rows
    state = draw_negatives(parameters, drawn, noise, state)
    for k in range(1, noise + 1):
        drawn[k], all_rows = _number(drawn[k], place, words, all_rows)
    copies.sizes[worker, 0], copies.sizes[worker, 1] = rows, all_rows
    _copy(parameters.embedding, copies.embedding[worker], words, rows)
    _copy(parameters.context, copies.context[worker], words, all_rows)
    for i in range(all_rows):
        place[words[i]] = _NOBODY
    return n, state


@inlined
def _copy(matrix, copied, words, rows):
    for i in range(rows):
        _ask_for(matrix, words, i + _AHEAD, rows)
        _move(copied, i, matrix, np.int64(words[i]))


@inlined
def _ask_for(matrix, words, i, rows):
    if i < rows:
        for j in range(0, matrix.shape[1], _LINE):
            simd.prefetch(matrix, np.int64(words[i]), j)


@inlined
def _move(target, row, source, other):
    """target[row] = source[other]."""
    for j in range(0, target.shape[1], simd.LANES):
        simd.store(target, row, j, simd.load(source, other, j))


@inlined
def _add(target, row, source, other, scale):
    """target[row] += scale source[other]."""
    factor = simd.broadcast(scale)
    for j in range(0, target.shape[1], simd.LANES):
        changed = simd.multiply_add(factor, simd.load(source, other, j), simd.load(target, row, j))
        simd.store(target, row, j, changed)


@inlined
def _square(matrix, row):
    total = np.float32(0)
    for j in range(matrix.shape[1]):
        total += matrix[row, j] * matrix[row, j]
    return total


@compiled
def merge(parameters, copies, owners, blocks, thread, threads):
    """Add what the first `blocks` workers changed to E and C: one thread's share of the rows.

    Changes of different workers are added up in the order of the workers. They were all made from the same rows, and
    where they agree, their sum goes too far: a row that all W workers changed is moved by Δ times the sum, with the
    gradient diversity Δ = Σ |change|² / |Σ change|², which is 1/W for equal changes and 1 for orthogonal ones (Yin
    et al. 2018, "Gradient Diversity: a Key Ingredient for Scalable Distributed Learning"). One that n workers changed
    is moved by 1 - κ (1 - Δ) times the sum, κ = ((n - 1) / (W - 1))²: rare words change seldom and little, and their
    changes may be added as they are.
    """
    for i in range(2):
        matrix, copied = (parameters.embedding, copies.embedding) if i == 0 else (parameters.context, copies.context)
        place, workers, squares = owners.place[i], owners.workers[i], owners.squares[i]
        sizes = copies.sizes[:, i]
        _add_up(matrix, copied, copies.words, sizes, place, workers, squares, blocks, thread, threads)
        _apply(matrix, copied, copies.words, sizes, place, workers, squares, blocks, thread, threads)


@inlined
def _is_ours(word, thread, threads):
    """Whether a thread merges the rows of a word: a hash of its line, scaled to the number of threads."""
    line = np.uint64(word) // np.uint64(_LINE) * np.uint64(2654435761) & np.uint64(0xFFFFFFFF)
    return np.int64((line * np.uint64(threads)) >> np.uint64(32)) == thread


@inlined
def _add_up(matrix, copied, words, sizes, place, workers, squares, blocks, thread, threads):
    """Collect the changes of every row that several workers have, in the copy of the first of them."""
    rows = words.shape[1]
    for worker in range(blocks):
        for i in range(sizes[worker]):
            word = np.int64(words[worker, i])
            if not _is_ours(word, thread, threads):
                continue
            owner = place[word]
            if owner == _NOBODY:
                place[word] = worker * rows + i
                workers[worker * rows + i] = 1
                continue
            first, row = copied[owner // rows], owner % rows
            if workers[owner] == 1:
                _add(first, row, matrix, word, np.float32(-1))
                squares[owner] = _square(first, row)
            _add(copied[worker], i, matrix, word, np.float32(-1))
            workers[owner] += 1
            squares[owner] += _square(copied[worker], i)
            _add(first, row, copied[worker], i, np.float32(1))


@inlined
def _apply(matrix, copied, words, sizes, place, workers, squares, blocks, thread, threads):
    """Bring the rows, or the sums of their changes, to the matrix and forget the owners."""
    rows, most = words.shape[1], max(1, words.shape[0] - 1)
    for worker in range(blocks):
        for i in range(sizes[worker]):
            word, owner = np.int64(words[worker, i]), worker * rows + i
            if not _is_ours(word, thread, threads) or place[word] != owner:
                continue
            place[word] = _NOBODY
            _ask_for(matrix, words[worker], i + _AHEAD, sizes[worker])
            if workers[owner] == 1:
                _move(matrix, word, copied[worker], i)
                continue
            scale, square = np.float32(1), _square(copied[worker], i)
            if square > squares[owner]:
                share = np.float32(workers[owner] - 1) / np.float32(most)
                scale -= share * share * (np.float32(1) - squares[owner] / square)
            _add(matrix, word, copied[worker], i, scale)
