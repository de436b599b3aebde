"""Paragraph vectors, compiled by Numba: a document's row is one more input row (Le & Mikolov 2014).

PV-DM: the mean of the context words and of the document's vector predicts the centre word, as CBOW without the
document. PV-DBOW: the document's vector alone predicts every word, which is PV-DM with a window of 0. The hidden
vectors of a few neighbouring words are made together and their changes brought back together, but every word has its
own negatives: where neighbouring words share them, as in CBOW, a short document meets too few.
"""

import numpy as np

from embeddings import simd
from embeddings.compilation import in_place, in_place_inlined
from embeddings.simd import GROUP
from embeddings.word2vec.architectures import skip_gram
from embeddings.word2vec.output_layers import (
    ask_for_path,
    loss,
    return_top_nodes,
    score_noise,
    score_one,
    score_path,
    set_rates,
    take_top_nodes,
    train_one_path,
    train_one_word,
)
from embeddings.word2vec.random_draws import draw_negatives, draw_window, next_random, subsample, tokens_of

STRETCH = 128
"""Words of a new document whose vectors are added up at a time, so that float32 holds their sums; spans fill it."""

_SPAN = 4
"""Neighbouring words that are trained together; those of a new document share one set of negatives."""
_LINE = 16  # floats of a line of the cache
_PRIME = np.uint64(0x100000001B3)  # of FNV-1a (Fowler, Noll & Vo), 64 bits
_UNIT = np.float32(2**-24)
_BASIS = np.uint64(0xCBF29CE484222325)
_ZERO = np.float32(0)


@simd.with_few_vectors
def _average_columns(load, broadcast):
    @in_place_inlined
    def average(inputs, rows, number, scale, scratch, i, j):
        total = load(inputs, rows[i, 0], j)
        for k in range(1, number):
            total = simd.add(total, load(inputs, rows[i, k], j))
        total = simd.multiply(total, broadcast(scale))
        simd.store(scratch.hidden, i, j, total)
        simd.store(scratch.start, i, j, total)

    return average


@simd.with_few_vectors
def _spread_columns(load, broadcast):
    @in_place_inlined
    def spread(inputs, rows, number, scale, scratch, i, j):
        changed = simd.subtract(load(scratch.hidden, i, j), load(scratch.start, i, j))
        changed = simd.multiply(changed, broadcast(scale))
        for k in range(number):
            simd.store(inputs, rows[i, k], j, simd.add(load(inputs, rows[i, k], j), changed))

    return spread


@simd.with_few_vectors
def _sum_columns(load, broadcast):
    @in_place_inlined
    def add_up(words, tokens, low, high, sums, j):
        total = broadcast(_ZERO)
        simd.store(sums, 0, j, total)
        for i in range(low, high):
            total = simd.add(total, load(words, tokens[i], j))
            simd.store(sums, i + 1 - low, j, total)

    return add_up


@simd.with_few_vectors
def _window_columns(load, broadcast):
    @in_place_inlined
    def average(words, centre, sums, low, high, documents, document, scale, hidden, row, j):
        total = simd.subtract(load(sums, high, j), load(sums, low, j))
        total = simd.add(simd.subtract(total, load(words, centre, j)), load(documents, document, j))
        simd.store(hidden, row, j, simd.multiply(total, broadcast(scale)))

    return average


@in_place_inlined
def _share(number, step):
    """Weight of each input row of a hidden vector."""
    return np.float32(1) / np.float32(number) if step.mean else np.float32(1)


@in_place_inlined
def _list_rows(tokens, position, low, high, document, rows, i):
    """Write the rows of E that predict a word, those of its window and of the document; return their number."""
    number = np.int64(0)
    for k in range(low, high):
        rows[i, number] = tokens[k]
        number += k != position
    rows[i, number] = document
    return number + 1


@in_place_inlined
def _average(dimension, inputs, rows, number, step, scratch, i):
    """Write the mean (or sum) of the input rows of a word to ``hidden[i]``."""
    scale = _share(number, step)
    _average_columns(dimension, inputs, rows, number, scale, scratch, i)


@in_place_inlined
def _spread(dimension, inputs, rows, number, step, scratch, i):
    """Bring the change of a hidden vector to its input rows."""
    scale = _share(number, step)
    _spread_columns(dimension, inputs, rows, number, scale, scratch, i)


