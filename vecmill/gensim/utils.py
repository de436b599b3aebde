"""Tokens of a document, as gensim's ``utils`` makes them, whose name the module has."""

import re
import unicodedata

from vecmill.arguments import require_kind

_LETTERS = re.compile(r"[^\W\d]+")


def simple_preprocess(doc: str | bytes, deacc: bool = False, min_len: int = 2, max_len: int = 15) -> list[str]:
    """Return the words of a document: runs of letters, in lower case.

    Parameters
    ----------
    doc : str or bytes
        Bytes are UTF-8.
    deacc : bool
        Remove accents.
    min_len, max_len : int
        Leave out shorter and longer words, and words that begin with an underscore.

    Returns
    -------
    list of str
    """
    require_kind("doc", doc, (str, bytes), "a str, or bytes in UTF-8")
    text = (doc.decode("utf-8") if isinstance(doc, bytes) else doc).lower()
    if deacc:
        parts = unicodedata.normalize("NFD", text)
        text = unicodedata.normalize("NFC", "".join(part for part in parts if unicodedata.category(part) != "Mn"))
    words = _LETTERS.findall(text)
    return [word for word in words if min_len <= len(word) <= max_len and not word.startswith("_")]
