"""The innermost loops of skip-gram and CBOW with negative sampling, compiled by Numba.

One call trains one block of text on one thread, without Python's lock; any number of threads may work on the same
matrices at a time (Hogwild; Recht et al. 2011).

The scheme, for a window of m context words and n = K + 1 output words (the centre word and K shared negatives;
Ji et al. 2016, "Parallelizing Word2Vec in Shared and Distributed Memory")::

    scores  F = X Oᵀ                    (m, n)   X: context rows of E, O: output rows of C
    step    G = α (label - σ(F))        (m, n)   label: 1 for the centre word, 0 for negatives
    update  E[contexts] += G O,   C[outputs] += Gᵀ X

Output rows are taken `GROUP` at a time, so that scores (2 context rows x 6 outputs) and output gradients stay in
registers. Each group is a gradient step of its own: the second group sees the rows as the first left them.
"""

import math
from typing import NamedTuple

import numpy as np

from embeddings import simd
from embeddings.compilation import compiled, inlined

GROUP = 6
"""Output rows taken at a time; K = 5 negatives and the centre word are one group."""

SPAN = 8
"""Neighbouring CBOW centres that share one set of negatives when sharing is on."""

_ZERO = np.float32(0)
_LOOKAHEAD = 8  # positions between the prefetch of a context row and its first use


class Parameters(NamedTuple):
    """What all threads share: the matrices and the sampling tables."""

    embedding: np.ndarray  # E, (V, padded d) float32, input vectors
    context: np.ndarray  # C, (V, padded d) float32, output vectors
    keep: np.ndarray  # (V,) uint32: a token is kept when a random uint32 is not above it
    alias_threshold: np.ndarray  # (V,) uint32
    alias_word: np.ndarray  # (V,) int32


class Block(NamedTuple):
    """A stretch of an encoded corpus: tokens `first` to `last` of `ids`, whose sentences are `sentences`."""

    ids: np.ndarray  # (n,) int32
    offsets: np.ndarray  # (s + 1,) int64, where sentences begin in `ids`
    first_sentence: int
    last_sentence: int  # exclusive
    first: int
    last: int  # exclusive


class Step(NamedTuple):
    """The settings of one call."""

    window: int
    dynamic_window: bool  # draw each window from 1..window
    negative: int
    share_negatives: bool
    mean: bool  # CBOW: average the context vectors instead of adding them up
    learning_rate: float
    loss_interval: int  # the loss is taken at every so many-th centre word
    state: np.uint64  # of the random stream, not 0 (a Python int would be typed by its size)


class Scratch(NamedTuple):
    """Working memory of one thread."""

    tokens: np.ndarray  # (block,) int32, what subsampling left of a sentence
    contexts: np.ndarray  # (2 window,) int32
    outputs: np.ndarray  # (2, groups x GROUP) int32: of this centre and of the next
    rates: np.ndarray  # (SPAN, groups x SCORES) float32, by centre: the learning rate where the output counts, else 0
    scores: np.ndarray  # (2 window or SPAN, SCORES) float32
    hidden: np.ndarray  # (SPAN, padded d) float32, CBOW: mean or sum of the context vectors
    errors: np.ndarray  # (SPAN, padded d) float32, gradient with respect to `hidden`
    windows: np.ndarray  # (SPAN, 2) int64: first and last (exclusive) context position of a centre


