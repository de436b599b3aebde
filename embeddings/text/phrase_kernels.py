"""Compiled loops over word ids that count adjacent words, score them and join those that are phrases.

A string is known by the pair of its polynomial hashes modulo 2^61 - 1 and 2^31 - 1 (Karp & Rabin 1987). The hash of two
strings, one after the other, follows from the hashes of both, so that the key of "bank_of_america" is computed from
three rows of numbers and no letter is read. Two different strings of n bytes have the same key with a probability of
about n^2 / 2^92: for a billion distinct strings, 1e-8 that any two of them are taken for one.

A table of keys has open addressing with linear probing. A slot is two uint64, a quarter of a cache line:

    key         the first hash, mixed
    rest        the second hash in the upper 31 bits; below it a number, such as a count (0: empty slot)

Keys are looked up some at a time, and their slots prefetched, so that cache misses overlap.
"""

# mypy: ignore-errors
# (Numba infers the types of what it compiles.)

import math
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

from embeddings.compilation import exact, inlined, subroutine
from embeddings.text.tokenizer.kernels import LINE_END_ID, prefetch

NUMBER_BITS = 33
NUMBER = np.uint64((1 << NUMBER_BITS) - 1)
"""Mask of the number in a slot."""
START_1, START_2, REST_1, REST_2, POWER_1, POWER_2 = range(6)  # columns of the hashes of a word
HASHES = 6

_PRIME_1, _PRIME_2 = np.uint64((1 << 61) - 1), np.uint64((1 << 31) - 1)
_BASE_1, _BASE_2 = np.uint64(0x0F3C8A5B7D21E946), np.uint64(0x5BD1E995)  # drawn at random below the primes
_FIRST_1, _FIRST_2 = np.uint64(0x1A9D24C0B6E7F853), np.uint64(0x2545F491)  # the hashes of nothing
_FACTOR_1, _FACTOR_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_U0, _U1, _U29, _U31, _U32, _U64 = map(np.uint64, (0, 1, 29, 31, 32, 64))
_AHEAD = 16  # keys whose slots are prefetched
_PAIRS = 64  # pairs looked up at a time
_NUMBER_BITS = np.uint64(NUMBER_BITS)


class Chain(NamedTuple):
    """The words before the present one that may begin a phrase: a word and the connector words after it.

    Attributes
    ----------
    begun : bool
        There is such a word.
    hash_1, hash_2 : uint64
        Of the words.
    """

    begun: bool
    hash_1: np.uint64
    hash_2: np.uint64


NO_CHAIN = Chain(False, np.uint64(0), np.uint64(0))


class Scorer(NamedTuple):
    """A scorer with what it needs to know of the text.

    Attributes
    ----------
    normalized : bool
        Normalized pointwise mutual information; otherwise the scorer of Mikolov et al. (2013).
    min_count : int
    distinct : int
        Number of distinct words and pairs of words.
    tokens : float
    threshold : float
    """

    normalized: bool
    min_count: int
    distinct: int
    tokens: float
    threshold: float


@intrinsic
def _folded_product(typing_context, a, b):
    """Multiply two numbers below 2^61; add the lower 61 bits of the product and the upper ones."""

    def codegen(context, builder, signature, args):
        wide, narrow = ir.IntType(128), ir.IntType(64)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        low = builder.and_(builder.trunc(product, narrow), ir.Constant(narrow, (1 << 61) - 1))
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 61)), narrow)
        return builder.add(low, high)

    return types.uint64(types.uint64, types.uint64), codegen


if config.DISABLE_JIT:

    def _folded_product(a, b):
        """Do the same with Python's numbers."""
        product = int(a) * int(b)
        return np.uint64((product & (1 << 61) - 1) + (product >> 61))


@inlined
def _times_1(a, b):
    """Return a b modulo 2^61 - 1."""
    total = _folded_product(a, b)
    return total if total < _PRIME_1 else total - _PRIME_1


@inlined
def _plus_1(a, b):
    total = a + b
    return total if total < _PRIME_1 else total - _PRIME_1


