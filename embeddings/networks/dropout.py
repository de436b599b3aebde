"""Dropout: units and weights that a network drops at random during training."""

from dataclasses import dataclass

import numpy as np


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
