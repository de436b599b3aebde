"""Recursive networks: compose the vector of a phrase from those of its parts, and backpropagate through structure.

::

                p2 = g(W [a; p1] + b)                  forwards   height by height, leaves first: the nodes of one
               ╱      ╲                                           height, of all trees, are the rows of one product
           a = E o_a   p1 = g(W [b; c] + b)            backwards  from the roots down: ∂L/∂p of a node is complete
                      ╱     ╲                                     when the height above it is done, because
                 b = E o_b   c = E o_c                            every node has one parent

All nodes share the weights; the gradient ∂L/∂W = Σ_nodes ∂L/∂W |_node is one product for the whole forest
(backpropagation through structure, Goller & Küchler 1996).
"""

from typing import TYPE_CHECKING

import numpy as np

from embeddings.networks.activations import ACTIVATIONS
from embeddings.networks.initializers import Initializer, glorot_uniform
from embeddings.networks.parameters import Parameter
from embeddings.parallel import own_threads, product
from embeddings.trees.tree_batch import TreeBatch

if TYPE_CHECKING:
    from embeddings.networks.parameters import Parameters


class RecursiveNN:
    """p = g(W [c1; c2] + b) at every node with the children c1 and c2 (Socher et al. 2011).

    Parameters
    ----------
    dimension : int
        d, the dimension of the word vectors.
    hidden_size : int, optional
        H, the dimension of the phrase vectors: a leaf is g(W_x x + b_x). Without it a leaf is its word vector x, and
        H = d.
    activation : {"sigmoid", "tanh", "relu"}
        g.
    initializer : Initializer
        Initial values of W and W_x.
    rng : np.random.Generator
        Draws the initial weights.
    dtype : type
        float32, or float64 for gradient checks.

    Attributes
    ----------
    parameters : dict[str, Parameter]
        ``weight`` W (H, 2H), ``bias`` b (H,); with ``hidden_size`` also ``leaf_weight`` W_x (H, d), ``leaf_bias`` b_x.
    dimension, output_size : int
        d and H.
    """

    def __init__(
        self,
        dimension: int,
        hidden_size: int | None = None,
        *,
        activation: str = "tanh",
        initializer: Initializer = glorot_uniform,
        rng: np.random.Generator,
        dtype: type = np.float32,
    ):
        if activation not in ACTIVATIONS:
            raise ValueError(f"unknown activation {activation!r}: choose one of {', '.join(ACTIVATIONS)}")
        self.dimension, self.output_size = checked_sizes(dimension, hidden_size or dimension)
        size = self.output_size
        self._g = ACTIVATIONS[activation]
        self._weight = Parameter(initializer(rng, (size, 2 * size)).astype(dtype))
        self._bias = Parameter(np.zeros(size, dtype))
        self.parameters: Parameters = {"weight": self._weight, "bias": self._bias}
        if hidden_size:
            self.parameters |= {
                "leaf_weight": Parameter(initializer(rng, (size, dimension)).astype(dtype)),
                "leaf_bias": Parameter(np.zeros(size, dtype)),
            }

    @own_threads
    def forward(self, batch: TreeBatch, leaf_vectors: np.ndarray) -> np.ndarray:
        """Compute the vectors of all nodes.

        Parameters
        ----------
        batch : TreeBatch
            Trees whose inner nodes have two children each.
        leaf_vectors : (leaves, d) array
            Vectors of the words.

        Returns
        -------
        (nodes, H) array
            Vectors in the order of the batch; do not change them before `backward`.

        Raises
        ------
        ValueError
            An inner node does not have two children, or the vectors have another shape than (leaves, d).
        """
        check_binary(batch)
        leaves, size, dtype = batch.n_leaves, self.output_size, self._weight.value.dtype
        self._batch, self._x = batch, checked_leaves(batch, leaf_vectors, self.dimension, dtype)
        p = self._p = np.empty((batch.n_nodes, size), dtype)
        p[:leaves] = self._leaf_states()
        self._pairs = np.empty((batch.n_nodes - leaves, 2 * size), dtype)
        for nodes, edges in batch.levels:
            pairs = self._pairs[nodes.start - leaves : nodes.stop - leaves]  # [c1; c2] of each node
            np.take(p, batch.children[edges], axis=0, out=pairs.reshape(-1, size), mode="clip")
            p[nodes] = self._g(product(pairs, self._weight.value.T), self._bias.value)
        return p

    @own_threads
    def backward(self, d_nodes: np.ndarray, *, input_gradient: bool = True) -> np.ndarray | None:
        """Backpropagate through the last forward pass; add to the gradients of the parameters.

        Parameters
        ----------
        d_nodes : (nodes, H) array
            ∂L/∂(vectors of the nodes) from outside the trees; zero for nodes without a loss.
        input_gradient : bool
            Compute ∂L/∂(leaf vectors).

        Returns
        -------
        (leaves, d) array or None
            ∂L/∂(leaf vectors); None without `input_gradient`.
        """
        batch, p, size, leaves = self._batch, self._p, self.output_size, self._batch.n_leaves
        d_p = np.array(d_nodes, p.dtype)
        d_z = np.empty((batch.n_nodes - leaves, size), p.dtype)
        for nodes, edges in reversed(batch.levels):
            inner = slice(nodes.start - leaves, nodes.stop - leaves)
            np.multiply(d_p[nodes], self._g.derivative(p[nodes]), out=d_z[inner])
            d_p[batch.children[edges]] += product(d_z[inner], self._weight.value).reshape(-1, size)
        add_product_gradient(self._weight, d_z, self._pairs)
        self._bias.add_gradient(d_z.sum(axis=0))
        return self._leaf_gradient(d_p[:leaves], input_gradient)

    def _leaf_states(self) -> np.ndarray:
        if "leaf_weight" not in self.parameters:
            return self._x
        weight, bias = (self.parameters[name].value for name in ("leaf_weight", "leaf_bias"))
        return self._g(product(self._x, weight.T), bias)

    def _leaf_gradient(self, d_leaves: np.ndarray, input_gradient: bool) -> np.ndarray | None:
        if "leaf_weight" not in self.parameters:
            return d_leaves if input_gradient else None
        d_z = d_leaves * self._g.derivative(self._p[: len(d_leaves)])
        add_product_gradient(self.parameters["leaf_weight"], d_z, self._x)
        self.parameters["leaf_bias"].add_gradient(d_z.sum(axis=0))
        return product(d_z, self.parameters["leaf_weight"].value) if input_gradient else None


