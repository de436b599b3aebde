r"""Tokenizers as rules of Hugging Face's library ``tokenizers``: normalizations, then a pattern that finds the words.

A rule knows no state, and it sees the text before it is cut. What the tokenizer 'fast' decides while it reads becomes

- a pattern: a word is ``W[WM]*(?:J[WM]+)*`` (W letters and digits, M marks, J apostrophes and other joiners);
- replacements before it: invisible characters go, ’ between two characters of a word becomes ', capital letters become
  small, digits become 0.

The classes of characters are those of our tables, spelled out, so that both libraries agree whatever version of Unicode
they know. They can differ where this Python does not know a character at all, but the other library has a small letter
for it, and in words of more than 1000 bytes, which are skipped here and unknown there.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from embeddings.formats.errors import FormatError
from embeddings.text.tokenizer.character_tables import APOSTROPHES, ASSIGNED, JOINERS, character_tables, expanded
from embeddings.text.tokenizer.kernels import IGNORED, JOINER, MARK, SYMBOL, WORD
from embeddings.text.tokenizer.tokenizers import FAST, ICU_PREFIX, NLTK_PREFIX, WHITE_SPACE, Tokenizer, make_tokenizer
from vecmill.extras import needs

WORDPUNCT = f"{NLTK_PREFIX}wordpunct"
_OPTIONS = {"lowercase": True, "punctuation": False, "fold_digits": False, "normalize": "none"}
_MIXED_SHARE = 0.01  # of words with both letters and punctuation: more show that text was split at white space
_CODE_POINTS = 0x110000
_SURROGATES = range(0xD800, 0xE000)


class InexactTokenizerError(FormatError):
    """Rules of ``tokenizers`` cannot do what a tokenizer does."""


class TokenizerRules(NamedTuple):
    """A tokenizer as ``tokenizers`` has it.

    Attributes
    ----------
    settings : dict
        Those of the tokenizer that the rules stand for (`Tokenizer.settings`).
    normalizers : list of dict
        Entries of ``tokenizer.json``, applied in turn to the whole text.
    pattern : str
        Finds the words in what they leave.
    differing : float or None
        Share of the lines of a sample that the rules cut into other words; None if there are none by construction.
    lines : int
        Lines of that sample.
    guessed : bool
        The tokenizer was not recorded; the settings are those that suit the words.
    """

    settings: dict[str, Any]
    normalizers: list[dict[str, Any]]
    pattern: str
    differing: float | None = None
    lines: int = 0
    guessed: bool = False

    @property
    def pre_tokenizer(self) -> dict[str, Any]:
        """The entry of ``tokenizer.json`` that finds the words."""
        return {"type": "Split", "pattern": {"Regex": self.pattern}, "behavior": "Removed", "invert": True}


def exact_rules(settings: Mapping[str, Any]) -> TokenizerRules:
    """Return the rules that cut every text into the words of a tokenizer.

    Parameters
    ----------
    settings : mapping
        `Tokenizer.settings`; ``phrases`` says whether words are joined to phrases.

    Returns
    -------
    TokenizerRules

    Raises
    ------
    InexactTokenizerError
        There are none; the message says why.
    """
    given = {**_OPTIONS, **settings}
    spec = given["spec"]
    if given.get("phrases"):
        raise InexactTokenizerError("the words of phrases such as new_york are joined, which rules cannot do")
    if given["normalize"] not in ("none", "nfc"):
        raise InexactTokenizerError(f"the normalization {given['normalize']!r} is none of 'none', 'nfc'")
    normalizers = [{"type": "NFC"}] if given["normalize"] == "nfc" else []
    if spec == FAST:
        before, pattern, sigma = _fast_rules(given["punctuation"])
    elif spec == WHITE_SPACE:
        space = _classes(True, False)[_NEITHER]
        before, pattern, sigma = [], f"[^{space}]+", rf"(?<=[^{space}])\x{{3A3}}(?=[{space}]|\z)"
    elif spec == WORDPUNCT:
        before, pattern, sigma = _wordpunct_rules()
    else:
        raise InexactTokenizerError(f"the tokenizer {spec!r} {_obstacle(spec)}")
    lowercase = (
        [_replaced(sigma, "ς"), _replaced("Σ", "σ"), _replaced("İ", "i"), {"type": "Lowercase"}]
        if given["lowercase"]
        else []
    )
    digits = [_replaced(f"[{_digits()}]", "0")] if given["fold_digits"] else []
    return TokenizerRules(dict(settings), [*normalizers, *before, *lowercase, *digits], pattern)


def closest_rules(tokenizer: Tokenizer, lines: Sequence[str]) -> TokenizerRules:
    """Return the rules that cut the most lines of a sample into the words of a tokenizer; exact ones if there are.

    Parameters
    ----------
    tokenizer : Tokenizer
    lines : sequence of str
        The sample.

    Returns
    -------
    TokenizerRules

    Raises
    ------
    FormatError
        The sample is empty.
    MissingExtraError
        The library ``tokenizers`` is not installed.
    """
    try:
        return exact_rules(tokenizer.settings)
    except InexactTokenizerError:
        pass
    if not lines:
        raise FormatError("the sample has no lines; expected text such as the model was trained on")
    wanted = [[word for words in tokenizer.tokenize(line) for word in words] for line in lines]
    shared = {name: tokenizer.settings.get(name, value) for name, value in _OPTIONS.items()}
    candidates = [
        exact_rules({**shared, "spec": spec, "punctuation": punctuation})
        for spec, punctuation in ((WORDPUNCT, True), (FAST, True), (FAST, False), (WHITE_SPACE, False))
    ]
    shares = [_share_differing(rules, lines, wanted) for rules in candidates]
    closest = int(np.argmin(shares))
    settings = {name: value for name, value in tokenizer.settings.items() if name != "phrases"}
    return candidates[closest]._replace(settings=settings, differing=shares[closest], lines=len(lines))


def guessed_rules(words: Iterable[str]) -> TokenizerRules:
    """Return the rules of the tokenizer that words seem to come from, for vectors without a recorded one.

    Words with both punctuation and letters ("end.") show that text was split at white space only. Otherwise it was
    split like the tokenizer 'fast', with symbols as separate tokens if some words are symbols.

    Parameters
    ----------
    words : iterable of str

    Returns
    -------
    TokenizerRules
    """
    words = list(words)
    kinds = [_kinds(word) for word in words if not _ORDINARY.fullmatch(word)]
    mixed = sum(found == {True, False} for found in kinds) > _MIXED_SHARE * len(words)
    digits = {character for word in words for character in word if character.isdecimal()}
    rules = exact_rules(
        {
            "spec": WHITE_SPACE if mixed else FAST,
            "lowercase": all(word == word.lower() for word in words),
            "punctuation": any(found == {False} for found in kinds),
            "fold_digits": digits == {"0"} and any("00" in word for word in words),
            "normalize": "nfc" if all(unicodedata.is_normalized("NFC", word) for word in words) else "none",
        }
    )._replace(guessed=True)
    if any("’" in word and word != "’" for word in words):  # they keep it
        return rules._replace(normalizers=[rule for rule in rules.normalizers if rule.get("content") != "'"])
    return rules


_ORDINARY = re.compile(rf"[\w{JOINERS}]+")
_NEITHER = 0  # kinds of characters that belong to no word, white space among them


def _kinds(word: str) -> set[bool]:
    return {unicodedata.category(character)[0] in "LNM" or character in f"_{JOINERS}" for character in word}


def _fast_rules(punctuation: bool) -> tuple[list[dict[str, Any]], str, str]:
    """Return the replacements before those of case, the pattern, and that of a capital sigma at the end of a word."""
    classes = _classes(False, punctuation)
    letter, mark, joiner = classes[WORD], classes[MARK], classes[JOINER]
    # a word up to its next ’, begun by a letter, or by a mark right after the ’ that was replaced before
    within = (
        rf"(?>(?:[{letter}]|\G(?<=\x{{2019}})[{mark}])[{letter}{mark}]*(?:(?!\x{{2019}})[{joiner}][{letter}{mark}]+)*)"
        rf"\K\x{{2019}}(?=[{letter}{mark}])"
    )
    word = f"[{letter}][{letter}{mark}]*(?:[{joiner}][{letter}{mark}]+)*"
    before = rf"[{letter}][{mark}]*(?:[{joiner}][{mark}]+)*[{joiner}]?"  # a mark without a letter begins no word
    sigma = rf"{before}\K\x{{3A3}}(?![{letter}{mark}]|[{joiner}][{letter}{mark}])"
    symbol = f"|[{classes[SYMBOL]}{APOSTROPHES}]" if punctuation else ""
    return [_replaced(f"[{classes[IGNORED]}]", ""), _replaced(within, "'")], word + symbol, sigma


def _wordpunct_rules() -> tuple[list[dict[str, Any]], str, str]:
    r"""Return the rules of NLTK's ``\w+|[^\w\s]+``; words are folded after they were cut, but the rules fold before."""
    kinds = _wordpunct_kinds()
    word, other = _ranges(kinds == WORD), f"[{_ranges(kinds == SYMBOL)}]+"
    return [], f"[{word}]+|{other}", rf"(?<=[{word}])\x{{3A3}}(?![{word}])"


