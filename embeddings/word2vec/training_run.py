"""One run of `Word2Vec.fit`: blocks of text, learning rate, held-out text. The arithmetic is in `kernels`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from embeddings.block_queue import Work
from embeddings.block_training import BlockTraining
from embeddings.errors import EmbeddingsError
from embeddings.text.encoded_corpus import EncodedCorpus, require_encoded
from embeddings.text.vocabulary import Vocabulary
from embeddings.training import Checkpoints, ProgressCallback
from embeddings.vectors.subwords import SubwordVectors
from embeddings.word2vec import deterministic as rounds
from embeddings.word2vec import kernel_arguments as kernels
from embeddings.word2vec.blocks import cut_into_blocks, hold_out
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.crew import Crew, WorkerRounds, deal, piece_tokens
from embeddings.word2vec.deterministic import Rounds
from embeddings.word2vec.expected_updates import updates_per_token
from embeddings.word2vec.hogwild import Hogwild
from embeddings.word2vec.initial_parameters import extensions_of, initial_parameters, ngrams_of, trained_counts
from embeddings.word2vec.snapshots import Snapshots, Snapshotting

_LOSS_INTERVAL = 128  # centre words for each whose loss is measured; fewer in small texts
_LEAST_MEASURED = 1000  # words of an epoch whose loss is taken, if it has as many
_HELD_OUT_EPOCH = 2**32 - 1  # its random streams differ from those of every real epoch


class TrainingRun(BlockTraining):
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
    snapshotting : Snapshotting, optional
        Snapshots to take; by default none.
    kept : (V,) float64, optional
        Probability that an occurrence of each word is trained on; by default that of ``sample``.

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
    snapshots : Snapshots or None

    Raises
    ------
    EmbeddingsError
        The vocabulary is another one, or fewer than two words are to be trained.
    """

    unit = "words"

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
        snapshotting: Snapshotting | None = None,
        kept: np.ndarray | None = None,
    ) -> None:
        require_encoded(corpus, vocabulary)
        epochs, sample = config.epochs_for(corpus.token_count), config.sample_for(len(vocabulary))
        config = replace(config, epochs=epochs, sample=sample)
        workers = crew.workers if crew else workers
        blocks = cut_into_blocks(
            corpus, rounds.block_tokens(corpus) if config.deterministic else piece_tokens(corpus, workers)
        )
        held_out = hold_out(blocks, config.held_out)
        self._held_out = blocks.select(held_out)
        if config.patience is not None and not len(self._held_out):
            raise EmbeddingsError(
                f"patience is {config.patience}, but nothing is held out of so short a text; leave it out, or raise "
                "held_out"
            )
        self._blocks = deal(blocks.select(~held_out), workers)
        self._tokens_before = np.concatenate([[0], np.cumsum(self._blocks.tokens)])
        epoch_tokens = int(self._tokens_before[-1])
        super().__init__(epochs, len(self._blocks), epoch_tokens, progress, checkpoints, config.patience)
        self.config, self._corpus = config, corpus
        self._loss_interval = max(1, min(_LOSS_INTERVAL, epoch_tokens // _LEAST_MEASURED))
        self.ngrams = ngrams_of(config, vocabulary, trained)
        documents = corpus.sentence_count if config.trains_documents else 0
        self.parameters = initial_parameters(config, vocabulary, trained, self.ngrams, documents, kept)
        self.extensions = extensions_of(config, vocabulary, trained, self.ngrams)
        self._counts = trained_counts(vocabulary, trained)
        self._hogwild = Hogwild(config, corpus, self.parameters, self.extensions, int(blocks.tokens.max()))
        self._strategy: Hogwild | Rounds | WorkerRounds = self._hogwild
        if crew:
            self._strategy = WorkerRounds(crew, self.matrices(), self.expected_updates())
        elif config.deterministic:
            self._strategy = Rounds(config, corpus, self.parameters, self.extensions, self._blocks)
        self.snapshots = None
        if snapshotting:
            rows = np.arange(len(vocabulary)) if trained is None else np.flatnonzero(trained)
            frequent = partial(self._vectors, vocabulary, rows[: snapshotting.words])
            self.snapshots = Snapshots(snapshotting, self._pace.total, frequent)

    @property
    def context(self) -> np.ndarray:
        """C without the rows that threads have for themselves, (V, padded d) float32."""
        return self.parameters.context[: len(self.parameters.keep)]

    @property
    def threads(self) -> int:
        """Number of threads that train; one where a crew does."""
        return self._strategy.threads

    def compile(self) -> None:
        """Compile the kernels, so that training time excludes compilation."""
        for strategy in {self._hogwild, self._strategy}:
            strategy.compile(self._step(0, 0, 0.0, 1))

    def expected_updates(self) -> dict[str, np.ndarray]:
        """Return how often each row of each matrix is expected to be trained for each token of the text."""
        return updates_per_token(self.config, self._counts, self.parameters, self.extensions)

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
        blocks = self._blocks.select(np.asarray(numbers))
        self._train_together(self._strategy.start(work, blocks, lambda turn: self._block_step(epoch, numbers[turn])))
        return work.loss, work.examples

    def _start(self, epoch: int, work: Work) -> Callable[[], None]:
        return self._strategy.start(work, self._blocks, lambda block: self._block_step(epoch, block))

    def _train_epoch(self, epoch: int, work: Work) -> None:
        if isinstance(self._strategy, WorkerRounds):
            self._strategy.begin_epoch(epoch)
        super()._train_epoch(epoch, work)

    def _epoch_metrics(self, epoch: int, work: Work) -> dict[str, Any]:
        costs = self._strategy.costs() if isinstance(self._strategy, WorkerRounds) else {}
        return {**super()._epoch_metrics(epoch, work), "examples": work.examples * self._loss_interval, **costs}

    def held_out_loss(self) -> float | None:
        """Return the mean loss per example of the held-out blocks, or None without any; deterministic."""
        if not len(self._held_out):
            return None
        work = Work(len(self._held_out))
        self._hogwild.start(work, self._held_out, lambda block: self._step(_HELD_OUT_EPOCH, block, 0.0, 1))()
        return work.mean_loss

    def matrices(self) -> dict[str, np.ndarray]:
        """Return everything that is trained, by its name in checkpoints."""
        weights = self.extensions.position_weights
        arrays = {"embedding": self.parameters.embedding, "context": self.context}
        return arrays if weights is None else {**arrays, "position_weights": weights}

    def _vectors(self, vocabulary: Vocabulary, rows: np.ndarray) -> np.ndarray:
        """Copy the present vectors of some words, (n, d) float32, while threads may change them."""
        embedding, dimension = self.parameters.embedding, self.config.dimension
        vectors = embedding[rows, :dimension]
        if self.ngrams is None or self.config.ngrams is None:
            return vectors
        ngram_rows = embedding[len(vocabulary) :, :dimension]
        subwords = SubwordVectors(self.config.ngrams, self.ngrams.buckets, ngram_rows)
        return subwords.word_vectors(vectors, [vocabulary.words[row] for row in rows.tolist()], 1)

    def state(self) -> Mapping[str, np.ndarray]:
        """Return everything that the next step depends on, by its name in checkpoints."""
        return self.matrices()

    def _identity(self) -> dict[str, dict[str, Any]]:
        """Return settings and text; the number of threads may change."""
        settings = {name: value for name, value in self.config.to_dict().items() if name != "threads"}
        text = f"{self._corpus.token_count} tokens of vocabulary {self._corpus.vocabulary_sha256[:12]}"
        return {"settings": settings, "corpus": {"text": text}}

    def _units_before(self, epoch: int, position: int) -> int:
        return int(self._tokens_before[position])

    def _note(self) -> str:
        return self._strategy.note() if isinstance(self._strategy, WorkerRounds) else ""

    def _observe(self, done: int, loss: float = 0.0, examples: int = 0) -> None:
        if self.snapshots:
            self.snapshots.update(done, loss, examples)

    def _take_best(self) -> None:
        super()._take_best()
        if self.snapshots and self._patience is not None:
            self.snapshots.return_to(self._best_epoch * self._epoch_units)

    def _saved_arrays(self) -> Mapping[str, np.ndarray]:
        return {**super()._saved_arrays(), **(self.snapshots.arrays() if self.snapshots else {})}

    def _restore_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        super()._restore_arrays(arrays)
        if self.snapshots:
            self.snapshots.restore(arrays)

    def _rate_after(self, done: int) -> float:
        """Return the learning rate, which decays linearly with the number of trained tokens."""
        share = done / self._pace.total if self._pace.total else 1.0
        return self.config.rate + (self.config.min_learning_rate - self.config.rate) * share

    def _block_step(self, epoch: int, block: int) -> kernels.Step:
        """Return the settings with which a block is trained."""
        done = epoch * self._epoch_units + self._units_before(epoch, block)
        return self._step(epoch, block, self._rate_after(done), self._loss_interval)

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


def random_state(seed: int, epoch: int, block: int) -> int:
    """Mix seed, epoch and block into the state of a random stream (SplitMix64's finalizer; Steele et al. 2014)."""
    state = 0
    for value in (seed, epoch, block):
        state = (state + value + 0x9E3779B97F4A7C15) % 2**64
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
        state ^= state >> 31
    return state or 1
