# mypy: allow-untyped-defs
"""Compiled loops of Kneser-Ney estimation and of n-gram models: packed keys, radix sort, adjusted counts, look-ups.

The key of an n-gram w_1 ... w_k is the row of numbers

    c_1  c_2  ...  c_{n-1}  w          c_i = w_{k-i} + 1, the i-th word before the last; w = w_k + 1; 0 for no word

packed into two uint64, where n is the highest order. Keys of every order have the same layout. In their order stand
together the n-grams of one context h, and the contexts that have the same last words, so that each order follows from
the one above, and its probabilities from those of the order below, in one pass. A sentence begins with ``<eos>``.
"""

from typing import NamedTuple

import numpy as np

from embeddings.compilation import exact, inlined

_DIGIT_BITS = 11
_DIGITS = 6  # of 64 bits
_RADIX = 1 << _DIGIT_BITS
_DIGIT_MASK, _SHIFT = np.uint64(_RADIX - 1), np.uint64(_DIGIT_BITS)
_U0, _U1, _U32 = np.uint64(0), np.uint64(1), np.uint64(32)
_FACTOR_1, _FACTOR_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_MINUS, _POINT, _ZERO, _SPACE, _TAB, _LINE_END = 45, 46, 48, 32, 9, 10
_BACKSLASH, _RETURN = 92, 13
DECIMALS = 6
_UNIT = 10**DECIMALS
LINE_IS_BAD, SECTION_ENDS, BLOCK_ENDS = 0, 1, 2


class Layout(NamedTuple):
    """Places of the words in a key.

    Attributes
    ----------
    order : int
        n, the number of fields.
    bits : int
        Bits of a field.
    low : int
        Number of fields in the second uint64; field 0, the lowest, is w, and field n - i is c_i.
    """

    order: int
    bits: int
    low: int


class Records(NamedTuple):
    """Keys with a value each.

    Attributes
    ----------
    high, low : (m,) uint64
        The two halves of each key.
    values : (m,) int64
        Counts, or the bits of float64 numbers.
    """

    high: np.ndarray
    low: np.ndarray
    values: np.ndarray


@inlined
def _field(high, low, place, layout):
    mask = (_U1 << np.uint64(layout.bits)) - _U1
    if place < layout.low:
        return (low >> np.uint64(place * layout.bits)) & mask
    return (high >> np.uint64((place - layout.low) * layout.bits)) & mask


@inlined
def _with_field(high, low, place, value, layout):
    """Return a key with a value in a field that was 0."""
    if place < layout.low:
        return high, low | (np.uint64(value) << np.uint64(place * layout.bits))
    return high | (np.uint64(value) << np.uint64((place - layout.low) * layout.bits)), low


@inlined
def _from_field(high, low, place, layout):
    """Return a key without the fields below `place`."""
    if place <= layout.low:
        shift = np.uint64(place * layout.bits)
        return high, _U0 if shift > np.uint64(63) else (low >> shift) << shift
    shift = np.uint64((place - layout.low) * layout.bits)
    return _U0 if shift > np.uint64(63) else (high >> shift) << shift, _U0


@exact
def pack_stream(ids, first, eos, layout, records):
    """Write the key of the n-gram that ends at each place of a stream from `first` on, and 1 as its count.

    Parameters
    ----------
    ids : (N,) int32
    first : int
        Number of ids that are read for the context only.
    eos : int
        Id of ``<eos>``; no context reaches over it.
    layout : Layout
    records : Records
        N - first keys.
    """
    for i in range(first, ids.size):
        high, low = _U0, np.uint64(ids[i] + 1)
        for back in range(1, layout.order):
            word = ids[i - back] if i >= back else eos
            high, low = _with_field(high, low, layout.order - back, word + 1, layout)
            if word == eos:
                break
        records.high[i - first], records.low[i - first] = high, low
        records.values[i - first] = 1


