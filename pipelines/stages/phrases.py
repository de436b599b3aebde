"""Stage phrases: provisional word ids → the same with phrases joined, such as new_york, and a table of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from embeddings.text.phrase_table import PHRASES_FILE, PhraseSettings
from pipelines.running.stage import Stage, StageContext
from pipelines.settings.config import ConfigError
from pipelines.stages.initial_vectors import InitialVectors


@dataclass(frozen=True, kw_only=True)
class PhrasesStage(Stage):
    """Finds phrases and joins them; joins those of a model that training continues."""

    phrases: PhraseSettings
    start: InitialVectors | None = None
    """The model, if it has phrases."""
    threads: int | None = None
    name: ClassVar[str] = "phrases"
    inputs: ClassVar[tuple[str, ...]] = ("tokenize",)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What makes a phrase."""
        return asdict(self.phrases)

    def sources(self) -> Mapping[str, str]:
        """Return the hash of the phrases of the model."""
        return self.start.phrase_source() if self.start else {}

    def check(self) -> None:
        """Raise `ConfigError` if phrases are to be found although the model has its own."""
        if self.start and self.phrases.passes:
            raise ConfigError(
                f"phrases.passes is {self.phrases.passes}, but {self.start.path} was trained with phrases, which are "
                "joined in the new text too; leave the setting out, or train without the model"
            )

    def digest(self, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return the fingerprint: the numbers of words follow those of the tokenized text."""
        return fingerprint

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the joined text and ``phrases.tsv``."""
        from embeddings import TokenizedCorpus
        from embeddings.text.phrase_table import PhraseTable
        from embeddings.text.phrases import join_found_phrases, join_given_phrases

        tokenized = TokenizedCorpus.open(context.inputs["tokenize"])
        with context.progress.task("finding phrases", None) as update:
            if self.start and self.start.phrases:
                table = PhraseTable.load(self.start.phrases)
                joined = join_given_phrases(tokenized, directory, table, self.threads, context.backend)
            else:
                table, joined = join_found_phrases(
                    tokenized,
                    directory,
                    self.phrases,
                    self.threads,
                    report=lambda what: update(0, what),
                    executor=context.backend,
                )
        table.save(directory / PHRASES_FILE)
        return {"phrases": len(table), "tokens": joined.token_count}
