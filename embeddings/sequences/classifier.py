"""Many to one: a label for a whole text, from a recurrent network and a pooling of its states.

    x<t> = the vector of word t (`WordInputs`)
    h<t> = [forward h<t> ; backward h<t>]                     (`BidirectionalRNN`)
    p = pooled h<1> ... h<n>                                  (`pooling`)
    P(label) = softmax(W_ya p + b_y)

A long text is read in windows side by side, each from a zero state, and pooled over all of them: backpropagation then
reaches back as far as a window, and 700 words take as many steps in time as 50 do.  In training a text can be read in
part: some of its windows, drawn anew each time, which saves time and keeps few texts from being learned by heart.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from embeddings.networks.embedding import RepeatedVectors
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
from embeddings.sequences.pooling import make_pooling
from embeddings.sequences.training import (
    Report,
    SequenceTrainingConfig,
    batches_of_like_length,
    held_out,
    train_sequences,
)
from embeddings.sequences.word_inputs import EncodedSequences, WordInputs


class SequenceClassifier:
    """Gives every text a label.

    Parameters
    ----------
    inputs, labels, config, rng, dtype
        As those of `SequenceTagger`.
    pooling
        How the states of a text become one vector: "mean", "max" or "attention".
    window
        Words that are read in a row; None reads every text as a whole.
    windows_drawn
        Windows of each text that one step of training reads; None for all.

    Attributes
    ----------
    parameters, trained : Parameters
        All, and those that are not frozen.

    Raises
    ------
    ValueError
        For an unknown pooling, windows of less than a word, or fewer than one window drawn.
    """

    def __init__(
        self,
        inputs: WordInputs,
        labels: Sequence[str],
        config: SequenceNetworkConfig = SequenceNetworkConfig(),  # noqa: B008 - frozen
        *,
        pooling: str = "attention",
        window: int | None = None,
        windows_drawn: int | None = None,
        rng: np.random.Generator,
        dtype: type = np.float32,
    ):
        if window is not None and window < 1:
            raise ValueError(f"windows of {window} words: expected at least 1")
        if windows_drawn is not None and (windows_drawn < 1 or window is None):
            raise ValueError(f"{windows_drawn} windows drawn of a text: expected at least 1, and windows of some words")
        self.inputs, self.labels, self.config = inputs, list(labels), config
        self._number = {label: number for number, label in enumerate(self.labels)}
        self._rng, self._window, self._windows_drawn = rng, window, windows_drawn
        self.network = config.make(inputs.size, rng, dtype)
        size = self.network.output_size
        self._pooling = make_pooling(pooling, size, rng, dtype)
        self.output = SoftmaxCrossEntropy.drawn(rng, len(self.labels), size, dtype)
        own = {f"rnn.{name}": parameter for name, parameter in self.network.parameters.items()}
        own |= {f"pooling.{name}": parameter for name, parameter in self._pooling.parameters.items()}
        own |= {f"output.{name}": parameter for name, parameter in self.output.parameters.items()}
        self.parameters: Parameters = {**inputs.parameters, **own}
        self.trained: Parameters = {**inputs.trained, **own}

    def fit(
        self,
        texts: Sequence[Sequence[str]],
        labels: Sequence[str],
        valid: tuple[Sequence[Sequence[str]], Sequence[str]] | None = None,
        *,
        training: SequenceTrainingConfig = SequenceTrainingConfig(),  # noqa: B008 - frozen
        report: Report | None = None,
    ) -> list[float]:
        """Train, and keep the weights of the epoch that gives the validation labels the highest probability.

        Parameters
        ----------
        texts, labels
            Words of each text, and its label.
        valid
            The same for validation; by default a share of the texts is held out.
        training, report
            See `train_sequences`.

        Returns
        -------
        list[float]
            Mean log-probability of the validation labels after each epoch, in nats.

        Raises
        ------
        ValueError
            If a text has no words, there are not as many labels as texts, or a label is not among ``labels`` of the
            model; if there are fewer than two texts.
        DivergenceError
            See `train_sequences`.
        """
        ids, targets = self._encoded(texts, labels)
        if valid is None:
            kept, aside = held_out(len(targets), training.validation_share, self._rng)
            ids_valid, targets_valid = ids.chosen(aside), targets[aside]
        else:
            kept = np.arange(len(targets))
            ids_valid, targets_valid = self._encoded(*valid)

        def validate() -> float:
            return float(self._log_probabilities(ids_valid)[np.arange(len(targets_valid)), targets_valid].mean())

        return train_sequences(
            self.trained,
            np.array([len(ids.ids[i]) for i in kept]),
            lambda batch: self.loss_and_gradients(ids, kept[batch], targets[kept[batch]], self._rng),
            validate if len(targets_valid) else None,
            config=training,
            rng=self._rng,
            report=report,
        )

    def predict(self, texts: Sequence[Sequence[str]]) -> list[str]:
        """Return the most probable label of every text.

        Raises
        ------
        ValueError
            If a text has no words.
        """
        require_words(texts)
        numbers = self._log_probabilities(self.inputs.encode(texts)).argmax(axis=1)
        return [self.labels[number] for number in numbers.tolist()]

    def loss_and_gradients(
        self, encoded: EncodedSequences, texts: np.ndarray, targets: np.ndarray, rng: np.random.Generator | None
    ) -> float:
        """Run a batch forwards and backwards; the gradients are in the parameters then.

        Parameters
        ----------
        encoded
            Texts as `WordInputs.encode` returns them.
        texts
            (B,): which of them make up the batch.
        targets
            (B,): numbers of their labels.
        rng
            Draws what is left out; None for nothing.

        Returns
        -------
        float
            Mean cross-entropy of a text, in nats.
        """
        clear_gradients(self.parameters)
        pieces, starts = self._windows([encoded.ids[i] for i in texts], rng)
        features, index, lengths = encoded.batch(pieces)
        x, x_mask = dropped(self.inputs.forward(features, index, rng), self.config.dropout, rng)
        pooled, there = self._pooled(x, lengths, starts, rng)
        flat, mask = dropped_rows(pooled, self.config.dropout, rng)
        loss, d_pooled = self.output.value_and_gradient(flat, targets)
        if mask is not None:
            d_pooled *= mask
        d_hidden = np.zeros((*there.shape, pooled.shape[1]), pooled.dtype)  # (B, T, H)
        d_hidden[there] = self._pooling.backward(d_pooled)
        d_vectors, _ = self.network.backward(d_hidden.transpose(1, 0, 2))
        assert d_vectors is not None
        self.inputs.backward(d_vectors if x_mask is None else d_vectors * x_mask)
        return loss

    def _pooled(
        self, x: RepeatedVectors, lengths: np.ndarray, starts: np.ndarray, rng: np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the vectors of the texts (B, H), and where words are in the windows, (windows, T)."""
        hidden, _ = self.network.forward(x, lengths=lengths, rng=rng)
        there = np.arange(len(hidden)) < lengths[:, None]
        return self._pooling.forward(hidden.transpose(1, 0, 2)[there], starts), there

    def _windows(
        self, ids: Sequence[np.ndarray], rng: np.random.Generator | None = None
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Cut texts into windows, and draw some of each; return them, and where the words of each text start."""
        cut = [self._cut(text, rng) for text in ids]
        lengths = [sum(map(len, windows)) for windows in cut]
        return [window for windows in cut for window in windows], np.cumsum([0, *lengths[:-1]])

    def _cut(self, text: np.ndarray, rng: np.random.Generator | None) -> list[np.ndarray]:
        """Return the windows of a text, or some of them: the first one ends anywhere then, so that cuts differ."""
        size, drawn = self._window, self._windows_drawn
        if size is None:
            return [text]
        if rng is None or drawn is None or len(text) <= drawn * size:
            return [text[start : start + size] for start in range(0, len(text), size)]
        cuts = [0, *range(int(rng.integers(1, size + 1)), len(text), size), len(text)]
        windows = [text[start:end] for start, end in pairwise(cuts)]
        return [windows[i] for i in rng.choice(len(windows), drawn, replace=False)]

    def _log_probabilities(self, encoded: EncodedSequences) -> np.ndarray:
        found = np.empty((len(encoded.ids), len(self.labels)))
        lengths = np.array([len(text) for text in encoded.ids])
        for batch in batches_of_like_length(lengths, PREDICTED_TOGETHER, np.random.default_rng(0)):
            pieces, starts = self._windows([encoded.ids[i] for i in batch])
            features, index, ends = encoded.batch(pieces)
            pooled, _ = self._pooled(self.inputs.forward(features, index), ends, starts)
            found[batch] = self.output.log_probabilities(pooled)
        return found

    def _encoded(self, texts: Sequence[Sequence[str]], labels: Sequence[str]) -> tuple[EncodedSequences, np.ndarray]:
        require_words(texts)
        if len(texts) != len(labels):
            raise ValueError(f"{len(labels)} labels for {len(texts)} texts: expected as many")
        return self.inputs.encode(texts), label_numbers(labels, self._number)
