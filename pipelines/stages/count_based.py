"""Stage count-based: word ids → co-occurrence counts → positive PMI → truncated SVD."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from embeddings import EncodedCorpus, Vocabulary
from embeddings.count_based import CountBased, CountBasedConfig
from embeddings.text.phrase_table import PHRASES_FILE, PhraseTable
from pipelines.running.stage import Stage, StageContext
from pipelines.settings.config import PipelineConfig
from pipelines.settings.file_names import CONFIG_FILE
from pipelines.stages.vocabulary import VOCABULARY_FILE
from vecmill.files import write_json


@dataclass(frozen=True, kw_only=True)
class CountBasedStage(Stage):
    """Trains the count-based baseline and writes a model directory."""

    config: PipelineConfig
    count_based: CountBasedConfig
    name: ClassVar[str] = "count-based"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The encoded text, and the phrases if they are joined in it."""
        return (*(["phrases"] if self.config.phrases.passes else []), "vocabulary", "encode")

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the count-based model."""
        return asdict(self.count_based)

    @property
    def all_settings(self) -> dict[str, Any]:
        """Settings of this stage and of the stages before it, as they are written to ``config.json``."""
        earlier = self.config.result_settings()
        earlier.pop("train")
        return {**earlier, "count_based": asdict(self.count_based)}

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the vectors with their vocabulary and the effective configuration."""
        words = Vocabulary.load(context.inputs["vocabulary"] / VOCABULARY_FILE)
        corpus = EncodedCorpus.open(context.inputs["encode"], verify=False).part("train")  # verified by the runner
        with context.progress.task("counting neighbours", corpus.token_count) as update:
            model = CountBased(self.count_based)
            model.fit(corpus, words, progress=lambda event: update(event.done, seconds_left=event.seconds_left))
        if self.config.phrases.passes:
            model.vectors_.phrases = PhraseTable.load(context.inputs["phrases"] / PHRASES_FILE)
        model.vectors_.save(directory)
        write_json(directory / CONFIG_FILE, self.all_settings)
        return {"words": len(words), "dimension": self.count_based.dimension}
