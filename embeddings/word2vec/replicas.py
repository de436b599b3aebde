"""Private copies of the rows that a block touches, and the sum of what several blocks changed.

The compiled part of reproducible training with several threads; `rounds` says how the parts go together. A block is
copied out of the matrices by `take_block`, trained by the same kernel as always, and the changes of all blocks of a
round are added to the matrices by `merge`.

Every function does the same additions in the same order whatever the number of threads.
"""

from typing import NamedTuple

import numpy as np

from embeddings import simd
from embeddings.compilation import in_place, in_place_inlined, read_only
from embeddings.word2vec import padded_matrices as matrices
from embeddings.word2vec.kernel_arguments import Extensions, HuffmanPaths, InputRows, Parameters
from embeddings.word2vec.random_draws import draw_negatives, subsample, tokens_of

_AHEAD = 12  # rows between the prefetch and the use of one
_LINE = 16  # floats of a line of the cache; words whose tables share a line are merged by the same thread
_NOBODY = -1


class Copies(NamedTuple):
    """Memory of W virtual workers; the first axis is the worker. Of a block, words and rows have own numbers."""

    words: np.ndarray  # (W, c) int32: the words of the block's tokens, then its noise words
    inputs: np.ndarray  # (W, r) int32: whose rows of E are copied; without subwords the same array as `words`
    outputs: np.ndarray  # (W, c) int32: whose rows of C are copied; with negative sampling the same array as `words`
    sizes: np.ndarray  # (W, 3) int64: how many rows of E, how many of C, how many words of tokens
    tokens: np.ndarray  # (W, t) int32: what subsampling left of the block
    offsets: np.ndarray  # (W, s) int64: where sentences begin in `tokens`
    noise: np.ndarray  # (W, 1 + n) int32: the block's noise words, from 1 on
    embedding: np.ndarray  # (W, r, padded d) float32: rows of E
    context: np.ndarray  # (W, c, padded d) float32: rows of C
    row_offsets: np.ndarray  # (W, t + 1) int64 and
    rows: np.ndarray  # (W, m) int32: `kernel_arguments.InputRows` of the block
    path_offsets: np.ndarray  # (W, t + 1) int64,
    path_nodes: np.ndarray  # (W, m) int32 and
    path_labels: np.ndarray  # (W, 1, m) float32: `kernel_arguments.HuffmanPaths` of the block


class Owners(NamedTuple):
    """Which of several copies of a row collects the sum of their changes; E's at 0 of the first axis, C's at 1."""

    place: np.ndarray  # (2, rows of E) int64: worker x rows + row, or -1
    workers: np.ndarray  # (2, W x rows) int32: how many workers changed the row
    squares: np.ndarray  # (2, W x rows) float32: Σ |change|² of them


def make_copies(
    parameters: Parameters, extensions: Extensions, workers: int, tokens: int, sentences: int, noise: int
) -> Copies:
    """Allocate memory for blocks of at most so many tokens, sentences and noise words."""
    width = parameters.embedding.shape[1]
    entries, nodes = _most(extensions.subwords, tokens), _most(extensions.paths, tokens)
    words = np.zeros((workers, tokens + noise), np.int32)
    input_rows = min(entries, len(parameters.embedding)) if entries else tokens
    output_rows = min(nodes, len(parameters.context)) if nodes else tokens + noise
    return Copies(
        words=words,
        inputs=np.zeros((workers, input_rows), np.int32) if entries else words,
        outputs=np.zeros((workers, output_rows), np.int32) if nodes else words,
        sizes=np.zeros((workers, 3), np.int64),
        tokens=np.zeros((workers, tokens), np.int32),
        offsets=np.zeros((workers, sentences + 1), np.int64),
        noise=np.zeros((workers, 1 + noise), np.int32),
        embedding=matrices.zeros(workers * input_rows, width).reshape(workers, input_rows, width),
        context=matrices.zeros(workers * output_rows, width).reshape(workers, output_rows, width),
        row_offsets=np.zeros((workers, tokens + 1), np.int64),
        rows=np.zeros((workers, entries), np.int32),
        path_offsets=np.zeros((workers, tokens + 1), np.int64),
        path_nodes=np.zeros((workers, nodes + simd.SCORES), np.int32),
        path_labels=np.zeros((workers, 1, nodes + simd.SCORES), np.float32),
    )


def _most(table: InputRows | HuffmanPaths | None, words: int) -> int:
    """Return how many entries so many words have at most in a table."""
    if table is None:
        return 0
    lengths = np.sort(np.diff(table.offsets))
    return int(lengths[max(0, len(lengths) - words) :].sum())


def make_owners(parameters: Parameters, copies: Copies) -> Owners:
    """Allocate the tables of `merge`."""
    rows = len(copies.words) * max(copies.inputs.shape[1], copies.outputs.shape[1])
    return Owners(
        np.full((2, len(parameters.embedding)), _NOBODY, np.int64),
        np.zeros((2, rows), np.int32),
        np.zeros((2, rows), np.float32),
    )


def copied_parameters(copies: Copies, worker: int, noise: int) -> Parameters:
    """Return the rows that `take_block` has copied in the form that kernels train.

    Tokens that subsampling has left are all kept, and the noise words of the block are drawn evenly: the alias of each
    number is always taken.
    """
    return Parameters(
        embedding=copies.embedding[worker],
        context=copies.context[worker],
        keep=np.full(copies.words.shape[1], 2**32 - 1, np.uint32),
        alias_threshold=np.zeros(noise, np.uint32),
        alias_word=copies.noise[worker, 1 : noise + 1],
    )


