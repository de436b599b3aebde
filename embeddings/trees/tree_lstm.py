"""Long short-term memory on trees (Tai, Socher & Manning 2015): a forget gate for each child.

Only leaves have words, and leaves have no children. So the equations of the paper keep W x at the leaves, U h at the
inner nodes, and no W_f. Here s is a summary of the children's h, and sums run over the children k of a node::

    i = σ(W_i x + U_i s + b_i)        o = σ(W_o x + U_o s + b_o)        u = tanh(W_u x + U_u s + b_u)
    f_k as below                      c = i ∘ u + Σ_k f_k ∘ c_k         h = o ∘ tanh(c)

    `ChildSumTreeLSTM`   s = Σ_k h_k      f_k = σ(U_f h_k + b_f)                      (equations 2 to 8)
    `BinaryTreeLSTM`     s = [h_1; h_2]   f_k = σ(U_fk1 h_1 + U_fk2 h_2 + b_f)        (equations 9 to 14, N = 2)

Like `RecursiveNN`, both are unrolled height by height over a whole forest.
"""

from abc import ABC, abstractmethod

import numpy as np

from embeddings.networks.activations import sigmoid, tanh
from embeddings.networks.initializers import glorot_uniform, orthogonal
from embeddings.networks.parameters import Parameter, sum_by_index
from embeddings.parallel import own_threads, product
from embeddings.trees.recursive import add_product_gradient, check_binary, checked_leaves, checked_sizes
from embeddings.trees.tree_batch import Level, TreeBatch