@in_place_inlined
def _ask_ahead(dimension, inputs, context, paths, tokens, position, n, step):
    """Ask for the rows of C of a word that is soon predicted, and for the row of E at the end of its window."""
    if position >= n:
        return
    if paths is not None:
        ask_for_path(context, paths, tokens[position], step.top)
    else:
        for j in range(0, dimension, _LINE):
            simd.prefetch(context, np.int64(tokens[position]), j)
    if position + step.window < n:
        for j in range(0, dimension, _LINE):
            simd.prefetch(inputs, np.int64(tokens[position + step.window]), j)


@in_place_inlined
def _add_up(dimension, words, tokens, low, high, sums):
    """Write the sums of the first 0, 1, ... vectors of a stretch: those of any window are the difference of two."""
    _sum_columns(dimension, words, tokens, low, high, sums)


@in_place_inlined
def _average_window(dimension, words, centre, sums, low, high, documents, document, step, hidden, row):
    """Write the mean (or sum) of the context words, by the sums of their stretch, and the document."""
    scale = _share(high - low, step)
    _window_columns(dimension, words, centre, sums, low, high, documents, document, scale, hidden, row)


@in_place_inlined
def _move(dimension, documents, document, context, outputs, first, scores, row, lane):
    """Change a document's vector by the rows of C of `GROUP` outputs; the score of one that does not count is zero."""
    o0, o1, o2 = outputs[first], outputs[first + 1], outputs[first + 2]
    o3, o4, o5 = outputs[first + 3], outputs[first + 4], outputs[first + 5]
    g0, g1 = simd.broadcast(scores[row, lane]), simd.broadcast(scores[row, lane + 1])
    g2, g3 = simd.broadcast(scores[row, lane + 2]), simd.broadcast(scores[row, lane + 3])
    g4, g5 = simd.broadcast(scores[row, lane + 4]), simd.broadcast(scores[row, lane + 5])
    for j in range(0, dimension, simd.LANES):
        x = simd.multiply_add(g0, simd.load(context, o0, j), simd.load(documents, document, j))
        y = simd.multiply(g1, simd.load(context, o1, j))
        x = simd.multiply_add(g2, simd.load(context, o2, j), x)
        y = simd.multiply_add(g3, simd.load(context, o3, j), y)
        x = simd.multiply_add(g4, simd.load(context, o4, j), x)
        y = simd.multiply_add(g5, simd.load(context, o5, j), y)
        simd.store(documents, document, j, simd.add(x, y))


@in_place_inlined
def _list_centres(centres, size, outputs):
    """Write the words of a span to `outputs`, and fill up a group with the first one, whose rate is zero there."""
    for i in range(GROUP):
        outputs[i] = centres[i if i < size else 0]


@in_place_inlined
def _move_by_windows(dimension, documents, document, centres, size, context, outputs, step, scratch):
    """Change a document's vector x by Σ ∂h/∂x G C over the hidden vectors h of a span, all else staying.

    The gradients of the outputs that the span shares are added up first: each row of C is read once.
    """
    hidden, rows, scores, windows = scratch.hidden, scratch.centres, scratch.scores, scratch.windows
    shared, own, zero = np.int64(_SPAN), np.int64(_SPAN + 1), np.int64(0)  # rows of scores
    _list_centres(centres, size, scratch.path)
    simd.store(scores, own, 0, simd.broadcast_score(_ZERO))
    for group in range(0, step.negative + 1, GROUP):
        score_noise(True, dimension, hidden, rows, size, context, centres, outputs, group, step, scratch)
        total = simd.broadcast_score(_ZERO)
        for i in range(size):
            share = _share(windows[i, 1] - windows[i, 0], step)
            total = simd.multiply_add(simd.broadcast_score(share), simd.load_scores(scores, i, 0), total)
            if group == 0:
                scores[own, i] = share * scores[i, 0]
        simd.store(scores, shared, 0, total)
        if group == 0:
            _move(dimension, documents, document, context, scratch.path, zero, scores, own, zero)
        lane = np.int64(group == 0)
        _move(dimension, documents, document, context, outputs, group + lane, scores, shared, lane)


