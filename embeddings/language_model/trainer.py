"""Training of a language model: epochs of truncated BPTT over one long text, validation, checkpoints.

The state of a column continues from window to window (`batching`), and the gradient stops at the borders of windows.
All random numbers are drawn from one generator: a run that was interrupted and resumed from a checkpoint ends with the
same weights, bit for bit, as one that was not (on the same machine with the same number of threads).

An interruption is raised in the main thread, at any moment. Steps therefore run in a thread of their own: the current
step is finished, then the checkpoint is written, and nothing is lost. A lock keeps both apart, since a second
interruption can end the wait for that thread.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from contextvars import copy_context
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from embeddings.checkpoint import require_same
from embeddings.errors import EmbeddingsError
from embeddings.language_model.checkpoint import (
    group_of,
    joined_groups,
    not_finite,
    state_arrays,
    states_of,
    text_hash,
)
from embeddings.language_model.config import with_present_names
from embeddings.language_model.model import LanguageModel
from embeddings.language_model.perplexity import evaluate_side_by_side
from embeddings.language_model.shared_gradients import SharedGradients
from embeddings.language_model.training_config import LMTrainingConfig
from embeddings.networks.averaging import WeightAverage
from embeddings.networks.batching import Columns, windows
from embeddings.networks.cells import State
from embeddings.networks.optimizers import OPTIMIZERS, AveragedSGD, Optimizer
from embeddings.networks.schedules import Cosine, OneCycle, ReduceOnPlateau, StepDecay
from embeddings.parallel import using_threads
from embeddings.setting_types import require_number
from embeddings.text.id_stream import Ids
from embeddings.threads import thread_count
from embeddings.training import (
    Checkpointing,
    Checkpoints,
    Estimator,
    Pace,
    ProgressCallback,
    TrainingDiverged,
    TrainingProgress,
)
from embeddings.word2vec.crew import Crew
from vecmill.records import fits, require_types

logger = logging.getLogger(__name__)

_SMOOTHING = 0.98
_MIN_WINDOWS = 100
"""Number of windows after which a loss far above that of guessing ends the training."""
_LARGEST_LOSS = 700.0
"""A loss whose perplexity is still a number."""


@dataclass
class _Position:
    """Position of a training between two windows: everything that a checkpoint holds beside arrays."""

    epoch: int = 0
    row: int = 0
    windows: int = 0
    loss_sum: float = 0.0
    loss_tokens: int = 0
    running_loss: float | None = None
    seconds: float = 0.0
    best_loss: float | None = None
    best_epoch: int = 0


class LMTrainer(Estimator):
    """Trains a language model in place.

    Parameters
    ----------
    model : LanguageModel
        New or trained.
    config : LMTrainingConfig, optional
    seed : int
        Seed of dropout, lengths of windows and noise words.
    threads : int, optional
        Default: all cores.
    checkpointing : Checkpointing, optional
        Directory and interval of checkpoints. Default: none are written.

    Attributes
    ----------
    model_ : LanguageModel
        The model with the weights of the best validation, after `fit`.
    metrics_ : list of dict
        One entry per epoch: losses, perplexities, learning rate, tokens, seconds, tokens per second.
    """

    model_: LanguageModel
    metrics_: list[dict[str, Any]]

    def __init__(
        self,
        model: LanguageModel,
        config: LMTrainingConfig | None = None,
        *,
        seed: int = 1,
        threads: int | None = None,
        checkpointing: Checkpointing | None = None,
    ) -> None:
        self.model, self.config = model, config or LMTrainingConfig()
        self.seed, self.threads = require_number("seed", seed, 0), None if threads is None else thread_count(threads)
        self.checkpointing = checkpointing

    def _begin(self) -> None:
        """Reset the state of training."""
        config = self.config
        self._rng = np.random.default_rng([self.seed, 1])  # another stream than that of weights drawn from the seed
        self.model.draw_from(self._rng)
        self.model.use_bfloat16(config.precision == "auto")
        extra = {"weight_decay": config.weight_decay}
        self._optimizer: Optimizer = OPTIMIZERS[config.optimizer](self.model.trainable_parameters, config.rate, **extra)
        self._average = WeightAverage(self.model.trainable_parameters, config.average) if config.average else None
        self._plateau = ReduceOnPlateau(learning_rate=config.rate, factor=config.anneal)
        self._metrics: list[dict[str, Any]] = []
        self._position = _Position()
        self._states: list[State] | None = None
        self._best: dict[str, np.ndarray] = {}
        self._text: dict[str, str] = {}
        self._checkpoints = Checkpoints(self.checkpointing)
        self._saved_after: int | None = None
        self._whole = threading.Lock()  # taken while weights, optimizer and position change

    def fit(
        self, train: Ids, valid: Ids, *, progress: ProgressCallback | None = None, crew: Crew | None = None
    ) -> Self:
        """Train, and leave the model with the weights of the best validation.

        Parameters
        ----------
        train, valid : Ids
            (N,) ids: arrays, or streams that are read in pieces.
        progress : callable, optional
            Called after every window with a `TrainingProgress`.
        crew : Crew, optional
            Processes that read some of the columns each, on other machines too; with dropout the result depends on
            the number of workers, and in its last digits on the number of threads. Default: this process alone.

        Returns
        -------
        LMTrainer
            Itself, with `model_` and `metrics_`.

        Raises
        ------
        TrainingDiverged
            Loss, gradient or weights are not finite, or the loss stays far above that of guessing; the last
            checkpoint, whose weights are finite, is kept.
        EmbeddingsError
            A text is empty, or the checkpoint has another architecture, text or training configuration.
        KeyboardInterrupt
            Training was interrupted; a checkpoint has been written.
        """
        if not len(train) or not len(valid):
            raise EmbeddingsError("no text to train or validate on: expected at least one word of each")
        columns = Columns(train, self.config.batch_size, self.model.eos)
        self._begin()
        if columns.columns < self.config.batch_size:
            logger.warning("the text has only %d words: fewer columns than %d", len(train), self.config.batch_size)
        self._restore({"training text": text_hash(train), "validation text": text_hash(valid)}, columns)
        if self.config.validation_tokens is not None:
            valid = valid[: self.config.validation_tokens]
        self._shared = SharedGradients(crew, self.model, self.seed, self.threads) if crew else None
        self._pace = Pace(self._total(columns))
        begun_at = self._position.windows
        try:
            with using_threads(self.threads), ThreadPoolExecutor(1, "training") as thread:
                while self._position.epoch < self.config.epochs and not self._finished_early():
                    self._train_epoch(columns, thread, progress)
                    self._validate(valid, thread)
                    self._pace.total = self._total(columns)
                    if progress:
                        ended = self._progress(columns)._replace(epoch=self._position.epoch)
                        progress(ended._replace(epoch_metrics=self._metrics[-1]))
                    self._save_if_due()
                if self._exploded():  # too few windows for the check during training
                    raise self._divergence()
                if self._position.windows > begun_at:
                    self._save()
        except KeyboardInterrupt:
            with self._whole, suppress(TrainingDiverged):  # the step is finished; the previous checkpoint is kept
                self._save()
            raise
        except TrainingDiverged as error:
            raise TrainingDiverged(f"{error}{self._about_checkpoint()}") from error
        self.model.use_full_softmax(False)
        self.model.use_bfloat16(False)
        for name, value in self._best.items():
            self.model.parameters[name].value[...] = value
        self.model_, self.metrics_ = self.model, self._metrics
        return self

    def _finished_early(self) -> bool:
        waited = self._position.epoch - self._position.best_epoch
        if self.config.patience is None or waited < self.config.patience:
            return False
        logger.info("no improvement in %d validations: training ends early", waited)
        return True

    def _train_epoch(self, columns: Columns, thread: ThreadPoolExecutor, progress: ProgressCallback | None) -> None:
        """Train on the rest of an epoch."""
        position, rng = self._position, self._rng if self.config.variable_windows else None
        pieces = windows(columns.steps - position.row, self.config.bptt, rng)
        self.model.use_full_softmax(self.config.trains_full_softmax(position.epoch))
        if position.row == 0 and self._is_sampled(position.epoch - 1) != self._is_sampled(position.epoch):
            position.running_loss = None  # that of the other softmax
        self._pace.pause()
        while self._alone(thread, self._step, columns, pieces):
            self._pace.update(self._tokens_done(columns))
            if progress:
                progress(self._progress(columns))
            self._save_if_due()

    def _is_sampled(self, epoch: int) -> bool:
        """Return whether the loss of an epoch is that of a sampled softmax."""
        return self.model.config.output == "sampled" and not self.config.trains_full_softmax(epoch)

    def _alone(self, thread: ThreadPoolExecutor, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in the thread of steps, and wait for it; no checkpoint is written meanwhile."""

        def call() -> Any:
            with self._whole:
                return function(*arguments)

        return thread.submit(copy_context().run, call).result()

    def _step(self, columns: Columns, pieces: Iterator[slice]) -> bool:
        """Train on the next window; return whether there was one."""
        position, optimizer, started = self._position, self._optimizer, time.monotonic()
        piece = next(pieces, None)
        if piece is None:
            return False
        size = piece.stop - piece.start
        rows = slice(position.row, position.row + size)
        inputs, targets = columns.window(rows)
        rate = self._rate(position.epoch * columns.steps + rows.start, columns.steps)
        optimizer.learning_rate = rate * (size / self.config.bptt if self.config.variable_windows else 1.0)
        if self._shared:
            loss, self._states = self._shared.loss_and_gradients(inputs, targets, self._states, position.windows)
        else:
            loss, self._states = self.model.loss_and_gradients(inputs, targets, self._states, self._rng)
        self._require_sound(loss)
        optimizer.step(self.config.clip)
        if self._shared:
            self._shared.follow()
        if self._average:
            self._average.step()
        count = int((targets >= 0).sum())
        position.loss_sum += loss * count
        position.loss_tokens += count
        position.row, position.windows = rows.stop, position.windows + 1
        position.seconds += time.monotonic() - started
        return True

    def _require_sound(self, loss: float) -> None:
        position = self._position
        before = loss if position.running_loss is None else position.running_loss
        position.running_loss = _SMOOTHING * before + (1 - _SMOOTHING) * loss
        if not math.isfinite(loss) or (position.windows >= _MIN_WINDOWS and self._exploded()):
            raise self._divergence()

    def _divergence(self) -> TrainingDiverged:
        position = self._position
        return TrainingDiverged(
            f"training diverged: the loss is {position.running_loss:.3g} after {position.windows} windows; lower the "
            f"learning rate ({self.config.rate:g}) or the clipping norm ({self.config.clip:g})"
        )

    def _exploded(self) -> bool:
        """Return whether the loss is far above that of guessing."""
        return (self._position.running_loss or 0.0) > 2 * math.log(len(self.model.vocabulary))

    def _rate(self, step: int, steps: int) -> float:
        """Return the learning rate at a time step, counted through all epochs of `steps`."""
        config, total = self.config, self.config.epochs * steps
        if config.schedule == "cosine":
            return Cosine(learning_rate=config.rate, total=total, warmup=min(total // 50, 40 * config.bptt))(step)
        if config.schedule == "one-cycle":
            return OneCycle(learning_rate=config.rate, total=total)(step)
        if config.schedule == "step":
            decay = StepDecay(learning_rate=config.rate, factor=config.anneal, delay=config.anneal_after - 1)
            return decay(step // steps)
        return self._plateau.learning_rate if config.schedule == "plateau" else config.rate

    def _validate(self, valid: Ids, thread: ThreadPoolExecutor) -> None:
        started = time.monotonic()
        with self._whole, self._averages():
            loss = self._validation_loss(valid)
        self._alone(thread, self._note_validation, loss, time.monotonic() - started)

    def _averages(self) -> AbstractContextManager[None]:
        """Return a context in which the model has the average of its weights, if there is one."""
        if self._average:
            return self._average.in_place()
        return self._optimizer.averages() if isinstance(self._optimizer, AveragedSGD) else nullcontext()

    def _note_validation(self, loss: float, seconds: float) -> None:
        """Record a validation, and end the epoch."""
        position, optimizer = self._position, self._optimizer
        if isinstance(optimizer, AveragedSGD):  # averaging takes the place of a falling rate
            optimizer.validated(loss)
        else:
            self._plateau.validated(loss)
        sampled = self._is_sampled(position.epoch)  # a loss over few words, and no perplexity
        position.epoch, position.row, self._states = position.epoch + 1, 0, None
        if not loss < _LARGEST_LOSS:
            raise TrainingDiverged(
                f"training diverged: the validation loss is {loss:.3g} after epoch {position.epoch}; lower the "
                "learning rate"
            )
        trained = position.loss_sum / position.loss_tokens
        before = self._metrics[-1]["seconds"] if self._metrics else 0.0
        self._metrics.append(
            {
                "epoch": position.epoch,
                "loss": trained,
                "perplexity": None if sampled else math.exp(min(trained, _LARGEST_LOSS)),
                "valid_loss": loss,
                "valid_perplexity": math.exp(loss),
                "learning_rate": optimizer.learning_rate,
                "tokens": position.loss_tokens,
                "seconds": position.seconds,
                "validation_seconds": seconds,
                "tokens_per_second": position.loss_tokens / max(position.seconds - before, 1e-9),
                "precision": self.model.precision,
            }
        )
        position.loss_sum, position.loss_tokens = 0.0, 0
        found = self._metrics[-1]
        logger.info("epoch %(epoch)d: loss %(loss).3f, validation perplexity %(valid_perplexity).1f", found)

    def _validation_loss(self, valid: Ids) -> float:
        """Measure the model, and keep its weights if it is the best so far."""
        found = evaluate_side_by_side(self.model, valid)
        loss = -found.log_likelihood / (found.words + found.sentences)
        position = self._position
        if position.best_loss is None or loss < position.best_loss:
            self._best = {name: parameter.value.copy() for name, parameter in self.model.parameters.items()}
            position.best_loss, position.best_epoch = loss, position.epoch + 1
        return loss

    def _total(self, columns: Columns) -> int:
        return self.config.epochs_ahead(self._position.best_epoch) * columns.steps * columns.columns

    def _tokens_done(self, columns: Columns) -> int:
        return (self._position.epoch * columns.steps + self._position.row) * columns.columns

    def _progress(self, columns: Columns) -> TrainingProgress:
        done = self._tokens_done(columns)
        return TrainingProgress(
            epoch=self._position.epoch + 1,
            epochs=self.config.epochs_ahead(self._position.best_epoch),
            done=done,
            total=self._pace.total,
            unit="tokens",
            speed=self._pace.speed,
            loss=self._position.running_loss or 0.0,
            learning_rate=self._optimizer.learning_rate,
            seconds_left=self._pace.seconds_left(done),
        )

    def _identity(self) -> dict[str, Any]:
        return {"model": asdict(self.model.config), "training": asdict(self.config)}

    def _save_if_due(self) -> None:
        if self._checkpoints.due:
            self._save()

    def _save(self) -> None:
        """Write a checkpoint; if weights are damaged or the loss is exploding, the previous one is kept."""
        damaged = not_finite(self.model.parameters)
        if damaged is not None:
            raise TrainingDiverged(
                f"training diverged in epoch {self._position.epoch + 1}: {damaged} holds NaN or infinity; lower the "
                f"learning rate ({self.config.rate:g}) or the clipping norm ({self.config.clip:g})"
            )
        if self._checkpoints.directory is None or self._exploded():
            return
        arrays = joined_groups(
            {
                "weight": {name: parameter.value for name, parameter in self.model.parameters.items()},
                "optimizer": self._optimizer.state,
                "average": self._average.arrays if self._average else {},
                "best": self._best,
                "state": state_arrays(self._states),
            }
        )
        state = {
            "identity": self._identity(),
            "text": self._text,
            "position": asdict(self._position),
            "optimizer": self._optimizer.numbers(),
            "averaged_steps": self._average.steps if self._average else 0,
            "plateau": asdict(self._plateau),
            "random": self._rng.bit_generator.state,
            "metrics": self._metrics,
        }
        self._checkpoints.save(arrays, state)
        self._saved_after = self._position.windows

    def _about_checkpoint(self) -> str:
        if self._saved_after is None:
            return ""
        return f"; the checkpoint after {self._saved_after} windows is kept in {self._checkpoints.directory}"

    def _restore(self, text: dict[str, str], columns: Columns) -> None:
        """Resume from the checkpoint, if there is one."""
        self._text = text
        checkpoint, origin = self._checkpoints.load(), str(self._checkpoints.directory)
        if checkpoint is None:
            return
        arrays, state = checkpoint
        with self._checkpoints.fitting():
            before = {**state["identity"], "text": state["text"]}
            before["model"] = with_present_names(before["model"])
            before["training"] = {**asdict(LMTrainingConfig()), **before["training"]}  # an earlier version knew fewer
            require_same(before, {**self._identity(), "text": text}, origin)
            self.model.assign(group_of(arrays, "weight"), origin)
            self._optimizer.restore(group_of(arrays, "optimizer"), state["optimizer"])
            if self._average:
                self._average.restore(group_of(arrays, "average"), state["averaged_steps"])
            self._best = group_of(arrays, "best")
            if any(self.model.parameters[name].value.shape != array.shape for name, array in self._best.items()):
                raise ValueError("the best weights are of another architecture")
            self._states = self._fitting_states(states_of(group_of(arrays, "state")), columns)
            self._position = _Position(**state["position"])
            if not 0 <= self._position.row <= columns.steps:
                raise ValueError(f"time step {self._position.row} of {columns.steps}")
            self._plateau = ReduceOnPlateau(**state["plateau"])
            for record in (self._position, self._plateau):
                require_types(record)
            self._rng.bit_generator.state = state["random"]
            if not fits(state["metrics"], list[dict[str, float | str | None]]) or any(
                "seconds" not in e for e in state["metrics"]
            ):
                raise TypeError("metrics are not records of epochs")
            self._metrics, self._saved_after = state["metrics"], self._position.windows
        logger.info("resuming in epoch %d, after %d windows", self._position.epoch + 1, self._position.windows)

    def _fitting_states(self, states: list[State] | None, columns: Columns) -> list[State] | None:
        """Return states, whose shapes must be those after a time step of this model."""
        if states is not None:
            _, ours = self.model.hidden(np.zeros((1, columns.columns), np.int64))
            theirs, wanted = ([[(p.shape, p.dtype) for p in state] for state in layers] for layers in (states, ours))
            if theirs != wanted:
                raise ValueError(f"states {theirs}, in this training {wanted}")
        return states
