"""Output layers of word2vec: how well input vectors predict a word, and the gradient step of both.

An output layer says which rows of C, with which labels, a word to predict stands for: with negative sampling the row of
the word (label 1) and those of K noise words (0); with hierarchical softmax the nodes on its way through the Huffman
tree, whose labels say where the way goes to the left. The arithmetic is the same for both. For m input rows X and n
output rows O (Ji et al. 2016, "Parallelizing Word2Vec in Shared and Distributed Memory")::

    scores  F = X Oᵀ                    (m, n)
    loss    -Σ log σ(±F)                + where the label is 1
    step    G = α (label - σ(F))        (m, n)
    update  X += G O,   O += Gᵀ X

Output rows are taken `GROUP` at a time, so that scores (2 input rows x 6 outputs) and output gradients stay in
registers. Each group is a gradient step of its own: the second group sees the rows as the first left them. But the path
of one input row, CBOW's hidden vector, is one step (`train_one_path`), as in word2vec's C code.
"""

import math

import numpy as np

from embeddings import simd
from embeddings.compilation import in_place_inlined
from embeddings.simd import GROUP

_ZERO = np.float32(0)
_LINE = 16  # floats of a line of the cache


@in_place_inlined
def set_rates(rates, learning_rate):
    """Write the learning rate for groups of 0 to `GROUP` outputs."""
    for n in range(GROUP + 1):
        for k in range(simd.SCORES):
            rates[n, k] = learning_rate if k < n else _ZERO


@in_place_inlined
def loss(inputs, row, context, paths, word, noise, step):
    """-log of the probability that an input row gives to a word.

    Negative sampling: -log σ(o_word·x) - Σ_k log σ(-o_k·x) (Mikolov et al. 2013, eq. 4). Hierarchical softmax:
    -Σ log σ(±o_node·x), a true -log p(word | x), normalised over the vocabulary (eq. 3).
    """
    total = np.float64(0)
    if paths is None:
        total += _softplus(-_dot(inputs, row, context, word))
        for k in range(1, step.negative + 1):
            if noise[k] != word:
                total += _softplus(_dot(inputs, row, context, np.int64(noise[k])))
    else:
        for node in range(paths.offsets[word], paths.offsets[word + 1]):
            score = _dot(inputs, row, context, np.int64(paths.nodes[node]))
            total += _softplus(-score if paths.labels[0, node] == 1 else score)
    return total


@in_place_inlined
def _dot(inputs, row, context, output):
    score = _ZERO
    for j in range(inputs.shape[1]):
        score += inputs[row, j] * context[output, j]
    return score


@in_place_inlined
def _softplus(x):
    return math.log1p(math.exp(-x if x > 0 else x)) + (x if x > 0 else _ZERO)


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


@in_place_inlined
def _minus_half_tanh(x):
    """Return -tanh(x / 2) / 2 = 1/2 - σ(x); tanh as a ratio of polynomials of degree 13 and 6, good to float32.

    The minus stands in the coefficients: a negation after the division would make LLVM write a slower division.
    """
    x = simd.multiply(x, simd.broadcast_score(np.float32(0.5)))
    x = simd.clamp(x, simd.broadcast_score(np.float32(7.905311)))
    square = simd.multiply(x, x)
    return simd.divide(simd.multiply(x, _tanh_top(square)), _tanh_bottom(square))


@in_place_inlined
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


@in_place_inlined
def _gradients(values, label, rate):
    """α (label - σ(score)) of the outputs of one input row."""
    label = simd.subtract(label, simd.broadcast_score(np.float32(0.5)))
    return simd.multiply(rate, simd.add(label, _minus_half_tanh(values)))


@in_place_inlined
def score_one(dimension, inputs, row, context, outputs, group, label, rate):
    """Gradients of a group of outputs for one input row."""
    first = outputs[group]
    a, _ = _score_two(dimension, inputs, row, row, context, first, first, outputs, group)
    return _gradients(a, label, rate)