@in_place_inlined
def _move_by_words(dimension, documents, document, centres, size, context, noise, step, scratch):
    """Change a document's vector as `_move_by_windows` with windows of 0: one hidden vector predicts the whole span.

    Each row of C is then scored once for all words of the span.
    """
    scores, outputs, zero = scratch.gradients, scratch.path, np.int64(0)
    _list_centres(centres, size, outputs)
    rate = simd.load_scores(scratch.rates, size, 0)
    label = simd.broadcast_score(np.float32(1))
    simd.store(scores, zero, 0, score_one(dimension, documents, document, context, outputs, zero, label, rate))
    label = simd.broadcast_score(_ZERO)
    for first in range(1, step.negative + 1, GROUP):
        group, left = np.int64(first), step.negative + 1 - first
        rate, total = simd.load_scores(scratch.rates, left if left < GROUP else GROUP, 0), label
        for i in range(size):  # noise that is the word does not count
            total = simd.add(total, simd.where_unequal(noise, group, centres[i], rate))
        change = score_one(dimension, documents, document, context, noise, group, label, total)
        simd.store(scores, zero, group - 1 + GROUP, change)
    _move(dimension, documents, document, context, outputs, zero, scores, zero, zero)
    for first in range(1, step.negative + 1, GROUP):
        group = np.int64(first)
        _move(dimension, documents, document, context, noise, group, scores, zero, group - 1 + GROUP)


@in_place_inlined
def _move_by_paths(dimension, documents, document, centres, size, context, paths, step, scratch):
    """Change a document's vector as `_move_by_windows`, with hierarchical softmax."""
    windows, gradients, zero = scratch.windows, scratch.gradients, np.int64(0)
    for i in range(size):
        word = np.int64(centres[i])
        count = score_path(dimension, scratch.hidden, i, context, paths, word, step, scratch)
        share = _share(windows[i, 1] - windows[i, 0], step)
        for k in range(count):
            gradients[0, k] *= share
        for first in range(0, count, GROUP):
            group = np.int64(first)
            _move(dimension, documents, document, context, scratch.path, group, gradients, zero, group)


@in_place
def paragraph_vectors(block, parameters, step, scratch, subwords, paths, weights):
    """Train a block with PV-DM, with a window of 0 PV-DBOW, in place.

    Parameters
    ----------
    block : Block
        Its sentences are documents.
    parameters : Parameters
        E, whose rows from ``block.first_document`` on are those of the documents of the shard, and C are changed.
    step : Step
    scratch : Scratch
    subwords : None
        Not supported; the parameters of all architectures are the same.
    paths : HuffmanPaths or None
        With hierarchical softmax.
    weights : None
        Not supported.

    Returns
    -------
    loss : float
        Summed over the centre words that were measured.
    examples : int
        Their number.
    """
    dimension = parameters.embedding.shape[1]
    inputs, context, tokens, hidden = parameters.embedding, parameters.context, scratch.tokens, scratch.hidden
    rows, numbers, outputs = scratch.mean_rows, scratch.mean_numbers, scratch.outputs
    state = step.state
    set_rates(scratch.rates, np.float32(step.learning_rate))
    if paths is not None:
        take_top_nodes(context, step.top)
    total, examples, countdown = 0.0, 0, 1 + np.int64(step.state % np.uint64(step.loss_interval))
    for sentence in range(block.first_sentence, block.last_sentence):
        begin, end = tokens_of(block, sentence)
        n, state = subsample(block, begin, end, parameters.keep, tokens, state)
        document = np.int64(block.first_document + sentence)
        for first in range(0, n, _SPAN):
            size = np.int64(_SPAN if n - first > _SPAN else n - first)
            for i in range(size):
                position = first + i
                if paths is None:
                    state = draw_negatives(parameters, outputs[i], step.negative, state)
                low, high, state = draw_window(position, n, step, state)
                numbers[i] = _list_rows(tokens, position, low, high, document, rows, i)
                _ask_ahead(dimension, inputs, context, paths, tokens, position + _SPAN, n, step)
            for i in range(size):
                _average(dimension, inputs, rows, numbers[i], step, scratch, i)
            for i in range(size):
                word = np.int64(tokens[first + i])
                countdown -= 1
                if countdown == 0:
                    countdown = step.loss_interval
                    total += loss(hidden, i, context, paths, word, outputs[i], step)
                    examples += 1
                if paths is None:
                    train_one_word(dimension, hidden, i, context, word, outputs[i], step, scratch)
                else:
                    train_one_path(dimension, hidden, i, context, paths, word, step, scratch)
            for i in range(size):
                _spread(dimension, inputs, rows, numbers[i], step, scratch, i)
    if paths is not None:
        return_top_nodes(context, step.top)
    return total, examples


