"""Pooling: combine the states h<1> ... h<n> of a text into the one vector that is classified.

    mean        (1/n) Σ_t h<t>
    max         max_t h<t>, column by column (Collobert et al. 2011)
    attention   Σ_t α_t h<t>,  α = softmax over t of v · tanh(W h<t> + b)     (Yang et al. 2016)

The states of a batch are one array ``rows`` (N, H), in which the rows of a text are contiguous; ``starts`` (B,) holds
the first row of each text. No text is empty.
"""

from abc import ABC, abstractmethod

import numpy as np

from embeddings.networks.initializers import glorot_uniform
from embeddings.networks.parameters import Parameter, Parameters
from embeddings.parallel import product


class Pooling(ABC):
    """Base class of the poolings.

    Attributes
    ----------
    parameters : Parameters
    """

    parameters: Parameters

    @abstractmethod
    def forward(self, rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Return the pooled vectors of the texts, (B, H)."""

    @abstractmethod
    def backward(self, d_pooled: np.ndarray) -> np.ndarray:
        """Return ∂L/∂rows (N, H), given ∂L/∂(result of the last `forward`) (B, H)."""


class MeanPooling(Pooling):
    """The mean over a text."""

    def __init__(self) -> None:
        self.parameters = {}

    def forward(self, rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Return the means."""
        self._counts = _counts(rows, starts)
        means: np.ndarray = np.add.reduceat(rows, starts) / self._counts[:, None].astype(rows.dtype)
        return means

    def backward(self, d_pooled: np.ndarray) -> np.ndarray:
        """Divide the gradient of each mean evenly among its rows."""
        return np.repeat(d_pooled / self._counts[:, None].astype(d_pooled.dtype), self._counts, axis=0)


class MaxPooling(Pooling):
    """The maximum of each column over a text; equal maxima share the gradient."""

    def __init__(self) -> None:
        self.parameters = {}

    def forward(self, rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Return the maxima."""
        self._counts = _counts(rows, starts)
        largest = np.maximum.reduceat(rows, starts)
        self._chosen = rows == np.repeat(largest, self._counts, axis=0)
        self._ties = np.add.reduceat(self._chosen, starts, dtype=rows.dtype)
        return largest

    def backward(self, d_pooled: np.ndarray) -> np.ndarray:
        """Pass the gradient to the maxima."""
        d_rows: np.ndarray = np.repeat(d_pooled / self._ties, self._counts, axis=0) * self._chosen
        return d_rows


class AttentionPooling(Pooling):
    """A weighted mean whose weights are learned (Yang et al. 2016, "Hierarchical Attention Networks").

    Parameters
    ----------
    size : int
        H, columns of the rows.
    rng : np.random.Generator
        Draws W (H, H) and v.
    dtype : type
        float32, or float64 for gradient checks.
    """

    def __init__(self, size: int, *, rng: np.random.Generator, dtype: type = np.float32):
        self._weight = Parameter(glorot_uniform(rng, (size, size)).astype(dtype))
        self._bias = Parameter(np.zeros(size, dtype))
        self._query = Parameter(glorot_uniform(rng, (1, size))[0].astype(dtype))
        self.parameters = {"weight": self._weight, "bias": self._bias, "query": self._query}

    def forward(self, rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Return the weighted means."""
        self._rows, self._starts, self._counts = rows, starts, _counts(rows, starts)
        self._keys = np.tanh(product(rows, self._weight.value.T) + self._bias.value)
        scores = self._keys @ self._query.value
        scores = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), self._counts))
        self.weights = scores / np.repeat(np.add.reduceat(scores, starts), self._counts)
        self._pooled = np.add.reduceat(rows * self.weights[:, None], starts)
        return self._pooled

    def backward(self, d_pooled: np.ndarray) -> np.ndarray:
        """Backpropagate through the mean and its weights."""
        d_rows = np.repeat(d_pooled, self._counts, axis=0)
        d_weights = np.einsum("nh,nh->n", d_rows, self._rows)
        expected = np.repeat(np.add.reduceat(d_weights * self.weights, self._starts), self._counts)
        d_scores = self.weights * (d_weights - expected)
        self._query.add_gradient(d_scores @ self._keys)
        d_keys = d_scores[:, None] * self._query.value * (1 - self._keys**2)
        self._weight.add_gradient(product(d_keys.T, self._rows))
        self._bias.add_gradient(d_keys.sum(axis=0))
        d_rows *= self.weights[:, None]
        d_rows += product(d_keys, self._weight.value)
        return d_rows


def _counts(rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.diff(np.append(starts, len(rows)))


POOLINGS = ("mean", "max", "attention")


def make_pooling(name: str, size: int, rng: np.random.Generator, dtype: type) -> Pooling:
    """Return the pooling with a name of `POOLINGS`, for rows of `size` columns."""
    if name == "attention":
        return AttentionPooling(size, rng=rng, dtype=dtype)
    return MeanPooling() if name == "mean" else MaxPooling()