def copied_extensions(extensions: Extensions, copies: Copies, worker: int) -> Extensions:
    """Return the tables of the words of a block, and position weights of its own."""
    subwords, paths, weights = extensions
    offsets = slice(0, int(copies.sizes[worker, 2]) + 1)
    if subwords is not None:
        subwords = InputRows(read_only(copies.row_offsets[worker, offsets]), read_only(copies.rows[worker]))
    if paths is not None:
        own = read_only(copies.path_offsets[worker, offsets])
        paths = HuffmanPaths(own, copies.path_nodes[worker], copies.path_labels[worker])
    return Extensions(subwords, paths, None if weights is None else weights.copy())


@in_place_inlined
def _number(word, place, words, n):
    """Number of a word or row in the block; a new one gets the next number."""
    number = place[word]
    if number < 0:
        number = n
        place[word] = n
        words[n] = word
        n += 1
    return number, n


@in_place_inlined
def _forget(place, words, n):
    for i in range(n):
        place[words[i]] = _NOBODY


@in_place
def take_block(block, parameters, subwords, paths, copies, worker, noise, place, state):
    """Draw the tokens and noise words of a block and copy the rows that they use.

    Parameters
    ----------
    block : Block
    parameters : Parameters
    subwords : InputRows or None
    paths : HuffmanPaths or None
    copies : Copies
        What is drawn and copied is written to it.
    worker : int
    noise : int
        How many noise words to draw; 0 with hierarchical softmax.
    place : (rows of E,) int32
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
    n, known = 0, 0
    for sentence in range(block.first_sentence, block.last_sentence):
        begin, end = tokens_of(block, sentence)
        kept, state = subsample(block, begin, end, parameters.keep, tokens[n:], state)
        for i in range(n, n + kept):
            tokens[i], known = _number(tokens[i], place, words, known)
        n += kept
        offsets[sentence - block.first_sentence + 1] = n
    with_noise = known
    if noise > 0:
        state = draw_negatives(parameters, drawn, noise, state)
        for k in range(1, noise + 1):
            drawn[k], with_noise = _number(drawn[k], place, words, with_noise)
    _forget(place, words, with_noise)
    copies.sizes[worker, 0], copies.sizes[worker, 1], copies.sizes[worker, 2] = known, with_noise, known
    if subwords is not None:
        own, rows = copies.row_offsets[worker], copies.rows[worker]
        copies.sizes[worker, 0] = _number_entries(
            subwords.offsets, subwords.rows, words, known, place, own, rows, copies.inputs[worker]
        )
    if paths is not None:
        own, nodes = copies.path_offsets[worker], copies.path_nodes[worker]
        copies.sizes[worker, 1] = _number_entries(
            paths.offsets, paths.nodes, words, known, place, own, nodes, copies.outputs[worker]
        )
        _copy_labels(paths, words, known, own, copies.path_labels[worker, 0])
    _copy(parameters.embedding, copies.embedding[worker], copies.inputs[worker], copies.sizes[worker, 0])
    _copy(parameters.context, copies.context[worker], copies.outputs[worker], copies.sizes[worker, 1])
    return n, state


@in_place_inlined
def _number_entries(offsets, entries, words, known, place, own_offsets, own_entries, rows):
    """Write the entries of the block's words as numbers of the rows that are copied; return the number of rows."""
    n = 0
    for i in range(known):
        first, last = offsets[words[i]], offsets[words[i] + 1]
        own_offsets[i + 1] = own_offsets[i] + last - first
        for k in range(first, last):
            own_entries[own_offsets[i] + k - first], n = _number(entries[k], place, rows, n)
    _forget(place, rows, n)
    return n


@in_place_inlined
def _copy_labels(paths, words, known, own_offsets, labels):
    for i in range(known):
        first = paths.offsets[words[i]]
        for k in range(own_offsets[i + 1] - own_offsets[i]):
            labels[own_offsets[i] + k] = paths.labels[0, first + k]


@in_place_inlined
def _copy(matrix, copied, words, rows):
    for i in range(rows):
        _ask_for(matrix, words, i + _AHEAD, rows)
        _move(copied, i, matrix, np.int64(words[i]))


@in_place_inlined
def _ask_for(matrix, words, i, rows):
    if i < rows:
        for j in range(0, matrix.shape[1], _LINE):
            simd.prefetch(matrix, np.int64(words[i]), j)


@in_place_inlined
def _move(target, row, source, other):
    """target[row] = source[other]."""
    for j in range(0, target.shape[1], simd.LANES):
        simd.store(target, row, j, simd.load(source, other, j))


@in_place_inlined
def _add(target, row, source, other, scale):
    """target[row] += scale source[other]."""
    factor = simd.broadcast(scale)
    for j in range(0, target.shape[1], simd.LANES):
        changed = simd.multiply_add(factor, simd.load(source, other, j), simd.load(target, row, j))
        simd.store(target, row, j, changed)


@in_place_inlined
def _square(matrix, row):
    total = np.float32(0)
    for j in range(matrix.shape[1]):
        total += matrix[row, j] * matrix[row, j]
    return total


@in_place
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
        words = copies.inputs if i == 0 else copies.outputs
        sizes = copies.sizes[:, i]
        _add_up(matrix, copied, words, sizes, place, workers, squares, blocks, thread, threads)
        _apply(matrix, copied, words, sizes, place, workers, squares, blocks, thread, threads)


@in_place_inlined
def _is_ours(word, thread, threads):
    """Whether a thread merges the rows of a word: a hash of its line, scaled to the number of threads."""
    line = np.uint64(word) // np.uint64(_LINE) * np.uint64(2654435761) & np.uint64(0xFFFFFFFF)
    return np.int64((line * np.uint64(threads)) >> np.uint64(32)) == thread


@in_place_inlined
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


@in_place_inlined
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
