"""One run of a `fit` that trains numbered blocks by threads: epochs, loss, progress, checkpoints.

word2vec and GloVe train in this way; what a block is and how it is trained is said by their `training_run` modules.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, ClassVar

import numpy as np

from embeddings.block_queue import Work
from embeddings.checkpoint import require_same
from embeddings.errors import EmbeddingsError
from embeddings.training import Checkpoints, Pace, ProgressCallback, TrainingDiverged, TrainingProgress

logger = logging.getLogger(__name__)

_REPORT_SECONDS = 0.2
_BEST = "best_"  # before the names of the arrays of the best epoch in a checkpoint


class BlockTraining(ABC):
    """Trains the blocks of every epoch in place; each of several threads takes the next one.

    A checkpoint is made when all threads have ended, so that it holds whole blocks only.

    Parameters
    ----------
    epochs : int
    blocks : int
        Number of blocks of an epoch.
    epoch_units : int
        Words or pairs of an epoch, in all blocks.
    progress : callable, optional
        Called several times a second with a `TrainingProgress`.
    checkpoints : Checkpoints, optional
    patience : int, optional
        End training after so many epochs in a row without a lower `held_out_loss`, and return to the best one; there
        must be such a loss. By default all epochs are trained.

    Attributes
    ----------
    unit : str
        What is trained: "words" or "pairs".
    metrics : list of dict
        One entry an epoch: ``epoch``, words or pairs trained so far, ``seconds``, ``learning_rate``, ``loss`` and
        ``held_out_loss``.
    """

    unit: ClassVar[str]

    def __init__(
        self,
        epochs: int,
        blocks: int,
        epoch_units: int,
        progress: ProgressCallback | None,
        checkpoints: Checkpoints | None,
        patience: int | None = None,
    ) -> None:
        self.metrics: list[dict[str, Any]] = []
        self._epochs, self._block_count, self._epoch_units = epochs, blocks, epoch_units
        self._progress, self._checkpoints = progress, checkpoints or Checkpoints(None)
        self._patience = patience
        self._best: dict[str, np.ndarray] = {}  # with patience, what was trained after the best epoch
        self._pace = Pace(epochs * epoch_units)
        self._trained_seconds = 0.0
        self._begun = 0, Work(blocks)  # the epoch in progress, from 0, and the queue of its blocks
        self._whole = threading.Lock()  # taken while threads change what is trained

    @property
    @abstractmethod
    def threads(self) -> int:
        """Number of threads that train."""

    @abstractmethod
    def compile(self) -> None:
        """Compile the kernels, so that training time excludes compilation."""

    @abstractmethod
    def state(self) -> Mapping[str, np.ndarray]:
        """Return everything that the next step depends on, by its name in checkpoints."""

    @abstractmethod
    def _start(self, epoch: int, work: Work) -> Callable[[], None]:
        """Return the function for each of the threads; it trains blocks of the queue until none is left."""

    @abstractmethod
    def _units_before(self, epoch: int, position: int) -> int:
        """Return the number of words or pairs in the first `position` blocks of an epoch."""

    @abstractmethod
    def _rate_after(self, done: int) -> float:
        """Return the learning rate after so many words or pairs."""

    def held_out_loss(self) -> float | None:
        """Return the mean loss per example of what no epoch trains on; None if there is no such text."""
        return None

    def _note(self) -> str:
        """Return what else the progress has to say."""
        return ""

    def _observe(self, done: int, loss: float = 0.0, examples: int = 0) -> None:  # noqa: B027 - few trainings listen
        """Hear how many words or pairs are trained, and the sum of losses of so many examples since the last call."""

    def _identity(self) -> Mapping[str, Mapping[str, Any]]:
        """Return what a checkpoint belongs to, by section: a training that resumes from it has the same."""
        return {}

    def _saved_arrays(self) -> Mapping[str, np.ndarray]:
        """Return the arrays of a checkpoint."""
        return {**self.state(), **{_BEST + name: matrix for name, matrix in self._best.items()}}

    def _restore_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the arrays of a checkpoint, whose metrics are taken already."""
        _copy(arrays, self.state())
        if self._patience is not None and self.metrics:
            self._best = {name: np.empty_like(matrix) for name, matrix in self.state().items()}
            _copy(arrays, self._best, _BEST)

    def train(self) -> None:
        """Train all epochs in place; resume from the newest checkpoint if one exists.

        Raises
        ------
        TrainingDiverged
            A loss or weight is not a finite number.
        EmbeddingsError
            A checkpoint cannot be written.
        KeyboardInterrupt
            Training was interrupted; the threads have ended and a checkpoint is written.
        """
        _, work = self._begun
        self._restore(work)
        self._begun = len(self.metrics), work
        self.compile()
        done = len(self.metrics) * self._epoch_units + work.tokens
        self._pace.update(done)
        self._observe(done)
        try:
            self._train_epochs()
        except EmbeddingsError:  # diverged, or no space for a checkpoint
            raise
        except BaseException:  # usually an interruption; a second one can end the wait for the threads
            with self._whole:
                self._save_unless_lost()
            raise
        self._take_best()

    def _train_epochs(self) -> None:
        while not self._finished:
            epoch, work = self._begun
            self._train_epoch(epoch, work)
            metrics = self._epoch_metrics(epoch, work)
            self._report_epoch(epoch, metrics)
            self.metrics.append(metrics)
            self._end_epoch()
            if self._checkpoints.due or self._finished:
                self._save(self._begun[1])

    def _end_epoch(self) -> None:
        """Let the next epoch begin; after an interruption anywhere in it, once more."""
        self._keep_best()
        self._begun = len(self.metrics), Work(self._block_count)

    def _save_unless_lost(self) -> None:
        """Write a checkpoint of what is trained, unless a thread failed and lost its block."""
        epoch, work = self._begun
        if epoch < len(self.metrics):
            self._end_epoch()
            epoch, work = self._begun
        self._require_finite(work.loss)
        if work.tokens == self._units_before(epoch, work.position):
            self._save(work)

    @property
    def _best_epoch(self) -> int:
        """The epoch with the lowest loss of the held-out text, from 1; 0 before the first."""
        losses = [entry["held_out_loss"] for entry in self.metrics]
        return 1 + losses.index(min(losses)) if losses else 0

    @property
    def _finished(self) -> bool:
        """Whether all epochs are trained, or `patience` has ended the training."""
        epochs, patience = len(self.metrics), self._patience
        return epochs >= self._epochs or (patience is not None and epochs - self._best_epoch >= patience)

    def _keep_best(self) -> None:
        """With patience, keep a copy of what is trained if the last epoch is the best one."""
        if self._patience is not None and self._best_epoch == len(self.metrics):
            self._best = {name: matrix.copy() for name, matrix in self.state().items()}

    def _take_best(self) -> None:
        """With patience, return to the best epoch."""
        if self._patience is None or self._best_epoch == len(self.metrics):
            return
        logger.info(
            "the loss of the held-out text was lowest after epoch %d of %d, whose vectors are kept",
            self._best_epoch,
            len(self.metrics),
        )
        _copy(self._best, self.state())

    def _train_epoch(self, epoch: int, work: Work) -> None:
        """Train the rest of an epoch."""
        while not work.finished:
            self._run_threads(epoch, work, self._checkpoints.seconds_to_next)
            self._require_finite(work.loss)
            if not work.finished:
                self._save(work)

    def _run_threads(self, epoch: int, work: Work, seconds: float) -> None:
        """Train with all threads until no block is left or the time is up."""
        start, before = time.monotonic(), work.so_far()
        work.pause(False)
        run = self._start(epoch, work)
        with ThreadPoolExecutor(1, "training") as alone:  # an interruption can neither begin nor end some threads only
            try:
                training = alone.submit(self._train_together, run)
                while wait([training], timeout=max(0.0, min(_REPORT_SECONDS, seconds))).not_done:
                    if time.monotonic() - start > seconds:
                        break
                    before = self._report(epoch, work, before)
            finally:
                work.pause()
        training.result()
        self._trained_seconds += time.monotonic() - start
        self._report(epoch, work, before)

    def _train_together(self, run: Callable[[], None]) -> None:
        with self._whole, ThreadPoolExecutor(self.threads, "training") as pool:
            for future in [pool.submit(run) for _ in range(self.threads)]:
                future.result()

    def _epoch_metrics(self, epoch: int, work: Work) -> dict[str, Any]:
        done = self._epoch_units * (epoch + 1)
        return {
            "epoch": epoch + 1,
            self.unit: done,
            "seconds": round(self._trained_seconds, 3),
            "learning_rate": self._rate_after(done),
            "loss": work.mean_loss,
            "held_out_loss": self.held_out_loss(),
        }

    def _save(self, work: Work) -> None:
        state = {
            "identity": self._identity(),
            "metrics": self.metrics,
            "seconds": self._trained_seconds,
            "work": work.state(),
        }
        self._checkpoints.save(self._saved_arrays(), state)

    def _restore(self, work: Work) -> None:
        """Restore the newest checkpoint; one that an earlier version wrote has no identity to compare."""
        found = self._checkpoints.load()
        if found is None:
            return
        with self._checkpoints.fitting():
            if "identity" in found.state:
                require_same(found.state["identity"], self._identity(), str(self._checkpoints.directory))
            self.metrics += [dict(entry) for entry in found.state["metrics"]]
            self._restore_arrays(found.arrays)
            self._trained_seconds = float(found.state["seconds"])
            work.restore(found.state["work"])
            if work.tokens != self._units_before(len(self.metrics), work.position):
                raise ValueError(f"{work.tokens} {self.unit} in the first {work.position} blocks")
        logger.info("resuming after epoch %d, block %d", len(self.metrics), work.position)

    def _report(self, epoch: int, work: Work, before: tuple[float, int, int]) -> tuple[float, int, int]:
        """Report the progress, with the loss since `before`; return loss, examples and words or pairs so far."""
        loss, examples, units = now = work.so_far()
        self._require_finite(loss)
        done = epoch * self._epoch_units + units
        self._pace.update(done)
        self._observe(done, loss - before[0], examples - before[1])
        if self._progress is not None and units > before[2]:
            measured = examples > before[1]
            mean = (loss - before[0]) / (examples - before[1]) if measured else float("nan")
            self._progress(self._event(epoch, done, mean))
        return now

    def _report_epoch(self, epoch: int, metrics: dict[str, Any]) -> None:
        """Report the end of an epoch, with its losses."""
        if self._progress is not None:
            mean = float("nan") if metrics["loss"] is None else metrics["loss"]
            event = self._event(epoch, (epoch + 1) * self._epoch_units, mean)
            self._progress(event._replace(epoch_metrics=metrics))

    def _event(self, epoch: int, done: int, loss: float) -> TrainingProgress:
        return TrainingProgress(
            epoch=epoch + 1,
            epochs=self._epochs,
            done=done,
            total=self._pace.total,
            unit=self.unit,
            speed=self._pace.speed,
            loss=loss,
            learning_rate=self._rate_after(done),
            seconds_left=self._pace.seconds_left(done),
            note=self._note(),
        )

    def _require_finite(self, loss: float) -> None:
        if not np.isfinite(loss) or not all(np.isfinite(matrix[:1000]).all() for matrix in self.state().values()):
            raise TrainingDiverged(
                f"the weights are no longer finite numbers: learning rate {self._rate_after(0):g} is too high for this "
                "text; try a quarter of it"
            )


def _copy(arrays: Mapping[str, np.ndarray], matrices: Mapping[str, np.ndarray], prefix: str = "") -> None:
    """Write arrays, whose names have a prefix, over the matrices of the same names."""
    for name, matrix in matrices.items():
        saved = arrays[prefix + name]
        if (saved.shape, saved.dtype) != (matrix.shape, matrix.dtype):
            raise ValueError(f"a matrix is {saved.dtype} {saved.shape}, in this training {matrix.dtype} {matrix.shape}")
        matrix[:] = saved
