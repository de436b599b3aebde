"""One task as a stage: all starts at all sizes of the training data, their scores, and E against the random start."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from embeddings import WordVectors
from embeddings.atomic_output import atomic_file
from embeddings.recurrent.sequence_training import SequenceProgress
from pipelines.probe.continued import continued
from pipelines.probe.scores import compare_answers, score
from pipelines.probe.task_data import READERS, TaskData
from pipelines.probe.tasks import (
    CONTINUED,
    FROZEN,
    RANDOM,
    STARTS,
    TASKS,
    TUNED,
    Examples,
    answers,
    restricted,
    words_of,
)
from pipelines.progress import Update
from pipelines.stage import Stage, StageContext

logger = logging.getLogger(__name__)

FILE_NAME = "scores.json"
STEPS = 1000  # of the progress bar
MOST_DRAWS = 5
"""Draws of training examples where these are few; they have no example in common, and use half of all at most."""
ENOUGH_EXAMPLES = 1500
"""No more draws than it takes to have so many examples in all."""

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ProbeStage(Stage):
    """Learns one task from every start with every share of the training examples.

    Attributes
    ----------
    task
        Its name.
    model
        Directory or file of the vectors.
    data_folder
        Folder of NLTK's packages, or None for where NLTK looks.
    fractions
        Shares of the training examples, each contained in the next larger one.
    seed
        Of the choice of examples, of the networks, and of the bootstrap.
    """

    task: str
    model: Path
    data_folder: Path | None
    fractions: tuple[float, ...]
    seed: int

    @property
    def name(self) -> str:
        """Name of the stage: that of the task."""
        return self.task

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that change the result."""
        return {"task": self.name, "fractions": list(self.fractions), "seed": self.seed}

    def sources(self) -> Mapping[str, str]:
        """Return the hashes of the vectors and of the task's text."""
        return self._sources

    @cached_property
    def _sources(self) -> Mapping[str, str]:
        vectors = self._vectors
        digest = hashlib.sha256(np.ascontiguousarray(vectors.matrix).data)
        digest.update("\n".join(vectors.words).encode())
        return {"vectors": digest.hexdigest(), "text": self._data.digest}

    @cached_property
    def _vectors(self) -> WordVectors:
        return WordVectors.load(self.model)

    @cached_property
    def _data(self) -> TaskData:
        logger.info("reading the text of %s", self.name)
        return READERS[self.name](self.data_folder)

    @cached_property
    def _labels(self) -> list[str]:
        """All labels: those of the training part first, then those that only the test has."""
        known = sorted({label for one in self._data.train_labels for label in one})
        new = sorted({label for one in self._data.test_labels for label in one} - set(known))
        if new:
            logger.warning("%s: labels that training never shows count as wrong: %s", self.name, ", ".join(new))
        return known + new

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write `scores.json`; networks that were trained before an interruption are not trained again."""
        gold = self._numbered(self._data.test_labels)
        scores: list[Row] = []
        comparisons: list[Row] = []
        with context.progress.task(self.name, STEPS) as update:
            for place, fraction in enumerate(self.fractions):
                draws = self._draws(fraction)
                row = {"task": self.name, "fraction": fraction, "examples": len(draws[0].train), "draws": len(draws)}
                found: dict[str, list[list[np.ndarray]]] = {}
                for number, start in enumerate(STARTS):
                    report = self._reporter(update, place * len(STARTS) + number, start, len(draws))
                    records = self._learned(draws, start, context.checkpoint, report)
                    found[start] = [self._numbered(record["answers"]) for record in records]
                    scored = score(gold, found[start], len(self._labels), np.random.default_rng(self.seed))
                    oov = None if records[0]["oov"] is None else float(np.mean([record["oov"] for record in records]))
                    costs = {"oov": oov, "seconds": sum(record["seconds"] for record in records)}
                    scores.append({**row, "start": start, **asdict(scored), **costs})
                    logger.info("%s, %g of the examples, %s: %.4f", self.name, fraction, start, scored.accuracy)
                for start in (FROZEN, TUNED, CONTINUED):
                    rng = np.random.default_rng(self.seed)
                    difference = compare_answers(gold, found[start], found[RANDOM], rng)
                    comparisons.append({**row, "first": start, "second": RANDOM, **asdict(difference)})
        result = {"about": self._about(gold), "scores": scores, "comparisons": comparisons}
        (directory / FILE_NAME).write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
        return {"networks": sum(row["draws"] for row in scores)}

    def _draws(self, fraction: float) -> list[Examples]:
        """Return the draws of a share of the training examples: several where they are few, without common examples."""
        data = self._data
        order = np.random.default_rng(self.seed).permutation(len(data.train))
        size = max(2, round(fraction * len(order)))
        count = max(1, min(MOST_DRAWS, -(-ENOUGH_EXAMPLES // size), len(order) // 2 // size))
        return [
            Examples(
                train=[data.train[i] for i in chosen],
                labels=[data.train_labels[i] for i in chosen],
                test=data.test,
                all_labels=sorted({label for one in data.train_labels for label in one}),
            )
            for chosen in (np.sort(order[draw * size : (draw + 1) * size]) for draw in range(count))
        ]

    def _learned(
        self, draws: Sequence[Examples], start: str, checkpoint: Path, report: Callable[[int, SequenceProgress], None]
    ) -> list[Row]:
        """Return, of each draw, the answers, the share of words without a vector, and the seconds it took."""
        records: list[Row] = []
        for draw, examples in enumerate(draws):
            path = checkpoint / f"{start.replace(' ', '-')}-{len(examples.train)}-{draw}.json"
            if not path.exists():
                began = time.monotonic()
                task, seed = TASKS[self.name], self.seed + draw
                vectors = self._continued(checkpoint) if start == CONTINUED else self._restricted
                answered, missing = answers(task, examples, start, vectors, seed, partial(report, draw))
                record = {"answers": answered, "oov": missing, "seconds": time.monotonic() - began}
                with atomic_file(path) as file:
                    file.write(json.dumps(record, ensure_ascii=False).encode())
            records.append(json.loads(path.read_text("utf-8")))
        return records

    @cached_property
    def _restricted(self) -> WordVectors:
        return restricted(self._vectors, self._data)

    def _continued(self, checkpoint: Path) -> WordVectors:
        """Return E, continued on the training part; it is made once."""
        kept = checkpoint / "continued"
        if not kept.exists():
            texts = map(words_of, self._data.train)
            window = TASKS[self.name].window
            continued(self._restricted, texts, window=window, seed=self.seed, directory=checkpoint).save(kept)
        return WordVectors.load(kept)

    def _reporter(self, update: Update, place: int, start: str, draws: int) -> Callable[[int, SequenceProgress], None]:
        runs = len(self.fractions) * len(STARTS)

        def report(draw: int, progress: SequenceProgress) -> None:
            done = (place + (draw + progress.words_done / progress.words_total) / draws) / runs
            update(round(STEPS * done), f"{start}, epoch {progress.epoch}, loss {progress.loss:.3f}")

        return report

    def _numbered(self, answered: Sequence[Sequence[str]]) -> list[np.ndarray]:
        number = {label: i for i, label in enumerate(self._labels)}
        return [np.array([number[label] for label in one], np.int64) for one in answered]

    def _about(self, gold: Sequence[np.ndarray]) -> Row:
        data = self._data
        return {
            "task": self.name,
            "title": TASKS[self.name].title,
            "unit": data.unit,
            "train_examples": len(data.train),
            "test_examples": len(data.test),
            "test_labels": int(sum(map(len, gold))),
            "labels": self._labels,
        }
