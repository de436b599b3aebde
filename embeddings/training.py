"""One frame for everything that trains: what `fit` reports, how it fails, and when it saves.

Every estimator follows scikit-learn's habit.  The constructor takes the configuration, ``seed`` and ``threads`` among
it, and reads no data.  ``fit(data, ..., *, progress=None)`` trains from the start and returns the estimator.  Results
are attributes with a trailing underscore (``vectors_``, ``model_``, ``metrics_``), which exist after `fit` only.

During `fit`

- ``progress`` is called with a `TrainingProgress`, whose speed and time left are those of a `Pace`,
- weights or a loss that are no longer finite raise `TrainingDiverged`,
- `Checkpoints` decides when training is saved.
"""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embeddings.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from embeddings.errors import EmbeddingsError

MOST_TIME = 0.025
"""Share of the training time that checkpoints may take."""
_MEMORY_SECONDS = 20.0


class Estimator:
    """Base of everything that has `fit`: says so where a result is asked for before."""

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            """Raise an error: the attribute does not exist, or not yet."""
            kind = type(self).__name__
            if name.endswith("_") and not name.startswith("_"):
                raise AttributeError(f"this {kind} has no {name} yet: call fit first", name=name, obj=self)
            raise AttributeError(f"{kind!r} object has no attribute {name!r}", name=name, obj=self)


class TrainingDiverged(EmbeddingsError):
    """The loss, the gradient or the weights are no longer finite numbers, or the loss has exploded."""


class TrainingProgress(NamedTuple):
    """How far a training is.

    Attributes
    ----------
    epoch, epochs : int
        The epoch that is trained, from 1, and how many there are at most.
    done, total : int
        Units trained and units to train, over all epochs.
    unit : str
        Of `done` and `total`: "words", "tokens" or "symbols".
    speed : float
        Units a second, smoothed over the last 20 seconds; compilation and start-up do not count. 0 before it is known.
    loss : float
        In nats, smoothed or since the last report; NaN where none is measured.
    learning_rate : float
        NaN where there is none.
    seconds_left : float
        Estimate at the present speed; infinite before the speed is known.
    """

    epoch: int
    epochs: int
    done: int
    total: int
    unit: str
    speed: float
    loss: float
    learning_rate: float
    seconds_left: float


ProgressCallback = Callable[[TrainingProgress], None]
"""What every `fit` takes as ``progress``."""


class Pace:
    """Speed of a training and the time left, from how much is done at which moment.

    The speed is Σ k units / Σ k seconds over all intervals between two calls of `update`, where the weight k of an
    interval falls by 1/e in 20 seconds.  The first call starts the clock: the time before it, in which kernels are
    compiled, is no part of an interval.

    Parameters
    ----------
    total : int
        Units to train.
    clock : callable
        Returns seconds.
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self._clock = total, clock
        self._units, self._seconds = 0.0, 0.0
        self._last: tuple[int, float] | None = None

    def update(self, done: int) -> None:
        """Take note that `done` units are trained by now."""
        now = self._clock()
        if self._last is not None:
            done_before, before = self._last
            weight = math.exp((before - now) / _MEMORY_SECONDS)
            self._units = weight * self._units + done - done_before
            self._seconds = weight * self._seconds + now - before
        self._last = done, now

    def pause(self) -> None:
        """Leave the time until the next `update` out, such as that of a validation."""
        self._last = None

    @property
    def speed(self) -> float:
        """Units a second; 0 before it is known."""
        return self._units / self._seconds if self._seconds > 0 else 0.0

    def seconds_left(self, done: int) -> float:
        """Return the time for the units that are left at the present speed; infinite before the speed is known."""
        left = self.total - done
        if left <= 0:
            return 0.0
        return left / self.speed if self.speed > 0 else math.inf


class Checkpointing(NamedTuple):
    """Where and how often training is saved, so that a later run can resume it.

    Attributes
    ----------
    directory : Path
        Of the checkpoints of this run; one that is found there is resumed. A directory belongs to one run: same
        settings, same text.
    every : float
        Seconds between two checkpoints, or more where they would take more than 2.5 % of the time. An interruption
        and the end of training are saved whatever the interval.
    """

    directory: Path
    every: float = 60.0


class Checkpoints:
    """Saves a training when it is time, and loads what an earlier run saved; does neither without `Checkpointing`.

    Parameters
    ----------
    checkpointing : Checkpointing, optional
    clock : callable
        Returns seconds.
    """

    def __init__(self, checkpointing: Checkpointing | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.directory = checkpointing.directory if checkpointing else None
        self._every = checkpointing.every if checkpointing else math.inf
        self._clock = clock
        self._saved_at, self._cost = clock(), 0.0

    @property
    def seconds_to_next(self) -> float:
        """Time until the next checkpoint is due; infinite without checkpoints."""
        return self._saved_at + max(self._every, self._cost / MOST_TIME) - self._clock()

    @property
    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self.seconds_to_next <= 0

    def save(self, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Write a checkpoint, due or not.

        Raises
        ------
        EmbeddingsError
            If it cannot be written; the checkpoint before it is still there.
        """
        if self.directory is None:
            return
        started = self._clock()
        save_checkpoint(self.directory, arrays, state)
        self._saved_at = self._clock()
        self._cost = self._saved_at - started

    def load(self) -> Checkpoint | None:
        """Return the newest undamaged checkpoint; None where there is none."""
        return load_checkpoint(self.directory) if self.directory else None
