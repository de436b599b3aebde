"""The Huffman tree of hierarchical softmax: frequent words have short paths (Mikolov et al. 2013, section 2.1)."""

import numpy as np

from embeddings.compilation import exact, read_only
from embeddings.simd import SCORES
from embeddings.word2vec.kernel_arguments import MOST_TOP_NODES, HuffmanPaths


def huffman_paths(counts: np.ndarray, trained: np.ndarray | None = None) -> HuffmanPaths:
    """Build the Huffman tree of a vocabulary.

    The two rarest of words and nodes are joined until one node, the root, is left (Huffman 1952). With words in
    descending order of their counts the codes are those of word2vec's C code.

    Parameters
    ----------
    counts : (V,) int64
    trained : (V,) bool, optional
        Words that have a leaf. Others have an empty path. Default: all.

    Returns
    -------
    HuffmanPaths
        Node n is row n of C; the root is the last of the n - 1 nodes of n words.
    """
    words = np.arange(len(counts)) if trained is None else np.flatnonzero(trained)
    order = words[np.argsort(-counts[words], kind="stable")]
    lengths = np.zeros(len(counts) + 1, np.int64)
    parents, is_second = np.zeros(2 * len(order), np.int32), np.zeros(2 * len(order), np.bool_)
    _join(np.asarray(counts, np.int64)[order], parents, is_second)
    _measure_paths(order, parents, lengths)
    offsets = np.cumsum(lengths)
    nodes, labels = np.zeros(offsets[-1] + SCORES, np.int32), np.zeros((1, offsets[-1] + SCORES), np.float32)
    _write_paths(order, parents, is_second, offsets, nodes, labels[0])
    return HuffmanPaths(read_only(offsets), nodes, labels)


def top_nodes(paths: HuffmanPaths) -> tuple[int, int]:
    """Return the first of the nodes at the top of the tree, and their number.

    Nodes are numbered in the order in which they were made, that of their counts: the last ones are the top.

    Parameters
    ----------
    paths : HuffmanPaths

    Returns
    -------
    first, number : int
    """
    nodes = int(paths.nodes.max(initial=-1)) + 1
    number = min(nodes, MOST_TOP_NODES)
    return nodes - number, number


@exact
def _join(counts: np.ndarray, parents: np.ndarray, is_second: np.ndarray) -> None:
    """Join the rarest two until one is left.

    Leaves are numbered 0 to n - 1 by descending count, nodes from n on. Both the leaves from the last to the first and
    the nodes in the order in which they are made have ascending counts, so that the rarest is the next of either
    (van Leeuwen 1976). A leaf goes before a node only if it is rarer, as in word2vec's C code.
    """
    n = len(counts)
    weights = np.empty(n, np.int64)  # of the nodes
    leaf, node = n - 1, 0
    for made in range(n - 1):
        weight = np.int64(0)
        for second in range(2):
            if leaf >= 0 and (node >= made or counts[leaf] < weights[node]):
                child, count = leaf, counts[leaf]
                leaf -= 1
            else:
                child, count = n + node, weights[node]
                node += 1
            parents[child] = n + made
            is_second[child] = second == 1
            weight += count
        weights[made] = weight


@exact
def _measure_paths(order: np.ndarray, parents: np.ndarray, lengths: np.ndarray) -> None:
    """Write the number of nodes on the path of each word, at the place after the word's."""
    n = len(order)
    root = 2 * n - 2
    for i in range(n):
        place, length = i, 0
        while place != root:
            place = parents[place]
            length += 1
        lengths[order[i] + 1] = length


@exact
def _write_paths(
    order: np.ndarray,
    parents: np.ndarray,
    is_second: np.ndarray,
    offsets: np.ndarray,
    nodes: np.ndarray,
    labels: np.ndarray,
) -> None:
    """Write nodes and labels from the root to each word; the label is 1 where the way goes to the first child."""
    n = len(order)
    root = 2 * n - 2
    for i in range(n):
        place, at = i, offsets[order[i] + 1]
        while place != root:
            at -= 1
            nodes[at] = parents[place] - n
            labels[at] = np.float32(0 if is_second[place] else 1)
            place = parents[place]