class TreeLSTM(ABC):
    """Base class of `BinaryTreeLSTM` and `ChildSumTreeLSTM`.

    Parameters
    ----------
    dimension : int
        d, dimension of the word vectors.
    hidden_size : int
        H, dimension of the states.
    rng : np.random.Generator
        Draws the initial weights.
    forget_bias : float
        Initial value of b_f.
    dtype : type
        float32, or float64 for gradient checks.

    Attributes
    ----------
    parameters : dict[str, Parameter]
        ``weight_ih`` W (3H, d) and ``bias`` b (3H,) with the rows of i, o, u; ``weight_hh`` U (3H, nH) for the n parts
        of s; ``weight_f`` U_f (nH, nH) and ``bias_f`` b_f (H,).
    dimension, output_size : int
        d and H.
    """

    parts: int
    """n: number of the children's vectors that s and U_f take side by side."""
    _h: np.ndarray
    _c: np.ndarray

    def __init__(
        self,
        dimension: int,
        hidden_size: int,
        *,
        rng: np.random.Generator,
        forget_bias: float = 1.0,
        dtype: type = np.float32,
    ):
        self.dimension, self.output_size = checked_sizes(dimension, hidden_size)
        size, parts = hidden_size, range(self.parts)

        def squares(rows: int) -> np.ndarray:
            return np.block([[orthogonal(rng, (size, size)) for _ in parts] for _ in range(rows)])

        weights = {
            "weight_ih": np.concatenate([glorot_uniform(rng, (size, dimension)) for _ in range(3)]),
            "weight_hh": squares(3),
            "weight_f": squares(self.parts),
            "bias": np.zeros(3 * size),
            "bias_f": np.full(size, forget_bias),
        }
        self.parameters = {name: Parameter(array.astype(dtype)) for name, array in weights.items()}
        self._values = {name: parameter.value for name, parameter in self.parameters.items()}

    @own_threads
    def forward(self, batch: TreeBatch, leaf_vectors: np.ndarray) -> np.ndarray:
        """Compute h of all nodes.

        Parameters
        ----------
        batch : TreeBatch
        leaf_vectors : (leaves, d) array
            Vectors of the words.

        Returns
        -------
        (nodes, H) array
            States in the order of the batch; do not change them before `backward`.

        Raises
        ------
        ValueError
            The trees do not suit the network, or the vectors have another shape than (leaves, d).
        """
        if self.parts == 2:
            check_binary(batch)
        size, leaves, dtype = self.output_size, batch.n_leaves, self._values["bias"].dtype
        self._batch, self._x = batch, checked_leaves(batch, leaf_vectors, self.dimension, dtype)
        self._iou = np.empty((batch.n_nodes, 3 * size), dtype)
        self._f = np.empty((len(batch.children), size), dtype)
        self._s = np.empty((batch.n_nodes - leaves, self.parts * size), dtype)
        self._h, self._c = np.empty((2, batch.n_nodes, size), dtype)

        product(self._x, self._values["weight_ih"].T, out=self._iou[:leaves])
        self._states(slice(0, leaves), np.zeros((leaves, size), dtype))
        for level in batch.levels:
            self._states(level.nodes, self._kept(level))
        return self._h

    def _kept(self, level: Level) -> np.ndarray:
        """Compute U s and f of the nodes of one height; return Σ_k f_k ∘ c_k, (nodes, H)."""
        batch, size, (nodes, edges) = self._batch, self.output_size, level
        below, rows = batch.children[edges], batch.parents[edges] - nodes.start
        child_h = self._h[below]
        s = self._s[nodes.start - batch.n_leaves : nodes.stop - batch.n_leaves]
        s[:] = self._summary(child_h, rows, len(s))
        product(s, self._values["weight_hh"].T, out=self._iou[nodes])
        z_f = product(child_h.reshape(-1, self.parts * size), self._values["weight_f"].T)
        self._f[edges] = sigmoid(z_f.reshape(-1, size), self._values["bias_f"])
        return sum_by_index(self._f[edges] * self._c[below], rows, len(s))

    def _states(self, nodes: slice, kept: np.ndarray) -> None:
        """Compute i, o, u, c and h of nodes, given W x + U s in ``_iou`` and Σ_k f_k ∘ c_k in `kept`."""
        iou, bias, gates = self._iou[nodes], self._values["bias"], 2 * self.output_size
        iou[:, :gates] = sigmoid(iou[:, :gates], bias[:gates])
        iou[:, gates:] = tanh(iou[:, gates:], bias[gates:])
        i, o, u = np.split(iou, 3, axis=1)
        self._c[nodes] = i * u + kept
        self._h[nodes] = o * tanh(self._c[nodes])

    @own_threads
    def backward(self, d_nodes: np.ndarray, *, input_gradient: bool = True) -> np.ndarray | None:
        """Backpropagate through the last forward pass; add to the gradients of the parameters.

        Call it once per forward pass: it overwrites the stored gates.

        Parameters
        ----------
        d_nodes : (nodes, H) array
            ∂L/∂h from outside the trees; zero for nodes without a loss.
        input_gradient : bool
            Compute ∂L/∂(leaf vectors).

        Returns
        -------
        (leaves, d) array or None
            ∂L/∂(leaf vectors); None without `input_gradient`.
        """
        batch, size, leaves = self._batch, self.output_size, self._batch.n_leaves
        d_h, d_c = np.array(d_nodes, self._h.dtype), np.zeros_like(self._c)
        for level in reversed(batch.levels):
            self._gates_backward(level.nodes, d_h, d_c)
            self._children_backward(level, d_h, d_c)
        self._gates_backward(slice(0, leaves), d_h, d_c)

        d_iou, d_f, width = self._iou, self._f, self.parts * size
        add_product_gradient(self.parameters["weight_ih"], d_iou[:leaves], self._x)
        add_product_gradient(self.parameters["weight_hh"], d_iou[leaves:], self._s)
        child_h = self._h[batch.children].reshape(-1, width)
        add_product_gradient(self.parameters["weight_f"], d_f.reshape(-1, width), child_h)
        self.parameters["bias"].add_gradient(d_iou.sum(axis=0))
        self.parameters["bias_f"].add_gradient(d_f.sum(axis=0))
        return product(d_iou[:leaves], self._values["weight_ih"]) if input_gradient else None

    def _gates_backward(self, nodes: slice, d_h: np.ndarray, d_c: np.ndarray) -> None:
        """Replace i, o, u by the gradients of their arguments; complete ∂L/∂c."""
        i, o, u = np.split(self._iou[nodes], 3, axis=1)
        squashed = tanh(self._c[nodes])
        d_c[nodes] += d_h[nodes] * o * tanh.derivative(squashed)
        d_i = d_c[nodes] * u * sigmoid.derivative(i)
        u[:] = d_c[nodes] * i * tanh.derivative(u)
        o[:] = d_h[nodes] * squashed * sigmoid.derivative(o)
        i[:] = d_i

    def _children_backward(self, level: Level, d_h: np.ndarray, d_c: np.ndarray) -> None:
        """Replace f by the gradient of its argument; pass ∂L/∂h and ∂L/∂c to the children."""
        batch, size, (nodes, edges) = self._batch, self.output_size, level
        below, above, f = batch.children[edges], batch.parents[edges], self._f[edges]
        d_kept = d_c[above]
        d_c[below] = d_kept * f
        f[:] = d_kept * self._c[below] * sigmoid.derivative(f)
        d_s = product(self._iou[nodes], self._values["weight_hh"])
        d_child = product(f.reshape(-1, self.parts * size), self._values["weight_f"]).reshape(-1, size)
        d_h[below] += d_child + self._summary_gradient(d_s, above - nodes.start)

    @abstractmethod
    def _summary(self, child_h: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
        """Return s, (count, nH), given the children's h (edges, H) and the row of s of each child, (edges,)."""

    @abstractmethod
    def _summary_gradient(self, d_s: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the contribution of ∂L/∂s to ∂L/∂h of each child, (edges, H)."""


class ChildSumTreeLSTM(TreeLSTM):
    """Child-sum tree-LSTM: any number of children, whose order does not matter.

    s = Σ_k h_k and f_k = σ(U_f h_k + b_f). The parameters are those of `TreeLSTM`, with n = 1.
    """

    parts = 1

    def _summary(self, child_h: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
        return sum_by_index(child_h, rows, count)

    def _summary_gradient(self, d_s: np.ndarray, rows: np.ndarray) -> np.ndarray:
        d_children: np.ndarray = d_s[rows]
        return d_children


class BinaryTreeLSTM(TreeLSTM):
    """Binary tree-LSTM: two children, each with weights of its own.

    s = [h_1; h_2] and [f_1; f_2] = σ(U_f s + b_f). The parameters are those of `TreeLSTM`, with n = 2. Batches must be
    made with ``binary=True``.
    """

    parts = 2

    def _summary(self, child_h: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
        return child_h.reshape(count, -1)

    def _summary_gradient(self, d_s: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return d_s.reshape(len(rows), -1)
