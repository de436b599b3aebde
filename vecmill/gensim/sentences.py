"""Sentences of text files, as in ``gensim.models.word2vec``: lines or stretches of words, split at white space."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from corpora import open_corpus
from vecmill.arguments import require_path
from vecmill.gensim.missing import require_text
from vecmill.gensim.numbers import whole, whole_or_none

MAX_WORDS_IN_BATCH = 10_000


class LineSentence:
    """The lines of a file as lists of words; empty lines are skipped.

    Parameters
    ----------
    source : path or file
        A text file, compressed or not, or an open file.
    max_sentence_length : int
        Longer lines are cut.
    limit : int, optional
        Read only so many lines.
    """

    def __init__(self, source: Any, max_sentence_length: int = MAX_WORDS_IN_BATCH, limit: int | None = None) -> None:
        self.source = source
        self.max_sentence_length = whole("max_sentence_length", max_sentence_length, 1)
        self.limit = whole_or_none("limit", limit, 0)

    @property
    def is_whole_file(self) -> bool:
        """Whether this is the whole of a file, named by its path, so that it can be read without Python's lists."""
        return isinstance(self.source, (str, os.PathLike)) and self.limit is None

    def __iter__(self) -> Iterator[list[str]]:
        for line in islice(lines_of(self.source), self.limit):
            words = line.split()
            for first in range(0, len(words), self.max_sentence_length):
                yield words[first : first + self.max_sentence_length]


class PathLineSentences:
    """The lines of a file, or of all files of a folder in the order of their names; see `LineSentence`.

    Parameters
    ----------
    source : path
    max_sentence_length : int
        Longer lines are cut.
    limit : int, optional
        Read only so many lines of each file.

    Raises
    ------
    ValueError
        There is no such file or folder.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        max_sentence_length: int = MAX_WORDS_IN_BATCH,
        limit: int | None = None,
    ) -> None:
        self.source = source
        self.max_sentence_length = whole("max_sentence_length", max_sentence_length, 1)
        self.limit = whole_or_none("limit", limit, 0)
        require_path("source", source)
        path = Path(source)
        if not path.exists():
            raise ValueError(f"there is no {path}; expected a file or a folder")
        files = sorted(entry for entry in path.iterdir() if entry.is_file()) if path.is_dir() else [path]
        self.input_files = [str(file) for file in files]

    def __iter__(self) -> Iterator[list[str]]:
        for file in self.input_files:
            yield from LineSentence(file, self.max_sentence_length, self.limit)


class Text8Corpus:
    """The words of a file without lines, such as text8, in stretches.

    Parameters
    ----------
    fname : path
    max_sentence_length : int
        Words of a stretch.
    """

    def __init__(self, fname: str | os.PathLike[str], max_sentence_length: int = MAX_WORDS_IN_BATCH) -> None:
        self.fname = fname
        self.max_sentence_length = whole("max_sentence_length", max_sentence_length, 1)

    def __iter__(self) -> Iterator[list[str]]:
        words = _words(self.fname)
        yield from iter(lambda: list(islice(words, self.max_sentence_length)), [])


def lines_of(source: Any) -> Iterator[str]:
    """Yield the lines of a path, or of an open file from its beginning."""
    if isinstance(source, (str, os.PathLike)):
        require_text("source", source)
        yield from _decoded_lines(open_corpus(Path(source)).blocks())
    else:
        if source.seekable():
            source.seek(0)
        yield from (line.decode("utf-8") if isinstance(line, bytes) else line for line in source)


def _decoded_lines(blocks: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines)
    if rest:
        yield rest.decode("utf-8", "replace")


def _words(path: str | os.PathLike[str]) -> Iterator[str]:
    """Yield the words of a file; a block ends in white space."""
    require_text("fname", path)
    for block in open_corpus(Path(path)).blocks():
        yield from block.decode("utf-8", "replace").split()
