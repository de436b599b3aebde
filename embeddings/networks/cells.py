"""Recurrent cells: the equations of one time step, and its gradient.

A cell holds no arrays. It has the names and shapes of its parameters and the compiled loops that unroll it forwards
and backwards (`kernels`, where each step stands beside its backward step). The rows of a weight matrix are grouped by
gate in the order of `gates`, which is torch's, so that weights can be exchanged; where torch adds two biases,
b_ih + b_hh, the equations here have one.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from embeddings.networks import kernels
from embeddings.networks.activations import ACTIVATIONS
from embeddings.networks.initializers import Initializer, glorot_uniform, orthogonal
from embeddings.networks.parameters import Parameter
from embeddings.parallel import Rows

State = tuple[np.ndarray, ...]
"""State of one layer: one (B, H) array for each name in `Cell.states`."""
Weights = tuple[np.ndarray, np.ndarray] | np.ndarray
"""W_hh (G·H, H), and its transpose padded with zeros (H + padding, G·H + padding), which may have no rows; or W_hh
packed for a product of bfloat16 numbers (`embeddings.bfloat16`)."""


@dataclass(slots=True)
class Tape:
    """Values of a forward pass that its backward pass reads and overwrites. Rows are padded with zeros.

    Attributes
    ----------
    gates : (T, B, G·H + padding)
        W_ih x<t>, then the values of the gates, then ∂L/∂(W_ih x<t>).
    recurrent : (T, B, G·H + padding)
        The same for W_hh h<t-1>; the array `gates` itself where the two are simply added.
    states : tuple of (T + 1, B, H + padding)
        From the initial state on; h first.
    lengths : (B,) int64
        Number of time steps of each sequence.
    """

    gates: np.ndarray
    recurrent: np.ndarray
    states: tuple[np.ndarray, ...]
    lengths: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Cell(ABC):
    """One kind of recurrent cell.

    Attributes
    ----------
    gates : tuple of str
        Names of the G gates, in the order of the rows of the weights.
    states : tuple of str
        Names of the arrays of a state; h first.
    shares_gates : bool
        Whether the cell uses only the sum of W_ih x<t> and W_hh h<t-1>.
    multiplies_state : bool
        Whether there is a W_hh.
    input_initializer, recurrent_initializer : Initializer
        Starting values of W_ih, and of each gate's square block of W_hh.
    """

    gates: ClassVar[tuple[str, ...]]
    states: ClassVar[tuple[str, ...]] = ("h",)
    shares_gates: ClassVar[bool] = True
    multiplies_state: ClassVar[bool] = True

    input_initializer: Initializer = glorot_uniform
    recurrent_initializer: Initializer = orthogonal

    def initial_weights(self, rng: np.random.Generator, input_size: int, hidden_size: int) -> dict[str, np.ndarray]:
        """Return `weight_ih` (G·H, D), `weight_hh` (G·H, H) if there is one, and `bias` (G·H,), float64."""
        inputs = [self.input_initializer(rng, (hidden_size, input_size)) for _ in self.gates]
        weights = {"weight_ih": np.concatenate(inputs)}
        if self.multiplies_state:
            recurrent = [self.recurrent_initializer(rng, (hidden_size, hidden_size)) for _ in self.gates]
            weights["weight_hh"] = np.concatenate(recurrent)
        return {**weights, "bias": np.zeros(len(self.gates) * hidden_size)}

    @abstractmethod
    def forward(self, tape: Tape, weights: Weights, parameters: Mapping[str, Parameter], rows: Rows) -> None:
        """Unroll the sequences `rows` from t = 0."""

    @abstractmethod
    def backward(self, tape: Tape, weight_t: np.ndarray, d_output: np.ndarray, d_state: State, rows: Rows) -> None:
        """Unroll the sequences `rows` backwards.

        Parameters
        ----------
        tape : Tape
            That of the forward pass.
        weight_t : (H, G·H + padding), or uint32
            Transpose of W_hh, or packed.
        d_output : (T, B, H)
            ∂L/∂h<t> from outside the layer.
        d_state : State
            Gradient of the final state, replaced by that of the initial state.
        rows : Rows
            Sequences to unroll.
        """

    def torch_arrays(self, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the arrays under torch's names: the one bias as `bias_ih`, and zeros as `bias_hh`."""
        return {
            "weight_ih": weights["weight_ih"],
            "weight_hh": weights["weight_hh"],
            "bias_ih": weights["bias"],
            "bias_hh": np.zeros_like(weights["bias"]),
        }


