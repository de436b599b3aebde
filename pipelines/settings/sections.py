"""Sections of a settings file, except those of word2vec and of language models, which belong to `embeddings`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.console.durations import seconds

STANDARD_INPUT = "-"
TEXT_PARTS = ("train", "valid", "test")
OWN_EMBEDDINGS = "train-embeddings"
"""Value of ``lm.embeddings`` for word vectors of the same pipeline: the name of their stage."""


@dataclass(frozen=True, kw_only=True)
class CorpusSettings:
    """The text.

    Attributes
    ----------
    source : str or tuple of str
        Name in the catalog (`vecmill corpora list`), file, directory, glob, URL, or ``-`` for standard input; or a list
        of such names without URLs and ``-``, which are read in this order, each file once.
    field : str
        Field of JSON Lines records that holds the text.
    column : str
        Column of CSV and Parquet files that holds the text.
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
    path = Path(source).expanduser()
    return is_standard_input(source) or (path.exists() and not (path.is_file() or path.is_dir()))


def is_remote(source: str) -> bool:
    """Return whether the name of a text is a remote URL."""
    return "://" in source and not source.startswith("file:") and not Path(source).exists()


@dataclass(frozen=True, kw_only=True)
class TokenizerSettings:
    """The tokenizer, which splits lines into words.

    Attributes
    ----------
    name : str
        "fast" (Unicode words), "whitespace", or "nltk:" followed by the name of an NLTK tokenizer.
    lowercase : bool
        Convert the text to lower case.
    punctuation : bool
        Keep punctuation marks as tokens.
    fold_digits : bool
        Replace every digit by 0.
    normalize : {"nfc", "none"}
        Unicode normalization: "nfc" makes é as one character and é as two the same word, "none" keeps them apart.
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
        Fraction of the lines in the validation part; at most three decimals. Lines are assigned in blocks of 50.
    test : float
        Fraction of the lines in the test part; at most three decimals.
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
    """The vocabulary of the word vectors; a language model has its own limits under [lm].

    Attributes
    ----------
    min_count : int
        Words that occur less often are dropped.
    max_vocabulary : int or None
        Maximum number of words; the most frequent ones are kept. None: no limit.
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
    """Initial word vectors.

    Attributes
    ----------
    model : str or None
        Model directory or file of word vectors to continue training: its words and vectors are kept, and new words of
        the text are added. None: random initial vectors.
    """

    model: str | None = None


@dataclass(frozen=True, kw_only=True)
class CheckpointSettings:
    """Checkpoints, from which an interrupted training resumes; they do not affect the result.

    Attributes
    ----------
    every : str or float
        Checkpoint interval: seconds, or a number with s, m or h, such as "90s". If checkpoints take more than 2.5 % of
        the time, they are written less often.
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
    """Evaluation of the word vectors.

    Attributes
    ----------
    data : tuple of str
        Evaluation sets: files, folders of files, and names in `vecmill corpora list`. If the list is empty, the vectors
        are not evaluated.
    """

    data: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """Export of the word vectors for other tools.

    Attributes
    ----------
    formats : tuple of str
        Formats as in `vecmill export --format`. If the list is empty, nothing is exported.
    float16 : bool
        Write half precision; all formats in the list must support it.
    """

    formats: tuple[str, ...] = ()
    float16: bool = False


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """The run directory.

    Attributes
    ----------
    directory : str or None
        Path of the directory; None: ``runs/`` and the name of the settings file.
    """

    directory: str | None = None
