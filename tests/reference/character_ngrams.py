"""The character n-grams of fastText and their hash, written out."""


def ngrams(word: str, shortest: int, longest: int) -> list[str]:
    """The n-grams of a word between its boundary signs, by first character, then by length."""
    if word == "</s>":
        return []
    bounded = f"<{word}>"
    found = [
        bounded[first : first + length]
        for first in range(len(bounded))
        for length in range(shortest, longest + 1)
        if first + length <= len(bounded)
    ]
    boundary_signs = [bounded[first : first + 1] for first in (0, len(bounded) - 1)] if shortest == 1 else []
    return found[len(boundary_signs[:1]) : len(found) - len(boundary_signs[1:])]


def fnv1a(ngram: str) -> int:
    """FNV-1a of 32 bits; bytes from 128 on are negative numbers, as C's signed char."""
    state = 2166136261
    for byte in ngram.encode("utf-8", "surrogatepass"):
        signed = byte - 256 if byte > 127 else byte
        state = ((state ^ (signed % 2**32)) * 16777619) % 2**32
    return state


def buckets(word: str, shortest: int, longest: int, count: int) -> list[int]:
    """The buckets of the n-grams of a word."""
    return [fnv1a(ngram) % count for ngram in ngrams(word, shortest, longest)]
