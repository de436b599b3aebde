"""Compiled loops over the characters of words: count and hash their n-grams."""

# mypy: ignore-errors
# (Numba infers the types of what it compiles.)

import numpy as np

from embeddings.compilation import exact, inlined
from embeddings.text.murmur_kernels import murmur_hash

_BEGIN, _END = np.uint8(60), np.uint8(62)  # < and >
_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_SLASH, _S = np.uint8(47), np.uint8(115)
_OFFSET_BASIS, _PRIME = np.uint64(2166136261), np.uint64(16777619)
_32_BITS, _SIGN_EXTENSION, _NO_SIGN = np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFF00), np.uint64(0)


@inlined
def _continues(byte):
    """Return whether a byte continues a character of UTF-8."""
    return (byte & np.uint8(0xC0)) == np.uint8(0x80)


@inlined
def _hashed(state, byte):
    """Return the state of FNV-1a after one more byte, which is taken as a signed char as in fastText."""
    signed = np.uint64(byte) | (_SIGN_EXTENSION if byte >= np.uint8(0x80) else _NO_SIGN)
    return ((state ^ signed) * _PRIME) & _32_BITS


@exact
def count_floret_rows(letters, starts, ends, min_length, max_length, hashes, counts):
    """Count the rows of words in a floret table: `hashes` for the whole word and for each n-gram.

    Parameters
    ----------
    letters : (b,) uint8
    starts, ends : (n,) int64
        Word i is ``letters[starts[i] : ends[i]]``.
    min_length, max_length : int
    hashes : int
    counts : (n,) int64
        Receives the numbers of rows.
    """
    for word in range(starts.size):
        characters = 2  # the boundary signs
        for i in range(starts[word], ends[word]):
            characters += not _continues(letters[i])
        found = 1
        for length in range(min_length, min(max_length, characters) + 1):
            found += characters - length + 1
        counts[word] = found * hashes


@exact
def hash_floret_rows(letters, starts, ends, min_length, max_length, bucket_count, hashes, seed, offsets, buckets):
    """Compute the rows of words in a floret table: those of the whole word, then of each n-gram.

    Parameters
    ----------
    letters : (b,) uint8
    starts, ends : (n,) int64
        Word i is ``letters[starts[i] : ends[i]]``.
    min_length, max_length : int
    bucket_count : int
    hashes : int
        Rows of each n-gram.
    seed : int
    offsets : (n,) int64
        Where the rows of each word begin in `buckets`.
    buckets : (m,) int32
        Receives the rows.
    """
    longest = 0
    for word in range(starts.size):
        longest = max(longest, ends[word] - starts[word])
    bounded = np.empty(longest + 2, np.uint8)
    for word in range(starts.size):
        size = ends[word] - starts[word] + 2
        bounded[0], bounded[size - 1] = _BEGIN, _END
        bounded[1 : size - 1] = letters[starts[word] : ends[word]]
        written = _write_rows(bounded, 0, size, bucket_count, hashes, seed, offsets[word], buckets)
        for first in range(size):
            if _continues(bounded[first]):
                continue
            i, length = first, 0
            while i < size and length < max_length:
                i += 1
                while i < size and _continues(bounded[i]):
                    i += 1
                length += 1
                if length >= min_length:
                    written = _write_rows(bounded, first, i, bucket_count, hashes, seed, written, buckets)


@inlined
def _write_rows(bounded, first, last, bucket_count, hashes, seed, written, buckets):
    """Write the rows of one n-gram: the 32-bit quarters of its hash; return the place after them."""
    low, high = murmur_hash(bounded, first, last, seed)
    for i in range(hashes):
        half = low if i < 2 else high
        quarter = half >> _32 if i % 2 else half & _LOW
        buckets[written] = np.int32(quarter % np.uint64(bucket_count))
        written += 1
    return written


@inlined
def _ends_sentence(letters, start, end):
    """Return whether a word is ``</s>``, fastText's end of a line, which has no n-grams."""
    if end - start != 4 or letters[start] != _BEGIN or letters[start + 1] != _SLASH:
        return False
    return letters[start + 2] == _S and letters[start + 3] == _END


@exact
def count_ngrams(letters, starts, ends, min_length, max_length, counts):
    """Count the n-grams of words.

    Parameters
    ----------
    letters : (b,) uint8
    starts, ends : (n,) int64
        Word i is ``letters[starts[i] : ends[i]]``.
    min_length, max_length : int
    counts : (n,) int64
        Receives the numbers of n-grams.
    """
    for word in range(starts.size):
        characters = 2  # the boundary signs
        for i in range(starts[word], ends[word]):
            characters += not _continues(letters[i])
        found = 0
        for length in range(min_length, min(max_length, characters) + 1):
            found += characters - length + 1 - (2 if length == 1 else 0)
        counts[word] = 0 if _ends_sentence(letters, starts[word], ends[word]) else found


@exact
def hash_ngrams(letters, starts, ends, min_length, max_length, bucket_count, offsets, buckets):
    """Compute the bucket numbers of the n-grams of words, by their first character and then by length.

    Parameters
    ----------
    letters : (b,) uint8
    starts, ends : (n,) int64
        Word i is ``letters[starts[i] : ends[i]]``.
    min_length, max_length : int
    bucket_count : int
    offsets : (n,) int64
        Where the n-grams of each word begin in `buckets`.
    buckets : (m,) int32
        Receives the bucket numbers.
    """
    longest = 0
    for word in range(starts.size):
        longest = max(longest, ends[word] - starts[word])
    bounded = np.empty(longest + 2, np.uint8)
    for word in range(starts.size):
        if _ends_sentence(letters, starts[word], ends[word]):
            continue
        size = ends[word] - starts[word] + 2
        bounded[0], bounded[size - 1] = _BEGIN, _END
        bounded[1 : size - 1] = letters[starts[word] : ends[word]]
        written = offsets[word]
        for first in range(size):
            if _continues(bounded[first]):
                continue
            state, i, length = _OFFSET_BASIS, first, 0
            while i < size and length < max_length:
                state = _hashed(state, bounded[i])
                i += 1
                while i < size and _continues(bounded[i]):
                    state = _hashed(state, bounded[i])
                    i += 1
                length += 1
                if length >= min_length and not (length == 1 and (first == 0 or i == size)):
                    buckets[written] = np.int32(state % np.uint64(bucket_count))
                    written += 1