@inlined
def _times_plus_2(a, b, c):
    """Return a b + c modulo 2^31 - 1."""
    total = a * b + c
    total = (total >> _U31) + (total & _PRIME_2)
    total = (total >> _U31) + (total & _PRIME_2)
    return total if total < _PRIME_2 else total - _PRIME_2


@inlined
def _mixed(hash_1):
    """Return a hash whose bits all depend on all bits; different hashes stay different."""
    hash_1 = (hash_1 ^ (hash_1 >> _U32)) * _FACTOR_1
    hash_1 = (hash_1 ^ (hash_1 >> _U29)) * _FACTOR_2
    return hash_1 ^ (hash_1 >> _U32)


@inlined
def _first(hashes, word):
    return Chain(True, hashes[word, START_1], hashes[word, START_2])


@inlined
def _extended_1(chain, hashes, word):
    return _plus_1(_times_1(chain.hash_1, hashes[word, POWER_1]), hashes[word, REST_1])


@inlined
def _extended_2(chain, hashes, word):
    return _times_plus_2(chain.hash_2, hashes[word, POWER_2], hashes[word, REST_2])


@inlined
def _extended(chain, hashes, word):
    """Return a chain with one more word."""
    return Chain(True, _extended_1(chain, hashes, word), _extended_2(chain, hashes, word))


@inlined
def _begin(slots, key):
    """Return the index at which the search for a key begins."""
    return np.int64(key << _U1 & np.uint64(slots.size - 2))


@inlined
def _place(slots, key, tail):
    """Return the index of the slot that holds a key, or of the empty slot where it belongs."""
    place = _begin(slots, key)
    while slots[place + 1] & NUMBER != _U0 and not (slots[place] == key and slots[place + 1] >> _NUMBER_BITS == tail):
        place = (place + 2) & (slots.size - 2)
    return place


@exact
def hash_words(letters, starts, ends, delimiter, hashes):
    """Compute the hashes of words.

    Parameters
    ----------
    letters : (m,) uint8
    starts, ends : (n,) int64
        Word i is ``letters[starts[i] : ends[i]]``.
    delimiter : (k,) uint8
        Stands before a word that is appended to others.
    hashes : (n, 6) uint64
        Receives the hashes of the word, those of the delimiter and the word without the hash of nothing, and the powers
        of the bases with the length of the latter as exponent; each for both primes.
    """
    delimiter_1, delimiter_2, powers_1, powers_2 = _U0, _U0, _U1, _U1
    for letter in delimiter:
        delimiter_1 = _plus_1(_times_1(delimiter_1, _BASE_1), np.uint64(letter))
        delimiter_2 = _times_plus_2(delimiter_2, _BASE_2, np.uint64(letter))
        powers_1, powers_2 = _times_1(powers_1, _BASE_1), _times_plus_2(powers_2, _BASE_2, _U0)
    for word in range(starts.size):
        start_1, start_2, rest_1, rest_2 = _FIRST_1, _FIRST_2, delimiter_1, delimiter_2
        power_1, power_2 = powers_1, powers_2
        for place in range(starts[word], ends[word]):
            letter = np.uint64(letters[place])
            start_1 = _plus_1(_times_1(start_1, _BASE_1), letter)
            rest_1 = _plus_1(_times_1(rest_1, _BASE_1), letter)
            start_2 = _times_plus_2(start_2, _BASE_2, letter)
            rest_2 = _times_plus_2(rest_2, _BASE_2, letter)
            power_1, power_2 = _times_1(power_1, _BASE_1), _times_plus_2(power_2, _BASE_2, _U0)
        hashes[word, START_1], hashes[word, START_2] = start_1, start_2
        hashes[word, REST_1], hashes[word, REST_2] = rest_1, rest_2
        hashes[word, POWER_1], hashes[word, POWER_2] = power_1, power_2


@exact
def word_keys(hashes, keys):
    """Write the keys of words, (n, 2) uint64: the mixed first hash and the second hash."""
    for word in range(hashes.shape[0]):
        keys[word, 0], keys[word, 1] = _mixed(hashes[word, START_1]), hashes[word, START_2]


