"""Unicode normalization form C: é as one character and é as two are the same word.

`unicodedata.normalize` would take longer than the tokenizer. Almost all text is in form C already, and a compiled
search finds the words that may not be. White space never combines with what follows, so that a word is normalized
alone, wherever blocks are cut.
"""

import unicodedata
from functools import lru_cache
from itertools import chain

import numpy as np

from embeddings.text.tokenizer.character_tables import ASSIGNED, two_levels
from embeddings.text.tokenizer.normalization_kernels import (
    CHANGES,
    FIRST,
    SECOND,
    NormalizationTables,
    find_unnormalized,
)
from vecmill.arguments import is_one_of, quoted

NFC, NONE = "nfc", "none"
NORMALIZATIONS = (NFC, NONE)

_WORDS_AT_ONCE = 1 << 14
# Hangul is composed by arithmetic: leading consonant + vowel, and the syllable + trailing consonant
_LEADING, _VOWELS, _TRAILING = range(0x1100, 0x1113), range(0x1161, 0x1176), range(0x11A8, 0x11C3)
_SYLLABLES = range(0xAC00, 0xD7A4)
_OPEN_SYLLABLES = _SYLLABLES[::28]


def require_normalization(name: str) -> None:
    """Raise `ValueError` for a name that is none of `NORMALIZATIONS`."""
    if not is_one_of(name, NORMALIZATIONS):
        raise ValueError(f"normalize is {quoted(name)}; expected one of {', '.join(NORMALIZATIONS)}")


def normalize_text(text: str) -> str:
    """Return a text in normalization form C."""
    return unicodedata.normalize("NFC", text)


def normalize_block(block: bytes) -> bytes:
    """Return a block of UTF-8 with its words in normalization form C; invalid sequences are kept.

    Parameters
    ----------
    block : bytes
        It neither begins nor ends between a base character and its combining marks.

    Returns
    -------
    bytes
        The same object if nothing changes.
    """
    if block.isascii():
        return block
    raw, tables, spans = np.frombuffer(block, np.uint8), _tables(), np.empty((_WORDS_AT_ONCE, 2), np.int64)
    parts: list[bytes] = []
    done = position = 0
    while position < len(block):
        found, position = find_unnormalized(raw, position, tables, spans)
        for (start, end), word in zip(spans[:found].tolist(), _normalized_words(block, spans[:found]), strict=True):
            parts += (block[done:start], word)
            done = end
    return b"".join([*parts, block[done:]]) if parts else block


def _normalized_words(block: bytes, spans: np.ndarray) -> list[bytes]:
    if not len(spans):
        return []
    words = b"\n".join([block[start:end] for start, end in spans.tolist()]).decode("utf-8", "surrogateescape")
    return normalize_text(words).encode("utf-8", "surrogateescape").split(b"\n")


@lru_cache(maxsize=1)
def _tables() -> NormalizationTables:
    """Build the tables of `find_unnormalized` from the `unicodedata` of the running Python."""
    entries = np.zeros(0x110000, np.uint32)
    for code in chain.from_iterable(ASSIGNED):
        character = chr(code)
        entries[code] |= unicodedata.combining(character)
        canonical = "" if code in _SYLLABLES else unicodedata.decomposition(character)  # Python 3.14 states theirs, too
        if not canonical or canonical.startswith("<") or character.isspace():  # spaces belong to no word
            continue
        if normalize_text(character) != character:
            entries[code] |= CHANGES
        elif " " in canonical:
            first, second = (int(part, 16) for part in canonical.split())
            entries[[code, first]] |= FIRST  # ᾀ + acute is ᾄ: a composed character may be taken apart and combine anew
            entries[second] |= SECOND
    entries[[*_LEADING, *_OPEN_SYLLABLES]] |= FIRST
    entries[[*_VOWELS, *_TRAILING]] |= SECOND
    return NormalizationTables(_pairs(entries), *two_levels(entries))


def _pairs(entries: np.ndarray) -> np.ndarray:
    """Return which two bytes begin a character that is not always NFC, (65536,) bool."""
    pairs = np.zeros(1 << 16, bool)
    for code in np.flatnonzero(entries & ~np.uint32(FIRST)).tolist():
        lead, second = chr(code).encode()[:2]
        pairs[lead << 8 | second] = True
    return pairs
