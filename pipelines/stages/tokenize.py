"""Stage 1: raw text → provisional word ids and counts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from corpora import Corpus
from embeddings import Tokenizer, tokenize_corpus
from pipelines.config import CorpusSettings, TokenizerSettings
from pipelines.stage import StageContext


@dataclass(kw_only=True)
class TokenizeStage:
    """Reads the corpus once and writes it as provisional ids."""

    corpus: Corpus
    tokenizer: Tokenizer
    corpus_settings: CorpusSettings
    tokenizer_settings: TokenizerSettings
    threads: int | None = None
    _content: str | None = field(default=None, init=False)
    name: ClassVar[str] = "tokenize"
    inputs: ClassVar[tuple[str, ...]] = ()

    @property
    def settings(self) -> Mapping[str, Any]:
        """The corpus and how it is cut into words."""
        return {"corpus": asdict(self.corpus_settings), "tokenizer": asdict(self.tokenizer_settings)}

    def sources(self) -> Mapping[str, str]:
        """Return the hash of the corpus; of standard input only once it has been read."""
        if self._content is None and self.corpus.rereadable:
            self._content = self.corpus.fingerprint()
        return {"corpus": self._content or "not read yet"}

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write shards of provisional ids and tables of words with their counts."""
        with context.progress.task(f"tokenizing {self.corpus.name}", self.corpus.size) as update:
            tokenize_corpus(
                self.corpus.blocks(),
                self.tokenizer,
                directory,
                threads=self.threads,
                progress=lambda _: update(self.corpus.position),
            )
        if not self.corpus.rereadable:
            self._content = self.corpus.fingerprint()
        return {"corpus": self.corpus.description, "bytes": self.corpus.size, "warnings": dict(self.corpus.warnings)}
