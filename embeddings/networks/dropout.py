"""What a network leaves out at random during training."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Dropout:
    """Probabilities with which parts of a stack of layers are left out; nothing by default.

    Attributes
    ----------
    hidden : float
        An output of a layer is hidden from the layer above (Srivastava et al. 2014).
    variational : bool
        Hide the same units at all time steps of a window (Gal & Ghahramani 2016) instead of new ones at each.
    recurrent_weights : float
        A weight of W_hh is left out for a whole window (weight-drop, Merity et al. 2018).
    """

    hidden: float = 0.0
    variational: bool = True
    recurrent_weights: float = 0.0

    def __post_init__(self) -> None:
        for name in ("hidden", "recurrent_weights"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"dropout {name}={getattr(self, name)}: expected a probability in [0, 1)")


def dropout_mask(rng: np.random.Generator, shape: tuple[int, ...], probability: float, dtype: np.dtype) -> np.ndarray:
    """Return a mask that is 0 with ``probability`` and 1 / (1 - probability) otherwise, so that means are kept."""
    keep = np.asarray(1.0 / (1.0 - probability), dtype)
    return (rng.random(shape, np.float32) >= probability) * keep
