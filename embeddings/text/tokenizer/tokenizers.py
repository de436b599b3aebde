r"""Tokenizers: split text into words, line by line.

`make_tokenizer` returns one by name. The fast tokenizer has these rules, by the Unicode character database of the
running Python (`unicodedata`):

- ``normalize``: the text is brought into Unicode normalization form C (NFC) before anything else, so that é as one
  code point and é as two are the same; with ``none`` they are different.
- A word is a longest run of letters (categories L*), digits and other numbers (N*), underscores, and marks (M*) after
  one of these. ``read_csv``, ``naïve``, ``हिन्दी`` and ``42nd`` are words; ``3.14`` is two, ``3`` and ``14``. Scripts
  without spaces are not segmented: a run of Chinese characters is one word; ``icu:zh`` segments it first.
- An apostrophe, ``'`` or U+2019, between two characters of a word belongs to it and becomes ``'``: ``don't``,
  ``rock'n'roll``, but ``dogs`` in ``dogs'``. So do the zero-width joiner and non-joiner of Persian and Indic words.
- Other invisible characters (format characters, category Cf, such as soft hyphens, directional marks, the byte-order
  mark; variation selectors) are removed without separating words, but a zero-width space separates words.
- ``lowercase``: each character is replaced by its lower-case form, as `str.lower` returns it for the single character,
  but İ becomes i, and a capital sigma at the end of a word of several characters ς.
- ``fold_digits``: each decimal digit (Nd) is replaced by 0; ``1984`` becomes ``0000``.
- ``punctuation``: each other character that is not white space, control or invisible is a separate token.
- All other characters separate words: white space, punctuation, U+FFFD, invalid UTF-8 (replaced by U+FFFD as
  `bytes.decode` does) and control characters, including NUL. The last two are counted.
- A line ends at ``\n``, ``\r\n``, ``\r``, U+0085, U+2028 and U+2029.
- Words longer than 1000 bytes of UTF-8 are skipped and counted.

``icu:LANGUAGE`` puts a space between words where ICU's break iterator finds one, and then has the rules above: for
Chinese (``icu:zh``), Japanese, Thai, Lao, Khmer and Burmese by dictionaries.

White-space tokenization splits lines as `str.split` does, and at control characters. Other tokenizers get
normalized lines without control characters; ``lowercase`` and ``fold_digits`` are applied to the tokens that they
return, and punctuation tokens are kept in any case.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

from embeddings.errors import EmbeddingsError
from embeddings.setting_types import require_type
from embeddings.text.tokenizer.character_tables import (
    LINE_ENDS,
    case_and_digit_folding,
    character_tables,
    with_final_sigmas,
)
from embeddings.text.tokenizer.kernels import LINE_END_ID
from embeddings.text.tokenizer.normalization import NFC, NONE, require_normalization
from embeddings.text.tokenizer.segmentation import SegmentingCounter
from embeddings.text.tokenizer.word_counters import PIECE, TOO_LONG_WORDS, KernelCounter, PythonCounter, WordCounter
from vecmill.arguments import described, quoted
from vecmill.extras import needs
from vecmill.hints import did_you_mean
from vecmill.surrogates import encoded

logger = logging.getLogger(__name__)

_ROOM = 64  # bytes beyond the letters of a short text
FAST, WHITE_SPACE, NLTK_PREFIX, ICU_PREFIX = "fast", "whitespace", "nltk:", "icu:"
ICU_LANGUAGES = ("zh", "ja", "th", "lo", "km", "my")
# NLTK's tokenizers that need neither downloaded data nor arguments
NLTK_TOKENIZERS = {
    "casual": "TweetTokenizer",
    "toktok": "ToktokTokenizer",
    "treebank": "TreebankWordTokenizer",
    "tweet": "TweetTokenizer",
    "word": "NLTKWordTokenizer",
    "wordpunct": "WordPunctTokenizer",
}


class UnknownTokenizerError(EmbeddingsError, ValueError):
    """An unknown tokenizer name."""


@runtime_checkable
class Tokenizer(Protocol):
    """Splits text into words, line by line."""

    @property
    def settings(self) -> dict[str, Any]:
        """Arguments of `make_tokenizer` for the same tokenizer; a callable is given by its qualified name."""

    @property
    def uses_threads(self) -> bool:
        """True if counters in several threads are faster than one counter."""

    def tokenize(self, text: str) -> list[list[str]]:
        """Return the words of each line."""

    def counter(self, table_bytes: int | None = None) -> WordCounter:
        """Return a new word counter that takes at most about `table_bytes` of memory (None: no limit)."""


class HasTokenize(Protocol):
    """A tokenizer of another library, such as NLTK's ``RegexpTokenizer``."""

    def tokenize(self, text: str) -> Iterable[str]:
        """Return the words of a line."""


