"""The network of a language model: P(w<t> | w<1> ... w<t-1>) from E, a deep recurrent network and a softmax.

::

    word id ──► e_w = E o_w ──► dropout ──► DeepRNN ──► dropout ──► (projection) ──► softmax(W_ya a + b_y)

With tied weights W_ya is E itself (Press & Wolf 2017; Inan et al. 2017); if the last layer is wider or narrower than E,
there is a learned projection between them. Settings give the regularization of AWD-LSTM (Merity et al. 2018):
weight-drop, variational dropout, embedding dropout, AR and TAR.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.language_model.config import LanguageModelConfig
from embeddings.networks.cells import CELLS, Cell, MogrifierCell, State
from embeddings.networks.dropout import Dropout, dropout_mask
from embeddings.networks.embedding import Embedding, RepeatedVectors
from embeddings.networks.initial_embedding import random_embedding
from embeddings.networks.initializers import glorot_uniform
from embeddings.networks.losses import AdaptiveSoftmax, OutputLoss, SampledSoftmax, SoftmaxCrossEntropy
from embeddings.networks.noise import LogUniformNoise
from embeddings.networks.parameters import Parameter, Parameters, clear_gradients, distinct
from embeddings.networks.products import in_bfloat16, product, rounded
from embeddings.networks.stacking import DeepRNN
from embeddings.parallel import own_threads
from embeddings.text.vocabulary import EOS, UNK, Vocabulary


class NextWordNetwork:
    """A recurrent network that predicts the next word id of a text.

    Parameters
    ----------
    config : LanguageModelConfig
        Architecture and regularization.
    vocabulary : Vocabulary
        With ``<eos>`` and ``<unk>``; ordered by falling count if the softmax is sampled or adaptive.
    rng : Generator
        Draws the starting weights; sampled softmax keeps it and draws noise words from it.
    embedding : (V, d), optional
        Starting values of E (`initial_embedding`). Default: random.
    dtype : type
        float32, or float64 for gradient checks.

    Attributes
    ----------
    parameters : dict of str to Parameter
        All parameters, each once, under their names in files.
    trainable_parameters : dict of str to Parameter
        The parameters that an optimizer changes: all, but E if it is frozen.
    eos, unk : int
        Ids of ``<eos>`` and ``<unk>``.

    Raises
    ------
    EmbeddingsError
        The vocabulary lacks ``<eos>`` or ``<unk>``.
    ValueError
        `embedding` is not (V, d).
    """

    def __init__(
        self,
        config: LanguageModelConfig,
        vocabulary: Vocabulary,
        *,
        rng: np.random.Generator,
        embedding: np.ndarray | None = None,
        dtype: type = np.float32,
    ):
        for word in (EOS, UNK):
            if word not in vocabulary:
                raise EmbeddingsError(f"the vocabulary has no {word}: build it from a split text")
        self.config, self.vocabulary = config, vocabulary
        self.eos, self.unk = vocabulary.id(EOS), vocabulary.id(UNK)
        shape = (len(vocabulary), config.embedding_dimension)
        E = random_embedding(rng, *shape) if embedding is None else embedding
        if E.shape != shape:
            raise ValueError(f"an embedding of shape {E.shape}: expected {shape}, words and dimensions of the model")
        self.embedding = Embedding(Parameter(E.astype(dtype)))
        dropout = Dropout(
            hidden=config.dropout_hidden,
            variational=config.variational,
            recurrent_weights=config.weight_drop,
        )
        cell: Cell = MogrifierCell(rounds=config.mogrifier) if config.mogrifier else CELLS[config.cell]()
        self.network = DeepRNN(
            cell, config.embedding_dimension, config.layer_sizes, rng=rng, dropout=dropout, dtype=dtype
        )
        self._projection: Parameter | None = None
        self.output = self._make_output(rng, dtype)
        self.parameters = self._named_parameters()
        frozen = self.embedding.weight if config.freeze_embedding else None
        self.trainable_parameters = {name: p for name, p in self.parameters.items() if p is not frozen}
        self._masks: dict[str, np.ndarray] = {}
        self._rounds = False

    def _make_output(self, rng: np.random.Generator, dtype: type) -> OutputLoss:
        config, words, hidden = self.config, len(self.vocabulary), self.network.output_size
        if config.output == "adaptive":
            return AdaptiveSoftmax(hidden, words, _cutoffs(words), rng=rng, dtype=dtype)
        if not config.tie_weights:
            weight = Parameter(random_embedding(rng, words, hidden).astype(dtype))
        else:
            weight = self.embedding.weight
            if hidden != config.embedding_dimension:
                self._projection = Parameter(glorot_uniform(rng, (config.embedding_dimension, hidden)).astype(dtype))
        bias = Parameter(_log_frequencies(self.vocabulary.counts).astype(dtype))
        if config.output == "full":
            return SoftmaxCrossEntropy(weight, bias)
        return SampledSoftmax(weight, bias, noise=LogUniformNoise(words), num_sampled=config.num_sampled, rng=rng)

    def draw_from(self, rng: np.random.Generator) -> None:
        """Draw the noise words of a sampled softmax from this generator from now on."""
        if isinstance(self.output, SampledSoftmax):
            self.output.rng = rng

    def use_full_softmax(self, full: bool = True) -> None:
        """Train on all words instead of a sampled softmax from now on, or sample again; any other softmax stays."""
        if isinstance(self.output, SampledSoftmax):
            self.output.full = full

    def use_bfloat16(self, rounds: bool = True) -> None:
        """Train with products of numbers rounded to bfloat16 from now on (`products.in_bfloat16`), or in full."""
        self._rounds = rounds

    @property
    def precision(self) -> str:
        """Type of the numbers that large products of the training multiply: "bfloat16" or that of the weights."""
        with in_bfloat16(self._rounds):
            dtype = self.embedding.weight.value.dtype
            return "bfloat16" if rounded(dtype) else dtype.name

    def _named_parameters(self) -> Parameters:
        named = {"embedding.weight": self.embedding.weight}
        named |= {f"rnn.{name}": parameter for name, parameter in self.network.parameters.items()}
        if self._projection is not None:
            named["output.projection"] = self._projection
        named |= {f"output.{name}": parameter for name, parameter in self.output.parameters.items()}
        return distinct(named)

    @own_threads
    def loss_and_gradients(
        self, inputs: np.ndarray, targets: np.ndarray, states: list[State] | None, rng: np.random.Generator | None
    ) -> tuple[float, list[State]]:
        """Run a window forwards and backwards, and set the gradients of the parameters.

        Parameters
        ----------
        inputs, targets : (T, B) integers
            Word ids; negative targets do not count.
        states : list of State or None
            Initial states; zeros for None.
        rng : Generator or None
            Draws the dropout; no dropout for None.

        Returns
        -------
        loss : float
            Mean cross-entropy in nats, without AR and TAR; that of the sampled words with sampled softmax.
        states : list of State
            Final states, the initial ones of the next window.
        """
        with in_bfloat16(self._rounds):
            return self._loss_and_gradients(inputs, targets, states, rng)

    def _loss_and_gradients(
        self, inputs: np.ndarray, targets: np.ndarray, states: list[State] | None, rng: np.random.Generator | None
    ) -> tuple[float, list[State]]:
        clear_gradients(self.parameters)
        self._require_targets(targets)
        outputs, ends = self._forward(inputs, states, rng)
        mask = self._drawn_mask("output", self.config.dropout_output, outputs, rng)
        hidden = outputs if mask is None else outputs * mask
        flat = np.ascontiguousarray(hidden.reshape(-1, hidden.shape[-1]))
        loss, d_projected = self.output.value_and_gradient(self._projected(flat), targets.ravel())
        d_hidden = self._through_projection(d_projected, flat).reshape(hidden.shape)
        if self.config.activation_regularization:
            d_hidden += (2 * self.config.activation_regularization / hidden.size) * hidden
        if mask is not None:
            d_hidden *= mask
        if self.config.temporal_activation_regularization:
            _add_change_gradient(self.config.temporal_activation_regularization, outputs, d_hidden)
        self._backward(d_hidden)
        return loss, ends

    def read_with_gradients(
        self, inputs: np.ndarray, targets: np.ndarray, states: list[State] | None = None
    ) -> tuple[np.ndarray, np.ndarray, list[State]]:
        """Read a window without dropout, and set the gradients of its mean cross-entropy.

        Parameters
        ----------
        inputs, targets : (T, B) integers
            Word ids; negative targets do not count.
        states : list of State, optional
            Initial states. Default: zeros.

        Returns
        -------
        hidden : (T, B, H or d)
            Inputs of the softmax.
        log_likelihood : (T, B) float64
            ln P(target), as `log_likelihood` gives it.
        states : list of State
            Final states.
        """
        clear_gradients(self.parameters)
        self._require_targets(targets)
        outputs, ends = self._forward(inputs, states, None)
        flat = np.ascontiguousarray(outputs.reshape(-1, outputs.shape[-1]))
        hidden = self._projected(flat)
        log_p = self.output.log_likelihood(hidden, targets.ravel())
        _, d_projected = self.output.value_and_gradient(hidden, targets.ravel())
        kept = hidden.copy()  # the backward pass overwrites what the forward pass kept
        self._backward(self._through_projection(d_projected, flat).reshape(outputs.shape))
        return kept.reshape(*inputs.shape, -1), log_p.reshape(inputs.shape), ends

    def hidden(
        self, inputs: np.ndarray, states: list[State] | None = None, lengths: np.ndarray | None = None
    ) -> tuple[np.ndarray, list[State]]:
        """Run without dropout, up to the input of the softmax.

        Parameters
        ----------
        inputs : (T, B) integers
            Word ids.
        states : list of State, optional
            Initial states. Default: zeros.
        lengths : (B,), optional
            Words of each column. Default: all T.

        Returns
        -------
        hidden : (T, B, H or d)
            Inputs of the softmax.
        states : list of State
            Final states.
        """
        outputs, ends = self._forward(inputs, states, None, lengths)
        flat = np.ascontiguousarray(outputs.reshape(-1, outputs.shape[-1]))
        return self._projected(flat).reshape(*inputs.shape, -1), ends

    def outputs(self, inputs: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Return the states of the last layer after each of the words `inputs` (T, B), of `lengths` (B,): (T, B, H)."""
        return self._forward(inputs, None, None, lengths)[0]

    def log_likelihood(
        self,
        inputs: np.ndarray,
        targets: np.ndarray,
        states: list[State] | None = None,
        lengths: np.ndarray | None = None,
    ) -> tuple[np.ndarray, list[State]]:
        """Return ln P(target) normalised over all V words, (T, B) float64, 0 for padding; and the final states."""
        self._require_targets(targets)
        hidden, ends = self.hidden(inputs, states, lengths)
        flat = self.output.log_likelihood(hidden.reshape(-1, hidden.shape[-1]), targets.ravel())
        return flat.reshape(inputs.shape), ends

    def log_probabilities(self, ids: np.ndarray, states: list[State] | None = None) -> tuple[np.ndarray, list[State]]:
        """Return ln P of every word after the words `ids` (B,), which follow `states`: (B, V); and the new states."""
        hidden, ends = self.hidden(np.asarray(ids)[None], states)
        return self.output.log_probabilities(hidden[0]), ends

    def _require_targets(self, ids: np.ndarray) -> None:
        """Check ids before compiled code, which checks nothing, uses them; negative targets do not count."""
        if ids.size and ids.max() >= len(self.vocabulary):
            raise EmbeddingsError(
                f"word id {ids.max():,} is not below {len(self.vocabulary):,}, the words of the model; "
                "encode the text with its vocabulary"
            )

    def layers(self) -> Iterator[tuple[Cell, dict[str, np.ndarray]]]:
        """Yield the cell of each layer and its weights, `weight_ih`, `bias` and others, from the bottom up."""
        for number, layer in enumerate(self.network.layers):
            suffix = f"_l{number}"
            weights = {name.removesuffix(suffix): parameter.value for name, parameter in layer.parameters.items()}
            yield layer.cell, weights  # type: ignore[union-attr]

    def _forward(
        self,
        inputs: np.ndarray,
        states: list[State] | None,
        rng: np.random.Generator | None,
        lengths: np.ndarray | None = None,
    ) -> tuple[np.ndarray, list[State]]:
        if inputs.size and inputs.min() < 0:  # NumPy would count from the end
            raise EmbeddingsError(f"word id {inputs.min()} is negative; expected one below {len(self.vocabulary):,}")
        self._require_targets(inputs)
        looked_up = self.embedding.forward(inputs)
        vectors = looked_up.vectors
        self._masks = {}
        if rng is not None and self.config.embedding_dropout:
            shape = (len(vectors), 1)
            self._masks["words"] = dropout_mask(rng, shape, self.config.embedding_dropout, vectors.dtype)
            looked_up = RepeatedVectors(vectors * self._masks["words"], looked_up.index)
        self._looked_up = looked_up
        x: RepeatedVectors | np.ndarray = looked_up
        if rng is not None and self.config.dropout_input:
            dense = looked_up.dense()
            mask = self._drawn_mask("input", self.config.dropout_input, dense, rng)
            x = dense * mask
        return self.network.forward(x, states, lengths, rng)

    def _backward(self, d_hidden: np.ndarray) -> None:
        wanted = not self.config.freeze_embedding
        d_inputs, _ = self.network.backward(d_hidden, input_gradient=wanted)
        if d_inputs is None:
            return
        if "input" in self._masks:
            d_inputs = self._looked_up.summed(d_inputs * self._masks["input"])
        if "words" in self._masks:
            d_inputs *= self._masks["words"]
        self.embedding.backward(d_inputs)

    def _drawn_mask(
        self, name: str, probability: float, values: np.ndarray, rng: np.random.Generator | None
    ) -> np.ndarray | None:
        if rng is None or not probability:
            return None
        shape = (1, *values.shape[1:]) if self.config.variational else values.shape
        self._masks[name] = dropout_mask(rng, shape, probability, values.dtype)
        return self._masks[name]

    def _through_projection(self, d_projected: np.ndarray, flat: np.ndarray) -> np.ndarray:
        """Return the gradient of the outputs `flat` of the network, given that of the inputs of the softmax."""
        if self._projection is None:
            return d_projected
        self._projection.add_gradient(product(d_projected.T, flat))
        return product(d_projected, self._projection.value)

    def _projected(self, flat: np.ndarray) -> np.ndarray:
        return flat if self._projection is None else product(flat, self._projection.value.T)

    def assign(self, arrays: Mapping[str, np.ndarray], origin: str) -> None:
        """Set all parameters.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Values by the names of `parameters`.
        origin : str
            Where they were read from, for the message.

        Raises
        ------
        EmbeddingsError
            The arrays are not those of this architecture; the message names the first that differs.
        """
        for name in sorted(self.parameters.keys() | arrays.keys()):
            here = self.parameters[name].value.shape if name in self.parameters else "no such array"
            there = arrays[name].shape if name in arrays else "no such array"
            if here != there:
                raise EmbeddingsError(f"{name} is {there} in {origin} and {here} in this model: another architecture")
        for name, parameter in self.parameters.items():
            parameter.value[...] = arrays[name]


def _cutoffs(words: int) -> list[int]:
    """Return the first ids of two clusters of rarer words, about 2/5 of the words each; 1/5 is in the head."""
    return sorted({max(1, words // 5), max(1, 3 * words // 5)} - {words})


def _log_frequencies(counts: np.ndarray) -> np.ndarray:
    """Return ln of the share of each word: with this bias and zero weights a softmax is the unigram model."""
    counts = np.maximum(np.asarray(counts, np.float64), 0.5)
    return np.asarray(np.log(counts / counts.sum()))


def _add_change_gradient(strength: float, outputs: np.ndarray, d_outputs: np.ndarray) -> None:
    """Add the gradient of `strength` · mean((a<t> - a<t-1>)²)."""
    if len(outputs) > 1:
        change = np.diff(outputs, axis=0)
        change *= 2 * strength / change.size
        d_outputs[1:] += change
        d_outputs[:-1] -= change
