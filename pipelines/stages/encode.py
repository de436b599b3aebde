"""Stage encode: provisional ids → ids of the vocabulary."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipelines.running.stage import Stage, StageContext
from pipelines.stages.vocabulary import VOCABULARY_FILE


@dataclass(frozen=True, kw_only=True)
class EncodeStage(Stage):
    """Writes the text as memory-mapped shards of word ids."""

    threads: int | None = None
    split: bool = False
    """Whether the ids have the parts train, valid and test, and contain ``<unk>`` and ``<eos>``."""
    text: str = "tokenize"
    """Stage that writes the tokenized text."""
    name: ClassVar[str] = "encode"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The provisional ids, the split if there is one, and the vocabulary."""
        return (self.text, *(["split"] if self.split else []), "vocabulary")

    @property
    def settings(self) -> Mapping[str, Any]:
        """Empty: the inputs determine the result."""
        return {}

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the shards."""
        from embeddings import SplitText, TokenizedCorpus, Vocabulary, encode_corpus

        tokenized = TokenizedCorpus.open(context.inputs[self.text])
        words = Vocabulary.load(context.inputs["vocabulary"] / VOCABULARY_FILE)
        split = SplitText.open(context.inputs["split"]) if self.split else None
        corpus = encode_corpus(tokenized, words, directory, threads=self.threads, split=split, executor=context.backend)
        totals = {"tokens": corpus.token_count, "sentences": corpus.sentence_count, "dropped": dict(corpus.dropped)}
        parts = {
            name: {"tokens": part.token_count, "unknown": part.unknown_count} for name, part in corpus.parts.items()
        }
        return {**totals, "parts": parts} if split else totals
