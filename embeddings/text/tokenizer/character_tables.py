"""The kind of every Unicode character, as compact arrays for the kernels of the tokenizer.

The tables follow the `unicodedata` of the running Python. A code point c is looked up in two steps,
``entries[blocks[c >> 8] * 256 + (c & 255)]``: most of Unicode's 4352 blocks of 256 characters are equal, so that the
entries fit into a processor's cache. An entry holds the kind of the character in its low bits (see
`embeddings.text.tokenizer.kernels`) and its replacement from bit 8 on (0: no replacement).
"""

import re
import unicodedata
from functools import lru_cache

import numpy as np

from embeddings.text.tokenizer.kernels import (
    CONTROL,
    FINAL_FORM,
    IGNORED,
    JOINER,
    LINE_END,
    MARK,
    SEPARATOR,
    SPECIAL,
    SYMBOL,
    SYMBOL_ALONE,
    WORD,
    CharacterTables,
)

LINE_ENDS = "\n\r\x85\u2028\u2029"
APOSTROPHES = "'\u2019"
JOINERS = APOSTROPHES + "\u200c\u200d"  # and the zero-width non-joiner and joiner
ZERO_WIDTH_SPACE = "\u200b"
REPLACEMENT = "\ufffd"
UNDERSCORE = "_"
CAPITAL_SIGMA = "\u03a3"
VARIATION_SELECTORS = (*range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))

_CODE_POINTS = 0x110000
# Planes 4 to 13 are unassigned; plane 14 has only its first characters assigned; later planes are for private use.
ASSIGNED = (range(0x40000), range(0xE0000, 0xE1000))


@lru_cache(maxsize=16)
def character_tables(white_space_only: bool, lowercase: bool, punctuation: bool, fold_digits: bool) -> CharacterTables:
    """Build the tables for one set of options.

    Parameters
    ----------
    white_space_only : bool
        Words are runs of any characters but white space and control characters, not of letters, marks and digits.
    lowercase : bool
        Replace each character by its lower-case form; see `embeddings.text.tokenizer.tokenizers`.
    punctuation : bool
        Characters that are neither part of a word nor space nor control characters are symbols, not separators.
    fold_digits : bool
        Replace every decimal digit (category Nd) by ``0``.

    Returns
    -------
    CharacterTables
        ``ascii`` (256,) uint8, ``blocks`` (4352,) uint16, ``entries`` (256 n,) uint32.
    """
    kinds = _white_space_kinds() if white_space_only else _word_kinds(punctuation)
    entries = kinds.astype(np.uint32)
    if not white_space_only:
        entries[ord("\u2019")] |= ord("'") << 8
        if punctuation:
            entries[list(map(ord, APOSTROPHES))] |= SYMBOL_ALONE
    if lowercase:
        for code_point, lower in _lower_case():
            entries[code_point] |= ord(lower) << 8
        entries[ord(CAPITAL_SIGMA)] |= FINAL_FORM
    if fold_digits:
        digits = np.flatnonzero(_category_numbers() == _CATEGORIES.index("Nd"))
        entries[digits] |= ord("0") << 8
    blocks, compact = two_levels(entries)
    return CharacterTables(_ascii_table(entries), blocks, compact)


def expanded(tables: CharacterTables) -> np.ndarray:
    """Return the entry of every code point, (0x110000,) uint32."""
    return np.asarray(tables.entries.reshape(-1, 256)[tables.blocks].ravel())


def case_and_digit_folding(lowercase: bool, fold_digits: bool) -> dict[int, str]:
    """Return the replacements of `character_tables` in the form that `str.translate` takes."""
    folding = dict(_lower_case()) if lowercase else {}
    if fold_digits:
        digits = np.flatnonzero(_category_numbers() == _CATEGORIES.index("Nd"))
        folding.update(dict.fromkeys(digits.tolist(), "0"))
    return folding


