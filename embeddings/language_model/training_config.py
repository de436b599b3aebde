"""How a language model is trained: settings of `trainer`."""

from dataclasses import dataclass
from typing import Literal, get_args

Schedule = Literal["plateau", "step", "cosine", "one-cycle", "constant"]

DEFAULT_LEARNING_RATES = {
    "sgd": 20.0,
    "averaged-sgd": 30.0,
    "momentum": 2.0,
    "adagrad": 0.1,
    "rmsprop": 1e-3,
    "adam": 2e-3,
    "adamw": 2e-3,
}


@dataclass(frozen=True, kw_only=True)
class LMTrainingConfig:
    """How a language model is trained.

    Attributes
    ----------
    epochs
        Passes over the text, at most.
    batch_size
        Columns B.
    bptt
        Time steps of a window.
    variable_windows
        Draw the lengths of windows around ``bptt``, and scale the learning rate with them (Merity et al. 2018).
    optimizer
        One of `DEFAULT_LEARNING_RATES`; `optimizers` has its class.
    learning_rate
        At the start, or the highest one; None is what suits the optimizer (`DEFAULT_LEARNING_RATES`).
    weight_decay
        See `Optimizer`.
    clip
        Largest global norm of the gradient.
    schedule
        "plateau" multiplies the rate by ``anneal`` after a validation without improvement; "step" does so before every
        epoch after the first ``anneal_after`` (Zaremba et al. 2014); "cosine" and "one-cycle" depend on the time alone;
        "constant".
    anneal
        Factor of "plateau" and "step".
    anneal_after
        Epochs of "step" at the full rate.
    patience
        Training ends after this many validations in a row without improvement; None never ends it early.
    """

    epochs: int = 6
    batch_size: int = 20
    bptt: int = 35
    variable_windows: bool = False
    optimizer: str = "sgd"
    learning_rate: float | None = None
    weight_decay: float = 0.0
    clip: float = 0.25
    schedule: Schedule = "plateau"
    anneal: float = 0.25
    anneal_after: int = 4
    patience: int | None = 4

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "bptt", "anneal_after", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if self.optimizer not in DEFAULT_LEARNING_RATES:
            raise ValueError(f"optimizer {self.optimizer!r}: expected one of {', '.join(DEFAULT_LEARNING_RATES)}")
        if self.schedule not in get_args(Schedule):
            raise ValueError(f"schedule {self.schedule!r}: expected one of {', '.join(get_args(Schedule))}")
        if not self.rate > 0 or not self.clip > 0:
            raise ValueError(f"learning_rate and clip must be positive, got {self.rate} and {self.clip}")
        if not 0 < self.anneal < 1:
            raise ValueError(f"anneal must lie between 0 and 1, got {self.anneal}")
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay must not be negative, got {self.weight_decay}")

    @property
    def rate(self) -> float:
        """The learning rate at the start, or the highest one."""
        return DEFAULT_LEARNING_RATES[self.optimizer] if self.learning_rate is None else self.learning_rate
