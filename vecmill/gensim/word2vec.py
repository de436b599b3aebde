"""`Word2Vec` with the parameters and methods of ``gensim.models.word2vec``; vecmill trains."""

import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import numpy as np

from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.text.vocabulary import Vocabulary
from embeddings.training import TrainingProgress
from embeddings.vectors.subwords import SubwordVectors
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec import Word2Vec as Engine
from embeddings.word2vec import Word2VecConfig
from vecmill.arguments import require_kind, require_words
from vecmill.gensim import saved
from vecmill.gensim.callbacks import CallbackAny2Vec
from vecmill.gensim.conventions import input_scale, kept_shares, mean_contexts, sample_share, with_locks
from vecmill.gensim.corpus import Corpus, open_sentences, require_unread
from vecmill.gensim.keyedvectors import REAL, KeyedVectors
from vecmill.gensim.lifecycle import Lifecycle
from vecmill.gensim.numbers import real, whole, whole_or_none
from vecmill.gensim.renamed import ATTRIBUTES_OF_WORD2VEC, explains_settings, no_attribute
from vecmill.gensim.sentences import (
    MAX_WORDS_IN_BATCH,
    LineSentence,
    PathLineSentences,
    Text8Corpus,
)
from vecmill.gensim.trimming import TrimRule, effective_min_count, kept_words

__all__ = ["LineSentence", "PathLineSentences", "Text8Corpus", "Word2Vec"]

logger = logging.getLogger("gensim.models.word2vec")

_SETTINGS = (
    *("vector_size", "alpha", "window", "min_count", "max_vocab_size", "sample", "seed", "workers", "min_alpha"),
    *("sg", "hs", "negative", "ns_exponent", "cbow_mean", "epochs", "null_word", "sorted_vocab", "batch_words"),
    *("compute_loss", "comment", "max_final_vocab", "shrink_windows", "patience"),
)
_KEPT, _ALL_KEPT = "sample_int", 2**32 - 1  # gensim's attribute of subsampling, and its value without any
_SEEDS_APART = 1_000_003  # so that no training and epoch has the draws of another
_STATE = (
    "total_train_time",
    "corpus_count",
    "corpus_total_words",
    "effective_min_count",
    "train_count",
)


