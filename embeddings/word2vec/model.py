"""`Word2Vec`: configuration in, word vectors out."""

from collections.abc import Callable
from typing import Any

import numpy as np

from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.padded_matrices import without_padding
from embeddings.word2vec.trainer import Checkpointing, Trainer, TrainingProgress
from embeddings.word2vec.warm_start import check_start, copy_start


class Word2Vec:
    """Skip-gram or CBOW with negative sampling.

    T. Mikolov, K. Chen, G. Corrado, J. Dean: "Efficient Estimation of Word Representations in Vector Space", 2013;
    T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean: "Distributed Representations of Words and Phrases and
    their Compositionality", 2013.

    Parameters
    ----------
    config : Word2VecConfig, optional

    Attributes
    ----------
    metrics : list of dict
        After `fit`, one entry an epoch: ``epoch``, ``words`` (trained so far), ``seconds``, ``learning_rate``,
        ``examples`` (an estimate of the number of (input, centre) examples of the epoch),
        ``loss`` and ``held_out_loss`` (mean negative-sampling loss of an example, in nats; None where nothing was
        measured).
    """

    def __init__(self, config: Word2VecConfig | None = None) -> None:
        self.config = config or Word2VecConfig()
        self.metrics: list[dict[str, Any]] = []

    def fit(
        self,
        corpus: EncodedCorpus,
        vocabulary: Vocabulary,
        report: Callable[[TrainingProgress], None] | None = None,
        checkpointing: Checkpointing | None = None,
        start: WordVectors | None = None,
        trained: np.ndarray | None = None,
    ) -> WordVectors:
        """Train from random vectors or from those of `start`, or go on from a checkpoint.

        Parameters
        ----------
        corpus : EncodedCorpus
        vocabulary : Vocabulary
            The one that encoded `corpus`.
        report : callable, optional
            Is called several times a second with a `TrainingProgress`.
        checkpointing : Checkpointing, optional
            Where checkpoints are kept. A directory belongs to one run: same settings, same text. With one thread the
            vectors of an interrupted and continued run are those of an uninterrupted one, bit for bit.
        start : WordVectors, optional
            Words that `vocabulary` has in common with these (see `extend_vocabulary`) start from their vectors and
            context vectors, all others at random. A learning rate that is not given is lower then.

        trained : (V,) bool, optional
            The words that are trained on; all others are skipped as subsampling skips tokens, and get no vector: a
            corpus for language models also holds punctuation, ``<unk>`` and ``<eos>``. Default: all.

        Returns
        -------
        WordVectors
            E (V, d) float32 with the context matrix C.

        Raises
        ------
        TrainingDiverged
            If the weights grow beyond all bounds.
        EmbeddingsError
            If `vocabulary` is not the one that encoded `corpus`, a checkpoint is of another run, or `start` has another
            dimension or no word in common.
        """
        config = self.config.with_learning_rate(continued=start is not None)
        trainer = Trainer(config, corpus, vocabulary, trained)
        if start is not None:
            check_start(start, config.dimension)
            copy_start(start, vocabulary, trainer.parameters.embedding, trainer.parameters.context)
        self.metrics = trainer.metrics
        trainer.run(report, checkpointing)
        embedding, context = trainer.parameters.embedding, trainer.parameters.context
        dimension = self.config.dimension
        if trained is not None and not trained.all():
            return WordVectors(vocabulary.select(trained), embedding[trained, :dimension], context[trained, :dimension])
        return WordVectors(vocabulary, without_padding(embedding, dimension), without_padding(context, dimension))
