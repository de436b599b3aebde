"""What word2vec's kernels take: matrices and tables, a block of text, the settings of a call, working memory."""

from typing import NamedTuple

import numpy as np

from embeddings.simd import GROUP, SCORES
from embeddings.word2vec.padded_matrices import zeros

SPAN = 8
"""Neighbouring CBOW centres that share one set of negatives when sharing is on."""


NO_NODE = 2**31 - 1
"""A number above that of every node."""

MOST_TOP_NODES = 255
"""Eight levels of the tree: a node below is on the path of one word in hundreds."""


class InputRows(NamedTuple):
    """The rows of E whose mean is the vector of a word: its own and those of its character n-grams."""

    offsets: np.ndarray  # (V + 1,) int64
    rows: np.ndarray  # (m,) int32: the rows of word w are rows[offsets[w] : offsets[w + 1]]


class HuffmanPaths(NamedTuple):
    """The way from the root of the Huffman tree to every word.

    Nodes and labels are read `SCORES` at a time and have as many elements more at their end.
    """

    offsets: np.ndarray  # (V + 1,) int64
    nodes: np.ndarray  # (m,) int32: rows of C; those of word w are nodes[offsets[w] : offsets[w + 1]]
    labels: np.ndarray  # (1, m) float32: 1 where the way goes to the first child


class Parameters(NamedTuple):
    """What all threads share: the matrices and the tables of draws."""

    embedding: np.ndarray  # E, (V + n-grams or documents, padded d) float32, input vectors
    context: (
        np.ndarray
    )  # C, (V, padded d) float32, output vectors; of the V - 1 nodes with hierarchical softmax, and then
    # those of the top nodes that threads have for themselves: see `TopNodes`
    keep: np.ndarray  # (V,) uint32: a token is kept when a random uint32 is not above it
    alias_threshold: np.ndarray  # (V,) uint32
    alias_word: np.ndarray  # (V,) int32


class Extensions(NamedTuple):
    """What a kernel is compiled without where it is None."""

    subwords: InputRows | None = None
    paths: HuffmanPaths | None = None  # with hierarchical softmax
    position_weights: np.ndarray | None = None  # (2 window, padded d) float32, of CBOW's context positions; trained


NO_EXTENSIONS = Extensions()


class Block(NamedTuple):
    """A stretch of an encoded corpus: tokens `first` to `last` of `ids`, whose sentences are `sentences`."""

    ids: np.ndarray  # (n,) int32
    offsets: np.ndarray  # (s + 1,) int64, where sentences begin in `ids`
    first_sentence: int
    last_sentence: int  # exclusive
    first: int
    last: int  # exclusive
    first_document: int = 0  # row of E of the first sentence of the shard, where sentences are documents


class TopNodes(NamedTuple):
    """Nodes at the top of the Huffman tree that a thread trains for itself during a block, and where it does so.

    They are on the path of nearly every word: threads that change the same rows all the time wait for each other's
    caches.
    """

    first: int = NO_NODE  # nodes from this one to the root
    number: int = 0
    row: int = 0  # of C: their copies; as many rows after these hold what they were before the block


class Step(NamedTuple):
    """The settings of one call."""

    window: int
    dynamic_window: bool  # draw each window from 1..window
    negative: int  # 0 with hierarchical softmax
    share_negatives: bool
    mean: bool  # CBOW: average the context vectors instead of adding them up
    weighted: int  # CBOW: components with position weights
    learning_rate: float
    loss_interval: int  # the loss is taken at every so many-th centre word
    state: np.uint64  # of the random stream, not 0 (a Python int would be typed by its size)
    top: TopNodes = TopNodes()


class Scratch(NamedTuple):
    """Working memory of one thread."""

    tokens: np.ndarray  # (block,) int32, what subsampling left of a sentence
    slots: np.ndarray  # (block,) int32, with subwords: row of `vectors` of each token
    vectors: np.ndarray  # (a power of 2, padded d) float32, with subwords: vectors of the tokens around the centre
    before: np.ndarray  # the same shape: the vectors as they were made
    contexts: np.ndarray  # (2 window,) int32
    outputs: np.ndarray  # (SPAN, groups x GROUP + SCORES) int32: -1 and noise words, of centres in a row
    path: np.ndarray  # (longest path + GROUP,) int32, with hierarchical softmax: rows of C
    labels: np.ndarray  # (1, groups x GROUP + SCORES) float32, with negative sampling: 1 and zeros
    rates: np.ndarray  # (GROUP + 1, SCORES) float32: row n has the learning rate in its first n lanes, zeros in others
    scores: np.ndarray  # (2 window or SPAN, SCORES) float32
    hidden: np.ndarray  # (SPAN, padded d) float32, CBOW: mean or sum of the context vectors
    start: np.ndarray  # (SPAN, padded d) float32, CBOW: `hidden` before its training step
    windows: np.ndarray  # (SPAN, 2) int64: first and last (exclusive) context position of a centre
    centres: np.ndarray  # (SPAN,) int32: rows of `hidden`
    gradients: np.ndarray  # (1, longest path or groups x GROUP, + SCORES) float32: of all outputs of one input row
    mean_rows: np.ndarray  # (SPAN, 2 window + 1) int32, documents: rows of E that predict each word
    mean_numbers: np.ndarray  # (SPAN,) int64, documents: their numbers


def scratch(dimension: int, block: int, window: int, negative: int, extensions: Extensions = NO_EXTENSIONS) -> Scratch:
    """Allocate working memory for one thread.

    Parameters
    ----------
    dimension : int
        The padded one.
    block : int
        Tokens of the longest block.
    window : int
    negative : int
        Noise words of a centre word; 0 with hierarchical softmax.
    extensions : Extensions
        Those of the training.

    Returns
    -------
    Scratch
    """
    lanes = (negative // GROUP + 1) * GROUP + SCORES
    around = 1 << (2 * window + SPAN).bit_length() if extensions.subwords is not None else 1
    longest = 0 if extensions.paths is None else int(np.diff(extensions.paths.offsets).max(initial=0))
    labels = np.zeros((1, lanes), np.float32)
    labels[0, 0] = 1
    return Scratch(
        tokens=np.empty(block, np.int32),
        slots=(np.arange(block) % around).astype(np.int32),
        vectors=zeros(around, dimension),
        before=zeros(around, dimension),
        contexts=np.empty(2 * window, np.int32),
        outputs=np.full((SPAN, lanes), -1, np.int32),
        path=np.zeros(longest + GROUP, np.int32),
        labels=labels,
        rates=np.zeros((GROUP + 1, SCORES), np.float32),
        scores=np.zeros((max(2 * window, SPAN), SCORES), np.float32),
        hidden=np.zeros((SPAN, dimension), np.float32),
        start=np.zeros((SPAN, dimension), np.float32),
        windows=np.zeros((SPAN, 2), np.int64),
        centres=np.arange(SPAN, dtype=np.int32),
        gradients=np.zeros((1, max(longest + SCORES, lanes)), np.float32),
        mean_rows=np.zeros((SPAN, 2 * window + 1), np.int32),
        mean_numbers=np.zeros(SPAN, np.int64),
    )