@dataclass(frozen=True, kw_only=True)
class RNNCell(Cell):
    """Simple recurrent network (Elman 1990): a<t> = g1(W_aa a<t-1> + W_ax x<t> + b_a).

    W_ax is `weight_ih` (H, D), W_aa `weight_hh` (H, H), b_a `bias` (H,); the state h is a.

    Attributes
    ----------
    activation : str
        g1: "sigmoid", "tanh" or "relu".
    """

    gates: ClassVar[tuple[str, ...]] = ("a",)
    activation: str = "tanh"

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"unknown activation {self.activation!r}: choose one of {', '.join(ACTIVATIONS)}")

    def forward(self, tape: Tape, weights: Weights, parameters: Mapping[str, Parameter], rows: Rows) -> None:
        """Unroll forwards: `kernels.rnn_forward`."""
        code = ACTIVATIONS[self.activation].code
        kernels.rnn_forward(tape.gates, weights, parameters["bias"].value, tape.states[0], tape.lengths, code, rows)

    def backward(self, tape: Tape, weight_t: np.ndarray, d_output: np.ndarray, d_state: State, rows: Rows) -> None:
        """Unroll backwards: `kernels.rnn_backward`."""
        code = ACTIVATIONS[self.activation].code
        kernels.rnn_backward(tape.gates, weight_t, tape.states[0], d_output, d_state[0], tape.lengths, code, rows)


