"""Lone surrogates of a str, which have no UTF-8: they become invalid bytes, and are counted as such."""

import re

_LONE = re.compile("[\ud800-\udfff]")
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # the others stand for bytes that were no UTF-8
_INVALID_BYTE = "\udcff"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def encoded(text: str) -> bytes:
    """Return a text as UTF-8 with one invalid byte for each lone surrogate; tokenizers count these bytes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return _NO_BYTE.sub(_INVALID_BYTE, text).encode("utf-8", "surrogateescape")


def replaced(text: str) -> tuple[str, int]:
    """Return a text with U+FFFD in the place of each lone surrogate, and their number."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE.subn(_REPLACEMENT, text)
    return text, 0
