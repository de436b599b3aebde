"""Sections of a settings file, except those of word2vec and of language models, which belong to `embeddings`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vecmill.durations import seconds
from vecmill.files import expanded

STANDARD_INPUT = "-"
OWN_EMBEDDINGS = "train-embeddings"
"""Value of ``lm.embeddings`` for word vectors of the same pipeline: the name of their stage."""


@dataclass(frozen=True, kw_only=True)
class CorpusSettings:
    """The text to train on.

    Attributes
    ----------
    source : str or tuple of str
        Text: a name in `vecmill corpora list`, a file, a folder, a glob such as "texts/*.txt", a URL, or a list of
        files, folders and globs, which are read in this order.
    field : str
        JSON Lines only: the field of a record that holds the text.
    column : str
        CSV, TSV and Parquet only: the column that holds the text.
    """

    source: str | tuple[str, ...] = "pydocs"
    field: str = "text"
    column: str = "text"

    def __post_init__(self) -> None:
        if isinstance(self.source, tuple):
            if not self.source:
                raise ValueError("source: the list is empty; expected the name of a text")
            for source in self.source:
                if is_standard_input(source) or is_remote(source) or is_read_once(source):
                    raise ValueError(f"source: {source} must be given alone; save its text to a file first")

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the texts."""
        return self.source if isinstance(self.source, tuple) else (self.source,)

    @property
    def shown(self) -> str:
        """The names of the texts, for people: "a.txt and 2 more"."""
        first, *more = self.sources
        return f"{first} and {len(more)} more" if more else first

    @property
    def is_standard_input(self) -> bool:
        """Whether the text is read from standard input."""
        return any(map(is_standard_input, self.sources))

    @property
    def is_read_once(self) -> bool:
        """Whether the source can be read only once: standard input or a pipe."""
        return any(map(is_read_once, self.sources))

    @property
    def is_remote(self) -> bool:
        """Whether the source is a remote URL."""
        return any(map(is_remote, self.sources))


def is_standard_input(source: str) -> bool:
    """Return whether the name of a text means standard input."""
    return source == STANDARD_INPUT


def is_read_once(source: str) -> bool:
    """Return whether a text can be read only once: standard input or a pipe."""
    path = expanded(source)
    return is_standard_input(source) or (path.exists() and not (path.is_file() or path.is_dir()))


def is_remote(source: str) -> bool:
    """Return whether the name of a text is a remote URL."""
    return "://" in source and not source.startswith("file:") and not Path(source).exists()


@dataclass(frozen=True, kw_only=True)
class TokenizerSettings:
    """How lines are split into words.

    Attributes
    ----------
    name : str
        "fast" (Unicode words), "whitespace" (for text that is tokenized already), or "nltk:" and a tokenizer of NLTK.
    lowercase : bool
        Convert the text to lower case; false keeps "Polish" apart from "polish", and needs more text.
    punctuation : bool
        Keep punctuation marks as tokens of the word vectors; false leaves them out.
    fold_digits : bool
        Replace every digit by 0, so that numbers of one length share a vector.
    normalize : {"nfc", "none"}
        "nfc" makes é as one character and é as two the same word; "none" keeps them apart.
    """

    name: str = "fast"
    lowercase: bool = True
    punctuation: bool = False
    fold_digits: bool = False
    normalize: Literal["nfc", "none"] = "nfc"


@dataclass(frozen=True, kw_only=True)
class SplitSettings:
    """The split of a text for a language model, unless it is a folder with train, valid and test files.

    Attributes
    ----------
    valid : float
        Share of the lines that chooses the best epoch: above 0, below 1, at most three decimals.
    test : float
        Share of the lines that measures the finished model: above 0, below 1, at most three decimals.
    """

    valid: float = 0.05
    test: float = 0.05

    def __post_init__(self) -> None:
        for name in ("valid", "test"):
            if not 0 < getattr(self, name) < 1 or round(getattr(self, name), 3) != getattr(self, name):
                raise ValueError(f"{name} must be between 0 and 1 and have at most three decimals")
        if self.valid + self.test >= 1:
            raise ValueError(f"the sum of valid and test must be below 1, got {self.valid} and {self.test}")


@dataclass(frozen=True, kw_only=True)
class VocabularySettings:
    """Which words get a vector; the vocabulary of a language model is set under [lm].

    Attributes
    ----------
    min_count : int
        Leave out words that occur less often: 1 or more; raise it if rare words have poor neighbours.
    max_vocabulary : int or None
        Keep only this many of the most frequent words, to save memory. None: all words.
    """

    min_count: int = 5
    max_vocabulary: int | None = None

    def __post_init__(self) -> None:
        if self.min_count < 1:
            raise ValueError(f"min_count must be at least 1, got {self.min_count}")
        if self.max_vocabulary is not None and self.max_vocabulary < 2:
            raise ValueError(f"max_vocabulary must be at least 2, got {self.max_vocabulary}")


@dataclass(frozen=True, kw_only=True)
class StartSettings:
    """Continued training of earlier word vectors.

    Attributes
    ----------
    model : str or None
        Model directory or file of word vectors; training continues from them, and new words are added. None: start
        from random vectors.
    """

    model: str | None = None

    def __post_init__(self) -> None:
        if self.model == "":
            raise ValueError("model is empty; expected a model directory or a file of word vectors")


@dataclass(frozen=True, kw_only=True)
class CheckpointSettings:
    """Saving of unfinished training, from which a stopped run goes on; without effect on the result.

    Attributes
    ----------
    every : str or float
        Time between two checkpoints: seconds, or text such as "90s", "5m" or "1h". A longer one writes less to disk; a
        shorter one repeats less work after a stop.
    """

    every: str | float = "1m"

    def __post_init__(self) -> None:
        try:
            seconds(self.every)
        except ValueError as error:
            raise ValueError(f"every: {error}") from None

    @property
    def seconds(self) -> float:
        """The interval in seconds."""
        return seconds(self.every)


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """Comparison of the word vectors with human judgements.

    Attributes
    ----------
    data : tuple of str
        Names in `vecmill corpora list`, files, or folders of files, such as ["wordsim-353"]. Empty: no evaluation.
    """

    data: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if "" in self.data:
            raise ValueError("data: a name is empty; expected the name of a set, a file or a folder")


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """Copies of the word vectors for other tools.

    Attributes
    ----------
    formats : tuple of str
        Formats in `vecmill export --help`, such as ["word2vec-binary"]. Empty: no export.
    float16 : bool
        Write numbers of half the size; all formats in the list must support it.
    """

    formats: tuple[str, ...] = ()
    float16: bool = False


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """Where the run is written.

    Attributes
    ----------
    directory : str or None
        Directory to write, for settings that are tried beside others. None: ``runs/`` and the name of this file.
    """

    directory: str | None = None
