"""Many to one: a label for a whole text, from a recurrent network and the pooling of its states.

    x<t> = the vector of word t (`WordInputs`)
    h<t> = [forward h<t> ; backward h<t>]                     (`BidirectionalRNN`)
    p = pooled h<1> ... h<n>                                  (`pooling`)
    P(label) = softmax(W_ya p + b_y)

A long text is read in windows side by side, each from a zero state, and pooled over all windows: backpropagation then
reaches back at most one window, and 700 words take as many time steps as 50. In training only some windows of a text
may be read, drawn anew in each step, which saves time and reduces overfitting on few texts.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from embeddings.networks.embedding import RepeatedVectors
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
from embeddings.sequences.pooling import POOLINGS, make_pooling
from embeddings.sequences.training import SequenceTrainingConfig, length_bucketed_batches
from embeddings.sequences.word_inputs import EncodedSequences, WordInputsConfig
from embeddings.setting_types import require_number
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import require_kind


class SequenceClassifier(SequenceLabeller):
    """Assigns a label to every text.

    ``fit(texts, labels)`` takes the words of each text, and its label. The validation score is the mean
    log-probability of the labels, in nats.

    Parameters
    ----------
    network : SequenceNetworkConfig, optional
    training : SequenceTrainingConfig, optional
    pooling : {"mean", "max", "attention"}
        Pooling of the states of a text.
    window : int, optional
        Words per window; None reads every text as a whole.
    windows_drawn : int, optional
        Windows of each text that one training step reads; None reads all.
    inputs : WordInputsConfig, optional
        See `SequenceLabeller`, also for the parameters below.
    vectors : WordVectors, optional
    labels : sequence of str, optional
    seed : int
    threads : int, optional
    dtype : type

    Attributes
    ----------
    network_ : BidirectionalRNN or DeepRNN

    Raises
    ------
    ValueError
        The pooling is unknown, `window` or `windows_drawn` is below 1, or `windows_drawn` is given without `window`.
    """

    def __init__(
        self,
        network: SequenceNetworkConfig | None = None,
        training: SequenceTrainingConfig | None = None,
        *,
        pooling: str = "attention",
        window: int | None = None,
        windows_drawn: int | None = None,
        inputs: WordInputsConfig | None = None,
        vectors: WordVectors | None = None,
        labels: Sequence[str] | None = None,
        seed: int = 1,
        threads: int | None = None,
        dtype: type = np.float32,
    ) -> None:
        if pooling not in POOLINGS:
            raise ValueError(f"pooling {pooling!r}: expected one of {', '.join(POOLINGS)}")
        window = None if window is None else require_number("window", window, 1)
        windows_drawn = None if windows_drawn is None else require_number("windows_drawn", windows_drawn, 1)
        if windows_drawn is not None and window is None:
            raise ValueError(f"windows_drawn is {windows_drawn}, which has no effect without window; give it too")
        super().__init__(
            training, inputs=inputs, vectors=vectors, labels=labels, seed=seed, threads=threads, dtype=dtype
        )
        if network is not None:
            require_kind("network", network, SequenceNetworkConfig, "a SequenceNetworkConfig")
        self.network = network or SequenceNetworkConfig()
        self.pooling, self.window, self.windows_drawn = pooling, window, windows_drawn

    def _make_network(self, rng: np.random.Generator) -> Parameters:
        self.network_ = self.network.make(self.inputs_.size, rng, self.dtype)
        size = self.network_.output_size
        self._pooling = make_pooling(self.pooling, size, rng, self.dtype)
        own = {f"rnn.{name}": parameter for name, parameter in self.network_.parameters.items()}
        own |= {f"pooling.{name}": parameter for name, parameter in self._pooling.parameters.items()}
        return own | self._make_output(rng, size)

    def _distinct_labels(self, targets: Sequence[str]) -> set[str]:
        return set(targets)  # a label a text

    def _encode(self, sources: Sequence[Sequence[str]], targets: Sequence[str]) -> Examples:
        require_words(sources)
        numbers = label_numbers(targets, self._number)
        return Examples(self.inputs_.encode(sources), numbers, np.array([len(text) for text in sources]))

    def _train_on(self, examples: Examples, chosen: np.ndarray) -> float:
        return self.loss_and_gradients(examples.sources, chosen, examples.targets[chosen], self._rng)

    def _score(self, examples: Examples, chosen: np.ndarray) -> float:
        found = self._log_probabilities(examples.sources.chosen(chosen))
        return float(found[np.arange(len(chosen)), examples.targets[chosen]].mean())

    def predict(self, texts: Sequence[Sequence[str]]) -> list[str]:
        """Return the most probable label of every text; a ValueError names a text without words."""
        require_words(texts)
        with self._lock:
            numbers = self._log_probabilities(self.inputs_.encode(texts)).argmax(axis=1)
        return [self.labels_[number] for number in numbers.tolist()]

    def loss_and_gradients(
        self, encoded: EncodedSequences, texts: np.ndarray, targets: np.ndarray, rng: np.random.Generator | None
    ) -> float:
        """Run a batch forwards and backwards; leave the gradients in the parameters.

        Parameters
        ----------
        encoded : EncodedSequences
            Texts as `WordInputs.encode` returns them.
        texts : (B,) int64
            Numbers of the texts of the batch.
        targets : (B,) int64
            Numbers of their labels.
        rng : np.random.Generator or None
            Draws windows and dropout masks; None reads all windows without dropout.

        Returns
        -------
        float
            Mean cross-entropy per text, in nats.
        """
        clear_gradients(self.parameters_)
        pieces, starts = self._windows([encoded.ids[i] for i in texts], rng)
        features, index, lengths = encoded.batch(pieces)
        x, x_mask = apply_dropout_to_vectors(self.inputs_.forward(features, index, rng), self.network.dropout, rng)
        pooled, there = self._pooled(x, lengths, starts, rng)
        flat, mask = apply_dropout(pooled, self.network.dropout, rng)
        loss, d_pooled = self.output_.value_and_gradient(flat, targets)
        if mask is not None:
            d_pooled *= mask
        d_hidden = np.zeros((*there.shape, pooled.shape[1]), pooled.dtype)  # (B, T, H)
        d_hidden[there] = self._pooling.backward(d_pooled)
        d_vectors, _ = self.network_.backward(d_hidden.transpose(1, 0, 2))
        assert d_vectors is not None
        self.inputs_.backward(d_vectors if x_mask is None else d_vectors * x_mask)
        return loss

    def _pooled(
        self, x: RepeatedVectors, lengths: np.ndarray, starts: np.ndarray, rng: np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the pooled vectors of the texts (B, H), and the mask of words against padding, (windows, T)."""
        hidden, _ = self.network_.forward(x, lengths=lengths, rng=rng)
        there = np.arange(len(hidden)) < lengths[:, None]
        return self._pooling.forward(hidden.transpose(1, 0, 2)[there], starts), there

    def _windows(
        self, ids: Sequence[np.ndarray], rng: np.random.Generator | None = None
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Cut texts into windows and draw some of each; return them and the number of words before each text, (B,)."""
        cut = [self._cut(text, rng) for text in ids]
        lengths = [sum(map(len, windows)) for windows in cut]
        return [window for windows in cut for window in windows], np.cumsum([0, *lengths[:-1]])

    def _cut(self, text: np.ndarray, rng: np.random.Generator | None) -> list[np.ndarray]:
        """Return all windows of a text, or some at random; then the first window has a random length: cuts vary."""
        size, drawn = self.window, self.windows_drawn
        if size is None:
            return [text]
        if rng is None or drawn is None or len(text) <= drawn * size:
            return [text[start : start + size] for start in range(0, len(text), size)]
        cuts = [0, *range(int(rng.integers(1, size + 1)), len(text), size), len(text)]
        windows = [text[start:end] for start, end in pairwise(cuts)]
        return [windows[i] for i in rng.choice(len(windows), drawn, replace=False)]

    def _log_probabilities(self, encoded: EncodedSequences) -> np.ndarray:
        found = np.empty((len(encoded.ids), len(self.labels_)))
        lengths = np.array([len(text) for text in encoded.ids])
        for batch in length_bucketed_batches(lengths, PREDICTION_BATCH_WORDS, np.random.default_rng(0)):
            pieces, starts = self._windows([encoded.ids[i] for i in batch])
            features, index, ends = encoded.batch(pieces)
            pooled, _ = self._pooled(self.inputs_.forward(features, index), ends, starts)
            found[batch] = self.output_.log_probabilities(pooled)
        return found
