"""Examples and vectors for the networks of one task."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from embeddings import WordVectors, formats
from embeddings.evaluation.probing.continued import continued
from embeddings.evaluation.probing.task_data import READERS, TaskData
from embeddings.evaluation.probing.tasks import CONTINUED, TASKS, Examples, restrict_to_vocabulary, words_of

logger = logging.getLogger(__name__)

MOST_DRAWS = 10
"""Largest number of random subsets of the training examples; subsets are disjoint."""
ENOUGH_EXAMPLES = 1500
"""Subsets are added until they have this many examples in all, or until there are `MOST_DRAWS`."""

_CONTINUED_NAME = "continued"


@dataclass(frozen=True, kw_only=True)
class TaskSource:
    """Text and vectors of one task, read when they are first needed.

    Attributes
    ----------
    task : str
        Name of the task.
    model : Path
        Directory or file of the vectors.
    data_folder : Path or None
        Folder of NLTK's packages; None for NLTK's own path.
    seed : int
        Seed of the choice of examples, and of the continued training of E.
    """

    task: str
    model: Path
    data_folder: Path | None
    seed: int

    @cached_property
    def vectors(self) -> WordVectors:
        """E, unchanged."""
        return formats.read(self.model)

    @cached_property
    def data(self) -> TaskData:
        """Training and test examples."""
        logger.info("reading the text of %s", self.task)
        return READERS[self.task](self.data_folder)

    @cached_property
    def labels(self) -> list[str]:
        """All labels: those of the training part first, then those that occur only in the test."""
        known = sorted({label for one in self.data.train_labels for label in one})
        new = sorted({label for one in self.data.test_labels for label in one} - set(known))
        if new:
            logger.warning("%s: labels that do not occur in training count as wrong: %s", self.task, ", ".join(new))
        return known + new

    @cached_property
    def hashes(self) -> Mapping[str, str]:
        """SHA-256 of the vectors with their words, and of the text."""
        digest = hashlib.sha256(np.ascontiguousarray(self.vectors.matrix).data)
        digest.update("\n".join(self.vectors.words).encode())
        return {"vectors": digest.hexdigest(), "text": self.data.digest}

    def draws(self, fraction: float) -> list[Examples]:
        """Return disjoint random subsets of the training examples, each with this fraction of them."""
        data = self.data
        order = np.random.default_rng(self.seed).permutation(len(data.train))
        size = max(2, round(fraction * len(order)))
        all_labels = sorted({label for one in data.train_labels for label in one})
        count = max(1, min(MOST_DRAWS, -(-ENOUGH_EXAMPLES // size), len(order) // size))
        return [
            Examples(
                train=[data.train[i] for i in chosen],
                labels=[data.train_labels[i] for i in chosen],
                test=data.test,
                all_labels=all_labels,
            )
            for chosen in (np.sort(order[draw * size : (draw + 1) * size]) for draw in range(count))
        ]

    def vectors_of(self, initialisation: str, checkpoint: Path) -> WordVectors:
        """Return the vectors of an initialisation: E, or E after continued training, restricted to the task's words."""
        return WordVectors.load(checkpoint / _CONTINUED_NAME) if initialisation == CONTINUED else self._restricted

    def continue_vectors(self, checkpoint: Path) -> None:
        """Train E further on the training part and save it in the checkpoint directory, unless it is there."""
        kept = checkpoint / _CONTINUED_NAME
        if not kept.exists():
            logger.info("training E further on the words of %s", self.task)
            texts = map(words_of, self.data.train)
            window = TASKS[self.task].window
            continued(self._restricted, texts, window=window, seed=self.seed, directory=checkpoint).save(kept)

    @cached_property
    def _restricted(self) -> WordVectors:
        return restrict_to_vocabulary(self.vectors, self.data)
