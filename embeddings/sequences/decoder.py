"""Decoder: a recurrent network that generates a sequence of symbols from an initial state, one symbol per time step.

::

             y<1>     y<2>          y<T>     <end>
               ↑        ↑             ↑        ↑           P(y<t>) = softmax(W_ya h<t> + b_y)
    h<0> ──► cell ──► cell ──► ... cell ──► cell           h<t> = cell(e<t-1>, h<t-1>)
               ↑        ↑             ↑        ↑           e<t-1> = E o, with o of the previous symbol
            <end>     y<1>         y<T-1>    y<T>

In training the previous symbol is the true one (teacher forcing, Williams & Zipser 1989); in generation it is the one
that the network chose. ``<end>`` stands before the first symbol and after the last.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from embeddings.networks.batching import PADDING, pad_sequences
from embeddings.networks.cells import CELLS, State
from embeddings.networks.embedding import Embedding
from embeddings.networks.initial_embedding import random_embedding
from embeddings.networks.losses import SoftmaxCrossEntropy
from embeddings.networks.parameters import Parameter, Parameters, clear_gradients
from embeddings.networks.stacking import DeepRNN
from embeddings.sequences.estimator import Examples, SequenceEstimator
from embeddings.sequences.network import label_numbers
from embeddings.sequences.training import SequenceTrainingConfig
from embeddings.setting_types import require_setting_types


@dataclass(frozen=True, kw_only=True)
class SequenceGeneratorConfig:
    """The network of a `VectorDecoder`, and both networks of an `EncoderDecoder`.

    Attributes
    ----------
    cell : str
        A name of `CELLS`: "rnn", "gru", "lstm" or "mingru".
    dimension : int
        d, the dimension of the symbol vectors.
    layer_sizes : tuple[int, ...]
        Hidden size H of each layer, from the bottom up.
    """

    cell: str = "lstm"
    dimension: int = 32
    layer_sizes: tuple[int, ...] = (64,)

    def __post_init__(self) -> None:
        require_setting_types(self)
        if self.cell not in CELLS:
            raise ValueError(f"cell {self.cell!r}: expected one of {', '.join(CELLS)}")
        if self.dimension < 1:
            raise ValueError(f"dimension must be at least 1, got {self.dimension}")

    def make(self, rng: np.random.Generator, dtype: type) -> DeepRNN:
        """Return a network with its initial weights."""
        return DeepRNN(CELLS[self.cell](), self.dimension, self.layer_sizes, rng=rng, dtype=dtype)


class SymbolTable:
    """Symbols and their numbers.

    Parameters
    ----------
    symbols : sequence of str
        All symbols, each once.

    Raises
    ------
    ValueError
        There are no symbols, or one occurs twice.
    """

    def __init__(self, symbols: Sequence[str]):
        self.symbols = list(symbols)
        self._number = {symbol: number for number, symbol in enumerate(self.symbols)}
        if len(self._number) != len(self.symbols) or not self.symbols:
            raise ValueError(f"{len(self.symbols)} symbols, {len(self._number)} of them different: expected each once")

    def numbers(self, sequences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Return the numbers of the symbols of each sequence, (n,) int64; a ValueError names an unknown symbol."""
        return [label_numbers(sequence, self._number) for sequence in sequences]


def symbols_of(sequences: Sequence[Sequence[str]]) -> list[str]:
    """Return the distinct symbols of the sequences, sorted."""
    return sorted({symbol for sequence in sequences for symbol in sequence})


class Decoder:
    """Embedding, `DeepRNN` and softmax over symbols and ``<end>``.

    Parameters
    ----------
    symbols : sequence of str
        All symbols of the sequences, each once.
    config : SequenceGeneratorConfig
        Settings of the network.
    rng : np.random.Generator
        Draws the initial weights.
    dtype : type
        float32, or float64 for gradient checks.

    Attributes
    ----------
    parameters : dict[str, Parameter]
    """

    def __init__(
        self, symbols: Sequence[str], config: SequenceGeneratorConfig, *, rng: np.random.Generator, dtype: type
    ):
        self.table = SymbolTable(symbols)
        self.end = len(self.table.symbols)
        self.network = config.make(rng, dtype)
        self.embedding = Embedding(Parameter(random_embedding(rng, self.end + 1, config.dimension).astype(dtype)))
        self.output = SoftmaxCrossEntropy.random(rng, self.end + 1, self.network.output_size, dtype)
        self.parameters: Parameters = {"embedding": self.embedding.weight, **self.network.parameters}
        self.parameters |= {f"output_{name}": parameter for name, parameter in self.output.parameters.items()}

    def loss_and_gradient(self, targets: Sequence[np.ndarray], states: list[State]) -> tuple[float, list[State]]:
        """Return the mean loss per symbol, ``<end>`` included, and ∂L/∂(initial states); add to the gradients."""
        hidden, padded = self._hidden(targets, states)
        loss, d_flat = self.output.value_and_gradient(hidden.reshape(-1, hidden.shape[-1]), padded.ravel())
        d_vectors, d_states = self.network.backward(d_flat.reshape(hidden.shape))
        assert d_vectors is not None
        self.embedding.backward(d_vectors)
        return loss, d_states

    def log_likelihood(self, targets: Sequence[np.ndarray], states: list[State]) -> np.ndarray:
        """Return ln P(sequence) of each target, ``<end>`` included, (B,) float64."""
        hidden, padded = self._hidden(targets, states)
        flat = self.output.log_likelihood(hidden.reshape(-1, hidden.shape[-1]), padded.ravel())
        total: np.ndarray = flat.reshape(padded.shape).sum(axis=0)
        return total

    def _hidden(self, targets: Sequence[np.ndarray], states: list[State]) -> tuple[np.ndarray, np.ndarray]:
        inputs, lengths = pad_sequences([np.concatenate([[self.end], target]) for target in targets])
        padded, _ = pad_sequences([np.concatenate([target, [self.end]]) for target in targets], PADDING)
        hidden, _ = self.network.forward(self.embedding.forward(inputs), states, lengths)
        return np.ascontiguousarray(hidden), padded

    def greedy(self, states: list[State], limit: int) -> list[list[str]]:
        """Choose the most probable symbol at each step, until ``<end>`` or `limit` symbols; one list per sequence."""
        last = np.full(len(states[0][0]), self.end)
        written: list[np.ndarray] = []
        ended = np.zeros(len(last), bool)
        while len(written) < limit and not ended.all():
            hidden, states = self.network.forward(self.embedding.forward(last[None]), states)
            last = self.output.log_probabilities(hidden[0]).argmax(axis=1)
            ended |= last == self.end
            written.append(np.where(ended, self.end, last))
        columns = np.array(written, np.int64).reshape(len(written), len(last)).T
        return [[self.table.symbols[number] for number in column[column != self.end]] for column in columns]


