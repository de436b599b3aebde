"""What code for these models takes from gensim's ``utils``, whose name the module has."""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator

from vecmill.arguments import require_kind, require_place
from vecmill.files import atomic_file
from vecmill.gensim.trimming import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP

__all__ = [
    "RULE_DEFAULT",
    "RULE_DISCARD",
    "RULE_KEEP",
    "deaccent",
    "save_as_line_sentence",
    "simple_preprocess",
    "to_unicode",
    "tokenize",
]

_LETTERS = re.compile(r"[^\W\d]+")


def to_unicode(text: str | bytes, encoding: str = "utf8", errors: str = "strict") -> str:
    """Return a text as a str.

    Parameters
    ----------
    text : str or bytes
    encoding, errors : str
        Of bytes; see `bytes.decode`.

    Returns
    -------
    str
    """
    require_kind("text", text, (str, bytes), "a str or bytes")
    return text if isinstance(text, str) else text.decode(encoding, errors)


def deaccent(text: str | bytes) -> str:
    """Return a text without accents; bytes are UTF-8."""
    parts = unicodedata.normalize("NFD", to_unicode(text))
    return unicodedata.normalize("NFC", "".join(part for part in parts if unicodedata.category(part) != "Mn"))


def tokenize(
    text: str | bytes,
    lowercase: bool = False,
    deacc: bool = False,
    encoding: str = "utf8",
    errors: str = "strict",
    to_lower: bool = False,
    lower: bool = False,
) -> Iterator[str]:
    """Yield the words of a text: runs of letters.

    Parameters
    ----------
    text : str or bytes
    lowercase : bool
        Convert to lower case.
    deacc : bool
        Remove accents.
    encoding, errors : str
        Of bytes; see `bytes.decode`.
    to_lower, lower : bool
        The same as `lowercase`.

    Yields
    ------
    str
    """
    text = to_unicode(text, encoding, errors)
    text = text.lower() if lowercase or to_lower or lower else text
    yield from _LETTERS.findall(deaccent(text) if deacc else text)


def simple_preprocess(doc: str | bytes, deacc: bool = False, min_len: int = 2, max_len: int = 15) -> list[str]:
    """Return the words of a document: runs of letters, in lower case.

    Parameters
    ----------
    doc : str or bytes
        Bytes are UTF-8; what is none is left out.
    deacc : bool
        Remove accents.
    min_len, max_len : int
        Leave out shorter and longer words, and words that begin with an underscore.

    Returns
    -------
    list of str
    """
    require_kind("doc", doc, (str, bytes), "a str, or bytes in UTF-8")
    words = tokenize(doc, lower=True, deacc=deacc, errors="ignore")
    return [word for word in words if min_len <= len(word) <= max_len and not word.startswith("_")]


def save_as_line_sentence(corpus: Iterable[Iterable[str]], filename: str | os.PathLike[str]) -> None:
    """Write sentences to a file that ``corpus_file`` and `LineSentence` read: one a line, words separated by spaces.

    Parameters
    ----------
    corpus : iterable of lists of str
    filename : path

    Raises
    ------
    OutputError
        It cannot be written.
    """
    require_place("filename", filename)
    with atomic_file(filename) as file:
        file.writelines(f"{' '.join(sentence)}\n".encode() for sentence in corpus)