def checked_sizes(dimension: int, hidden_size: int) -> tuple[int, int]:
    """Return both sizes; raise a ValueError unless they are at least 1."""
    if min(dimension, hidden_size) < 1:
        raise ValueError(f"sizes {dimension} and {hidden_size}: expected at least 1")
    return dimension, hidden_size


def check_binary(batch: TreeBatch) -> None:
    """Raise a ValueError unless each node has two children or is a leaf."""
    arities = np.bincount(batch.parents, minlength=batch.n_nodes)[batch.n_leaves :]
    other = np.flatnonzero(arities != 2)
    if other.size:
        node = other[0] + batch.n_leaves
        raise ValueError(
            f"a node {batch.labels[node]!r} of tree {batch.tree_of[node]} has {arities[other[0]]} children: this "
            "network takes 2; make the batch with binary=True"
        )


def checked_leaves(batch: TreeBatch, leaf_vectors: np.ndarray, dimension: int, dtype: np.dtype) -> np.ndarray:
    """Return the vectors of the leaves in the network's dtype; raise a ValueError for another shape."""
    expected = batch.n_leaves, dimension
    if np.shape(leaf_vectors) != expected:
        raise ValueError(
            f"leaf vectors of shape {np.shape(leaf_vectors)}: expected {expected}, one vector per leaf, of the "
            "network's dimension"
        )
    return np.ascontiguousarray(leaf_vectors, dtype)


def add_product_gradient(weight: Parameter, d_outputs: np.ndarray, inputs: np.ndarray) -> None:
    """Add ∂L/∂W of outputs = inputs Wᵀ: the sum over all rows is one product."""
    weight.add_gradient(product(d_outputs.T, inputs, out=weight.gradient_buffer()))
