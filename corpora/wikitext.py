"""The markup of Wikipedia, taken out: paragraphs and headings remain."""

import html
import operator
import re
from collections.abc import Callable, Iterator

_ELEMENT = re.compile(
    r"<!--.*?(?:-->|\Z)|<(math|ref|gallery|timeline|nowiki|pre|source)\b(?:[^<>]*/>|.*?</\1\s*>)|<[^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_SWITCH = re.compile(r"__[A-Z]+__", re.IGNORECASE)  # __NOTOC__
_LEFT_OF_TABLES = ("|", "!", "{|", "}}")  # where a table or a template has no end
_INNERMOST = re.compile(r"\{\{[^{}]*\}\}|\{\|(?:[^{]|\{(?!\|))*?\|\}")
_UNWANTED_LINK = re.compile(
    r"\[\[\s*(?:(?:Category|[a-z]{2,3}|[a-z]{2,3}-[a-z-]+|simple):[^\[\]]*|(?:Image|File|Media):[^\[\]|]*)\]\]"
)
_LINK = re.compile(r"\[\[(?:[^\[\]|]*+\|)*+([^\[\]|]*+)\]\]")
_WORDS = operator.itemgetter(1)  # of a match; several times as fast as a template in Python 3.11
_WEB_LINK = re.compile(r"\[(?:https?|ftp|mailto|news|irc):\S*\s*([^\]\n]*)\]")
_EMPHASIS = re.compile("'''?")  # italics, and bold
_ADDRESS = re.compile(r"(?:https?|ftp)://\S+")


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
    if text.lstrip()[:9].upper() == "#REDIRECT":
        return
    text = text.replace("&lt;", "<").replace("&gt;", ">")
    text = _ELEMENT.sub(" ", text)
    text = _SWITCH.sub(" ", text)
    text = _until_stable(_INNERMOST, "", text, "{")
    text = _UNWANTED_LINK.sub("", text)
    text = _until_stable(_LINK, _WORDS, text, "[[")
    if "[" in text:
        text = _WEB_LINK.sub(_WORDS, text)
    if "://" in text:
        text = _ADDRESS.sub("", text)
    text = _EMPHASIS.sub("", text)
    if "&" in text:  # entities of XML, which is escaped once more, and then those of the article
        text = html.unescape(text.replace("&quot;", '"').replace("&amp;", "&"))
    text = text.replace("\t", " ").replace("\xa0", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    for line in text.splitlines():
        paragraph = line.strip()
        if not paragraph.startswith(_LEFT_OF_TABLES):
            paragraph = paragraph.lstrip("*#:;= ").rstrip("= ")
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
