"""What word2vec's kernels take: matrices and tables, a block of text, the settings of a call, working memory."""

from typing import NamedTuple

import numpy as np

from embeddings.compilation import read_only
from embeddings.word2vec.padded_matrices import zeros
from embeddings.word2vec.simd import GROUP, SCORES

SPAN = 8
"""Neighbouring CBOW centres that share one set of negatives when sharing is on."""


class InputRows(NamedTuple):
    """The rows of E whose mean is the vector of a word: its own and those of its character n-grams.

    Without subwords both arrays are empty, and the vector of word w is E[w].
    """

    offsets: np.ndarray  # (V + 1,) int64, or empty
    rows: np.ndarray  # (m,) int32: the rows of word w are rows[offsets[w] : offsets[w + 1]]


class HuffmanPaths(NamedTuple):
    """The way from the root of the Huffman tree to every word; empty arrays with negative sampling."""

    offsets: np.ndarray  # (V + 1,) int64, or empty
    nodes: np.ndarray  # (m,) int32: rows of C
    labels: np.ndarray  # (m,) float32: 1 where the way goes to the left


class Parameters(NamedTuple):
    """What all threads share: the matrices and the tables of inputs, outputs and draws."""

    embedding: np.ndarray  # E, (V + n-grams, padded d) float32, input vectors
    context: np.ndarray  # C, (V, padded d) float32, output vectors; of the V - 1 nodes with hierarchical softmax
    keep: np.ndarray  # (V,) uint32: a token is kept when a random uint32 is not above it
    alias_threshold: np.ndarray  # (V,) uint32
    alias_word: np.ndarray  # (V,) int32
    inputs: InputRows
    paths: HuffmanPaths
    position_weights: (
        np.ndarray
    )  # (2 window, padded d) float32, CBOW: weights of the context positions; or (0, padded d)


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
    negative: int  # 0 with hierarchical softmax
    share_negatives: bool
    mean: bool  # CBOW: average the context vectors instead of adding them up
    weighted: int  # CBOW: components with position weights
    learning_rate: float
    loss_interval: int  # the loss is taken at every so many-th centre word
    state: np.uint64  # of the random stream, not 0 (a Python int would be typed by its size)


class Scratch(NamedTuple):
    """Working memory of one thread."""

    tokens: np.ndarray  # (block,) int32, what subsampling left of a sentence
    slots: np.ndarray  # (block,) int32, with subwords: row of `vectors` of each token
    vectors: np.ndarray  # (a power of 2, padded d) float32, with subwords: vectors of the tokens around the centre
    before: np.ndarray  # the same shape: the vectors as they were made
    contexts: np.ndarray  # (2 window,) int32
    outputs: np.ndarray  # (2, groups x GROUP) int32: of this centre and of the next
    labels: np.ndarray  # (1, groups x SCORES) float32: 1 where the output word is to be predicted
    rates: np.ndarray  # (SPAN, groups x SCORES) float32, by centre: the learning rate where the output counts, else 0
    scores: np.ndarray  # (2 window or SPAN, SCORES) float32
    hidden: np.ndarray  # (SPAN, padded d) float32, CBOW: mean or sum of the context vectors
    start: np.ndarray  # (SPAN, padded d) float32, CBOW: `hidden` before its training step
    windows: np.ndarray  # (SPAN, 2) int64: first and last (exclusive) context position of a centre
    centres: np.ndarray  # (SPAN,) int32: rows of `hidden`


def no_input_rows() -> InputRows:
    """Return the table of a model without subwords."""
    return InputRows(read_only(np.empty(0, np.int64)), read_only(np.empty(0, np.int32)))


def no_paths() -> HuffmanPaths:
    """Return the table of a model with negative sampling."""
    offsets, nodes, labels = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float32)
    return HuffmanPaths(read_only(offsets), read_only(nodes), read_only(labels))


def scratch(block: int, dimension: int, window: int, outputs: int, subwords: bool = False) -> Scratch:
    """Allocate working memory for one thread.

    Parameters
    ----------
    block : int
        Tokens of the longest block.
    dimension : int
        The padded one.
    window : int
    outputs : int
        Most output rows of a word: K + 1 with negative sampling, the longest path with hierarchical softmax.
    subwords : bool
        Whether the vectors of words are made of several rows.

    Returns
    -------
    Scratch
    """
    groups = -(-outputs // GROUP)
    around = 1 << (2 * window + SPAN).bit_length() if subwords else 1
    labels = np.zeros((1, groups * SCORES), np.float32)
    labels[0, 0] = 1
    return Scratch(
        tokens=np.empty(block, np.int32),
        slots=(np.arange(block) % around).astype(np.int32),
        vectors=zeros(around, dimension),
        before=zeros(around, dimension),
        contexts=np.empty(2 * window, np.int32),
        outputs=np.zeros((2, groups * GROUP), np.int32),
        labels=labels,
        rates=np.zeros((SPAN, groups * SCORES), np.float32),
        scores=np.zeros((max(2 * window, SPAN), SCORES), np.float32),
        hidden=np.zeros((SPAN, dimension), np.float32),
        start=np.zeros((SPAN, dimension), np.float32),
        windows=np.zeros((SPAN, 2), np.int64),
        centres=np.arange(SPAN, dtype=np.int32),
    )
