"""`ParagraphVectors`: training of document vectors on word2vec's kernels."""

from typing import Any, Self

import numpy as np

from embeddings.documents.config import ParagraphVectorsConfig
from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.text.vocabulary import Vocabulary
from embeddings.training import Estimator, ProgressCallback
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec.training_run import TrainingRun


class ParagraphVectors(Estimator):
    """PV-DBOW or PV-DM with negative sampling (Le & Mikolov 2014): every sentence of a corpus is a document.

    Parameters
    ----------
    config : ParagraphVectorsConfig, optional

    Attributes
    ----------
    vectors_ : WordVectors
        Vectors of words with the context matrix, from which vectors of new documents are inferred; after `fit`.
    documents_ : (n, d) float32
        Vectors of the sentences of the corpus.
    metrics_ : list of dict
        See `Word2Vec`.
    """

    vectors_: WordVectors
    documents_: np.ndarray
    metrics_: list[dict[str, Any]]

    def __init__(self, config: ParagraphVectorsConfig | None = None) -> None:
        self.config = config or ParagraphVectorsConfig()

    def fit(
        self, corpus: EncodedCorpus, vocabulary: Vocabulary, *, progress: ProgressCallback | None = None
    ) -> Self:
        """Train from random vectors.

        Parameters
        ----------
        corpus : EncodedCorpus
        vocabulary : Vocabulary
            The vocabulary that encoded `corpus`.
        progress : callable, optional
            Called several times a second with a `TrainingProgress`.

        Returns
        -------
        ParagraphVectors
            Itself, with its results.

        Raises
        ------
        TrainingDiverged
            A weight or the loss is no longer a finite number.
        EmbeddingsError
            `vocabulary` is not the one that encoded `corpus`.
        """
        run = TrainingRun(self.config.with_learning_rate(continued=False), corpus, vocabulary, progress=progress)
        run.train()
        words, dimension = len(vocabulary), self.config.dimension
        embedding = run.parameters.embedding[:, :dimension]
        context = np.ascontiguousarray(run.context[:, :dimension])
        self.vectors_ = WordVectors(vocabulary, embedding[:words].copy(), context)
        self.vectors_.training_settings = run.config.to_dict()
        self.documents_ = embedding[words:].copy()
        self.metrics_ = run.metrics
        return self