@in_place
def infer_documents(block, documents, parameters, step, scratch, sums, dimension, epochs, last_rate, paths):
    """Train the vectors of new documents; the words' vectors stay.

    The random stream of a document begins with its words, so that its vector depends on nothing else.

    Parameters
    ----------
    block : Block
        Its sentences are documents.
    documents : (n, padded d) float32
        Receives the vectors of all documents of the block's shard, from ``block.first_sentence`` on.
    parameters : Parameters
    step : Step
        ``step.state`` is the seed.
    scratch : Scratch
    sums : (STRETCH + 2 window + 1, padded d) float32
        Working memory.
    dimension : int
        d, without padding.
    epochs : int
        Passes over the words of each document.
    last_rate : float
        Learning rate at the end; it falls evenly.
    paths : HuffmanPaths or None
        With hierarchical softmax.
    """
    width = parameters.embedding.shape[1]
    words, context, tokens, windows = parameters.embedding, parameters.context, scratch.tokens, scratch.windows
    for sentence in range(block.first_sentence, block.last_sentence):
        begin, end = block.offsets[sentence], block.offsets[sentence + 1]
        document = np.int64(sentence)
        state = _state_of(block.ids, begin, end, step.state)
        for j in range(dimension):
            state = next_random(state)
            documents[document, j] = (np.float32(state >> np.uint64(40)) * _UNIT - np.float32(0.5)) / dimension
        for epoch in range(epochs):
            rate = step.learning_rate + (last_rate - step.learning_rate) * epoch / epochs
            set_rates(scratch.rates, np.float32(rate))
            n, state = subsample(block, begin, end, parameters.keep, tokens, state)
            outputs, following = scratch.outputs[0], scratch.outputs[1]
            if paths is None:
                state = draw_negatives(parameters, following, step.negative, state)
            base = np.int64(0)
            for position in range(0, n, _SPAN):
                size = np.int64(_SPAN if n - position > _SPAN else n - position)
                outputs, following = following, outputs
                if paths is None:
                    state = draw_negatives(parameters, following, step.negative, state)
                centres = tokens[position : position + size]
                if paths is None and step.window == 0:
                    _move_by_words(width, documents, document, centres, size, context, outputs, step, scratch)
                    continue
                if position % STRETCH == 0:
                    base = np.int64(max(0, position - step.window))
                    _add_up(width, words, tokens, base, min(n, position + STRETCH + step.window), sums)
                for i in range(size):
                    low, high, state = draw_window(position + i, n, step, state)
                    windows[i, 0], windows[i, 1] = low, high
                    centre, low, high = np.int64(centres[i]), low - base, high - base
                    _average_window(
                        width, words, centre, sums, low, high, documents, document, step, scratch.hidden, np.int64(i)
                    )
                if paths is None:
                    _move_by_windows(width, documents, document, centres, size, context, outputs, step, scratch)
                else:
                    _move_by_paths(width, documents, document, centres, size, context, paths, step, scratch)


@in_place_inlined
def _state_of(ids, begin, end, seed):
    """Mix the words of a document and the seed into the state of a random stream."""
    state = _BASIS ^ seed
    for position in range(begin, end):
        state = (state ^ np.uint64(ids[position])) * _PRIME
    state ^= state >> np.uint64(31)
    return state | np.uint64(1)


def pv_dm(block, parameters, step, scratch, *extensions):
    """Train a block with PV-DM; see `paragraph_vectors`."""
    return paragraph_vectors(block, parameters, step, scratch, *extensions)


def pv_dbow(block, parameters, step, scratch, *extensions):
    """Train a block with PV-DBOW; see `paragraph_vectors`."""
    return paragraph_vectors(block, parameters, step._replace(window=0), scratch, *extensions)


def pv_dbow_with_words(block, parameters, step, scratch, *extensions):
    """Train the words of a block with skip-gram, then its documents with PV-DBOW."""
    skip_gram(block, parameters, step, scratch, *extensions)
    return pv_dbow(block, parameters, step, scratch, *extensions)


DOCUMENT_KERNELS = {"pv-dm": pv_dm, "pv-dbow": pv_dbow, "pv-dbow-words": pv_dbow_with_words}
"""Kernels of documents by their names in `ParagraphVectorsConfig.kernel`."""
