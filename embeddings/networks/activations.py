"""Activation functions g of a recurrent network, each with its derivative.

A derivative is written in terms of the value a = g(z), the only quantity that the backward pass keeps.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embeddings.networks.kernels import RELU, SIGMOID, TANH, activate


@dataclass(frozen=True)
class Activation:
    """A function g applied element by element.

    Attributes
    ----------
    name : str
    code : int
        Number of the function in the compiled loops.
    derivative : callable
        g'(z) as a function of a = g(z).
    """

    name: str
    code: int
    derivative: Callable[[np.ndarray], np.ndarray]

    def __call__(self, z: np.ndarray, bias: np.ndarray | float = 0.0) -> np.ndarray:
        """Return g(z + bias), of the shape and type (float32 or float64) of `z`."""
        a = np.ascontiguousarray(z + np.asarray(bias, z.dtype))
        activate(a.reshape(-1), np.zeros(a.size, a.dtype), self.code)
        return a


sigmoid = Activation("sigmoid", SIGMOID, lambda a: a * (1 - a))
tanh = Activation("tanh", TANH, lambda a: 1 - a * a)
relu = Activation("relu", RELU, lambda a: (a > 0).astype(a.dtype))

ACTIVATIONS = {g.name: g for g in (sigmoid, tanh, relu)}
