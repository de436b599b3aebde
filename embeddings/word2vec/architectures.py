"""The two architectures of word2vec, compiled by Numba: which input vectors predict which words.

Skip-gram: each context word predicts the centre word. CBOW: their mean does. The input vectors are rows of E, or means
of several rows (`input_rows`); how a word is predicted and what is learned from it is the same for both
(`output_layers`).

One call trains one block of text on one thread, without Python's lock; any number of threads may work on the same
matrices at a time (Hogwild; Recht et al. 2011). What is None is left out of the machine code: Numba compiles a kernel
once for every combination of subwords, paths and position weights that is used.
"""

import numpy as np

from embeddings import simd
from embeddings.compilation import in_place, in_place_inlined
from embeddings.word2vec.input_rows import change_rows, make_vectors
from embeddings.word2vec.kernel_arguments import SPAN
from embeddings.word2vec.output_layers import (
    ask_for_path,
    loss,
    return_top_nodes,
    set_rates,
    take_top_nodes,
    train_one_path,
    train_path,
    train_words,
)
from embeddings.word2vec.random_draws import draw_negatives, draw_window, subsample, tokens_of

_LOOKAHEAD = 8  # positions between the prefetch of a context row and its first use


@in_place_inlined
def _first_measured(step):
    """Number of the centre word whose loss is taken first: drawn, so that short blocks have their share."""
    return 1 + np.int64(step.state % np.uint64(step.loss_interval))


@in_place
def skip_gram(block, parameters, step, scratch, subwords, paths, weights):
    """Train a block with skip-gram, in place.

    Parameters
    ----------
    block : Block
    parameters : Parameters
        E and C are changed.
    step : Step
    scratch : Scratch
    subwords : InputRows or None
    paths : HuffmanPaths or None
        With hierarchical softmax.
    weights : (2 window, padded d) float32 or None
        Weights of the context positions, which CBOW changes.

    Returns
    -------
    loss : float
        Summed over the examples of the centre words that were measured.
    examples : int
        (input, centre) examples that it sums over.
    """
    dimension = parameters.embedding.shape[1]
    state = step.state
    inputs = parameters.embedding if subwords is None else scratch.vectors
    tokens, contexts, context = scratch.tokens, scratch.contexts, parameters.context
    rows = tokens if subwords is None else scratch.slots
    set_rates(scratch.rates, np.float32(step.learning_rate))
    if paths is not None:
        take_top_nodes(context, step.top)
    total, examples, countdown = 0.0, 0, _first_measured(step)
    for sentence in range(block.first_sentence, block.last_sentence):
        begin, end = tokens_of(block, sentence)
        n, state = subsample(block, begin, end, parameters.keep, tokens, state)
        if paths is None:
            state = draw_negatives(parameters, scratch.outputs[1], step.negative, state)
        made, changed = 0, 0
        for position in range(n):
            if subwords is not None:
                near = min(n, position + step.window + 1)
                make_vectors(dimension, parameters.embedding, subwords, tokens, made, near, n, scratch)
                made = near
            low, high, state = draw_window(position, n, step, state)
            m = np.int64(0)  # (a Python number would be typed by its value, and its users compiled several times)
            for i in range(low, high):
                contexts[m] = rows[i]
                m += i != position
            current, following = scratch.outputs[position & 1 ^ 1], scratch.outputs[position & 1]
            if paths is None:
                state = draw_negatives(parameters, following, step.negative, state)
                if position + _LOOKAHEAD < n:
                    for j in range(0, dimension, 16):
                        simd.prefetch(parameters.embedding, np.int64(tokens[position + _LOOKAHEAD]), j)
                        simd.prefetch(context, np.int64(tokens[position + 2]), j)
            elif position + 1 < n:
                ask_for_path(context, paths, tokens[position + 1], step.top)
            word, centre = tokens[position : position + 1], np.int64(tokens[position])
            countdown -= 1
            if countdown == 0:
                countdown = step.loss_interval
                for i in range(m):
                    total += loss(inputs, contexts[i], context, paths, centre, current, step)
                examples += m
            if paths is not None:
                train_path(dimension, inputs, contexts, m, context, paths, centre, step, scratch)
            elif step.share_negatives:
                train_words(False, dimension, inputs, contexts, m, context, word, current, step, scratch)
            else:
                for i in range(m):
                    if i > 0:
                        state = draw_negatives(parameters, current, step.negative, state)
                    one = contexts[i:]
                    train_words(False, dimension, inputs, one, np.int64(1), context, word, current, step, scratch)
            if subwords is not None:
                past = max(0, position + 1 - step.window)
                change_rows(dimension, parameters.embedding, subwords, tokens, changed, past, scratch)
                changed = past
        if subwords is not None:
            change_rows(dimension, parameters.embedding, subwords, tokens, changed, n, scratch)
    if paths is not None:
        return_top_nodes(context, step.top)
    return total, examples


