"""Where the networks of one task get their examples and vectors from."""

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
from embeddings.evaluation.probing.tasks import CONTINUED, TASKS, Examples, restricted, words_of

logger = logging.getLogger(__name__)

MOST_DRAWS = 10
"""Draws of training examples where these are few; they have no example in common."""
ENOUGH_EXAMPLES = 1500
"""No more draws than it takes to have so many examples in all."""

_CONTINUED_NAME = "continued"


@dataclass(frozen=True, kw_only=True)
class TaskSource:
    """Text and vectors of one task, read when they are first needed.

    Attributes
    ----------
    task
        Name of the task.
    model
        Directory or file of the vectors.
    data_folder
        Folder of NLTK's packages, or None for where NLTK looks.
    seed
        Of the choice of examples, and of the training that continues E.
    """

    task: str
    model: Path
    data_folder: Path | None
    seed: int

    @cached_property
    def vectors(self) -> WordVectors:
        """E as it was given."""
        return formats.read(self.model)

    @cached_property
    def data(self) -> TaskData:
        """The examples of training and test."""
        logger.info("reading the text of %s", self.task)
        return READERS[self.task](self.data_folder)

    @cached_property
    def labels(self) -> list[str]:
        """All labels: those of the training part first, then those that only the test has."""
        known = sorted({label for one in self.data.train_labels for label in one})
        new = sorted({label for one in self.data.test_labels for label in one} - set(known))
        if new:
            logger.warning("%s: labels that training never shows count as wrong: %s", self.task, ", ".join(new))
        return known + new

    @cached_property
    def hashes(self) -> Mapping[str, str]:
        """Those of the vectors and of the text."""
        digest = hashlib.sha256(np.ascontiguousarray(self.vectors.matrix).data)
        digest.update("\n".join(self.vectors.words).encode())
        return {"vectors": digest.hexdigest(), "text": self.data.digest}

    def draws(self, fraction: float) -> list[Examples]:
        """Return the draws of a share of the training examples: several where they are few, without common examples."""
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

    def vectors_of(self, start: str, checkpoint: Path) -> WordVectors:
        """Return E as a start needs it."""
        return WordVectors.load(checkpoint / _CONTINUED_NAME) if start == CONTINUED else self._restricted

    def continue_vectors(self, checkpoint: Path) -> None:
        """Continue E on the training part and keep it in a directory, once."""
        kept = checkpoint / _CONTINUED_NAME
        if not kept.exists():
            logger.info("continuing E on the words of %s", self.task)
            texts = map(words_of, self.data.train)
            window = TASKS[self.task].window
            continued(self._restricted, texts, window=window, seed=self.seed, directory=checkpoint).save(kept)

    @cached_property
    def _restricted(self) -> WordVectors:
        return restricted(self.vectors, self.data)
