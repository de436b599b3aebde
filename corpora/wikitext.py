"""The markup of Wikipedia, taken out: paragraphs and headings remain."""

import html
import operator
import re
from collections.abc import Callable, Iterator

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
_LINK = re.compile(r"\[\[(?:[^\[\]|]*+\|)*+([^\[\]|]*+)\]\]")
_WORDS = operator.itemgetter(1)  # of a match; several times as fast as a template in Python 3.11
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
    text = _until_stable(_LINK, _WORDS, text, "[[")
    if any(scheme in text for scheme in _SCHEMES):
        text = _WEB_LINK.sub(lambda found: found[1] or "", text)
    text = text.replace("'''", "").replace("''", "")
    for line in text.splitlines():
        if "&" in line:
            line = html.unescape(line)
        if line and not line.lstrip().startswith(("|", "!", "{|", "}}")):
            paragraph = line.lstrip("*#:;= \t").rstrip("= \t")
            if "  " in paragraph or "\t" in paragraph or not paragraph.isascii():
                paragraph = " ".join(paragraph.split())
            if paragraph:
                yield paragraph


def _until_stable(
    pattern: re.Pattern[str], replacement: "str | Callable[[re.Match[str]], str]", text: str, mark: str
) -> str:
    """Replace repeatedly, from the innermost to the outermost nesting, while the text has `mark`."""
    count = 1
    while count and mark in text:
        text, count = pattern.subn(replacement, text)
    return text
