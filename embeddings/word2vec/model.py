"""`Word2Vec`: skip-gram and CBOW with negative sampling or hierarchical softmax, with or without subwords."""

import logging
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np

from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.text.vocabulary import Vocabulary
from embeddings.training import Checkpointing, Checkpoints, Estimator, ProgressCallback
from embeddings.vectors.history import TrainingHistory
from embeddings.vectors.subwords import SubwordVectors
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.crew import Crew
from embeddings.word2vec.crew_member import Member
from embeddings.word2vec.names_elsewhere import points_to
from embeddings.word2vec.padded_matrices import without_padding
from embeddings.word2vec.snapshots import Snapshotting
from embeddings.word2vec.training_run import TrainingRun
from embeddings.word2vec.warm_start import copy_vectors, require_continuable

logger = logging.getLogger(__name__)


class Word2Vec(Estimator):
    """Skip-gram or CBOW with negative sampling or hierarchical softmax, with or without subwords.

    T. Mikolov, K. Chen, G. Corrado, J. Dean: "Efficient Estimation of Word Representations in Vector Space", 2013;
    T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean: "Distributed Representations of Words and Phrases and
    their Compositionality", 2013; P. Bojanowski, E. Grave, A. Joulin, T. Mikolov: "Enriching Word Vectors with Subword
    Information", 2017; T. Mikolov, E. Grave, P. Bojanowski, C. Puhrsch, A. Joulin: "Advances in Pre-Training
    Distributed Word Representations", 2018 (position weights).

    Parameters
    ----------
    config : Word2VecConfig, optional

    Attributes
    ----------
    vectors_ : WordVectors
        E (V, d) float32 with the context matrix C and the vectors of n-grams; after `fit`. With hierarchical softmax
        the rows of C belong to nodes of the tree, and there is no context matrix.
    metrics_ : list of dict
        After `fit`, one entry per epoch: ``epoch``, ``words`` (trained so far), ``seconds``, ``learning_rate``,
        ``examples`` (an estimate of the number of (input, centre) examples of the epoch),
        ``loss`` and ``held_out_loss`` (mean loss per example in nats, with hierarchical softmax a true -log p; None if
        not measured).
    history_ : TrainingHistory or None
        After `fit`, the snapshots that were asked for.

    Raises
    ------
    TypeError
        `config` is something else, or an argument is unknown.
    """

    vectors_: WordVectors
    metrics_: list[dict[str, Any]]
    history_: TrainingHistory | None

    @points_to(Word2VecConfig)
    def __init__(self, config: Word2VecConfig | None = None) -> None:
        if not isinstance(config, Word2VecConfig | None):
            raise TypeError(
                f"config is {type(config).__name__}; expected a Word2VecConfig; vecmill.train trains on a text"
            )
        self.config = config or Word2VecConfig()

    def fit(
        self,
        corpus: EncodedCorpus,
        vocabulary: Vocabulary,
        *,
        progress: ProgressCallback | None = None,
        checkpointing: Checkpointing | None = None,
        initial_vectors: WordVectors | None = None,
        trained: np.ndarray | None = None,
        kept: np.ndarray | None = None,
        crew: Crew | None = None,
        snapshotting: Snapshotting | None = None,
    ) -> Self:
        """Train from random vectors or from `initial_vectors`, or resume from a checkpoint.

        Parameters
        ----------
        corpus : EncodedCorpus
        vocabulary : Vocabulary
            The vocabulary that encoded `corpus`.
        progress : callable, optional
            Called several times a second with a `TrainingProgress`.
        checkpointing : Checkpointing, optional
            Directory and interval of checkpoints. With one thread an interrupted and resumed run gives the vectors of
            an uninterrupted one, bit for bit.
        initial_vectors : WordVectors, optional
            Initial vectors and context vectors of the words that `vocabulary` has in common with these (see
            `extend_vocabulary`); all other words are initialised at random. The default learning rate is then lower.
        trained : (V,) bool, optional
            Words to train, by default all. Other words are skipped, as in subsampling, and get no vector: a corpus for
            language models also holds punctuation, ``<unk>`` and ``<eos>``.
        kept : (V,) float64, optional
            Probability that an occurrence of each word is trained on, in the place of that of `sample`.
        crew : Crew, optional
            Processes that train in rounds, on other machines too. The result depends on the number of workers; with
            several threads each, they train deterministically. Default: threads of this process train.
        snapshotting : Snapshotting, optional
            Snapshots of the vectors of frequent words to take; they do not change the result. Default: none.

        Returns
        -------
        Word2Vec
            Itself, with `vectors_`, `metrics_` and `history_`.

        Raises
        ------
        TrainingDiverged
            A weight or the loss is no longer a finite number.
        EmbeddingsError
            `vocabulary` is not the one that encoded `corpus`, a checkpoint is of another run, or `initial_vectors` have
            another dimension, other subwords or no word in common.
        """
        config = self.config.with_learning_rate(continued=initial_vectors is not None)
        if crew and config.threads != 1:
            config = replace(config, deterministic=True)
        checkpoints = Checkpoints(checkpointing)
        run = TrainingRun(
            config, corpus, vocabulary, trained, progress, checkpoints, crew, snapshotting=snapshotting, kept=kept
        )
        if corpus.token_count == corpus.sentence_count:
            logger.warning("no two words stand side by side, so that nothing is learned; is each line one word?")
        if initial_vectors is not None:
            require_continuable(initial_vectors, config)
            copy_vectors(initial_vectors, vocabulary, run.parameters, run.ngrams)
        if crew:
            make = partial(
                Member,
                config=run.config,
                corpus=replace(corpus),  # without the shards that are open
                vocabulary=vocabulary,
                trained=trained,
                kept=kept,
                workers=crew.workers,
            )
            crew.begin(make, run.matrices)
        run.train()
        self.vectors_ = _word_vectors(run, vocabulary, trained)
        self.metrics_ = run.metrics
        self.history_ = run.snapshots.history() if run.snapshots else None
        return self


def _word_vectors(run: TrainingRun, vocabulary: Vocabulary, trained: np.ndarray | None) -> WordVectors:
    """Return what a training has learned, for the words that it has trained."""
    dimension, embedding, is_tree = run.config.dimension, run.parameters.embedding, run.config.hierarchical_softmax
    ngram_rows = embedding[len(vocabulary) :, :dimension].copy()
    matrix = without_padding(embedding[: len(vocabulary)], dimension)
    context = without_padding(run.context, dimension)
    if trained is not None and not trained.all():
        vocabulary, matrix = vocabulary.select(trained), matrix[trained]
        context = context[: len(vocabulary)] if is_tree else context[trained]  # nodes are numbered by the tree
    subwords = None
    if run.ngrams is not None and run.config.ngrams is not None:
        subwords = SubwordVectors(run.config.ngrams, run.ngrams.buckets, ngram_rows)
        matrix = subwords.word_vectors(matrix, vocabulary.encoded_words, run.config.thread_count)
    vectors = WordVectors(vocabulary, matrix, None if is_tree else context, subwords)
    vectors.nodes, vectors.training_settings = context if is_tree else None, run.config.to_dict()
    return vectors
