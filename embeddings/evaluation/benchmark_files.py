"""Evaluation sets as people keep them: text files of word pairs, analogies, categories and odd-one-out topics.

Fields of a line are separated by tabs, else by commas, else by spaces. Lines that start with `#` are comments.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from embeddings.errors import EmbeddingsError

PathLike: TypeAlias = str | os.PathLike[str]
Question: TypeAlias = tuple[str, str, str, str]
"""a is to b as c is to d."""


@dataclass(frozen=True, kw_only=True)
class WordPairs:
    """Pairs of words with the similarity that people gave them.

    Attributes
    ----------
    name : str
        The file's name without its ending.
    pairs : list of (str, str)
    scores : list of float
        One a pair, on any scale.
    skipped : dict
        Lines passed over, by reason.
    """

    name: str
    pairs: list[tuple[str, str]]
    scores: list[float]
    skipped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Analogies:
    """Analogy questions in sections, as in Google's `questions-words.txt`.

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
    """Words and the category of each.

    Attributes
    ----------
    name : str
    words, categories : list of str
        Of the same length.
    """

    name: str
    words: list[str]
    categories: list[str]


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A group of words that belong together, and words of which each is odd among them.

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
    """Read lines `word1 word2 score`; further columns are ignored.

    A first line without a number in the third place is a header. It is skipped and counted, as comments are.

    Raises
    ------
    EmbeddingsError
        A line has fewer than three fields, or no number in the third place; the message names the line.
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
        elif header_allowed and len(fields) >= 3:
            skipped["header"] += 1
        else:
            raise EmbeddingsError(f"{path}, line {number}: got {_shown(line)}; expected 'word1 word2 score'")
        header_allowed = False
    if not pairs:
        raise EmbeddingsError(f"{path} holds no word pairs; expected lines 'word1 word2 score'")
    return WordPairs(name=Path(path).stem, pairs=pairs, scores=scores, skipped=dict(skipped))


def read_analogies(path: PathLike) -> Analogies:
    """Read lines of four words `a b c d` in sections that start with `: name`.

    Questions above the first section are a section with the name of the file.

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
    """Read lines `word category`.

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
    """Read topics: words that belong together one a line, a blank line, and words that are odd among them.

    This is how the files of the 8-8-8 set are laid out (Camacho-Collados & Navigli 2016, "Find the word that
    does not belong"). Several topics may follow one another in one file, each under a line `: name`.

    Raises
    ------
    EmbeddingsError
        A topic has fewer than two members or no outlier; the message names the topic. The file is not UTF-8.
    """
    name = Path(path).stem
    parts: dict[str, tuple[list[str], list[str]]] = {}
    topic, below_blank = name, False
    for _, line in _lines(path):
        if line.startswith(":"):
            topic, below_blank = line[1:].strip(), False
        elif not line:
            below_blank = bool(parts.get(topic, ([], []))[0])
        elif not line.startswith("#"):
            members, outliers = parts.setdefault(topic, ([], []))
            (outliers if below_blank else members).append(line)
    for topic, (members, outliers) in parts.items():
        if len(members) < 2 or not outliers:
            raise EmbeddingsError(
                f"{path}, topic {topic!r}: got {len(members)} members and {len(outliers)} outliers; "
                "expected two or more members, a blank line, and one or more outliers"
            )
    if not parts:
        raise EmbeddingsError(f"{path} is empty; expected the words of a topic, a blank line and its outliers")
    topics = [Topic(name=topic, members=members, outliers=outliers) for topic, (members, outliers) in parts.items()]
    return OddOneOut(name=name, topics=topics)


def read_evaluation_set(path: PathLike) -> EvaluationSet:
    """Read a file of any of the four kinds; its first two lines of words tell which.

    A header may take the first line of word pairs, so the second counts too. Lines of four fields are analogies
    unless the third is a number, lines of three or more are word pairs, of two categories, of one odd-one-out.

    Raises
    ------
    EmbeddingsError
        As the reader of that kind; or no line holds words.
    """
    rows = (_fields(line) for _, line in _lines(path) if line and not line.startswith(("#", ":")))
    first = next(rows, None)
    if first is None:
        raise EmbeddingsError(
            f"{path} holds no words; expected word pairs, analogies, categories or odd-one-out topics"
        )
    second = next(rows, first)
    if len(second) >= 3 and (_number(second[2]) is not None or len(second) != 4):
        return read_word_pairs(path)
    if len(first) == 4:
        return read_analogies(path)
    return read_categories(path) if len(first) == 2 else read_odd_one_out(path)


def _lines(path: PathLike) -> Iterator[tuple[int, str]]:
    """Line numbers from 1 and lines without the white space around them."""
    with Path(path).open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError:
                raise EmbeddingsError(f"{path}, line {number}: not UTF-8; convert the file to UTF-8") from None


def _fields(line: str) -> list[str]:
    separator = "\t" if "\t" in line else "," if "," in line else None
    return [part.strip() for part in line.split(separator)]


def _number(text: str) -> float | None:
    """The finite number that a field holds, if it does."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _shown(line: str) -> str:
    """A line as it is shown in an error: quoted, cut when it is long."""
    return repr(line if len(line) <= 60 else line[:57] + "...")
