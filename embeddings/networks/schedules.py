"""Learning rate schedules: called with the number of steps (or epochs) done, each returns the rate of the next one.

Only `ReduceOnPlateau` has a state; the others are functions of the step, so that a resumed run continues as if it had
never stopped.
"""

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class StepDecay:
    """The rate η · factor^⌊(step - delay) / every⌋, and η during the first `delay` steps.

    Attributes
    ----------
    learning_rate : float
        η, the rate at the start.
    every : int
        Steps between two changes.
    factor : float
        Factor of each change.
    delay : int
        Steps before the first interval begins.
    """

    learning_rate: float
    every: int = 1
    factor: float = 0.5
    delay: int = 0

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        return self.learning_rate * self.factor ** max(0, (step - self.delay) // self.every)


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """A linear rise to η, then half a cosine down (Loshchilov & Hutter 2017).

    Attributes
    ----------
    learning_rate : float
        η, the highest rate.
    total : int
        Steps of the whole schedule.
    warmup : int
        Steps of the rise.
    final : float
        Rate at the end.
    """

    learning_rate: float
    total: int
    warmup: int = 0
    final: float = 0.0

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        share = min(1.0, (step - self.warmup) / max(1, self.total - self.warmup))
        return self.final + (self.learning_rate - self.final) * (1 + math.cos(math.pi * share)) / 2


@dataclass(frozen=True, kw_only=True)
class OneCycle:
    """A rise to η and a fall, each along half a cosine (Smith & Topin 2018).

    Attributes
    ----------
    learning_rate : float
        η, the highest rate.
    total : int
        Steps of the whole cycle.
    rising : float
        Share of the cycle in which the rate rises, 0 to 1.
    initial_divisor, final_divisor : float
        The cycle starts at η / initial_divisor and ends at η / (initial_divisor · final_divisor).
    """

    learning_rate: float
    total: int
    rising: float = 0.3
    initial_divisor: float = 25.0
    final_divisor: float = 1e4

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps; that after ``total - 1`` steps is the lowest."""
        initial = self.learning_rate / self.initial_divisor
        peak = self.rising * self.total - 1
        if step < peak:
            return _half_cosine(initial, self.learning_rate, step / peak)
        share = min(1.0, (step - peak) / max(1.0, self.total - 1 - peak))
        return _half_cosine(self.learning_rate, initial / self.final_divisor, share)


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


@dataclass(kw_only=True)
class ReduceOnPlateau:
    """Multiplies the rate by `factor` when the loss has not improved for more than `patience` validations.

    Attributes
    ----------
    learning_rate : float
        The present rate.
    factor : float
    patience : int
        Validations without improvement that leave the rate as it is.
    threshold : float
        An improvement is a loss below the best one by more than this share of it.
    lowest : float
        The rate is never reduced below this.
    best : float
        Best loss so far.
    waited : int
        Validations since the best loss, or since the last reduction.
    """

    learning_rate: float
    factor: float = 0.25
    patience: int = 0
    threshold: float = 0.0
    lowest: float = 0.0
    best: float = field(default=math.inf)
    waited: int = field(default=0)

    def validated(self, loss: float) -> float:
        """Record a validation loss; return the rate from now on."""
        if loss < self.best * (1 - self.threshold):
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        if self.waited > self.patience:
            self.learning_rate, self.waited = max(self.lowest, self.learning_rate * self.factor), 0
        return self.learning_rate
