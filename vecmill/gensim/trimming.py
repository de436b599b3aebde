"""Which words of a text become the vocabulary: gensim's ``min_count``, ``max_final_vocab`` and ``trim_rule``."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

TrimRule: TypeAlias = Callable[[str, int, int], int]
"""Takes a word, its count and the least count; returns one of the three numbers below."""

RULE_DEFAULT, RULE_DISCARD, RULE_KEEP = 0, 1, 2


def effective_min_count(counts: Mapping[str, int], min_count: int, most: int | None) -> int:
    """Return the least count with which at most `most` words remain.

    Parameters
    ----------
    counts : mapping of str to int
    min_count : int
    most : int or None

    Returns
    -------
    int
        `min_count` or more.
    """
    if most is None or most >= len(counts):
        return min_count
    return max(min_count, sorted(counts.values(), reverse=True)[most] + 1)


def kept_words(counts: Mapping[str, int], min_count: int, rule: TrimRule | None, most: int | None = None) -> list[str]:
    """Return the words that stay, in the order of `counts`.

    Parameters
    ----------
    counts : mapping of str to int
    min_count : int
    rule : callable or None
    most : int or None
        Keep only so many, the most frequent.

    Returns
    -------
    list of str
    """

    def stays(word: str, count: int) -> bool:
        decision = RULE_DEFAULT if rule is None else rule(word, count, min_count)
        return decision == RULE_KEEP or (decision != RULE_DISCARD and count >= min_count)

    kept = [word for word, count in counts.items() if stays(word, count)]
    if most is None or len(kept) <= most:
        return kept
    return sorted(kept, key=lambda word: -counts[word])[:most]
