"""Readers of evaluation sets: text files of word pairs, analogies, categories and odd-one-out topics.

Fields of a line are separated by tabs, else by semicolons, else by commas, else by spaces. Lines that start with ``#``
are comments. Files may be compressed.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from embeddings.errors import EmbeddingsError
from vecmill.arguments import require_path
from vecmill.plain_text import OtherKindError, lines_without_ends, open_text
from vecmill.plurals import counted

PathLike: TypeAlias = str | os.PathLike[str]
Question: TypeAlias = tuple[str, str, str, str]
"""a is to b as c is to d."""

_LINES_EXAMINED = 20
_MOST_WORDS = 8  # of a line: four names of two words; prose has more
_NO_NAMES = ("nan", "inf", "infinity", "na", "n/a", "null", "none")  # of columns
_EXPECTED = (
    "lines 'word1 word2 score', analogies of four words, 'word category', or odd-one-out topics of one word a line, "
    "with tabs, commas or spaces between the fields"
)


@dataclass(frozen=True, kw_only=True)
class WordPairs:
    """Word pairs with human similarity scores.

    Attributes
    ----------
    name : str
        File name without its extension.
    pairs : list of (str, str)
    scores : list of float
        One score per pair, on any scale.
    skipped : dict of str to int
        Number of skipped lines, by reason.
    """

    name: str
    pairs: list[tuple[str, str]]
    scores: list[float]
    skipped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Analogies:
    """Analogy questions in sections, as in Google's ``questions-words.txt``.

    Attributes
    ----------
    name : str
    sections : dict of str to list of (a, b, c, d)
        "a is to b as c is to d", in the order of the file.
    """

    name: str
    sections: dict[str, list[Question]]


@dataclass(frozen=True, kw_only=True)
class Categories:
    """Words and their categories.

    Attributes
    ----------
    name : str
    words, categories : list of str
        Each word and its category; lists of the same length.
    """

    name: str
    words: list[str]
    categories: list[str]


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A group of related words, and outliers, each of which does not belong to the group.

    Attributes
    ----------
    name : str
    members, outliers : list of str
    """

    name: str
    members: list[str]
    outliers: list[str]


@dataclass(frozen=True, kw_only=True)
class OddOneOut:
    """Topics of an odd-one-out (outlier detection) set."""

    name: str
    topics: list[Topic]


EvaluationSet: TypeAlias = WordPairs | Analogies | Categories | OddOneOut


def read_word_pairs(path: PathLike) -> WordPairs:
    """Read lines ``word1 word2 score``; further columns are ignored.

    A first line without a number in the third field is a header; it is skipped and counted, like comments.

    Parameters
    ----------
    path : str or PathLike

    Returns
    -------
    WordPairs

    Raises
    ------
    EmbeddingsError
        A line has fewer than three fields, or no number in the third; the message names the line.
        The file is empty or is not UTF-8.
    """
    pairs, scores, skipped = [], [], Counter[str]()
    header_allowed = True
    for number, line in _lines(path):
        if not line or line.startswith("#"):
            skipped["comment" if line else "blank line"] += 1
            continue
        fields = _fields(line)
        score = _number(fields[2]) if len(fields) >= 3 else None
        if score is not None:
            pairs.append((fields[0], fields[1]))
            scores.append(score)
        elif header_allowed and len(fields) >= 3 and fields[2].lower().lstrip("+-") not in _NO_NAMES:
            skipped["header"] += 1
        else:
            raise EmbeddingsError(f"{path}, line {number}: got {_shown(line)}; expected 'word1 word2 score'")
        header_allowed = False
    if not pairs:
        raise EmbeddingsError(f"{path} holds no word pairs; expected lines 'word1 word2 score'")
    return WordPairs(name=Path(path).stem, pairs=pairs, scores=scores, skipped=dict(skipped))


def read_analogies(path: PathLike) -> Analogies:
    """Read lines of four words ``a b c d`` in sections that start with ``: name``.

    Questions above the first section form a section with the name of the file.

    Parameters
    ----------
    path : str or PathLike

    Returns
    -------
    Analogies

    Raises
    ------
    EmbeddingsError
        A line does not have four words; the message names the line. The file is empty or is not UTF-8.
    """
    name = Path(path).stem
    sections: dict[str, list[Question]] = {}
    section = name
    for number, line in _lines(path):
        if line.startswith(":"):
            section = line[1:].strip()
        elif line and not line.startswith("#"):
            fields = _fields(line)
            if len(fields) != 4:
                raise EmbeddingsError(f"{path}, line {number}: got {_shown(line)}; expected four words")
            sections.setdefault(section, []).append((fields[0], fields[1], fields[2], fields[3]))
    if not sections:
        raise EmbeddingsError(f"{path} holds no analogies; expected lines of four words")
    return Analogies(name=name, sections=sections)


def read_categories(path: PathLike) -> Categories:
    """Read lines ``word category``.

    Parameters
    ----------
    path : str or PathLike

    Returns
    -------
    Categories

    Raises
    ------
    EmbeddingsError
        A line does not have two fields; the message names the line. The file is empty or is not UTF-8.
    """
    words, categories = [], []
    for number, line in _lines(path):
        if line and not line.startswith("#"):
            fields = _fields(line)
            if len(fields) != 2:
                raise EmbeddingsError(f"{path}, line {number}: got {_shown(line)}; expected 'word category'")
            words.append(fields[0])
            categories.append(fields[1])
    if not words:
        raise EmbeddingsError(f"{path} holds no categories; expected lines 'word category'")
    return Categories(name=Path(path).stem, words=words, categories=categories)


