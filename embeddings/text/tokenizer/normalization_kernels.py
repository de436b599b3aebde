"""The compiled search for words that may not be in Unicode normalization form C (NFC)."""

# mypy: ignore-errors
# (Numba infers the types of what it compiles.)

from typing import NamedTuple

import numpy as np

from embeddings.compilation import exact, inlined, subroutine

# An entry of the tables: the canonical combining class in the low eight bits, and these flags
CHANGES = 256  # the character is not NFC by itself
SECOND = 512  # it may combine with a character before it
FIRST = 1024  # it may combine with a character after it

_LOWEST = np.uint8(0xCC)  # characters below U+0300, whose bytes are smaller than this, are NFC
_LONG_STRETCH, _SHORT_STRETCH = np.uint64(64), np.uint64(8)  # bytes that are looked at together, without branches
_U0, _U1, _U2, _U6, _U8 = map(np.uint64, (0, 1, 2, 6, 8))  # unsigned indices need no check of their sign


class NormalizationTables(NamedTuple):
    """Properties of all characters; see `embeddings.text.tokenizer.normalization`."""

    pairs: np.ndarray  # (65536,) bool: the first two bytes of characters some of which have an entry but `FIRST`
    blocks: np.ndarray  # (4352,) uint16
    entries: np.ndarray  # (256 n,) uint32


@inlined
def _has_high(raw, start):
    """Return whether a long stretch has a character of U+0300 or above."""
    found = False
    for i in range(64):
        found |= raw[start + np.uint64(i)] >= _LOWEST
    return found


@inlined
def _is_plain(raw, start, pairs):
    """Return whether no character of a short stretch has an entry but `FIRST`."""
    found = False
    for i in range(8):
        at = start + np.uint64(i)
        found |= pairs[np.uint64(raw[at]) << _U8 | np.uint64(raw[at + _U1])]
    return not found


@inlined
def _begins_candidate(raw, position, pairs):
    """Return whether the character at a position may have an entry other than `FIRST`."""
    if raw[position] < _LOWEST or position + _U1 == np.uint64(raw.size):
        return False
    return pairs[np.uint64(raw[position]) << _U8 | np.uint64(raw[position + _U1])]


@inlined
def _plain(raw, position, pairs):
    """Return a number of bytes from a position on without candidates, 0 for a candidate.

    Whole stretches are looked at where they begin, without a branch on the byte.
    """
    size = np.uint64(raw.size)
    if position % _LONG_STRETCH == _U0 and position + _LONG_STRETCH < size and not _has_high(raw, position):
        return _LONG_STRETCH
    if position % _SHORT_STRETCH == _U0 and position + _SHORT_STRETCH < size and _is_plain(raw, position, pairs):
        return _SHORT_STRETCH
    return _U0 if _begins_candidate(raw, position, pairs) else _U1


@inlined
def _is_space(byte):
    return byte == 32 or 9 <= byte <= 13


@inlined
def _code_point(raw, start):
    """Return the code point of the sequence at `start`, of 2 to 4 bytes, and its length; (0, 1) if it is invalid."""
    lead = np.uint64(raw[start])
    length = _U2 + np.uint64(lead >= 0xE0) + np.uint64(lead >= 0xF0)
    if start + length > np.uint64(raw.size):
        return _U0, _U1
    code = lead & (np.uint64(0x7F) >> length)
    for i in range(start + _U1, start + length):
        byte = np.uint64(raw[i])
        if byte & np.uint64(0xC0) != np.uint64(0x80):
            return _U0, _U1
        code = code << _U6 | byte & np.uint64(0x3F)
    return (code, length) if code < np.uint64(0x110000) else (_U0, _U1)


@subroutine
def _word_around(raw, start, position):
    """Return the first and the last position of the word at a position."""
    end = position
    while position > start and not _is_space(raw[position - _U1]):
        position -= _U1
    while end < np.uint64(raw.size) and not _is_space(raw[end]):
        end += _U1
    return position, end


@exact
def find_unnormalized(raw, start, tables, spans):
    """Find the words, separated by ASCII white space, that may not be NFC.

    The test is that of the Unicode Standard Annex 15, "Detecting Normalization Forms", with one addition: a character
    that may combine with one before it is of no concern if the last base character combines with none.

    Parameters
    ----------
    raw : (n,) uint8
        UTF-8, valid or not.
    start : int
        Where to begin; the beginning of a word.
    tables : NormalizationTables
    spans : (m, 2) int64
        Receives the start and end of each word.

    Returns
    -------
    found : int
        Number of words.
    position : int
        Where the search ended: the size of `raw`, or earlier when `spans` is full.
    """
    pairs, blocks, entries = tables
    size, position = np.uint64(raw.size), np.uint64(start)
    found, last_class, after_first = 0, 0, True
    while position < size and found < len(spans):
        plain = _plain(raw, position, pairs)
        if plain:
            position, last_class, after_first = position + plain, 0, True
            continue
        code, length = _code_point(raw, position)
        entry = entries[np.uint64(blocks[code >> _U8]) << _U8 | code & np.uint64(255)]
        combining_class = entry & 255
        if entry & CHANGES or (entry & SECOND and after_first) or 0 < combining_class < last_class:
            begin, position = _word_around(raw, np.uint64(start), position)
            spans[found, 0], spans[found, 1] = begin, position
            found += 1
            last_class, after_first = 0, True
            continue
        last_class = combining_class
        if combining_class == 0:
            after_first = entry & FIRST != 0
        position += length
    return found, position
