"""The small sections of a settings file; those of word2vec and of language models are defined beside them."""

from dataclasses import dataclass
from pathlib import Path

from pipelines.console.durations import seconds

STANDARD_INPUT = "-"
OWN_EMBEDDINGS = "train-embeddings"
"""Word vectors of the same pipeline: the name of their stage."""


@dataclass(frozen=True, kw_only=True)
class CorpusSettings:
    """Which text is read.

    Attributes
    ----------
    source : str
        Name in the catalog, path, directory, glob, URL, or ``-`` for standard input.
    field : str
        Field of JSON Lines records that holds the text.
    column : str
        Column of CSV and Parquet files that holds the text.
    """

    source: str = "pydocs"
    field: str = "text"
    column: str = "text"

    @property
    def is_standard_input(self) -> bool:
        """Whether the text arrives on standard input."""
        return self.source == STANDARD_INPUT

    @property
    def is_read_once(self) -> bool:
        """Whether the source is standard input or a pipe, which gives its text only once."""
        path = Path(self.source).expanduser()
        return self.is_standard_input or (path.exists() and not (path.is_file() or path.is_dir()))

    @property
    def is_remote(self) -> bool:
        """Whether the source is a URL of another machine."""
        return "://" in self.source and not self.source.startswith("file:") and not Path(self.source).exists()


@dataclass(frozen=True, kw_only=True)
class TokenizerSettings:
    """How a line becomes words.

    Attributes
    ----------
    name : str
        "fast", "whitespace", or "nltk:" and the name of a tokenizer of NLTK.
    lowercase : bool
        Fold upper and lower case.
    punctuation : bool
        Keep punctuation marks as words.
    fold_digits : bool
        Write every digit as 0.
    """

    name: str = "fast"
    lowercase: bool = True
    punctuation: bool = False
    fold_digits: bool = False


@dataclass(frozen=True, kw_only=True)
class SplitSettings:
    """How a text is split for a language model; a folder with train.txt, valid.txt and test.txt is split already.

    Attributes
    ----------
    valid, test : float
        Shares of the lines, dealt out in blocks of 50.
    """

    valid: float = 0.05
    test: float = 0.05

    def __post_init__(self) -> None:
        for name in ("valid", "test"):
            if not 0 < getattr(self, name) < 1 or round(getattr(self, name), 3) != getattr(self, name):
                raise ValueError(f"{name} must lie between 0 and 1 and have three decimals at most")
        if self.valid + self.test >= 1:
            raise ValueError(f"valid and test must be below 1 together, got {self.valid} and {self.test}")


@dataclass(frozen=True, kw_only=True)
class VocabularySettings:
    """Which words are kept.

    Attributes
    ----------
    min_count : int
        Words that occur less often are left out.
    max_vocabulary : int or None
        At most this many words, the most frequent ones; None: all.
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
    """What training starts from.

    Attributes
    ----------
    model : str or None
        Model directory or file of word vectors: its words are kept and start from their vectors, and new words of the
        text are added; None: start at random.
    """

    model: str | None = None


@dataclass(frozen=True, kw_only=True)
class CheckpointSettings:
    """How often training is saved, so that it can go on after an interruption; decides no result.

    Attributes
    ----------
    every : str or float
        Time between two checkpoints: seconds, or a number with s, m or h. They never take more than 2.5 % of the time.
    """

    every: str | float = "1m"

    def __post_init__(self) -> None:
        try:
            seconds(self.every)
        except ValueError as error:
            raise ValueError(f"every: {error}") from None

    @property
    def seconds(self) -> float:
        """The time as a number."""
        return seconds(self.every)


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """What the vectors of a run are measured on.

    Attributes
    ----------
    data : tuple of str
        Evaluation sets: files, folders of files, and names (``vecmill corpora list``); none: they are not measured.
    """

    data: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """The formats in which the vectors of a run are written for other tools.

    Attributes
    ----------
    formats : tuple of str
        Names that ``vecmill export --format`` takes; none: nothing is written.
    float16 : bool
        Write half as many bytes, in formats that can.
    """

    formats: tuple[str, ...] = ()
    float16: bool = False


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """Where a run is kept.

    Attributes
    ----------
    directory : str or None
        Of all stages; None: ``runs/`` and the name of the file.
    """

    directory: str | None = None
