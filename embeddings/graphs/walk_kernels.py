"""Compiled loops of random walks: tables of edges, the steps of a walk, and walks as text.

A step of node2vec (Grover & Leskovec 2016) goes from v to x, after one from t to v, in proportion to α(t, x) w(v, x):
α is 1/p for x = t, 1 for an edge from t to x, and 1/q for any other x (equation 2). An edge is proposed in proportion
to w(v, x), by an alias table of v, and accepted with probability α / max(1/p, 1, 1/q) (Yang et al. 2019,
"KnightKing"), so that nothing is stored for pairs of edges. Where proposals are refused again and again, the step is
drawn from the probabilities of all edges of v: the distribution is the same.
"""

# mypy: ignore-errors
# (Numba infers the types of what it compiles.)

from typing import NamedTuple

import numpy as np

from embeddings.compilation import exact, inlined, subroutine
from embeddings.word2vec.random_draws import below, next_random

PROPOSALS = 32
"""Edges that are proposed before the probabilities of all edges are computed."""

_LOW = np.uint64(0xFFFFFFFF)
_ALWAYS = np.uint32(0xFFFFFFFF)
_SPACE, _NEWLINE = np.uint8(32), np.uint8(10)


class Rows(NamedTuple):
    """A graph of N nodes in compressed rows."""

    offsets: np.ndarray  # (N + 1,) int64
    targets: np.ndarray  # (E,) int32, ascending for every node
    weights: np.ndarray  # (E,) float64; empty: all are 1
    threshold: np.ndarray  # (E,) uint32, of the alias tables; empty without weights
    alias: np.ndarray  # (E,) int32, place among the edges of the node


class Bias(NamedTuple):
    """Factors of the probability of a step."""

    back: float  # 1/p, to the node before
    away: float  # 1/q, to a node that the one before has no edge to
    largest: float  # of both and 1


@exact
def fill_alias_tables(offsets, weights, first, last, threshold, alias):
    """Fill a table of Walker's alias method for every node, as Vose (1991) does.

    Edge i of a node is drawn if the 32 bits drawn are below ``threshold[i]``, else edge ``alias[i]``.

    Parameters
    ----------
    offsets : (N + 1,) int64
    weights : (E,) float64
    first, last : int
        Half-open range of nodes.
    threshold : (E,) uint32
        Filled.
    alias : (E,) int32
        Filled.
    """
    longest = 0
    for node in range(first, last):
        longest = max(longest, offsets[node + 1] - offsets[node])
    share, waiting = np.empty(longest, np.float64), np.empty(longest, np.int32)
    for node in range(first, last):
        begin = offsets[node]
        degree = offsets[node + 1] - begin
        total = 0.0
        for i in range(degree):
            total += weights[begin + i]
        small, large = 0, degree  # those below the mean wait at the front, the others at the end
        for i in range(degree):
            share[i] = weights[begin + i] / total * degree
            threshold[begin + i], alias[begin + i] = _ALWAYS, i
            if share[i] < 1.0:
                waiting[small] = i
                small += 1
            else:
                large -= 1
                waiting[large] = i
        while small > 0 and large < degree:
            small -= 1
            low, high = waiting[small], waiting[large]
            threshold[begin + low] = np.uint32(share[low] * 4294967295.0)
            alias[begin + low] = high
            share[high] -= 1.0 - share[low]
            if share[high] < 1.0:
                large += 1
                waiting[small] = high
                small += 1


