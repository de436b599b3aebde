"""Settings of a word2vec training run."""

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from embeddings.setting_types import require_one_of, require_setting_types
from embeddings.threads import thread_count
from embeddings.word2vec.names_elsewhere import explains_names, hint_for
from vecmill.arguments import quoted

if TYPE_CHECKING:
    from embeddings.text.character_ngrams import CharacterNgrams

ARCHITECTURES = ("skip-gram", "cbow")
NEGATIVE_SHARING = ("window", "pair")
DEFAULT_NEGATIVE = 5
DEFAULT_LEARNING_RATE = {"skip-gram": 0.04, "cbow": 0.1}
SUBWORD_LEARNING_RATE = {"skip-gram": 0.05, "cbow": 0.15}
CONTINUED_LEARNING_RATE = {"skip-gram": 0.016, "cbow": 0.04}  # for given initial vectors: 0.4 of the default
DEFAULT_EPOCHS = (
    (1_000_000, 15),
    (10_000_000, 10),
)  # for fewer tokens than these; CBOW takes twice as many
LEAST_DEFAULT_EPOCHS = 5
LEAST_DEFAULT_SAMPLE = 1e-4

_MOST_NEGATIVE = 1_000


@dataclass(frozen=True, kw_only=True)
class Word2VecConfig:
    """Training of word vectors by skip-gram or CBOW (Mikolov et al. 2013), with subwords (Bojanowski et al. 2017).

    Attributes
    ----------
    architecture : {"skip-gram", "cbow"}
        "skip-gram" predicts a word from each of its neighbours and is better for rare words; "cbow" predicts it from
        their mean and is faster.
    dimension : int
        Numbers in a word vector: 100 to 300 is usual; more for much text, fewer for little.
    window : int
        Largest distance between a word and its context words: 2 to 5 favours words of one kind, 10 words of one topic.
    dynamic_window : bool
        Draw the distance from 1 to the window for every word, so that near words count more.
    negative : int or None
        Noise words per example: 5 to 20 for little text, 2 to 5 for much. None: 5, or 0 with hierarchical softmax.
    hierarchical_softmax : bool
        Predict words by their paths through a Huffman tree instead of by noise words: the loss is then a true
        -log p(word | context), by which sentences can be scored.
    noise_exponent : float
        Noise words are drawn in proportion to their count to this power: 1 follows the counts, 0 ignores them.
    sample : float or None
        Frequent words are skipped more often the smaller this is: 0.001 to 0.00001 is usual; 0 skips none. None:
        0.0001, but 1 / V with fewer than 10,000 words, so that a word of average frequency is never skipped.
    epochs : int or None
        Passes over the text: 1 to 5 for much text, 10 or more for little. None: 15 for less than a million tokens, 10
        for less than ten millions, 5 for more; CBOW takes twice as many.
    learning_rate : float
        Learning rate at the start, usually 0.01 to 0.1; lower it if training diverges. None: 0.04 for skip-gram, 0.1
        for CBOW, 0.05 and 0.15 with subwords; 0.016 and 0.04 when [start] continues a model.
    min_learning_rate : float
        Learning rate at the end; it falls evenly from the start, and is seldom worth changing.
    negative_sharing : {"window", "pair"}
        "window" shares noise words among the examples of a window, which is fast; "pair" draws new ones for every
        example, as in the textbook.
    subwords : str or None
        Lengths of the character n-grams whose vectors are a part of the vectors of words, such as "3-6": rare words
        become better, and words that the text does not have get vectors too. None: none.
    buckets : int
        Number of hash values of the n-grams; n-grams with the same value share a vector.
    floret_hashes : int
        0 for one row per n-gram. 1 to 4 for a small table in the manner of floret, where so many rows per n-gram make
        up for collisions: set buckets to 50000, for example.
    position_weights : int
        CBOW only: the first components of context vectors that are multiplied by a learned weight of their position, 0
        to the dimension: 10 of 100 are usual.
    cbow_mean : bool
        CBOW only: take the mean of the context vectors; false takes their sum, as some older models do.
    held_out : float
        Share of the text, at most 50,000 tokens, that is never trained on but measured after every epoch: 0 to 0.5.
    patience : int or None
        End training after so many epochs in a row without a lower loss of the held-out text, and keep the vectors of
        the best one; epochs is then the largest number. None: train all epochs and keep the last.
    seed : int
        Number from which all random draws of the word vectors follow; another one shows how far results vary.
    deterministic : bool
        Make the same vectors, bit for bit, with any number of threads, in 1.3 to 1.9 times the time.
    threads : int or None
        Processors that train the word vectors. None: all.

    Raises
    ------
    ValueError
        A value is out of range; the message states the setting and its range.
    TypeError
        A value has another type, or a setting is unknown; for names of gensim and fastText the message states the name
        of this project.
    """

    architectures: ClassVar[tuple[str, ...]] = ARCHITECTURES
    trains_documents: ClassVar[bool] = False  # sentences have vectors too: see `ParagraphVectorsConfig`

    architecture: str = "skip-gram"
    dimension: int = 100
    window: int = 5
    dynamic_window: bool = True
    negative: int | None = None
    hierarchical_softmax: bool = False
    noise_exponent: float = 0.75
    sample: float | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    min_learning_rate: float = 1e-4
    negative_sharing: str = "window"
    subwords: str | None = None
    buckets: int = 2_000_000
    floret_hashes: int = 0
    position_weights: int = 0
    cbow_mean: bool = True
    held_out: float = 0.01
    patience: int | None = None
    seed: int = 1
    deterministic: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        require_setting_types(self)
        require_one_of("architecture", self.architecture, self.architectures)
        require_one_of("negative_sharing", self.negative_sharing, NEGATIVE_SHARING)
        if not 0 < self.rate < float("inf"):
            raise ValueError(f"learning_rate is {self.learning_rate}; it must be above 0 (usual: 0.01 to 0.1)")
        for name, low, high in (
            ("dimension", 1, 100_000),
            ("window", 1, 1_000),
            ("noise_exponent", -10, 10),
            ("sample", 0, 1),
            ("epochs", 1, 1_000_000),
            ("min_learning_rate", 0, self.rate),
            ("held_out", 0, 0.5),
            ("seed", 0, 2**63 - 1),
            ("position_weights", 0, self.dimension),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:  # also refuses NaN
                raise ValueError(f"{name} is {value}; it must be from {low:g} to {high:g}")
        if self.threads is not None:
            thread_count(self.threads)
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience is {self.patience}; it must be at least 1, or left out to train all epochs")
        if self.patience is not None and not self.held_out:
            raise ValueError("patience waits for a lower loss of the held-out text, and held_out is 0; set it to 0.01")
        self._require_output_layer()
        if self.position_weights and self.architecture != "cbow":
            raise ValueError("position_weights are those of CBOW; leave them out with skip-gram")
        self._require_ngrams()

    def _require_ngrams(self) -> None:
        if self.floret_hashes and self.subwords is None:
            raise ValueError(f"floret_hashes is {self.floret_hashes}, without subwords; set subwords to 3-6, say")
        try:
            _ = self.ngrams
        except ValueError as error:
            raise ValueError(f"subwords is {quoted(self.subwords)}: {error}") from error

    def _require_output_layer(self) -> None:
        if self.hierarchical_softmax and self.negative:
            raise ValueError(
                f"hierarchical_softmax takes no noise words, and negative is {self.negative}; leave out one of them"
            )
        if not self.hierarchical_softmax and not 1 <= self.noise_words <= _MOST_NEGATIVE:
            raise ValueError(
                f"negative is {self.negative}; it must be from 1 to {_MOST_NEGATIVE}, or 0 with hierarchical_softmax"
            )
        object.__setattr__(self, "negative", self.noise_words)  # recorded as a number

    @property
    def noise_words(self) -> int:
        """Noise words per example as a number: 0 with hierarchical softmax."""
        default = 0 if self.hierarchical_softmax else DEFAULT_NEGATIVE
        return default if self.negative is None else self.negative

    @property
    def ngrams(self) -> "CharacterNgrams | None":
        """The character n-grams of subwords, or None."""
        if self.subwords is None:
            return None
        from embeddings.text.character_ngrams import CharacterNgrams  # imported here: most settings have none

        return CharacterNgrams.of_range(self.subwords, self.buckets, self.floret_hashes)

    @property
    def rate(self) -> float:
        """The initial learning rate as a number."""
        return float(self._default_rates[self.architecture] if self.learning_rate is None else self.learning_rate)

    @property
    def kernel(self) -> str:
        """The name of the kernel that trains a block."""
        return self.architecture

    @property
    def _default_rates(self) -> dict[str, float]:
        return DEFAULT_LEARNING_RATE if self.subwords is None else SUBWORD_LEARNING_RATE

    @property
    def thread_count(self) -> int:
        """Number of threads to train with."""
        return thread_count(self.threads)

    def with_learning_rate(self, *, continued: bool) -> Self:
        """Return the same settings with a number as learning rate: a given one, or the default for new or continued."""
        defaults = CONTINUED_LEARNING_RATE if continued else self._default_rates
        return self if self.learning_rate is not None else replace(self, learning_rate=defaults[self.architecture])

    def epochs_for(self, tokens: int) -> int:
        """Return the number of epochs: the given one, or the default for a text of so many tokens."""
        if self.epochs is not None:
            return self.epochs
        epochs = next((epochs for fewer_than, epochs in DEFAULT_EPOCHS if tokens < fewer_than), LEAST_DEFAULT_EPOCHS)
        return 2 * epochs if self.architecture == "cbow" else epochs

    def sample_for(self, words: int) -> float:
        """Return the threshold of subsampling: the given one, or the default for a vocabulary of so many words."""
        return max(LEAST_DEFAULT_SAMPLE, 1 / words) if self.sample is None else self.sample

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as a dictionary for JSON and TOML, without settings that are None."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> Self:
        """Make a configuration from the result of `to_dict`.

        Parameters
        ----------
        settings : dict of str to value

        Returns
        -------
        Word2VecConfig

        Raises
        ------
        ValueError
            A name is unknown; the message suggests the closest.
        """
        names = [field.name for field in fields(cls)]
        for name in settings:
            if name not in names:
                raise ValueError(f"unknown setting {name!r}{hint_for(name, names)} (one of: {', '.join(names)})")
        return cls(**settings)


setattr(Word2VecConfig, "__init__", explains_names(Word2VecConfig.__init__))  # noqa: B010 - dataclass has written it
