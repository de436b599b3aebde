"""Base class of all sequence models: `fit`, written once."""

from abc import ABC, abstractmethod
from collections.abc import Sequence, Sized
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from embeddings.networks.parameters import Parameters
from embeddings.parallel import ModelLock, using_threads
from embeddings.sequences.training import SequenceTrainingConfig, held_out, train_sequences
from embeddings.setting_types import require_number
from embeddings.threads import thread_count
from embeddings.training import Estimator, ProgressCallback
from vecmill.arguments import described, require_kind


class Examples(NamedTuple):
    """Examples as numbers.

    Attributes
    ----------
    sources : Any
        Sources as the model encodes them.
    targets : sequence of np.ndarray, or np.ndarray
        Numbers of labels or symbols, one element per example.
    lengths : (n,) int64
        Words or symbols of each example.
    """

    sources: Any
    targets: Any
    lengths: np.ndarray


class SequenceEstimator(Estimator, ABC):
    """A supervised network over sequences; see `SequenceLabeller` and `SequenceGenerator`.

    Parameters
    ----------
    training : SequenceTrainingConfig or None
    seed : int
        Seed of the initial weights and of all other random numbers.
    threads : int or None
        Threads of matrix products and of compiled code; by default all cores.
    dtype : type
        float32, or float64 for gradient checks.

    Attributes
    ----------
    parameters_, trainable_parameters_ : Parameters
        All parameters, and those that are not frozen; set by `initialize`, which `fit` calls first.
    metrics_ : list of dict
        One entry per epoch; see `train_sequences`.
    validation_scores_ : list of float
        One score per epoch, higher is better; empty without validation.
    """

    unit: ClassVar[str] = "words"
    """Unit of the length of an example."""
    parameters_: Parameters
    trainable_parameters_: Parameters
    metrics_: list[dict[str, Any]]
    validation_scores_: list[float]
    _rng: np.random.Generator

    def __init__(self, training: SequenceTrainingConfig | None, *, seed: int, threads: int | None, dtype: type) -> None:
        if training is not None:
            require_kind("training", training, SequenceTrainingConfig, "a SequenceTrainingConfig")
        self.training = training or SequenceTrainingConfig()
        self.seed, self.threads = require_number("seed", seed, 0), None if threads is None else thread_count(threads)
        self.dtype = dtype
        self._lock = ModelLock()

    def fit(
        self,
        sources: Any,
        targets: Any,
        valid: tuple[Any, Any] | None = None,
        *,
        progress: ProgressCallback | None = None,
    ) -> Self:
        """Train from new weights; keep those of the epoch with the best validation score.

        Parameters
        ----------
        sources, targets : sequence
            Examples and the target of each; the class says of which kind.
        valid : tuple of (sources, targets), optional
            Examples for validation; by default a fraction of the training examples is held out.
        progress : callable, optional
            Called after every batch with a `TrainingProgress`.

        Returns
        -------
        SequenceEstimator
            Itself, with `metrics_` and `validation_scores_`.

        Raises
        ------
        ValueError
            An example has no words, the numbers of sources and targets differ, there are fewer than two examples, or a
            target is unknown.
        TrainingDiverged
            A loss or gradient is not finite.
        """
        _require_as_many(sources, targets)
        self.initialize(sources, targets)
        examples = validation = self._encode(sources, targets)
        if valid is None:
            kept, aside = held_out(len(targets), self.training.validation_fraction, self._rng)
        else:
            _require_as_many(*valid)
            validation = self._encode(*valid)
            kept, aside = np.arange(len(targets)), np.arange(len(valid[1]))
        with using_threads(self.threads):
            self.metrics_ = train_sequences(
                self.trainable_parameters_,
                examples.lengths[kept],
                lambda batch: self._train_on(examples, kept[batch]),
                (lambda: self._score(validation, aside)) if len(aside) else None,
                config=self.training,
                rng=self._rng,
                unit=self.unit,
                progress=progress,
            )
        self.validation_scores_ = [entry["validation_score"] for entry in self.metrics_ if len(aside)]
        return self

    @abstractmethod
    def initialize(self, sources: Any, targets: Any) -> None:
        """Draw the initial weights of a network for these examples, without training."""

    @abstractmethod
    def _encode(self, sources: Any, targets: Any) -> Examples:
        """Check the examples and turn them into numbers."""

    @abstractmethod
    def _train_on(self, examples: Examples, chosen: np.ndarray) -> float:
        """Return the mean loss of the examples with these numbers; leave its gradients in the parameters."""

    @abstractmethod
    def _score(self, examples: Examples, chosen: np.ndarray) -> float:
        """Return the validation score of the examples with these numbers; higher is better."""


def _require_as_many(sources: Sequence[Any], targets: Sequence[Any]) -> None:
    for name, given in (("sources", sources), ("targets", targets)):
        if isinstance(given, (str, bytes)) or not isinstance(given, Sized):
            raise TypeError(f"{name} is {described(given)}; expected a list with an item for each example")
    if len(sources) != len(targets):
        raise ValueError(f"{len(targets)} targets for {len(sources)} sources: expected one target per source")
