"""Gradient descent and its refinements.

Every update is one pass over value, gradient and state. A gradient of some rows (`RowGradient`) changes these rows
only, *lazily*: in other rows, velocity and moments do not decay, and weight decay does not apply, until their next
gradient. For plain SGD without weight decay this is exactly the dense update; for the others it is that of torch's
``SparseAdam``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from embeddings.networks import optimizer_kernels
from embeddings.networks.averaging import holding, update_average
from embeddings.networks.parameters import Parameter, Parameters, RowGradient, as_matrix, distinct, global_norm
from embeddings.parallel import over_rows
from embeddings.training import TrainingDiverged
from vecmill.records import fits


class Optimizer(ABC):
    """Changes parameters by their gradients.

    Parameters
    ----------
    parameters : dict of str to Parameter
        Parameters to train, without frozen ones.
    learning_rate : float
        May be set between steps (`schedules`).
    weight_decay : float
        Strength of the L2 penalty: decay · w is added to the gradient (AdamW: decoupled from it).

    Attributes
    ----------
    steps : int
        Number of updates done.
    state : dict of str to ndarray
        State of the method, under "<parameter>.<name>": all arrays that a checkpoint needs.
    state_names : tuple of str
        Names of the arrays in `state` for each parameter, of the parameter's shape.
    kernel : callable
        The update, one of `optimizer_kernels`.

    Raises
    ------
    ValueError
        The learning rate is not positive.
    """

    state_names: ClassVar[tuple[str, ...]] = ()
    kernel: ClassVar[Callable[..., None]]

    def __init__(self, parameters: Parameters, learning_rate: float, *, weight_decay: float = 0.0):
        if not learning_rate > 0:
            raise ValueError(f"learning rate {learning_rate}: expected a positive number")
        self.parameters = distinct(parameters)
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.steps = 0
        self.state = {
            f"{name}.{part}": np.zeros_like(p.value) for name, p in self.parameters.items() for part in self.state_names
        }

    def step(self, max_norm: float | None = None) -> float | None:
        """Update all parameters that have a gradient.

        Parameters
        ----------
        max_norm : float, optional
            Scale the gradients in the same pass so that their global norm is at most this (Pascanu et al. 2013).

        Returns
        -------
        float or None
            The global norm before scaling; None without `max_norm`.

        Raises
        ------
        TrainingDiverged
            That norm is not finite; no parameter has changed.
        """
        norm, scale = None, 1.0
        if max_norm is not None:
            norm = global_norm(self.parameters)
            if not np.isfinite(norm):
                raise TrainingDiverged(
                    f"the gradient is not finite after {self.steps} steps: lower the learning rate "
                    f"({self.learning_rate:g}) or the clipping norm ({max_norm:g})"
                )
            scale = min(1.0, max_norm / (norm + 1e-6))
        self.steps += 1
        for name, parameter in self.parameters.items():
            if parameter.gradient is not None:
                self._update_parameter(name, parameter, scale)
        return norm

    def numbers(self) -> dict[str, Any]:
        """Return the JSON values that a checkpoint needs beside `state`."""
        return {"steps": self.steps, "learning_rate": self.learning_rate}

    def restore(self, state: Mapping[str, np.ndarray], numbers: Mapping[str, Any]) -> None:
        """Resume from a checkpoint.

        Parameters
        ----------
        state : mapping of str to ndarray
            A copy of `state`.
        numbers : mapping
            The result of `numbers`.

        Raises
        ------
        ValueError
            The arrays are not those of these parameters; the message names the first that differs.
        """
        for name in sorted(self.state.keys() | state.keys()):
            ours, theirs = (d[name].shape if name in d else "missing" for d in (self.state, state))
            if ours != theirs:
                raise ValueError(f"optimizer state {name!r}: {theirs} in the checkpoint, {ours} here")
            self.state[name][...] = state[name]
        if not (fits(numbers["steps"], int) and fits(numbers["learning_rate"], float)):
            raise ValueError(f"optimizer: {numbers['steps']!r} steps, learning rate {numbers['learning_rate']!r}")
        self.steps, self.learning_rate = numbers["steps"], numbers["learning_rate"]

    def _update_parameter(self, name: str, parameter: Parameter, scale: float) -> None:
        gradient = parameter.gradient
        memory = [self.state[f"{name}.{part}"] for part in self.state_names]
        if isinstance(gradient, RowGradient):
            index, values = gradient.rows, gradient.values.reshape(len(gradient.rows), -1)
            arrays = [array.reshape(len(array), -1) for array in (parameter.value, *memory)]
        else:
            assert gradient is not None
            values = as_matrix(gradient)
            index = np.arange(len(values))
            arrays = [as_matrix(array) for array in (parameter.value, *memory)]
        value, *remembered = arrays
        kernel, constants = type(self).kernel, self._constants(scale)
        over_rows(
            lambda rows: kernel(value, values, index, *remembered, constants, rows),
            len(values),
            cost=2 * values.shape[1],
        )

    @abstractmethod
    def _constants(self, scale: float) -> tuple[float, ...]:
        """Return the constants of the update at this step; `scale` is the factor of the gradient."""


class SGD(Optimizer):
    """Gradient descent: w ← w - η g."""

    kernel = optimizer_kernels.sgd

    def _constants(self, scale: float) -> tuple[float, ...]:
        return (self.learning_rate, scale, self.weight_decay)


class Momentum(Optimizer):
    """Momentum: v ← μ v + g, w ← w - η v (Polyak 1964); with `nesterov` w ← w - η (g + μ v) (Sutskever et al. 2013)."""

    state_names = ("velocity",)
    kernel = optimizer_kernels.momentum

    def __init__(
        self,
        parameters: Parameters,
        learning_rate: float,
        *,
        momentum: float = 0.9,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ):
        super().__init__(parameters, learning_rate, weight_decay=weight_decay)
        self.momentum, self.nesterov = momentum, nesterov

    def _constants(self, scale: float) -> tuple[float, ...]:
        return (self.learning_rate, scale, self.weight_decay, self.momentum, self.nesterov)


class Adagrad(Optimizer):
    """Adagrad: s ← s + g², w ← w - η g / (√s + ε) (Duchi et al. 2011)."""

    state_names = ("squares",)
    kernel = optimizer_kernels.adagrad

    def __init__(
        self, parameters: Parameters, learning_rate: float, *, epsilon: float = 1e-10, weight_decay: float = 0.0
    ):
        super().__init__(parameters, learning_rate, weight_decay=weight_decay)
        self.epsilon = epsilon

    def _constants(self, scale: float) -> tuple[float, ...]:
        return (self.learning_rate, scale, self.weight_decay, self.epsilon)


class RMSProp(Optimizer):
    """RMSProp: s ← α s + (1 - α) g², w ← w - η g / (√s + ε) (Tieleman & Hinton 2012)."""

    state_names = ("squares",)
    kernel = optimizer_kernels.rmsprop

    def __init__(
        self,
        parameters: Parameters,
        learning_rate: float,
        *,
        smoothing: float = 0.99,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(parameters, learning_rate, weight_decay=weight_decay)
        self.smoothing, self.epsilon = smoothing, epsilon

    def _constants(self, scale: float) -> tuple[float, ...]:
        return (self.learning_rate, scale, self.weight_decay, self.epsilon, self.smoothing)


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015): w ← w - η m̂ / (√ŝ + ε) with bias-corrected means m̂ of g and ŝ of g²."""

    state_names = ("mean", "squares")
    kernel = optimizer_kernels.adam
    decoupled: ClassVar[bool] = False

    def __init__(
        self,
        parameters: Parameters,
        learning_rate: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(parameters, learning_rate, weight_decay=weight_decay)
        self.betas, self.epsilon = betas, epsilon

    def _constants(self, scale: float) -> tuple[float, ...]:
        first, second = self.betas
        rate = self.learning_rate / (1 - first**self.steps)
        decay = 0.0 if self.decoupled else self.weight_decay
        keep = 1.0 - self.learning_rate * self.weight_decay if self.decoupled else 1.0
        return (rate, scale, decay, keep, self.epsilon, first, second, 1 - second**self.steps)


class AdamW(Adam):
    """Adam with weight decay decoupled from the gradient: w ← (1 - η λ) w - ... (Loshchilov & Hutter 2019)."""

    decoupled = True


class AveragedSGD(SGD):
    """SGD whose weights are averaged from some step on (Polyak & Juditsky 1992).

    The non-monotonic trigger (NT-ASGD, Merity et al. 2018) starts the average when a validation loss is worse than the
    best one of more than `patience` validations ago. The average runs over all weights at every step.

    Parameters
    ----------
    parameters : dict of str to Parameter
    learning_rate : float
    patience : int
        Validations that the trigger leaves out.
    weight_decay : float

    Attributes
    ----------
    averaged : int
        Steps in the average, 0 before it starts.
    losses : list of float
        Validation losses so far.
    """

    def __init__(self, parameters: Parameters, learning_rate: float, *, patience: int = 5, weight_decay: float = 0.0):
        super().__init__(parameters, learning_rate, weight_decay=weight_decay)
        self.state |= {f"{name}.average": np.zeros_like(p.value) for name, p in self.parameters.items()}
        self.patience, self.averaged = patience, 0
        self.losses: list[float] = []
        self._triggered = False

    def validated(self, loss: float) -> bool:
        """Record a validation loss; return whether the average runs from now on."""
        earlier = self.losses[: -self.patience]
        if earlier and loss > min(earlier):
            self._triggered = True
        self.losses.append(loss)
        return self._triggered

    def step(self, max_norm: float | None = None) -> float | None:
        """Update as SGD does, then update the average if it runs."""
        norm = super().step(max_norm)
        if self._triggered:
            self.averaged += 1
            for name, parameter in self.parameters.items():
                update_average(parameter.value, self.state[f"{name}.average"], 1.0 / self.averaged)
        return norm

    def numbers(self) -> dict[str, Any]:
        """Return steps, learning rate and the state of the trigger; see `Optimizer.numbers`."""
        return {**super().numbers(), "averaged": self.averaged, "losses": self.losses, "triggered": self._triggered}

    def restore(self, state: Mapping[str, np.ndarray], numbers: Mapping[str, Any]) -> None:
        """Resume from a checkpoint; see `Optimizer.restore`."""
        super().restore(state, numbers)
        if not (fits(numbers["averaged"], int) and fits(numbers["losses"], list[float])):
            raise ValueError("optimizer: the number of averaged steps or the losses are wrong")
        self.averaged, self.losses = numbers["averaged"], list(numbers["losses"])
        self._triggered = numbers["triggered"]

    @contextmanager
    def averages(self) -> Iterator[None]:
        """Set the parameters to their averages, if there are any yet, within the context."""
        averages = {name: self.state[f"{name}.average"] for name in self.parameters} if self.averaged else {}
        with holding(self.parameters, averages):
            yield


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "adagrad": Adagrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
    "averaged-sgd": AveragedSGD,
}