def with_final_sigmas(text: str, separator: str = "\0") -> str:
    """Return a text in which the capital sigma at the end of a longer token is ς; `separator` stands between tokens."""
    if CAPITAL_SIGMA not in text:
        return text
    return re.sub(f"(?<=[^{separator}]){CAPITAL_SIGMA}(?={separator}|\\Z)", "\u03c2", text)


def _word_kinds(punctuation: bool) -> np.ndarray:
    """Return the kinds of all characters if words consist of letters, marks and digits, (n,) uint8."""
    other = SYMBOL if punctuation else SEPARATOR
    by_initial = {"L": WORD, "N": WORD, "M": MARK, "Z": SEPARATOR, "P": other, "S": other}
    by_category = {"Cc": CONTROL, "Cf": IGNORED, "Cs": SEPARATOR, "Co": other, "Cn": other}
    kind_of_category = [by_category.get(name, by_initial.get(name[0], other)) for name in _CATEGORIES]
    kinds: np.ndarray = np.array(kind_of_category, np.uint8)[_category_numbers()]
    _mark_spaces(kinds)
    kinds[ord(UNDERSCORE)] = WORD
    kinds[list(map(ord, JOINERS))] = JOINER
    kinds[[ord(ZERO_WIDTH_SPACE), ord(REPLACEMENT)]] = SEPARATOR
    kinds[list(VARIATION_SELECTORS)] = IGNORED
    return kinds


def _white_space_kinds() -> np.ndarray:
    """Return the kinds of all characters if only white space ends a word, as in `str.split`, (n,) uint8."""
    kinds = np.full(_CODE_POINTS, WORD, np.uint8)
    kinds[_category_numbers() == _CATEGORIES.index("Cc")] = CONTROL
    _mark_spaces(kinds)
    return kinds


def _mark_spaces(kinds: np.ndarray) -> None:
    """Set the kinds of white space and line ends in `kinds`."""
    kinds[[c for c in range(0x10000) if chr(c).isspace()]] = SEPARATOR
    kinds[list(map(ord, LINE_ENDS))] = LINE_END


_CATEGORIES = [
    *("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"),
    *("Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"),
]


@lru_cache(maxsize=1)
def _category_numbers() -> np.ndarray:
    """Return the index into `_CATEGORIES` of every code point, (n,) uint8."""
    number = {name: index for index, name in enumerate(_CATEGORIES)}
    numbers = np.full(_CODE_POINTS, number["Cn"], np.uint8)
    for assigned in ASSIGNED:
        categories = map(unicodedata.category, map(chr, assigned))
        numbers[assigned.start : assigned.stop] = np.fromiter(map(number.__getitem__, categories), np.uint8)
    numbers[0xF0000:] = number["Co"]
    return numbers


@lru_cache(maxsize=1)
def _lower_case() -> list[tuple[int, str]]:
    """Return every character that differs from its lower-case form, with the first character of that form.

    Only İ of Turkish has a form of two characters: i, which it is in Turkish, and a combining dot.
    """
    return [(c, lower[0]) for assigned in ASSIGNED for c in assigned if (lower := chr(c).lower()) != chr(c)]


def two_levels(entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deduplicate blocks of 256 entries; return the number of each block, and the distinct blocks."""
    position: dict[bytes, int] = {}
    distinct: list[np.ndarray] = []
    blocks = np.empty(_CODE_POINTS >> 8, np.uint16)
    for index, block in enumerate(entries.reshape(-1, 256)):
        key = block.tobytes()
        if key not in position:
            position[key] = len(distinct)
            distinct.append(block)
        blocks[index] = position[key]
    return blocks, np.concatenate(distinct)


def _ascii_table(entries: np.ndarray) -> np.ndarray:
    """Return the table of bytes: 0 ends a word, 1 to 127 is the folded letter, from `SPECIAL` on the slow path."""
    table = np.arange(256, dtype=np.uint8) | np.uint8(SPECIAL)
    for byte, entry in enumerate(entries[:128].tolist()):
        kind, replacement = entry & 7, entry >> 8
        if kind == SEPARATOR:
            table[byte] = 0
        elif kind == WORD:
            table[byte] = replacement or byte
    return table
