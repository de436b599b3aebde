"""Stage 3: counts → the vocabulary."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipelines.config import VocabularySettings
from pipelines.stage import Stage, StageContext

FILE_NAME = "vocabulary.tsv"


@dataclass(frozen=True, kw_only=True)
class VocabularyStage(Stage):
    """Keeps the words that are frequent enough, the most frequent first."""

    vocabulary_settings: VocabularySettings
    name: ClassVar[str] = "vocabulary"
    inputs: ClassVar[tuple[str, ...]] = ("tokenize",)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Which words are kept."""
        return asdict(self.vocabulary_settings)

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write `vocabulary.tsv`."""
        from embeddings import TokenizedCorpus, build_vocabulary

        tokenized = TokenizedCorpus.open(context.inputs["tokenize"])
        settings = self.vocabulary_settings
        vocabulary = build_vocabulary(tokenized, min_count=settings.min_count, max_size=settings.max_size)
        vocabulary.save(directory / FILE_NAME)
        return {"words": len(vocabulary)}
