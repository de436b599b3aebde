"""Deep and bidirectional networks: layers on top of each other, with dropout between them.

States are lists with one tuple of (B, H) arrays for each layer and direction, in torch's order: layer 0, layer 0
reversed, layer 1, ... Names of parameters are also torch's (`weight_ih_l0`, `weight_hh_l0_reverse`), with one
`bias_l0`.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from embeddings.networks.cells import Cell, MogrifierCell, State
from embeddings.networks.dropout import Dropout, dropout_mask
from embeddings.networks.embedding import RepeatedVectors
from embeddings.networks.layers import Inputs, RecurrentLayer
from embeddings.networks.mogrifier import MogrifierLayer
from embeddings.networks.parameters import Parameter


class BidirectionalLayer:
    """Two layers of the same kind, one of which reads each sequence from its end.

    Outputs are (T, B, 2H), the forward layer's first. Each sequence is reversed within its length, so that padding
    stays at the end in both directions.
    """

    state_count = 2

    def __init__(self, forwards: RecurrentLayer, backwards: RecurrentLayer):
        self.forwards, self.backwards = forwards, backwards
        self.output_size = forwards.output_size + backwards.output_size
        self.parameters = {**forwards.parameters, **backwards.parameters}
        self._turn = (np.empty((0, 0), np.int64), np.empty(0, np.int64))

    def forward(
        self,
        inputs: Inputs,
        states: list[State] | None = None,
        lengths: np.ndarray | None = None,
        rng: np.random.Generator | None = None,
    ) -> tuple[np.ndarray, list[State]]:
        """Run both directions; see `RecurrentLayer.forward`."""
        steps, batch = inputs.index.shape if isinstance(inputs, RepeatedVectors) else inputs.shape[:2]
        times, ends = np.arange(steps)[:, None], np.full(batch, steps) if lengths is None else np.asarray(lengths)
        self._turn = np.where(times < ends, ends - 1 - times, times), np.arange(batch)
        if isinstance(inputs, RepeatedVectors):
            turned: Inputs = RepeatedVectors(inputs.vectors, inputs.index[self._turn])
        else:
            turned = inputs[self._turn]
        first, last = (states[:1], states[1:]) if states else (None, None)
        out, end = self.forwards.forward(inputs, first, lengths, rng)
        out_reverse, end_reverse = self.backwards.forward(turned, last, lengths, rng)
        return np.concatenate([out, out_reverse[self._turn]], axis=2), end + end_reverse

    def backward(
        self, d_output: np.ndarray, d_states: list[State] | None = None, *, input_gradient: bool = True
    ) -> tuple[np.ndarray | None, list[State]]:
        """Backpropagate through both directions; see `RecurrentLayer.backward`."""
        hidden = self.forwards.output_size
        first, last = (d_states[:1], d_states[1:]) if d_states else (None, None)
        turned = d_output[..., hidden:][self._turn]
        d_inputs, start = self.forwards.backward(d_output[..., :hidden], first, input_gradient=input_gradient)
        d_turned, start_reverse = self.backwards.backward(turned, last, input_gradient=input_gradient)
        if d_inputs is not None and d_turned is not None:
            distinct = d_inputs.ndim == 2
            d_inputs += d_turned if distinct else d_turned[self._turn]
        return d_inputs, start + start_reverse


class DeepRNN:
    """Layers of one kind of cell on top of each other: the outputs h<t> of one are the inputs x<t> of the next.

    Parameters
    ----------
    cell : Cell
        `LSTMCell`, `GRUCell` or another, with its settings.
    input_size : int
        D.
    hidden_sizes : sequence of int
        H of each layer, from the bottom up: (200, 200) is two layers.
    rng : Generator
        Draws the starting weights.
    dropout : Dropout, optional
        Dropout in training. Default: none.
    dtype : type
        float32, or float64 for gradient checks.

    Attributes
    ----------
    parameters : dict of str to Parameter
    input_size, output_size : int

    Raises
    ------
    ValueError
        A size is less than 1, or there is no layer.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_sizes: Sequence[int],
        *,
        rng: np.random.Generator,
        dropout: Dropout | None = None,
        dtype: type = np.float32,
    ):
        sizes = [input_size, *hidden_sizes]
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes {sizes}: expected an input size and one hidden size per layer, all at least 1")
        self.dropout, self.input_size, self.output_size = dropout or Dropout(), input_size, input_size
        self.layers: list[RecurrentLayer | BidirectionalLayer] = []
        self.parameters: dict[str, Parameter] = {}
        for number, hidden in enumerate(hidden_sizes):
            kind = MogrifierLayer if isinstance(cell, MogrifierCell) else RecurrentLayer
            make = partial(kind, cell, self.output_size, hidden, rng=rng, dropout=dropout, dtype=dtype)
            layer = self._layer(make, f"_l{number}")
            self.layers.append(layer)
            self.parameters |= layer.parameters
            self.output_size = layer.output_size
        self._masks: list[np.ndarray | None] = []

    @staticmethod
    def _layer(make: Callable[..., RecurrentLayer], suffix: str) -> RecurrentLayer | BidirectionalLayer:
        """Return a layer whose parameters have names that end in `suffix`."""
        return make(suffix=suffix)

    def forward(
        self,
        inputs: Inputs,
        states: list[State] | None = None,
        lengths: np.ndarray | None = None,
        rng: np.random.Generator | None = None,
    ) -> tuple[np.ndarray, list[State]]:
        """Run the network over a window of T steps.

        Parameters
        ----------
        inputs : (T, B, D) or RepeatedVectors
        states : list of State, optional
            Initial states, as returned by an earlier call. Default: zeros.
        lengths : (B,), optional
            Time steps of each sequence, 1 to T; outputs past the end are zero. Default: all T.
        rng : Generator, optional
            Draws the dropout. Default: no dropout (evaluation).

        Returns
        -------
        outputs : (T, B, H)
            Outputs of the last layer, which the next call overwrites.
        states : list of State
            Final states, one tuple for each layer and direction.

        Raises
        ------
        ValueError
            The inputs are not of dimension D, or a length is not in [1, T]: a sequence without a time step has no
            output and no final state.
        """
        lengths = _checked_lengths(lengths, inputs, self.input_size)
        self._masks = []
        ends: list[State] = []
        for number, layer in enumerate(self.layers):
            start = states[len(ends) : len(ends) + layer.state_count] if states else None
            outputs, end = layer.forward(inputs, start, lengths, rng)
            ends += end
            mask = self._output_mask(outputs, rng) if number < len(self.layers) - 1 else None
            self._masks.append(mask)
            inputs = outputs if mask is None else outputs * mask
        return outputs, ends

    def backward(
        self, d_output: np.ndarray, d_states: list[State] | None = None, *, input_gradient: bool = True
    ) -> tuple[np.ndarray | None, list[State]]:
        """Backpropagate through the last forward pass, once: it overwrites the values that the forward pass kept.

        Parameters
        ----------
        d_output : (T, B, H)
            ∂L/∂outputs.
        d_states : list of State, optional
            ∂L/∂(final states). Default: zeros.
        input_gradient : bool
            Compute ∂L/∂inputs.

        Returns
        -------
        d_inputs : (T, B, D) or (U, D) or None
            (U, D) for `RepeatedVectors`; None without `input_gradient`.
        d_states : list of State
            ∂L/∂(initial states).
        """
        gradient: np.ndarray | None = d_output
        starts: list[State] = []
        after = sum(layer.state_count for layer in self.layers)
        for number, (layer, mask) in reversed(list(enumerate(zip(self.layers, self._masks, strict=True)))):
            assert gradient is not None
            before = after - layer.state_count
            end = d_states[before:after] if d_states else None
            gradient = gradient if mask is None else gradient * mask
            wanted = number > 0 or input_gradient
            gradient, start = layer.backward(gradient, end, input_gradient=wanted)
            starts, after = start + starts, before
        return gradient, starts

    def _output_mask(self, outputs: np.ndarray, rng: np.random.Generator | None) -> np.ndarray | None:
        if rng is None or self.dropout.hidden == 0.0:
            return None
        shape = (1, *outputs.shape[1:]) if self.dropout.variational else outputs.shape
        return dropout_mask(rng, shape, self.dropout.hidden, outputs.dtype)


