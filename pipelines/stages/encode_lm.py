"""Stage 1 of a language model: raw or tokenized text → ids of train, valid and test, with ``<unk>`` and ``<eos>``."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from embeddings.errors import EmbeddingsError
from pipelines.console.progress import Update
from pipelines.running.known_hashes import KnownHashes
from pipelines.running.stage import Stage, StageContext
from pipelines.settings.sections import CorpusSettings, TokenizerSettings
from pipelines.stages.corpus_source import open_fetched, read_location, require_unchanged
from pipelines.stages.tokenize import check_tokenizer, reading, tokenizer_arguments
from vecmill.files import write_json

if TYPE_CHECKING:
    from corpora import Corpus


@dataclass(kw_only=True)
class EncodeLMStage(Stage):
    """Reads the text once and keeps it as ids."""

    corpus: CorpusSettings
    tokenizer: TokenizerSettings
    min_count: int
    max_vocabulary: int | None
    hashes: KnownHashes = field(default_factory=KnownHashes)
    _content: str | None = field(default=None, init=False)
    name: ClassVar[str] = "encode-lm"
    inputs: ClassVar[tuple[str, ...]] = ("fetch",)

    @property
    def settings(self) -> Mapping[str, Any]:
        """How the text is read and cut into words, and which words are kept."""
        return {
            "reading": reading(self.corpus),
            "tokenizer": asdict(self.tokenizer),
            "min_count": self.min_count,
            "max_vocabulary": self.max_vocabulary,
        }

    def sources(self) -> Mapping[str, str]:
        """Return the hash of text that can be read only once, when it has been."""
        return {"corpus": self._content or "not read yet"} if self.corpus.is_read_once else {}

    def check(self) -> None:
        """Raise `ConfigError` for a tokenizer that does not exist."""
        check_tokenizer(self.tokenizer)

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the vocabulary and three arrays of ids."""
        from embeddings import make_tokenizer
        from embeddings.language_model.corpus import PARTS, build_corpus, is_presplit, read_presplit

        tokenizer = make_tokenizer(**tokenizer_arguments(self.tokenizer))
        limits: dict[str, Any] = {"min_count": self.min_count, "max_size": self.max_vocabulary}
        place = Path(read_location(context.inputs["fetch"])[0])
        if is_presplit(place):
            corpus, tokenizer = read_presplit(place, tokenizer, **limits)
        else:
            text = open_fetched(context.inputs["fetch"], self.corpus)
            with context.progress.task(f"tokenizing {text.name}", text.size) as update:
                corpus = build_corpus(_reporting(text, update), tokenizer, **limits)
            if not text.rereadable:
                self._content = text.fingerprint()
        require_unchanged(context.inputs["fetch"], self.corpus, self.hashes)
        corpus.save(directory)
        write_json(directory / "tokenizer.json", tokenizer.settings)
        return {
            "split": corpus.split,
            "words": len(corpus.vocabulary),
            "tokens": {part: len(getattr(corpus, part)) for part in PARTS},
            "unknown": {part: corpus.unknown_share(part) for part in PARTS},
        }


def _reporting(text: "Corpus", update: Update) -> Iterator[bytes]:
    for block in text.blocks():
        update(text.position)
        yield block


def load_tokenizer(directory: Path) -> dict[str, Any]:
    """Return the settings of the tokenizer that the text of a finished stage was cut with.

    Raises
    ------
    EmbeddingsError
        If the file is missing or damaged.
    """
    try:
        settings = json.loads((directory / "tokenizer.json").read_text("utf-8"))
        return dict(settings)
    except (OSError, ValueError, TypeError) as error:
        raise EmbeddingsError(f"{directory} has no readable tokenizer.json ({error})") from error
