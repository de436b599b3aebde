"""Dynamic evaluation: a model that is trained on the text while it reads it, a segment after its perplexity was taken.

Krause, Kahembwe, Murray and Renals 2018, "Dynamic evaluation of neural sequence models", the RMS rule with decay to the
trained weights θ_g, after each segment s_i of the text::

    θ<i> = θ<i-1> - η ∇L(s_i) / (RMS_g + ε) + λ min(RMS_g / mean(RMS_g), 1 / λ) (θ_g - θ<i-1>)

∇L is the gradient of the mean loss of a segment, and RMS_g its root mean square over segments of the training text. The
probability of a word depends on nothing after it. A copy of the model is trained; the model itself never changes.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.language_model.adaptation_kernels import add_squares, dynamic_step
from embeddings.networks.batching import Columns, windows
from embeddings.networks.cells import State
from embeddings.networks.parameters import as_matrix
from embeddings.parallel import Rows, over_rows
from embeddings.setting_types import require_setting_types
from embeddings.text.id_stream import Ids

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel

GRADIENT_COLUMNS = 32
"""Segments whose mean gradient is squared for RMS_g."""
_WATCHED = 1000  # words
_LARGEST_EXCESS = 200.0  # nats


class DynamicEvaluationDiverged(EmbeddingsError):
    """The steps of dynamic evaluation were too large for the text."""


class Passage(NamedTuple):
    """Words of a text that were read.

    Attributes
    ----------
    hidden : (T, H)
        The input of the softmax before each word.
    words : (T,) integers
    log_p : (T,) float64
        ln P of each word.
    """

    hidden: np.ndarray
    words: np.ndarray
    log_p: np.ndarray


@dataclass(frozen=True, kw_only=True)
class DynamicSettings:
    """Settings of dynamic evaluation.

    Attributes
    ----------
    learning_rate : float
        η.
    decay : float
        λ, from 0 to 1.
    epsilon : float
        ε, which bounds the steps of weights that hardly had a gradient in training.
    segment : int
        Words between two steps.

    Raises
    ------
    ValueError
        A value is out of range; the message names the setting.
    TypeError
        A value has another type.
    """

    learning_rate: float
    decay: float
    epsilon: float
    segment: int = 5

    def __post_init__(self) -> None:
        require_setting_types(self)
        for name in ("learning_rate", "epsilon"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} of dynamic evaluation is {getattr(self, name)}; expected more than 0")
        if not 0 <= self.decay <= 1:
            raise ValueError(f"decay of dynamic evaluation is {self.decay}; expected a share from 0 to 1")
        if self.segment < 1:
            raise ValueError(f"segments of {self.segment} words; expected at least 1")


class DynamicEvaluation:
    """A copy of a language model that learns from the texts that it reads, one after the other.

    Parameters
    ----------
    model : LanguageModel
    settings : DynamicSettings
    rms : mapping of str to ndarray
        RMS_g of every trainable parameter (`gradient_rms`).

    Raises
    ------
    EmbeddingsError
        RMS_g is that of another model.
    """

    def __init__(self, model: "LanguageModel", settings: DynamicSettings, rms: Mapping[str, np.ndarray]):
        shapes = {name: parameter.value.shape for name, parameter in model.trainable_parameters.items()}
        if {name: np.shape(values) for name, values in rms.items()} != shapes:
            raise EmbeddingsError(
                "the gradients for dynamic evaluation are those of another model; tune this one: vecmill tune-lm"
            )
        self._start = model, settings, rms
        self._model, self._settings = model.copy(), settings
        self._model.use_full_softmax()
        self._learned = [
            (parameter, as_matrix(rms[name]), as_matrix(parameter.value.copy()))
            for name, parameter in self._model.trainable_parameters.items()
        ]
        self._mean_rms = mean_of(rms)
        self._read, self._recent = 0, np.zeros(0)

    def anew(self) -> "DynamicEvaluation":
        """Return the same evaluation, with the weights that the model has."""
        return DynamicEvaluation(*self._start)

    def passages(self, ids: Ids) -> Iterator[Passage]:
        """Read a text from a zero state, a segment at a time, and learn from each segment.

        Parameters
        ----------
        ids : (N,)
            A text with ``<eos>`` at the end of each line.

        Yields
        ------
        Passage
            A segment, read with the weights before it.

        Raises
        ------
        DynamicEvaluationDiverged
            The loss is not finite, or the last thousand words have together become far less probable than by a uniform
            distribution.
        """
        columns = Columns(ids, 1, self._model.eos)
        states: list[State] | None = None
        for rows in windows(columns.steps, self._settings.segment):
            inputs, targets = columns.window(rows)
            hidden, log_p, states = self._model.read_with_gradients(inputs, targets, states)
            self._watch(log_p[:, 0])
            yield Passage(hidden[:, 0], targets[:, 0], log_p[:, 0])
            self._step()

    def _watch(self, log_p: np.ndarray) -> None:
        excess = -log_p - math.log(len(self._model.vocabulary))
        self._recent = np.concatenate([self._recent, excess])[-_WATCHED:]
        if not self._recent.sum() < _LARGEST_EXCESS:  # NaN, too
            raise DynamicEvaluationDiverged(
                f"dynamic evaluation diverged after {self._read:,} words of the text (learning rate "
                f"{self._settings.learning_rate:g}); tune it on a text like this one: vecmill tune-lm"
            )
        self._read += len(log_p)

    def _step(self) -> None:
        settings = self._settings
        constants = (settings.learning_rate, settings.decay / self._mean_rms, settings.epsilon)
        for parameter, rms, trained in self._learned:
            value, gradient = as_matrix(parameter.value), as_matrix(parameter.dense_gradient())

            def work(rows: Rows, arrays: tuple[np.ndarray, ...] = (value, gradient, rms, trained)) -> None:
                weights, slopes, scales, start = arrays
                dynamic_step(weights, slopes, scales, start, constants, rows)

            over_rows(work, len(value), cost=2 * value.shape[1])


def gradient_rms(model: "LanguageModel", ids: Ids, segment: int) -> dict[str, np.ndarray]:
    """Compute RMS_g, the root mean square of the gradient of each weight over the segments of a text.

    Parameters
    ----------
    model : LanguageModel
    ids : (N,)
        Training text with ``<eos>`` at the end of each line.
    segment : int
        Words of a segment; a gradient is the mean of `GRADIENT_COLUMNS` segments that are read side by side.

    Returns
    -------
    dict of str to ndarray
        By the names of the trainable parameters.
    """
    learner = model.copy()
    learner.use_full_softmax()
    sums = {name: np.zeros_like(p.value) for name, p in learner.trainable_parameters.items()}
    columns = Columns(ids, GRADIENT_COLUMNS, model.eos)
    states: list[State] | None = None
    count = 0
    for rows in windows(columns.steps, segment):
        inputs, targets = columns.window(rows)
        _, _, states = learner.read_with_gradients(inputs, targets, states)
        for name, parameter in learner.trainable_parameters.items():
            gradient, total = as_matrix(parameter.dense_gradient()), as_matrix(sums[name])

            def work(piece: Rows, pair: tuple[np.ndarray, np.ndarray] = (gradient, total)) -> None:
                add_squares(*pair, piece)

            over_rows(work, len(total), cost=total.shape[1])
        count += 1
    return {name: np.sqrt(total / total.dtype.type(count)) for name, total in sums.items()}


def mean_of(arrays: Mapping[str, np.ndarray]) -> float:
    """Return the mean of all numbers of some arrays."""
    return sum(float(array.sum(dtype=np.float64)) for array in arrays.values()) / sum(a.size for a in arrays.values())