@dataclass(frozen=True, kw_only=True)
class FastTokenizer:
    """The compiled tokenizer; its rules are in `embeddings.text.tokenizer.tokenizers`.

    Attributes
    ----------
    white_space_only : bool
        Only white space and control characters end a word.
    lowercase, punctuation, fold_digits : bool
        See `make_tokenizer`.
    normalize : str
        See `make_tokenizer`.
    """

    white_space_only: bool = False
    lowercase: bool = True
    punctuation: bool = False
    fold_digits: bool = False
    normalize: str = NFC
    uses_threads = True

    @property
    def settings(self) -> dict[str, Any]:
        """Arguments of `make_tokenizer` for the same tokenizer."""
        return {"spec": WHITE_SPACE if self.white_space_only else FAST, **_options(self)}

    def tokenize(self, text: str) -> list[list[str]]:
        """Return the words of each line."""
        require_type("text", text, str)
        return _tokenize(text, self._counter(None, min(PIECE, len(text) + _ROOM)))

    def counter(self, table_bytes: int | None = None) -> KernelCounter:
        """Return a new word counter that takes at most about `table_bytes` of memory (None: no limit)."""
        return self._counter(table_bytes, PIECE)

    def _counter(self, table_bytes: int | None, piece: int) -> KernelCounter:
        """Return a counter whose tables have room for a piece of text; those of a short text are small."""
        tables = character_tables(self.white_space_only, self.lowercase, self.punctuation, self.fold_digits)
        return KernelCounter(tables, table_bytes, piece, normalize=self.normalize == NFC)


@dataclass(frozen=True, kw_only=True)
class IcuTokenizer:
    """The compiled tokenizer after ICU has put spaces between words.

    Attributes
    ----------
    language : str
        One of `ICU_LANGUAGES`.
    rules : FastTokenizer
        What splits the segmented text.
    """

    language: str
    rules: FastTokenizer
    uses_threads = True

    @property
    def settings(self) -> dict[str, Any]:
        """Arguments of `make_tokenizer` for the same tokenizer."""
        return self.rules.settings | {"spec": ICU_PREFIX + self.language}

    def tokenize(self, text: str) -> list[list[str]]:
        """Return the words of each line."""
        return _tokenize(text, self.counter())

    def counter(self, table_bytes: int | None = None) -> SegmentingCounter:
        """Return a new word counter that takes at most about `table_bytes` of memory (None: no limit)."""
        return SegmentingCounter(self.rules.counter(table_bytes), self.language)


@dataclass(frozen=True, kw_only=True)
class PythonTokenizer:
    """A tokenizer written in Python, called line by line.

    Attributes
    ----------
    spec : str
        Name of the tokenizer.
    split : callable
        Takes a line, returns its tokens; empty tokens are skipped.
    lowercase, fold_digits : bool
        Applied to the tokens.
    punctuation : bool
        Without effect: punctuation tokens are kept in any case.
    normalize : str
        Applied to the text before `split` gets it.
    """

    spec: str
    split: Callable[[str], Iterable[str]]
    lowercase: bool = True
    punctuation: bool = False
    fold_digits: bool = False
    normalize: str = NFC
    uses_threads = False

    @property
    def settings(self) -> dict[str, Any]:
        """The name of the tokenizer and its options."""
        return {"spec": self.spec, **_options(self)}

    def tokenize(self, text: str) -> list[list[str]]:
        """Return the words of each line.

        Parameters
        ----------
        text : str

        Returns
        -------
        list of list of str
            One list per line.

        Raises
        ------
        EmbeddingsError
            The tokenizer did not return a list of str.
        """
        return _tokenize(text, self.counter())

    def counter(self, table_bytes: int | None = None) -> PythonCounter:
        """Return a new word counter that takes at most about `table_bytes` of memory (None: no limit)."""
        return PythonCounter(self._tokens, table_bytes, normalize=self.normalize == NFC)

    @cached_property
    def _folding(self) -> dict[int, str]:
        return case_and_digit_folding(self.lowercase, self.fold_digits)

    def _tokens(self, line: str) -> list[str]:
        tokens = self.split(line)
        if isinstance(tokens, str) or not isinstance(tokens, Iterable):
            raise EmbeddingsError(f"tokenizer {self.spec} returned {type(tokens).__name__}; expected a list of str")
        tokens = list(tokens)
        for token in tokens:
            if not isinstance(token, str):
                raise EmbeddingsError(
                    f"tokenizer {self.spec} returned {described(token)}; expected a list of str; "
                    "for objects give lambda line: [str(token) for token in tokenizer(line)]"
                )
        if self.lowercase:
            tokens = list(map(with_final_sigmas, tokens))
        return [token.translate(self._folding) for token in tokens] if self._folding else tokens


