"""Phrases that stand for one word: how they are found, which they are, and how tokens are joined."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from embeddings.errors import EmbeddingsError
from vecmill.arguments import quoted, require_path
from vecmill.files import atomic_file
from vecmill.plurals import counted
from vecmill.records import fits

if TYPE_CHECKING:
    import pandas as pd

PHRASES_FILE = "phrases.tsv"
ENGLISH = "english"
ENGLISH_CONNECTOR_WORDS = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "without")
)
SCORERS = ("original", "npmi")
DEFAULT_THRESHOLD = {"original": 10.0, "npmi": 0.5}
COLUMNS = ("pass", "phrase", "count", "score", "parts")

_FORMAT = 1
_MOST_PASSES = 100
_SETTING_TYPES = {"delimiter": str, "connectors": list[str], "scorer": str, "threshold": float, "min_count": int}
_ESCAPES = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", " ": r"\s"}
_ORIGINALS = {escape: character for character, escape in _ESCAPES.items()}


@dataclass(frozen=True, kw_only=True)
class PhraseSettings:
    """Which adjacent words become one word, such as New York.

    Attributes
    ----------
    passes : int
        Passes over the text that join words; each joins what the one before has joined, so that two make phrases of up
        to four words. 0: no phrases.
    threshold : float or None
        Score above which words are joined; raise it for fewer phrases, and in a larger text. None: 10 for the scorer
        "original", 0.5 for "npmi".
    scorer : {"original", "npmi"}
        "original" is the score of word2vec, which grows with the number of distinct words; "npmi" is normalized
        pointwise mutual information, from -1 to 1.
    min_count : int
        Leave out phrases that occur less often: 1 or more.
    connector_words : str or tuple of str
        Words that may stand inside a phrase, such as "of" in Bank of America: a list, words separated by spaces, or
        "english" for the English articles, prepositions and conjunctions.
    delimiter : str
        Text that stands between the words of a phrase, without white space.
    """

    passes: int = 0
    threshold: float | None = None
    scorer: Literal["original", "npmi"] = "original"
    min_count: int = 5
    connector_words: str | tuple[str, ...] = ""
    delimiter: str = "_"

    def __post_init__(self) -> None:
        if self.passes not in range(_MOST_PASSES):
            raise ValueError(f"passes must be from 0 to {_MOST_PASSES - 1}, got {self.passes}")
        if self.scorer not in SCORERS:
            raise ValueError(f"scorer must be one of {', '.join(SCORERS)}, got {quoted(self.scorer)}")
        if self.min_count < 1:
            raise ValueError(f"min_count must be at least 1, got {self.min_count}")
        if self.scorer == "npmi" and not -1 <= self.lowest_score <= 1:
            raise ValueError(f"threshold must be from -1 to 1 for the scorer npmi, got {self.threshold}")
        if self.scorer == "original" and not 0 < self.lowest_score < float("inf"):
            raise ValueError(f"threshold must be above 0 for the scorer original, got {self.threshold}")
        if isinstance(self.connector_words, str) and {*",;"} & {*self.connector_words}:
            raise ValueError(
                f"connector_words must be separated by spaces, as in 'of the in', got {quoted(self.connector_words)}"
            )
        if any(character.isspace() or character == "\0" for character in self.delimiter):
            raise ValueError(f"delimiter must have no white space, got {quoted(self.delimiter)}; leave it out for '_'")

    @property
    def lowest_score(self) -> float:
        """The threshold, or the default of the scorer."""
        return DEFAULT_THRESHOLD[self.scorer] if self.threshold is None else self.threshold

    @property
    def connectors(self) -> frozenset[str]:
        """The connector words."""
        words = self.connector_words
        if isinstance(words, str):
            return ENGLISH_CONNECTOR_WORDS if words.strip() == ENGLISH else frozenset(words.split())
        return frozenset(words)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens that are joined to one.

    Attributes
    ----------
    parts : tuple of str
        The tokens: ``("new", "york")``, in a later pass ``("new_york", "city")``.
    count : int
        How often they stand together; an occurrence that overlaps another phrase is counted and may not be joined.
    score : float
    """

    parts: tuple[str, ...]
    count: int
    score: float


