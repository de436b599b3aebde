"""What trials are compared by: the held-out loss, or half of an evaluation set, whose other half is for the result."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from embeddings.evaluation import Analogies, Categories, EvaluationSet, WordPairs, read_evaluation_set
from pipelines.batch.summary import results_of
from pipelines.settings.config import ConfigError
from pipelines.stages.evaluation_sets import find_sets
from vecmill.errors import VecmillError
from vecmill.files import atomic_file, file_digest

HELD_OUT = "held-out"
TUNE, TEST = "tune", "test"
"""The halves of an evaluation set: trials are compared on the first, the best one is measured on the second."""
_LEAST_ITEMS = 20
SETS_FOLDER = "evaluation"
"""Of a search: both halves of its evaluation set."""

Item = TypeVar("Item")


class NoScoreError(VecmillError):
    """The vectors of a trial have no score."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What trials are compared by.

    Attributes
    ----------
    name : str
        "held-out", or the name of an evaluation set.
    source : Path or None
        The file of the set; None for the held-out loss.
    """

    name: str
    source: Path | None = None

    @property
    def minimize(self) -> bool:
        """Whether a lower score is better."""
        return self.source is None

    @property
    def shown(self) -> str:
        """Name of the score in tables."""
        return "held-out loss" if self.source is None else self.name

    def file(self, half: str, directory: Path) -> Path:
        """Return the file of one half of the set."""
        return directory / SETS_FOLDER / f"{self.name}-{half}.tsv"

    def data(self, directory: Path) -> list[str]:
        """Return the evaluation sets of every trial."""
        return [] if self.source is None else [str(self.file(TUNE, directory))]

    def write(self, directory: Path) -> None:
        """Write both halves of the set, if there is one."""
        if self.source is None:
            return
        (directory / SETS_FOLDER).mkdir(exist_ok=True)
        for half, items in zip((TUNE, TEST), halves(read_evaluation_set(self.source)), strict=True):
            with atomic_file(self.file(half, directory)) as file:
                file.write("".join(f"{line}\n" for line in _lines(items)).encode())

    def score(self, job: Path) -> float:
        """Return the score of a finished job.

        Parameters
        ----------
        job : Path
            Directory of the job.

        Returns
        -------
        float

        Raises
        ------
        NoScoreError
            No word of the set is in the vocabulary, or no text is held out.
        """
        score = results_of(job).get("held_out_loss" if self.source is None else f"{self.name}-{TUNE}")
        if score is None:
            raise NoScoreError(f"no score: too little of {self.name} is known to the vectors")
        return float(score)

    def to_dict(self) -> dict[str, Any]:
        """Return what identifies the metric: its name, and the content of its set."""
        return {"name": self.name, "sha256": file_digest(self.source) if self.source else None}


def read_metric(name: str, held_out: float) -> Metric:
    """Return the metric of the option ``--metric``.

    Parameters
    ----------
    name : str
        "held-out", the name of an evaluation set, or its file.
    held_out : float
        Share of the text that is held out.

    Returns
    -------
    Metric

    Raises
    ------
    ConfigError
        Nothing is held out, or the set cannot be split.
    CorpusError, EmbeddingsError
        There is no such set, or it cannot be read.
    """
    if name == HELD_OUT:
        if not held_out:
            raise ConfigError("--metric held-out: train.held_out is 0, which holds out no text; set it to 0.01, say")
        return Metric(name=name)
    found = find_sets([name])
    if len(found) > 1:
        raise ConfigError(f"--metric {name}: expected one evaluation set, got a folder of {len(found)}")
    ((stem, path),) = found.items()
    try:
        halves(read_evaluation_set(path))
    except ValueError as error:
        raise ConfigError(f"--metric {name}: {error}") from None
    return Metric(name=stem, source=path)


def halves(items: EvaluationSet) -> tuple[EvaluationSet, EvaluationSet]:
    """Split an evaluation set at random, always in the same way: one half to tune on, one to measure the result.

    Parameters
    ----------
    items : EvaluationSet
        Word pairs, analogies, which are split section by section, or words and their categories.

    Returns
    -------
    tune, test : EvaluationSet

    Raises
    ------
    ValueError
        The set has too few items, or it is one of topics, which have no halves.
    """
    draws = np.random.default_rng(0)
    match items:
        case WordPairs():
            pairs = _split(list(zip(items.pairs, items.scores, strict=True)), draws)
            return _pairs(items, pairs[0]), _pairs(items, pairs[1])
        case Categories():
            members = _split(list(zip(items.words, items.categories, strict=True)), draws)
            return _categories(items, members[0]), _categories(items, members[1])
        case Analogies():
            parts = {name: _split(part, draws, least=2) for name, part in items.sections.items()}
            tune, test = ({name: part[half] for name, part in parts.items()} for half in (0, 1))
            return replace(items, sections=tune), replace(items, sections=test)
    raise ValueError("sets of topics cannot be split; expected word pairs, analogies or categories")


def _split(items: list[Item], draws: np.random.Generator, least: int = _LEAST_ITEMS) -> tuple[list[Item], list[Item]]:
    """Return two random halves, each in the order of the list."""
    if len(items) < least:
        raise ValueError(f"{len(items)} items are too few for one half to tune on and one to test; expected {least}")
    is_first = np.zeros(len(items), bool)
    is_first[draws.permutation(len(items))[: (len(items) + 1) // 2]] = True
    return list(itertools.compress(items, is_first)), list(itertools.compress(items, ~is_first))


def _pairs(items: WordPairs, part: Sequence[tuple[tuple[str, str], float]]) -> WordPairs:
    return replace(items, pairs=[pair for pair, _ in part], scores=[score for _, score in part])


def _categories(items: Categories, part: Sequence[tuple[str, str]]) -> Categories:
    return replace(items, words=[word for word, _ in part], categories=[category for _, category in part])


def _lines(items: EvaluationSet) -> list[str]:
    """Return the lines of a file of the set, with tabs between the fields."""
    match items:
        case WordPairs():
            return [f"{a}\t{b}\t{score}" for (a, b), score in zip(items.pairs, items.scores, strict=True)]
        case Categories():
            return [f"{word}\t{category}" for word, category in zip(items.words, items.categories, strict=True)]
        case Analogies():
            return [line for name, part in items.sections.items() for line in (f": {name}", *map("\t".join, part))]
    raise TypeError(type(items))
