"""`Word2Vec`: skip-gram and CBOW with negative sampling."""

from typing import Any, Self

import numpy as np

from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.text.vocabulary import Vocabulary
from embeddings.training import Checkpointing, Checkpoints, Estimator, ProgressCallback
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.initial_parameters import word_vectors_of
from embeddings.word2vec.names_elsewhere import points_to
from embeddings.word2vec.padded_matrices import without_padding
from embeddings.word2vec.training_run import TrainingRun
from embeddings.word2vec.warm_start import copy_vectors, require_dimension


class Word2Vec(Estimator):
    """Skip-gram or CBOW with negative sampling.

    T. Mikolov, K. Chen, G. Corrado, J. Dean: "Efficient Estimation of Word Representations in Vector Space", 2013;
    T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean: "Distributed Representations of Words and Phrases and
    their Compositionality", 2013.

    Parameters
    ----------
    config : Word2VecConfig, optional

    Attributes
    ----------
    vectors_ : WordVectors
        E (V, d) float32 with the context matrix C; after `fit`.
    metrics_ : list of dict
        After `fit`, one entry per epoch: ``epoch``, ``words`` (trained so far), ``seconds``, ``learning_rate``,
        ``examples`` (an estimate of the number of (input, centre) examples of the epoch),
        ``loss`` and ``held_out_loss`` (mean negative-sampling loss per example, in nats; None if not measured).

    Raises
    ------
    TypeError
        `config` is something else, or an argument is unknown.
    """

    vectors_: WordVectors
    metrics_: list[dict[str, Any]]

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

        Returns
        -------
        Word2Vec
            Itself, with `vectors_` and `metrics_`.

        Raises
        ------
        TrainingDiverged
            A weight or the loss is no longer a finite number.
        EmbeddingsError
            `vocabulary` is not the one that encoded `corpus`, a checkpoint is of another run, or `initial_vectors` have
            another dimension or no word in common.
        """
        config = self.config.with_learning_rate(continued=initial_vectors is not None)
        run = TrainingRun(config, corpus, vocabulary, trained, progress, Checkpoints(checkpointing))
        embedding, context = run.parameters.embedding, run.parameters.context
        if initial_vectors is not None:
            require_dimension(initial_vectors, config.dimension)
            copy_vectors(initial_vectors, vocabulary, embedding, context)
        run.train()
        vectors = word_vectors_of(embedding, run.extensions.subwords)
        matrices = without_padding(vectors, config.dimension), without_padding(context, config.dimension)
        if trained is not None and not trained.all():
            vocabulary = vocabulary.select(trained)
            matrices = matrices[0][trained], matrices[1][trained]
        self.vectors_ = WordVectors(vocabulary, *matrices)
        self.metrics_ = run.metrics
        return self
