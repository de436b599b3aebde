"""Settings of a word2vec training run."""

from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral, Real
from types import NoneType
from typing import Any, get_args

from embeddings.threads import thread_count
from embeddings.word2vec.names_elsewhere import explains_names, hint_for
from vecmill.hints import did_you_mean

ARCHITECTURES = ("skip-gram", "cbow")
NEGATIVE_SHARING = ("window", "pair")
DEFAULT_LEARNING_RATE = {"skip-gram": 0.025, "cbow": 0.1}
CONTINUED_LEARNING_RATE = {"skip-gram": 0.01, "cbow": 0.04}  # for given initial vectors: 0.4 of the default


@dataclass(frozen=True, kw_only=True)
class Word2VecConfig:
    """Settings of skip-gram and CBOW with negative sampling (Mikolov et al. 2013).

    Attributes
    ----------
    architecture : {"skip-gram", "cbow"}
        Skip-gram predicts a word from each of its neighbours; CBOW predicts it from their mean.
    dimension : int
        Length d of a word vector.
    window : int
        Largest distance between a word and its context words, in trained tokens.
    dynamic_window : bool
        Draw each window from 1..`window`, like word2vec, which gives near words more weight.
    negative : int
        Number K of noise words (negatives) per example.
    noise_exponent : float
        The noise distribution is proportional to count^`noise_exponent`.
    sample : float
        Subsampling threshold for frequent words; 0 disables subsampling.
    epochs : int
        Passes over the corpus.
    learning_rate, min_learning_rate : float
        The learning rate decreases linearly from the first to the second. None takes the default of the architecture:
        0.025 for skip-gram and 0.1 for CBOW, or 0.01 and 0.04 with initial vectors. On small texts 0.05 gives better
        skip-gram vectors (docs/from-gensim.md has figures).
    negative_sharing : {"window", "pair"}
        "window": one set of negatives for all context words of a centre word (skip-gram), for up to eight neighbouring
        centre words (CBOW). "pair": the textbook algorithm, new negatives for every example.
    cbow_mean : bool
        CBOW: use the mean of the context vectors; otherwise their sum.
    held_out : float
        Fraction of the corpus, at most 50,000 tokens, held out from training to measure the loss after every epoch.
    seed : int
        Seed of the initial vectors and of all random numbers.
    deterministic : bool
        Give the same vectors, bit for bit, for any number of threads; slower. See `embeddings.word2vec.deterministic`.
    threads : int or None
        None uses all processors available to this process.

    Raises
    ------
    ValueError
        A value is out of range; the message states the setting and its range.
    TypeError
        A value has another type, or a setting is unknown; for names of gensim and fastText the message states the name
        of this project.
    """

    architecture: str = "skip-gram"
    dimension: int = 100
    window: int = 5
    dynamic_window: bool = True
    negative: int = 5
    noise_exponent: float = 0.75
    sample: float = 1e-3
    epochs: int = 5
    learning_rate: float | None = None
    min_learning_rate: float = 1e-4
    negative_sharing: str = "window"
    cbow_mean: bool = True
    held_out: float = 0.01
    seed: int = 1
    deterministic: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = require_type(setting.name, getattr(self, setting.name), setting.type)
            object.__setattr__(self, setting.name, value)
        require_one_of("architecture", self.architecture, ARCHITECTURES)
        require_one_of("negative_sharing", self.negative_sharing, NEGATIVE_SHARING)
        for name, low, high in (
            ("dimension", 1, 100_000),
            ("window", 1, 1_000),
            ("negative", 1, 1_000),
            ("noise_exponent", -10, 10),
            ("sample", 0, 1),
            ("epochs", 1, 1_000_000),
            ("min_learning_rate", 0, self.rate),
            ("held_out", 0, 0.5),
            ("seed", 0, 2**63 - 1),
        ):
            if not low <= getattr(self, name) <= high:  # also refuses NaN
                raise ValueError(f"{name} is {getattr(self, name)}; it must be from {low:g} to {high:g}")
        if not 0 < self.rate < float("inf"):
            raise ValueError(f"learning_rate is {self.learning_rate}; it must be above 0 (usual: 0.01 to 0.1)")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads is {self.threads}; it must be at least 1, or left out for all processors")

    @property
    def rate(self) -> float:
        """The initial learning rate as a number."""
        return float(DEFAULT_LEARNING_RATE[self.architecture] if self.learning_rate is None else self.learning_rate)

    @property
    def thread_count(self) -> int:
        """Number of threads to train with."""
        return thread_count(self.threads)

    def with_learning_rate(self, *, continued: bool) -> "Word2VecConfig":
        """Return the same settings with a number as learning rate: a given one, or the default for new or continued."""
        defaults = CONTINUED_LEARNING_RATE if continued else DEFAULT_LEARNING_RATE
        return self if self.learning_rate is not None else replace(self, learning_rate=defaults[self.architecture])

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as a dictionary for JSON and TOML, without settings that are None."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> "Word2VecConfig":
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


_TYPES: dict[Any, tuple[Any, str]] = {
    bool: (bool, "True or False"),
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    str: (str, "a str"),
}


def require_type(name: str, value: Any, annotation: Any) -> Any:
    """Check that a value has the type of a setting; return it, with NumPy's numbers converted to Python's."""
    kinds = get_args(annotation) or (annotation,)
    if value is None and NoneType in kinds:
        return None
    accepted, expected = _TYPES[kinds[0]]
    if not isinstance(value, accepted) or (isinstance(value, bool) and kinds[0] is not bool):
        raise TypeError(f"{name} is {value!r} ({type(value).__name__}); expected {expected}")
    return value.item() if hasattr(value, "item") else value


def require_one_of(what: str, value: str, allowed: tuple[str, ...] | list[str]) -> None:
    """Raise a ValueError that suggests the closest name if `value` is not one of those allowed."""
    if value not in allowed:
        hint = did_you_mean(str(value), allowed)
        raise ValueError(f"unknown {what} {value!r}{hint} (one of: {', '.join(allowed)})")
