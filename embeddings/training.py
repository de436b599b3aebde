"""One frame for all training: progress, errors and checkpoints of `fit`.

Every estimator follows scikit-learn's habit. The constructor takes the configuration, `seed` and `threads` among it,
and reads no data. ``fit(data, ..., *, progress=None)`` trains from the start and returns the estimator. Results are
attributes with a trailing underscore (`vectors_`, `model_`, `metrics_`), which exist only after `fit`.

During `fit`

- `progress` is called with a `TrainingProgress`, whose speed and remaining time are those of a `Pace`,
- weights or a loss that are not finite raise `TrainingDiverged`,
- `Checkpoints` decides when training is saved.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embeddings.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from embeddings.errors import EmbeddingsError
from vecmill.arguments import described, require_kind, require_place

logger = logging.getLogger(__name__)

MAX_TIME_SHARE = 0.025
"""Largest share of the training time that checkpoints may take."""
_MEMORY_SECONDS = 20.0
_WARM_UP_INTERVALS, _WARM_UP_SECONDS = 5, 2.0


class Estimator:
    """Base class of everything with a `fit`: names `fit` in the error when a result is read too early."""

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            """Raise an error: the attribute does not exist, or does not exist yet."""
            kind = type(self).__name__
            if name.endswith("_") and not name.startswith("_"):
                raise AttributeError(f"this {kind} has no {name} yet: call fit first", name=name, obj=self)
            raise AttributeError(f"{kind!r} object has no attribute {name!r}", name=name, obj=self)


class TrainingDiverged(EmbeddingsError):
    """The loss, the gradient or the weights are not finite, or the loss has exploded."""


class TrainingProgress(NamedTuple):
    """Progress of a training.

    Attributes
    ----------
    epoch, epochs : int
        The current epoch, from 1, and the largest number of epochs.
    done, total : int
        Units trained and units to train, over all epochs.
    unit : str
        Unit of `done` and `total`: "words", "tokens", "pairs" or "symbols".
    speed : float
        Units per second, smoothed over the last 20 seconds, without compilation and start-up. 0 before it is known.
    loss : float
        In nats, smoothed or since the last report; NaN where none is measured.
    learning_rate : float
        NaN where there is none.
    seconds_left : float
        Estimate at the present speed; infinite before the speed is known.
    epoch_metrics : dict of str to Any, optional
        At the end of an epoch, its entry of `metrics_`: losses and time. None at all other times.
    note : str
        What else there is to say, such as how fast each of several workers is.
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
    epoch_metrics: Mapping[str, Any] | None = None
    note: str = ""


ProgressCallback = Callable[[TrainingProgress], None]
"""The type of the argument `progress` of every `fit`."""


