"""Stage 3: counts → the vocabulary."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipelines.running.stage import Stage, StageContext
from pipelines.settings.sections import VocabularySettings
from pipelines.stages.initial_vectors import StartModel

VOCABULARY_FILE = "vocabulary.tsv"


@dataclass(frozen=True, kw_only=True)
class VocabularyStage(Stage):
    """Keeps the words that are frequent enough, the most frequent first, and all those of a model to start from."""

    vocabulary_settings: VocabularySettings
    start: StartModel | None = None
    name: ClassVar[str] = "vocabulary"
    inputs: ClassVar[tuple[str, ...]] = ("tokenize",)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Which words are kept."""
        return asdict(self.vocabulary_settings)

    def sources(self) -> Mapping[str, str]:
        """Return the hash of the model whose words are kept."""
        return self.start.sources() if self.start else {}

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write `vocabulary.tsv`."""
        from embeddings import TokenizedCorpus, build_vocabulary
        from embeddings.word2vec.warm_start import extend_vocabulary

        tokenized = TokenizedCorpus.open(context.inputs["tokenize"])
        settings = self.vocabulary_settings
        if self.start is None:
            vocabulary = build_vocabulary(tokenized, settings.min_count, settings.max_size)
            vocabulary.save(directory / VOCABULARY_FILE)
            return {"words": len(vocabulary)}
        old = self.start.open().vocabulary
        vocabulary = extend_vocabulary(old, tokenized, settings.min_count, settings.max_size)
        vocabulary.save(directory / VOCABULARY_FILE)
        return {"words": len(vocabulary), "new words": len(vocabulary) - len(old)}
