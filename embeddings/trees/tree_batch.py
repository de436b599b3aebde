"""Batches of trees: a forest laid out so that one matrix product computes all nodes of one height.

Nodes are numbered by height, and within one height tree by tree, from left to right. The leaves, of height 0, are the
words in the order of the text::

    (S (NP (DT the) (NN cat)) (VP (VBZ sleeps)))  (S (PRP you) (VP (VBP do)))

    height 2            7 S
                      ╱     ╲                        node        0 1 2 3 4 5 6 7
    height 1       5 NP      ╲            6 S        tree_of     0 0 0 1 1 0 1 0
                  ╱    ╲      ╲          ╱   ╲       parents         5 5 6 6 7 7    ◄ one column per edge:
    height 0   0 the  1 cat  2 sleeps  3 you  4 do   children        0 1 3 4 5 2      children of 5, 6, 7

- A chain of nodes with one child each becomes one node: ``(VP (VBZ sleeps))`` is the leaf ``sleeps`` with the label
  "VP+VBZ", as ``nltk.Tree.collapse_unary`` names it.
- For binary networks, nodes with more than two children are split: ``(NP a b c)`` becomes ``(NP a (· b c))``, as in
  Chomsky normal form with right factoring. The added nodes have no label.

The code uses loops instead of recursion, so that only memory limits the depth of a tree.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from nltk.tree import Tree


class Level(NamedTuple):
    """The nodes of one height.

    Attributes
    ----------
    nodes : slice
        Numbers of the nodes.
    edges : slice
        Places of their edges in ``parents`` and ``children``.
    """

    nodes: slice
    edges: slice


class _Rest(NamedTuple):
    """The children from `start` on of a node that is split."""

    children: Sequence[Any]
    start: int


class TreeBatch:
    """A forest as arrays.

    Parameters
    ----------
    trees : sequence of Tree
        ``nltk.Tree`` objects whose leaves are words. (NLTK parses text to trees of at most 500 levels; raise
        ``nltk.tree.tree.MAX_TREE_DEPTH`` for deeper ones.)
    binary : bool
        Split nodes with more than two children.

    Attributes
    ----------
    words : list of str
        The words of the leaves. ``vocabulary.ids(batch.words)`` returns their rows of E.
    labels : list of (str or None)
        One label per node; those of a chain are joined by "+". None for a leaf that is a bare word, and for nodes added
        to make the trees binary.
    parents, children : (edges,) int64
        The nodes above and below each edge, ordered by parent, and from left to right.
    levels : list of Level
        Nodes and edges of each height, from 1.
    roots : (trees,) int64
        The root of each tree.
    tree_of : (nodes,) int64
        Number of each node's tree.
    spans : (nodes, 2) int64
        The words under node n are ``words[spans[n, 0] : spans[n, 1]]``.

    Raises
    ------
    ValueError
        There is no tree, or a tree has a node without children or a leaf that is not a word.
    """

    def __init__(self, trees: Sequence["Tree"], *, binary: bool = False):
        if not len(trees):
            raise ValueError("no trees: expected at least one")
        found = _Preorder()
        for number, tree in enumerate(trees):
            found.add(tree, number, binary)
        above = np.array(found.parents)
        tree_of = np.cumsum(above < 0) - 1
        heights, sizes = _heights_and_sizes(found.parents)
        leaf = heights == 0

        order = np.argsort(heights, kind="stable")
        number_of = np.empty_like(order)
        number_of[order] = np.arange(len(order))
        below = np.flatnonzero(above >= 0)
        below = below[np.argsort(number_of[above[below]], kind="stable")]

        self.words = found.words
        self.labels = [found.labels[node] for node in order.tolist()]
        self.parents, self.children = number_of[above[below]], number_of[below]
        self.roots, self.tree_of = number_of[np.flatnonzero(above < 0)], tree_of[order]
        starts = np.cumsum(leaf) - leaf
        self.spans = np.stack([starts, starts + sizes], axis=1)[order]
        ends = np.cumsum(np.bincount(heights))
        edges = np.searchsorted(self.parents, ends)
        self.levels = [
            Level(slice(*nodes), slice(*places)) for nodes, places in zip(pairwise(ends), pairwise(edges), strict=True)
        ]

    @property
    def n_leaves(self) -> int:
        """Number of leaves: nodes 0 to ``n_leaves - 1``."""
        return len(self.words)

    @property
    def n_nodes(self) -> int:
        """Number of nodes, leaves included."""
        return len(self.labels)


class _Preorder:
    """Nodes of a forest in preorder: one entry per node in `parents` and `labels`, one per leaf in `words`."""

    def __init__(self) -> None:
        from nltk.tree import Tree  # imported here: it takes a second or two, which other networks do not need

        self._tree_class = Tree
        self.parents: list[int] = []
        self.labels: list[str | None] = []
        self.words: list[str] = []

    def add(self, tree: "Tree", number: int, binary: bool) -> None:
        """Append the nodes of a tree."""
        if not isinstance(tree, self._tree_class):
            raise ValueError(f"tree {number} is a {type(tree).__name__}: expected an nltk.Tree")
        parents, labels = self.parents, self.labels
        pending: list[tuple[Any, int]] = [(tree, -1)]
        while pending:
            node, parent = pending.pop()
            here, label = len(parents), None
            parents.append(parent)
            if type(node) is _Rest:
                below, start = node
            else:
                if not isinstance(node, str):
                    node, label = self._collapsed(node, number)
                below, start = ([], 0) if isinstance(node, str) else (list(node), 0)
            labels.append(label)
            if not below:
                self.words.append(node)
            elif binary and len(below) - start > 2:
                pending += ((_Rest(below, start + 1), here), (below[start], here))
            else:
                pending += [(child, here) for child in reversed(below[start:])]

    def _collapsed(self, node: Any, number: int) -> tuple[Any, str]:
        """Descend a chain of single children; return the word or node at its end, and the joined label."""
        labels = []
        while isinstance(node, self._tree_class):
            labels.append(str(node.label()))
            if len(node) != 1:
                break
            (node,) = node
        if isinstance(node, self._tree_class):
            if not len(node):
                raise ValueError(f"tree {number} has a node {labels[-1]!r} without children: expected words or nodes")
        elif not isinstance(node, str):
            raise ValueError(f"tree {number} has the leaf {node!r}: expected a word (str)")
        return node, "+".join(labels)


def _heights_and_sizes(parents: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the height and the number of leaves of each node, both (nodes,) int64."""
    heights, sizes = [0] * len(parents), [0] * len(parents)
    for node in range(len(parents) - 1, -1, -1):  # children stand after their parent
        parent, height, size = parents[node], heights[node], sizes[node] or 1
        sizes[node] = size
        if parent >= 0:
            sizes[parent] += size
            if heights[parent] <= height:
                heights[parent] = height + 1
    return np.array(heights), np.array(sizes)
