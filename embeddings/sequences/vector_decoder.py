"""One to many: a sequence written from one vector.

::

    v ──► a<0> = tanh(W v + b) ──► Decoder ──► y<1> y<2> ... <end>
"""

from collections.abc import Sequence

import numpy as np

from embeddings.networks.activations import tanh
from embeddings.networks.cells import CELLS, State
from embeddings.networks.initializers import glorot_uniform
from embeddings.networks.parameters import Parameter
from embeddings.parallel import product
from embeddings.sequences.decoder import Decoder, SequenceGenerator, SequenceGeneratorConfig


class VectorDecoder(SequenceGenerator):
    """Writes a sequence from a vector, which makes the initial states of all layers: tanh(W v + b) (Cho et al. 2014).

    Sources are an array of vectors, (N, D).

    Parameters
    ----------
    input_size
        D.
    symbols
        What sequences are made of.
    config
        The network.
    rng
        Draws the starting weights.
    dtype
        float32, or float64 for gradient checks.

    Examples
    --------
    >>> from embeddings.sequences import SequenceTrainingConfig
    >>> rng = np.random.default_rng(0)
    >>> model = VectorDecoder(2, "ab", rng=rng)
    >>> training = SequenceTrainingConfig(epochs=40, learning_rate=0.02)
    >>> _ = model.fit(np.tile(np.eye(2), (8, 1)), ["abb", "ba"] * 8, rng=rng, training=training)
    >>> model.decode(np.eye(2))
    [['a', 'b', 'b'], ['b', 'a']]
    """

    def __init__(
        self,
        input_size: int,
        symbols: Sequence[str],
        config: SequenceGeneratorConfig = SequenceGeneratorConfig(),  # noqa: B008 - frozen
        *,
        rng: np.random.Generator,
        dtype: type = np.float32,
    ):
        self.decoder = Decoder(symbols, config, rng=rng, dtype=dtype)
        self.input_size = input_size
        self._sizes = [(size,) * len(CELLS[config.cell].states) for size in config.layer_sizes]
        total = sum(map(sum, self._sizes))
        self._weight = Parameter(glorot_uniform(rng, (total, input_size)).astype(dtype))
        self._bias = Parameter(np.zeros(total, dtype))
        self.parameters = {"state_weight": self._weight, "state_bias": self._bias, **self.decoder.parameters}

    def _encoded(self, sources: np.ndarray) -> np.ndarray:
        vectors = np.asarray(sources, self._weight.value.dtype)
        if vectors.ndim != 2 or vectors.shape[1] != self.input_size:
            raise ValueError(f"vectors of shape {vectors.shape}: expected (N, {self.input_size})")
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
