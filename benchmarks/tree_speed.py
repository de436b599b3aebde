"""Recursive networks over a forest, height by height, against one plain recursion for each tree.

Both sides take 1,000 trees forwards and backwards, with float32 vectors of 100 dimensions, on the same processors; the
plain side is the version that the tests hold the networks against (`tests/reference/recursive.py`), NumPy throughout.
Trees are those of NLTK's Penn Treebank sample where it is at hand, otherwise random ones of the same sizes.  Run with::

    python -m benchmarks.tree_speed
"""

import os
from collections.abc import Callable
from statistics import median

import nltk
import numpy as np
from nltk.tree import Tree

from benchmarks.measuring import ratio_of_medians, take_turns, write_results
from benchmarks.text import SHARED
from embeddings.networks import clear_gradients
from embeddings.trees import BinaryTreeLSTM, ChildSumTreeLSTM, RecursiveNN, TreeBatch, TreeLSTM
from tests.reference.recursive import PlainRecursiveNN, PlainTreeLSTM, Recursion

TREES, SIZE, REPEATS, BAR = 1_000, 100, 5, 5.0


def treebank() -> tuple[list[Tree], str]:
    """Return trees, and where they are from."""
    nltk.data.path[:0] = [os.environ.get("NLTK_DATA", ""), str(SHARED / "nltk_data")]
    try:
        return list(nltk.corpus.treebank.parsed_sents()[:TREES]), "Penn Treebank sample"
    except LookupError:
        rng = np.random.default_rng(0)
        return [random_tree(rng, int(rng.integers(5, 46))) for _ in range(TREES)], "random trees"


def random_tree(rng: np.random.Generator, leaves: int) -> Tree:
    """Return a tree of two or three children a node, which leans to the right as English does."""
    tree = Tree("X", ["word", "word"])
    for _ in range(leaves - 2):
        tree = Tree("X", ["word", tree] if rng.random() < 0.7 else [Tree("Y", ["word", "word"]), "word", tree])
    return tree


def plain(network: RecursiveNN | TreeLSTM, leaf_vectors: np.ndarray) -> Recursion:
    """Return the plain twin of a network."""
    weights = {name: parameter.value for name, parameter in network.parameters.items()}
    if isinstance(network, RecursiveNN):
        return PlainRecursiveNN(weights, leaf_vectors, "tanh")
    return PlainTreeLSTM(weights, leaf_vectors, child_sum=isinstance(network, ChildSumTreeLSTM))


def sides(network: RecursiveNN | TreeLSTM, trees: list[Tree]) -> dict[str, Callable[[], None]]:
    """Return what is timed: laying the trees out, and both passes of each side; the loss is the sum of all vectors."""
    binary = not isinstance(network, ChildSumTreeLSTM)
    batch = TreeBatch(trees, binary=binary)
    leaf_vectors = np.random.default_rng(1).standard_normal((batch.n_leaves, SIZE)).astype(np.float32)

    def ours() -> None:
        clear_gradients(network.parameters)
        network.backward(np.ones_like(network.forward(batch, leaf_vectors)))

    def theirs() -> None:
        plain(network, leaf_vectors).run(trees, lambda _: np.float32(1))

    return {"layout": lambda: TreeBatch(trees, binary=binary), "ours": ours, "theirs": theirs}


def main() -> None:
    """Measure the three networks."""
    trees, origin = treebank()
    rng = np.random.default_rng(0)
    networks = {
        "RecursiveNN": RecursiveNN(SIZE, rng=rng),
        "BinaryTreeLSTM": BinaryTreeLSTM(SIZE, SIZE, rng=rng),
        "ChildSumTreeLSTM": ChildSumTreeLSTM(SIZE, SIZE, rng=rng),
    }
    rows = []
    for name, network in networks.items():
        both = sides(network, trees)
        both["ours"]()  # compiles
        seconds = take_turns(both, REPEATS)
        with_layout = [sum(times) for times in zip(seconds["layout"], seconds["ours"], strict=True)]
        rows.append(
            {
                "network": name,
                "vecmill": f"{TREES / median(seconds['ours']):,.0f} trees/s",
                "plain recursion": f"{TREES / median(seconds['theirs']):,.0f} trees/s",
                "ratio": f"{ratio_of_medians(seconds['ours'], seconds['theirs']):.1f}×",
                "bar": f"≥ {BAR:g}×",
                "ratio of the first pass": f"{ratio_of_medians(with_layout, seconds['theirs']):.1f}×",
            }
        )
    batch = TreeBatch(trees, binary=True)
    write_results(
        "tree_speed",
        "Recursive networks over trees",
        rows,
        [
            f"{origin}, {TREES:,} trees, {batch.n_leaves:,} words, {len(batch.levels)} heights; d = H = {SIZE}; "
            "forward and backward pass; trees are laid out "
            f"once, and the first pass is that with layout; median of {REPEATS} alternating runs"
        ],
    )


if __name__ == "__main__":
    main()
