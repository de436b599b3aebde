"""Trees in batches: a forest laid out so that all nodes of one height are computed in one product.

Nodes are numbered by height, and within one height tree by tree, from left to right; the leaves, which have height 0,
are the words in the order of the text::

    (S (NP (DT the) (NN cat)) (VP (VBZ sleeps)))  (S (PRP you) (VP (VBP do)))

    height 2            7 S
                      ╱     ╲                        node        0 1 2 3 4 5 6 7
    height 1       5 NP      ╲            6 S        tree_of     0 0 0 1 1 0 1 0
                  ╱    ╲      ╲          ╱   ╲       parents         5 5 6 6 7 7    ◄ an edge each:
    height 0   0 the  1 cat  2 sleeps  3 you  4 do   children        0 1 3 4 5 2      children of 5, 6, 7

- A chain of nodes with one child each is one node: ``(VP (VBZ sleeps))`` is the leaf ``sleeps`` with the label
  "VP+VBZ", as ``nltk.Tree.collapse_unary`` would name it.
- For networks that take two children, nodes with more are split: ``(NP a b c)`` becomes ``(NP a (· b c))``, as in
  Chomsky normal form with factors to the right.  The nodes that this adds have no label.

Everything is done with loops instead of recursion, so that the depth of a tree is limited by memory alone.
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
        Their numbers.
    edges : slice
        Where ``parents`` and ``children`` hold their edges.
    """

    nodes: slice
    edges: slice


class _Rest(NamedTuple):
    """What stands to the right of the first child in a node that has to be split."""

    children: Sequence
    start: int


class TreeBatch:
    """A forest as arrays.

    Parameters
    ----------
    trees
        ``nltk.Tree`` objects whose leaves are words.  (NLTK reads trees of up to 500 levels from text; deeper ones
        after ``nltk.tree.tree.MAX_TREE_DEPTH`` is raised.)
    binary
        Split nodes with more than two children.

    Attributes
    ----------
    words : list[str]
        The words of the leaves.  ``vocabulary.ids(batch.words)`` finds their rows of E.
    labels : list[str | None]
        One a node, the labels of a chain joined by "+"; None for a leaf that stands for a bare word, and for nodes that
        were added to make the trees binary.
    parents, children : np.ndarray
        (edges,) int64: the nodes above and below each edge, by parent, and from left to right.
    levels : list[Level]
        Nodes and edges of each height from 1 on.
    roots : np.ndarray
        (trees,) int64: the node at the top of each tree.
    tree_of : np.ndarray
        (nodes,) int64: the tree that each node belongs to.
    spans : np.ndarray
        (nodes, 2) int64: the words under node n are ``words[spans[n, 0] : spans[n, 1]]``.

    Raises
    ------
    ValueError
        If there is no tree, one has a node without children, or a leaf that is not a word.
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
    """Nodes of a forest, parents before children, from left to right; one entry a node in each list (words: a leaf)."""

    def __init__(self) -> None:
        from nltk.tree import Tree  # takes a second or two, which users of other networks need not wait

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
        """Go down a chain of single children; return the word or the node with several children, and the label."""
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
    """Return for each node the steps down to its lowest leaf and the number of leaves under it."""
    heights, sizes = [0] * len(parents), [0] * len(parents)
    for node in range(len(parents) - 1, -1, -1):  # children come after their parent
        parent, height, size = parents[node], heights[node], sizes[node] or 1
        sizes[node] = size
        if parent >= 0:
            sizes[parent] += size
            if heights[parent] <= height:
                heights[parent] = height + 1
    return np.array(heights), np.array(sizes)
