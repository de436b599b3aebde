"""Stage 4: provisional ids → ids of the vocabulary."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipelines.running.stage import Stage, StageContext
from pipelines.stages.vocabulary import VOCABULARY_FILE


@dataclass(frozen=True, kw_only=True)
class EncodeStage(Stage):
    """Writes the corpus as memory-mapped shards of word ids."""

    threads: int | None = None
    name: ClassVar[str] = "encode"
    inputs: ClassVar[tuple[str, ...]] = ("tokenize", "vocabulary")

    @property
    def settings(self) -> Mapping[str, Any]:
        """None: the inputs decide everything."""
        return {}

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the shards."""
        from embeddings import TokenizedCorpus, Vocabulary, encode_corpus

        tokenized = TokenizedCorpus.open(context.inputs["tokenize"])
        words = Vocabulary.load(context.inputs["vocabulary"] / VOCABULARY_FILE)
        corpus = encode_corpus(tokenized, words, directory, threads=self.threads)
        return {"tokens": corpus.token_count, "sentences": corpus.sentence_count, "dropped": dict(corpus.dropped)}