class Pace:
    """Speed of a training and the remaining time.

    The speed is Σ k units / Σ k seconds over all intervals between two calls of `update`, where the weight k of an
    interval falls by 1/e in 20 seconds. The last call before anything is trained starts the clock: the time before it,
    in which kernels are compiled and processes of a cluster start, does not count. The remaining time is estimated
    after a warm-up of 5 intervals and 2 seconds, which it leaves out: a kernel may be compiled in it that only a later
    step needs, and caches are cold.

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
        self._intervals, self._warm_up = 0, True

    def update(self, done: int) -> None:
        """Record that `done` units are trained by now."""
        now = self._clock()
        if self._last is not None and (self._seconds > 0 or done > self._last[0]):
            done_before, before = self._last
            if self._warm_up and self._intervals >= _WARM_UP_INTERVALS and self._seconds >= _WARM_UP_SECONDS:
                self._warm_up, self._units, self._seconds = False, 0.0, 0.0
            self._intervals += 1
            weight = math.exp((before - now) / _MEMORY_SECONDS)
            self._units = weight * self._units + done - done_before
            self._seconds = weight * self._seconds + now - before
        self._last = done, now

    def pause(self) -> None:
        """Exclude the time until the next `update`, for example that of a validation."""
        self._last = None

    @property
    def speed(self) -> float:
        """Units per second; 0 before it is known."""
        return self._units / self._seconds if self._seconds > 0 else 0.0

    def seconds_left(self, done: int) -> float:
        """Return the time that the remaining units take at the present speed; infinite during the warm-up."""
        left = self.total - done
        if left <= 0:
            return 0.0
        return left / self.speed if self.speed > 0 and not self._warm_up else math.inf


class Checkpointing(NamedTuple):
    """Where and how often training is saved, so that a later run can resume it.

    Attributes
    ----------
    directory : path-like
        Directory of this run's checkpoints; a checkpoint found there is resumed. A directory belongs to one run: same
        settings, same text.
    every : float
        Seconds between two checkpoints, or more where they would take more than 2.5 % of the time. Training is also
        saved at its end and when it is interrupted.
    """

    directory: str | PathLike[str]
    every: float = 60.0


class Checkpoints:
    """Saves a training at intervals and loads the checkpoint of an earlier run; does neither without `Checkpointing`.

    Parameters
    ----------
    checkpointing : Checkpointing or None
    clock : callable
        Returns seconds.

    Raises
    ------
    TypeError
        `checkpointing` is no `Checkpointing`, or has a directory that is no path or an interval that is no number.
    ValueError
        Its directory cannot be one, or its interval is below 0.
    """

    def __init__(self, checkpointing: Checkpointing | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.directory: Path | None = None
        self._every = math.inf
        if checkpointing is not None:
            self.directory, self._every = _checked(checkpointing)
        self._clock = clock
        self._saved_at, self._cost = clock(), 0.0

    @property
    def seconds_to_next(self) -> float:
        """Time until the next checkpoint is due; infinite without checkpoints."""
        return self._saved_at + max(self._every, self._cost / MAX_TIME_SHARE) - self._clock()

    @property
    def due(self) -> bool:
        """Whether a checkpoint is due."""
        return self.seconds_to_next <= 0

    def save(self, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Write a checkpoint, due or not.

        Parameters
        ----------
        arrays : mapping of str to ndarray
        state : mapping
            JSON values.

        Raises
        ------
        OutputError
            It cannot be written; the previous checkpoint remains.
        """
        if self.directory is None:
            return
        started = self._clock()
        save_checkpoint(self.directory, arrays, state)
        self._saved_at = self._clock()
        self._cost = self._saved_at - started
        logger.debug("checkpoint written in %.1f s: %s", self._cost, self.directory)

    @contextmanager
    def fitting(self) -> Iterator[None]:
        """Convert what goes wrong when the state of a checkpoint is restored to one error that says what to do.

        Raises
        ------
        EmbeddingsError
            An entry of the checkpoint is missing, or of another type, shape or range.
        """
        try:
            yield
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise EmbeddingsError(
                f"the checkpoint in {self.directory} does not fit this training ({type(error).__name__}: {reason}); "
                "it is of other settings or text: remove it to start again"
            ) from error

    def load(self) -> Checkpoint | None:
        """Return the newest undamaged checkpoint; None if there is none."""
        return load_checkpoint(self.directory) if self.directory else None


def _checked(checkpointing: Checkpointing) -> tuple[Path, float]:
    """Return directory and interval, or raise an error that names what is wrong."""
    require_kind("checkpointing", checkpointing, Checkpointing, "a Checkpointing, such as Checkpointing('checkpoints')")
    directory, every = checkpointing
    require_place("directory of Checkpointing", directory)
    if isinstance(every, bool) or not isinstance(every, Real):
        raise TypeError(f"every of Checkpointing is {described(every)}; expected a number of seconds")
    if not every >= 0:  # also NaN
        raise ValueError(f"every of Checkpointing is {every}; expected seconds, 0 or more")
    return Path(directory), float(every)
