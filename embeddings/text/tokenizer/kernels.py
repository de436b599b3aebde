"""The compiled inner loops of tokenization: decode, classify, fold, hash and count.

Words live in an open-addressing hash table with linear probing. A slot is four uint64, half a cache line:

    key 0, key 1    the UTF-8 bytes of a word of at most 16 bytes, padded with zeros;
                    for a longer word its hash, and the start of its bytes in ``letters`` (with `_LONG` set)
    id              1, 2, 3 ... in order of appearance (0: empty slot); a long word has its length from bit 32 on
    count           number of occurrences

so that two comparisons in one cache line find almost every word. No byte of UTF-8 is 0xFF, which keeps `_LONG`
apart from short words; words with zero bytes are stored as long words.

Text is processed in pieces, in two steps. `_normalize` writes its words, folded, to a buffer and records their edges:
plain ASCII with a few instructions per byte and no branch on the byte, all other text character by character.
`_count_words` then reads the words eight bytes at a time and prefetches their slots, so that cache misses overlap.
"""

# mypy: ignore-errors
# (Numba infers the types of what it compiles.)

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

from embeddings.compilation import exact, inlined, subroutine

# Kinds of characters: the low three bits of a table entry; its bits from 8 on are the replacement character
SEPARATOR = 0  # ends a word
WORD = 1  # part of a word
MARK = 2  # part of a word, but not its first character
JOINER = 3  # part of a word between two of its characters, else a separator
IGNORED = 4  # removed without separating words
LINE_END = 5
CONTROL = 6  # a separator, counted
SYMBOL = 7  # a separate token
FINAL_FORM = 8  # flag: at the end of a longer word the replacement is ς, not σ
SYMBOL_ALONE = 16  # flag: a joiner that is a symbol unless it joins
SPECIAL = 128  # flag in the ASCII table: the character takes the slow path

LINE_END_ID = 0  # marks the end of a line in the stream of ids
LONGEST_WORD = 1000  # bytes; longer words are skipped and counted

# Indices into the state of a tokenizer
POSITION = 0  # bytes of the block done
WRITTEN = 1  # ids written
CARRIED = 2  # bytes of a word that continues in the next piece
HELD = 3  # the joiner at the end of that word if its next character is not known yet, else 0
JOINT = 4  # start of that joiner
INVALID = 5  # invalid byte sequences so far
CONTROLS = 6  # control characters so far
TOO_LONG = 7  # words longer than LONGEST_WORD so far
STATE_SIZE = 8

WORDS, LETTERS = 0, 1  # indices into the sizes of a word table

PADDING = 24  # bytes after the folded text that are read but not used
_NEWLINE = np.uint64(10)  # marks the end of a line in the folded text
_ALONE = 1 << 24  # flag of the held joiner: it is a symbol unless it joins
_FINAL_SIGMA = np.int64(0x3C2)  # (a Python number would be a type of its own)
_REPLACEMENT = 0xFFFD
_LONG = np.uint64(0xFF << 56)
_ID_BITS = np.uint64(0xFFFFFFFF)
_FACTOR_0 = np.uint64(0x9E3779B97F4A7C15)
_FACTOR_1 = np.uint64(0xC2B2AE3D27D4EB4F)
_U0, _U1, _U2, _U3, _U4, _U7, _U8, _U16, _U29, _U32, _U63 = map(np.uint64, (0, 1, 2, 3, 4, 7, 8, 16, 29, 32, 63))
_FIRST_BYTES = np.array([(1 << 8 * n) - 1 for n in range(8)] + [2**64 - 1] * 9, np.uint64)  # masks, by length


class CharacterTables(NamedTuple):
    """Properties of all characters; see `embeddings.text.tokenizer.character_tables`."""

    ascii: np.ndarray  # (256,) uint8
    blocks: np.ndarray  # (4352,) uint16
    entries: np.ndarray  # (256 n,) uint32; the first block is block 0


class TableArrays(NamedTuple):
    """A hash table of words; the number of slots is a power of two."""

    slots: np.ndarray  # (4 slots,) uint64
    letters: np.ndarray  # uint8, bytes of long words
    sizes: np.ndarray  # (2,) int64: words, letters in use


