"""Many to many of equal length: a label for each word of a sentence, from a deep bidirectional network.

    x<t> = the vector of word t (`WordInputs`)
    h<t> = [forward h<t> ; backward h<t>]                     (`BidirectionalRNN`)
    P(label of word t) = softmax(W_ya h<t> + b_y)

The loss is the mean cross-entropy over the words of a batch; padding does not count.
"""

from collections.abc import Sequence

import numpy as np

from embeddings.networks.batching import PADDING, pad_sequences
from embeddings.networks.parameters import Parameters, clear_gradients
from embeddings.sequences.estimator import Examples
from embeddings.sequences.labeller import SequenceLabeller
from embeddings.sequences.network import (
    PREDICTION_BATCH_WORDS,
    SequenceNetworkConfig,
    apply_dropout,
    apply_dropout_to_vectors,
    label_numbers,
    require_words,
)
from embeddings.sequences.training import SequenceTrainingConfig, length_bucketed_batches
from embeddings.sequences.word_inputs import EncodedSequences, WordInputsConfig
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import require_kind


class SequenceTagger(SequenceLabeller):
    """Assigns a label to every word of a sentence.

    ``fit(sentences, tags)`` takes the words of each sentence, and the label of each word. The validation score is the
    accuracy.

    Parameters
    ----------
    network : SequenceNetworkConfig, optional
    training : SequenceTrainingConfig, optional
        See `SequenceLabeller`, also for the parameters below.
    inputs : WordInputsConfig, optional
    vectors : WordVectors, optional
    labels : sequence of str, optional
    seed : int
    threads : int, optional
    dtype : type

    Attributes
    ----------
    network_ : BidirectionalRNN or DeepRNN

    Examples
    --------
    >>> sentences, tags = [["the", "dog", "barks"], ["a", "cat"]], [["D", "N", "V"], ["D", "N"]]
    >>> training = SequenceTrainingConfig(epochs=30, learning_rate=0.02, validation_fraction=0)
    >>> tagger = SequenceTagger(training=training, seed=0).fit(sentences, tags)
    >>> tagger.predict([["the", "cat", "barks"]])
    [['D', 'N', 'V']]
    """

    def __init__(
        self,
        network: SequenceNetworkConfig | None = None,
        training: SequenceTrainingConfig | None = None,
        *,
        inputs: WordInputsConfig | None = None,
        vectors: WordVectors | None = None,
        labels: Sequence[str] | None = None,
        seed: int = 1,
        threads: int | None = None,
        dtype: type = np.float32,
    ) -> None:
        super().__init__(
            training, inputs=inputs, vectors=vectors, labels=labels, seed=seed, threads=threads, dtype=dtype
        )
        if network is not None:
            require_kind("network", network, SequenceNetworkConfig, "a SequenceNetworkConfig")
        self.network = network or SequenceNetworkConfig()

    def _make_network(self, rng: np.random.Generator) -> Parameters:
        self.network_ = self.network.make(self.inputs_.size, rng, self.dtype)
        own = {f"rnn.{name}": parameter for name, parameter in self.network_.parameters.items()}
        return own | self._make_output(rng, self.network_.output_size)

    def _encode(self, sources: Sequence[Sequence[str]], targets: Sequence[Sequence[str]]) -> Examples:
        require_words(sources)
        for number, (sentence, labels) in enumerate(zip(sources, targets, strict=True)):
            if len(sentence) != len(labels):
                raise ValueError(f"sentence {number} has {len(sentence)} words and {len(labels)} labels")
        numbers = [label_numbers(labels, self._number) for labels in targets]
        return Examples(self.inputs_.encode(sources), numbers, np.array([len(sentence) for sentence in sources]))

    def _train_on(self, examples: Examples, chosen: np.ndarray) -> float:
        features, index, lengths = examples.sources.batch([examples.sources.ids[i] for i in chosen])
        padded, _ = pad_sequences([examples.targets[i] for i in chosen], PADDING)
        return self.loss_and_gradients(features, index, lengths, padded, self._rng)

    def _score(self, examples: Examples, chosen: np.ndarray) -> float:
        found = np.concatenate(self._predicted(examples.sources.chosen(chosen)))
        return float(np.mean(found == np.concatenate([examples.targets[i] for i in chosen])))

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return the most probable label of every word; a ValueError names a sentence without words."""
        require_words(sentences)
        with self._lock:
            numbers = self._predicted(self.inputs_.encode(sentences))
        return [[self.labels_[number] for number in sequence] for sequence in numbers]

    def loss_and_gradients(
        self,
        features: np.ndarray,
        index: np.ndarray,
        lengths: np.ndarray,
        targets: np.ndarray,
        rng: np.random.Generator | None,
    ) -> float:
        """Run a batch forwards and backwards; leave the gradients in the parameters.

        Parameters
        ----------
        features : (u, tables) int64
            As `EncodedSequences.batch` returns it.
        index : (T, B) int64
            As `EncodedSequences.batch` returns it.
        lengths : (B,) int64
            Words of each sentence.
        targets : (T, B) int64
            Numbers of the labels; `PADDING` beyond the end of a sentence.
        rng : np.random.Generator or None
            Draws the dropout masks; None disables dropout.

        Returns
        -------
        float
            Mean cross-entropy per word, in nats.
        """
        clear_gradients(self.parameters_)
        x, x_mask = apply_dropout_to_vectors(self.inputs_.forward(features, index, rng), self.network.dropout, rng)
        hidden, _ = self.network_.forward(x, lengths=lengths, rng=rng)
        flat, mask = apply_dropout(hidden.reshape(-1, hidden.shape[-1]), self.network.dropout, rng)
        loss, d_flat = self.output_.value_and_gradient(flat, targets.ravel())
        if mask is not None:
            d_flat *= mask
        d_vectors, _ = self.network_.backward(d_flat.reshape(hidden.shape))
        assert d_vectors is not None
        self.inputs_.backward(d_vectors if x_mask is None else d_vectors * x_mask)
        return loss

    def _predicted(self, encoded: EncodedSequences) -> list[np.ndarray]:
        lengths = np.array([len(sequence) for sequence in encoded.ids])
        found: list[np.ndarray] = [np.empty(0, np.int64)] * len(lengths)
        for batch in length_bucketed_batches(lengths, PREDICTION_BATCH_WORDS, np.random.default_rng(0)):
            features, index, ends = encoded.batch([encoded.ids[i] for i in batch])
            hidden, _ = self.network_.forward(self.inputs_.forward(features, index), lengths=ends)
            flat = np.ascontiguousarray(hidden.reshape(-1, hidden.shape[-1]))
            best = self.output_.log_probabilities(flat).argmax(axis=1).reshape(index.shape)
            for column, number in enumerate(batch):
                found[number] = best[: ends[column], column]
        return found
