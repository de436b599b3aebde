"""Stage evaluate: word vectors → scores on evaluation sets."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from corpora import info
from pipelines.running.manifest import hash_files
from pipelines.running.stage import Stage, StageContext
from pipelines.settings.file_names import SCORES_FILE

if TYPE_CHECKING:
    import pandas as pd

    from embeddings.evaluation import EvaluationSet
    from embeddings.executor import Executor


@dataclass(frozen=True, kw_only=True)
class EvaluateStage(Stage):
    """Evaluates word similarity, analogies and categories."""

    data: tuple[str, ...]
    name: ClassVar[str] = "evaluate"
    inputs: ClassVar[tuple[str, ...]] = ("train-embeddings",)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The evaluation sets."""
        return {"data": list(self.data)}

    def sources(self) -> Mapping[str, str]:
        """Return the hashes of files and folders; sets of the catalog are identified by their names."""
        found = {}
        for place in self.data:
            path = Path(place)
            files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
            if path.exists():
                lines = [f"{file.name} {digest}" for file, digest in zip(files, hash_files(files), strict=True)]
                found[place] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return found

    def check(self) -> None:
        """Find all sets, and read those that need no download."""
        from corpora import evaluation_data

        _read(evaluation_data.find_sets(self.data, _cached))

    def prepare(self) -> None:
        """Download the sets that are missing, and read them."""
        from pipelines.stages.evaluation_sets import find_sets

        _read(find_sets(self.data))

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write ``scores.json``: the rows of `embeddings.evaluation.evaluate`, one object per set."""
        from pipelines.stages.evaluation_sets import find_sets

        sets = _read(find_sets(self.data))
        with context.progress.task("evaluating the vectors", None):
            scores = scores_of(context.inputs["train-embeddings"], sets, context.backend)
        scores.to_json(directory / SCORES_FILE, orient="records", indent=1)
        return {"sets": len(scores)}


def _cached(name: str) -> Path:
    """Return the file of a set of the catalog, or the folder in which it will be."""
    known = info(name)
    return known.text_files[0] if known.cached else known.entry.folder


def _read(files: Mapping[str, Path]) -> "dict[str, EvaluationSet]":
    from embeddings.evaluation import read_evaluation_set

    return {name: read_evaluation_set(path) for name, path in files.items() if path.is_file()}


def scores_of(model: Path, sets: "Mapping[str, EvaluationSet]", executor: "Executor") -> "pd.DataFrame":
    """Score the vectors of a model on evaluation sets, by a task for each set if the executor has several.

    Parameters
    ----------
    model : Path
        Which all tasks see.
    sets : mapping of str to EvaluationSet
        They are sent: other machines may not have their files.
    executor : Executor

    Returns
    -------
    DataFrame
        See `embeddings.evaluation.evaluate`.
    """
    import pandas as pd

    from embeddings.evaluation.comparison import warn_of_unused

    if executor.tasks == 1:
        return _scored(model, sets)
    tables = executor.map(partial(_scored, model), [{name: items} for name, items in sets.items()])
    scores = pd.DataFrame([row for table in tables for row in table.to_dict("records")])
    warn_of_unused(scores)  # the tasks told their own machines
    return scores


def _scored(model: Path, sets: "Mapping[str, EvaluationSet]") -> "pd.DataFrame":
    from embeddings import WordVectors
    from embeddings.evaluation import evaluate

    return evaluate(WordVectors.load(model), sets)
