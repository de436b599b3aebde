"""An exponential average of weights, which is evaluated and kept in the place of the weights."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from embeddings.networks import optimizer_kernels
from embeddings.networks.parameters import Parameters, as_matrix, distinct
from embeddings.parallel import over_rows
from vecmill.records import fits

EVERY = 10
"""Steps between two updates of the average, which reads and writes all weights."""


class WeightAverage:
    """Average of the weights of the last 1 / (1 - decay) steps or so, and of all steps while these are fewer.

    m ← m + s (w - m) after every `EVERY` steps, with s = 1 - decay^EVERY, or 1 / n at the n-th update while that is
    more (Polyak & Juditsky 1992): the start has no weight of its own.

    Parameters
    ----------
    parameters : dict of str to Parameter
        Parameters that are trained.
    decay : float
        Weight that is left of a step after the next one, between 0 and 1.

    Attributes
    ----------
    arrays : dict of str to ndarray
        The averages, by name: all arrays that a checkpoint needs.
    steps : int
        Number of steps so far.
    """

    def __init__(self, parameters: Parameters, decay: float) -> None:
        self._parameters, self._decay = distinct(parameters), decay
        self.arrays = {name: np.zeros_like(parameter.value) for name, parameter in self._parameters.items()}
        self.steps = 0

    def step(self) -> None:
        """Count a step of the optimizer, and update the average if it is due."""
        self.steps += 1
        updates, rest = divmod(self.steps, EVERY)
        if rest == 0:
            share = max(1.0 - self._decay**EVERY, 1.0 / updates)
            for name, parameter in self._parameters.items():
                update_average(parameter.value, self.arrays[name], share)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Set the parameters to their averages within the context, if there are any yet."""
        with holding(self._parameters, self.arrays if self.steps >= EVERY else {}):
            yield

    def restore(self, arrays: Mapping[str, np.ndarray], steps: int) -> None:
        """Resume from a checkpoint.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            A copy of `arrays`.
        steps : int
            The number of steps.

        Raises
        ------
        ValueError
            They are not those of these parameters.
        """
        shapes, ours = ({name: array.shape for name, array in part.items()} for part in (arrays, self.arrays))
        if shapes != ours or not fits(steps, int) or steps < 0:
            raise ValueError("the averages are those of other weights")
        for name, array in arrays.items():
            self.arrays[name][...] = array
        self.steps = steps


def update_average(value: np.ndarray, mean: np.ndarray, share: float) -> None:
    """Step mean += share (value - mean), by threads."""
    rows, means = as_matrix(value), as_matrix(mean)
    over_rows(lambda part: optimizer_kernels.average(rows, means, share, part), len(rows), cost=2 * rows.shape[1])


@contextmanager
def holding(parameters: Parameters, values: Mapping[str, np.ndarray]) -> Iterator[None]:
    """Set parameters to other values within the context.

    Parameters
    ----------
    parameters : dict of str to Parameter
    values : mapping of str to ndarray
        Values of some of them.

    Yields
    ------
    None
    """
    own = {name: parameters[name].value.copy() for name in values}
    try:
        _assign(parameters, values)
        yield
    finally:
        try:
            _assign(parameters, own)
        except KeyboardInterrupt:  # at any moment: once more, so that all are restored
            _assign(parameters, own)
            raise


def _assign(parameters: Parameters, values: Mapping[str, np.ndarray]) -> None:
    for name, value in values.items():
        parameters[name].value[...] = value