class BidirectionalRNN(DeepRNN):
    """Bidirectional layers on top of each other (Schuster & Paliwal 1997): y<t> depends on the past and the future.

    Takes the parameters of `DeepRNN`; outputs are (T, B, 2H), forward direction first.
    """

    @staticmethod
    def _layer(make: Callable[..., RecurrentLayer], suffix: str) -> BidirectionalLayer:
        return BidirectionalLayer(make(suffix=suffix), make(suffix=suffix + "_reverse"))


def _checked_lengths(lengths: np.ndarray | None, inputs: Inputs, input_size: int) -> np.ndarray | None:
    if isinstance(inputs, RepeatedVectors):
        (steps, batch), dimension = inputs.index.shape, inputs.vectors.shape[-1]
    else:
        steps, batch, dimension = inputs.shape
    if dimension != input_size:
        raise ValueError(f"inputs of dimension {dimension}: the network was made for {input_size}")
    if steps == 0:
        raise ValueError(f"{batch} sequences without a time step: expected at least 1; leave empty sequences out")
    if lengths is None:
        return None
    lengths = np.asarray(lengths)
    if lengths.shape != (batch,):
        raise ValueError(f"lengths of shape {lengths.shape}: expected one for each of the {batch} sequences")
    wrong = np.flatnonzero((lengths < 1) | (lengths > steps))
    if wrong.size:
        raise ValueError(
            f"sequence {wrong[0]} has length {lengths[wrong[0]]}: expected 1 to {steps}; leave empty sequences out"
        )
    return lengths
