"""Private copies of the rows that a block touches, and the sum of what several blocks changed.

The compiled part of reproducible training with several threads; `rounds` says how the parts go together. A block is
copied out of the matrices by `take_block`, trained by the same kernel as always, turned into changes by `to_changes`,
and the changes of all blocks of a round are added to the matrices by `merge`.

Every function does the same additions in the same order whatever the number of threads, and so are its sums.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from embeddings.word2vec import draws, matrices, simd
from embeddings.word2vec.draws import inlined

_AHEAD = 12  # rows between the prefetch and the use of one
_LINE_WORDS = np.uint64(16)  # words whose owners share a line of the cache; one thread merges them all
_NOBODY = -1


class Copies(NamedTuple):
    """Memory of W virtual workers; the first axis is the worker."""

    words: np.ndarray  # (W, c) int32: whose rows are copied; those of the block's tokens come first
    sizes: np.ndarray  # (W, 2) int64: how many rows of E, how many of C
    tokens: np.ndarray  # (W, t) int32: what subsampling left of the block, as numbers of copied rows
    offsets: np.ndarray  # (W, s) int64: where sentences begin in `tokens`
    noise: np.ndarray  # (W, n) int32: the block's noise words, as numbers of copied rows
    embedding: np.ndarray  # (W, t, padded d) float32: rows of E, later their changes
    context: np.ndarray  # (W, c, padded d) float32: rows of C, later their changes


class Owners(NamedTuple):
    """Which of several changes of a row collects their sum: one of E (first axis 0) and one of C (1)."""

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
        noise=np.zeros((workers, noise), np.int32),
        embedding=matrices.zeros(workers * tokens, dimension).reshape(workers, tokens, width),
        context=matrices.zeros(workers * rows, dimension).reshape(workers, rows, width),
    )


def make_owners(words: int, copies: Copies) -> Owners:
    """Allocate the tables of `merge` for a vocabulary of so many words."""
    rows = copies.words.size
    return Owners(
        np.full((2, words), _NOBODY, np.int64), np.zeros((2, rows), np.int32), np.zeros((2, rows), np.float32)
    )


_compiled = njit(nogil=True, cache=True, fastmath=True, error_model="numpy")


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


@_compiled
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
        begin = max(block.first, block.offsets[sentence])
        end = min(block.last, block.offsets[sentence + 1])
        kept, state = draws.subsample(block.ids, begin, end, parameters.keep, tokens[n:], state)
        for i in range(n, n + kept):
            tokens[i], rows = _number(tokens[i], place, words, rows)
        n += kept
        offsets[sentence - block.first_sentence + 1] = n
    all_rows = rows
    for k in range(noise):
        word, state = draws.noise_word(parameters, state)
        drawn[k], all_rows = _number(word, place, words, all_rows)
    copies.sizes[worker, 0], copies.sizes[worker, 1] = rows, all_rows
    _copy(parameters.embedding, copies.embedding[worker], words, rows)
    _copy(parameters.context, copies.context[worker], words, all_rows)
    for i in range(all_rows):
        place[words[i]] = _NOBODY
    return n, state


@inlined
def _ask_for(matrix, words, i, rows):
    """Prefetch the row that is needed a few rows later."""
    if i + _AHEAD < rows:
        for j in range(0, matrix.shape[1], 16):
            simd.prefetch(matrix, np.int64(words[i + _AHEAD]), j)


@inlined
def _copy(matrix, copied, words, rows):
    for i in range(rows):
        _ask_for(matrix, words, i, rows)
        for j in range(matrix.shape[1]):
            copied[i, j] = matrix[words[i], j]


@inlined
def _subtract(matrix, copied, words, rows):
    for i in range(rows):
        _ask_for(matrix, words, i, rows)
        for j in range(matrix.shape[1]):
            copied[i, j] -= matrix[words[i], j]


@_compiled
def to_changes(parameters, copies, worker):
    """Turn the trained rows of a worker into their changes, in place."""
    words, sizes = copies.words[worker], copies.sizes[worker]
    _subtract(parameters.embedding, copies.embedding[worker], words, sizes[0])
    _subtract(parameters.context, copies.context[worker], words, sizes[1])


@_compiled
def merge(parameters, copies, owners, blocks, thread, threads):
    """Add the changes of the first `blocks` workers to E and C: one thread's share of the rows.

    Changes of different workers are added up in the order of the workers. They were all made from the same rows, and
    where they agree, their sum goes too far: a row that all W workers changed is moved by Δ times the sum, with the
    gradient diversity Δ = Σ |change|² / |Σ change|², which is 1/W for equal changes and 1 for orthogonal ones (Yin
    et al. 2018, "Gradient Diversity: a Key Ingredient for Scalable Distributed Learning"). One that n workers changed
    is moved by 1 - κ (1 - Δ) times the sum, κ = ((n - 1) / (W - 1))²: rare words change seldom and little, and their
    changes may be added as they are.
    """
    for i in range(2):
        matrix, changes = (parameters.embedding, copies.embedding) if i == 0 else (parameters.context, copies.context)
        place, workers, squares = owners.place[i], owners.workers[i], owners.squares[i]
        sizes = copies.sizes[:, i]
        _add_up(changes, copies.words, sizes, place, workers, squares, blocks, thread, threads)
        _apply(matrix, changes, copies.words, sizes, place, workers, squares, blocks, thread, threads)


@inlined
def _is_ours(word, thread, threads):
    """Whether a thread merges the rows of a word: a hash of its line, scaled to the number of threads."""
    line = np.uint64(word) // _LINE_WORDS * np.uint64(2654435761) & np.uint64(0xFFFFFFFF)
    return np.int64((line * np.uint64(threads)) >> np.uint64(32)) == thread


@inlined
def _square(matrix, row):
    total = np.float32(0)
    for j in range(matrix.shape[1]):
        total += matrix[row, j] * matrix[row, j]
    return total


@inlined
def _add_up(changes, words, sizes, place, workers, squares, blocks, thread, threads):
    """Collect the changes of every row in the copy of the first worker that has it."""
    rows = words.shape[1]
    for worker in range(blocks):
        for i in range(sizes[worker]):
            word = words[worker, i]
            if not _is_ours(word, thread, threads):
                continue
            owner = place[word]
            if owner == _NOBODY:
                place[word] = worker * rows + i
                workers[worker * rows + i] = 1
                continue
            first, row = changes[owner // rows], owner % rows
            if workers[owner] == 1:
                squares[owner] = _square(first, row)
            workers[owner] += 1
            squares[owner] += _square(changes[worker], i)
            for j in range(first.shape[1]):
                first[row, j] += changes[worker, i, j]


@inlined
def _apply(matrix, changes, words, sizes, place, workers, squares, blocks, thread, threads):
    """Add the sums to the matrix and forget the owners."""
    rows, most = words.shape[1], max(1, words.shape[0] - 1)
    for worker in range(blocks):
        for i in range(sizes[worker]):
            word, owner = words[worker, i], worker * rows + i
            if not _is_ours(word, thread, threads) or place[word] != owner:
                continue
            place[word] = _NOBODY
            scale = np.float32(1)
            if workers[owner] > 1:
                square = _square(changes[worker], i)
                if square > squares[owner]:
                    share = np.float32(workers[owner] - 1) / np.float32(most)
                    scale -= share * share * (np.float32(1) - squares[owner] / square)
            for j in range(matrix.shape[1]):
                matrix[word, j] += scale * changes[worker, i, j]
