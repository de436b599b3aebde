"""How the bytes of words become text: in UTF-8, unless the caller names another encoding."""

import codecs
import logging
from collections.abc import Callable
from typing import NamedTuple

from embeddings.formats.errors import FormatError, shown
from vecmill.arguments import is_one_of, quoted

logger = logging.getLogger(__name__)

BYTE_ORDER_MARK = codecs.BOM_UTF8
ERRORS = ("strict", "replace", "ignore")
_SEPARATORS = " \t\n0123456789"


class Decoding(NamedTuple):
    """An encoding, and what becomes of bytes that are none.

    Attributes
    ----------
    encoding : str
        A name that Python knows.
    errors : {"strict", "replace", "ignore"}
        Refuse such bytes, put U+FFFD in their place, or remove them.
    """

    encoding: str = "utf-8"
    errors: str = "strict"


UTF_8 = Decoding()


def make_decoding(encoding: str, errors: str) -> Decoding:
    """Return a decoding of files whose separators and numbers are ASCII.

    Parameters
    ----------
    encoding : str
    errors : {"strict", "replace", "ignore"}

    Returns
    -------
    Decoding

    Raises
    ------
    FormatError
        Python does not know the encoding, it has other bytes for spaces and digits, or `errors` is unknown.
    """
    if not is_one_of(errors, ERRORS):
        raise FormatError(f"errors is {quoted(errors)}; expected 'strict', 'replace' or 'ignore'")
    try:
        name = codecs.lookup(encoding).name
        alike = _SEPARATORS.encode(name) == _SEPARATORS.encode("ascii")
    except (LookupError, UnicodeError, TypeError, AttributeError):
        raise FormatError(
            f"unknown encoding {quoted(encoding)}; expected a name that Python knows, such as latin-1 or cp1252"
        ) from None
    if not alike:
        raise FormatError(
            f"encoding {encoding!r} does not write spaces and digits as ASCII does; convert the file: "
            f"iconv -f {encoding} -t UTF-8"
        )
    return Decoding("utf-8" if name == "utf-8-sig" else name, errors)


def decode_words(blob: bytes, decoding: Decoding, place: Callable[[int], str]) -> list[str]:
    """Decode words that each end in a newline.

    In strict UTF-8 an incomplete character at the end of a long word is removed: word2vec.c truncates words to 98
    bytes.

    Parameters
    ----------
    blob : bytes
    decoding : Decoding
    place : callable
        Takes the index of a word; returns its file and line or record, for messages.

    Returns
    -------
    list of str

    Raises
    ------
    FormatError
        A word is not text of that encoding.
    """
    try:
        return blob.decode(*decoding).split("\n")[:-1]
    except UnicodeDecodeError:
        return [_decoded(word, decoding, place, index) for index, word in enumerate(blob.split(b"\n")[:-1])]


def _decoded(word: bytes, decoding: Decoding, place: Callable[[int], str], index: int) -> str:
    try:
        return word.decode(*decoding)
    except UnicodeDecodeError as error:
        if decoding != UTF_8 or error.reason != "unexpected end of data" or len(word) < 96:
            raise not_decoded(f"{place(index)}: the word {shown(word)}", decoding) from None
        logger.warning("%s: %s ends within a character, which is removed", place(index), shown(word))
        return word[: error.start].decode()


def not_decoded(what: str, decoding: Decoding) -> FormatError:
    """Return the error of text that is not of the encoding."""
    name = "UTF-8" if decoding.encoding == "utf-8" else decoding.encoding
    return FormatError(
        f"{what} is not {name}; name the encoding of the file (--encoding latin-1, encoding='latin-1'), or put U+FFFD "
        "in the place of such bytes (vecmill convert --encoding-errors replace, errors='replace')"
    )
