"""One recurrent layer, unrolled over a window of T time steps and backwards through it (BPTT).

::

              o<1>      o<2>            o<T>          outputs  (T, B, H)
               ↑         ↑               ↑
    h<0> ──► cell ──► cell ──► ... ──► cell ──► h<T>  states   (B, H)
               ↑         ↑               ↑
              x<1>      x<2>            x<T>          inputs   (T, B, D)

W_ih x<t> is one product for all t, and so are the gradients ∂L/∂W = Σ_t ∂L<t>/∂W|_t; only W_hh h<t-1> depends on the
previous step and stays in the time loop. BPTT is *truncated* by default: the final state of one window is the initial
state of the next, and its gradient is not passed on. It is full when the window is the whole sequence, or when
`d_states` are passed from window to window, last window first.
"""

from collections.abc import Callable

import numpy as np

from embeddings.networks.cells import Cell, State, Tape, Weights
from embeddings.networks.dropout import Dropout, drop_weights
from embeddings.networks.embedding import RepeatedVectors
from embeddings.networks.kernels import transpose
from embeddings.networks.parameters import Parameter
from embeddings.networks.products import FEWEST_ROUNDED, product, rounded
from embeddings.packed_matrices import packed_right
from embeddings.parallel import Rows, over_rows, own_threads

LANES = 16
"""Rows are padded to a multiple of this number of elements, so that vectorised loops have no remainder."""
ROWS_PER_PASS = 5
"""Rows that the compiled products handle together."""
SHORT_WINDOW = 4
"""Windows of at most this number of steps use W_hh directly; longer ones make a transposed copy first."""

Inputs = np.ndarray | RepeatedVectors