@exact
def pack_grams(grams, layout, records):
    """Write the keys of n-grams, rows of ids w_1 ... w_n that begin with -1 where an n-gram is shorter."""
    for i in range(len(grams)):
        high, low = _U0, np.uint64(grams[i, layout.order - 1] + 1)
        for back in range(1, layout.order):
            word = grams[i, layout.order - 1 - back]
            high, low = _with_field(high, low, layout.order - back, word + 1, layout)
        records.high[i], records.low[i] = high, low


@exact
def sort_records(source, target):
    """Sort records by key, digit by digit from the lowest; return whether the result is in `target`."""
    size = source.high.size
    counts = np.zeros((2 * _DIGITS, _RADIX), np.int64)
    for i in range(size):
        low, high = source.low[i], source.high[i]
        for digit in range(_DIGITS):
            counts[digit, low & _DIGIT_MASK] += 1
            counts[_DIGITS + digit, high & _DIGIT_MASK] += 1
            low, high = low >> _SHIFT, high >> _SHIFT
    swapped = False
    for digit in range(2 * _DIGITS):
        places = counts[digit]
        if size == 0 or places.max() == size:  # the digit is the same in all keys
            continue
        total = 0
        for value in range(_RADIX):
            total, places[value] = total + places[value], total
        shift = np.uint64(_DIGIT_BITS * (digit % _DIGITS))
        for i in range(size):
            half = source.low[i] if digit < _DIGITS else source.high[i]
            value = (half >> shift) & _DIGIT_MASK
            place = places[value]
            places[value] += 1
            target.high[place], target.low[place] = source.high[i], source.low[i]
            target.values[place] = source.values[i]
        source, target = target, source
        swapped = not swapped
    return swapped


@exact
def add_equal(records):
    """Add up the values of equal keys of sorted records, in place; return the number of distinct keys."""
    last = -1
    for i in range(records.high.size):
        if last >= 0 and records.high[i] == records.high[last] and records.low[i] == records.low[last]:
            records.values[last] += records.values[i]
        else:
            last += 1
            records.high[last], records.low[last] = records.high[i], records.low[i]
            records.values[last] = records.values[i]
    return last + 1


@exact
def lower_order(records, raw, order, layout, words, tallies, lower, lower_raw):
    """Derive the n-grams of the order below with their adjusted counts: the number of different words before each.

    An n-gram that begins a sentence keeps its count. The records of an order hold those of all lower orders too that
    begin a sentence.

    Parameters
    ----------
    records : Records
        Of `order`, sorted.
    raw : (m,) int64
        How often each occurs in the text.
    order : int
    layout : Layout
    words : (V + 1,) int64
        Room for words.
    tallies : (V + 1, 2) int64
        Zeros; they are zeros again afterwards.
    lower : Records
        Receives the n-grams of the order below, sorted.
    lower_raw : (m,) int64
        Receives how often each occurs in the text.

    Returns
    -------
    int
        Number of n-grams of the order below.
    """
    outer = layout.order - order + 1  # field of the first word
    written, i, size = 0, 0, records.high.size
    while i < size:
        high, low = _from_field(records.high[i], records.low[i], outer + 1, layout)
        found = 0
        while i < size:
            there = _from_field(records.high[i], records.low[i], outer + 1, layout)
            if there[0] != high or there[1] != low:
                break
            word = np.int64(_field(records.high[i], records.low[i], 0, layout))
            if tallies[word, 1] == 0:
                words[found] = word
                found += 1
            whole = _field(records.high[i], records.low[i], outer, layout) != _U0
            tallies[word, 0] += 1 if whole else records.values[i]
            tallies[word, 1] += raw[i]
            i += 1
        words[:found].sort()
        for k in range(found):
            word = words[k]
            lower.high[written], lower.low[written] = high, low | np.uint64(word)
            lower.values[written], lower_raw[written] = tallies[word, 0], tallies[word, 1]
            tallies[word, 0] = tallies[word, 1] = 0
            written += 1
    return written