@dataclass(frozen=True, kw_only=True)
class GRUCell(Cell):
    """Gated recurrent unit (Cho et al. 2014), with the reset gate after the product, as in torch and cuDNN.

    r = σ(W_ir x<t> + W_hr h<t-1> + b_r)
    z = σ(W_iz x<t> + W_hz h<t-1> + b_z)
    n = tanh(W_in x<t> + b_n + r ∘ (W_hn h<t-1> + b_hn))
    h<t> = (1 - z) ∘ n + z ∘ h<t-1>

    Rows of the weights are in the order r, z, n. b_hn (`bias_hn`, H) is the one recurrent bias that cannot be added to
    another.
    """

    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    shares_gates: ClassVar[bool] = False

    def initial_weights(self, rng: np.random.Generator, input_size: int, hidden_size: int) -> dict[str, np.ndarray]:
        """Return the weights of every cell, and `bias_hn` (H,)."""
        return {**super().initial_weights(rng, input_size, hidden_size), "bias_hn": np.zeros(hidden_size)}

    def forward(self, tape: Tape, weights: Weights, parameters: Mapping[str, Parameter], rows: Rows) -> None:
        """Unroll forwards: `kernels.gru_forward`."""
        biases = parameters["bias"].value, parameters["bias_hn"].value
        kernels.gru_forward(tape.gates, tape.recurrent, weights, *biases, tape.states[0], tape.lengths, rows)

    def backward(self, tape: Tape, weight_t: np.ndarray, d_output: np.ndarray, d_state: State, rows: Rows) -> None:
        """Unroll backwards: `kernels.gru_backward`."""
        kernels.gru_backward(
            tape.gates, tape.recurrent, weight_t, tape.states[0], d_output, d_state[0], tape.lengths, rows
        )

    def torch_arrays(self, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the arrays under torch's names; `bias_hh` holds b_hn and is zero elsewhere."""
        arrays = super().torch_arrays(weights)
        arrays["bias_hh"][-len(weights["bias_hn"]) :] = weights["bias_hn"]
        return arrays


@dataclass(frozen=True, kw_only=True)
class LSTMCell(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000).

    i = σ(W_ii x<t> + W_hi h<t-1> + b_i)        f = σ(W_if x<t> + W_hf h<t-1> + b_f)
    g = tanh(W_ig x<t> + W_hg h<t-1> + b_g)     o = σ(W_io x<t> + W_ho h<t-1> + b_o)
    c<t> = f ∘ c<t-1> + i ∘ g                   h<t> = o ∘ tanh(c<t>)

    Rows of the weights are in the order i, f, g, o.

    Attributes
    ----------
    forget_bias : float
        Starting value of b_f: at 1 the cell remembers before it has learned to (Jozefowicz et al. 2015).
    """

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")
    states: ClassVar[tuple[str, ...]] = ("h", "c")
    forget_bias: float = 1.0

    def initial_weights(self, rng: np.random.Generator, input_size: int, hidden_size: int) -> dict[str, np.ndarray]:
        """Return the weights of every cell, with `forget_bias` for b_f."""
        weights = super().initial_weights(rng, input_size, hidden_size)
        weights["bias"][hidden_size : 2 * hidden_size] = self.forget_bias
        return weights

    def forward(self, tape: Tape, weights: Weights, parameters: Mapping[str, Parameter], rows: Rows) -> None:
        """Unroll forwards: `kernels.lstm_forward`."""
        h, c = tape.states
        kernels.lstm_forward(tape.gates, weights, parameters["bias"].value, h, c, tape.lengths, rows)

    def backward(self, tape: Tape, weight_t: np.ndarray, d_output: np.ndarray, d_state: State, rows: Rows) -> None:
        """Unroll backwards: `kernels.lstm_backward`."""
        d_h, d_c = d_state
        kernels.lstm_backward(tape.gates, weight_t, tape.states[1], d_output, d_h, d_c, tape.lengths, rows)


@dataclass(frozen=True, kw_only=True)
class MogrifierCell(LSTMCell):
    """LSTM whose input and state gate each other before each step (Melis, Kočiský & Blunsom 2020).

    In rounds i = 1, 2, ... with x⁰ = x<t> and h⁰ = h<t-1>, for odd and for even i:

    x ← 2 σ(Q_i h) ∘ x        h ← 2 σ(R_i x) ∘ h

    The LSTM then takes these x and h. Q_i (D, H) and R_i (H, D) are `mogrify_1`, `mogrify_2`, ...

    Attributes
    ----------
    rounds : int
        Number of rounds, 5 in the paper.
    """

    rounds: int = 5

    def initial_weights(self, rng: np.random.Generator, input_size: int, hidden_size: int) -> dict[str, np.ndarray]:
        """Return the weights of an LSTM, and those of the rounds."""
        weights = super().initial_weights(rng, input_size, hidden_size)
        for number in range(1, self.rounds + 1):
            shape = (input_size, hidden_size) if number % 2 else (hidden_size, input_size)
            weights[f"mogrify_{number}"] = self.input_initializer(rng, shape)
        return weights

    def torch_arrays(self, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return those of an LSTM, and those of the rounds, for which torch has no names."""
        rounds = {name: array for name, array in weights.items() if name.startswith("mogrify_")}
        return {**super().torch_arrays(weights), **rounds}


@dataclass(frozen=True, kw_only=True)
class MinGRUCell(Cell):
    """Minimal gated recurrent unit (Feng et al. 2024), whose gates do not depend on the state.

    z = σ(W_iz x<t> + b_z)        n = W_in x<t> + b_n        h<t> = (1 - z) ∘ h<t-1> + z ∘ n

    Rows of the weights are in the order z, n.

    Attributes
    ----------
    update_bias : float
        Starting value of b_z: below 0 the cell remembers before it has learned to.
    """

    gates: ClassVar[tuple[str, ...]] = ("z", "n")
    multiplies_state: ClassVar[bool] = False
    update_bias: float = -1.0

    def initial_weights(self, rng: np.random.Generator, input_size: int, hidden_size: int) -> dict[str, np.ndarray]:
        """Return `weight_ih` (2H, D) and `bias` (2H,), with `update_bias` for b_z."""
        weights = super().initial_weights(rng, input_size, hidden_size)
        weights["bias"][:hidden_size] = self.update_bias
        return weights

    def forward(self, tape: Tape, weights: Weights, parameters: Mapping[str, Parameter], rows: Rows) -> None:
        """Unroll forwards: `kernels.mingru_forward`."""
        kernels.mingru_forward(tape.gates, parameters["bias"].value, tape.states[0], tape.lengths, rows)

    def backward(self, tape: Tape, weight_t: np.ndarray, d_output: np.ndarray, d_state: State, rows: Rows) -> None:
        """Unroll backwards: `kernels.mingru_backward`."""
        kernels.mingru_backward(tape.gates, tape.states[0], d_output, d_state[0], tape.lengths, rows)

    def torch_arrays(self, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return `weight_ih` and `bias_ih`; torch has no such cell."""
        return {"weight_ih": weights["weight_ih"], "bias_ih": weights["bias"]}


CELLS: dict[str, type[Cell]] = {"rnn": RNNCell, "gru": GRUCell, "lstm": LSTMCell, "mingru": MinGRUCell}
