"""One to many: generate a sequence from one vector.

::

    v ──► a<0> = tanh(W v + b) ──► Decoder ──► y<1> y<2> ... <end>
"""

from collections.abc import Sequence

import numpy as np

from embeddings.networks.activations import tanh
from embeddings.networks.cells import CELLS, State
from embeddings.networks.initializers import glorot_uniform
from embeddings.networks.parameters import Parameter, Parameters
from embeddings.parallel import product
from embeddings.sequences.decoder import SequenceGenerator


class VectorDecoder(SequenceGenerator):
    """Generates a sequence from a vector v: the initial states of all layers are tanh(W v + b) (Cho et al. 2014).

    ``fit(vectors, sequences)`` takes an array (N, D) of vectors and one sequence of symbols for each. The parameters
    are those of `SequenceGenerator`.

    Examples
    --------
    >>> from embeddings.sequences import SequenceTrainingConfig
    >>> training = SequenceTrainingConfig(epochs=40, learning_rate=0.02)
    >>> model = VectorDecoder(training=training, seed=0).fit(np.tile(np.eye(2), (8, 1)), ["abb", "ba"] * 8)
    >>> model.decode(np.eye(2))
    [['a', 'b', 'b'], ['b', 'a']]
    """

    def _make_networks(self, rng: np.random.Generator, sources: np.ndarray, symbols: Sequence[str]) -> Parameters:
        decoder = self._make_decoder(rng, symbols)
        self._input_size = np.shape(sources)[-1]
        config = self.network
        self._sizes = [(size,) * len(CELLS[config.cell].states) for size in config.layer_sizes]
        total = sum(map(sum, self._sizes))
        self._weight = Parameter(glorot_uniform(rng, (total, self._input_size)).astype(self.dtype))
        self._bias = Parameter(np.zeros(total, self.dtype))
        return {"state_weight": self._weight, "state_bias": self._bias, **decoder}

    def _encode_sources(self, sources: np.ndarray) -> np.ndarray:
        vectors = np.asarray(sources, self._weight.value.dtype)
        if vectors.ndim != 2 or vectors.shape[1] != self._input_size:
            raise ValueError(f"vectors of shape {vectors.shape}: expected (N, {self._input_size})")
        return vectors

    def _states(self, encoded: Sequence[np.ndarray]) -> list[State]:
        self._vectors = np.array(encoded)
        self._initial = tanh(product(self._vectors, self._weight.value.T), self._bias.value)
        ends = np.cumsum([size for layer in self._sizes for size in layer])[:-1]
        parts = iter(np.split(self._initial, ends, axis=1))
        return [tuple(next(parts) for _ in layer) for layer in self._sizes]

    def _states_backward(self, d_states: list[State]) -> None:
        d_z = np.concatenate([array for state in d_states for array in state], axis=1)
        d_z *= tanh.derivative(self._initial)
        self._weight.add_gradient(product(d_z.T, self._vectors, out=self._weight.gradient_buffer()))
        self._bias.add_gradient(d_z.sum(axis=0))
