"""The number of epochs that fits into a given time, from the measured speed of a training on its own text.

A copy of the model is trained on the first windows of the text and reads the first words of the validation text. The
model and its random numbers stay as they were: a training with the number of epochs that is found ends with the same
weights as one that was given this number.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from embeddings.language_model.model import LanguageModel
from embeddings.language_model.perplexity import evaluate_side_by_side
from embeddings.language_model.training_config import LMTrainingConfig
from embeddings.networks.averaging import WeightAverage
from embeddings.networks.batching import Columns, windows
from embeddings.networks.cells import State
from embeddings.networks.optimizers import OPTIMIZERS
from embeddings.parallel import using_threads
from embeddings.text.id_stream import Ids
from embeddings.training import Checkpointing, Checkpoints
from vecmill.plurals import counted

logger = logging.getLogger(__name__)

RESERVED = 0.03
"""Share of a budget for checkpoints and for n-gram models, whose time is not measured."""
MOST_EPOCHS = 200
"""Epochs beyond which no recipe improves; a small text may be finished long before its budget."""
FEW_EPOCHS = 4
"""Epochs below which a smaller network ends better, as it reads the text more often in the same time."""
_SMALL_NETWORK = 400  # units of all layers: the network of the shortest budget
_WARM_UP = 8  # windows, in which kernels are compiled and memory is filled
_LEAST_WINDOWS = 24
_MEASURED = 0.01  # share of the time
_VALIDATION_WORDS = 10_000
_ONE_STREAM = 2.0  # time of a word that is read after another, in that of one in columns side by side
_STILL = 1e-6  # learning rate of a measurement

Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class EpochSeconds:
    """Seconds of the parts of an epoch.

    Attributes
    ----------
    training : float
        Of the training on the softmax of the network.
    full_softmax : float
        Of the training on the full softmax.
    validation : float
    """

    training: float
    full_softmax: float
    validation: float

    def of(self, config: LMTrainingConfig, epochs: int) -> float:
        """Return the seconds of a training of this number of epochs."""
        full = min(config.full_softmax_epochs, epochs)
        return (epochs - full) * self.training + full * self.full_softmax + epochs * self.validation


def with_epochs_in(
    seconds: float,
    model: LanguageModel,
    config: LMTrainingConfig,
    train: Ids,
    valid: Ids,
    *,
    threads: int | None = None,
    read_later: int = 0,
    checkpointing: Checkpointing | None = None,
    clock: Clock = time.perf_counter,
) -> LMTrainingConfig:
    """Return the settings of a training that takes about this time, validations included.

    A training that was interrupted goes on with the number of epochs in its checkpoint. If not even one epoch fits, one
    is trained, with a warning.

    Parameters
    ----------
    seconds : float
        What is left of a budget; the measurement is a part of it.
    model : LanguageModel
        Does not change.
    config : LMTrainingConfig
        All other settings.
    train, valid : Ids
        (N,) ids of both parts.
    threads : int, optional
        Default: all cores.
    read_later : int
        Words that the trained model is to read one after the other within the time, such as those of the test part.
    checkpointing : Checkpointing, optional
        That of the training.
    clock : callable
        Returns seconds.

    Returns
    -------
    LMTrainingConfig
    """
    resumed = _epochs_of_checkpoint(checkpointing)
    if resumed is not None:
        return replace(config, epochs=resumed)
    started = clock()
    epoch = measure(model, config, train, valid, seconds=seconds, threads=threads, clock=clock)
    later = _ONE_STREAM * epoch.validation * read_later / _validated(config, valid)
    left = seconds - (clock() - started) - later
    epochs = epochs_within(left, config, epoch)
    expected = epoch.of(config, epochs)
    if expected > left:
        logger.warning(
            "the budget leaves %s s for the training, but an epoch takes about %.0f s: one epoch is trained; a larger "
            "budget or a smaller network avoids it",
            f"{max(left, 0.0):.0f}",
            expected,
        )
    elif epochs < FEW_EPOCHS and sum(model.config.layer_sizes) > _SMALL_NETWORK:
        logger.warning(
            "only %s within the budget: a network of one layer of %d units reads the text more often in this time, and "
            "usually ends better",
            counted(epochs, "epoch"),
            _SMALL_NETWORK,
        )
    logger.info("training %s: about %.0f s", counted(epochs, "epoch"), expected)
    return replace(config, epochs=epochs)


def epochs_within(seconds: float, config: LMTrainingConfig, epoch: EpochSeconds) -> int:
    """Return the largest number of epochs that fits into a time: at least one, at most `MOST_EPOCHS`.

    Parameters
    ----------
    seconds : float
    config : LMTrainingConfig
        Its `full_softmax_epochs` are counted as such.
    epoch : EpochSeconds

    Returns
    -------
    int
    """
    return max((n for n in range(1, MOST_EPOCHS + 1) if epoch.of(config, n) <= seconds), default=1)


def measure(
    model: LanguageModel,
    config: LMTrainingConfig,
    train: Ids,
    valid: Ids,
    *,
    seconds: float,
    threads: int | None = None,
    clock: Clock = time.perf_counter,
) -> EpochSeconds:
    """Measure how long an epoch takes, in about a hundredth of a time.

    Parameters
    ----------
    model : LanguageModel
        Does not change.
    config : LMTrainingConfig
    train, valid : Ids
        (N,) ids of both parts.
    seconds : float
    threads : int, optional
        Default: all cores.
    clock : callable
        Returns seconds.

    Returns
    -------
    EpochSeconds
    """
    with using_threads(threads):
        training = _training(model, config, train, _MEASURED * seconds, clock)
        full = training
        if config.full_softmax_epochs and model.config.output == "sampled":
            full = _training(model, config, train, _MEASURED * seconds, clock, full_softmax=True)
        validation = _validation(model, valid, clock) * _validated(config, valid)
        return EpochSeconds(training=training, full_softmax=full, validation=validation)


def _training(
    model: LanguageModel, config: LMTrainingConfig, train: Ids, seconds: float, clock: Clock, full_softmax: bool = False
) -> float:
    """Return the seconds of an epoch by those of its first windows, at least `_LEAST_WINDOWS` and for some time."""
    learner, rng = model.copy(), np.random.default_rng(0)
    learner.draw_from(rng)
    learner.use_full_softmax(full_softmax)
    learner.use_bfloat16(config.precision == "auto")
    optimizer = OPTIMIZERS[config.optimizer](learner.trainable_parameters, _STILL)
    average = WeightAverage(learner.trainable_parameters, config.average) if config.average else None
    columns = Columns(train, config.batch_size, model.eos)
    states: list[State] | None = None
    marks: list[tuple[int, float]] = [(0, clock())]
    for rows in windows(columns.steps, config.bptt):
        _, states = learner.loss_and_gradients(*columns.window(rows), states, rng)
        optimizer.step(config.clip)
        if average:
            average.step()
        marks.append((rows.stop, clock()))
        if len(marks) > _WARM_UP + _LEAST_WINDOWS and marks[-1][1] - marks[_WARM_UP][1] >= seconds:
            break
    (first, began), (last, ended) = marks[_WARM_UP if len(marks) > 2 * _WARM_UP else 0], marks[-1]
    return (ended - began) * columns.steps / (last - first)


def _validated(config: LMTrainingConfig, valid: Ids) -> int:
    """Return the number of words that are read after an epoch."""
    return min(len(valid), config.validation_tokens or len(valid))


def _validation(model: LanguageModel, valid: Ids, clock: Clock) -> float:
    """Return the seconds of a word of the validation by those of the first ones."""
    words = valid[:_VALIDATION_WORDS]
    evaluate_side_by_side(model, words[: _VALIDATION_WORDS // 10])  # compiles
    started = clock()
    evaluate_side_by_side(model, words)
    return (clock() - started) / len(words)


def _epochs_of_checkpoint(checkpointing: Checkpointing | None) -> int | None:
    """Return the number of epochs of an interrupted training; None if there is none."""
    checkpoints = Checkpoints(checkpointing)
    checkpoint = checkpoints.load()
    if checkpoint is None:
        return None
    with checkpoints.fitting():
        return int(checkpoint.state["identity"]["training"]["epochs"])
