"""Stage vocabulary: word counts → the vocabulary."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pipelines.running.stage import Stage, StageContext
from pipelines.settings.sections import VocabularySettings
from pipelines.stages.initial_vectors import InitialVectors

if TYPE_CHECKING:
    from embeddings import Vocabulary

VOCABULARY_FILE = "vocabulary.tsv"


@dataclass(frozen=True, kw_only=True)
class VocabularyStage(Stage):
    """Keeps frequent words, sorted by count, and all words of a model that training continues."""

    vocabulary_settings: VocabularySettings
    start: InitialVectors | None = None
    split: bool = False
    """Whether the vocabulary is that of the training part, with ``<unk>`` and ``<eos>``."""
    text: str = "tokenize"
    """Stage that writes the tokenized text."""
    name: ClassVar[str] = "vocabulary"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tokenized text, and the split if there is one."""
        return (self.text, "split") if self.split else (self.text,)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The limits of the vocabulary."""
        return asdict(self.vocabulary_settings)

    def sources(self) -> Mapping[str, str]:
        """Return the hash of the model whose words are kept."""
        return self.start.sources() if self.start else {}

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write ``vocabulary.tsv``."""
        from embeddings import SplitText, TokenizedCorpus, build_vocabulary
        from embeddings.word2vec.warm_start import extend_vocabulary

        tokenized = TokenizedCorpus.open(context.inputs[self.text])
        split = SplitText.open(context.inputs["split"]) if self.split else None
        settings = self.vocabulary_settings
        if self.start is None:
            vocabulary = build_vocabulary(
                tokenized, settings.min_count, settings.max_vocabulary, split, context.backend
            )
            vocabulary.save(directory / VOCABULARY_FILE)
            return {"words": len(vocabulary)}
        old = self.start.open().vocabulary
        vocabulary = extend_vocabulary(old, tokenized, settings.min_count, settings.max_vocabulary, split)
        vocabulary.save(directory / VOCABULARY_FILE)
        return {
            "words": len(vocabulary),
            "new words": len(vocabulary) - len(old),
            "distinct words": _words_of_text(old, vocabulary),
        }


def _words_of_text(old: "Vocabulary", extended: "Vocabulary") -> int:
    """Return the number of words that the text has: those that are new, and those that are counted more often now."""
    before = dict(zip(old.words, old.counts.tolist(), strict=True))
    return sum(before.get(word) != now for word, now in zip(extended.words, extended.counts.tolist(), strict=True))
