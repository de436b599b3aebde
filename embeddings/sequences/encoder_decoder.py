"""Many to many of different lengths: one network encodes a sequence, another generates one.

::

    x<1> x<2> ... x<S> ──► encoder ──► h<S> of all layers = h<0> of the decoder ──► y<1> y<2> ... <end>

Backpropagation through time runs through both networks: ∂L/∂h<0> of the decoder is ∂L/∂h<S> of the encoder.
"""

from collections.abc import Sequence

import numpy as np

from embeddings.networks.batching import pad_sequences
from embeddings.networks.cells import State
from embeddings.networks.embedding import Embedding
from embeddings.networks.initial_embedding import random_embedding
from embeddings.networks.parameters import Parameter, Parameters
from embeddings.networks.stacking import DeepRNN
from embeddings.sequences.decoder import SequenceGenerator, SequenceGeneratorConfig, SymbolTable, symbols_of
from embeddings.sequences.network import require_words
from embeddings.sequences.training import SequenceTrainingConfig


class EncoderDecoder(SequenceGenerator):
    """An encoder and a decoder (Cho et al. 2014; Sutskever, Vinyals & Le 2014).

    ``fit(sources, targets)`` takes sequences of symbols, such as strings, for both.

    Parameters
    ----------
    network : SequenceGeneratorConfig, optional
        Settings of both networks.
    training : SequenceTrainingConfig, optional
        See `SequenceGenerator`, also for `symbols`, `seed`, `threads` and `dtype`.
    source_symbols : sequence of str, optional
        All symbols of the sources; by default those of the training examples, sorted.
    symbols : sequence of str, optional
    seed : int
    threads : int, optional
    dtype : type

    Attributes
    ----------
    encoder_ : DeepRNN
    """

    encoder_: DeepRNN

    def __init__(
        self,
        network: SequenceGeneratorConfig | None = None,
        training: SequenceTrainingConfig | None = None,
        *,
        source_symbols: Sequence[str] | None = None,
        symbols: Sequence[str] | None = None,
        seed: int = 1,
        threads: int | None = None,
        dtype: type = np.float32,
    ) -> None:
        super().__init__(network, training, symbols=symbols, seed=seed, threads=threads, dtype=dtype)
        self.source_symbols = source_symbols

    def _make_networks(
        self, rng: np.random.Generator, sources: Sequence[Sequence[str]], symbols: Sequence[str]
    ) -> Parameters:
        self._table = SymbolTable(symbols_of(sources) if self.source_symbols is None else self.source_symbols)
        vectors = random_embedding(rng, len(self._table.symbols), self.network.dimension)
        self._embedding = Embedding(Parameter(vectors.astype(self.dtype)))
        self.encoder_ = self.network.make(rng, self.dtype)
        decoder = self._make_decoder(rng, symbols)
        encoder = {"embedding": self._embedding.weight, **self.encoder_.parameters}
        named = {f"encoder.{name}": parameter for name, parameter in encoder.items()}
        return named | {f"decoder.{name}": parameter for name, parameter in decoder.items()}

    def _encode_sources(self, sources: Sequence[Sequence[str]]) -> list[np.ndarray]:
        require_words(sources)
        return self._table.numbers(sources)

    def _states(self, encoded: Sequence[np.ndarray]) -> list[State]:
        padded, lengths = pad_sequences(encoded)
        outputs, states = self.encoder_.forward(self._embedding.forward(padded), lengths=lengths)
        self._shape = outputs.shape
        return states

    def _states_backward(self, d_states: list[State]) -> None:
        # only the final states of the encoder are used, not its outputs
        d_vectors, _ = self.encoder_.backward(np.zeros(self._shape), d_states)
        assert d_vectors is not None
        self._embedding.backward(d_vectors)