@simd.with_many_vectors
def _update(load, broadcast):
    """X += G O and O += Gᵀ X, a few registers' width of the rows at a time."""

    @in_place_inlined
    def update(own, inputs, rows, m, context, words, outputs, group, scores, j):
        o1, o2, o3 = outputs[group + 1], outputs[group + 2], outputs[group + 3]
        o4, o5 = outputs[group + 4], outputs[group + 5]
        first = words[0] if group == 0 else outputs[group]
        c0, c1, c2 = load(context, first, j), load(context, o1, j), load(context, o2, j)
        c3, c4, c5 = load(context, o3, j), load(context, o4, j), load(context, o5, j)
        d0 = d1 = d2 = d3 = d4 = d5 = broadcast(_ZERO)
        for i in range(m):
            x = load(inputs, rows[i], j)
            g = broadcast(scores[i, 0])
            if own:  # changed at once: the next input row may predict the same word
                first = words[i] if group == 0 else outputs[group]
                c0 = load(context, first, j)
                simd.store(context, first, j, simd.multiply_add(g, x, c0))
            else:
                d0 = simd.multiply_add(g, x, d0)
            e = simd.multiply(g, c0)
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
            simd.store(inputs, rows[i], j, simd.add(x, e))
        # Read again: two of the outputs may be the same word.
        if not own:
            simd.store(context, first, j, simd.add(load(context, first, j), d0))
        simd.store(context, o1, j, simd.add(load(context, o1, j), d1))
        simd.store(context, o2, j, simd.add(load(context, o2, j), d2))
        simd.store(context, o3, j, simd.add(load(context, o3, j), d3))
        simd.store(context, o4, j, simd.add(load(context, o4, j), d4))
        simd.store(context, o5, j, simd.add(load(context, o5, j), d5))

    return update


@in_place_inlined
def score_noise(own, dimension, inputs, rows, m, context, words, noise, group, step, scratch):
    """Write the gradients of a group of outputs with negative sampling; noise that is the word does not count."""
    left = step.negative + 1 - group
    rate = simd.load_scores(scratch.rates, left if left < GROUP else GROUP, 0)
    label = simd.load_scores(scratch.labels, 0, group)
    for i in range(0, m, 2):
        other = i + 1 if i + 1 < m else i
        word, other_word = words[i if own else 0], words[other if own else 0]
        first = word if group == 0 else noise[group]
        other_first = other_word if group == 0 else noise[group]
        a, b = _score_two(dimension, inputs, rows[i], rows[other], context, first, other_first, noise, group)
        simd.store(scratch.scores, i, 0, _gradients(a, label, simd.where_unequal(noise, group, word, rate)))
        simd.store(scratch.scores, other, 0, _gradients(b, label, simd.where_unequal(noise, group, other_word, rate)))


@in_place_inlined
def train_words(own, dimension, inputs, rows, m, context, words, noise, step, scratch):
    """Train m input rows with the noise words that they share to predict a word each (`own`), or all the first one."""
    for group in range(0, step.negative + 1, GROUP):
        score_noise(own, dimension, inputs, rows, m, context, words, noise, group, step, scratch)
        _update(dimension, own, inputs, rows, m, context, words, noise, group, scratch.scores)


@in_place_inlined
def _path_rows(paths, word, top, rows):
    """Write the rows of C of a path; return where its labels begin, and the number of nodes.

    Top nodes are those of this thread.
    """
    begin = paths.offsets[word]
    count = paths.offsets[word + 1] - begin
    for k in range(count):
        node = paths.nodes[begin + k]
        rows[k] = node - top.first + top.row if node >= top.first else node
    for k in range(count, count + GROUP - 1):
        rows[k] = rows[count - 1]  # padding; its rate is zero
    return begin, count


@in_place_inlined
def ask_for_path(context, paths, word, top):
    """Ask for the rows of a path, except for top nodes, which are in the cache of this thread."""
    for k in range(paths.offsets[word], paths.offsets[word + 1]):
        node = np.int64(paths.nodes[k])
        if node < top.first:
            for j in range(0, context.shape[1], _LINE):
                simd.prefetch(context, node, j)


