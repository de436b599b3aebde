"""Extractors of plain text from the files of the catalog's corpora: one paragraph or sentence per line."""

import csv
import html
import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

Extractor = Callable[[BinaryIO, str], Iterator[str]]
"""Takes the stored file and its encoding; yields lines without their newlines."""


def wrapped_paragraphs(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Join the lines of a paragraph, which ends at an empty line or before a line with larger indentation."""
    paragraph: list[str] = []
    margin = 0
    for line in _decoded(stream, encoding):
        text = html.unescape(line).strip()
        indentation = len(line) - len(line.lstrip())
        if paragraph and (not text or indentation > margin):
            yield " ".join(paragraph)
            paragraph = []
        if text:
            paragraph.append(text)
        margin = indentation
    if paragraph:
        yield " ".join(paragraph)


def tagged_words(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Remove the part-of-speech tags of the Brown corpus, ``The/at jury/nn said/vbd``; one sentence per line."""
    for line in _decoded(stream, encoding):
        words = [token.rpartition("/")[0] for token in line.split()]
        if words:
            yield " ".join(words).replace("``", '"').replace("''", '"')


def lines(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the lines unchanged."""
    for line in _decoded(stream, encoding):
        yield line.rstrip("\n")


def numbered_pairs(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield ``word1 word2 score`` from CSV with a first column of row numbers, which is removed, also in the header."""
    for row in csv.reader(_decoded(stream, encoding)):
        if row and row[0]:  # not an empty line
            yield "\t".join(row[1:])


def numbered_tagged_pairs(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield `numbered_pairs` without the part-of-speech suffixes of MEN, as in ``sun-n``."""
    for line in numbered_pairs(stream, encoding):
        yield re.sub(r"-[njv]\t", "\t", line)


def wikipedia_articles(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Extract the articles of a MediaWiki XML dump, without markup.

    Kept: running text, headings, list items, the words of links, captions of pictures. Removed: redirects, templates,
    tables, formulas, references, comments, HTML tags, categories, links to other languages, web addresses. Unlike
    text8, the result keeps case, punctuation, digits and all alphabets.
    """
    article: list[str] = []
    inside = False
    for line in _decoded(stream, encoding):
        start = line.find("<text") if not inside else -1
        if start >= 0:
            inside = True
            line = line[line.find(">", start) + 1 :]
        if inside:
            before, end, _ = line.partition("</text>")
            article.append(before)
            if end:
                yield from clean_wikitext("".join(article))
                article, inside = [], False
    yield from clean_wikitext("".join(article))  # a dump that was cut ends inside an article


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
    text = html.unescape(text)
    if text.lstrip()[:9].upper() == "#REDIRECT":
        return
    text = _REMOVED.sub(" ", text)
    text = _until_stable(_INNERMOST, "", text)
    text = _UNWANTED_LINK.sub("", text)
    text = _until_stable(_LINK, r"\1", text)
    text = _WEB_LINK.sub(r"\1", text).replace("'''", "").replace("''", "")
    for line in html.unescape(text).splitlines():
        if not line.lstrip().startswith(("|", "!", "{|", "}}")):
            paragraph = " ".join(line.lstrip("*#:;= \t").rstrip("= \t").split())
            if paragraph:
                yield paragraph


def _until_stable(pattern: re.Pattern[str], replacement: str, text: str) -> str:
    """Replace repeatedly, from the innermost to the outermost nesting."""
    count = 1
    while count:
        text, count = pattern.subn(replacement, text)
    return text


def _decoded(stream: BinaryIO, encoding: str) -> Iterable[str]:
    return io.TextIOWrapper(stream, encoding=encoding, errors="replace")


EXTRACTORS: dict[str, Extractor] = {
    "lines": lines,
    "wrapped-paragraphs": wrapped_paragraphs,
    "tagged-words": tagged_words,
    "numbered-pairs": numbered_pairs,
    "numbered-tagged-pairs": numbered_tagged_pairs,
    "wikipedia": wikipedia_articles,
}
