"""Stage of a probing task: networks by initialisation and training fraction, their scores, significance tests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from embeddings.evaluation.probing.learning import Network, learn_side_by_side
from embeddings.evaluation.probing.scores import compare_answers, score
from embeddings.evaluation.probing.task_source import TaskSource
from embeddings.evaluation.probing.tasks import CONTINUED, FROZEN, INITIALISATIONS, RANDOM, TASKS, TUNED, words_of
from pipelines.running.stage import Stage, StageContext
from pipelines.settings.file_names import SCORES_FILE
from vecmill.files import write_json

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ProbeStage(Stage):
    """Trains networks for one task from every initialisation on every fraction of the training examples.

    Attributes
    ----------
    task : str
        Name of the task.
    model : Path
        Model directory or file of word vectors.
    data_folder : Path or None
        Folder with NLTK's data packages; None for the folders that NLTK searches.
    fractions : tuple of float
        Fractions of the training examples; each sample is contained in the next larger one.
    seed : int
        Seed of the samples, of the networks, and of the bootstrap.
    """

    task: str
    model: Path
    data_folder: Path | None
    fractions: tuple[float, ...]
    seed: int

    @property
    def name(self) -> str:
        """Name of the stage: the name of the task."""
        return self.task

    @property
    def settings(self) -> Mapping[str, Any]:
        """Task, fractions and seed."""
        return {"task": self.name, "fractions": list(self.fractions), "seed": self.seed}

    @cached_property
    def source(self) -> TaskSource:
        """The text and the vectors of the task."""
        return TaskSource(task=self.task, model=self.model, data_folder=self.data_folder, seed=self.seed)

    def sources(self) -> Mapping[str, str]:
        """Return the hashes of the vectors and of the text of the task."""
        return self.source.hashes

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write ``scores.json``; networks that were trained before an interruption are not trained again."""
        gold = self._numbered(self.source.data.test_labels)
        networks = self._networks(context.checkpoint)
        self._learn([network for several in networks.values() for network in several], context)
        scores: list[Row] = []
        comparisons: list[Row] = []
        for fraction in self.fractions:
            found: dict[str, list[list[np.ndarray]]] = {}
            for initialisation in INITIALISATIONS:
                several = networks[fraction, initialisation]
                records = [json.loads(network.path.read_text("utf-8")) for network in several]
                found[initialisation] = [self._numbered(record["answers"]) for record in records]
                scored = score(gold, found[initialisation], len(self.source.labels), np.random.default_rng(self.seed))
                oov = None if records[0]["oov"] is None else float(np.mean([record["oov"] for record in records]))
                row = {"task": self.name, "fraction": fraction, "examples": several[0].examples}
                row |= {"draws": len(several), "initialisation": initialisation, **asdict(scored), "oov": oov}
                scores.append({**row, "seconds": sum(record["seconds"] for record in records)})
            for initialisation in (FROZEN, TUNED, CONTINUED):
                rng = np.random.default_rng(self.seed)
                difference = compare_answers(gold, found[initialisation], found[RANDOM], rng)
                row = {"task": self.name, "fraction": fraction, "first": initialisation, "second": RANDOM}
                comparisons.append({**row, **asdict(difference)})
        result = {"about": self._about(gold), "scores": scores, "comparisons": comparisons}
        write_json(directory / SCORES_FILE, result)
        return {"networks": sum(row["draws"] for row in scores)}

    def _networks(self, checkpoint: Path) -> dict[tuple[float, str], list[Network]]:
        """Return all networks, by fraction of the training examples and initialisation."""
        networks: dict[tuple[float, str], list[Network]] = {}
        for fraction in self.fractions:
            draws = self.source.draws(fraction)
            sizes = [(len(draw.train), sum(map(len, map(words_of, draw.train)))) for draw in draws]
            for initialisation in INITIALISATIONS:
                networks[fraction, initialisation] = [
                    Network(
                        fraction=fraction,
                        initialisation=initialisation,
                        draw=draw,
                        examples=examples,
                        words=words,
                        path=checkpoint / f"{initialisation.replace(' ', '-')}-{examples}-{draw}.json",
                    )
                    for draw, (examples, words) in enumerate(sizes)
                ]
        return networks

    def _learn(self, networks: Sequence[Network], context: StageContext) -> None:
        """Train the networks that have not been trained before."""
        left = [network for network in networks if not network.path.exists()]
        done, total = 0, sum(network.words for network in left)
        if not left:
            return
        self.source.continue_vectors(context.checkpoint)
        with context.progress.task(self.name, total) as update:
            for network in learn_side_by_side(self.source, left, context.backend):
                done += network.words
                update(done, f"{network.initialisation}, {network.fraction:.0%} of the examples")

    def _numbered(self, answered: Sequence[Sequence[str]]) -> list[np.ndarray]:
        number = {label: i for i, label in enumerate(self.source.labels)}
        return [np.array([number[label] for label in one], np.int64) for one in answered]

    def _about(self, gold: Sequence[np.ndarray]) -> Row:
        data = self.source.data
        return {
            "task": self.name,
            "title": TASKS[self.name].title,
            "unit": data.unit,
            "train_examples": len(data.train),
            "test_examples": len(data.test),
            "test_labels": int(sum(map(len, gold))),
            "labels": self.source.labels,
        }
