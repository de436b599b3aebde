"""The layer of a Mogrifier LSTM, whose products of inputs depend on the state and stay in the time loop."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from embeddings.networks.activations import ACTIVATIONS
from embeddings.networks.cells import MogrifierCell, State, Tape
from embeddings.networks.embedding import RepeatedVectors
from embeddings.networks.layers import Inputs, RecurrentLayer, column_sums, over_batch
from embeddings.networks.products import product
from embeddings.parallel import own_threads

_SIGMOID = ACTIVATIONS["sigmoid"]


@dataclass(slots=True)
class _Round:
    """Values of a round at all time steps: target ← scale ∘ target with scale = 2 σ(W source).

    Attributes
    ----------
    source, before, scale : (T, B, ·)
        x and h, or h and x: what gates, and what is gated, before the round.
    d_product : (T, B, ·)
        ∂L/∂(W source).
    """

    source: np.ndarray
    before: np.ndarray
    scale: np.ndarray
    d_product: np.ndarray


class MogrifierLayer(RecurrentLayer):
    """A Mogrifier LSTM, unrolled over time; see `RecurrentLayer`, whose methods and attributes it has."""

    cell: MogrifierCell

    @own_threads
    def forward(
        self,
        inputs: Inputs,
        states: list[State] | None = None,
        lengths: np.ndarray | None = None,
        rng: np.random.Generator | None = None,
    ) -> tuple[np.ndarray, list[State]]:
        """Run the layer over a window; see `RecurrentLayer.forward`."""
        x = inputs.dense() if isinstance(inputs, RepeatedVectors) else inputs
        steps, batch, _ = x.shape
        hidden = self.output_size
        self._inputs, self._recurrent = inputs, self._masked_weight(rng)
        tape = self._start(steps, batch, states, lengths)
        self._rounds = [self._empty_round(number, steps, batch) for number in range(self.cell.rounds)]
        self._x, self._h = np.empty_like(x), np.empty((steps, batch, hidden), x.dtype)
        weight, nothing = self._weights["weight_ih"].value, np.empty((0, 0), x.dtype)
        for t in range(steps):
            self._x[t], self._h[t] = self._gated(t, x[t], tape.states[0][t, :, :hidden])
            gates = tape.gates[t, :, : len(weight)]
            gates[:] = product(self._x[t], weight.T)
            gates += product(self._h[t], self._recurrent.T)
            forward = partial(self.cell.forward, _step(tape, t), (nothing, nothing), self._weights)
            over_batch(forward, tape, cost=gates.shape[1])
        return self._outputs(tape, lengths)

    @own_threads
    def backward(
        self, d_output: np.ndarray, d_states: list[State] | None = None, *, input_gradient: bool = True
    ) -> tuple[np.ndarray | None, list[State]]:
        """Backpropagate through the last forward pass; see `RecurrentLayer.backward`."""
        tape = self._tape
        assert tape is not None, "backward needs a forward pass before it"
        d_output = np.ascontiguousarray(d_output, tape.gates.dtype)
        d_state, weight_t = self._final_gradients(tape, d_states), self._transposed()[: self.output_size]
        weight, d_x = self._weights["weight_ih"].value, np.empty_like(self._x)
        for t in reversed(range(len(tape.gates))):
            step, d_h = _step(tape, t), d_state[0]
            backward = partial(self.cell.backward, step, weight_t, d_output[t : t + 1], d_state)
            over_batch(backward, tape, cost=weight_t.size)
            reads = (step.lengths > 0)[:, None]  # the other sequences have ended
            d_x[t], d_before = self._ungated(t, product(tape.gates[t, :, : len(weight)], weight), d_h * reads)
            d_h[:] = np.where(reads, d_before, d_h)
        self._add_gradients(tape.gates[..., : len(weight)])
        if not input_gradient:
            return None, [d_state]
        return self._inputs.summed(d_x) if isinstance(self._inputs, RepeatedVectors) else d_x, [d_state]

    def _empty_round(self, number: int, steps: int, batch: int) -> _Round:
        target, source = self._weights[f"mogrify_{number + 1}"].value.shape
        dtype = self._weights["bias"].value.dtype
        return _Round(
            np.empty((steps, batch, source), dtype), *(np.empty((steps, batch, target), dtype) for _ in range(3))
        )

    def _gated(self, t: int, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return x and h after all rounds."""
        target, source = x, h
        for number, values in enumerate(self._rounds, start=1):
            weight = self._weights[f"mogrify_{number}"].value
            values.source[t], values.before[t] = source, target
            values.scale[t] = 2 * _SIGMOID(product(source, weight.T))
            target, source = source, values.scale[t] * target
        return (target, source) if self.cell.rounds % 2 == 0 else (source, target)

    def _ungated(self, t: int, d_x: np.ndarray, d_h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradients of x and h before all rounds, given those after them."""
        d_target, d_source = (d_x, d_h) if self.cell.rounds % 2 else (d_h, d_x)
        for number in range(self.cell.rounds, 0, -1):
            values, weight = self._rounds[number - 1], self._weights[f"mogrify_{number}"].value
            scale = values.scale[t]
            values.d_product[t] = d_target * values.before[t] * scale * (1 - scale / 2)
            d_target, d_source = d_source + product(values.d_product[t], weight), d_target * scale
        return d_source, d_target

    def _add_gradients(self, d_gates: np.ndarray) -> None:
        """Add the gradients of all weights, one product each."""
        self._weights["bias"].add_gradient(column_sums(_rows(d_gates)))
        self._add_product("weight_ih", _rows(d_gates), _rows(self._x))
        self._add_product("weight_hh", _rows(d_gates), _rows(self._h))
        for number, values in enumerate(self._rounds, start=1):
            self._add_product(f"mogrify_{number}", _rows(values.d_product), _rows(values.source))


def _step(tape: Tape, t: int) -> Tape:
    """Return a tape of one step, a view."""
    states = tuple(array[t : t + 2] for array in tape.states)
    return Tape(tape.gates[t : t + 1], tape.recurrent[t : t + 1], states, tape.lengths - t)


def _rows(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, values.shape[-1])
