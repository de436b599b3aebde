"""Many to many of different lengths: one network reads a sequence, another writes one.

::

    x<1> x<2> ... x<S> ──► encoder ──► h<S> of all layers = h<0> of the decoder ──► y<1> y<2> ... <end>

Backpropagation through time goes through both: ∂L/∂h<0> of the decoder is ∂L/∂h<S> of the encoder.
"""

from collections.abc import Sequence

import numpy as np

from embeddings.networks.batching import pad_sequences
from embeddings.networks.cells import State
from embeddings.networks.embedding import Embedding
from embeddings.networks.initial_embedding import random_embedding
from embeddings.networks.parameters import Parameter
from embeddings.sequences.decoder import Decoder, SequenceGenerator, SequenceGeneratorConfig, SymbolTable
from embeddings.sequences.network import require_words


class EncoderDecoder(SequenceGenerator):
    """An encoder and a decoder (Cho et al. 2014; Sutskever, Vinyals & Le 2014).

    Sources are sequences of symbols, such as strings.

    Parameters
    ----------
    source_symbols, target_symbols
        What sources and targets are made of.
    config
        Both networks.
    rng
        Draws the starting weights.
    dtype
        float32, or float64 for gradient checks.
    """

    def __init__(
        self,
        source_symbols: Sequence[str],
        target_symbols: Sequence[str],
        config: SequenceGeneratorConfig = SequenceGeneratorConfig(),  # noqa: B008 - frozen
        *,
        rng: np.random.Generator,
        dtype: type = np.float32,
    ):
        self._table = SymbolTable(source_symbols)
        vectors = random_embedding(rng, len(self._table.symbols), config.embedding_size)
        self._embedding = Embedding(Parameter(vectors.astype(dtype)))
        self.encoder = config.make(rng, dtype)
        self.decoder = Decoder(target_symbols, config, rng=rng, dtype=dtype)
        encoder = {"embedding": self._embedding.weight, **self.encoder.parameters}
        self.parameters = {f"encoder.{name}": parameter for name, parameter in encoder.items()}
        self.parameters |= {f"decoder.{name}": parameter for name, parameter in self.decoder.parameters.items()}

    def _encoded(self, sources: Sequence[Sequence[str]]) -> list[np.ndarray]:
        require_words(sources)
        return self._table.numbers(sources)

    def _states(self, encoded: Sequence[np.ndarray]) -> list[State]:
        padded, lengths = pad_sequences(encoded)
        outputs, states = self.encoder.forward(self._embedding.forward(padded), lengths=lengths)
        self._shape = outputs.shape
        return states

    def _states_backward(self, d_states: list[State]) -> None:
        # no output of the encoder is used but its final states
        d_vectors, _ = self.encoder.backward(np.zeros(self._shape), d_states)
        assert d_vectors is not None
        self._embedding.backward(d_vectors)
