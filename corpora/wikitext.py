"""The markup of Wikipedia, taken out: paragraphs and headings remain."""

import html
import re
from collections.abc import Iterator

_XML_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&"))  # all that a dump has
_SCHEMES = ("://", "[mailto:", "[news:", "[irc:")
_REMOVED = re.compile(
    r"<!--.*?(?:-->|\Z)|<(math|ref|gallery|timeline|nowiki|pre|source)\b(?:[^<>]*/>|.*?</\1\s*>)|<[^<>]*>|__[A-Z]+__",
    re.DOTALL | re.IGNORECASE,
)
_INNERMOST = re.compile(r"\{\{[^{}]*\}\}|\{\|(?:[^{]|\{(?!\|))*?\|\}")
_UNWANTED_LINK = re.compile(
    r"\[\[\s*(?:(?:Category|[a-z]{2,3}|[a-z]{2,3}-[a-z-]+|simple):[^\[\]]*|(?:Image|File|Media):[^\[\]|]*)\]\]"
)
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)*([^\[\]|]*)\]\]")
_WEB_LINK = re.compile(r"\[(?:https?|ftp|mailto|news|irc):\S*\s*([^\]\n]*)\]|(?:https?|ftp)://\S+")


def clean_wikitext(text: str) -> Iterator[str]:
    """Yield the paragraphs of an article in wiki markup as plain text.

    Parameters
    ----------
    text : str
        The article as in the dump, with XML entities.

    Yields
    ------
    str
    """
    for entity, character in _XML_ENTITIES:
        text = text.replace(entity, character)
    if text.lstrip()[:9].upper() == "#REDIRECT":
        return
    text = _REMOVED.sub(" ", text)
    text = _until_stable(_INNERMOST, "", text, "{")
    text = _UNWANTED_LINK.sub("", text)
    text = _until_stable(_LINK, r"\1", text, "[[")
    if any(scheme in text for scheme in _SCHEMES):
        text = _WEB_LINK.sub(r"\1", text)
    text = text.replace("'''", "").replace("''", "")
    for line in html.unescape(text).splitlines():
        if not line.lstrip().startswith(("|", "!", "{|", "}}")):
            paragraph = " ".join(line.lstrip("*#:;= \t").rstrip("= \t").split())
            if paragraph:
                yield paragraph


def _until_stable(pattern: re.Pattern[str], replacement: str, text: str, mark: str) -> str:
    """Replace repeatedly, from the innermost to the outermost nesting, while the text has `mark`."""
    count = 1
    while count and mark in text:
        text, count = pattern.subn(replacement, text)
    return text
