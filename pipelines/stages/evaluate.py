"""Stage evaluate: word vectors → scores on evaluation sets."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipelines.running.manifest import hash_files
from pipelines.running.stage import Stage, StageContext
from pipelines.settings.file_names import SCORES_FILE


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
        """Find and read all sets, and download missing ones, before the first stage runs."""
        from embeddings.evaluation import read_evaluation_set
        from pipelines.stages.evaluation_sets import find_sets

        for path in find_sets(self.data).values():
            read_evaluation_set(path)

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write ``scores.json``: the rows of `embeddings.evaluation.evaluate`, one object per set."""
        from embeddings import WordVectors
        from embeddings.evaluation import evaluate
        from pipelines.stages.evaluation_sets import find_sets

        sets = find_sets(self.data)
        vectors = WordVectors.load(context.inputs["train-embeddings"])
        with context.progress.task("evaluating the vectors", None):
            scores = evaluate(vectors, sets)
        scores.to_json(directory / SCORES_FILE, orient="records", indent=1)
        return {"sets": len(scores)}