@exact
def pair_keys(ids, hashes, connector, chain, ranges, keys, found):
    """Write the keys of all pairs of adjacent words, with the connector words between them.

    Parameters
    ----------
    ids : (n,) int32
        Word ids; `LINE_END_ID` at the end of a sentence.
    hashes : (V + 1, 6) uint64
        See `hash_words`.
    connector : (V + 1,) bool
        Words that begin and end no phrase.
    chain : Chain
        At the begin of `ids`.
    ranges : (r, 2) uint64
        Range i holds the keys whose first bits are i; those below the first number or above the second are left out.
    keys : (r, n, 2) uint64
        Receives the keys of each range.
    found : (r,) int64
        Receives the numbers of keys of each range.

    Returns
    -------
    Chain
        At the end of `ids`.
    """
    found[:] = 0
    shift = _U64
    for _ in range(np.int64(math.log2(found.size))):
        shift -= _U1
    for i in range(ids.size):
        word = ids[i]
        if word == LINE_END_ID:
            chain = Chain(False, _U0, _U0)
        elif connector[word]:
            if chain.begun:
                chain = _extended(chain, hashes, word)
        else:
            if chain.begun:
                pair = _extended(chain, hashes, word)
                key = _mixed(pair.hash_1)
                number = np.int64(key >> shift)
                keys[number, found[number], 0], keys[number, found[number], 1] = key, pair.hash_2
                found[number] += ranges[number, 0] <= key and key <= ranges[number, 1]
            chain = _first(hashes, word)
    return chain


@exact
def add_keys(keys, numbers, slots):
    """Add numbers to those of keys; new keys begin with 0.

    Parameters
    ----------
    keys : (n, 2) uint64
    numbers : (n,) int64
        All above 0.
    slots : (2 s,) uint64
        s is a power of two, and there are more free slots than keys; updated.

    Returns
    -------
    int
        Number of new keys.
    """
    new = 0
    for i in range(keys.shape[0]):
        prefetch(slots, _begin(slots, keys[min(i + _AHEAD, keys.shape[0] - 1), 0]))
        key, tail = keys[i, 0], keys[i, 1]
        place = _place(slots, key, tail)
        if slots[place + 1] & NUMBER == _U0:
            slots[place], slots[place + 1] = key, tail << _NUMBER_BITS
            new += 1
        slots[place + 1] += np.uint64(numbers[i])
    return new


@exact
def find_keys(keys, slots, numbers):
    """Write the numbers of keys, (n,) int64; 0 for keys that are not in the table."""
    for i in range(keys.shape[0]):
        prefetch(slots, _begin(slots, keys[min(i + _AHEAD, keys.shape[0] - 1), 0]))
        numbers[i] = np.int64(slots[_place(slots, keys[i, 0], keys[i, 1]) + 1] & NUMBER)


@subroutine
def _score(scorer, pair, first, second):
    """Return the score of a pair of words from its count and those of the words; see `Scorer`.

    Operations keep their order (a subroutine has none of the licences of `inlined`): scores are gensim's, bit for bit.
    """
    if first <= 0 or second <= 0 or pair < scorer.min_count:
        return -np.inf
    if not scorer.normalized:
        return (pair - scorer.min_count) / np.float64(first * second) * scorer.distinct
    share = pair / scorer.tokens
    return math.log(share / (first / scorer.tokens * (second / scorer.tokens))) / -math.log(share)