def _replaced(pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def _obstacle(spec: str) -> str:
    """Return why a tokenizer has no exact rules."""
    if spec in (f"{NLTK_PREFIX}tweet", f"{NLTK_PREFIX}casual"):
        return "replaces entities of HTML and keeps links, smileys and phone numbers whole, which rules cannot do"
    if spec.startswith(NLTK_PREFIX):
        return "rewrites quotes and splits contractions step by step as it reads, which rules cannot do"
    if spec.startswith(ICU_PREFIX):
        return "segments text by the dictionaries of ICU, which rules cannot do"
    return "is a function, of which only the name is recorded"


def _share_differing(rules: TokenizerRules, lines: Sequence[str], wanted: Sequence[Sequence[str]]) -> float:
    """Return the share of lines that rules do not cut into the words wanted."""
    with needs("interop", "measuring how tokenizers differ"):
        import tokenizers
    normalizer = tokenizers.normalizers.Sequence(
        [
            tokenizers.normalizers.Replace(tokenizers.Regex(rule["pattern"]["Regex"]), rule["content"])
            if rule["type"] == "Replace"
            else getattr(tokenizers.normalizers, rule["type"])()
            for rule in rules.normalizers
        ]
    )
    splitter = tokenizers.pre_tokenizers.Split(tokenizers.Regex(rules.pattern), "removed", invert=True)
    found = ([word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(line))] for line in lines)
    return sum(words != expected for words, expected in zip(found, wanted, strict=True)) / len(lines)


