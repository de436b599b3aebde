"""What training draws at random, for kernels: which tokens are kept, how far a window reaches, which words are noise.

Every function takes the state of a random stream and returns the next one. All are compiled into their callers; after
an edit here, remove ``__pycache__`` (Numba's on-disk cache watches the caller's file only).
"""

import numpy as np
from numba import njit

inlined = njit(nogil=True, fastmath=True, error_model="numpy", forceinline=True)


@inlined
def next_random(state):
    """Marsaglia's xorshift64 (2003)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state


@inlined
def below(state, n):
    """Map the upper half of a random state to 0..n-1 (Lemire 2019)."""
    return np.int64(((state >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@inlined
def subsample(ids, begin, end, keep, tokens, state):
    """Copy the tokens that frequent-word subsampling keeps; return their number."""
    n = 0
    for position in range(begin, end):
        word = ids[position]
        state = next_random(state)
        tokens[n] = word
        n += keep[word] >= np.uint32(state >> np.uint64(32))
    return n, state


@inlined
def noise_word(parameters, state):
    """Draw a word from the noise distribution by Walker's alias method."""
    state = next_random(state)
    word = below(state, parameters.alias_word.shape[0])
    alias = np.int64(parameters.alias_word[word])  # read in any case: the branch could not be foretold
    word = alias if np.uint32(state & np.uint64(0xFFFFFFFF)) >= parameters.alias_threshold[word] else word
    return word, state


@inlined
def window(position, n, step, state):
    """First and last (exclusive) context position of a centre word."""
    reach = step.window
    if step.dynamic_window:
        state = next_random(state)
        reach -= below(state, step.window)
    return max(0, position - reach), min(n, position + reach + 1), state
