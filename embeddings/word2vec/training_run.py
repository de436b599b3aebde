"""One run of `Word2Vec.fit`: threads, learning rate, loss, progress, checkpoints. The arithmetic is in `kernels`."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.encoded_corpus import EncodedCorpus, require_encoded
from embeddings.text.vocabulary import Vocabulary
from embeddings.training import Checkpoints, Pace, ProgressCallback, TrainingDiverged, TrainingProgress
from embeddings.word2vec import deterministic as rounds
from embeddings.word2vec import kernel_arguments as kernels
from embeddings.word2vec.block_queue import Work
from embeddings.word2vec.blocks import cut_into_blocks, hold_out
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.crew import Crew, WorkerRounds, deal, piece_tokens
from embeddings.word2vec.deterministic import Rounds
from embeddings.word2vec.expected_updates import updates_per_token
from embeddings.word2vec.hogwild import Hogwild
from embeddings.word2vec.initial_parameters import extensions_of, initial_parameters, ngrams_of, trained_counts

logger = logging.getLogger(__name__)

_REPORT_SECONDS = 0.2
_LOSS_INTERVAL = 128  # centre words for each whose loss is measured; fewer in small texts
_LEAST_MEASURED = 1000  # words of an epoch whose loss is taken, if it has as many
_HELD_OUT_EPOCH = 2**32 - 1  # its random streams differ from those of every real epoch


class TrainingRun:
    """Trains E and C on an encoded corpus with Hogwild threads, or in deterministic rounds.

    The learning rate and the random stream of a block depend only on the seed, the epoch and the position of the block
    in the corpus, not on the thread that trains it; with one Hogwild thread the result is deterministic too.

    Parameters
    ----------
    config : Word2VecConfig
    corpus : EncodedCorpus
    vocabulary : Vocabulary
        The vocabulary that encoded `corpus`.
    trained : (V,) bool, optional
        Words to train; by default all.
    progress : callable, optional
        Called several times a second with a `TrainingProgress`.
    checkpoints : Checkpoints, optional
    crew : Crew, optional
        Processes that train instead of threads of this one.
    workers : int
        Workers among whom the blocks are dealt; those of `crew` if it is given.

    Attributes
    ----------
    parameters : kernels.Parameters
        E and C with padded rows, and the tables of draws.
    extensions : kernels.Extensions
        Subwords, paths and position weights.
    ngrams : NgramTable or None
        The n-grams that rows of E after those of the words belong to.
    metrics : list of dict
        See `Word2Vec`.

    Raises
    ------
    EmbeddingsError
        The vocabulary is another one, or fewer than two words are to be trained.
    """

    def __init__(
        self,
        config: Word2VecConfig,
        corpus: EncodedCorpus,
        vocabulary: Vocabulary,
        trained: np.ndarray | None = None,
        progress: ProgressCallback | None = None,
        checkpoints: Checkpoints | None = None,
        crew: Crew | None = None,
        workers: int = 1,
    ) -> None:
        require_encoded(corpus, vocabulary)
        self.config = config
        self.metrics: list[dict[str, Any]] = []
        self._progress, self._checkpoints = progress, checkpoints or Checkpoints(None)
        workers = crew.workers if crew else workers
        blocks = cut_into_blocks(
            corpus, rounds.block_tokens(corpus) if config.deterministic else piece_tokens(corpus, workers)
        )
        held_out = hold_out(blocks, config.held_out)
        self._held_out = blocks.select(held_out)
        self._blocks = deal(blocks.select(~held_out), workers)
        self._tokens_before = np.concatenate([[0], np.cumsum(self._blocks.tokens)])
        self._loss_interval = max(1, min(_LOSS_INTERVAL, self._epoch_tokens // _LEAST_MEASURED))
        self.ngrams = ngrams_of(config, vocabulary, trained)
        documents = corpus.sentence_count if config.trains_documents else 0
        self.parameters = initial_parameters(config, vocabulary, trained, self.ngrams, documents)
        self.extensions = extensions_of(config, vocabulary, trained, self.ngrams)
        self._hogwild = Hogwild(config, corpus, self.parameters, self.extensions, int(blocks.tokens.max()))
        self._strategy: Hogwild | Rounds | WorkerRounds = self._hogwild
        if crew:
            counts = trained_counts(vocabulary, trained)
            updates = updates_per_token(config, counts, self.parameters, self.extensions)
            self._strategy = WorkerRounds(crew, self.matrices(), updates)
        elif config.deterministic:
            self._strategy = Rounds(config, corpus, self.parameters, self.extensions, self._blocks)
        self._pace = Pace(self.words_total)
        self._trained_seconds = 0.0
        self._whole = threading.Lock()  # taken while threads change E and C

    @property
    def context(self) -> np.ndarray:
        """C without the rows that threads have for themselves, (V, padded d) float32."""
        return self.parameters.context[: len(self.parameters.keep)]

    @property
    def words_total(self) -> int:
        """Number of tokens to train, over all epochs."""
        return self._epoch_tokens * self.config.epochs

    @property
    def _epoch_tokens(self) -> int:
        return int(self._tokens_before[-1])

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
        work = Work(len(self._blocks))
        self._restore(work)
        self.compile()
        self._pace.update(len(self.metrics) * self._epoch_tokens + work.tokens)
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
                    if work.tokens == self._tokens_before[work.position]:  # a thread that failed has lost its block
                        self._save(work)
                raise
            self.metrics.append(metrics)
            work = Work(len(self._blocks))
            if self._checkpoints.due or epoch + 1 == self.config.epochs:
                self._save(work)

    def compile(self) -> None:
        """Compile the kernels, so that training time excludes compilation."""
        for strategy in {self._hogwild, self._strategy}:
            strategy.compile(self._step(0, 0, 0.0, 1))

    def train_blocks(self, epoch: int, numbers: Sequence[int]) -> tuple[float, int]:
        """Train some blocks of an epoch in place, with all threads; return the sum of losses and of examples.

        Parameters
        ----------
        epoch : int
        numbers : sequence of int
            Of the blocks, in the order in which they were dealt.

        Returns
        -------
        loss : float
        examples : int
        """
        work = Work(len(numbers))

        def step(turn: int) -> kernels.Step:
            return self._step(epoch, numbers[turn], self._learning_rate(epoch, numbers[turn]), self._loss_interval)

        self._train_together(self._strategy.start(work, self._blocks.select(np.asarray(numbers)), step))
        return work.loss, work.examples

    def _epoch_metrics(self, epoch: int, work: Work) -> dict[str, Any]:
        return {
            "epoch": epoch + 1,
            "words": self._epoch_tokens * (epoch + 1),
            "seconds": round(self._trained_seconds, 3),
            "learning_rate": self._learning_rate(epoch + 1, 0),
            "examples": work.examples * self._loss_interval,
            "loss": work.mean_loss,
            "held_out_loss": self.held_out_loss(),
            **(self._strategy.costs() if isinstance(self._strategy, WorkerRounds) else {}),
        }

    def held_out_loss(self) -> float | None:
        """Return the mean loss per example of the held-out blocks, or None without any; deterministic."""
        if not len(self._held_out):
            return None
        work = Work(len(self._held_out))
        self._hogwild.start(work, self._held_out, lambda block: self._step(_HELD_OUT_EPOCH, block, 0.0, 1))()
        return work.mean_loss

    def _train_epoch(self, epoch: int, work: Work) -> None:
        """Train the rest of an epoch; all threads end before a checkpoint, so that it holds only whole blocks."""

        def step(block: int) -> kernels.Step:
            return self._step(epoch, block, self._learning_rate(epoch, block), self._loss_interval)

        if isinstance(self._strategy, WorkerRounds):
            self._strategy.begin_epoch(epoch)
        while not work.finished:
            self._run_threads(epoch, work, step, self._checkpoints.seconds_to_next)
            self._require_finite(work.loss)
            if not work.finished:
                self._save(work)

    def _run_threads(self, epoch: int, work: Work, step: Callable[[int], kernels.Step], seconds: float) -> None:
        """Train with all threads until no block is left or the time is up."""
        start, before = time.monotonic(), work.so_far()
        work.pause(False)
        run = self._strategy.start(work, self._blocks, step)
        with ThreadPoolExecutor(1, "word2vec") as alone:  # an interruption can neither begin nor end some threads only
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
        threads = self._strategy.threads
        with self._whole, ThreadPoolExecutor(threads, "word2vec") as pool:
            for future in [pool.submit(run) for _ in range(threads)]:
                future.result()

    def matrices(self) -> dict[str, np.ndarray]:
        """Return everything that is trained, by its name in checkpoints."""
        weights = self.extensions.position_weights
        arrays = {"embedding": self.parameters.embedding, "context": self.context}
        return arrays if weights is None else {**arrays, "position_weights": weights}

    def _save(self, work: Work) -> None:
        state = {"metrics": self.metrics, "seconds": self._trained_seconds, "work": work.state()}
        self._checkpoints.save(self.matrices(), state)

    def _restore(self, work: Work) -> None:
        """Restore the newest checkpoint; the caller ensures that the directory has none of other settings or text."""
        found = self._checkpoints.load()
        if found is None:
            return
        with self._checkpoints.fitting():
            for name, matrix in self.matrices().items():
                saved = found.arrays[name]
                if (saved.shape, saved.dtype) != (matrix.shape, matrix.dtype):
                    raise ValueError(
                        f"a matrix is {saved.dtype} {saved.shape}, in this training {matrix.dtype} {matrix.shape}"
                    )
                matrix[:] = saved
            self.metrics += [dict(entry) for entry in found.state["metrics"]]
            self._trained_seconds = float(found.state["seconds"])
            work.restore(found.state["work"])
            if work.tokens != self._tokens_before[work.position]:
                raise ValueError(f"{work.tokens} tokens in the first {work.position} blocks")
        logger.info("resuming after epoch %d, block %d", len(self.metrics), work.position)

    def _report(self, epoch: int, work: Work, before: tuple[float, int, int]) -> tuple[float, int, int]:
        """Report the progress, with the loss since `before`; return loss, examples and tokens so far."""
        loss, examples, tokens = now = work.so_far()
        self._require_finite(loss)
        done = epoch * self._epoch_tokens + tokens
        self._pace.update(done)
        if self._progress is not None and tokens > before[2]:
            measured = examples > before[1]
            mean = (loss - before[0]) / (examples - before[1]) if measured else float("nan")
            self._progress(self._event(epoch, done, mean))
        return now

    def _report_epoch(self, epoch: int, metrics: dict[str, Any]) -> None:
        """Report the end of an epoch, with its losses."""
        if self._progress is not None:
            mean = float("nan") if metrics["loss"] is None else metrics["loss"]
            event = self._event(epoch, (epoch + 1) * self._epoch_tokens, mean)
            self._progress(event._replace(epoch_metrics=metrics))

    def _event(self, epoch: int, done: int, loss: float) -> TrainingProgress:
        return TrainingProgress(
            epoch=epoch + 1,
            epochs=self.config.epochs,
            done=done,
            total=self.words_total,
            unit="words",
            speed=self._pace.speed,
            loss=loss,
            learning_rate=self._rate_after(done),
            seconds_left=self._pace.seconds_left(done),
            note=self._strategy.note() if isinstance(self._strategy, WorkerRounds) else "",
        )

    def _learning_rate(self, epoch: int, block: int) -> float:
        return self._rate_after(epoch * self._epoch_tokens + int(self._tokens_before[block]))

    def _rate_after(self, tokens: int) -> float:
        """Return the learning rate, which decays linearly with the number of trained tokens."""
        done = tokens / self.words_total if self.words_total else 1.0
        return self.config.rate + (self.config.min_learning_rate - self.config.rate) * done

    def _step(self, epoch: int, block: int, learning_rate: float, loss_interval: int) -> kernels.Step:
        config = self.config
        return kernels.Step(
            window=config.window,
            dynamic_window=config.dynamic_window,
            negative=config.noise_words,
            share_negatives=config.negative_sharing == "window",
            mean=config.cbow_mean,
            weighted=config.position_weights,
            learning_rate=learning_rate,
            loss_interval=loss_interval,
            state=np.uint64(random_state(config.seed, epoch, block)),
        )

    def _require_finite(self, loss: float) -> None:
        if not np.isfinite(loss) or not np.isfinite(self.parameters.embedding[:1000]).all():
            raise TrainingDiverged(
                f"the weights are no longer finite numbers: learning rate {self.config.rate:g} is too high for this "
                "text; try a quarter of it"
            )


def random_state(seed: int, epoch: int, block: int) -> int:
    """Mix seed, epoch and block into the state of a random stream (SplitMix64's finalizer; Steele et al. 2014)."""
    state = 0
    for value in (seed, epoch, block):
        state = (state + value + 0x9E3779B97F4A7C15) % 2**64
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
        state ^= state >> 31
    return state or 1