def read_odd_one_out(path: PathLike) -> OddOneOut:
    """Read topics: the members one per line, a blank line, and the outliers one per line.

    This is the layout of the 8-8-8 set (Camacho-Collados & Navigli 2016, "Find the word that does not belong"). A file
    may hold several topics, each under a line ``: name``.

    Parameters
    ----------
    path : str or PathLike

    Returns
    -------
    OddOneOut

    Raises
    ------
    EmbeddingsError
        A topic has fewer than two members or no outlier; the message names the topic. The file is not UTF-8.
    """
    name = Path(path).stem
    parts: dict[str, tuple[list[str], list[str]]] = {}
    begins: dict[str, int] = {}
    topic, below_blank = name, False
    for number, line in _lines(path):
        if line.startswith(":"):
            topic, below_blank = line[1:].strip(), False
        elif not line:
            below_blank = bool(parts.get(topic, ([], []))[0])
        elif not line.startswith("#"):
            members, outliers = parts.setdefault(topic, ([], []))
            begins.setdefault(topic, number)
            (outliers if below_blank else members).append(line)
    for topic, (members, outliers) in parts.items():
        if len(members) < 2 or not outliers:
            raise EmbeddingsError(
                f"{path}, topic {topic!r} from line {begins[topic]}: got {counted(len(members), 'member')} and "
                f"{counted(len(outliers), 'outlier')}; expected two or more members, a blank line, and outliers"
            )
    if not parts:
        raise EmbeddingsError(f"{path} is empty; expected the words of a topic, a blank line and its outliers")
    topics = [Topic(name=topic, members=members, outliers=outliers) for topic, (members, outliers) in parts.items()]
    return OddOneOut(name=name, topics=topics)


def read_evaluation_set(path: PathLike) -> EvaluationSet:
    """Read a file of any of the four kinds, detected from its first lines of words.

    Lines with a number in the third field are word pairs; the first line may be their header. Other lines of four
    fields are analogies, of two categories, of one odd-one-out.

    Parameters
    ----------
    path : str or PathLike

    Returns
    -------
    WordPairs, Analogies, Categories or OddOneOut

    Raises
    ------
    EmbeddingsError
        The lines are of none of these kinds, or of another one than the first; the message names the line.
    """
    require_path("path", path)
    if Path(path).is_fifo():
        raise EmbeddingsError(f"{path} is a pipe, which cannot be read twice; save it to a file first")
    rows = ((number, line) for number, line in _lines(path) if line and not line.startswith(("#", ":")))
    first = list(islice(rows, _LINES_EXAMINED))
    if not first:
        raise EmbeddingsError(f"{path} holds no words; expected {_EXPECTED}")
    fields = [_fields(line) for _, line in first]
    if any(len(row) >= 3 and _number(row[2]) is not None for row in fields):
        return read_word_pairs(path)
    for (number, line), row in zip(first, fields, strict=True):
        has_number = len(row) == 4 and _number(row[3]) is not None  # word pairs with the score in another column
        if len(row) not in (1, 2, 4) or len(line.split()) > _MOST_WORDS or has_number:
            raise EmbeddingsError(f"{path}, line {number}: got {_shown(line)}; expected {_EXPECTED}")
    if _are_counts(fields):
        raise EmbeddingsError(f"{path} holds words and their counts, as a vocabulary does; expected {_EXPECTED}")
    if len(fields[0]) == 4:
        return read_analogies(path)
    return read_categories(path) if len(fields[0]) == 2 else read_odd_one_out(path)


def _lines(path: PathLike) -> Iterator[tuple[int, str]]:
    """Yield line numbers, from 1, and stripped lines."""
    require_path("path", path)
    try:
        with open_text(path) as file:
            for number, raw in enumerate(lines_without_ends(file), 1):
                yield number, _decoded(raw, path, number).strip()
    except OtherKindError as error:
        raise EmbeddingsError(str(error)) from error.__cause__
    except OSError as error:
        raise EmbeddingsError(f"cannot read {path}: {error.strerror or error}; expected the file of a set") from error


def _decoded(line: bytes, path: PathLike, number: int) -> str:
    try:
        if b"\0" not in line:
            return line.decode()
    except UnicodeDecodeError:
        raise EmbeddingsError(f"{path}, line {number}: not UTF-8; convert the file to UTF-8") from None
    raise EmbeddingsError(f"{path}, line {number}: it has NUL bytes; expected text in UTF-8")


def _fields(line: str) -> list[str]:
    separator = next((mark for mark in "\t;," if mark in line), None)
    return [_unquoted(part.strip()) for part in line.split(separator)] if separator else line.split()


def _unquoted(field: str) -> str:
    """Return a field of a table without the quotation marks around it, as spreadsheets and R write them."""
    is_quoted = len(field) > 2 and field[0] == field[-1] == '"'
    return field[1:-1].replace('""', '"').strip() if is_quoted else field


def _number(text: str) -> float | None:
    """Return the number in a field, or None if it is not a finite number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _are_counts(rows: list[list[str]]) -> bool:
    """Return whether lines are words with falling counts; words by numbered category rather begin with number 1."""
    words = [row for row in rows if len(row) == 2 and not row[0].startswith("<")]  # <unk> and <eos> come first
    counts = [int(row[1]) if row[1].isdecimal() else -1 for row in words]
    falls = counts == sorted(counts, reverse=True)
    return len(words) > 1 and falls and counts[0] > max(counts[-1], 1) and counts[-1] >= 0


def _shown(line: str) -> str:
    """Return a line for an error message: quoted, and cut if it is long."""
    return repr(line if len(line) <= 60 else line[:57] + "...")
