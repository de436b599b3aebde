"""Starting values of weights, named after the papers that derive them.

Each function takes a generator and a shape (outputs, inputs) and returns float64, which the caller rounds to the type
of the network. The methods of Glorot and He keep the variance of the signal from layer to layer.
"""

from collections.abc import Callable

import numpy as np

Initializer = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def glorot_uniform(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw from U(-a, a), a = sqrt(6 / (inputs + outputs)), for tanh layers (Glorot & Bengio 2010)."""
    limit = np.sqrt(6.0 / sum(shape))
    return rng.uniform(-limit, limit, shape)


def glorot_normal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw from N(0, 2 / (inputs + outputs)) (Glorot & Bengio 2010)."""
    return rng.normal(0.0, np.sqrt(2.0 / sum(shape)), shape)


def he_uniform(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw from U(-a, a), a = sqrt(6 / inputs), for ReLU layers (He et al. 2015)."""
    limit = np.sqrt(6.0 / shape[1])
    return rng.uniform(-limit, limit, shape)


def he_normal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw from N(0, 2 / inputs) (He et al. 2015)."""
    return rng.normal(0.0, np.sqrt(2.0 / shape[1]), shape)


def orthogonal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw a matrix with orthonormal rows or columns, whichever are fewer, uniformly (Saxe et al. 2014).

    Its singular values are 1, so that a repeated product neither grows nor shrinks the signal through time.
    """
    tall = rng.normal(size=(max(shape), min(shape)))
    q, r = np.linalg.qr(tall)
    q *= np.sign(np.diag(r))  # makes the decomposition unique, and the distribution uniform
    return q if shape[0] >= shape[1] else q.T


def identity(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return ones on the diagonal, for ReLU networks with a long memory (Le et al. 2015)."""
    return np.eye(*shape)


def uniform(limit: float) -> Initializer:
    """Return the initializer U(-limit, limit)."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        return rng.uniform(-limit, limit, shape)

    return draw
