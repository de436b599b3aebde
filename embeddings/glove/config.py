"""Settings of GloVe."""

from dataclasses import dataclass

from embeddings.setting_types import LARGEST_SINGLE, require_setting_types
from embeddings.threads import thread_count


@dataclass(frozen=True, kw_only=True)
class GloVeConfig:
    """Training of word vectors by GloVe; the defaults are those of Pennington et al. (2014).

    Attributes
    ----------
    dimension : int
        Numbers in a word vector: 100 to 300 is usual.
    window : int
        Context words to each side; a pair at distance k counts 1/k.
    epochs : int
        Passes over the co-occurrences: 15, or 25 and more for vectors of 300 dimensions.
    learning_rate : float
        Initial learning rate of AdaGrad; lower it if training diverges.
    x_max : float
        Co-occurrence count from which on pairs have the full weight; 10 for little text, 100 for much.
    alpha : float
        Rarer pairs have the weight (count / x_max)^alpha.
    seed : int
        Seed of the initial vectors and of the order of the pairs.
    threads : int or None
        Processors that train. None: all.

    Raises
    ------
    ValueError
        A setting is out of its range.
    TypeError
        A setting has another type.
    """

    dimension: int = 100
    window: int = 10
    epochs: int = 15
    learning_rate: float = 0.05
    x_max: float = 100.0
    alpha: float = 0.75
    seed: int = 1
    threads: int | None = None

    def __post_init__(self) -> None:
        require_setting_types(self)
        for name, low, high in (
            ("dimension", 1, 100_000),
            ("window", 1, 1_000),
            ("epochs", 1, 1_000_000),
            ("alpha", 0, 10),
            ("seed", 0, 2**63 - 1),
        ):
            if not low <= getattr(self, name) <= high:  # also refuses NaN
                raise ValueError(f"{name} is {getattr(self, name)}; it must be from {low:g} to {high:g}")
        for name in ("learning_rate", "x_max"):
            if not 0 < getattr(self, name) <= LARGEST_SINGLE:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0, and at most {LARGEST_SINGLE:g}")
        if self.threads is not None:
            thread_count(self.threads)

    @property
    def thread_count(self) -> int:
        """Number of threads to train with."""
        return thread_count(self.threads)
