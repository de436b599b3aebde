"""Batches of trees: nodes by height, binary forms, depth without a stack, trees that are refused."""

import nltk.tree.tree
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.tree import Tree

from embeddings import Vocabulary
from embeddings.text.vocabulary import UnknownWordError
from embeddings.trees import TreeBatch

CAT = Tree.fromstring("(S (NP (DT the) (NN cat)) (VP (VBZ sleeps)))")
YOU = Tree.fromstring("(S (PRP you) (VP (VBP do)))")
WORDS = st.sampled_from(["a", "b", "c", "d"])
TREES = st.builds(
    Tree,
    st.sampled_from("XYZ"),
    st.lists(
        st.recursive(
            WORDS,
            lambda below: st.builds(Tree, st.sampled_from("XYZ"), st.lists(below, min_size=1, max_size=4)),
            max_leaves=12,
        ),
        min_size=1,
        max_size=4,
    ),
)


def rebuilt(batch, node):
    """The tree under a node, with labels as the batch has them."""
    below = batch.children[batch.parents == node]
    if not below.size:
        return (batch.labels[node], batch.words[node])
    return (batch.labels[node], *[rebuilt(batch, child) for child in below])


def as_tuples(tree, added):
    """The tree as nltk has it after collapsing chains; nodes whose labels ``added`` accepts have none."""
    labels = []
    while isinstance(tree, Tree) and len(tree) == 1:
        labels.append(tree.label())
        tree = tree[0]
    if isinstance(tree, str):
        return ("+".join(labels) or None, tree)
    label = None if added(tree.label()) else "+".join([*labels, tree.label()])
    return (label, *[as_tuples(child, added) for child in tree])


def test_nodes_are_numbered_by_height():
    batch = TreeBatch([CAT, YOU])
    assert batch.words == ["the", "cat", "sleeps", "you", "do"]
    assert batch.labels == ["DT", "NN", "VP+VBZ", "PRP", "VP+VBP", "NP", "S", "S"]
    np.testing.assert_array_equal(batch.parents, [5, 5, 6, 6, 7, 7])
    np.testing.assert_array_equal(batch.children, [0, 1, 3, 4, 5, 2])
    np.testing.assert_array_equal(batch.roots, [7, 6])
    np.testing.assert_array_equal(batch.tree_of, [0, 0, 0, 1, 1, 0, 1, 0])
    np.testing.assert_array_equal(batch.spans[5:], [[0, 2], [3, 5], [0, 3]])
    assert batch.levels == [(slice(5, 7), slice(0, 4)), (slice(7, 8), slice(4, 6))]


@settings(max_examples=60)
@given(st.lists(TREES, min_size=1, max_size=4))
def test_batches_hold_the_trees(trees):
    batch = TreeBatch(trees)
    assert [rebuilt(batch, root) for root in batch.roots] == [as_tuples(tree, lambda label: False) for tree in trees]
    assert batch.words == [word for tree in trees for word in tree.leaves()]
    heights = np.zeros(batch.n_nodes, int)
    for height, (nodes, edges) in enumerate(batch.levels, 1):
        heights[nodes] = height
        assert set(batch.parents[edges]) == set(range(nodes.start, nodes.stop))
    for node in range(batch.n_nodes):
        below = batch.children[batch.parents == node]
        assert heights[node] == (1 + heights[below].max() if below.size else 0)
        leaves = [word for (first, last) in [batch.spans[node]] for word in batch.words[first:last]]
        assert leaves == words_of(rebuilt(batch, node))
        assert batch.tree_of[node] == np.flatnonzero(batch.tree_of[batch.roots] == batch.tree_of[node])[0]


def words_of(rebuilt_tree):
    _, *below = rebuilt_tree
    return [word for part in below for word in ([part] if isinstance(part, str) else words_of(part))]


@settings(max_examples=60)
@given(st.lists(TREES, min_size=1, max_size=4))
def test_binary_trees_are_in_chomsky_normal_form(trees):
    batch = TreeBatch(trees, binary=True)
    assert (np.bincount(batch.parents)[batch.n_leaves :] == 2).all()
    expected = []
    for tree in trees:
        copy = tree.copy(deep=True)
        copy.collapse_unary(collapsePOS=True, collapseRoot=True)
        copy.chomsky_normal_form(factor="right")
        expected.append(as_tuples(copy, lambda label: "|" in label))
    assert [rebuilt(batch, root) for root in batch.roots] == expected


def test_a_single_word_is_a_tree():
    batch = TreeBatch([Tree.fromstring("(S (NP (NN yes)))")])
    assert (batch.words, batch.labels, batch.levels) == (["yes"], ["S+NP+NN"], [])


@pytest.mark.parametrize("binary", [False, True])
def test_deep_trees_need_no_stack(binary, monkeypatch):
    depth = 5_000
    monkeypatch.setattr(nltk.tree.tree, "MAX_TREE_DEPTH", depth + 1, raising=False)  # not in 3.10.0
    batch = TreeBatch([Tree.fromstring("(X a " * depth + "b" + ")" * depth)], binary=binary)
    assert len(batch.levels) == depth
    assert batch.spans[-1].tolist() == [0, depth + 1]


def test_wide_nodes_become_deep():
    batch = TreeBatch([Tree("NP", ["w"] * 3_000)], binary=True)
    assert len(batch.levels) == 2_999
    assert [label for label in batch.labels if label] == ["NP"]


@pytest.mark.parametrize(
    ("trees", "message"),
    [
        ([], "no trees: expected at least one"),
        ([CAT, "cat"], "tree 1 is a str: expected an nltk.Tree"),
        ([Tree("S", [])], "tree 0 has a node 'S' without children"),
        ([CAT, Tree("S", ["a", Tree("NP", [Tree("PP", [])])])], "tree 1 has a node 'PP' without children"),
        ([Tree("S", [("the", "DT")])], r"tree 0 has the leaf \('the', 'DT'\): expected a word"),
    ],
)
def test_what_is_no_tree_is_an_error(trees, message):
    with pytest.raises(ValueError, match=message):
        TreeBatch(trees)


def test_unknown_words_are_an_error():
    vocabulary = Vocabulary.from_words(["the", "cat", "sleep"])
    with pytest.raises(UnknownWordError, match="'sleeps' is not in the vocabulary; closest: sleep"):
        vocabulary.ids(TreeBatch([CAT]).words)
    np.testing.assert_array_equal(vocabulary.ids(TreeBatch([CAT]).words, missing=0), [0, 1, 0])
