"""Extractors of plain text from the files of the catalog's corpora: one paragraph or sentence per line."""

import csv
import html
import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from corpora.wikipedia import wikipedia_articles

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