@dataclass(frozen=True, kw_only=True, repr=False)
class PhraseTable:
    """The phrases of a text, pass by pass; stored as a readable ``phrases.tsv``.

    Attributes
    ----------
    passes : tuple of tuple of Phrase
        The phrases of each pass by falling score.
    delimiter : str
    connectors : frozenset of str
        Connector words.
    scorer : str
    threshold : float
    min_count : int
    """

    passes: tuple[tuple[Phrase, ...], ...]
    delimiter: str = "_"
    connectors: frozenset[str] = field(default_factory=frozenset)
    scorer: str = "original"
    threshold: float = 10.0
    min_count: int = 5

    def __len__(self) -> int:
        return sum(map(len, self.passes))

    def __repr__(self) -> str:
        some = ", ".join(self.delimiter.join(phrase.parts) for phrases in self.passes for phrase in phrases[:3])
        return f"<PhraseTable of {counted(len(self), 'phrase')}: {some}>"

    def __iter__(self) -> Iterator[tuple[int, str, Phrase]]:
        """Yield the number of the pass, the joined phrase and its parts, by pass and falling score."""
        for number, phrases in enumerate(self.passes, start=1):
            for phrase in phrases:
                yield number, self.delimiter.join(phrase.parts), phrase

    @cached_property
    def _joined(self) -> tuple[dict[tuple[str, ...], str], ...]:
        return tuple({phrase.parts: self.delimiter.join(phrase.parts) for phrase in phrases} for phrases in self.passes)

    @cached_property
    def scores(self) -> Mapping[str, float]:
        """The score of each phrase; of one that several passes join, the last."""
        return {joined: phrase.score for _, joined, phrase in self}

    def join(self, tokens: Iterable[str]) -> list[str]:
        """Join the phrases of a sentence, from left to right, pass by pass.

        Parameters
        ----------
        tokens : iterable of str

        Returns
        -------
        list of str
        """
        joined = list(tokens)
        for phrases in self._joined:
            joined = _join(joined, phrases, self.connectors)
        return joined

    def found_in(self, tokens: Iterable[str]) -> list[str]:
        """Return the phrases that `join` makes of a sentence, pass by pass."""
        joined = list(tokens)
        found: list[str] = []
        for phrases in self._joined:
            joined = _join(joined, phrases, self.connectors, found)
        return found

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with the columns ``pass``, ``phrase``, ``count``, ``score`` and ``parts``."""
        import pandas as pd  # slow to import

        rows = [(number, joined, phrase.count, phrase.score, list(phrase.parts)) for number, joined, phrase in self]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def to_text(self) -> str:
        """Return the content of ``phrases.tsv``: a line of settings, a header, and a line for each phrase.

        The parts of a phrase are separated by a space; a space, tab or line end in a part and a backslash are escaped.
        """
        settings = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        settings |= {"connectors": sorted(self.connectors), "passes": len(self.passes), "format": _FORMAT}
        lines = [f"# {json.dumps(settings, ensure_ascii=False)}", "\t".join(COLUMNS)]
        for number, joined, phrase in self:
            parts = " ".join(map(_escaped, phrase.parts))
            lines.append(f"{number}\t{_escaped(joined)}\t{phrase.count}\t{phrase.score!r}\t{parts}")
        return "\n".join([*lines, ""])

    def save(self, path: str | PathLike[str]) -> None:
        """Write a ``phrases.tsv``.

        Parameters
        ----------
        path : str or PathLike

        Raises
        ------
        OutputError
            The file cannot be written.
        """
        with atomic_file(path) as file:
            file.write(self.to_text().encode())

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "PhraseTable":
        """Read a ``phrases.tsv``.

        Parameters
        ----------
        path : str or PathLike

        Returns
        -------
        PhraseTable

        Raises
        ------
        EmbeddingsError
            The file cannot be read, or is no table of phrases; the message names the line.
        """
        require_path("path", path)
        return PhraseFile.read(Path(path)).table()


class PhraseFile(NamedTuple):
    """A ``phrases.tsv`` with the content that it had when its model was opened.

    Attributes
    ----------
    path : Path
    content : bytes
    """

    path: Path
    content: bytes

    @classmethod
    def read(cls, path: Path) -> "PhraseFile":
        """Read a file; raise an `EmbeddingsError` if that is not possible."""
        try:
            return cls(path, path.read_bytes())
        except OSError as error:
            raise EmbeddingsError(f"cannot read the phrases {path}: {error.strerror}") from error

    def table(self) -> PhraseTable:
        """Return the phrases; raise an `EmbeddingsError`, which names the line, if the content is no table of them."""
        path = self.path
        try:
            text = self.content.decode()
        except UnicodeDecodeError as error:
            raise EmbeddingsError(f"{path} is not UTF-8 (byte {error.start:,}); expected a table of phrases") from None
        head, *lines = text.removesuffix("\n").split("\n")
        table = _table_of(head, path)
        passes: list[list[Phrase]] = [[] for _ in table.passes]
        for number, line in enumerate(lines[1:], start=3):
            try:
                pass_number, _, count, score, parts = line.split("\t")
                phrase = Phrase(tuple(map(_unescaped, parts.split(" "))), int(count), float(score))
                if len(phrase.parts) < 2 or not all(phrase.parts) or not 1 <= int(pass_number) <= len(passes):
                    raise ValueError
            except ValueError:
                raise EmbeddingsError(
                    f"line {number:,} of {path} is {line[:50]!r}; expected pass, phrase, count, score and parts"
                ) from None
            passes[int(pass_number) - 1].append(phrase)
        return replace(table, passes=tuple(map(tuple, passes)))


def _join(
    tokens: Sequence[str],
    phrases: Mapping[tuple[str, ...], str],
    connectors: Collection[str],
    found: list[str] | None = None,
) -> list[str]:
    """Join the phrases of one pass; append them to `found`."""
    joined: list[str] = []
    chain: list[str] = []  # a word that may begin a phrase, and the connector words after it
    for token in tokens:
        if token in connectors:
            (chain or joined).append(token)
        elif not chain:
            chain = [token]
        elif phrase := phrases.get((*chain, token)):
            joined.append(phrase)
            if found is not None:
                found.append(phrase)
            chain = []
        else:
            joined += chain
            chain = [token]
    return joined + chain


def _table_of(head: str, path: str | PathLike[str]) -> PhraseTable:
    """Return a table without phrases that has the settings of the first line of a file."""
    try:
        about: dict[str, Any] = json.loads(head.removeprefix("# "))
        if about.pop("format") != _FORMAT:
            raise EmbeddingsError(f"{path} is of another version; find its phrases again")
        number = about.pop("passes")
        wrong = [name for name, value in about.items() if not fits(value, _SETTING_TYPES[name])]
        if wrong or not fits(number, int) or number >= _MOST_PASSES:
            raise TypeError(f"settings of other types: {wrong}, {number} passes")
        table = PhraseTable(**{**about, "passes": ((),) * number, "connectors": frozenset(about["connectors"])})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise EmbeddingsError(
            f"{path} is no table of phrases; expected one that training, 'vecmill phrases' or save() has written"
        ) from None
    return table


def _escaped(token: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in token)


def _unescaped(token: str) -> str:
    if "\\" not in token:
        return token
    pieces = iter(token)
    return "".join(_ORIGINALS.get(piece + next(pieces, ""), "") if piece == "\\" else piece for piece in pieces)