class SequenceGenerator(SequenceEstimator):
    """Base class of models with a `Decoder`; see `VectorDecoder` and `EncoderDecoder`.

    The validation score is the mean of ln P(symbol).

    Parameters
    ----------
    network : SequenceGeneratorConfig, optional
    training : SequenceTrainingConfig, optional
        Its ``batch_words`` counts symbols.
    symbols : sequence of str, optional
        All symbols of the targets; by default those of the training examples, sorted.
    seed : int
    threads : int, optional
    dtype : type
        See `SequenceEstimator`.

    Attributes
    ----------
    decoder_ : Decoder
    """

    unit: ClassVar[str] = "symbols"
    decoder_: Decoder

    def __init__(
        self,
        network: SequenceGeneratorConfig | None = None,
        training: SequenceTrainingConfig | None = None,
        *,
        symbols: Sequence[str] | None = None,
        seed: int = 1,
        threads: int | None = None,
        dtype: type = np.float32,
    ) -> None:
        super().__init__(training, seed=seed, threads=threads, dtype=dtype)
        self.network, self.symbols = network or SequenceGeneratorConfig(), symbols

    def initialize(self, sources: Any, targets: Sequence[Sequence[str]]) -> None:
        """Number the symbols and draw the initial weights, without training."""
        self._rng = np.random.default_rng(self.seed)
        self.parameters_ = self.trainable_parameters_ = self._make_networks(
            self._rng, sources, symbols_of(targets) if self.symbols is None else self.symbols
        )

    def _make_decoder(self, rng: np.random.Generator, symbols: Sequence[str]) -> Parameters:
        """Draw the decoder's weights; return its parameters by name."""
        self.decoder_ = Decoder(symbols, self.network, rng=rng, dtype=self.dtype)
        return self.decoder_.parameters

    @abstractmethod
    def _make_networks(self, rng: np.random.Generator, sources: Any, symbols: Sequence[str]) -> Parameters:
        """Draw the weights of the decoder and of everything below it; return the parameters by name."""

    @abstractmethod
    def _encode_sources(self, sources: Any) -> Any:
        """Check the sources; return them as arrays that can be indexed by source."""

    @abstractmethod
    def _states(self, encoded: Any) -> list[State]:
        """Return the decoder's initial states for a batch of sources as `_encode_sources` returns them."""

    @abstractmethod
    def _states_backward(self, d_states: list[State]) -> None:
        """Add to the gradients, given ∂L/∂(result of the last `_states`)."""

    def _encode(self, sources: Any, targets: Sequence[Sequence[str]]) -> Examples:
        numbers = self.decoder_.table.numbers(targets)
        return Examples(self._encode_sources(sources), numbers, np.array([len(target) + 1 for target in numbers]))

    def _train_on(self, examples: Examples, chosen: np.ndarray) -> float:
        return self._loss_and_gradients([examples.sources[i] for i in chosen], [examples.targets[i] for i in chosen])

    def _score(self, examples: Examples, chosen: np.ndarray) -> float:
        states = self._states([examples.sources[i] for i in chosen])
        total = self.decoder_.log_likelihood([examples.targets[i] for i in chosen], states)
        return float(total.sum() / examples.lengths[chosen].sum())

    def loss_and_gradients(self, sources: Any, targets: Sequence[Sequence[str]]) -> float:
        """Return the mean loss per symbol in nats; leave its gradients in the parameters."""
        return self._loss_and_gradients(self._encode_sources(sources), self.decoder_.table.numbers(targets))

    def _loss_and_gradients(self, encoded: Any, numbers: Sequence[np.ndarray]) -> float:
        clear_gradients(self.parameters_)
        loss, d_states = self.decoder_.loss_and_gradient(numbers, self._states(encoded))
        self._states_backward(d_states)
        return loss

    def decode(self, sources: Any, limit: int = 100) -> list[list[str]]:
        """Generate a sequence for each source by greedy search: the most probable symbol at each step.

        Parameters
        ----------
        sources : Any
            Sources as `fit` takes them.
        limit : int
            Largest number of symbols per sequence.

        Returns
        -------
        list of list of str
            Symbols of each sequence, without ``<end>``.
        """
        with self._lock:
            return self.decoder_.greedy(self._states(self._encode_sources(sources)), limit)
