"""`GloVe`: word vectors from a weighted regression on the logarithms of co-occurrence counts."""

from pathlib import Path
from typing import Any, Self

from embeddings.errors import EmbeddingsError
from embeddings.glove.config import GloVeConfig
from embeddings.glove.shuffled_pairs import ShuffledPairs, count_pairs
from embeddings.glove.training_run import TrainingRun, summed_vectors
from embeddings.text.encoded_corpus import EncodedCorpus, require_encoded
from embeddings.text.vocabulary import Vocabulary
from embeddings.training import Checkpointing, Checkpoints, Estimator, ProgressCallback
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec.names_elsewhere import points_to
from vecmill.arguments import require_kind
from vecmill.files import temporary_directory


class GloVe(Estimator):
    """Global Vectors: w·c + b + b̃ ≈ log X for words that co-occur X times.

    J. Pennington, R. Socher, C. D. Manning: "GloVe: Global Vectors for Word Representation", 2014.

    Parameters
    ----------
    config : GloVeConfig, optional

    Attributes
    ----------
    vectors_ : WordVectors
        W + C, the sums of word and context vectors (§4.2), after `fit`.
    metrics_ : list of dict
        After `fit`, one entry per epoch: ``epoch``, ``pairs`` (trained so far), ``seconds``, ``learning_rate``,
        ``loss`` (mean of f(X) (w·c + b + b̃ − log X)² / 2) and ``held_out_loss`` (None: no pair is held out).

    Examples
    --------
    >>> model = GloVe(GloVeConfig(dimension=300, epochs=25)).fit(corpus, vocabulary)  # doctest: +SKIP
    >>> model.vectors_.most_similar("king")                                          # doctest: +SKIP
    """

    vectors_: WordVectors
    metrics_: list[dict[str, Any]]

    @points_to(GloVeConfig)
    def __init__(self, config: GloVeConfig | None = None) -> None:
        if config is not None:
            require_kind("config", config, GloVeConfig, "a GloVeConfig")
        self.config = config or GloVeConfig()

    def fit(
        self,
        corpus: EncodedCorpus | ShuffledPairs,
        vocabulary: Vocabulary,
        *,
        progress: ProgressCallback | None = None,
        checkpointing: Checkpointing | None = None,
    ) -> Self:
        """Train from random vectors, or resume from a checkpoint.

        Parameters
        ----------
        corpus : EncodedCorpus or ShuffledPairs
            Text, whose co-occurrences are counted first, or co-occurrences that `count_pairs` has counted.
        vocabulary : Vocabulary
            The vocabulary that encoded the corpus.
        progress : callable, optional
            Called several times a second with a `TrainingProgress` of the training.
        checkpointing : Checkpointing, optional
            Directory and interval of checkpoints. With one thread an interrupted and resumed run gives the vectors of
            an uninterrupted one, bit for bit.

        Returns
        -------
        GloVe
            Itself, with `vectors_` and `metrics_`.

        Raises
        ------
        TrainingDiverged
            A weight or the loss is no longer a finite number.
        EmbeddingsError
            `vocabulary` is not the one that encoded `corpus`, no two words stand side by side, or a checkpoint is of
            another run.
        """
        if isinstance(corpus, ShuffledPairs):
            return self._fit(corpus, vocabulary, progress, checkpointing)
        require_encoded(corpus, vocabulary)
        config = self.config
        with temporary_directory() as directory:
            pairs = count_pairs(corpus, len(vocabulary), Path(directory), window=config.window, seed=config.seed)
            return self._fit(pairs, vocabulary, progress, checkpointing)

    def _fit(
        self,
        pairs: ShuffledPairs,
        vocabulary: Vocabulary,
        progress: ProgressCallback | None,
        checkpointing: Checkpointing | None,
    ) -> Self:
        if pairs.vocabulary_size != len(vocabulary):
            raise EmbeddingsError(
                f"the pairs are of {pairs.vocabulary_size} words and the vocabulary has {len(vocabulary)}; expected "
                "the vocabulary of the text that was counted"
            )
        run = TrainingRun(self.config, pairs, progress, Checkpoints(checkpointing))
        run.train()
        self.vectors_ = WordVectors(vocabulary, summed_vectors(run.rows, self.config.dimension))
        self.metrics_ = run.metrics
        return self
