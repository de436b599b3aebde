"""Stage cooccurrences: word ids → pairs of words with their weighted counts, in random order."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipelines.running.stage import Stage, StageContext
from pipelines.stages.vocabulary import VOCABULARY_FILE


@dataclass(frozen=True, kw_only=True)
class CooccurrencesStage(Stage):
    """Counts the pairs that GloVe trains on."""

    window: int
    seed: int
    name: ClassVar[str] = "cooccurrences"
    inputs: ClassVar[tuple[str, ...]] = ("vocabulary", "encode")

    @property
    def settings(self) -> Mapping[str, Any]:
        """The window, and the seed of the order."""
        return {"window": self.window, "seed": self.seed}

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write ``pairs.npy``."""
        from embeddings import EncodedCorpus, Vocabulary
        from embeddings.glove import count_pairs

        words = len(Vocabulary.load(context.inputs["vocabulary"] / VOCABULARY_FILE))
        corpus = EncodedCorpus.open(context.inputs["encode"], verify=False).part("train")  # verified by the runner
        with context.progress.task("counting neighbours", corpus.token_count) as update:
            counted = count_pairs(corpus, words, directory, window=self.window, seed=self.seed, progress=update)
        return {"pairs": len(counted.pairs)}
