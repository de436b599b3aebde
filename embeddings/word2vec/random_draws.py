"""Random draws of word2vec's kernels: which tokens are trained on, how wide a window is, which words are noise."""

import numpy as np

from embeddings import simd
from embeddings.compilation import in_place_inlined


@in_place_inlined
def next_random(state):
    """Marsaglia's xorshift64 (2003)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state


@in_place_inlined
def below(state, n):
    """Map the upper half of a random state to 0..n-1 (Lemire 2019)."""
    return np.int64(((state >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@in_place_inlined
def tokens_of(block, sentence):
    """First and last (exclusive) token of a sentence that belong to the block."""
    begin, end = block.offsets[sentence], block.offsets[sentence + 1]
    return begin if begin > block.first else block.first, end if end < block.last else block.last


@in_place_inlined
def subsample(block, begin, end, keep, tokens, state):
    """Copy the tokens that frequent-word subsampling keeps; return their number."""
    n = 0
    for position in range(begin, end):
        word = block.ids[position]
        state = next_random(state)
        tokens[n] = word
        n += keep[word] >= np.uint32(state >> np.uint64(32))
    return n, state


@in_place_inlined
def draw_window(position, n, step, state):
    """First and last (exclusive) context position of a centre word."""
    reach = step.window
    if step.dynamic_window:
        state = next_random(state)
        reach -= below(state, step.window)
    low, high = position - reach, position + reach + 1
    return low if low > 0 else 0, high if high < n else n, state


@in_place_inlined
def draw_negatives(parameters, outputs, negative, state):
    """Draw words from the noise distribution by Walker's alias method and ask for their rows."""
    words = parameters.alias_word.shape[0]
    for k in range(1, negative + 1):
        state = next_random(state)
        word = below(state, words)
        alias = np.int64(parameters.alias_word[word])  # read in any case: the branch could not be foretold
        word = alias if np.uint32(state & np.uint64(0xFFFFFFFF)) >= parameters.alias_threshold[word] else word
        outputs[k] = word
        for j in range(0, parameters.context.shape[1], 16):
            simd.prefetch(parameters.context, word, j)
    for k in range(negative + 1, outputs.shape[0]):
        outputs[k] = word  # padding; its rate is zero
    return state
