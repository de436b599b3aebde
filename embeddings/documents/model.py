"""`ParagraphVectors`: training of document vectors on word2vec's kernels."""

from typing import Any, Self

import numpy as np

from embeddings.documents.config import ParagraphVectorsConfig
from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.text.vocabulary import Vocabulary
from embeddings.training import Checkpointing, Checkpoints, Estimator, ProgressCallback
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec.training_run import TrainingRun
from embeddings.word2vec.warm_start import copy_vectors, require_continuable


class ParagraphVectors(Estimator):
    """PV-DBOW or PV-DM (Le & Mikolov 2014): every sentence of a corpus is a document.

    Parameters
    ----------
    config : ParagraphVectorsConfig, optional

    Attributes
    ----------
    vectors_ : WordVectors
        Vectors of words with the context matrix, or the nodes of the Huffman tree, from which vectors of new documents
        are inferred; after `fit`.
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
        self,
        corpus: EncodedCorpus,
        vocabulary: Vocabulary,
        *,
        progress: ProgressCallback | None = None,
        checkpointing: Checkpointing | None = None,
        initial_vectors: WordVectors | None = None,
        initial_documents: np.ndarray | None = None,
        kept: np.ndarray | None = None,
    ) -> Self:
        """Train from random vectors or from given ones, or resume from a checkpoint.

        Parameters
        ----------
        corpus : EncodedCorpus
        vocabulary : Vocabulary
            The vocabulary that encoded `corpus`.
        progress : callable, optional
            Called several times a second with a `TrainingProgress`.
        checkpointing : Checkpointing, optional
            Directory and interval of checkpoints; see `Word2Vec.fit`.
        initial_vectors : WordVectors, optional
            Vectors and context vectors of words to begin with.
        initial_documents : (n, d) float32, optional
            Vectors of the documents to begin with.
        kept : (V,) float64, optional
            Probability that an occurrence of each word is trained on, in the place of that of `sample`.

        Returns
        -------
        ParagraphVectors
            Itself, with its results.

        Raises
        ------
        TrainingDiverged
            A weight or the loss is no longer a finite number.
        EmbeddingsError
            `vocabulary` is not the one that encoded `corpus`, a checkpoint is of another run, or the initial vectors
            do not fit.
        """
        config = self.config.with_learning_rate(continued=False)
        checkpoints = Checkpoints(checkpointing)
        run = TrainingRun(config, corpus, vocabulary, progress=progress, checkpoints=checkpoints, kept=kept)
        words, dimension = len(vocabulary), self.config.dimension
        embedding = run.parameters.embedding[:, :dimension]
        if initial_vectors is not None:
            require_continuable(initial_vectors, self.config)
            copy_vectors(initial_vectors, vocabulary, run.parameters, None)
        if initial_documents is not None:
            embedding[words:] = initial_documents
        run.train()
        context, is_tree = np.ascontiguousarray(run.context[:, :dimension]), config.hierarchical_softmax
        self.vectors_ = WordVectors(vocabulary, embedding[:words].copy(), None if is_tree else context)
        self.vectors_.nodes = context if is_tree else None
        self.vectors_.training_settings = run.config.to_dict()
        self.documents_ = embedding[words:].copy()
        self.metrics_ = run.metrics
        return self
