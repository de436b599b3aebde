"""Dropout: units and weights that a network drops at random during training."""

from dataclasses import dataclass

import numpy as np

from embeddings.networks.dropout_kernels import drop
from embeddings.parallel import Rows, over_rows

_OPERATIONS = 8  # of the drawing of a number, about


@dataclass(frozen=True, kw_only=True)
class Dropout:
    """Dropout probabilities of a stack of layers; all 0 by default.

    Attributes
    ----------
    hidden : float
        Probability of dropping an output of a layer on its way to the next layer (Srivastava et al. 2014).
    variational : bool
        Drop the same units at all time steps of a window (Gal & Ghahramani 2016), not new ones at each step.
    recurrent_weights : float
        Probability of dropping a weight of W_hh for a whole window (weight-drop, Merity et al. 2018).

    Raises
    ------
    ValueError
        A probability is not in [0, 1).
    """

    hidden: float = 0.0
    variational: bool = True
    recurrent_weights: float = 0.0

    def __post_init__(self) -> None:
        for name in ("hidden", "recurrent_weights"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"dropout {name}={getattr(self, name)}: expected a probability in [0, 1)")


def dropout_mask(rng: np.random.Generator, shape: tuple[int, ...], probability: float, dtype: np.dtype) -> np.ndarray:
    """Draw a mask: 0 with `probability`, else 1 / (1 - probability), so that means are kept.

    Parameters
    ----------
    rng : Generator
    shape : tuple of int
    probability : float
    dtype : dtype

    Returns
    -------
    ndarray
        Of `shape` and `dtype`.
    """
    keep = np.asarray(1.0 / (1.0 - probability), dtype)
    mask: np.ndarray = (rng.random(shape, np.float32) >= probability) * keep
    return mask


def drop_weights(weights: np.ndarray, probability: float, seed: np.uint64, out: np.ndarray) -> np.ndarray:
    """Drop elements with a probability, and divide the others by 1 - probability; by threads.

    Which ones are dropped depends on the seed and the shape alone, so that the same call drops their gradients.

    Parameters
    ----------
    weights : (n, m)
    probability : float
    seed : uint64
    out : (n, m)
        Array to write to; may be `weights`.

    Returns
    -------
    (n, m)
        `out`.
    """
    keep, threshold = weights.dtype.type(1.0 / (1.0 - probability)), np.uint64(round(probability * 2**32))

    def work(rows: Rows) -> None:
        with np.errstate(over="ignore"):  # numbers wrap around
            drop(weights, out, seed, threshold, keep, rows)

    over_rows(work, len(weights), cost=_OPERATIONS * weights.shape[1])
    return out
