"""What all models of sequences share: `fit`, written once."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from embeddings.networks.parameters import Parameters
from embeddings.parallel import using_threads
from embeddings.sequences.training import SequenceTrainingConfig, held_out, train_sequences
from embeddings.training import Estimator, ProgressCallback


class Examples(NamedTuple):
    """Examples as numbers.

    Attributes
    ----------
    sources : Any
        As the model encodes them.
    targets : sequence of np.ndarray, or np.ndarray
        Numbers of labels or symbols, one element an example.
    lengths : np.ndarray
        (n,): words or symbols of each example.
    """

    sources: Any
    targets: Any
    lengths: np.ndarray


class SequenceEstimator(Estimator, ABC):
    """A network over sequences that learns from examples; see `SequenceLabeller` and `SequenceGenerator`.

    Parameters
    ----------
    training : SequenceTrainingConfig, optional
    seed : int
        Of the starting weights and of everything else that is drawn.
    threads : int, optional
        By default all cores.
    dtype : type
        float32, or float64 for gradient checks.

    Attributes
    ----------
    parameters_, trainable_parameters_ : Parameters
        All, and those that are not frozen; after `initialize`, with which `fit` begins.
    metrics_ : list of dict
        One entry an epoch; see `train_sequences`.
    validation_scores_ : list of float
        One an epoch, the higher the better; empty without validation.
    """

    unit: ClassVar[str] = "words"
    """What the length of an example counts."""
    parameters_: Parameters
    trainable_parameters_: Parameters
    metrics_: list[dict[str, Any]]
    validation_scores_: list[float]
    _rng: np.random.Generator

    def __init__(self, training: SequenceTrainingConfig | None, *, seed: int, threads: int | None, dtype: type) -> None:
        self.training = training or SequenceTrainingConfig()
        self.seed, self.threads, self.dtype = seed, threads, dtype

    def fit(
        self,
        sources: Any,
        targets: Any,
        valid: tuple[Any, Any] | None = None,
        *,
        progress: ProgressCallback | None = None,
    ) -> Self:
        """Train from new weights, and keep those of the epoch with the best validation score.

        Parameters
        ----------
        sources, targets : sequence
            Examples and what is to be learned of each; see the class.
        valid : tuple of both, optional
            Examples for validation; by default a fraction of the others is held out.
        progress : callable, optional
            Called after every batch with a `TrainingProgress`.

        Returns
        -------
        SequenceEstimator
            Itself, with `metrics_` and `validation_scores_`.

        Raises
        ------
        ValueError
            If an example has no words, there are not as many targets as sources or fewer than two of them, or a target
            is unknown.
        TrainingDiverged
            If a loss or gradient is not finite.
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
        """Draw the starting weights of a network for these examples, without training."""

    @abstractmethod
    def _encode(self, sources: Any, targets: Any) -> Examples:
        """Turn examples into numbers; check them."""

    @abstractmethod
    def _train_on(self, examples: Examples, chosen: np.ndarray) -> float:
        """Return the mean loss of a batch, given the numbers of its examples; leave its gradients in the parameters."""

    @abstractmethod
    def _score(self, examples: Examples, chosen: np.ndarray) -> float:
        """Return how well the network does on the examples with these numbers, the higher the better."""


def _require_as_many(sources: Sequence[Any], targets: Sequence[Any]) -> None:
    if len(sources) != len(targets):
        raise ValueError(f"{len(targets)} targets for {len(sources)} sources: expected as many")