def make_tokenizer(
    spec: str | Callable[[str], Iterable[str]] | HasTokenize | Tokenizer = FAST,
    *,
    lowercase: bool = True,
    punctuation: bool = False,
    fold_digits: bool = False,
    normalize: str = NFC,
) -> Tokenizer:
    r"""Return a tokenizer by name; the rules are in `embeddings.text.tokenizer.tokenizers`.

    Parameters
    ----------
    spec : str, callable, object with a method ``tokenize``, or Tokenizer
        ``"fast"`` and ``"whitespace"`` are compiled; ``"icu:zh"`` (also ja, th, lo, km, my) segments text without
        spaces; ``"nltk:NAME"`` is one of NLTK's (`NLTK_TOKENIZERS`); or any
        function that takes a line, a str without its end, and returns a list of str; or an object whose method
        ``tokenize`` is such a function, such as NLTK's tokenizers. A `Tokenizer` is returned unchanged.
    lowercase : bool
        Convert words to lower case.
    punctuation : bool
        Make tokens of punctuation marks and symbols; affects only the fast tokenizer.
    fold_digits : bool
        Replace every decimal digit by ``0``.
    normalize : {"nfc", "none"}
        Unicode normalization of the text.

    Returns
    -------
    Tokenizer

    Raises
    ------
    MissingExtraError
        ``"icu:..."`` without the package of the extra ``cjk``.
    UnknownTokenizerError
        The name is unknown; the message suggests the closest.
    ValueError, TypeError
        `normalize` is neither "nfc" nor "none", or an option is no bool.

    Examples
    --------
    >>> make_tokenizer("fast", punctuation=True).tokenize("Don't panic!\nIt's 42.")
    [["don't", 'panic', '!'], ["it's", '42', '.']]
    """
    require_normalization(normalize)
    for name, value in (("lowercase", lowercase), ("punctuation", punctuation), ("fold_digits", fold_digits)):
        require_type(name, value, bool)
    options: dict[str, Any] = {
        "lowercase": lowercase,
        "punctuation": punctuation,
        "fold_digits": fold_digits,
        "normalize": normalize,
    }
    if isinstance(spec, Tokenizer):
        return spec
    if isinstance(spec, type) and hasattr(spec, "tokenize"):
        raise UnknownTokenizerError(f"tokenizer is the class {spec.__name__}; expected an object: {spec.__name__}(...)")
    split = getattr(spec, "tokenize", spec)  # a tokenizer object of NLTK, or a function
    if callable(split) and not isinstance(spec, str):
        name = f"{getattr(spec, '__module__', '')}.{getattr(spec, '__qualname__', type(spec).__qualname__)}"
        return PythonTokenizer(spec=name, split=split, **options)
    if not isinstance(spec, str):
        raise UnknownTokenizerError(
            f"tokenizer is {described(spec)}; expected a name, a function from str to list of str, or a Tokenizer"
        )
    if spec in (FAST, WHITE_SPACE):
        return FastTokenizer(white_space_only=spec == WHITE_SPACE, **options)
    if spec.removeprefix(NLTK_PREFIX) in NLTK_TOKENIZERS and spec.startswith(NLTK_PREFIX):
        import nltk.tokenize  # imported here: it takes a second, which other tokenizers do not need

        tokenizer = getattr(nltk.tokenize, NLTK_TOKENIZERS[spec.removeprefix(NLTK_PREFIX)])()
        return PythonTokenizer(spec=spec, split=tokenizer.tokenize, **options)
    if spec.startswith(ICU_PREFIX) and spec.removeprefix(ICU_PREFIX) in ICU_LANGUAGES:
        with needs("cjk", f"the tokenizer {spec}"):
            import icu4py.breakers  # noqa: F401 - so that a missing package is an error here, not in a thread
        return IcuTokenizer(language=spec.removeprefix(ICU_PREFIX), rules=FastTokenizer(**options))
    known = [
        FAST,
        WHITE_SPACE,
        *(ICU_PREFIX + name for name in ICU_LANGUAGES),
        *(NLTK_PREFIX + name for name in NLTK_TOKENIZERS),
    ]
    if spec.startswith(ICU_PREFIX):
        hint = f"; {ICU_PREFIX} is for {', '.join(ICU_LANGUAGES)}, and other languages have spaces: leave it out"
    else:
        hint = did_you_mean(spec, known)
    raise UnknownTokenizerError(f"no tokenizer {quoted(spec)}{hint} (one of: {', '.join(known)}, or a callable)")


def tokenizer_of(settings: Mapping[str, Any]) -> Tokenizer:
    """Return the tokenizer of recorded settings; those of earlier versions, without ``normalize``, mean "none"."""
    options = {"normalize": NONE, **settings}
    return make_tokenizer(options.pop("spec"), **options)


def _options(tokenizer: "FastTokenizer | PythonTokenizer") -> dict[str, Any]:
    return {name: getattr(tokenizer, name) for name in ("lowercase", "punctuation", "fold_digits", "normalize")}


def _tokenize(text: str, counter: WordCounter) -> list[list[str]]:
    require_type("text", text, str)
    block = encoded(text)
    ids = [number for part in (counter.ids(block), counter.last_ids()) for ids in part for number in ids.tolist()]
    if too_long := counter.skipped.get(TOO_LONG_WORDS):
        logger.warning("left out: %s: %s", TOO_LONG_WORDS, f"{too_long:,}")
    words = [word.decode() for word in counter.take_words().words.to_bytes()]
    lines: list[list[str]] = [[]]
    for number in ids:
        if number == LINE_END_ID:
            lines.append([])
        else:
            lines[-1].append(words[number - 1])
    return lines if lines[-1] or (text and text[-1] not in LINE_ENDS) else lines[:-1]
