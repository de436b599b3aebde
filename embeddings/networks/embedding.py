"""The embedding layer: e_w = E o_w, row w of E. Its gradient has rows only for the words of the batch."""

from dataclasses import dataclass

import numpy as np

from embeddings.networks.parameters import Parameter, RowGradient, sum_by_index


@dataclass(frozen=True, slots=True)
class RepeatedVectors:
    """Inputs (T, B, D) in which many vectors are equal.

    In natural text half of the words of a window are repetitions: a layer multiplies each vector once and copies the
    products, and sums the gradients of a vector before it multiplies them.

    Attributes
    ----------
    vectors : (U, D)
        The distinct vectors.
    index : (T, B)
        The row of `vectors` at each place.
    """

    vectors: np.ndarray
    index: np.ndarray

    def dense(self) -> np.ndarray:
        """Return the vectors of all places, (T, B, D)."""
        return np.asarray(self.vectors[self.index])

    def summed(self, values: np.ndarray) -> np.ndarray:
        """Sum `values` (T, B, d) over the places of each distinct vector: (U, d)."""
        return sum_by_index(values.reshape(-1, values.shape[-1]), self.index, len(self.vectors))


class Embedding:
    """Looks up the rows of E.

    Parameters
    ----------
    weight : Parameter
        E, (V, d); may also be the weight of the output layer (tied weights, Press & Wolf 2017).
    """

    def __init__(self, weight: Parameter):
        self.weight = weight
        self._ids = np.empty(0, np.int64)

    def forward(self, ids: np.ndarray) -> RepeatedVectors:
        """Look up the vectors of words.

        Parameters
        ----------
        ids : (T, B) integers
            Word ids in [0, V).

        Returns
        -------
        RepeatedVectors

        Raises
        ------
        IndexError
            An id is not in [0, V).
        """
        if ids.size == 1:  # the next word of a text: np.unique would take longer than the rest
            self._ids, index = ids.ravel(), np.zeros(1, np.intp)
        else:
            self._ids, index = np.unique(ids, return_inverse=True)
        if self._ids.size and not 0 <= self._ids[0] <= self._ids[-1] < len(self.weight.value):
            raise IndexError(
                f"word ids from {self._ids[0]} to {self._ids[-1]} for an embedding of {len(self.weight.value)} words: "
                "encode the text with the vocabulary of the embedding"
            )
        return RepeatedVectors(self.weight.value[self._ids], index.reshape(ids.shape))

    def backward(self, d_vectors: np.ndarray) -> None:
        """Add ∂L/∂E, given the gradient of the distinct vectors of the last forward pass, `d_vectors` (U, d)."""
        self.weight.add_gradient(RowGradient(self._ids, d_vectors))
