"""Training of sequence networks: batches bucketed by length, a one-cycle learning rate, early stopping."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from embeddings.networks.optimizers import AdamW
from embeddings.networks.parameters import Parameters
from embeddings.networks.schedules import OneCycle
from embeddings.setting_types import require_setting_types
from embeddings.training import Pace, ProgressCallback, TrainingDiverged, TrainingProgress

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SequenceTrainingConfig:
    """Training settings of sequence models: AdamW with a learning rate that rises and falls once.

    Attributes
    ----------
    epochs : int
        Largest number of passes over the examples.
    batch_words : int
        Words of a batch, padding included; a longer example is a batch of its own.
    learning_rate : float
        Peak of the learning-rate cycle.
    weight_decay : float
        See `AdamW`.
    clip : float
        Largest global norm of the gradient.
    patience : int
        Stop after this many epochs in a row without a better validation score.
    validation_fraction : float
        Fraction of the examples held out for validation when none are given; with 0 there is no validation, and the
        weights are those of the last step.
    """

    epochs: int = 5
    batch_words: int = 2048
    learning_rate: float = 5e-3
    weight_decay: float = 1e-4
    clip: float = 5.0
    patience: int = 3
    validation_fraction: float = 0.1

    def __post_init__(self) -> None:
        require_setting_types(self)
        for name in ("epochs", "batch_words", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.learning_rate > 0 or not self.clip > 0 or self.weight_decay < 0:
            raise ValueError("learning_rate and clip must be positive, weight_decay not negative")
        if not 0 <= self.validation_fraction < 1:
            raise ValueError(f"validation_fraction {self.validation_fraction}: expected a number from 0 to less than 1")


def length_bucketed_batches(lengths: np.ndarray, batch_words: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the numbers of the examples of each batch; examples of a batch have similar lengths.

    Examples are sorted by length, those of equal length in random order, and cut where B · (longest) would exceed
    `batch_words`, so that there is little padding. The batches are in random order.
    """
    order = rng.permutation(len(lengths))
    order = order[np.argsort(lengths[order], kind="stable")]
    starts = [0]
    for place, length in enumerate(lengths[order].tolist()):
        if place > starts[-1] and (place + 1 - starts[-1]) * length > batch_words:
            starts.append(place)
    pieces = np.split(order, starts[1:])
    return [pieces[number] for number in rng.permutation(len(pieces))]


def held_out(count: int, fraction: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Split examples into training and validation at random, at least one of each.

    Parameters
    ----------
    count : int
        Number of examples.
    fraction : float
        Fraction held out for validation; 0 holds none out.
    rng : np.random.Generator

    Returns
    -------
    training, validation : (n,) int64
        Numbers of the examples, ascending.

    Raises
    ------
    ValueError
        There are fewer than two examples.
    """
    if fraction == 0:
        return np.arange(count), np.arange(0)
    if count < 2:
        raise ValueError(f"{count} examples: expected at least 2, one to train on and one to validate on")
    order = rng.permutation(count)
    cut = min(max(1, round(fraction * count)), count - 1)
    return np.sort(order[cut:]), np.sort(order[:cut])


def train_sequences(
    parameters: Parameters,
    lengths: np.ndarray,
    batch_loss: Callable[[np.ndarray], float],
    validate: Callable[[], float] | None,
    *,
    config: SequenceTrainingConfig,
    rng: np.random.Generator,
    unit: str = "words",
    progress: ProgressCallback | None = None,
) -> list[dict[str, Any]]:
    """Train; leave the parameters at the epoch with the best validation score, or at the last step without validation.

    Parameters
    ----------
    parameters : Parameters
        Parameters to train.
    lengths : (n,) int64
        Units of each example.
    batch_loss : callable
        Takes the numbers of the examples of a batch, returns their mean loss and leaves its gradients in the
        parameters.
    validate : callable or None
        Returns a score, higher is better; None for no validation.
    config : SequenceTrainingConfig
    rng : np.random.Generator
        Draws the order of the batches.
    unit : str
        Name of the units that `lengths` counts.
    progress : callable, optional
        Called after every batch with a `TrainingProgress`.

    Returns
    -------
    list of dict
        One entry per epoch: ``epoch``, ``loss`` (smoothed, at its end), ``validation_score`` (None without validation),
        ``learning_rate``, ``seconds`` (since the start of training).

    Raises
    ------
    TrainingDiverged
        A loss or gradient is not finite.
    """
    optimizer = AdamW(parameters, config.learning_rate, weight_decay=config.weight_decay)
    metrics: list[dict[str, Any]] = []
    scores: list[float] = []
    best: dict[str, np.ndarray] = {}
    pace, done, loss, began = Pace(config.epochs * int(lengths.sum())), 0, math.nan, time.monotonic()

    def event() -> TrainingProgress:
        return TrainingProgress(
            epoch=epoch,
            epochs=config.epochs,
            done=done,
            total=pace.total,
            unit=unit,
            speed=pace.speed,
            loss=loss,
            learning_rate=optimizer.learning_rate,
            seconds_left=pace.seconds_left(done),
        )

    for epoch in range(1, config.epochs + 1):
        batches = length_bucketed_batches(lengths, config.batch_words, rng)
        schedule = OneCycle(learning_rate=config.learning_rate, total=config.epochs * len(batches), rising=0.2)
        for batch in batches:
            optimizer.learning_rate = schedule(optimizer.steps)
            value = batch_loss(batch)
            if not math.isfinite(value):
                raise TrainingDiverged(
                    f"training diverged in epoch {epoch}: the loss is {value}; lower the learning rate "
                    f"({config.learning_rate:g})"
                )
            optimizer.step(config.clip)
            loss = value if math.isnan(loss) else 0.95 * loss + 0.05 * value
            done += int(lengths[batch].sum())
            pace.update(done)
            if progress:
                progress(event())
        if validate:
            scores.append(validate())
            pace.pause()
        metrics.append(
            {
                "epoch": epoch,
                "loss": loss,
                "validation_score": scores[-1] if scores else None,
                "learning_rate": optimizer.learning_rate,
                "seconds": time.monotonic() - began,
            }
        )
        logger.debug("epoch %(epoch)d: loss %(loss).4f, validation %(validation_score)s", metrics[-1])
        if progress:
            progress(event()._replace(epoch_metrics=metrics[-1]))
        if not scores:
            continue
        if scores[-1] >= max(scores):
            best = {name: parameter.value.copy() for name, parameter in parameters.items()}
        elif epoch - 1 - int(np.argmax(scores)) >= config.patience:
            break
    for name, array in best.items():
        parameters[name].value[...] = array
    return metrics
