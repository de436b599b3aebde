"""Many to many of equal length: a label for each word of a sentence, from a deep bidirectional network.

    x<t> = the vector of word t (`WordInputs`)
    h<t> = [forward h<t> ; backward h<t>]                     (`BidirectionalRNN`)
    P(label of word t) = softmax(W_ya h<t> + b_y)

and the loss is the mean cross-entropy over the words of a batch; what pads a sentence counts nothing.
"""

from collections.abc import Sequence

import numpy as np

from embeddings.networks.batching import PADDING, pad_sequences
from embeddings.networks.losses import SoftmaxCrossEntropy
from embeddings.networks.parameters import Parameters, clear_gradients
from embeddings.sequences.network import (
    PREDICTED_TOGETHER,
    SequenceNetworkConfig,
    dropped,
    dropped_rows,
    label_numbers,
    require_words,
)
from embeddings.sequences.training import (
    Report,
    SequenceTrainingConfig,
    batches_of_like_length,
    held_out,
    train_sequences,
)
from embeddings.sequences.word_inputs import EncodedSequences, WordInputs


class SequenceTagger:
    """Gives every word of a sentence a label.

    Parameters
    ----------
    inputs
        The tables of word vectors.
    labels
        All labels that there are; the order is that of the outputs.
    config
        The network.
    rng
        Draws the starting weights and, in training, everything else.
    dtype
        float32, or float64 for gradient checks.

    Attributes
    ----------
    parameters, trained : Parameters
        All, and those that are not frozen.

    Examples
    --------
    >>> sentences, tags = [["the", "dog", "barks"], ["a", "cat"]], [["D", "N", "V"], ["D", "N"]]
    >>> sentences, tags = sentences * 8, tags * 8
    >>> rng = np.random.default_rng(0)
    >>> tagger = SequenceTagger(WordInputs(sentences, rng=rng), ["D", "N", "V"], rng=rng)
    >>> _ = tagger.fit(sentences, tags, training=SequenceTrainingConfig(epochs=30, learning_rate=0.02))
    >>> tagger.predict([["the", "cat", "barks"]])
    [['D', 'N', 'V']]
    """

    def __init__(
        self,
        inputs: WordInputs,
        labels: Sequence[str],
        config: SequenceNetworkConfig = SequenceNetworkConfig(),  # noqa: B008 - frozen
        *,
        rng: np.random.Generator,
        dtype: type = np.float32,
    ):
        self.inputs, self.labels, self.config = inputs, list(labels), config
        self._number = {label: number for number, label in enumerate(self.labels)}
        self._rng = rng
        self.network = config.make(inputs.size, rng, dtype)
        self.output = SoftmaxCrossEntropy.drawn(rng, len(self.labels), self.network.output_size, dtype)
        own = {f"rnn.{name}": parameter for name, parameter in self.network.parameters.items()}
        own |= {f"output.{name}": parameter for name, parameter in self.output.parameters.items()}
        self.parameters: Parameters = {**inputs.parameters, **own}
        self.trained: Parameters = {**inputs.trained, **own}

    def fit(
        self,
        sentences: Sequence[Sequence[str]],
        tags: Sequence[Sequence[str]],
        valid: tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]] | None = None,
        *,
        training: SequenceTrainingConfig = SequenceTrainingConfig(),  # noqa: B008 - frozen
        report: Report | None = None,
    ) -> list[float]:
        """Train, and keep the weights of the epoch that tags the validation sentences best.

        Parameters
        ----------
        sentences, tags
            Words, and the label of each.
        valid
            The same for validation; by default a share of the sentences is held out.
        training, report
            See `train_sequences`.

        Returns
        -------
        list[float]
            Accuracy on the validation sentences after each epoch.

        Raises
        ------
        ValueError
            If a sentence has no words, or not as many labels as words, or a label is not among ``labels``; if there
            are fewer than two sentences.
        DivergenceError
            See `train_sequences`.
        """
        targets = self._targets(sentences, tags)
        encoded = self.inputs.encode(sentences)
        if valid is None:
            kept, aside = held_out(len(sentences), training.validation_share, self._rng)
            targets_valid, encoded_valid = [targets[i] for i in aside], encoded.chosen(aside)
        else:
            kept = np.arange(len(sentences))
            targets_valid, encoded_valid = self._targets(*valid), self.inputs.encode(valid[0])
        ids, targets = [encoded.ids[i] for i in kept], [targets[i] for i in kept]

        def batch_loss(batch: np.ndarray) -> float:
            laid_out = encoded.batch([ids[i] for i in batch])
            padded, _ = pad_sequences([targets[i] for i in batch], PADDING)
            return self.loss_and_gradients(*laid_out, padded, self._rng)

        def validate() -> float:
            return float(np.mean(np.concatenate(self._predicted(encoded_valid)) == np.concatenate(targets_valid)))

        return train_sequences(
            self.trained,
            np.array([len(sequence) for sequence in ids]),
            batch_loss,
            validate if targets_valid else None,
            config=training,
            rng=self._rng,
            report=report,
        )

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return the most probable label of every word.

        Raises
        ------
        ValueError
            If a sentence has no words.
        """
        require_words(sentences)
        numbers = self._predicted(self.inputs.encode(sentences))
        return [[self.labels[number] for number in sequence] for sequence in numbers]

    def loss_and_gradients(
        self,
        features: np.ndarray,
        index: np.ndarray,
        lengths: np.ndarray,
        targets: np.ndarray,
        rng: np.random.Generator | None,
    ) -> float:
        """Run a batch forwards and backwards; the gradients are in the parameters then.

        Parameters
        ----------
        features, index, lengths
            As `EncodedSequences.batch` returns them.
        targets
            (T, B): numbers of labels, `PADDING` past the end.
        rng
            Draws what is left out; None for nothing.

        Returns
        -------
        float
            Mean cross-entropy of a word, in nats.
        """
        clear_gradients(self.parameters)
        x, x_mask = dropped(self.inputs.forward(features, index, rng), self.config.dropout, rng)
        hidden, _ = self.network.forward(x, lengths=lengths, rng=rng)
        flat, mask = dropped_rows(hidden.reshape(-1, hidden.shape[-1]), self.config.dropout, rng)
        loss, d_flat = self.output.value_and_gradient(flat, targets.ravel())
        if mask is not None:
            d_flat *= mask
        d_vectors, _ = self.network.backward(d_flat.reshape(hidden.shape))
        assert d_vectors is not None
        self.inputs.backward(d_vectors if x_mask is None else d_vectors * x_mask)
        return loss

    def _predicted(self, encoded: EncodedSequences) -> list[np.ndarray]:
        lengths = np.array([len(sequence) for sequence in encoded.ids])
        found: list[np.ndarray] = [np.empty(0, np.int64)] * len(lengths)
        for batch in batches_of_like_length(lengths, PREDICTED_TOGETHER, np.random.default_rng(0)):
            features, index, ends = encoded.batch([encoded.ids[i] for i in batch])
            hidden, _ = self.network.forward(self.inputs.forward(features, index), lengths=ends)
            flat = np.ascontiguousarray(hidden.reshape(-1, hidden.shape[-1]))
            best = self.output.log_probabilities(flat).argmax(axis=1).reshape(index.shape)
            for column, number in enumerate(batch):
                found[number] = best[: ends[column], column]
        return found

    def _targets(self, sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> list[np.ndarray]:
        require_words(sentences)
        if len(sentences) != len(tags):
            raise ValueError(f"{len(tags)} sequences of labels for {len(sentences)} sentences: expected as many")
        for number, (sentence, labels) in enumerate(zip(sentences, tags, strict=True)):
            if len(sentence) != len(labels):
                raise ValueError(f"sentence {number} has {len(sentence)} words and {len(labels)} labels")
        return [label_numbers(labels, self._number) for labels in tags]
