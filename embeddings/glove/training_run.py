"""One run of `GloVe.fit`: threads, loss, progress, checkpoints. The arithmetic is in `kernels`."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.glove import kernels
from embeddings.glove.config import GloVeConfig
from embeddings.glove.shuffled_pairs import ShuffledPairs
from embeddings.training import Checkpoints, Pace, ProgressCallback, TrainingDiverged, TrainingProgress
from embeddings.word2vec import padded_matrices as matrices
from embeddings.word2vec.block_queue import Work

logger = logging.getLogger(__name__)

BLOCK_PAIRS = 1 << 16
_REPORT_SECONDS = 0.2
_ROWS_AT_A_TIME = 4096


class TrainingRun:
    """Trains all parameters on shuffled pairs with threads that update the same rows without locks (Hogwild).

    A thread takes the next block of pairs; every epoch has its own order of the blocks, which depends on the seed
    alone. With one thread the result is deterministic.

    Parameters
    ----------
    config : GloVeConfig
    pairs : ShuffledPairs
    progress : callable, optional
        Called several times a second with a `TrainingProgress`.
    checkpoints : Checkpoints, optional

    Attributes
    ----------
    rows : (V, 4 · padded d + BIASES) float32
        All parameters; see `kernels`.
    metrics : list of dict
        See `GloVe`.
    """

    def __init__(
        self,
        config: GloVeConfig,
        pairs: ShuffledPairs,
        progress: ProgressCallback | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self.config = config
        self.metrics: list[dict[str, Any]] = []
        self.rows = initial_rows(pairs.vocabulary_size, config.dimension, np.random.default_rng(config.seed))
        self._pairs = pairs.pairs
        self._progress, self._checkpoints = progress, checkpoints or Checkpoints(None)
        self._blocks = -(-len(self._pairs) // BLOCK_PAIRS)
        self._pace = Pace(len(self._pairs) * config.epochs)
        self._trained_seconds = 0.0
        self._whole = threading.Lock()  # taken while threads change the rows

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
        work = Work(self._blocks)
        self._restore(work)
        kernels.train_pairs(self._block(slice(0)), self.rows, self.config.learning_rate)  # compiles
        self._pace.update(len(self.metrics) * len(self._pairs) + work.tokens)
        for epoch in range(len(self.metrics), self.config.epochs):
            try:
                self._train_epoch(epoch, work)
                metrics = self._epoch_metrics(epoch, work)
                self._report_epoch(epoch, metrics)
            except EmbeddingsError:  # diverged, or no space for a checkpoint
                raise
            except BaseException:  # usually an interruption; a second one can end the wait for the threads
                with self._whole:
                    self._require_finite(work.loss)
                    if work.tokens == self._pairs_before(epoch, work.position):  # no thread failed and lost its block
                        self._save(work)
                raise
            self.metrics.append(metrics)
            work = Work(self._blocks)
            if self._checkpoints.due or epoch + 1 == self.config.epochs:
                self._save(work)

    def _train_epoch(self, epoch: int, work: Work) -> None:
        """Train the rest of an epoch; all threads end before a checkpoint, so that it holds only whole blocks."""
        while not work.finished:
            self._run_threads(epoch, work, self._checkpoints.seconds_to_next)
            self._require_finite(work.loss)
            if not work.finished:
                self._save(work)

    def _run_threads(self, epoch: int, work: Work, seconds: float) -> None:
        """Train with all threads until no block is left or the time is up."""
        start, before = time.monotonic(), work.so_far()
        work.pause(False)
        run = self._worker(work, self._order(epoch))
        with ThreadPoolExecutor(1, "glove") as alone:  # an interruption can neither begin nor end some threads only
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
        threads = self.config.thread_count
        with self._whole, ThreadPoolExecutor(threads, "glove") as pool:
            for future in [pool.submit(run) for _ in range(threads)]:
                future.result()

    def _worker(self, work: Work, order: np.ndarray) -> Callable[[], None]:
        """Return the function of a thread, which trains blocks until none is left."""

        def run() -> None:
            while (number := work.next()) is not None:
                start = int(order[number]) * BLOCK_PAIRS
                block = self._block(slice(start, start + BLOCK_PAIRS))
                loss, examples = kernels.train_pairs(block, self.rows, self.config.learning_rate)
                work.add(loss, examples, len(block.words))

        return run

    def _block(self, part: slice) -> kernels.Pairs:
        """Return some of the pairs, with log X and f(X) = min(1, (X / x_max)^α) (Pennington et al. 2014, eq. 9)."""
        pairs = self._pairs[part]
        counts = np.ascontiguousarray(pairs["count"])
        weights = np.minimum(1, (counts / np.float32(self.config.x_max)) ** np.float32(self.config.alpha))
        words, contexts = np.ascontiguousarray(pairs["word"]), np.ascontiguousarray(pairs["context"])
        return kernels.Pairs(words, contexts, np.log(counts), weights.astype(np.float32))

    def _order(self, epoch: int) -> np.ndarray:
        return np.random.default_rng((self.config.seed, epoch)).permutation(self._blocks)

    def _pairs_before(self, epoch: int, position: int) -> int:
        """Return the number of pairs in the first blocks of an epoch."""
        whole = self._order(epoch)[:position]
        last = len(self._pairs) - (self._blocks - 1) * BLOCK_PAIRS
        return len(whole) * BLOCK_PAIRS - (BLOCK_PAIRS - last) * int(self._blocks - 1 in whole)

    def _epoch_metrics(self, epoch: int, work: Work) -> dict[str, Any]:
        return {
            "epoch": epoch + 1,
            "pairs": len(self._pairs) * (epoch + 1),
            "seconds": round(self._trained_seconds, 3),
            "learning_rate": self.config.learning_rate,
            "loss": work.mean_loss,
            "held_out_loss": None,
        }

    def _save(self, work: Work) -> None:
        state = {"metrics": self.metrics, "seconds": self._trained_seconds, "work": work.state()}
        self._checkpoints.save({"rows": self.rows}, state)

    def _restore(self, work: Work) -> None:
        """Restore the newest checkpoint; the caller ensures that the directory has none of other settings or text."""
        found = self._checkpoints.load()
        if found is None:
            return
        with self._checkpoints.fitting():
            saved = found.arrays["rows"]
            if (saved.shape, saved.dtype) != (self.rows.shape, self.rows.dtype):
                raise ValueError(f"parameters are {saved.dtype} {saved.shape}, in this training {self.rows.shape}")
            self.rows[:] = saved
            self.metrics += [dict(entry) for entry in found.state["metrics"]]
            self._trained_seconds = float(found.state["seconds"])
            work.restore(found.state["work"])
            if work.tokens != self._pairs_before(len(self.metrics), work.position):
                raise ValueError(f"{work.tokens} pairs in the first {work.position} blocks")
        logger.info("resuming after epoch %d, block %d", len(self.metrics), work.position)

    def _report(self, epoch: int, work: Work, before: tuple[float, int, int]) -> tuple[float, int, int]:
        """Report the progress, with the loss since `before`; return loss, examples and pairs so far."""
        loss, examples, pairs = now = work.so_far()
        self._require_finite(loss)
        done = epoch * len(self._pairs) + pairs
        self._pace.update(done)
        if self._progress is not None and pairs > before[2]:
            self._progress(self._event(epoch, done, (loss - before[0]) / (examples - before[1])))
        return now

    def _report_epoch(self, epoch: int, metrics: dict[str, Any]) -> None:
        if self._progress is not None:
            event = self._event(epoch, (epoch + 1) * len(self._pairs), metrics["loss"])
            self._progress(event._replace(epoch_metrics=metrics))

    def _event(self, epoch: int, done: int, loss: float) -> TrainingProgress:
        return TrainingProgress(
            epoch=epoch + 1,
            epochs=self.config.epochs,
            done=done,
            total=len(self._pairs) * self.config.epochs,
            unit="pairs",
            speed=self._pace.speed,
            loss=loss,
            learning_rate=self.config.learning_rate,
            seconds_left=self._pace.seconds_left(done),
        )

    def _require_finite(self, loss: float) -> None:
        if not np.isfinite(loss) or not np.isfinite(self.rows[:1000]).all():
            raise TrainingDiverged(
                f"the weights are no longer finite numbers: learning rate {self.config.learning_rate:g} is too high "
                "for this text; try a quarter of it"
            )


def initial_rows(vocabulary_size: int, dimension: int, generator: np.random.Generator) -> np.ndarray:
    """Allocate all parameters: vectors and biases uniform in ±1/(2d), sums of squares 1, padding 0.

    Parameters
    ----------
    vocabulary_size : int
    dimension : int
    generator : np.random.Generator

    Returns
    -------
    (V, 4 · padded d + BIASES) float32
    """
    width = matrices.padded_dimension(dimension)
    rows = matrices.zeros(vocabulary_size, 4 * width + kernels.BIASES)
    for first in range(0, vocabulary_size, _ROWS_AT_A_TIME):
        part = rows[first : first + _ROWS_AT_A_TIME]
        drawn = (generator.random((len(part), 2 * dimension + 2), dtype=np.float32) - np.float32(0.5)) / dimension
        part[:, :dimension], part[:, width : width + dimension] = drawn[:, 2 : dimension + 2], drawn[:, dimension + 2 :]
        part[:, 4 * width : 4 * width + 2] = drawn[:, :2]
        part[:, 2 * width : 4 * width] = 1
        part[:, 4 * width + 2 : 4 * width + 4] = 1
    return rows


def summed_vectors(rows: np.ndarray, dimension: int) -> np.ndarray:
    """Return W + C of all words, (V, d) float32."""
    width = (rows.shape[1] - kernels.BIASES) // 4
    return rows[:, :dimension] + rows[:, width : width + dimension]