@exact
def tally_counts(records, raw, order, layout, threshold, numbers):
    """Count the n-grams of an order, and mark those that are pruned with a negative count.

    Parameters
    ----------
    records : Records
        Its values are adjusted counts.
    raw : (m,) int64
    order : int
    layout : Layout
    threshold : int
        n-grams that occur at most so often are pruned.
    numbers : (5,) int64
        Increased by the number of n-grams that are kept, and of those with the adjusted counts 1 to 4.
    """
    outer = layout.order - order + 1
    for i in range(records.high.size):
        if order > 1 and _field(records.high[i], records.low[i], outer, layout) == _U0:
            continue
        if records.values[i] <= 4:
            numbers[records.values[i]] += 1
        if raw[i] <= threshold:
            records.values[i] = -records.values[i]
        else:
            numbers[0] += 1


@exact
def count_before(records, layout, counts):
    """Add 1 to the count of a word, (V,), for each different word before it; `records` are bigrams."""
    for i in range(records.high.size):
        counts[np.int64(_field(records.high[i], records.low[i], 0, layout)) - 1] += 1


@exact
def interpolate(records, lower, lower_p, order, layout, discounts, p_of_word, p, contexts):
    """Compute p_k of the n-grams of an order, and γ of their contexts.

    Parameters
    ----------
    records : Records
        Sorted; its values are adjusted counts, negative for pruned n-grams.
    lower : Records
        Those of the order below; no records for bigrams.
    lower_p : (l,) float64
        p_{k-1} of each of them.
    order : int
        k.
    layout : Layout
    discounts : (4,) float64
        D(0) ... D(3+).
    p_of_word : (V + 1,) float64
        Room for p_{k-1} of the words after a context; for bigrams it holds p_1.
    p : (m,) float64
        Receives p_k.
    contexts : Records
        Receives the keys of the contexts, as n-grams of the order below, and γ.

    Returns
    -------
    int
        Number of contexts.
    """
    outer, top = layout.order - order + 1, layout.order - 1
    gammas = contexts.values.view(np.float64)
    written, i, j, size = 0, 0, 0, records.high.size
    while i < size:
        high, low = _from_field(records.high[i], records.low[i], 1, layout)
        total, left, last = 0.0, 0.0, i
        while last < size:
            there = _from_field(records.high[last], records.low[last], 1, layout)
            if there[0] != high or there[1] != low:
                break
            count = records.values[last]
            total += abs(count)
            left += discounts[min(count, 3)] if count > 0 else -count
            last += 1
        if _field(high, low, outer, layout) == _U0:  # shorter n-grams that begin a sentence
            i = last
            continue
        shorter = _from_field(high, low, outer + 1, layout)
        while j < lower.high.size:
            there = _from_field(lower.high[j], lower.low[j], outer + 1, layout)
            if there[0] > shorter[0] or (there[0] == shorter[0] and there[1] > shorter[1]):
                break
            if there[0] == shorter[0] and there[1] == shorter[1]:
                p_of_word[np.int64(_field(lower.high[j], lower.low[j], 0, layout))] = lower_p[j]
            j += 1
        gamma = left / total
        for k in range(i, last):
            count = records.values[k]
            own = count - discounts[min(count, 3)] if count > 0 else 0.0
            word = np.int64(_field(records.high[k], records.low[k], 0, layout))
            p[k] = own / total + gamma * p_of_word[word]
        context_high, context_low = _U0, _field(high, low, top, layout)
        for place in range(outer, top):
            value = _field(high, low, place, layout)
            context_high, context_low = _with_field(context_high, context_low, place + 1, value, layout)
        contexts.high[written], contexts.low[written] = context_high, context_low
        gammas[written] = gamma
        written += 1
        i = last
    return written