@simd.with_few_vectors
def _average_columns(load, broadcast):
    @in_place_inlined
    def average(inputs, rows, position, low, high, scale, scratch, row, j):
        total = broadcast(np.float32(0))
        for i in range(low, high):
            total = simd.add(total, load(inputs, rows[i], j))
        total = simd.subtract(total, load(inputs, rows[position], j))
        total = simd.multiply(total, broadcast(scale))
        simd.store(scratch.hidden, row, j, total)
        simd.store(scratch.start, row, j, total)

    return average


@simd.with_few_vectors
def _weighted_columns(load, broadcast):
    @in_place_inlined
    def average(inputs, rows, position, low, high, scale, weights, first, scratch, row, j):
        total = broadcast(np.float32(0))
        for i in range(low, high):
            if i != position:
                weight = load(weights, first + i - low - (i > position), j)
                total = simd.multiply_add(weight, load(inputs, rows[i], j), total)
        total = simd.multiply(total, broadcast(scale))
        simd.store(scratch.hidden, row, j, total)
        simd.store(scratch.start, row, j, total)

    return average


@simd.with_few_vectors
def _spread_columns(load, broadcast):
    @in_place_inlined
    def spread(inputs, rows, position, low, high, scale, scratch, row, j):
        changed = simd.subtract(load(scratch.hidden, row, j), load(scratch.start, row, j))
        changed = simd.multiply(changed, broadcast(scale))
        for i in range(low, position):
            simd.store(inputs, rows[i], j, simd.add(load(inputs, rows[i], j), changed))
        for i in range(position + 1, high):
            simd.store(inputs, rows[i], j, simd.add(load(inputs, rows[i], j), changed))

    return spread


@in_place_inlined
def _average_contexts(dimension, inputs, rows, position, low, high, step, weights, scratch, row):
    """Write the mean (or sum) of the context vectors, each times the weight of its position, to ``hidden[row]``."""
    scale = np.float32(1) / np.float32(high - low - 1) if step.mean else np.float32(1)
    if weights is not None:
        first = low - position + step.window  # position weight of the first context word
        _weighted_columns(dimension, inputs, rows, position, low, high, scale, weights, first, scratch, row)
        return
    _average_columns(dimension, inputs, rows, position, low, high, scale, scratch, row)


@in_place_inlined
def _spread_change(dimension, inputs, rows, position, low, high, step, weights, scratch, row):
    """Bring the change of a hidden vector h to the context vectors x: x += ∂h/∂x · change."""
    scale = np.float32(1) / np.float32(high - low - 1) if step.mean else np.float32(1)
    if weights is not None:
        _spread_weighted(dimension, inputs, rows, position, low, high, step, weights, scale, scratch, row)
        return
    _spread_columns(dimension, inputs, rows, position, low, high, scale, scratch, row)