@in_place_inlined
def _score_nodes(dimension, inputs, row, other, context, paths, begin, count, group, scratch):
    """Gradients of a group of nodes for two input rows."""
    left = count - group
    rate = simd.load_scores(scratch.rates, left if left < GROUP else GROUP, 0)
    label = simd.load_scores(paths.labels, 0, begin + group)
    first = scratch.path[group]
    a, b = _score_two(dimension, inputs, row, other, context, first, first, scratch.path, group)
    return _gradients(a, label, rate), _gradients(b, label, rate)


@in_place_inlined
def train_path(dimension, inputs, rows, m, context, paths, word, step, scratch):
    """Train m input rows to predict a word by its path: one gradient step a group of nodes."""
    scores, nodes = scratch.scores, scratch.path
    begin, count = _path_rows(paths, word, step.top, nodes)
    for group in range(0, count, GROUP):
        for i in range(0, m, 2):
            other = i + 1 if i + 1 < m else i
            a, b = _score_nodes(dimension, inputs, rows[i], rows[other], context, paths, begin, count, group, scratch)
            simd.store(scores, i, 0, a)
            simd.store(scores, other, 0, b)
        _update(dimension, False, inputs, rows, m, context, nodes, nodes, group, scores)


@simd.with_few_vectors
def _change_along(load, broadcast):
    """Change one input row x and its output rows o_k: o_k += g_k x, x += Σ g_k o_k, with x as it was before."""

    @in_place_inlined
    def along(inputs, row, context, nodes, count, gradients, j):
        x, change = load(inputs, row, j), broadcast(_ZERO)
        for k in range(count):
            g, c = broadcast(gradients[0, k]), load(context, nodes[k], j)
            simd.store(context, nodes[k], j, simd.multiply_add(g, x, c))
            change = simd.multiply_add(g, c, change)
        simd.store(inputs, row, j, simd.add(x, change))

    return along


@in_place_inlined
def train_one_word(dimension, inputs, row, context, word, noise, step, scratch):
    """Train one input row to predict a word, with noise words that are drawn for it alone, in one gradient step."""
    gradients = scratch.gradients
    for group in range(0, step.negative + 1, GROUP):
        left = step.negative + 1 - group
        rate = simd.load_scores(scratch.rates, left if left < GROUP else GROUP, 0)
        rate = simd.where_unequal(noise, group, word, rate)
        first = word if group == 0 else np.int64(noise[group])
        a, _ = _score_two(dimension, inputs, row, row, context, first, first, noise, group)
        simd.store(gradients, 0, group, _gradients(a, simd.load_scores(scratch.labels, 0, group), rate))
    noise[0] = word
    _change_along(dimension, inputs, row, context, noise, step.negative + 1, gradients)
    noise[0] = -1  # it is not noise


@in_place_inlined
def score_path(dimension, inputs, row, context, paths, word, step, scratch):
    """Write the nodes of a path and their gradients for one input row; return their number."""
    begin, count = _path_rows(paths, word, step.top, scratch.path)
    for group in range(0, count, GROUP):
        a, _ = _score_nodes(dimension, inputs, row, row, context, paths, begin, count, group, scratch)
        simd.store(scratch.gradients, 0, group, a)
    return count


@in_place_inlined
def train_one_path(dimension, inputs, row, context, paths, word, step, scratch):
    """Train one input row to predict a word by its path, in one gradient step: no node is on a path twice."""
    count = score_path(dimension, inputs, row, context, paths, word, step, scratch)
    _change_along(dimension, inputs, row, context, scratch.path, count, scratch.gradients)


@in_place_inlined
def take_top_nodes(context, top):
    """Copy the top nodes of the tree for this thread, twice: to train them, and to know what has changed."""
    for i in range(top.number):
        for j in range(context.shape[1]):
            context[top.row + i, j] = context[top.row + top.number + i, j] = context[top.first + i, j]


@in_place_inlined
def return_top_nodes(context, top):
    """Add what this thread has changed of the top nodes to those of all."""
    for i in range(top.number):
        for j in range(context.shape[1]):
            context[top.first + i, j] += context[top.row + i, j] - context[top.row + top.number + i, j]