def _padded(size: int) -> int:
    return -(-size // LANES) * LANES


class RecurrentLayer:
    """A cell and its weights, unrolled over time.

    Outputs are views of memory that the next forward pass overwrites; states and gradients are new arrays.

    Parameters
    ----------
    cell : Cell
        Equations of one step.
    input_size, hidden_size : int
        D and H.
    rng : Generator
        Draws the starting weights.
    dropout : Dropout, optional
        Only its `recurrent_weights` concerns a single layer.
    dtype : type
        float32, or float64 for gradient checks.
    suffix : str
        Appended to the names of the parameters, `weight_ih`, `weight_hh`, `bias`.

    Attributes
    ----------
    parameters : dict of str to Parameter
    """

    state_count = 1

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        *,
        rng: np.random.Generator,
        dropout: Dropout | None = None,
        dtype: type = np.float32,
        suffix: str = "",
    ):
        self.cell, self.input_size, self.output_size = cell, input_size, hidden_size
        weights = cell.initial_weights(rng, input_size, hidden_size)
        self._weight_drop = dropout.recurrent_weights if dropout else 0.0
        self._weights = {name: Parameter(array.astype(dtype)) for name, array in weights.items()}
        self.parameters = {name + suffix: parameter for name, parameter in self._weights.items()}
        self._tape: Tape | None = None
        self._inputs: Inputs = np.empty((0, 0, input_size))
        self._drop_seed: np.uint64 | None = None
        self._recurrent: np.ndarray = np.empty((0, hidden_size), dtype)
        self._copy: np.ndarray = np.empty((0, 0), dtype)
        self._copied = False

    @own_threads
    def forward(
        self,
        inputs: Inputs,
        states: list[State] | None = None,
        lengths: np.ndarray | None = None,
        rng: np.random.Generator | None = None,
    ) -> tuple[np.ndarray, list[State]]:
        """Run the layer over a window.

        Parameters
        ----------
        inputs : (T, B, D) or RepeatedVectors
            Of the layer's dtype.
        states : list of State, optional
            The initial state, a list of one tuple of (B, H) arrays. Default: zeros.
        lengths : (B,), optional
            Time steps of each sequence, from 0 to T. Default: all T. Outputs past the end are zero, and the final state
            is that at the end.
        rng : Generator, optional
            Draws the weights of W_hh that are dropped. Default: none is dropped.

        Returns
        -------
        outputs : (T, B, H)
            h<1> ... h<T>, a view that the next call overwrites.
        states : list of State
            The final state.
        """
        index = inputs.index if isinstance(inputs, RepeatedVectors) else inputs[..., 0]
        steps, batch = index.shape
        self._inputs, self._recurrent = inputs, self._masked_weight(rng)
        tape = self._start(steps, batch, states, lengths)
        self._multiply_inputs(inputs, tape.gates)
        if tape.recurrent is not tape.gates:
            tape.recurrent[:] = 0
        weights = self._recurrent_weights(steps)
        cost = steps * tape.gates.shape[-1] * self.output_size
        over_batch(lambda rows: self.cell.forward(tape, weights, self._weights, rows), tape, cost)
        return self._outputs(tape, lengths)

    @own_threads
    def backward(
        self, d_output: np.ndarray, d_states: list[State] | None = None, *, input_gradient: bool = True
    ) -> tuple[np.ndarray | None, list[State]]:
        """Backpropagate through the last forward pass; add to the gradients of the parameters.

        Parameters
        ----------
        d_output : (T, B, H)
            ∂L/∂outputs; values past the end of a sequence are ignored.
        d_states : list of State, optional
            ∂L/∂(final state). Default: zeros.
        input_gradient : bool
            Compute ∂L/∂inputs.

        Returns
        -------
        d_inputs : (T, B, D) or (U, D) or None
            ∂L/∂inputs; of the distinct vectors, (U, D), for `RepeatedVectors`. None without `input_gradient`.
        d_states : list of State
            ∂L/∂(initial state).
        """
        tape = self._tape
        assert tape is not None, "backward needs a forward pass before it"
        d_output = np.ascontiguousarray(d_output, tape.gates.dtype)
        d_state, back = self._final_gradients(tape, d_states), self._weights_back(tape)
        cost = len(tape.gates) * tape.gates.shape[-1] * self.output_size
        over_batch(lambda rows: self.cell.backward(tape, back, d_output, d_state, rows), tape, cost)
        self._add_recurrent_gradient(tape)
        return self._input_gradients(tape, input_gradient), [d_state]

    def _start(self, steps: int, batch: int, states: list[State] | None, lengths: np.ndarray | None) -> Tape:
        """Return the tape of a window, with the initial state."""
        tape = self._tape = self._prepared_tape(steps, batch)
        tape.lengths[:] = steps if lengths is None else lengths
        for array, initial in zip(tape.states, states[0] if states else (0,) * len(tape.states), strict=True):
            array[0, :, : self.output_size] = initial
        return tape

    def _outputs(self, tape: Tape, lengths: np.ndarray | None) -> tuple[np.ndarray, list[State]]:
        """Return h<1> ... h<T> and a copy of the final state."""
        size = self.output_size
        end = -1 if lengths is None else (tape.lengths, np.arange(len(tape.lengths)))
        return tape.states[0][1:, :, :size], [tuple(states[end][:, :size].copy() for states in tape.states)]

    def _final_gradients(self, tape: Tape, d_states: list[State] | None) -> State:
        """Return a copy of ∂L/∂(final state)."""
        dtype, shape = tape.gates.dtype, (len(tape.lengths), self.output_size)
        finals = d_states[0] if d_states else (0,) * len(tape.states)
        return tuple(np.zeros(shape, dtype) + np.asarray(final, dtype) for final in finals)

    def _prepared_tape(self, steps: int, batch: int) -> Tape:
        tape, rows = self._tape, len(self._weights["bias"].value)
        if tape is not None and tape.gates.shape[:2] == (steps, batch):
            return tape
        dtype = self._weights["bias"].value.dtype
        gates = np.zeros((steps, batch, _padded(rows)), dtype)
        recurrent = gates if self.cell.shares_gates else np.zeros_like(gates)
        shape = (steps + 1, batch, _padded(self.output_size))
        states = tuple(np.zeros(shape, dtype) for _ in self.cell.states)
        return Tape(gates, recurrent, states, np.zeros(batch, np.int64))

    def _masked_weight(self, rng: np.random.Generator | None) -> np.ndarray:
        """Return W_hh, with some weights dropped if `rng` is given; without rows for a cell that has none."""
        self._drop_seed, self._copied = None, False
        if not self.cell.multiplies_state:
            return self._recurrent
        weight = self._weights["weight_hh"].value
        if rng is None or self._weight_drop == 0.0:
            return weight
        self._drop_seed = rng.integers(2**64, dtype=np.uint64)
        return drop_weights(weight, self._weight_drop, self._drop_seed, np.empty_like(weight))

    def _multiply_inputs(self, inputs: Inputs, gates: np.ndarray) -> None:
        """Set gates = W_ih x for all time steps at once."""
        weight = self._weights["weight_ih"].value
        flat = gates.reshape(-1, gates.shape[-1])
        if isinstance(inputs, RepeatedVectors):
            products = np.zeros((len(inputs.vectors), flat.shape[1]), flat.dtype)
            product(inputs.vectors, weight.T, out=products[:, : len(weight)])
            np.take(products, inputs.index.ravel(), axis=0, out=flat, mode="clip")
        else:
            product(inputs.reshape(-1, self.input_size), weight.T, out=flat[:, : len(weight)])

    def _recurrent_weights(self, steps: int) -> Weights:
        """Return W_hh as the time loops read it."""
        if self.cell.multiplies_state and self._rounds_products(steps):
            return packed_right(self._recurrent)
        return self._recurrent, self._transposed() if steps > SHORT_WINDOW else self._copy[:0]

    def _weights_back(self, tape: Tape) -> np.ndarray:
        """Return the transpose of W_hh as the time loops backwards read it."""
        if self.cell.multiplies_state and self._rounds_products(len(tape.gates)):
            return packed_right(self._recurrent.T)
        return self._transposed()[: self.output_size]

    def _rounds_products(self, steps: int) -> bool:
        large = steps > SHORT_WINDOW and self.output_size >= FEWEST_ROUNDED
        return large and rounded(self._recurrent.dtype)

    def _transposed(self) -> np.ndarray:
        """Return W_hh transposed and padded for the time loops; made once per forward pass."""
        weight, (outputs, inputs) = self._recurrent, self._recurrent.shape
        if self._copy.size == 0:
            self._copy = np.zeros((_padded(inputs), _padded(outputs)), weight.dtype)
        if not self._copied:
            over_rows(lambda rows: transpose(weight, self._copy, rows), outputs, cost=inputs, grain=LANES)
            self._copied = True
        return self._copy

    def _add_recurrent_gradient(self, tape: Tape) -> None:
        """Add ∂L/∂W_hh = Σ_t ∂L/∂(W_hh h<t-1>) h<t-1>ᵀ, one product."""
        if not self.cell.multiplies_state:
            return
        before = tape.states[0][:-1].reshape(-1, tape.states[0].shape[-1])[:, : self.output_size]
        d_recurrent = tape.recurrent.reshape(-1, tape.recurrent.shape[-1])[:, : len(self._recurrent)]
        self._add_product("weight_hh", d_recurrent, before)
        if "bias_hn" in self._weights:
            self._weights["bias_hn"].add_gradient(column_sums(d_recurrent[:, -self.output_size :]))

    def _input_gradients(self, tape: Tape, input_gradient: bool) -> np.ndarray | None:
        """Add ∂L/∂W_ih and ∂L/∂b, and return ∂L/∂x; one product each."""
        weight, inputs = self._weights["weight_ih"].value, self._inputs
        width = len(weight)
        if isinstance(inputs, RepeatedVectors):
            d_gates, x = inputs.summed(tape.gates)[:, :width], inputs.vectors
        else:
            d_gates = tape.gates.reshape(-1, tape.gates.shape[-1])[:, :width]
            x = inputs.reshape(-1, self.input_size)
        self._weights["bias"].add_gradient(column_sums(d_gates))
        self._add_product("weight_ih", d_gates, x)
        if not input_gradient:
            return None
        d_inputs = product(d_gates, weight)
        return d_inputs if isinstance(inputs, RepeatedVectors) else d_inputs.reshape(inputs.shape)

    def _add_product(self, name: str, d_products: np.ndarray, values: np.ndarray) -> None:
        """Add ∂L/∂W of products W v, given ∂L/∂(W v) (N, ·) and v (N, ·); dropped weights of W_hh get none."""
        parameter = self._weights[name]
        gradient = parameter.gradient_buffer()
        product(d_products.T, values, out=gradient)
        if name == "weight_hh" and self._drop_seed is not None:
            drop_weights(gradient, self._weight_drop, self._drop_seed, gradient)
        parameter.add_gradient(gradient)


def over_batch(work: Callable[[Rows], None], tape: Tape, cost: int) -> None:
    """Call `work` for slices of the sequences of a tape; see `over_rows`."""
    over_rows(work, len(tape.lengths), cost=cost, grain=ROWS_PER_PASS)


def column_sums(matrix: np.ndarray) -> np.ndarray:
    """Return the sums over the rows of a matrix, (m,)."""
    return np.asarray(np.ones(len(matrix), matrix.dtype) @ matrix)
