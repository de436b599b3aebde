"""Stage 2: raw text → provisional word ids and counts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pipelines.running.known_hashes import KnownHashes
from pipelines.running.stage import Stage, StageContext
from pipelines.settings.config import ConfigError
from pipelines.settings.sections import CorpusSettings, TokenizerSettings
from pipelines.stages.corpus_source import open_fetched, require_unchanged


def check_tokenizer(settings: TokenizerSettings) -> None:
    """Raise `ConfigError` for a tokenizer that does not exist."""
    from embeddings import make_tokenizer

    try:
        make_tokenizer(**tokenizer_arguments(settings))
    except ValueError as error:
        raise ConfigError(f"tokenizer: {error}") from None


def tokenizer_arguments(settings: TokenizerSettings) -> dict[str, Any]:
    """Return the arguments of `embeddings.make_tokenizer`."""
    arguments = asdict(settings)
    return {"spec": arguments.pop("name"), **arguments}


def reading(corpus: CorpusSettings) -> dict[str, str]:
    """Return how files become text."""
    return {"field": corpus.field, "column": corpus.column}


@dataclass(kw_only=True)
class TokenizeStage(Stage):
    """Reads the corpus once and writes it as provisional ids."""

    corpus: CorpusSettings
    tokenizer: TokenizerSettings
    threads: int | None = None
    hashes: KnownHashes = field(default_factory=KnownHashes)
    _content: str | None = field(default=None, init=False)
    name: ClassVar[str] = "tokenize"
    inputs: ClassVar[tuple[str, ...]] = ("fetch",)

    @property
    def settings(self) -> Mapping[str, Any]:
        """How the text is read and cut into words."""
        return {"reading": reading(self.corpus), "tokenizer": asdict(self.tokenizer)}

    def sources(self) -> Mapping[str, str]:
        """Return the hash of text that can be read only once, when it has been."""
        return {"corpus": self._content or "not read yet"} if self.corpus.is_read_once else {}

    def check(self) -> None:
        """Raise `ConfigError` for a tokenizer that does not exist."""
        check_tokenizer(self.tokenizer)

    def digest(self, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return the fingerprint: how words are numbered depends on threads and chance, what comes of it does not."""
        return fingerprint

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write shards of provisional ids and tables of words with their counts."""
        from embeddings import make_tokenizer, tokenize_corpus

        corpus = open_fetched(context.inputs["fetch"], self.corpus)
        with context.progress.task(f"tokenizing {corpus.name}", corpus.size) as update:
            tokenize_corpus(
                corpus.blocks(),
                make_tokenizer(**tokenizer_arguments(self.tokenizer)),
                directory,
                threads=self.threads,
                progress=lambda _: update(corpus.position),
            )
        if not corpus.rereadable:
            self._content = corpus.fingerprint()
        require_unchanged(context.inputs["fetch"], self.corpus, self.hashes)
        return {"warnings": dict(corpus.warnings)}