def scratch(block: int, dimension: int, window: int, negative: int) -> Scratch:
    """Allocate working memory for one thread (`dimension` is the padded one)."""
    groups = -(-(negative + 1) // GROUP)
    return Scratch(
        tokens=np.empty(block, np.int32),
        contexts=np.empty(2 * window, np.int32),
        outputs=np.zeros((2, groups * GROUP), np.int32),
        rates=np.zeros((SPAN, groups * simd.SCORES), np.float32),
        scores=np.zeros((max(2 * window, SPAN), simd.SCORES), np.float32),
        hidden=np.zeros((SPAN, dimension), np.float32),
        errors=np.zeros((SPAN, dimension), np.float32),
        windows=np.zeros((SPAN, 2), np.int64),
    )


@inlined
def _next_random(state):
    """Marsaglia's xorshift64 (2003)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state


@inlined
def _below(state, n):
    """Map the upper half of a random state to 0..n-1 (Lemire 2019)."""
    return np.int64(((state >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@inlined
def tokens_of(block, sentence):
    """First and last (exclusive) token of a sentence that belong to the block."""
    begin, end = block.offsets[sentence], block.offsets[sentence + 1]
    return begin if begin > block.first else block.first, end if end < block.last else block.last


@inlined
def subsample(block, begin, end, keep, tokens, state):
    """Copy the tokens that frequent-word subsampling keeps; return their number."""
    n = 0
    for position in range(begin, end):
        word = block.ids[position]
        state = _next_random(state)
        tokens[n] = word
        n += keep[word] >= np.uint32(state >> np.uint64(32))
    return n, state


@inlined
def draw_negatives(parameters, outputs, negative, state):
    """Draw words from the noise distribution by Walker's alias method and ask for their rows."""
    words = parameters.alias_word.shape[0]
    for k in range(1, negative + 1):
        state = _next_random(state)
        word = _below(state, words)
        alias = np.int64(parameters.alias_word[word])  # read in any case: the branch could not be foretold
        word = alias if np.uint32(state & np.uint64(0xFFFFFFFF)) >= parameters.alias_threshold[word] else word
        outputs[k] = word
        for j in range(0, parameters.context.shape[1], 16):
            simd.prefetch(parameters.context, word, j)
    for k in range(negative + 1, outputs.shape[0]):
        outputs[k] = word  # padding; its rate is zero
    return state


@inlined
def _window(position, n, step, state):
    """First and last (exclusive) context position of a centre word."""
    reach = step.window
    if step.dynamic_window:
        state = _next_random(state)
        reach -= _below(state, step.window)
    low, high = position - reach, position + reach + 1
    return low if low > 0 else 0, high if high < n else n, state


@inlined
def _set_rates(centre, outputs, negative, learning_rate, rates, row):
    """Learning rate of each output: none for padding and for a negative that is the centre word itself."""
    for group in range(outputs.shape[0] // GROUP):
        for k in range(GROUP):
            output = GROUP * group + k
            counts = output == 0 or (output <= negative and outputs[output] != centre)
            rates[row, simd.SCORES * group + k] = learning_rate if counts else _ZERO


@inlined
def _softplus(x):
    return math.log1p(math.exp(-x if x > 0 else x)) + (x if x > 0 else _ZERO)


@inlined
def _first_measured(step):
    """Number of the centre word whose loss is taken first: drawn, so that short blocks have their share."""
    return 1 + np.int64(step.state % np.uint64(step.loss_interval))


@inlined
def _loss(rows, row, context, outputs, negative):
    """Negative-sampling loss of one input row: -log σ(o_centre·x) - Σ_k log σ(-o_k·x) (Mikolov et al. 2013, eq. 4)."""
    total = np.float64(0)
    for k in range(negative + 1):
        if k == 0 or outputs[k] != outputs[0]:
            score = np.float32(0)
            for j in range(rows.shape[1]):
                score += rows[row, j] * context[outputs[k], j]
            total += _softplus(-score if k == 0 else score)
    return total


_TANH_TOP = (
    -2.76076847742355e-16,
    2.00018790482477e-13,
    -8.60467152213735e-11,
    5.12229709037114e-08,
    1.48572235717979e-05,
    6.37261928875436e-04,
    4.89352455891786e-03,
)
_TANH_BOTTOM = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
_tanh_top = simd.polynomial([-0.5 * coefficient for coefficient in _TANH_TOP])
_tanh_bottom = simd.polynomial(_TANH_BOTTOM)


@inlined
def _minus_half_tanh(x):
    """Return -tanh(x / 2) / 2 = 1/2 - σ(x); tanh as a ratio of polynomials of degree 13 and 6, good to float32.

    The minus stands in the coefficients: a negation after the division would make LLVM write a slower division.
    """
    x = simd.multiply(x, simd.broadcast_score(np.float32(0.5)))
    x = simd.clamp(x, simd.broadcast_score(np.float32(7.905311)))
    square = simd.multiply(x, x)
    return simd.divide(simd.multiply(x, _tanh_top(square)), _tanh_bottom(square))


@inlined
def _score_two(dimension, rows, row, other, context, first, other_first, outputs, group):
    """Scores of two input rows against six output rows; the first output may differ between the two."""
    a0 = a1 = a2 = a3 = a4 = a5 = simd.broadcast(_ZERO)
    b0 = b1 = b2 = b3 = b4 = b5 = simd.broadcast(_ZERO)
    o1, o2, o3 = outputs[group + 1], outputs[group + 2], outputs[group + 3]
    o4, o5 = outputs[group + 4], outputs[group + 5]
    for j in range(0, dimension, simd.LANES):
        x = simd.load(rows, row, j)
        y = simd.load(rows, other, j)
        a0 = simd.multiply_add(x, simd.load(context, first, j), a0)
        b0 = simd.multiply_add(y, simd.load(context, other_first, j), b0)
        c = simd.load(context, o1, j)
        a1, b1 = simd.multiply_add(x, c, a1), simd.multiply_add(y, c, b1)
        c = simd.load(context, o2, j)
        a2, b2 = simd.multiply_add(x, c, a2), simd.multiply_add(y, c, b2)
        c = simd.load(context, o3, j)
        a3, b3 = simd.multiply_add(x, c, a3), simd.multiply_add(y, c, b3)
        c = simd.load(context, o4, j)
        a4, b4 = simd.multiply_add(x, c, a4), simd.multiply_add(y, c, b4)
        c = simd.load(context, o5, j)
        a5, b5 = simd.multiply_add(x, c, a5), simd.multiply_add(y, c, b5)
    return simd.lane_sums(a0, a1, a2, a3, a4, a5), simd.lane_sums(b0, b1, b2, b3, b4, b5)


@inlined
def _set_gradients(scores, row, values, label, rate):
    """Write α (label - σ(score)) for the outputs of one input row."""
    label = simd.subtract(label, simd.broadcast_score(np.float32(0.5)))
    simd.store(scores, row, 0, simd.multiply(rate, simd.add(label, _minus_half_tanh(values))))


_TWO_WIDTHS = simd.WIDE > simd.LANES


def _both_widths(operation):
    """Make an operation on a few columns for wide vectors, and one for the columns that are left over.

    Parameters
    ----------
    operation : function of a pair of `simd.load` and `simd.broadcast` of one width

    Returns
    -------
    tuple of function
    """
    wide = operation(simd.load_wide, simd.broadcast_wide)
    return wide, operation(simd.load, simd.broadcast) if _TWO_WIDTHS else wide


def _column_update(load, broadcast):
    @inlined
    def update(parameters, contexts, m, outputs, group, scores, j):
        embedding, context = parameters.embedding, parameters.context
        o0, o1, o2 = outputs[group], outputs[group + 1], outputs[group + 2]
        o3, o4, o5 = outputs[group + 3], outputs[group + 4], outputs[group + 5]
        c0, c1, c2 = load(context, o0, j), load(context, o1, j), load(context, o2, j)
        c3, c4, c5 = load(context, o3, j), load(context, o4, j), load(context, o5, j)
        d0 = d1 = d2 = d3 = d4 = d5 = broadcast(_ZERO)
        for i in range(m):
            x = load(embedding, contexts[i], j)
            g = broadcast(scores[i, 0])
            d0, e = simd.multiply_add(g, x, d0), simd.multiply(g, c0)
            g = broadcast(scores[i, 1])
            d1, e = simd.multiply_add(g, x, d1), simd.multiply_add(g, c1, e)
            g = broadcast(scores[i, 2])
            d2, e = simd.multiply_add(g, x, d2), simd.multiply_add(g, c2, e)
            g = broadcast(scores[i, 3])
            d3, e = simd.multiply_add(g, x, d3), simd.multiply_add(g, c3, e)
            g = broadcast(scores[i, 4])
            d4, e = simd.multiply_add(g, x, d4), simd.multiply_add(g, c4, e)
            g = broadcast(scores[i, 5])
            d5, e = simd.multiply_add(g, x, d5), simd.multiply_add(g, c5, e)
            simd.store(embedding, contexts[i], j, simd.add(x, e))
        # Read again: two of the outputs may be the same word.
        simd.store(context, o0, j, simd.add(load(context, o0, j), d0))
        simd.store(context, o1, j, simd.add(load(context, o1, j), d1))
        simd.store(context, o2, j, simd.add(load(context, o2, j), d2))
        simd.store(context, o3, j, simd.add(load(context, o3, j), d3))
        simd.store(context, o4, j, simd.add(load(context, o4, j), d4))
        simd.store(context, o5, j, simd.add(load(context, o5, j), d5))

    return update


_update_wide, _update_narrow = _both_widths(_column_update)


@inlined
def _update_window(dimension, parameters, contexts, m, outputs, group, scores):
    """E[contexts] += G O and C[outputs] += Gᵀ X, a few registers' width of the rows at a time."""
    whole = dimension // simd.WIDE * simd.WIDE if _TWO_WIDTHS else dimension
    for j in range(0, whole, simd.WIDE):
        _update_wide(parameters, contexts, m, outputs, group, scores, j)
    if _TWO_WIDTHS:
        for j in range(whole, dimension, simd.LANES):
            _update_narrow(parameters, contexts, m, outputs, group, scores, j)


@inlined
def _train_pairs(dimension, parameters, contexts, m, outputs, rates, scores):
    """One gradient step a group: every context word against the centre word and its negatives."""
    embedding, context = parameters.embedding, parameters.context
    for group in range(outputs.shape[0] // GROUP):
        rate = simd.load_scores(rates, 0, simd.SCORES * group)
        label = simd.first_score(np.float32(1 if group == 0 else 0))
        first = outputs[GROUP * group]
        for i in range(0, m, 2):
            other = i + 1 if i + 1 < m else i
            a, b = _score_two(
                dimension, embedding, contexts[i], contexts[other], context, first, first, outputs, GROUP * group
            )
            _set_gradients(scores, i, a, label, rate)
            _set_gradients(scores, other, b, label, rate)
        _update_window(dimension, parameters, contexts, m, outputs, GROUP * group, scores)


@compiled
def skip_gram(block, parameters, step, scratch):
    """Train a block with skip-gram, in place.

    Parameters
    ----------
    block : Block
    parameters : Parameters
        E and C are changed.
    step : Step
    scratch : Scratch

    Returns
    -------
    loss : float
        Summed over the examples of the centre words that were measured.
    examples : int
        (input, centre) examples that it sums over.
    """
    dimension = parameters.embedding.shape[1]
    state = step.state
    tokens, contexts, outputs, rates = scratch.tokens, scratch.contexts, scratch.outputs, scratch.rates
    rate = np.float32(step.learning_rate)
    loss, examples, countdown = 0.0, 0, _first_measured(step)
    for sentence in range(block.first_sentence, block.last_sentence):
        begin, end = tokens_of(block, sentence)
        n, state = subsample(block, begin, end, parameters.keep, tokens, state)
        state = draw_negatives(parameters, outputs[1], step.negative, state)
        for position in range(n):
            low, high, state = _window(position, n, step, state)
            m = np.int64(0)  # (a Python number would be typed by its value, and its users compiled several times)
            for i in range(low, high):
                contexts[m] = tokens[i]
                m += i != position
            current, following = outputs[position & 1 ^ 1], outputs[position & 1]
            state = draw_negatives(parameters, following, step.negative, state)
            if position + _LOOKAHEAD < n:
                for j in range(0, dimension, 16):
                    simd.prefetch(parameters.embedding, np.int64(tokens[position + _LOOKAHEAD]), j)
                    simd.prefetch(parameters.context, np.int64(tokens[position + 2]), j)
            current[0] = tokens[position]
            _set_rates(current[0], current, step.negative, rate, rates, 0)
            countdown -= 1
            if countdown == 0:
                countdown = step.loss_interval
                for i in range(m):
                    loss += _loss(parameters.embedding, contexts[i], parameters.context, current, step.negative)
                examples += m
            if step.share_negatives:
                _train_pairs(dimension, parameters, contexts, m, current, rates, scratch.scores)
            else:
                for i in range(m):
                    if i > 0:
                        state = draw_negatives(parameters, current, step.negative, state)
                        _set_rates(current[0], current, step.negative, rate, rates, 0)
                    _train_pairs(dimension, parameters, contexts[i:], np.int64(1), current, rates, scratch.scores)
    return loss, examples


def _column_average(load, broadcast):
    @inlined
    def average(embedding, tokens, position, low, high, scale, scratch, row, j):
        total = broadcast(_ZERO)
        for i in range(low, high):
            total = simd.add(total, load(embedding, tokens[i], j))
        total = simd.subtract(total, load(embedding, tokens[position], j))
        simd.store(scratch.hidden, row, j, simd.multiply(total, broadcast(scale)))
        simd.store(scratch.errors, row, j, broadcast(_ZERO))

    return average


def _span_update(load, broadcast):
    @inlined
    def update(context, centres, size, outputs, group, scratch, j):
        scores, hidden, errors = scratch.scores, scratch.hidden, scratch.errors
        o1, o2, o3 = outputs[group + 1], outputs[group + 2], outputs[group + 3]
        o4, o5 = outputs[group + 4], outputs[group + 5]
        c1, c2, c3 = load(context, o1, j), load(context, o2, j), load(context, o3, j)
        c4, c5 = load(context, o4, j), load(context, o5, j)
        d1 = d2 = d3 = d4 = d5 = broadcast(_ZERO)
        for i in range(size):
            first = centres[i] if group == 0 else outputs[group]
            h, c0 = load(hidden, i, j), load(context, first, j)
            g = broadcast(scores[i, 0])
            simd.store(context, first, j, simd.multiply_add(g, h, c0))
            e = simd.multiply_add(g, c0, load(errors, i, j))
            g = broadcast(scores[i, 1])
            d1, e = simd.multiply_add(g, h, d1), simd.multiply_add(g, c1, e)
            g = broadcast(scores[i, 2])
            d2, e = simd.multiply_add(g, h, d2), simd.multiply_add(g, c2, e)
            g = broadcast(scores[i, 3])
            d3, e = simd.multiply_add(g, h, d3), simd.multiply_add(g, c3, e)
            g = broadcast(scores[i, 4])
            d4, e = simd.multiply_add(g, h, d4), simd.multiply_add(g, c4, e)
            g = broadcast(scores[i, 5])
            d5, e = simd.multiply_add(g, h, d5), simd.multiply_add(g, c5, e)
            simd.store(errors, i, j, e)
        simd.store(context, o1, j, simd.add(load(context, o1, j), d1))
        simd.store(context, o2, j, simd.add(load(context, o2, j), d2))
        simd.store(context, o3, j, simd.add(load(context, o3, j), d3))
        simd.store(context, o4, j, simd.add(load(context, o4, j), d4))
        simd.store(context, o5, j, simd.add(load(context, o5, j), d5))

    return update


def _column_spread(load, broadcast):
    @inlined
    def spread(embedding, tokens, position, low, high, scale, errors, row, j):
        error = simd.multiply(load(errors, row, j), broadcast(scale))
        for i in range(low, position):
            simd.store(embedding, tokens[i], j, simd.add(load(embedding, tokens[i], j), error))
        for i in range(position + 1, high):
            simd.store(embedding, tokens[i], j, simd.add(load(embedding, tokens[i], j), error))

    return spread


_spread_wide, _spread_narrow = _both_widths(_column_spread)
_average_wide, _average_narrow = _both_widths(_column_average)
_update_span_wide, _update_span_narrow = _both_widths(_span_update)


@inlined
def _average_contexts(dimension, embedding, tokens, position, low, high, mean, scratch, row):
    """Write the mean (or sum) of the context vectors to ``scratch.hidden[row]``."""
    scale = np.float32(1) / np.float32(high - low - 1) if mean else np.float32(1)
    whole = dimension // simd.WIDE * simd.WIDE if _TWO_WIDTHS else dimension
    for j in range(0, whole, simd.WIDE):
        _average_wide(embedding, tokens, position, low, high, scale, scratch, row, j)
    if _TWO_WIDTHS:
        for j in range(whole, dimension, simd.LANES):
            _average_narrow(embedding, tokens, position, low, high, scale, scratch, row, j)


@inlined
def _spread_error(dimension, embedding, tokens, position, low, high, mean, errors, row):
    """E[contexts] += ∂h/∂E[context] x error."""
    scale = np.float32(1) / np.float32(high - low - 1) if mean else np.float32(1)
    whole = dimension // simd.WIDE * simd.WIDE if _TWO_WIDTHS else dimension
    for j in range(0, whole, simd.WIDE):
        _spread_wide(embedding, tokens, position, low, high, scale, errors, row, j)
    if _TWO_WIDTHS:
        for j in range(whole, dimension, simd.LANES):
            _spread_narrow(embedding, tokens, position, low, high, scale, errors, row, j)


@inlined
def _train_span(dimension, context, centres, size, outputs, step, scratch):
    """One gradient step a group: the hidden vectors of a span against their centre words and shared negatives."""
    rate = np.float32(step.learning_rate)
    whole = dimension // simd.WIDE * simd.WIDE if _TWO_WIDTHS else dimension
    for i in range(size):
        _set_rates(centres[i], outputs, step.negative, rate, scratch.rates, i)
    for group in range(outputs.shape[0] // GROUP):
        label = simd.first_score(np.float32(1 if group == 0 else 0))
        for i in range(0, size, 2):
            other = i + 1 if i + 1 < size else i
            first = centres[i] if group == 0 else outputs[GROUP * group]
            other_first = centres[other] if group == 0 else first
            a, b = _score_two(dimension, scratch.hidden, i, other, context, first, other_first, outputs, GROUP * group)
            _set_gradients(scratch.scores, i, a, label, simd.load_scores(scratch.rates, i, simd.SCORES * group))
            _set_gradients(scratch.scores, other, b, label, simd.load_scores(scratch.rates, other, simd.SCORES * group))
        for j in range(0, whole, simd.WIDE):
            _update_span_wide(context, centres, size, outputs, GROUP * group, scratch, j)
        if _TWO_WIDTHS:
            for j in range(whole, dimension, simd.LANES):
                _update_span_narrow(context, centres, size, outputs, GROUP * group, scratch, j)


@compiled
def cbow(block, parameters, step, scratch):
    """Train a block with CBOW, in place; returns what `skip_gram` does."""
    dimension = parameters.embedding.shape[1]
    state = step.state
    tokens, windows, embedding = scratch.tokens, scratch.windows, parameters.embedding
    span = SPAN if step.share_negatives else 1
    loss, examples, countdown = 0.0, 0, _first_measured(step)
    for sentence in range(block.first_sentence, block.last_sentence):
        begin, end = tokens_of(block, sentence)
        n, state = subsample(block, begin, end, parameters.keep, tokens, state)
        if n < 2:
            continue
        current, following = scratch.outputs[0], scratch.outputs[1]
        state = draw_negatives(parameters, following, step.negative, state)
        for position in range(0, n, span):
            size = span if span < n - position else n - position
            current, following = following, current
            state = draw_negatives(parameters, following, step.negative, state)
            centres = tokens[position : position + size]
            for i in range(size):
                low, high, state = _window(position + i, n, step, state)
                windows[i, 0], windows[i, 1] = low, high
                _average_contexts(dimension, embedding, tokens, position + i, low, high, step.mean, scratch, i)
                ahead = position + i + 2 * SPAN
                if ahead < n:
                    for j in range(0, dimension, 16):
                        simd.prefetch(embedding, np.int64(tokens[ahead]), j)
                        simd.prefetch(parameters.context, np.int64(tokens[ahead]), j)
                countdown -= 1
                if countdown == 0:
                    countdown = step.loss_interval
                    current[0] = centres[i]
                    loss += _loss(scratch.hidden, i, parameters.context, current, step.negative)
                    examples += 1
            _train_span(dimension, parameters.context, centres, size, current, step, scratch)
            for i in range(size):
                low, high = windows[i, 0], windows[i, 1]
                _spread_error(dimension, embedding, tokens, position + i, low, high, step.mean, scratch.errors, i)
    return loss, examples


KERNELS = {"skip-gram": skip_gram, "cbow": cbow}