@inlined
def _uniform(state):
    """A number from 0 to 1, 1 excluded, of the upper 53 bits."""
    return np.float64(state >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@inlined
def _proposed(rows, node, state):
    """Draw an edge of a node in proportion to its weight; return its place in `targets`."""
    begin = rows.offsets[node]
    state = next_random(state)
    edge = below(state, rows.offsets[node + 1] - begin)
    if rows.alias.size > 0 and np.uint32(state & _LOW) >= rows.threshold[begin + edge]:
        edge = np.int64(rows.alias[begin + edge])
    return begin + edge, state


@inlined
def _has_edge(rows, source, target):
    """Search the sorted edges of a node for one."""
    low, high = rows.offsets[source], rows.offsets[source + 1]
    end = high
    while low < high:
        middle = (low + high) // 2
        if rows.targets[middle] < target:
            low = middle + 1
        else:
            high = middle
    return low < end and rows.targets[low] == target


@inlined
def _is_accepted(rows, bias, before, target, draw):
    """Whether a draw from 0 to `bias.largest` is below α; the edges of the node before are rarely looked at."""
    if target == before:
        return draw < bias.back
    if draw < min(1.0, bias.away):
        return True
    if draw >= max(1.0, bias.away):
        return False
    return _has_edge(rows, before, target) == (bias.away < 1.0)


@inlined
def _factor(rows, bias, before, target):
    """α of equation 2."""
    if target == before:
        return bias.back
    return 1.0 if _has_edge(rows, before, target) else bias.away


@subroutine
def _drawn_from_all(rows, bias, before, node, state):
    """Draw an edge from the probabilities of all edges of a node."""
    begin, end = rows.offsets[node], rows.offsets[node + 1]
    weighted = rows.weights.size > 0
    total = 0.0
    for edge in range(begin, end):
        factor = _factor(rows, bias, before, rows.targets[edge])
        total += factor * rows.weights[edge] if weighted else factor
    state = next_random(state)
    left = _uniform(state) * total
    for edge in range(begin, end):
        factor = _factor(rows, bias, before, rows.targets[edge])
        left -= factor * rows.weights[edge] if weighted else factor
        if left < 0.0:
            return edge, state
    return end - 1, state


@inlined
def _biased(rows, bias, before, node, state):
    """Draw an edge of a node to which the walk came from another."""
    for _ in range(PROPOSALS):
        edge, state = _proposed(rows, node, state)
        state = next_random(state)
        if _is_accepted(rows, bias, before, rows.targets[edge], _uniform(state) * bias.largest):
            return edge, state
    return _drawn_from_all(rows, bias, before, node, state)


@exact
def walk(rows, bias, states, starts, walks):
    """Walk from nodes.

    Parameters
    ----------
    rows : Rows
    bias : Bias
    states : (n,) uint64
        Random state of each walk, not 0.
    starts : (n,) int32
        Nodes that the walks begin at.
    walks : (n, length) int32
        Receives the nodes; -1 after the end of a walk at a node that no edge leaves.
    """
    plain = bias.back == 1.0 and bias.away == 1.0
    for row in range(walks.shape[0]):
        state, node, before = states[row], np.int64(starts[row]), np.int64(-1)
        walks[row, 0] = node
        for step in range(1, walks.shape[1]):
            if rows.offsets[node] == rows.offsets[node + 1]:
                walks[row, step:] = -1
                break
            if plain or before < 0:
                edge, state = _proposed(rows, node, state)
            else:
                edge, state = _biased(rows, bias, before, node, state)
            before, node = node, np.int64(rows.targets[edge])
            walks[row, step] = node


@exact
def text_sizes(walks, ends, sizes):
    """Compute the bytes of each walk as a line of names.

    Parameters
    ----------
    walks : (n, length) int32
    ends : (N + 1,) int64
        Name i is ``letters[ends[i] : ends[i + 1]]``.
    sizes : (n,) int64
        Receives the bytes.
    """
    for row in range(walks.shape[0]):
        size = 0
        for node in walks[row]:
            if node >= 0:
                size += ends[node + 1] - ends[node] + 1
        sizes[row] = size


@exact
def write_text(walks, letters, ends, places, text):
    """Write each walk as a line: names with a space between them.

    Parameters
    ----------
    walks : (n, length) int32
    letters : (b,) uint8
        Names of the nodes, one after the other.
    ends : (N + 1,) int64
        Name i is ``letters[ends[i] : ends[i + 1]]``.
    places : (n,) int64
        Where each line begins.
    text : (m,) uint8
        Receives the lines.
    """
    for row in range(walks.shape[0]):
        place = places[row]
        for node in walks[row]:
            if node < 0:
                break
            for i in range(ends[node], ends[node + 1]):
                text[place] = letters[i]
                place += 1
            text[place] = _SPACE
            place += 1
        text[place - 1] = _NEWLINE
