"""Training of a language model by a crew: every worker reads some columns of a window, one step follows from all.

The columns of a batch (`networks.batching`) are dealt to W workers, a contiguous share each. For every window each of
them computes the gradients of its columns from the same weights; the mean over all words of the window goes to the
optimizer of the process that leads, and the rows that its step has changed go to every replica. A step is thus that of
one process with the whole batch, but for the order of sums and for the draws of dropout, which every worker makes
itself. A share is a function of the weights, its words, its states and a seed, so that any process can compute it, and
compute it again if another one was lost (`word2vec.crew`).
"""

import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import NamedTuple

import numpy as np

from embeddings.language_model.model import LanguageModel
from embeddings.networks.cells import State
from embeddings.networks.parameters import RowGradient
from embeddings.parallel import using_threads
from embeddings.word2vec.changes import Changes, added, added_up, joined
from embeddings.word2vec.crew import AllChanges, Crew, Matrices, Trained, cut


class Share(NamedTuple):
    """Some columns of a window.

    Attributes
    ----------
    inputs, targets : (T, b) int64
    states : list of State or None
        Of these columns, before the window.
    seed : tuple of int
        Of all draws.
    """

    inputs: np.ndarray
    targets: np.ndarray
    states: list[State] | None
    seed: tuple[int, ...]

    @property
    def words(self) -> int:
        """Number of words to predict."""
        return int((self.targets >= 0).sum())


class GradientMember:
    """A replica of the weights in one process.

    Parameters
    ----------
    matrices : mapping of str to ndarray
        All weights, as they are now.
    model : LanguageModel
        Any weights of this architecture.
    threads : int, optional
    """

    def __init__(self, matrices: Matrices, model: LanguageModel, threads: int | None) -> None:
        self._model, self._threads = deepcopy(model), threads  # what comes from another process cannot be written to
        self._weights = _weights_of(self._model)
        self.reset(matrices)

    def reset(self, matrices: Matrices) -> None:
        """Begin again from these weights.

        Parameters
        ----------
        matrices : mapping of str to ndarray
        """
        for name, matrix in matrices.items():
            self._weights[name][:] = matrix

    def train(self, piece: Share, parts: int) -> Trained:
        """Compute the gradients of a share; the weights stay as they are.

        Parameters
        ----------
        piece : Share
        parts : int
            Into which they are cut, with as many rows each.

        Returns
        -------
        Trained
            The sums of gradients and of losses over the words, and the states after the window.
        """
        started, rng, words = time.monotonic(), np.random.default_rng(piece.seed), piece.words
        states = None if piece.states is None else [tuple(part.copy() for part in state) for state in piece.states]
        self._model.draw_from(rng)
        with using_threads(self._threads):
            loss, states = self._model.loss_and_gradients(piece.inputs.copy(), piece.targets.copy(), states, rng)
        sums = {
            name: _as_changes(parameter.gradient, words)
            for name, parameter in self._model.trainable_parameters.items()
            if parameter.gradient is not None
        }
        bounds = {name: [len(self._weights[name]) * part // parts for part in range(1, parts)] for name in sums}
        return Trained(cut(sums, bounds), loss * words, words, time.monotonic() - started, states)

    def combine(self, changes: Sequence[AllChanges], settling: None) -> AllChanges:
        """Add up a part of the gradients of all shares.

        Parameters
        ----------
        changes : sequence of dict
            The same part of each share.
        settling : None

        Returns
        -------
        dict of str to Changes
        """
        return {name: added_up([part[name] for part in changes], added) for name in changes[0]}

    def follow(self, changes: AllChanges) -> None:
        """Take over the rows that a step has changed.

        Parameters
        ----------
        changes : dict of str to Changes
            The rows and what they are now.
        """
        for name, (rows, values) in changes.items():
            self._weights[name][rows] = values


class SharedGradients:
    """Leads the workers of a language model.

    Parameters
    ----------
    crew : Crew
    model : LanguageModel
        Its gradients are set; an optimizer changes its weights.
    seed : int
    threads : int, optional
        Of each worker.
    """

    def __init__(self, crew: Crew, model: LanguageModel, seed: int, threads: int | None) -> None:
        self._crew, self._model, self._seed = crew, model, seed
        self._weights = _weights_of(model)
        self._changed: dict[str, np.ndarray] = {}
        crew.begin(partial(GradientMember, model=model, threads=threads), lambda: self._weights)

    def loss_and_gradients(
        self, inputs: np.ndarray, targets: np.ndarray, states: list[State] | None, window: int
    ) -> tuple[float, list[State]]:
        """Have the workers read a window, and set the gradients, as `LanguageModel.loss_and_gradients` does.

        Parameters
        ----------
        inputs, targets : (T, B) int64
        states : list of State or None
        window : int
            Its number, from which the draws follow.

        Returns
        -------
        loss : float
        states : list of State
        """
        shares = [share for share in self._shares(inputs, targets, states, window) if share.words]
        outcome = self._crew.round(shares)
        words = sum(share.words for share in shares)
        changes = {name: joined([part[name] for part in outcome.changes]) for name in outcome.changes[0]}
        self._changed = {name: changed.rows for name, changed in changes.items()}
        for name, parameter in self._model.parameters.items():
            sums = changes.get(name)
            parameter.gradient = None if sums is None else _as_gradient(sums, words, parameter.value)
        loss = sum(trained.loss for trained in outcome.measured) / words
        return loss, _joined([trained.states for trained in outcome.measured])

    def follow(self) -> None:
        """Send the rows that the step after these gradients has changed."""
        self._crew.follow({name: Changes(rows, self._weights[name][rows]) for name, rows in self._changed.items()})

    def _shares(self, inputs: np.ndarray, targets: np.ndarray, states: list[State] | None, window: int) -> list[Share]:
        shares = np.array_split(np.arange(inputs.shape[1]), self._crew.workers)
        return [
            Share(
                inputs[:, columns],
                targets[:, columns],
                None if states is None else [tuple(part[columns] for part in state) for state in states],
                (self._seed, 2, window, worker),
            )
            for worker, columns in enumerate(shares)
        ]


def _weights_of(model: LanguageModel) -> Mapping[str, np.ndarray]:
    """Return views of all weights with two axes; each number of a vector is a row."""
    return {name: _rows(parameter.value) for name, parameter in model.parameters.items()}


def _rows(array: np.ndarray) -> np.ndarray:
    return array.reshape(len(array), -1)


def _as_changes(gradient: np.ndarray | RowGradient, words: int) -> Changes:
    """Return the sum over words of which a gradient is the mean."""
    rows, values = gradient if isinstance(gradient, RowGradient) else (np.arange(len(gradient)), gradient)
    return Changes(rows, _rows(values) * values.dtype.type(words))


def _as_gradient(sums: Changes, words: int, value: np.ndarray) -> np.ndarray | RowGradient:
    """Return the mean over words, in the shape of a parameter."""
    means = (sums.values / sums.values.dtype.type(words)).reshape(len(sums.rows), *value.shape[1:])
    return means if len(sums.rows) == len(value) else RowGradient(sums.rows, means)


def _joined(states: list[list[State]]) -> list[State]:
    """Return the states of all columns, from those of the shares."""
    return [tuple(np.concatenate(parts) for parts in zip(*layer, strict=True)) for layer in zip(*states, strict=True)]
