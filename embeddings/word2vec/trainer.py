"""Orchestration of word2vec training: threads, learning rate, loss, progress. The arithmetic is in `kernels`."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from embeddings.checkpoint import load_checkpoint, save_checkpoint
from embeddings.errors import EmbeddingsError
from embeddings.sampling import alias_table, as_uint32_threshold, keep_probability, noise_distribution
from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.text.vocabulary import Vocabulary
from embeddings.word2vec import kernels, matrices, rounds
from embeddings.word2vec.blocks import BLOCK_TOKENS, cut_into_blocks, hold_out
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.hogwild import Hogwild
from embeddings.word2vec.rounds import Rounds
from embeddings.word2vec.work import Work

logger = logging.getLogger(__name__)

_REPORT_SECONDS = 0.2
_LOSS_INTERVAL = 128
LEAST_TIMES_COST = 40  # training since the last checkpoint takes at least so many times what that one cost
_HELD_OUT_EPOCH = 2**32 - 1  # its random streams are those of no real epoch


class TrainingDiverged(EmbeddingsError):
    """The weights or the loss are no longer finite numbers."""


class TrainingProgress(NamedTuple):
    """How far training is.

    Attributes
    ----------
    epoch : int
        From 1.
    words_done, words_total : int
        Corpus tokens over all epochs, as word2vec counts them: before subsampling.
    words_per_second : float
        Since training began.
    learning_rate : float
    loss : float
        Mean negative-sampling loss of an example since the last report, in nats; NaN before there is one.
    seconds_left : float
    """

    epoch: int
    words_done: int
    words_total: int
    words_per_second: float
    learning_rate: float
    loss: float
    seconds_left: float


class Checkpointing(NamedTuple):
    """Where and how often training is saved, so that a later run can go on.

    Attributes
    ----------
    directory : Path
        Of the checkpoints of this run; one that is found there is continued.
    every : float
        Seconds between two checkpoints, or more where they would take more than 2.5 % of the time. Epochs end with one
        as well, under the same condition, and an interruption and the last epoch under none.
    """

    directory: Path
    every: float = 300.0


class Trainer:
    """Trains E and C on an encoded corpus with Hogwild threads, or in rounds that are the same in every run.

    The learning rate and the random stream of a block depend on the seed, the epoch and the place of the block in the
    corpus only, not on the thread that trains it; with one Hogwild thread the result is the same in every run, too.

    Parameters
    ----------
    config : Word2VecConfig
    corpus : EncodedCorpus
    vocabulary : Vocabulary
        The one that encoded `corpus`.

    Raises
    ------
    EmbeddingsError
        If it is another one.
    """

    def __init__(self, config: Word2VecConfig, corpus: EncodedCorpus, vocabulary: Vocabulary) -> None:
        if corpus.vocabulary_sha256 != vocabulary.fingerprint():
            raise EmbeddingsError("this vocabulary is not the one that encoded the corpus; encode it again")
        self.config = config
        self.metrics: list[dict[str, Any]] = []
        self._corpus = corpus
        blocks = cut_into_blocks(corpus, most_tokens=rounds.BLOCK_TOKENS if config.deterministic else BLOCK_TOKENS)
        held_out = hold_out(blocks, config.held_out)
        self._blocks, self._held_out = blocks.select(~held_out), blocks.select(held_out)
        self._tokens_before = np.concatenate([[0], np.cumsum(self._blocks.tokens)])
        generator = np.random.default_rng(config.seed)
        threshold, alias = alias_table(noise_distribution(vocabulary.counts, config.noise_exponent))
        self.parameters = kernels.Parameters(
            embedding=matrices.random_rows(len(vocabulary), config.dimension, generator),
            context=matrices.zeros(len(vocabulary), config.dimension),
            keep=as_uint32_threshold(keep_probability(vocabulary.counts, config.sample)),
            alias_threshold=threshold,
            alias_word=alias,
        )
        self._hogwild = Hogwild(config, corpus, self.parameters, int(blocks.tokens.max()))
        deterministic = config.deterministic
        self._threads = Rounds(config, corpus, self.parameters, self._blocks) if deterministic else self._hogwild
        self._trained_seconds = 0.0
        self._saved_at, self._save_seconds = 0.0, 0.0  # of the last checkpoint, and what it cost

    @property
    def words_total(self) -> int:
        """Tokens to train on, over all epochs."""
        return self._epoch_tokens * self.config.epochs

    @property
    def _epoch_tokens(self) -> int:
        return int(self._tokens_before[-1])

    def run(
        self,
        report: Callable[[TrainingProgress], None] | None = None,
        checkpointing: Checkpointing | None = None,
    ) -> None:
        """Train all epochs in place, from where the newest checkpoint ends if there is one.

        Raises
        ------
        TrainingDiverged
            If a loss or weight is not a finite number.
        EmbeddingsError
            If a checkpoint cannot be written.
        KeyboardInterrupt
            As it came; the threads have ended and a checkpoint is written by then.
        """
        work = Work(len(self._blocks))
        if checkpointing:
            self._restore(checkpointing, work)
        for threads in {self._hogwild, self._threads}:
            threads.compile(self._step(0, 0, 0.0, 1))
        for epoch in range(len(self.metrics), self.config.epochs):
            self._train_epoch(epoch, work, report, checkpointing)
            self.metrics.append(
                {
                    "epoch": epoch + 1,
                    "words": self._epoch_tokens * (epoch + 1),
                    "seconds": round(self._trained_seconds, 3),
                    "learning_rate": self._learning_rate(epoch + 1, 0),
                    "examples": work.examples * _LOSS_INTERVAL,
                    "loss": work.mean_loss,
                    "held_out_loss": self.held_out_loss(),
                }
            )
            work = Work(len(self._blocks))
            is_worth_it = self._trained_seconds - self._saved_at >= self._least_seconds
            if checkpointing and (epoch + 1 == self.config.epochs or is_worth_it):
                self._save(checkpointing, work)

    def held_out_loss(self) -> float | None:
        """Mean loss of an example of the held-out blocks; the same draws at every call. None if nothing is held out."""
        if not len(self._held_out):
            return None
        work = Work(len(self._held_out))
        self._hogwild.start(work, self._held_out, lambda block: self._step(_HELD_OUT_EPOCH, block, 0.0, 1))()
        return work.mean_loss

    def _train_epoch(
        self,
        epoch: int,
        work: Work,
        report: Callable[[TrainingProgress], None] | None,
        checkpointing: Checkpointing | None,
    ) -> None:
        """Train the rest of an epoch; between two checkpoints all threads end, so that every block is in or out."""

        def step(block: int) -> kernels.Step:
            return self._step(epoch, block, self._learning_rate(epoch, block), _LOSS_INTERVAL)

        while not work.finished:
            every = max(checkpointing.every, self._least_seconds) if checkpointing else float("inf")
            try:
                self._run_threads(epoch, work, step, every, report)
            finally:
                self._require_finite(work.loss)
                if checkpointing and not work.finished:
                    self._save(checkpointing, work)

    def _run_threads(
        self,
        epoch: int,
        work: Work,
        step: Callable[[int], kernels.Step],
        seconds: float,
        report: Callable[[TrainingProgress], None] | None,
    ) -> None:
        """Train with all threads until the blocks, or the seconds, are over."""
        start, before = time.monotonic(), work.so_far()
        work.pause(False)
        run = self._threads.start(work, self._blocks, step)
        with ThreadPoolExecutor(self._threads.threads, "word2vec") as pool:
            threads = [pool.submit(run) for _ in range(self._threads.threads)]
            try:
                while wait(threads, timeout=min(_REPORT_SECONDS, seconds)).not_done:
                    elapsed = time.monotonic() - start
                    if elapsed > seconds:
                        break
                    before = self._report(epoch, work, before, elapsed, report)
            finally:
                work.pause()
        for thread in threads:
            thread.result()
        self._trained_seconds += time.monotonic() - start
        self._report(epoch, work, before, 0.0, report)

    @property
    def _least_seconds(self) -> float:
        """Time between two checkpoints that cost little."""
        return LEAST_TIMES_COST * self._save_seconds

    def _save(self, checkpointing: Checkpointing, work: Work) -> None:
        start = time.monotonic()
        arrays = {"embedding": self.parameters.embedding, "context": self.parameters.context}
        state = {"metrics": self.metrics, "seconds": self._trained_seconds, "work": work.state()}
        save_checkpoint(checkpointing.directory, arrays, state)
        self._saved_at, self._save_seconds = self._trained_seconds, time.monotonic() - start

    def _restore(self, checkpointing: Checkpointing, work: Work) -> None:
        """Go on from a checkpoint; the caller keeps those of other settings or text out of the directory."""
        found = load_checkpoint(checkpointing.directory)
        if found is None:
            return
        for name in ("embedding", "context"):
            matrix, saved = getattr(self.parameters, name), found.arrays[name]
            if saved.shape != matrix.shape:
                raise EmbeddingsError(
                    f"the checkpoint in {checkpointing.directory} has a matrix of {saved.shape}, this run one of "
                    f"{matrix.shape}: it is of other settings or text; remove it to start anew"
                )
            matrix[:] = saved
        self.metrics += found.state["metrics"]
        self._trained_seconds = found.state["seconds"]
        work.restore(found.state["work"])
        logger.info("going on after epoch %d, block %d", len(self.metrics), work.position)

    def _report(
        self,
        epoch: int,
        work: Work,
        before: tuple[float, int, int],
        seconds: float,
        report: Callable[[TrainingProgress], None] | None,
    ) -> tuple[float, int, int]:
        """Tell the caller how far training is; return what was told."""
        loss, examples, tokens = now = work.so_far()
        self._require_finite(loss)
        done, seconds = epoch * self._epoch_tokens + tokens, self._trained_seconds + seconds
        speed = done / seconds if seconds else 0.0
        if report is not None and tokens > before[2]:
            report(
                TrainingProgress(
                    epoch=epoch + 1,
                    words_done=done,
                    words_total=self.words_total,
                    words_per_second=speed,
                    learning_rate=self._rate_after(done),
                    loss=(loss - before[0]) / (examples - before[1]) if examples > before[1] else float("nan"),
                    seconds_left=(self.words_total - done) / speed if speed else float("inf"),
                )
            )
        return now

    def _learning_rate(self, epoch: int, block: int) -> float:
        return self._rate_after(epoch * self._epoch_tokens + int(self._tokens_before[block]))

    def _rate_after(self, tokens: int) -> float:
        """Linear decay with the number of trained tokens."""
        done = tokens / self.words_total if self.words_total else 1.0
        return self.config.rate + (self.config.min_learning_rate - self.config.rate) * done

    def _step(self, epoch: int, block: int, learning_rate: float, loss_interval: int) -> kernels.Step:
        config = self.config
        return kernels.Step(
            window=config.window,
            dynamic_window=config.dynamic_window,
            negative=config.negative,
            share_negatives=config.negative_sharing == "window",
            mean=config.cbow_mean,
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