class Word2Vec(Lifecycle):
    """Skip-gram or CBOW with gensim's names.

    Parameters
    ----------
    sentences : iterable of lists of str, optional
        Train on these at once. A generator is read once.
    corpus_file : path, optional
        Instead of `sentences`: a sentence a line, words separated by white space.
    vector_size : int
        Dimension.
    alpha : float
        Learning rate at the start.
    window : int
        Largest distance of context words.
    min_count : int
        Leave out words that occur less often.
    max_vocab_size : int, optional
        Keep only so many words, the most frequent. (Counts are exact and take little memory here: nothing is pruned
        while counting.)
    sample : float
        Threshold of subsampling; from 1 on, a count.
    seed : int
        Of vectors and draws.
    workers : int
        Threads.
    min_alpha : float
        Learning rate at the end.
    sg : {0, 1}
        1 for skip-gram, 0 for CBOW.
    hs : {0, 1}
        Hierarchical softmax in the place of negative sampling; gensim trains both where `negative` is set too.
    negative : int
        Noise words.
    ns_exponent : float
        Noise words are drawn from count^`ns_exponent`.
    cbow_mean : {0, 1}
        1 for the mean of the context, 0 for its sum.
    hashfxn : callable
        Not used: vectors do not depend on hashes.
    epochs : int
        Passes over the text.
    null_word : int
        Not used.
    trim_rule : callable, optional
        Takes word, count and least count; returns RULE_DISCARD, RULE_KEEP or RULE_DEFAULT of `vecmill.gensim.utils`.
    sorted_vocab : {0, 1}
        Words are sorted by falling count in any case.
    batch_words : int
        Not used: threads take blocks of the text.
    compute_loss : bool
        Keep the sum of the losses for `get_latest_training_loss`; it is measured on a sample of the words.
    callbacks : iterable of CallbackAny2Vec
        Called during this training.
    comment : str, optional
        Kept with the model.
    max_final_vocab : int, optional
        Raise the least count until at most so many words remain.
    shrink_windows : bool
        Draw each window from 1..`window`.
    patience : int, optional
        Which gensim has not: hold out a hundredth of the text, end training after so many epochs in a row without a
        lower loss of it, and keep the vectors of the best epoch. Not with callbacks and `vectors_lockf`.

    Attributes
    ----------
    wv : KeyedVectors
    syn1neg, syn1 : (V, d) float32
        Context vectors; with hierarchical softmax `syn1`, those of the nodes of the tree.
    corpus_count, corpus_total_words : int
        Sentences and words of the text of `build_vocab`.
    lifecycle_events : list of dict
        See `add_lifecycle_event`.

    Raises
    ------
    ValueError
        Neither `hs` nor `negative` is set, or a setting is out of range.
    RuntimeError
        No word of the text stays in the vocabulary.

    Notes
    -----
    gensim does not divide the gradient of the mean by the number of words averaged, vecmill does: here CBOW's input
    vectors get the learning rate ``alpha`` times the mean number of context words.
    """

    _settings: ClassVar[tuple[str, ...]] = _SETTINGS
    _saved_state: ClassVar[tuple[str, ...]] = _STATE

    @explains_settings
    def __init__(
        self,
        sentences: Iterable[Any] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        vector_size: int = 100,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int = 3,
        min_alpha: float = 0.0001,
        sg: int = 0,
        hs: int = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        hashfxn: Any = hash,
        epochs: int = 5,
        null_word: int = 0,
        trim_rule: TrimRule | None = None,
        sorted_vocab: int = 1,
        batch_words: int = MAX_WORDS_IN_BATCH,
        compute_loss: bool = False,
        callbacks: Iterable[CallbackAny2Vec] = (),
        comment: str | None = None,
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
        patience: int | None = None,
    ) -> None:
        self.vector_size = self.layer1_size = whole("vector_size", vector_size, 1)
        self.alpha, self.min_alpha = real("alpha", alpha), real("min_alpha", min_alpha)
        self.window, self.shrink_windows = whole("window", window, 1), bool(shrink_windows)
        self.min_count = whole("min_count", min_count)
        self.max_vocab_size = whole_or_none("max_vocab_size", max_vocab_size, 1)
        self.max_final_vocab = whole_or_none("max_final_vocab", max_final_vocab, 1)
        self.sample, self.seed = real("sample", sample), whole("seed", seed)
        self.workers, self.epochs = whole("workers", workers, 1), whole("epochs", epochs, 0)
        self.sg, self.hs, self.negative = whole("sg", sg), whole("hs", hs), whole("negative", negative, 0)
        self.ns_exponent, self.cbow_mean = real("ns_exponent", ns_exponent), whole("cbow_mean", cbow_mean)
        self.hashfxn, self.null_word = hashfxn, whole("null_word", null_word)
        self.sorted_vocab, self.batch_words = whole("sorted_vocab", sorted_vocab), whole("batch_words", batch_words)
        self.compute_loss, self.comment, self.patience = compute_loss, comment, patience
        self.wv = self._contexts_of = self._new_vectors()
        self.raw_vocab: dict[str, int] | None = None
        self.corpus_count = self.corpus_total_words = self.train_count = 0
        self.effective_min_count = self.min_count
        self.total_train_time = self.running_training_loss = 0.0
        self.min_alpha_yet_reached = self.alpha
        self.random = np.random.RandomState(self.seed)  # not used: code seeds it for gensim's infer_vector
        self.load = _call_on_class_only  # type: ignore[method-assign]
        self.lifecycle_events = []
        self._require_output_layer()
        if sentences is None and corpus_file is None:
            if trim_rule is not None or callbacks:
                logger.warning("trim_rule and callbacks are not kept; give them to build_vocab and train")
            return
        self._require_rates()
        with open_sentences(sentences, corpus_file) as corpus:
            self._build_vocab(corpus, trim_rule)
            self._train(corpus, compute_loss, list(callbacks))
        self.add_lifecycle_event("created", params=str(self))

    def _require_output_layer(self) -> None:
        if self.hs and self.negative:
            logger.warning(
                "Both hierarchical softmax and negative sampling are activated. "
                "Hierarchical softmax alone is trained: set negative=0."
            )
            self.negative = 0
        if not self.hs and not self.negative:
            raise ValueError("hs=0 and negative=0: nothing would be learned; set negative, usually to 5")

    def _require_rates(self) -> None:
        if not 0 <= self.min_alpha <= self.alpha or not self.alpha:
            raise ValueError(
                f"alpha is {self.alpha} and min_alpha {self.min_alpha}; expected a rate above 0 that falls to "
                "min_alpha: set both"
            )

    # --------------------------------------------------------------------------------------------------- vocabulary

    def build_vocab(
        self,
        corpus_iterable: Iterable[Any] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        update: bool = False,
        progress_per: int = 10_000,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        min_count: int | None = None,
        sample: float | None = None,
    ) -> None:
        """Count words and make the vocabulary with its initial vectors.

        Parameters
        ----------
        corpus_iterable : iterable of lists of str, optional
        corpus_file : path, optional
        update : bool
            Add new words to those that there are, and counts to their counts.
        progress_per : int
            Not used.
        keep_raw_vocab : bool
            Keep the counts of all words as `raw_vocab`.
        trim_rule : callable, optional
            See the class.
        min_count : int, optional
            Another least count than that of the constructor.
        sample : float, optional
            Another threshold of subsampling.
        """
        with open_sentences(corpus_iterable, corpus_file) as corpus:
            self._build_vocab(corpus, trim_rule, update, keep_raw_vocab, min_count, sample)

    def build_vocab_from_freq(
        self,
        word_freq: Mapping[str, int],
        keep_raw_vocab: bool = False,
        corpus_count: int | None = None,
        trim_rule: TrimRule | None = None,
        update: bool = False,
    ) -> None:
        """Make the vocabulary of words whose counts are known.

        Parameters
        ----------
        word_freq : mapping of str to int
            Words and how often they occur.
        keep_raw_vocab : bool
            Keep `word_freq` as `raw_vocab`.
        corpus_count : int, optional
            Number of sentences.
        trim_rule : callable, optional
            See the class.
        update : bool
            Add to the vocabulary that there is.

        Raises
        ------
        TypeError
            A word is no str, or its count no number.
        ValueError
            A count is less than 0.
        """
        require_kind("word_freq", word_freq, Mapping, "a mapping of words to their counts")
        _require_counts(word_freq)
        self.raw_vocab, self.corpus_count = dict(word_freq), corpus_count or 0
        self.prepare_vocab(update, keep_raw_vocab, trim_rule)
        self.prepare_weights(update)

    def scan_vocab(
        self,
        corpus_iterable: Iterable[Any] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        progress_per: int = 10_000,
        workers: int | None = None,
        trim_rule: TrimRule | None = None,
    ) -> tuple[int, int]:
        """Count the words of a text as `raw_vocab`; return the numbers of words and of sentences."""
        with open_sentences(corpus_iterable, corpus_file) as corpus:
            return self._scan(corpus)

    def _scan(self, corpus: Corpus) -> tuple[int, int]:
        self.raw_vocab = corpus.counts()
        logger.info(
            "collected %i word types from a corpus of %i raw words and %i sentences",
            len(self.raw_vocab),
            corpus.word_count,
            corpus.sentence_count,
        )
        return corpus.word_count, corpus.sentence_count

    def _build_vocab(
        self,
        corpus: Corpus,
        trim_rule: TrimRule | None,
        update: bool = False,
        keep_raw_vocab: bool = False,
        min_count: int | None = None,
        sample: float | None = None,
    ) -> None:
        self.corpus_total_words, self.corpus_count = self._scan(corpus)
        self.prepare_vocab(update, keep_raw_vocab, trim_rule, min_count, sample)
        self.prepare_weights(update)
        self.add_lifecycle_event("build_vocab", update=update, trim_rule=str(trim_rule))

    def prepare_vocab(
        self,
        update: bool = False,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        min_count: int | None = None,
        sample: float | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Choose the words of `raw_vocab` that stay.

        Parameters
        ----------
        update : bool
            Add them to those that there are.
        keep_raw_vocab : bool
            Keep `raw_vocab`.
        trim_rule : callable, optional
            See the class.
        min_count, sample : number, optional
            Other ones than those of the constructor.
        dry_run : bool
            Change nothing.

        Returns
        -------
        dict of str to int
            ``drop_unique``: words left out; ``num_retained_words`` and ``retain_total``: words that stay, and how often
            they occur.

        Raises
        ------
        RuntimeError
            No words have been counted.
        """
        if self.raw_vocab is None:
            raise RuntimeError("no words have been counted; call scan_vocab first")
        raw, least = self.raw_vocab, min_count or self.min_count
        effective = effective_min_count(raw, least, self.max_final_vocab)
        kept = kept_words(raw, effective, trim_rule, self.max_vocab_size)
        report = {
            "drop_unique": len(raw) - len(kept),
            "retain_total": sum(raw[word] for word in kept),
            "num_retained_words": len(kept),
        }
        logger.info("effective_min_count=%d retains %d of %d unique words", effective, len(kept), len(raw))
        if dry_run:
            return report
        self.effective_min_count, self.min_count, self.sample = effective, least, sample or self.sample
        if update:
            self._add_words(kept)
        else:
            self._replace_words(sorted(kept, key=lambda word: -raw[word]) if self.sorted_vocab else kept)
        if not keep_raw_vocab:
            self.raw_vocab = None
        return report

    def _new_vectors(self) -> KeyedVectors:
        return KeyedVectors(self.vector_size)

    def _replace_words(self, words: list[str]) -> None:
        assert self.raw_vocab is not None
        lockf = self.wv.vectors_lockf
        self.wv = self._new_vectors()
        self.wv.vectors_lockf = lockf
        self.wv.set_keys(words)
        self.wv.expandos["count"] = np.fromiter((self.raw_vocab[word] for word in words), np.int64, len(words))
        self._set_kept(words)

    def _add_words(self, words: list[str]) -> None:
        assert self.raw_vocab is not None
        for word in words:
            if word not in self.wv.key_to_index:
                self.wv.key_to_index[word] = len(self.wv.index_to_key)
                self.wv.index_to_key.append(word)
        self.wv.next_index = len(self.wv)
        self.wv.allocate_vecattrs(["count"], [int])
        counts = self.wv.expandos["count"]
        for word in words:
            counts[self.wv.key_to_index[word]] += self.raw_vocab[word]
        self._set_kept(words)

    def _set_kept(self, words: list[str]) -> None:
        """Set the shares of subsampling of the words of a text; other words keep those of an earlier one."""
        assert self.raw_vocab is not None
        self.wv.allocate_vecattrs([_KEPT], [np.uint32])
        rows = np.fromiter((self.wv.key_to_index[word] for word in words), np.int64, len(words))
        counts = np.fromiter((self.raw_vocab[word] for word in words), np.int64, len(words))
        self.wv.expandos[_KEPT][rows] = kept_shares(counts, self.sample) * _ALL_KEPT

    def _kept(self) -> np.ndarray:
        """Return the share of the occurrences of each word that subsampling leaves on average, (V,) float64."""
        counts = self.wv.word_vectors.vocabulary.counts
        if _KEPT not in self.wv.expandos:  # the vectors come from elsewhere
            return kept_shares(counts, self.sample)
        return np.where(counts == 0, 1.0, self.wv.expandos[_KEPT] / _ALL_KEPT)  # 0: a word of add_vector

    def prepare_weights(self, update: bool = False) -> None:
        """Make initial vectors: random ones and a context of zeros, with `update` of new words only."""
        if not update:
            self.wv.forget_vectors()
            self._set_contexts(np.empty((0, self.vector_size), REAL))
        self.wv.resize_vectors(self.seed)
        missing = len(self.wv) - len(self._contexts())
        self._set_contexts(np.concatenate([self._contexts(), np.zeros((missing, self.vector_size), REAL)]))

    @property
    def cum_table(self) -> np.ndarray:
        """Sums of the probabilities of noise words up to each word, times 2^31 - 1, (V,) uint32."""
        weights = self.wv.expandos["count"] ** float(self.ns_exponent)
        table: np.ndarray = np.round(np.cumsum(weights) / weights.sum() * (2**31 - 1)).astype(np.uint32)
        return table

    def init_weights(self) -> None:
        """Forget all that was learned, and keep the vocabulary."""
        self.prepare_weights()

    def init_sims(self, replace: bool = False) -> None:
        """Scale the vectors to unit length if `replace`; deprecated in gensim."""
        self.wv.init_sims(replace)

    def reset_from(self, other_model: "Word2Vec") -> None:
        """Take the vocabulary of another model, with new vectors."""
        self.raw_vocab = dict(zip(other_model.wv.index_to_key, other_model.wv.expandos["count"].tolist(), strict=True))
        self._replace_words(list(other_model.wv.index_to_key))
        self.raw_vocab = None
        self.corpus_count, self.effective_min_count = other_model.corpus_count, other_model.effective_min_count
        if _KEPT in other_model.wv.expandos:
            self.wv.expandos[_KEPT] = other_model.wv.expandos[_KEPT].copy()
        self.prepare_weights()

    def estimate_memory(self, vocab_size: int | None = None, report: dict[str, int] | None = None) -> dict[str, int]:
        """Return bytes of the vocabulary, of each matrix, and in total, with those of a `report` of other parts."""
        words = len(self.wv) if vocab_size is None else whole("vocab_size", vocab_size, 0)
        matrix, entry = 4 * words * self.vector_size, 700 if self.hs else 500
        sizes = {**(report or {}), "vocab": entry * words, "vectors": matrix, self._contexts_name: matrix}
        return {**sizes, "total": sum(sizes.values())}

    # ----------------------------------------------------------------------------------------------------- training

    def train(
        self,
        corpus_iterable: Iterable[Any] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,
        queue_factor: int = 2,
        report_delay: float = 1.0,
        compute_loss: bool | None = None,
        callbacks: Iterable[CallbackAny2Vec] = (),
    ) -> tuple[int, int]:
        """Train on a text, from the vectors as they are.

        Parameters
        ----------
        corpus_iterable : iterable of lists of str, optional
            Read once, also for several epochs.
        corpus_file : path, optional
        total_examples, total_words : int
            One of them must be given, as in gensim; the text is counted in any case.
        epochs : int
            Passes over the text; must be given.
        start_alpha, end_alpha : float, optional
            Learning rates; they and `epochs` become those of the model. By default `alpha` and `min_alpha`.
        word_count : int
            Not used.
        queue_factor : int
            Not used.
        report_delay : float
            Not used: progress is logged at the end of each epoch.
        compute_loss : bool, optional
            See the class.
        callbacks : iterable of CallbackAny2Vec

        Returns
        -------
        trained_words, raw_words : int
            Over all epochs; of the words of the vocabulary as many as subsampling leaves on average.

        Raises
        ------
        RuntimeError
            There is no vocabulary yet.
        ValueError
            A number that must be given is missing, or `alpha` is below `min_alpha`.
        TypeError
            A generator is exhausted.
        """
        self._require_vocabulary()
        if total_examples is None and total_words is None:
            raise ValueError("give total_examples=model.corpus_count or total_words=model.corpus_total_words")
        epochs = whole_or_none("epochs", epochs)
        if epochs is None or epochs <= 0:
            raise ValueError(f"epochs is {epochs}; expected 1 or more, usually epochs=model.epochs")
        loss = self.compute_loss if compute_loss is None else compute_loss
        self.alpha = real("start_alpha", start_alpha or self.alpha)
        self.min_alpha = real("end_alpha", end_alpha or self.min_alpha)
        self._require_rates()
        self.epochs = epochs
        with open_sentences(corpus_iterable, corpus_file) as corpus:
            require_unread(corpus_iterable, corpus.word_count)
            return self._train(corpus, loss, list(callbacks))

    def _require_vocabulary(self) -> None:
        if not len(self.wv):
            raise RuntimeError("you must first build vocabulary before training the model")

    def _train(self, corpus: Corpus, compute_loss: bool, callbacks: Sequence[CallbackAny2Vec]) -> tuple[int, int]:
        """Train `epochs` epochs from `alpha` to `min_alpha`; return the numbers of trained and of raw words."""
        self._require_vocabulary()
        if self.alpha > self.min_alpha_yet_reached:
            logger.warning("Effective 'alpha' higher than previous training cycles")
        steps = self.epochs if callbacks or self._is_locked() else 1  # callbacks and locks act on epochs
        if self.patience is not None and steps > 1:
            raise ValueError(
                "patience compares the epochs of one training, and callbacks and vectors_lockf end each; leave one out"
            )
        self.compute_loss, self.running_training_loss = compute_loss, 0.0
        encoded = corpus.encode(self.wv.word_vectors.vocabulary)
        if encoded is None:
            logger.warning("train() was called with a text without words of the vocabulary: nothing is learned")
        began, trained = time.monotonic(), 0
        rates = np.linspace(self.alpha, self.min_alpha, steps + 1).tolist()
        for callback in callbacks:
            callback.on_train_begin(self)
        for step in range(steps):
            for callback in callbacks:
                callback.on_epoch_begin(self)
            many = self.epochs // steps
            trained += self._fit(encoded, many, rates[step], rates[step + 1], first_epoch=step) if encoded else many
            for callback in callbacks:
                callback.on_epoch_end(self)
        self.train_count += 1
        self.total_train_time += time.monotonic() - began
        self.min_alpha_yet_reached = self.min_alpha
        words = 0 if encoded is None else round(trained * sum(self._kept_words(encoded)))
        self.add_lifecycle_event("train", msg=f"trained {words} words in {trained} epochs, {self}")
        for callback in callbacks:
            callback.on_train_end(self)
        return words, corpus.word_count * trained

    def _is_locked(self) -> bool:
        return bool((self.wv.vectors_lockf != 1).any())

    def _kept_words(self, encoded: EncodedCorpus) -> np.ndarray:
        """Return how many occurrences of each word subsampling leaves on average in an epoch, (V,) float64."""
        kept = self._kept()
        return kept * sum(np.bincount(shard.ids, minlength=len(kept)) for shard in encoded.shards)

    def _fit(self, encoded: EncodedCorpus, epochs: int, start: float, end: float, first_epoch: int) -> int:
        """Train some epochs by vecmill's engine, and take over the vectors; return how many epochs."""
        nearby = mean_contexts(self.window, self.shrink_windows, encoded.token_count / encoded.sentence_count)
        scale = 1.0 if self.sg else input_scale(nearby, cbow_mean=bool(self.cbow_mean))
        vocabulary = self.wv.word_vectors.vocabulary
        engine = Engine(self._config(epochs, start * scale**2, end * scale**2, self._seed(first_epoch)))

        def report(progress: TrainingProgress) -> None:
            metrics = progress.epoch_metrics
            if metrics is None:
                return
            epoch = first_epoch + progress.epoch - 1
            logger.info("EPOCH %i: %i words so far, %.0f words/s", epoch, progress.done, progress.speed)
            if self.compute_loss and metrics["loss"] is not None:
                self.running_training_loss += metrics["loss"] * metrics["examples"]

        trained = engine.fit(
            encoded, vocabulary, initial_vectors=self._initial(scale), progress=report, kept=self._kept()
        ).vectors_
        contexts = trained.nodes if self.hs else trained.context
        assert contexts is not None
        self._take_vectors(trained, scale)
        self._set_contexts(contexts / REAL(scale))
        return len(engine.metrics_)

    def _seed(self, first_epoch: int) -> int:
        """Return the seed of a training that begins with this epoch."""
        return self.seed + _SEEDS_APART * (self.train_count + first_epoch)

    def _take_vectors(self, trained: WordVectors, scale: float) -> None:
        """Take over trained vectors times a number."""
        before = np.asarray(self.wv.vectors, REAL)
        self.wv.vectors = with_locks(before, trained.matrix * REAL(scale), self.wv.vectors_lockf)

    def _config(self, epochs: int, start: float, end: float, seed: int) -> Word2VecConfig:
        return Word2VecConfig(
            architecture="skip-gram" if self.sg else "cbow",
            dimension=self.vector_size,
            window=self.window,
            dynamic_window=self.shrink_windows,
            negative=None if self.hs else self.negative,
            hierarchical_softmax=bool(self.hs),
            noise_exponent=self.ns_exponent,
            sample=self._sample_share(),
            epochs=epochs,
            learning_rate=start,
            min_learning_rate=end,
            cbow_mean=bool(self.cbow_mean),
            held_out=0 if self.patience is None else Word2VecConfig.held_out,
            patience=self.patience,
            seed=seed,
            threads=self.workers,
        )

    @property
    def _contexts_name(self) -> str:
        return "syn1" if self.hs else "syn1neg"

    def _sample_share(self) -> float:
        return sample_share(self.sample, int(self.wv.expandos["count"].sum()))

    def _contexts(self) -> np.ndarray:
        """Return the context vectors; none where `wv` was taken from elsewhere."""
        contexts: np.ndarray = getattr(self, self._contexts_name, np.empty((0, self.vector_size), REAL))
        return contexts

    def _set_contexts(self, contexts: np.ndarray) -> None:
        setattr(self, self._contexts_name, contexts)
        self._contexts_of = self.wv

    def _all_contexts(self) -> np.ndarray | None:
        """Return the context vectors of all words, zeros for those of `add_vector`; None if they are of other words."""
        contexts = self._contexts()
        added = len(self.wv) - len(contexts)
        if added > 0 and self._contexts_of is self.wv and not self.hs:  # the nodes of a tree are not those of words
            contexts = np.concatenate([contexts, np.zeros((added, self.vector_size), REAL)])
        return contexts if len(contexts) == len(self.wv) else None

    def _initial(self, scale: float) -> WordVectors:
        """Return E divided by a number and C, or the nodes, times it: what a training begins with."""
        contexts = self._all_contexts()
        known = np.zeros((len(self.wv), self.vector_size), REAL) if contexts is None else contexts
        vectors = np.asarray(self.wv.vectors, REAL) / REAL(scale)
        subwords = self.wv.subwords
        if subwords is not None:
            subwords = SubwordVectors(subwords.ngrams, subwords.buckets, subwords.matrix / REAL(scale))
        return WordVectors(self.wv.word_vectors.vocabulary, vectors, known * REAL(scale), subwords)

    def _trained(self) -> WordVectors:
        """Return the vectors with their contexts, or with the nodes of the tree."""
        contexts = self._all_contexts()
        words = self.wv.word_vectors
        vectors = WordVectors(words.vocabulary, words.matrix, None if self.hs else contexts, words.subwords)
        if self.hs:
            vectors.nodes = contexts
            vectors.training_settings = self._config(1, self.alpha, self.min_alpha, self.seed).to_dict()
        return vectors

    def get_latest_training_loss(self) -> float:
        """Return the sum of the losses of the last training, in nats; 0 without ``compute_loss``."""
        return self.running_training_loss

    # ------------------------------------------------------------------------------------------------------ queries

    def predict_output_word(
        self, context_words_list: Sequence[Any], topn: int | None = 10
    ) -> list[tuple[str, float]] | None:
        """Return the most probable words between those of a context; None if none of them is known.

        Parameters
        ----------
        context_words_list : list of str or int
            Unknown words are skipped.
        topn : int or None
            None returns all words.

        Returns
        -------
        list of (str, float), or None

        Raises
        ------
        RuntimeError
            The model has no context vectors: `wv` was loaded alone.
        """
        contexts = self._contexts()
        if self.hs or not len(contexts) or (self._contexts_of is not self.wv and len(contexts) != len(self.wv)):
            raise RuntimeError("the model has no context vectors; train it with negative=5, or load it whole")
        require_words(context_words_list)
        rows = [self.wv.get_index(word, -1) for word in context_words_list]
        known = [row for row in rows if row >= 0]
        if not known:
            logger.warning("all the input context words are out-of-vocabulary for the current model.")
            return None
        words = Vocabulary.from_words(self.wv.index_to_key[: len(contexts)])  # not those of add_vector
        trained = WordVectors(words, np.asarray(self.wv.vectors[: len(contexts)], REAL), contexts)
        most = len(words) if topn is None else topn
        return trained.most_likely_word(list(self.wv.vectors[known]), most, mean=bool(self.cbow_mean))

    def score(
        self,
        sentences: Iterable[Sequence[str]],
        total_sentences: int = 1_000_000,
        chunksize: int = 100,
        queue_factor: int = 2,
        report_delay: float = 1,
    ) -> np.ndarray:
        """Return the log-probability of each sentence, of a model with ``hs=1`` and ``negative=0``.

        Parameters
        ----------
        sentences : iterable of lists of str
        total_sentences : int
            Score at most so many.
        chunksize : int
            Not used.
        queue_factor : int
            Not used.
        report_delay : float
            Not used.

        Returns
        -------
        (n,) float64

        Raises
        ------
        RuntimeError
            The model has no hierarchical softmax.
        """
        from embeddings.word2vec.scoring import SentenceScorer

        if not self.hs:
            raise RuntimeError("score needs a model that was trained with hs=1 and negative=0")
        require_words(sentences)
        most = whole("total_sentences", total_sentences, 0)
        return SentenceScorer(self._trained()).score(list(islice(sentences, most)))

    def __getattr__(self, name: str) -> Any:
        raise no_attribute(self, name, ATTRIBUTES_OF_WORD2VEC)

    def __str__(self) -> str:
        return f"{type(self).__name__}<vocab={len(self.wv)}, vector_size={self.vector_size}, alpha={self.alpha}>"

    # -------------------------------------------------------------------------------------------------------- files

    def save(self, fname: str | os.PathLike[str], **kwargs: Any) -> None:
        """Write a directory that `load` and `vecmill.load` open; gensim's options about pickles have no meaning.

        Where a file is, write a file, which `load` opens.

        Parameters
        ----------
        fname : path
        **kwargs : Any
            Ignored.

        Raises
        ------
        OutputError
            It cannot be written, or there is another directory.
        """
        about = {name: getattr(self, name) for name in (*self._settings, *_STATE)}
        self.add_lifecycle_event("saving", fname=str(fname))
        about["lifecycle_events"] = self._saved_events()
        saved.write(fname, type(self).__name__, self._trained(), about, self.wv.attributes())

    @classmethod
    def load(cls, fname: str | os.PathLike[str], mmap: str | None = None, **kwargs: Any) -> Self:
        """Open what `save` has written.

        Parameters
        ----------
        fname : path
        mmap : str, optional
            "r" maps the vectors; "c" and None read them.
        **kwargs : Any
            Ignored.

        Returns
        -------
        Word2Vec

        Raises
        ------
        SavedFormatError
            `save` did not write it, or it is a pickle of gensim. (Also an AttributeError.)
        NothingThereError
            There is nothing. (Also a FileNotFoundError.)
        """
        about = saved.read_about(fname, cls.__name__)
        model = cls(**{name: about[name] for name in cls._settings if name in about})
        for name in _STATE:
            setattr(model, name, about[name])
        model.lifecycle_events = about.get("lifecycle_events", [])
        with saved.unpacked(fname) as place:
            model._read(place, about, mmap)
        model.add_lifecycle_event("loaded", fname=str(fname))
        return model

    def _read(self, directory: Path, about: Mapping[str, Any], mmap: str | None) -> None:
        """Take the vectors of a directory of `save`."""
        self.wv = type(self.wv).load(directory, mmap)
        stored = WordVectors.load(directory)
        contexts = stored.nodes if self.hs else stored.context
        if contexts is not None:
            self._set_contexts(contexts if mmap == "r" else np.array(contexts))


def _call_on_class_only(*args: Any, **kwargs: Any) -> NoReturn:
    raise AttributeError("load is a method of the class: model = Word2Vec.load(path)")


def _require_counts(word_freq: Mapping[str, int]) -> None:
    """Raise an error that names the first word or count that is none; whole numbers are looked at all together."""
    if (
        {*map(type, word_freq)} <= {str}
        and {*map(type, word_freq.values())} <= {int}
        and min(word_freq.values(), default=0) >= 0
    ):
        return
    for word, count in word_freq.items():
        require_kind("a word of word_freq", word, str, "a str: use str(word)")
        if real(f"the count of {word!r}", count) < 0:
            raise ValueError(f"the count of {word!r} is {count}; expected 0 or more")
