"""Settings of a language model's training."""

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
    """Training of a language model.

    Attributes
    ----------
    epochs : int
        Largest number of passes over the text.
    batch_size : int
        B, columns of text that are read side by side.
    bptt : int
        Time steps of a window of truncated BPTT.
    variable_windows : bool
        Draw the lengths of windows around `bptt`, and scale the learning rate with them (Merity et al. 2018).
    optimizer : str
        One of `DEFAULT_LEARNING_RATES`; `optimizers` has its class.
    learning_rate : float, optional
        Rate at the start, or the highest one. Default: that of the optimizer in `DEFAULT_LEARNING_RATES`.
    weight_decay : float
        Strength of the L2 penalty (see `Optimizer`).
    clip : float
        Largest global norm of the gradient.
    schedule : {"plateau", "step", "cosine", "one-cycle", "constant"}
        "plateau" multiplies the rate by `anneal` after a validation without improvement; "step" does so before every
        epoch after the first `anneal_after` (Zaremba et al. 2014); "cosine" and "one-cycle" are functions of the time
        step.
    anneal : float
        Factor of "plateau" and "step".
    anneal_after : int
        Epochs of "step" at the full rate.
    patience : int, optional
        Training ends after this number of validations in a row without improvement; None disables this.

    Raises
    ------
    ValueError
        A value is out of range; the message names the setting.
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