@exact
def unpack(records, p, contexts, order, layout, ids, log_p, log_gamma):
    """Write the n-grams of an order that are kept: their ids, log10 p and log10 γ.

    Parameters
    ----------
    records : Records
        Sorted.
    p : (m,) float64
    contexts : Records
        Keys of contexts, sorted, and γ.
    order : int
    layout : Layout
    ids : (m, k) int32
    log_p, log_gamma : (m,) float64

    Returns
    -------
    int
        Number of n-grams.
    """
    outer = layout.order - order + 1
    gammas = contexts.values.view(np.float64)
    written = j = 0
    for i in range(records.high.size):
        high, low = records.high[i], records.low[i]
        if records.values[i] <= 0 or _field(high, low, outer, layout) == _U0:
            continue
        while j < contexts.high.size and (
            contexts.high[j] < high or (contexts.high[j] == high and contexts.low[j] < low)
        ):
            j += 1
        ids[written, order - 1] = np.int64(_field(high, low, 0, layout)) - 1
        for back in range(1, order):
            ids[written, order - 1 - back] = np.int64(_field(high, low, layout.order - back, layout)) - 1
        log_p[written] = np.log10(p[i])
        is_context = j < contexts.high.size and contexts.high[j] == high and contexts.low[j] == low
        log_gamma[written] = np.log10(gammas[j]) if is_context else 0.0
        written += 1
    return written


@exact
def first_with_context(records, layout, values, starts):
    """Write the first place in sorted records whose c_1 is at least each of the rising `values`."""
    for i in range(values.size):
        first, last = 0, records.high.size
        while first < last:
            middle = (first + last) // 2
            if np.int64(_field(records.high[middle], records.low[middle], layout.order - 1, layout)) < values[i]:
                first = middle + 1
            else:
                last = middle
        starts[i] = first


@inlined
def _written_number(value, out, end):
    """Write a number with `DECIMALS` decimals; return the place after it."""
    scaled = np.int64(round(abs(value) * _UNIT))
    if value < 0 and scaled > 0:
        out[end] = _MINUS
        end += 1
    whole, rest = scaled // _UNIT, scaled % _UNIT
    size = 1
    while 10**size <= whole:
        size += 1
    for k in range(size):
        out[end + size - 1 - k] = _ZERO + whole % 10
        whole //= 10
    end += size
    out[end] = _POINT
    for k in range(DECIMALS):
        out[end + DECIMALS - k] = _ZERO + rest % 10
        rest //= 10
    return end + DECIMALS + 1


@exact
def write_lines(ids, log_p, log_gamma, words, eos, has_gamma, out):
    """Write lines of an ARPA file.

    Parameters
    ----------
    ids : (m, k) int32
    log_p, log_gamma : (m,) float64
    words : Words
        Of the V ids, then ``<s>`` and ``</s>``.
    eos : int
        Id of ``<eos>``, which is written as ``</s>`` at the end of an n-gram and as ``<s>`` before.
    has_gamma : bool
        Whether γ is written.
    out : (b,) uint8
        Room enough.

    Returns
    -------
    int
        Number of bytes written.
    """
    end, last = np.int64(0), ids.shape[1] - 1
    begin_word = words.starts.size - 2
    for i in range(ids.shape[0]):
        end = _written_number(log_p[i], out, end)
        for k in range(last + 1):
            out[end] = _SPACE if k else _TAB
            end += 1
            word = np.int64(ids[i, k])
            if word == eos:
                word = begin_word + 1 if k == last else begin_word
            for place in range(words.starts[word], words.ends[word]):
                out[end] = words.letters[place]
                end += 1
        if has_gamma:
            out[end] = _TAB
            end = _written_number(log_gamma[i], out, end + 1)
        out[end] = _LINE_END
        end += 1
    return end


@inlined
def _is_space(letter):
    return letter in (_SPACE, _TAB, _RETURN)


