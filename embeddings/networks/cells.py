"""Recurrent cells: what one time step computes, and the gradient of it.

A cell holds no arrays: it knows its equations, the names and shapes of its parameters, and the compiled loops that
unroll it forwards and backwards (`kernels`, where each step and its backward stand side by side).  Rows of weight
matrices come gate by gate in the order of ``gates``, which is torch's, so that weights can be exchanged; where torch
adds two biases, b_ih + b_hh, the equations here have one.
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
"""The state of one layer: one (B, H) array for each name in ``Cell.states``."""
Weights = tuple[np.ndarray, np.ndarray]
"""W_hh (G·H, H) and its transpose, padded with zeros (H + padding, G·H + padding); the latter may have no rows."""


@dataclass(slots=True)
class Tape:
    """What a layer remembers of a forward pass, written over by its backward pass.  Rows are padded with zeros.

    Attributes
    ----------
    gates : np.ndarray
        (T, B, G·H + padding): W_ih x<t>, then the values of the gates, then ∂L/∂(W_ih x<t>).
    recurrent : np.ndarray
        (T, B, G·H + padding): the same for W_hh h<t-1>; it is ``gates`` itself where the two are simply added.
    states : tuple[np.ndarray, ...]
        (T + 1, B, H + padding) each, from the initial state on; h first.
    lengths : np.ndarray
        (B,) int64: the number of time steps of each sequence.
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
    input_initializer, recurrent_initializer : Initializer
        Starting values of W_ih, and of each gate's square block of W_hh.
    """

    gates: ClassVar[tuple[str, ...]]
    states: ClassVar[tuple[str, ...]] = ("h",)
    shares_gates: ClassVar[bool] = True
    """Whether the cell only ever uses the sum of W_ih x<t> and W_hh h<t-1>."""

    input_initializer: Initializer = glorot_uniform
    recurrent_initializer: Initializer = orthogonal

    def initial_weights(self, rng: np.random.Generator, input_size: int, hidden_size: int) -> dict[str, np.ndarray]:
        """Return ``weight_ih`` (G·H, D), ``weight_hh`` (G·H, H) and ``bias`` (G·H,), float64."""
        inputs = [self.input_initializer(rng, (hidden_size, input_size)) for _ in self.gates]
        recurrent = [self.recurrent_initializer(rng, (hidden_size, hidden_size)) for _ in self.gates]
        return {
            "weight_ih": np.concatenate(inputs),
            "weight_hh": np.concatenate(recurrent),
            "bias": np.zeros(len(self.gates) * hidden_size),
        }

    @abstractmethod
    def forward(self, tape: Tape, weights: Weights, parameters: Mapping[str, Parameter], rows: Rows) -> None:
        """Unroll the sequences ``rows`` from t = 0."""

    @abstractmethod
    def backward(self, tape: Tape, weight_t: np.ndarray, d_output: np.ndarray, d_state: State, rows: Rows) -> None:
        """Unroll backwards; ``weight_t`` is the transpose of W_hh (H, G·H + padding).

        ``d_output`` (T, B, H) holds ∂L/∂h<t> from outside; ``d_state`` goes from the gradient of the final state to
        that of the initial one.
        """

    def torch_arrays(self, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the arrays as torch names and splits them: our one bias is ``bias_ih``, and ``bias_hh`` is zero."""
        return {
            "weight_ih": weights["weight_ih"],
            "weight_hh": weights["weight_hh"],
            "bias_ih": weights["bias"],
            "bias_hh": np.zeros_like(weights["bias"]),
        }


@dataclass(frozen=True, kw_only=True)
class RNNCell(Cell):
    """a<t> = g1(W_aa a<t-1> + W_ax x<t> + b_a).

    W_ax is ``weight_ih`` (H, D), W_aa ``weight_hh`` (H, H), b_a ``bias`` (H,); the state h is a.

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
    """Gated recurrent unit (Cho et al. 2014), with the reset gate after the product, as torch and cuDNN have it.

    r = σ(W_ir x<t> + W_hr h<t-1> + b_r)
    z = σ(W_iz x<t> + W_hz h<t-1> + b_z)
    n = tanh(W_in x<t> + b_n + r ∘ (W_hn h<t-1> + b_hn))
    h<t> = (1 - z) ∘ n + z ∘ h<t-1>

    Rows come in the order r, z, n.  b_hn (``bias_hn``, H) is the one recurrent bias that cannot be added to another.
    """

    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    shares_gates: ClassVar[bool] = False

    def initial_weights(self, rng: np.random.Generator, input_size: int, hidden_size: int) -> dict[str, np.ndarray]:
        """Return the weights of every cell, and ``bias_hn`` (H,)."""
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
        """Return the arrays as torch names and splits them: ``bias_hh`` is zero but for b_hn."""
        arrays = super().torch_arrays(weights)
        arrays["bias_hh"][-len(weights["bias_hn"]) :] = weights["bias_hn"]
        return arrays


@dataclass(frozen=True, kw_only=True)
class LSTMCell(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000).

    i = σ(W_ii x<t> + W_hi h<t-1> + b_i)        f = σ(W_if x<t> + W_hf h<t-1> + b_f)
    g = tanh(W_ig x<t> + W_hg h<t-1> + b_g)     o = σ(W_io x<t> + W_ho h<t-1> + b_o)
    c<t> = f ∘ c<t-1> + i ∘ g                   h<t> = o ∘ tanh(c<t>)

    Rows come in the order i, f, g, o.

    Attributes
    ----------
    forget_bias : float
        Starting value of b_f: at 1 the cell remembers before it has learned to (Jozefowicz et al. 2015).
    """

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")
    states: ClassVar[tuple[str, ...]] = ("h", "c")
    forget_bias: float = 1.0

    def initial_weights(self, rng: np.random.Generator, input_size: int, hidden_size: int) -> dict[str, np.ndarray]:
        """Return the weights of every cell, with ``forget_bias`` for b_f."""
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


CELLS: dict[str, type[Cell]] = {"rnn": RNNCell, "gru": GRUCell, "lstm": LSTMCell}