@exact
def select_phrases(ids, strings, parts, connector, counts, slots, seen, scorer, places, numbers, scores):
    """Find the pairs of adjacent words whose score is above the threshold.

    Parameters
    ----------
    ids : (n,) int32
        Whole sentences.
    strings, parts : (V + 1, 6) uint64
        Hashes for phrases joined by the delimiter, which find their counts, and for phrases joined by a byte that no
        word has, which tells "new_york city" from "new york_city".
    connector : (V + 1,) bool
    counts : (V + 1,) int64
        Of the words.
    slots : (2 s,) uint64
        Table of the counts of frequent phrases.
    seen : (2 s,) uint64
        The parts of the phrase that was found last for each slot; updated.
    scorer : Scorer
    places : (n, 2) int64
        Receives the first and the last place of each phrase in `ids`. A phrase is there once or, rarely, several times.
    numbers : (n,) int64
        Receives their counts.
    scores : (n,) float64
        Receives their scores.

    Returns
    -------
    int
        Number of phrases found.
    """
    pairs, keys = np.empty((_PAIRS, 2), np.int64), np.empty((_PAIRS, 2), np.uint64)
    waiting, found, begin = 0, 0, 0
    chain = Chain(False, _U0, _U0)
    for i in range(ids.size + 1):
        if waiting == _PAIRS or i == ids.size:
            for pair in range(waiting):
                first, last = pairs[pair, 0], pairs[pair, 1]
                slot = _place(slots, keys[pair, 0], keys[pair, 1])
                number = np.int64(slots[slot + 1] & NUMBER)
                if number == 0:
                    continue
                score = _score(scorer, number, counts[ids[first]], counts[ids[last]])
                if score > scorer.threshold:
                    own = _first(parts, ids[first])
                    for place in range(first + 1, last + 1):
                        own = _extended(own, parts, ids[place])
                    if seen[slot] != own.hash_1:
                        seen[slot] = own.hash_1
                        places[found, 0], places[found, 1] = first, last
                        numbers[found], scores[found] = number, score
                        found += 1
            waiting = 0
            if i == ids.size:
                break
        word = ids[i]
        if word == LINE_END_ID:
            chain = Chain(False, _U0, _U0)
        elif connector[word]:
            if chain.begun:
                chain = _extended(chain, strings, word)
        else:
            if chain.begun:
                both = _extended(chain, strings, word)
                key = _mixed(both.hash_1)
                prefetch(slots, _begin(slots, key))
                keys[waiting, 0], keys[waiting, 1] = key, both.hash_2
                pairs[waiting, 0], pairs[waiting, 1] = begin, i
                waiting += 1
            chain, begin = _first(strings, word), i
    return found


@exact
def join_phrases(ids, parts, connector, slots, changes):
    """Replace phrases by their ids, from left to right: a word that ended a phrase begins no other.

    Parameters
    ----------
    ids : (n,) int32
        Whole sentences; the first ids receive the result.
    parts : (V + 1, 6) uint64
        See `select_phrases`.
    connector : (V + 1,) bool
    slots : (2 s,) uint64
        Table of the ids of phrases.
    changes : (W,) int64
        Changes of the counts by id; updated.

    Returns
    -------
    written : int
        Number of ids after joining.
    joined : int
        Number of ids that became part of a phrase.
    """
    written, joined, begin = 0, 0, 0
    chain = Chain(False, _U0, _U0)
    for i in range(ids.size):
        word = ids[i]
        if word != LINE_END_ID and connector[word] and chain.begun:
            chain = _extended(chain, parts, word)
            continue
        phrase = np.int64(0)
        if word != LINE_END_ID and chain.begun:
            pair = _extended(chain, parts, word)
            phrase = np.int64(slots[_place(slots, _mixed(pair.hash_1), pair.hash_2) + 1] & NUMBER)
        if phrase:
            for place in range(begin, i + 1):
                changes[ids[place]] -= 1
            changes[phrase] += 1
            ids[written] = phrase
            written += 1
            joined += i + 1 - begin
            chain = Chain(False, _U0, _U0)
            continue
        if chain.begun:
            written = _moved(ids, begin, i, written)
        if word == LINE_END_ID or connector[word]:
            ids[written] = word
            written += 1
            chain = Chain(False, _U0, _U0)
        else:
            chain, begin = _first(parts, word), i
    if chain.begun:
        written = _moved(ids, begin, ids.size, written)
    return written, joined


@inlined
def _moved(ids, begin, end, written):
    """Move ids to the left; return the place after them."""
    for place in range(begin, end):
        ids[written] = ids[place]
        written += 1
    return written
