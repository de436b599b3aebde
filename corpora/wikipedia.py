"""Articles of a MediaWiki dump (``pages-articles.xml``) as plain text: one paragraph or heading per line.

The dump is read once, as a stream, and cut at the ends of pages; worker processes take the markup out.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from corpora.errors import CorpusError
from corpora.skipped import Count
from corpora.wikitext import clean_wikitext
from vecmill.workers import mapped

ROOT = b"<mediawiki"
"""Beginning of every dump."""

_PIECE = 1 << 21  # bytes of XML that a worker gets at a time
_LONGEST_PAGE = 1 << 28
_END = b"</page>"
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_NAMESPACE = re.compile(r"<ns>(-?\d+)</ns>")

REDIRECT, OTHER_PAGE, EMPTY = "redirect skipped", "page that is no article skipped", "article without text skipped"


def read_wikipedia(stream: BinaryIO, path: str, count: Count) -> Iterator[bytes]:
    """Read the articles of a dump.

    Kept: running text, headings, list items, the words of links, captions of pictures. Removed: redirects, pages that
    are no articles, templates, tables, formulas, references, comments, HTML tags, categories, links to other languages,
    web addresses.

    Parameters
    ----------
    stream : binary file
        The XML, decompressed.
    path : str
        Its name, for messages.
    count : callable
        Called with the kind and the place of every page that is skipped.

    Yields
    ------
    bytes
        Lines of UTF-8.
    """
    for result in mapped(text_of_pages, _whole_pages(stream, path)):
        header, _, text = result.partition(b"\n")
        for kind, titles in json.loads(header).items():
            for title in titles:
                count(kind, f"{title!r} of {path}")
        if text:
            yield text


def wikipedia_articles(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the lines of `read_wikipedia`; the encoding of a dump is always UTF-8."""
    for text in read_wikipedia(stream, "the dump", lambda kind, where: None):
        yield from text.decode().removesuffix("\n").split("\n")


def _whole_pages(stream: BinaryIO, path: str) -> Iterator[bytes]:
    """Cut a dump after ends of pages; the last piece may be cut within a page."""
    rest = b""
    while piece := stream.read(_PIECE):
        rest += piece
        cut = rest.rfind(_END) + len(_END)
        if cut >= len(_END):
            yield rest[:cut]
            rest = rest[cut:]
        elif len(rest) > _LONGEST_PAGE:
            raise CorpusError(f"{path}: no </page> in {len(rest):,} bytes; expected a dump of MediaWiki")
    if rest:
        yield rest


def text_of_pages(xml: bytes) -> bytes:
    """Return the text of some pages of a dump.

    Parameters
    ----------
    xml : bytes
        Elements ``<page>``, the last of which may be cut.

    Returns
    -------
    bytes
        A line of JSON, the titles of what was skipped by kind, and the text.
    """
    skipped: dict[str, list[str]] = {}
    lines: list[str] = []
    for page in xml.decode("utf-8", "replace").split("</page>"):
        paragraphs, kind = _article(page)
        lines += paragraphs
        if kind:
            title = _TITLE.search(page)
            skipped.setdefault(kind, []).append(html.unescape(title[1]) if title else "a page without a title")
    lines.append("")
    return json.dumps(skipped).encode() + b"\n" + "\n".join(lines).encode("utf-8", "replace")


def _article(page: str) -> tuple[Iterable[str], str]:
    """Return the paragraphs of a page, or the reason for which it has none."""
    tag = page.find("<text")
    if tag < 0:
        return [], ""  # what stands before the first page, and after the last
    begin = page.find(">", tag) + 1
    end = page.rfind("</text>", begin)
    text = "" if page[begin - 2] == "/" else page[begin : end if end >= 0 else len(page)]
    namespace = _NAMESPACE.search(page, 0, tag)
    if namespace and namespace[1] != "0":
        return [], OTHER_PAGE
    if page.find("<redirect ", 0, tag) >= 0 or text.lstrip()[:9].upper() == "#REDIRECT":
        return [], REDIRECT
    paragraphs = list(clean_wikitext(text))
    return paragraphs, "" if paragraphs else EMPTY
