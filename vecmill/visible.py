r"""Text as it can be shown: characters that a terminal obeys, or that no file can hold, in the form ``\x1b``."""

import re

_SURROGATES = "\ud800-\udfff"  # bytes of file names that are not UTF-8
_UNPRINTABLE = re.compile(f"[{_SURROGATES}]")
_CONTROL = re.compile(f"[{_SURROGATES}\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # not tabs and line ends


def visible(text: str) -> str:
    r"""Return a text with control characters, which a terminal obeys, in the form ``\x1b``."""
    return _CONTROL.sub(_escaped, text)


def printable(text: str) -> str:
    r"""Return a text with what UTF-8 cannot write, parts of file names, in the form ``\udc80``."""
    return _UNPRINTABLE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]