class Scratch(NamedTuple):
    """Buffers for a piece of text; see `scratch`."""

    folded: np.ndarray  # uint8, folded text
    folded_words: np.ndarray  # the same memory as uint64
    edges: np.ndarray  # uint32, alternating starts and ends of words in the folded text
    keys: np.ndarray  # uint64, both keys of each word
    places: np.ndarray  # uint64, slot at which the search for each word begins


def scratch(piece: int) -> Scratch:
    """Allocate buffers for pieces of `piece` bytes."""
    tokens = most_tokens(piece)
    folded = np.zeros((most_letters(piece) + PADDING + 7) // 8 * 8, np.uint8)
    edges, keys = np.empty(2 * tokens + 2, np.uint32), np.empty(2 * tokens, np.uint64)
    return Scratch(folded, folded.view(np.uint64), edges, keys, np.empty(tokens, np.uint64))


def most_tokens(piece: int) -> int:
    """Return the largest number of tokens of a piece: one per byte, a carried word and a joiner."""
    return piece + 4


def most_letters(piece: int) -> int:
    """Return the largest number of bytes of a folded piece: U+FFFD, 3 bytes, per byte, and a carried word."""
    return 3 * (piece + 4) + LONGEST_WORD


@intrinsic
def prefetch(typing_context, array, index):
    """Prefetch the cache line of ``array[index]`` for reading and writing."""

    def codegen(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [byte], ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        )
        address = builder.bitcast(builder.gep(data, [args[1]]), byte)
        builder.call(function, [address, number(1), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, index), codegen


if config.DISABLE_JIT:

    def prefetch(array, index):
        """Do nothing: plain Python cannot prefetch."""


@subroutine
def _hash_short(key_0, key_1):
    """Return a multiply-shift hash, whose top bits are well mixed."""
    return (key_0 ^ (key_0 >> _U32)) * _FACTOR_0 + (key_1 ^ (key_1 >> _U32)) * _FACTOR_1


@subroutine
def _hash_long(letters, start, end):
    value = np.uint64(end - start)
    for i in range(start, end):
        value = (value ^ np.uint64(letters[i])) * _FACTOR_0
    return (value ^ (value >> _U29)) * _FACTOR_1


@subroutine
def _find_short(slots, shift, key_0, key_1):
    """Return the slot of a short word, or the empty slot in which to insert it."""
    last = np.uint64(slots.size - 1)
    slot = (_hash_short(key_0, key_1) >> shift) << _U2
    while (slots[slot] != key_0 or slots[slot + _U1] != key_1) and slots[slot + _U2] != _U0:
        slot = (slot + _U4) & last
    return slot


@subroutine
def _find_long(table, shift, word, start, end, value):
    """Return the slot of a long word with hash `value`, or the empty slot in which to insert it."""
    slots = table.slots
    last = np.uint64(slots.size - 1)
    slot = (value >> shift) << _U2
    while slots[slot + _U2] != _U0:
        if (
            slots[slot] == value
            and slots[slot + _U1] >= _LONG
            and slots[slot + _U2] >> _U32 == np.uint64(end - start)
            and _same_letters(table.letters, np.int64(slots[slot + _U1] ^ _LONG), word, start, end)
        ):
            break
        slot = (slot + _U4) & last
    return slot


@subroutine
def _same_letters(letters, place, word, start, end):
    for i in range(end - start):  # noqa: SIM110 (Numba has no generator expressions)
        if letters[place + i] != word[start + i]:
            return False
    return True


@subroutine
def _add_short(slots, sizes, slot, key_0, key_1):
    sizes[WORDS] += 1
    slots[slot] = key_0
    slots[slot + _U1] = key_1
    slots[slot + _U2] = np.uint64(sizes[WORDS])


@subroutine
def _add_long(table, slot, word, start, end, value):
    place = table.sizes[LETTERS]
    for i in range(end - start):  # copying a slice may make a temporary array
        table.letters[place + i] = word[start + i]
    table.sizes[WORDS] += 1
    table.sizes[LETTERS] += end - start
    table.slots[slot] = value
    table.slots[slot + _U1] = _LONG | np.uint64(place)
    table.slots[slot + _U2] = np.uint64(table.sizes[WORDS]) | np.uint64(end - start) << _U32


@subroutine
def _shift(slots):
    """Return the number of bits by which to shift a hash right to get the number of a slot."""
    shift, number = np.uint64(64), slots.size // 4
    while number > 1:
        number //= 2
        shift -= _U1
    return shift


@inlined  # measured to matter
def _decode(raw, start):
    """Decode the UTF-8 sequence of 2 to 4 bytes at `start`; return the code point (-1: invalid) and the next position.

    An invalid sequence is the longest prefix of a valid one, at least one byte (the Unicode Standard, chapter 3,
    "Substitution of Maximal Subparts").
    """
    lead = np.int64(raw[start])
    end = start + _U1
    if 0xE1 <= lead < 0xED and end + _U1 < raw.size:  # fast path for most scripts
        second, third = np.int64(raw[end]), np.int64(raw[end + _U1])
        if second & 0xC0 == 0x80 and third & 0xC0 == 0x80:
            return (lead & 0x0F) << 12 | (second & 0x3F) << 6 | third & 0x3F, end + _U2
    if lead < 0xC2 or lead > 0xF4:
        return -1, end
    more = 1 + (lead >= 0xE0) + (lead >= 0xF0)
    code = lead & (0x3F >> more)
    low, high = 0x80, 0xBF
    if lead == 0xE0:
        low = 0xA0
    elif lead == 0xED:
        high = 0x9F
    elif lead == 0xF0:
        low = 0x90
    elif lead == 0xF4:
        high = 0x8F
    for _ in range(more):
        byte = np.int64(raw[end]) if end < raw.size else 0
        if byte < low or byte > high:
            return -1, end
        code = code << 6 | byte & 0x3F
        low, high = 0x80, 0xBF
        end += _U1
    return code, end


@inlined  # measured to matter
def _encode(code, text, length):
    """Append a character to a text of `length` bytes; return the new length."""
    if code < 0x80:
        text[length] = code
        return length + _U1
    if code < 0x800:
        text[length] = 0xC0 | code >> 6
        text[length + _U1] = 0x80 | code & 0x3F
        return length + _U2
    if code < 0x10000:
        text[length] = 0xE0 | code >> 12
        text[length + _U1] = 0x80 | code >> 6 & 0x3F
        text[length + _U2] = 0x80 | code & 0x3F
        return length + _U3
    text[length] = 0xF0 | code >> 18
    text[length + _U1] = 0x80 | code >> 12 & 0x3F
    text[length + _U2] = 0x80 | code >> 6 & 0x3F
    text[length + _U3] = 0x80 | code & 0x3F
    return length + _U4


@subroutine
def _end_word(folded, edges, number, out, held, joint):
    """Record the end of a word; return the number of edges and of bytes of the folded text.

    A held joiner does not belong to the word: it becomes a symbol if it has the flag `_ALONE`, else a separator.
    """
    edges[number] = joint if held else out
    number += _U1
    if held & _ALONE:
        edges[number] = out
        out = _encode(held ^ _ALONE, folded, out)
        edges[number + _U1] = out
        number += _U2
    return number, out


@subroutine
def _ends_word(raw, position, blocks, entries):
    """Return whether no character that continues a word is at a position, nor after one joiner there."""
    may_join = True
    while position < np.uint64(raw.size):
        code = np.int64(raw[position])
        start = position
        position += _U1
        if code >= 0x80:
            code, position = _decode(raw, start)
        code = _REPLACEMENT if code < 0 else code
        kind = np.int64(entries[np.int64(blocks[code >> 8]) << 8 | code & 255]) & 7
        if kind in (WORD, MARK):
            return False
        if kind == JOINER and may_join:
            may_join = False
        elif kind != IGNORED:
            return True
    return True


@subroutine
def _normalize(raw, end, characters, folded, edges, state):
    """Fold ``raw[state[POSITION]:end]`` and record the edges of its words.

    If the number of edges is odd, the last word continues in the next piece.

    Parameters
    ----------
    raw : (n,) uint8
    end : int
        A character that begins before `end` is read completely.
    characters : CharacterTables
    folded : (m,) uint8
        Begins with ``state[CARRIED]`` bytes of a word. Receives the words, and `_NEWLINE` as a word at a line end.
    edges : (k,) uint32
        Receives the start and end of each word.
    state : (STATE_SIZE,) int64
        Updated.

    Returns
    -------
    number : int
        Number of edges.
    length : int
        Bytes of the folded text.
    """
    ascii_table, blocks, entries = characters
    position, out, number = np.uint64(state[POSITION]), np.uint64(state[CARRIED]), _U0
    held, joint = state[HELD], np.uint64(state[JOINT])
    inside = out > _U0
    if inside:
        edges[0] = 0
        number = _U1
    end = np.uint64(end)
    while position < end:
        if held == 0:
            while position < end:
                byte = ascii_table[raw[position]]
                if byte >= SPECIAL:
                    break
                folded[out] = byte
                edges[number] = out
                number += np.uint64(inside ^ (byte != 0))
                inside = byte != 0
                out += _U1
                position += _U1
            if position >= end:
                break
        start = position
        code = np.int64(raw[position])
        position += _U1
        if code >= 0x80:
            code, position = _decode(raw, start)
            if code < 0:
                state[INVALID] += 1
                code = _REPLACEMENT
        entry = np.int64(entries[np.int64(blocks[code >> 8]) << 8 | code & 255])
        kind = entry & 7
        replacement = entry >> 8 if entry >> 8 else code
        if kind == WORD or (kind == MARK and inside):
            if entry & FINAL_FORM and inside and _ends_word(raw, position, blocks, entries):
                replacement = _FINAL_SIGMA
            edges[number] = out
            number += np.uint64(not inside)
            inside, held = True, 0
            out = _encode(replacement, folded, out)
        elif kind == JOINER and inside and held == 0:
            held = code | (_ALONE if entry & SYMBOL_ALONE else 0)
            joint = out
            out = _encode(replacement, folded, out)
        elif kind != IGNORED:
            if inside:
                number, out = _end_word(folded, edges, number, out, held, joint)
                inside, held = False, 0
            state[CONTROLS] += kind == CONTROL
            ends_line = kind == LINE_END and not (code == 10 and start > _U0 and raw[start - _U1] == 13)  # not twice
            if ends_line or kind == SYMBOL or entry & SYMBOL_ALONE:
                edges[number] = out
                out = _encode(10 if ends_line else replacement if kind == SYMBOL else code, folded, out)
                edges[number + _U1] = out
                number += _U2
    state[POSITION], state[HELD], state[JOINT] = position, held, joint
    return number, out


@subroutine
def _locate_words(number, shift, slots, scratch):
    """Compute the keys and slots of the words of the folded text, and prefetch the slots.

    Slots are multiples of 4; an odd entry of ``scratch.places`` marks a line end or a long word.
    """
    text, edges, keys, places = scratch.folded_words, scratch.edges, scratch.keys, scratch.places
    for i in range(number):
        start = np.uint64(edges[2 * i])
        length = np.uint64(edges[2 * i + 1]) - start
        word, bits = start >> _U3, (start & _U7) << _U3
        low, middle, high = text[word], text[word + _U1], text[word + _U2]
        short = min(length, _U16)
        key_0 = (low >> bits | middle << _U1 << (_U63 - bits)) & _FIRST_BYTES[short]
        key_1 = (middle >> bits | high << _U1 << (_U63 - bits)) & _FIRST_BYTES[max(short, _U8) - _U8]
        slot = (_hash_short(key_0, key_1) >> shift) << _U2
        keys[2 * i] = key_0
        keys[2 * i + 1] = key_1
        places[i] = slot | np.uint64(length > _U16 or key_0 == _NEWLINE)
        prefetch(slots, slot)


@subroutine
def _count_words(number, table, scratch, ids, state):
    """Count the words of the folded text and write their ids."""
    slots, sizes = table.slots, table.sizes
    folded, edges, keys, places = scratch.folded, scratch.edges, scratch.keys, scratch.places
    last = np.uint64(slots.size - 1)
    shift = _shift(slots)
    _locate_words(number, shift, slots, scratch)
    written = np.uint64(state[WRITTEN])
    for i in range(number):
        slot = places[i]
        if slot & _U1 == _U0:
            key_0, key_1 = keys[2 * i], keys[2 * i + 1]
            while slots[slot] != key_0 or slots[slot + _U1] != key_1:
                if slots[slot + _U2] == _U0:
                    _add_short(slots, sizes, slot, key_0, key_1)
                    break
                slot = (slot + _U4) & last
            slots[slot + _U3] += _U1
            ids[written] = slots[slot + _U2]
            written += _U1
        elif folded[edges[2 * i]] == _NEWLINE:
            ids[written] = LINE_END_ID
            written += _U1
        elif edges[2 * i + 1] - edges[2 * i] > LONGEST_WORD:
            state[TOO_LONG] += 1
        else:
            ids[written] = _count_long(folded, np.int64(edges[2 * i]), np.int64(edges[2 * i + 1]), table, shift)
            written += _U1
    state[WRITTEN] = written


@subroutine
def _count_long(folded, start, end, table, shift):
    """Count a long word; return its id."""
    value = _hash_long(folded, start, end)
    slot = _find_long(table, shift, folded, start, end, value)
    if table.slots[slot + _U2] == _U0:
        _add_long(table, slot, folded, start, end, value)
    table.slots[slot + _U3] += _U1
    return table.slots[slot + _U2] & _ID_BITS


@subroutine
def _carry(folded, start, end, state):
    """Move an incomplete word to the front of the buffer for the next piece.

    A word that is already too long is truncated to `LONGEST_WORD` + 1 bytes, which still marks it as too long.
    """
    length = min(end - start, LONGEST_WORD + 1)
    for i in range(length):
        folded[i] = folded[start + i]
    state[CARRIED] = length
    if state[HELD]:
        state[JOINT] = min(state[JOINT] - start, length)


@exact
def tokenize_block(raw, characters, table, scratch, ids, state):
    """Tokenize a block of text from ``state[POSITION]`` on, to its end or until `table` or `ids` is full.

    Parameters
    ----------
    raw : (n,) uint8
        UTF-8; the end of the block ends a word.
    characters : CharacterTables
    table : TableArrays
        Updated.
    scratch : Scratch
    ids : (m,) int32
        Receives the ids of words, and `LINE_END_ID` at the end of a line, from ``state[WRITTEN]`` on.
    state : (STATE_SIZE,) int64
        Updated.

    Returns
    -------
    bool
        True at the end of the block; otherwise make room for `most_tokens` and `most_letters`, and call again.
    """
    folded, edges = scratch.folded, scratch.edges
    tokens, letters = scratch.places.size, folded.size
    while state[POSITION] < raw.size:
        if (
            state[WRITTEN] + tokens > ids.size
            or table.sizes[WORDS] + tokens > table.slots.size // 8
            or table.sizes[LETTERS] + letters > table.letters.size
        ):
            return False
        end = min(state[POSITION] + tokens - 4, raw.size)
        number, length = _normalize(raw, end, characters, folded, edges, state)
        if number & _U1 and state[POSITION] == raw.size:
            number, length = _end_word(folded, edges, number, length, state[HELD], np.uint64(state[JOINT]))
            state[HELD] = 0
        _count_words(np.int64(number >> _U1), table, scratch, ids, state)
        state[CARRIED] = 0
        if number & _U1:
            _carry(folded, np.int64(edges[number - _U1]), np.int64(length), state)
    return True


@subroutine
def _short_keys(letters, start, end):
    """Return True and the keys of a short word, or False for a long word."""
    key_0, key_1 = _U0, _U0
    if end - start > 16:
        return False, key_0, key_1
    for i in range(start, end):
        byte = np.uint64(letters[i])
        if byte == _U0:
            return False, key_0, key_1
        if i - start < 8:
            key_0 |= byte << np.uint64(8 * (i - start))
        else:
            key_1 |= byte << np.uint64(8 * (i - start - 8))
    return True, key_0, key_1


@exact
def add_words(words, counts, table, ids):
    """Add the counts, (n,) int64, of words to a table that has room for all of them; write their ids, (n,) int32."""
    shift = _shift(table.slots)
    for i in range(counts.size):
        start, end = words.starts[i], words.ends[i]
        short, key_0, key_1 = _short_keys(words.letters, start, end)
        if short:
            slot = _find_short(table.slots, shift, key_0, key_1)
            if table.slots[slot + _U2] == _U0:
                _add_short(table.slots, table.sizes, slot, key_0, key_1)
        else:
            value = _hash_long(words.letters, start, end)
            slot = _find_long(table, shift, words.letters, start, end, value)
            if table.slots[slot + _U2] == _U0:
                _add_long(table, slot, words.letters, start, end, value)
        table.slots[slot + _U3] += np.uint64(counts[i])
        ids[i] = table.slots[slot + _U2] & _ID_BITS


@exact
def find_words(words, table, ids):
    """Write the id of each word to `ids`, (n,) int32; 0 for words that are not in `table`."""
    shift = _shift(table.slots)
    for i in range(ids.size):
        start, end = words.starts[i], words.ends[i]
        short, key_0, key_1 = _short_keys(words.letters, start, end)
        if short:
            slot = _find_short(table.slots, shift, key_0, key_1)
        else:
            slot = _find_long(table, shift, words.letters, start, end, _hash_long(words.letters, start, end))
        ids[i] = table.slots[slot + _U2] & _ID_BITS


@subroutine
def _hash_of_slot(slots, slot):
    return slots[slot] if slots[slot + 1] >= _LONG else _hash_short(slots[slot], slots[slot + 1])


@exact
def move_slots(old, new):
    """Insert all slots of a table into an empty, larger array of slots."""
    shift, last = _shift(new), np.uint64(new.size - 1)
    for i in range(0, old.size, 4):
        if old[i + 2] != _U0:
            slot = (_hash_of_slot(old, i) >> shift) << _U2
            while new[slot + _U2] != _U0:
                slot = (slot + _U4) & last
            for j in range(4):
                new[slot + np.uint64(j)] = old[i + j]


@exact
def read_sizes(slots, lengths, counts):
    """Write the length in bytes and the count of every word, both (n,) int64, by id."""
    for i in range(0, slots.size, 4):
        if slots[i + 2] != _U0:
            word = np.int64(slots[i + 2] & _ID_BITS) - 1
            counts[word] = slots[i + 3]
            length = np.int64(slots[i + 2] >> _U32)
            if length == 0:
                while length < 16 and slots[i + (length >> 3)] >> np.uint64(8 * (length & 7)) & np.uint64(255) != _U0:
                    length += 1
            lengths[word] = length


@exact
def read_buckets(slots, buckets):
    """Write 8 bits of the hash of every word, (n,) uint8, by id; other bits than those that determine the slot."""
    for i in range(0, slots.size, 4):
        if slots[i + 2] != _U0:
            value = _hash_of_slot(slots, i)
            buckets[np.int64(slots[i + 2] & _ID_BITS) - 1] = (value ^ value >> _U29) & np.uint64(255)


@exact
def read_letters(table, words):
    """Write the bytes of every word, by id, to its span in `words`; words with an empty span are omitted."""
    slots = table.slots
    for i in range(0, slots.size, 4):
        if slots[i + 2] != _U0:
            word = np.int64(slots[i + 2] & _ID_BITS) - 1
            start, length = words.starts[word], words.ends[word] - words.starts[word]
            if slots[i + 1] >= _LONG:
                place = np.int64(slots[i + 1] ^ _LONG)
                for j in range(length):
                    words.letters[start + j] = table.letters[place + j]
            else:
                for j in range(length):
                    words.letters[start + j] = slots[i + (j >> 3)] >> np.uint64(8 * (j & 7)) & np.uint64(255)