@in_place_inlined
def _spread_weighted(dimension, inputs, rows, position, low, high, step, weights, scale, scratch, row):
    """Add w ⊙ change / m to x, and x ⊙ change / m to weighted components of w (Mikolov et al. 2018, section 2.2)."""
    hidden, start = scratch.hidden, scratch.start
    for j in range(dimension):
        start[row, j] = (hidden[row, j] - start[row, j]) * scale
    for i in range(low, high):
        if i != position:
            weight = i - position + step.window - (i > position)
            for j in range(step.weighted):
                x, w, change = inputs[rows[i], j], weights[weight, j], start[row, j]
                inputs[rows[i], j] = x + w * change
                weights[weight, j] = w + x * change
            for j in range(step.weighted, dimension):
                inputs[rows[i], j] += start[row, j]


@in_place
def cbow(block, parameters, step, scratch, subwords, paths, weights):
    """Train a block with CBOW, in place; returns what `skip_gram` does."""
    dimension = parameters.embedding.shape[1]
    state = step.state
    inputs = parameters.embedding if subwords is None else scratch.vectors
    tokens, windows, context = scratch.tokens, scratch.windows, parameters.context
    rows = tokens if subwords is None else scratch.slots
    span = SPAN if step.share_negatives or paths is not None else 1
    set_rates(scratch.rates, np.float32(step.learning_rate))
    if paths is not None:
        take_top_nodes(context, step.top)
    total, examples, countdown = 0.0, 0, _first_measured(step)
    for sentence in range(block.first_sentence, block.last_sentence):
        begin, end = tokens_of(block, sentence)
        n, state = subsample(block, begin, end, parameters.keep, tokens, state)
        if n < 2:
            continue
        current, following = scratch.outputs[0], scratch.outputs[1]
        if paths is None:
            state = draw_negatives(parameters, following, step.negative, state)
        made, changed = 0, 0
        for position in range(0, n, span):
            size = span if span < n - position else n - position
            if subwords is not None:
                near = min(n, position + size + step.window)
                make_vectors(dimension, parameters.embedding, subwords, tokens, made, near, n, scratch)
                made = near
            current, following = following, current
            if paths is None:
                state = draw_negatives(parameters, following, step.negative, state)
            centres = tokens[position : position + size]
            for i in range(size):
                low, high, state = draw_window(position + i, n, step, state)
                windows[i, 0], windows[i, 1] = low, high
                _average_contexts(dimension, inputs, rows, position + i, low, high, step, weights, scratch, i)
                if paths is not None:
                    ask_for_path(context, paths, centres[i], step.top)
                ahead = position + i + 2 * SPAN
                if ahead < n:
                    for j in range(0, dimension, 16):
                        simd.prefetch(parameters.embedding, np.int64(tokens[ahead]), j)
                        if paths is None:
                            simd.prefetch(context, np.int64(tokens[ahead]), j)
                countdown -= 1
                if countdown == 0:
                    countdown = step.loss_interval
                    total += loss(scratch.hidden, i, context, paths, np.int64(centres[i]), current, step)
                    examples += 1
            if paths is None:
                hidden, own = scratch.hidden, scratch.centres
                train_words(True, dimension, hidden, own, size, context, centres, current, step, scratch)
            else:
                for i in range(size):
                    train_one_path(dimension, scratch.hidden, i, context, paths, np.int64(centres[i]), step, scratch)
            for i in range(size):
                low, high = windows[i, 0], windows[i, 1]
                _spread_change(dimension, inputs, rows, position + i, low, high, step, weights, scratch, i)
            if subwords is not None:
                past = max(0, position + size - step.window)
                change_rows(dimension, parameters.embedding, subwords, tokens, changed, past, scratch)
                changed = past
        if subwords is not None:
            change_rows(dimension, parameters.embedding, subwords, tokens, changed, n, scratch)
    if paths is not None:
        return_top_nodes(context, step.top)
    return total, examples


KERNELS = {"skip-gram": skip_gram, "cbow": cbow}
