"""Settings of a language model's training."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from embeddings.setting_types import require_setting_types

Precision = Literal["auto", "float32"]
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

ENDLESS = 10_000
"""Number of epochs that stands for all that it takes: `patience` ends the training."""


@dataclass(frozen=True, kw_only=True)
class LMTrainingConfig:
    """How the language model is trained.

    Attributes
    ----------
    epochs : int
        Largest number of passes over the training part; the best one is kept. 10000: as many as it takes until
        `patience` ends the training.
    batch_size : int
        Columns of text that are read side by side: 10 to 80; more are faster and take more memory.
    bptt : int
        Words through which a gradient flows back: 20 to 70; more learn longer dependencies, slower.
    variable_windows : bool
        Draw the length of every window anew, about the given one, as AWD-LSTM does (Merity et al. 2018).
    optimizer : {"sgd", "averaged-sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"}
        Rule of the weight updates: "adamw" learns fast in few epochs; "sgd" and "averaged-sgd" end better in many;
        also "momentum", "adagrad", "rmsprop" and "adam".
    learning_rate : float, optional
        Learning rate of the language model at its highest; lower it if the loss explodes. None: that of the optimizer,
        20 for "sgd", 0.002 for "adam".
    weight_decay : float
        Strength of the pull of all weights towards zero: 0 to 0.1 for "adamw", about 1e-6 for "sgd".
    clip : float
        Largest norm of the gradient, above which it is scaled down: 0.1 to 5; lower it if the loss jumps.
    schedule : {"plateau", "step", "cosine", "one-cycle", "constant"}
        Course of the learning rate: "constant", or lowered by "plateau" after a validation without improvement, by
        "step" after every later epoch (Zaremba et al. 2014), by "cosine" and "one-cycle" along a curve.
    anneal : float
        Factor by which "plateau" and "step" lower the learning rate: between 0 and 1.
    anneal_after : int
        Epochs at the full learning rate before "step" lowers it.
    average : float, optional
        Evaluate and keep an exponential average of the weights with this decay, such as 0.999, instead of the weights
        of the last step. None: no average.
    validation_tokens : int, optional
        Largest number of tokens of the validation part that are read after each epoch, from its beginning; 50,000 tell
        epochs apart, and save time where there are many words. None: all.
    full_softmax_epochs : int
        Last epochs in which a network with a sampled softmax is trained on the full one: 1 or 2 make it better; they
        take longer.
    patience : int, optional
        End training after this many validations in a row without improvement. None: train all epochs.
    precision : {"auto", "float32"}
        Numbers that large products multiply: "auto" rounds them to bfloat16 where the processor multiplies these faster
        (AMD since Zen 4, Xeons since Sapphire Rapids), "float32" never; weights and sums are float32 with both.

    Raises
    ------
    ValueError
        A value is out of range; the message names the setting.
    TypeError
        A value has another type.
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
    average: float | None = None
    patience: int | None = 4
    validation_tokens: int | None = None
    full_softmax_epochs: int = 0
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        require_setting_types(self)
        for name in ("epochs", "batch_size", "bptt", "anneal_after", "patience", "validation_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if self.optimizer not in DEFAULT_LEARNING_RATES:
            raise ValueError(f"optimizer {self.optimizer!r}: expected one of {', '.join(DEFAULT_LEARNING_RATES)}")
        if self.schedule not in get_args(Schedule):
            raise ValueError(f"schedule {self.schedule!r}: expected one of {', '.join(get_args(Schedule))}")
        if self.precision not in get_args(Precision):
            raise ValueError(f"precision {self.precision!r}: expected one of {', '.join(get_args(Precision))}")
        if not 0 < self.rate < math.inf or not self.clip > 0:
            raise ValueError(
                f"learning_rate and clip must be positive, and the rate finite, got {self.rate} and {self.clip}"
            )
        if not 0 < self.anneal < 1:
            raise ValueError(f"anneal must lie between 0 and 1, got {self.anneal}")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay must not be negative or infinite, got {self.weight_decay}")
        if self.epochs >= ENDLESS and (self.patience is None or self.schedule in ("cosine", "one-cycle")):
            raise ValueError(
                f"epochs {self.epochs} ({ENDLESS} or more is 'auto'): validation is to end the training, so that it "
                "needs a patience and another schedule than cosine and one-cycle, which fall along all epochs"
            )
        if self.full_softmax_epochs < 0:
            raise ValueError(f"full_softmax_epochs must be 0 or more, got {self.full_softmax_epochs}")
        if self.epochs >= ENDLESS and self.full_softmax_epochs:
            raise ValueError(
                f"full_softmax_epochs {self.full_softmax_epochs}: they are the last ones, and epochs {self.epochs} "
                "leaves the end to validation; give a number of epochs"
            )
        if self.average is not None and not 0 < self.average < 1:
            raise ValueError(f"average must be a decay between 0 and 1, got {self.average}")
        if self.average is not None and self.optimizer == "averaged-sgd":
            raise ValueError("average: averaged-sgd averages the weights itself; give one of the two")

    def trains_full_softmax(self, epoch: int) -> bool:
        """Return whether an epoch, counted from 0, is one of the last ones, which train on the full softmax."""
        return epoch >= self.epochs - self.full_softmax_epochs

    def epochs_ahead(self, best_epoch: int) -> int:
        """Return after how many epochs training ends if none is better than this one."""
        return min(self.epochs, best_epoch + (self.patience or 0)) if self.epochs >= ENDLESS else self.epochs

    @property
    def rate(self) -> float:
        """The learning rate at the start, or the highest one."""
        return DEFAULT_LEARNING_RATES[self.optimizer] if self.learning_rate is None else self.learning_rate