@lru_cache(maxsize=4)
def _classes(white_space_only: bool, punctuation: bool) -> dict[int, str]:
    """Return the characters of each kind, as the inside of a class; those of `_NEITHER` are all that end a word."""
    kinds = expanded(character_tables(white_space_only, False, punctuation, False)) & 7
    alone = (WORD, MARK, JOINER, IGNORED, SYMBOL)
    classes = {kind: _ranges(kinds == kind) for kind in alone}
    classes[_NEITHER] = _ranges(~np.isin(kinds, alone))
    return classes


@lru_cache(maxsize=1)
def _wordpunct_kinds() -> np.ndarray:
    """Return `WORD`, `SYMBOL` or 0 for every code point, (0x110000,): what it is between two letters."""
    kinds = np.full(_CODE_POINTS, SYMBOL, np.uint8)
    characters = [c for assigned in ASSIGNED for c in assigned if c not in _SURROGATES]
    tokenizer = make_tokenizer(WORDPUNCT, lowercase=False, normalize="none")
    tokens = chain.from_iterable(tokenizer.tokenize(" ".join(f"a{chr(c)}a" for c in characters)))
    for c in characters:
        if len(next(tokens)) == 3:  # the whole
            kinds[c] = WORD
        elif next(tokens) == "a":  # the second letter
            kinds[c] = 0
        else:
            next(tokens)
    return kinds


@lru_cache(maxsize=1)
def _digits() -> str:
    return _ranges(np.fromiter((chr(c).isdecimal() for c in range(_CODE_POINTS)), bool, _CODE_POINTS))


def _ranges(chosen: np.ndarray) -> str:
    """Return the code points at which an array is true as ranges of a class; surrogates belong to no text."""
    chosen = chosen.copy()
    chosen[_SURROGATES.start : _SURROGATES.stop] = False
    edges = np.flatnonzero(np.diff(chosen, prepend=False, append=False)).reshape(-1, 2)
    return "".join(rf"\x{{{first:X}}}-\x{{{last - 1:X}}}" for first, last in edges.tolist())