@exact
def split_lines(text, first, order, starts, ends, has_gamma):
    """Find the fields of the lines of a section of an ARPA file.

    Parameters
    ----------
    text : (b,) uint8
        It ends with a line end.
    first : int
        Where to begin.
    order : int
        Number of words of a line, between log10 p and log10 γ.
    starts, ends : (m, k + 2) int64
        Receive the fields of each line.
    has_gamma : (m,) bool
        Receives whether the line has the last field.

    Returns
    -------
    lines : int
        Number of lines with fields.
    next : int
        Where the next line begins, or the one that ended the section or is bad.
    reason : int
        `SECTION_ENDS` at a line with a backslash, `LINE_IS_BAD`, or `BLOCK_ENDS` at the end of the text or the room.
    """
    line, place = 0, np.int64(first)
    while place < text.size and line < starts.shape[0]:
        begin, fields = place, 0
        while text[place] != _LINE_END:
            while _is_space(text[place]):
                place += 1
            if text[place] == _LINE_END:
                break
            if fields == 0 and text[place] == _BACKSLASH:
                return line, begin, SECTION_ENDS
            if fields == order + 2:
                return line, begin, LINE_IS_BAD
            starts[line, fields] = place
            while not (_is_space(text[place]) or text[place] == _LINE_END):
                place += 1
            ends[line, fields] = place
            fields += 1
        place += 1
        if fields > order:
            has_gamma[line] = fields == order + 2
            line += 1
        elif fields:
            return line, begin, LINE_IS_BAD
    return line, place, BLOCK_ENDS


@inlined
def _mixed(hash_, word):
    """Return the hash of an n-gram with one more word before it; never 0."""
    hash_ = ((hash_ + _FACTOR_2) ^ np.uint64(word)) * _FACTOR_1
    hash_ = (hash_ ^ (hash_ >> _U32)) * _FACTOR_2
    return (hash_ ^ (hash_ >> _U32)) | _U1


@inlined
def _slot(keys, key):
    """Return the slot of a key, or the empty one where it belongs."""
    mask = np.uint64(keys.size - 1)
    place = (key >> _U1) & mask
    while keys[place] != key and keys[place] != _U0:
        place = (place + _U1) & mask
    return place


@exact
def insert_grams(ids, weights, keys, values):
    """Insert n-grams with log10 p and log10 γ into a hash table.

    Parameters
    ----------
    ids : (m, k) int32
    weights : (m, 2) float32
    keys : (2^s,) uint64
        Hashes of n-grams; 0 for an empty slot.
    values : (2^s, 2) float32
    """
    for i in range(ids.shape[0]):
        key = _U0
        for place in range(ids.shape[1] - 1, -1, -1):
            key = _mixed(key, ids[i, place])
        slot = _slot(keys, key)
        keys[slot] = key
        values[slot, 0], values[slot, 1] = weights[i, 0], weights[i, 1]


@exact
def move_grams(keys, values, new_keys, new_values):
    """Move all n-grams to a larger hash table."""
    for i in range(keys.size):
        if keys[i] != _U0:
            slot = _slot(new_keys, keys[i])
            new_keys[slot] = keys[i]
            new_values[slot, 0], new_values[slot, 1] = values[i, 0], values[i, 1]


@exact
def look_up(ids, eos, order, keys, values, log_p):
    """Write log10 P of the words of a stream of sentences.

    The longest n-gram that ends with the word gives p, each longer context its γ.
    """
    for i in range(ids.size):
        key, context = _mixed(_U0, ids[i]), _U0
        slot = _slot(keys, key)
        found = np.float64(values[slot, 0]) if keys[slot] == key else -np.inf
        for back in range(1, order):
            word = ids[i - back] if i >= back else eos
            key, context = _mixed(key, word), _mixed(context, word)
            slot = _slot(keys, key)
            if keys[slot] == key:
                found = np.float64(values[slot, 0])
            else:
                slot = _slot(keys, context)
                if keys[slot] == context:
                    found += np.float64(values[slot, 1])
            if word == eos:
                break
        log_p[i] = found
