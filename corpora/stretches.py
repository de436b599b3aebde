"""Division of a corpus into stretches that are read apart from each other, in other processes too."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from corpora.corpus import Corpus
from corpora.readers import ReadOptions, format_of
from corpora.sources import ByteRange, InputFile
from vecmill.compression import MAGIC, read_fully
from vecmill.plain_text import OtherKindError, plain_text

_LINE = 1 << 16  # bytes read at a time to find the end of a line


class Stretch(NamedTuple):
    """Some files of a corpus, or whole lines of one; it can be sent to another process.

    Attributes
    ----------
    name : str
        Of the corpus.
    files : tuple of InputFile
    options : ReadOptions
    tolerant : bool
        Whether files that are no text are left out.
    """

    name: str
    files: tuple[InputFile, ...]
    options: ReadOptions
    tolerant: bool

    def open(self) -> Corpus:
        """Return the stretch as a corpus, which may be without any text."""
        return Corpus(self.name, self.name, self.files, self.options, tolerant=self.tolerant, may_be_empty=True)


def stretches(corpus: Corpus, size: int) -> list[Stretch]:
    """Divide a corpus that can be read again, in the order of its text.

    Plain text that is not compressed is cut at line ends; other files stay whole.

    Parameters
    ----------
    corpus : Corpus
    size : int
        Stored bytes of a stretch, about.

    Returns
    -------
    list of Stretch
    """
    groups = _grouped(_cut_files(corpus.files, size), size)
    return [Stretch(corpus.name, tuple(files), corpus.options, corpus.tolerant) for files in groups]


def _grouped(files: Iterable[InputFile], size: int) -> Iterator[list[InputFile]]:
    group: list[InputFile] = []
    for file in files:
        group.append(file)
        if sum(file.size or size for file in group) >= size:
            yield group
            group = []
    if group:
        yield group


def _cut_files(files: Iterable[InputFile], size: int) -> Iterator[InputFile]:
    for file in files:
        if file.size is None or file.size < 2 * size or not _is_plain(file):
            yield file
            continue
        cuts = [0, *_line_starts(file, range(size, file.size, size)), file.size]
        for first, end in pairwise(cuts):
            if end > first:
                opened = ByteRange(file.open, first, end)
                yield replace(file, size=end - first, open=opened, continued=first > 0)


def _is_plain(file: InputFile) -> bool:
    """Return whether a file is plain text as stored; whether it is usable is found when it is read."""
    if format_of(file.path) != "text" or file.path.lower().endswith(".json"):
        return False
    try:
        with file.open() as stored:
            if read_fully(stored, 10).startswith(tuple(MAGIC.values())):
                return False
        with file.open() as stored:
            plain_text(stored, file.path)
    except (OtherKindError, OSError, ValueError):
        return False
    return True


def _line_starts(file: InputFile, places: Iterable[int]) -> Iterator[int]:
    """Yield where the first line after each place begins, in ascending order."""
    last = 0
    with file.open() as stored:
        for place in places:
            if place < last:  # inside of a long line
                continue
            stored.seek(place - 1)
            while piece := stored.read(_LINE):
                if (end := piece.find(b"\n")) >= 0:
                    last = place + end
                    yield last
                    break
                place += len(piece)
