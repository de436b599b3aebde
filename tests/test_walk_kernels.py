"""Random walks: node by node those of the plain reference, and steps with the probabilities of equation 2."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from embeddings.graphs import Graph, Walks, edges_of_pairs, walk_kernels
from embeddings.graphs.walks import random_states
from tests.reference import node2vec as reference

# two triangles, a bridge, a leaf, a loop
PAIRS = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5), (5, 6), (4, 4)]
WEIGHTS = [1.0, 2.5, 0.3, 4.0, 1.0, 0.7, 3.0, 2.0, 0.5]
WEIGHTED = [(*pair, weight) for pair, weight in zip(PAIRS, WEIGHTS, strict=True)]
BACK = [(6, 0, 1.0), (1, 0, 0.5), (2, 1, 1.5), (5, 3, 0.8), (3, 2, 1.2)]  # so that walks of a directed graph do not end
PLAIN = [(*pair, 1.0) for pair in PAIRS]
SETTINGS = [(1, 1), (0.25, 4), (4, 0.25), (1, 0.5), (0.001, 1), (1000, 30)]


def walks_over(edges, weighted=True, directed=False, **settings):
    graph = Graph.from_edges(edges_of_pairs([e if weighted else e[:2] for e in edges]), directed=directed)
    return Walks(graph, threads=1, **settings)


def numbered(edges, names):
    """Return edges between the numbers that a graph has for its nodes."""
    number = {int(name): place for place, name in enumerate(names)}
    return [(number[a], number[b], weight) for a, b, weight in edges]


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("edges", [PLAIN, WEIGHTED], ids=["plain", "weighted"])
@pytest.mark.parametrize(("p", "q"), SETTINGS)
def test_walks_are_those_of_the_reference(edges, directed, p, q):
    walks = walks_over(edges, edges is WEIGHTED, directed, p=p, q=q, walks=3, length=25, seed=5)
    (*blocks,) = walks.blocks()
    starts = np.concatenate(blocks)[:, 0]
    nodes = len(walks.graph)
    numbers = starts.astype(np.uint64) + np.repeat(np.arange(3, dtype=np.uint64) * np.uint64(nodes), nodes)
    states = random_states(np.random.SeedSequence(5).generate_state(1, np.uint64)[0], numbers)
    graph = reference.adjacency(numbered(edges, walks.graph.names), directed)
    expected = [
        reference.walk(graph, p, q, int(state), int(start), 25, walk_kernels.PROPOSALS)
        for state, start in zip(states, starts, strict=True)
    ]
    found = [[node for node in walk if node >= 0] for walk in np.concatenate(blocks).tolist()]
    assert found == expected
    assert sorted(starts.tolist()) == sorted(3 * list(range(nodes)))


@pytest.mark.parametrize("proposals", [0, 32])
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize(("p", "q"), [(0.25, 4), (4, 0.25), (0.02, 0.5)])
def test_the_reference_steps_with_the_probabilities_of_the_paper(p, q, directed, proposals):
    """With no proposals every step is drawn from all edges: both ways have the same distribution."""
    graph = reference.adjacency([*WEIGHTED, *BACK], directed)
    counts = {}
    for start in graph:
        for number in random_states(np.uint64(7 + start), np.arange(40, dtype=np.uint64)).tolist():
            walk = reference.walk(graph, p, q, number, start, 60, proposals)
            for (before, node), target in zip(pairwise(walk), walk[2:]):  # noqa: B905
                counts.setdefault((before, node), Counter())[target] += 1
    require_equation_2(graph, p, q, counts)


def require_equation_2(graph, p, q, counts):
    values = []
    for (before, node), found in counts.items():
        expected = reference.step_probabilities(graph, p, q, before, node)
        assert set(found) <= set(expected)
        if len(expected) > 1 and sum(found.values()) * min(expected.values()) > 5:
            seen = [found[target] for target in expected]
            values.append(chisquare(seen, np.array(list(expected.values())) * sum(seen)).pvalue)
    assert len(values) > 9
    assert min(values) > 0.001 / len(values)


@pytest.mark.parametrize("edges", [PLAIN, WEIGHTED], ids=["plain", "weighted"])
@pytest.mark.parametrize(("p", "q"), [(0.25, 4), (4, 0.25), (0.02, 0.5)])
def test_steps_have_the_probabilities_of_the_paper(edges, p, q):
    walks = walks_over(edges, edges is WEIGHTED, p=p, q=q, walks=40, length=100)
    graph = reference.adjacency(numbered(edges, walks.graph.names))
    counts = {}
    for block in walks.blocks():
        for walk in block.tolist():
            for (before, node), target in zip(pairwise(walk), walk[2:]):  # noqa: B905
                counts.setdefault((before, node), Counter())[target] += 1
    require_equation_2(graph, p, q, counts)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=40))
def test_alias_tables_hold_the_weights(weights):
    weights = np.array(weights)
    offsets = np.array([0, len(weights)], np.int64)
    threshold, alias = np.empty(len(weights), np.uint32), np.empty(len(weights), np.int32)
    walk_kernels.fill_alias_tables(offsets, weights, 0, 1, threshold, alias)
    kept = np.where(alias == np.arange(len(weights)), 1, threshold / 2**32)
    held = kept.copy()
    np.add.at(held, alias, 1 - kept)
    np.testing.assert_allclose(held / len(weights), weights / weights.sum(), atol=1e-8)


def test_random_states_differ_and_are_never_zero():
    states = random_states(np.uint64(3), np.arange(10_000, dtype=np.uint64))
    assert len(set(states.tolist())) == 10_000
    golden = np.uint64(0x9E3779B97F4A7C15)
    zero = np.uint64(2**64 - int(golden))  # the key whose first state would be 0
    assert random_states(zero, np.zeros(1, np.uint64))[0] == golden


def test_lines_of_walks_are_names_with_spaces():
    walks = walks_over([(0, 1, 1.0), (1, 22, 1.0)], directed=True, walks=2, length=4)
    text = b"".join(walks.text()).decode()
    assert sorted(text.splitlines()) == ["0 1 22", "0 1 22", "1 22", "1 22", "22", "22"]
    assert text.endswith("\n")
    assert [line.split() for line in text.splitlines()] == list(walks)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize(("p", "q"), [(0.25, 4), (4, 0.25)])
def test_the_reference_has_the_probabilities_of_another_implementation(p, q, directed):
    """Those that the package node2vec computes beforehand (``pip install --no-deps node2vec``)."""
    networkx = pytest.importorskip("networkx")
    peer = pytest.importorskip("node2vec")
    edges = [(a, b, weight) for a, b, weight in [*WEIGHTED, *(BACK if directed else [])] if a != b]
    theirs = (networkx.DiGraph if directed else networkx.Graph)()
    theirs.add_weighted_edges_from(edges)
    found = peer.Node2Vec(theirs, p=p, q=q, walk_length=2, num_walks=1, quiet=True).d_graph
    graph = reference.adjacency(edges, directed)
    compared = 0
    for node, about in found.items():
        for before, probabilities in about["probabilities"].items():
            if len(probabilities):
                expected = reference.step_probabilities(graph, p, q, before, node)
                assert dict(zip(about["neighbors"], probabilities.tolist(), strict=True)) == pytest.approx(expected)
                compared += 1
    assert compared >= len(edges)
