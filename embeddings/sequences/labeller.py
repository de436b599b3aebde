"""Base class of taggers, classifiers and constituent labellers: word vectors below a network, a softmax above it."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from embeddings.networks.losses import SoftmaxCrossEntropy
from embeddings.networks.parameters import Parameters
from embeddings.sequences.estimator import SequenceEstimator
from embeddings.sequences.training import SequenceTrainingConfig
from embeddings.sequences.word_inputs import WordInputs, WordInputsConfig
from embeddings.vectors.word_vectors import WordVectors


class SequenceLabeller(SequenceEstimator):
    """A network over word vectors, and a softmax over labels.

    Parameters
    ----------
    training : SequenceTrainingConfig or None
        See `SequenceEstimator`, also for `seed`, `threads` and `dtype`.
    inputs : WordInputsConfig or None
        Tables of word vectors.
    vectors : WordVectors or None
        Trained vectors E; without them E is initialised at random.
    labels : sequence of str or None
        All labels, in the order of the outputs; by default those of the training examples, sorted.
    seed : int
    threads : int or None
    dtype : type

    Attributes
    ----------
    inputs_ : WordInputs
        Tables for the words of the training examples.
    labels_ : list of str
        Labels in the order of the outputs.
    output_ : SoftmaxCrossEntropy
    """

    inputs_: WordInputs
    labels_: list[str]
    output_: SoftmaxCrossEntropy

    def __init__(
        self,
        training: SequenceTrainingConfig | None,
        *,
        inputs: WordInputsConfig | None,
        vectors: WordVectors | None,
        labels: Sequence[str] | None,
        seed: int,
        threads: int | None,
        dtype: type,
    ) -> None:
        super().__init__(training, seed=seed, threads=threads, dtype=dtype)
        self.inputs, self.vectors, self.labels = inputs or WordInputsConfig(), vectors, labels

    def initialize(self, sources: Sequence[Any], targets: Sequence[Any]) -> None:
        """Number words and labels and draw the initial weights, without training."""
        self._rng = np.random.default_rng(self.seed)
        self.labels_ = sorted(self._distinct_labels(targets)) if self.labels is None else list(self.labels)
        self._number = {label: number for number, label in enumerate(self.labels_)}
        texts = [self._words(source) for source in sources]
        self.inputs_ = WordInputs(texts, self.inputs, vectors=self.vectors, rng=self._rng, dtype=self.dtype)
        own = self._make_network(self._rng)
        self.parameters_ = {**self.inputs_.parameters, **own}
        self.trainable_parameters_ = {**self.inputs_.trainable_parameters, **own}

    def _make_output(self, rng: np.random.Generator, size: int) -> Parameters:
        """Draw the weights of the softmax layer for inputs of `size` columns; return its parameters by name."""
        self.output_ = SoftmaxCrossEntropy.random(rng, len(self.labels_), size, self.dtype)
        return {f"output.{name}": parameter for name, parameter in self.output_.parameters.items()}

    @abstractmethod
    def _make_network(self, rng: np.random.Generator) -> Parameters:
        """Draw the weights between the word vectors and the loss; return the parameters by name."""

    def _words(self, source: Any) -> Sequence[str]:
        """Return the words of an example."""
        words: Sequence[str] = source
        return words

    def _distinct_labels(self, targets: Sequence[Any]) -> set[str]:
        """Return the distinct labels of the targets, which are sequences of labels."""
        return {label for labels in targets for label in labels}
