"""The rows of words in a table of floret, written out as spaCy reads it."""

MASK = 2**64 - 1


def entries(word: str, shortest: int, longest: int) -> list[str]:
    """The whole word between its boundary signs, then its n-grams, by first character and length."""
    bounded = f"<{word}>"
    return [bounded] + [
        bounded[first : first + length]
        for first in range(len(bounded))
        for length in range(shortest, longest + 1)
        if first + length <= len(bounded)
    ]


def rotated(bits: int, by: int) -> int:
    return (bits << by | bits >> (64 - by)) & MASK


def finished(bits: int) -> int:
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        bits = (bits ^ bits >> 33) * factor & MASK
    return bits ^ bits >> 33


def murmur3(data: bytes, seed: int) -> tuple[int, int]:
    """MurmurHash3 of 128 bits for 64-bit processors."""
    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
    low = high = seed
    whole = len(data) // 16 * 16
    for start in range(0, len(data), 16):
        first, second = (int.from_bytes(data[start + i : start + i + 8], "little") for i in (0, 8))
        low ^= rotated(first * c1 & MASK, 31) * c2 & MASK
        if start < whole:
            low = ((rotated(low, 27) + high) * 5 + 0x52DCE729) & MASK
        high ^= rotated(second * c2 & MASK, 33) * c1 & MASK
        if start < whole:
            high = ((rotated(high, 31) + low) * 5 + 0x38495AB5) & MASK
    low, high = low ^ len(data), high ^ len(data)
    low = (low + high) & MASK
    high = (high + low) & MASK
    low, high = finished(low), finished(high)
    low = (low + high) & MASK
    return low, (high + low) & MASK


def rows(word: str, shortest: int, longest: int, count: int, hashes: int, seed: int) -> list[int]:
    """The rows of a word: the 32-bit quarters of the hash of each of its entries."""
    found = []
    for entry in entries(word, shortest, longest):
        low, high = murmur3(entry.encode("utf-8", "surrogatepass"), seed)
        quarters = [low & 0xFFFFFFFF, low >> 32, high & 0xFFFFFFFF, high >> 32]
        found += [quarter % count for quarter in quarters[:hashes]]
    return found
