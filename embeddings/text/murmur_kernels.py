"""The compiled hash MurmurHash3 of 128 bits for 64-bit processors (Appleby 2011)."""

# mypy: ignore-errors
# (Numba infers the types of what it compiles.)

import numpy as np

from embeddings.compilation import inlined, subroutine

_C1, _C2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)
_MIX1, _MIX2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_ADD1, _ADD2 = np.uint64(0x52DCE729), np.uint64(0x38495AB5)
_5, _8, _33, _64 = map(np.uint64, (5, 8, 33, 64))


@inlined
def _rotated(bits, by):
    return (bits << np.uint64(by)) | (bits >> (_64 - np.uint64(by)))


@inlined
def _word(data, first, last):
    """Return up to eight bytes as a number, the lowest first."""
    found = np.uint64(0)
    for i in range(last - first):
        found |= np.uint64(data[first + i]) << (_8 * np.uint64(i))
    return found


@inlined
def _finished(bits):
    bits = (bits ^ (bits >> _33)) * _MIX1
    bits = (bits ^ (bits >> _33)) * _MIX2
    return bits ^ (bits >> _33)


@subroutine
def murmur_hash(data, first, last, seed):
    """Return the two halves of the hash of ``data[first:last]``, uint64."""
    low = high = np.uint64(seed)
    size = last - first
    for start in range(first, first + size // 16 * 16, 16):
        low ^= _rotated(_word(data, start, start + 8) * _C1, 31) * _C2
        low = (_rotated(low, 27) + high) * _5 + _ADD1
        high ^= _rotated(_word(data, start + 8, start + 16) * _C2, 33) * _C1
        high = (_rotated(high, 31) + low) * _5 + _ADD2
    tail = first + size // 16 * 16
    high ^= _rotated(_word(data, min(tail + 8, last), last) * _C2, 33) * _C1
    low ^= _rotated(_word(data, tail, min(tail + 8, last)) * _C1, 31) * _C2
    low ^= np.uint64(size)
    high ^= np.uint64(size)
    low += high
    high += low
    low, high = _finished(low), _finished(high)
    low += high
    high += low
    return low, high
