"""Stage 1 of a language model: raw or tokenized text → ids of train, valid and test, with ``<unk>`` and ``<eos>``."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from corpora import Corpus
from embeddings import EmbeddingsError, make_tokenizer
from embeddings.recurrent.lm_corpus import PARTS, build_corpus, read_presplit
from pipelines.manifest import hash_files
from pipelines.progress import Update
from pipelines.stage import StageContext


@dataclass(kw_only=True)
class EncodeLMStage:
    """Reads the text once and keeps it as ids."""

    source: Corpus | Path
    """A text to be split, or the directory of a text that is."""
    tokenizer: Mapping[str, Any]
    min_count: int
    max_vocabulary: int | None
    _content: str | None = field(default=None, init=False)
    name: ClassVar[str] = "encode-lm"
    inputs: ClassVar[tuple[str, ...]] = ()

    @property
    def settings(self) -> Mapping[str, Any]:
        """How lines are cut into words, and which words are kept."""
        return {
            "tokenizer": dict(self.tokenizer),
            "min_count": self.min_count,
            "max_vocabulary": self.max_vocabulary,
        }

    def sources(self) -> Mapping[str, str]:
        """Return the hash of the text; of standard input only once it has been read."""
        if self._content is None:
            if isinstance(self.source, Path):
                self._content = " ".join(hash_files([self.source / f"{part}.txt" for part in PARTS]))
            elif self.source.rereadable:
                self._content = self.source.fingerprint()
        return {"corpus": self._content or "not read yet"}

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the vocabulary and three arrays of ids."""
        tokenizer = make_tokenizer(**self.tokenizer)
        limits: dict[str, Any] = {"min_count": self.min_count, "max_size": self.max_vocabulary}
        if isinstance(self.source, Path):
            description = f"{self.source}: {', '.join(f'{part}.txt' for part in PARTS)}"
            corpus, tokenizer = read_presplit(self.source, tokenizer, **limits)
        else:
            description = self.source.description
            with context.progress.task(f"tokenizing {self.source.name}", self.source.size) as update:
                corpus = build_corpus(_reporting(self.source, update), tokenizer, **limits)
            if not self.source.rereadable:
                self._content = self.source.fingerprint()
        corpus.save(directory)
        (directory / "tokenizer.json").write_text(json.dumps(tokenizer.settings), "utf-8")
        return {
            "corpus": description,
            "split": corpus.split,
            "words": len(corpus.vocabulary),
            "tokens": {part: len(getattr(corpus, part)) for part in PARTS},
            "unknown": {part: corpus.unknown_share(part) for part in PARTS},
        }


def _reporting(text: Corpus, update: Update) -> Iterator[bytes]:
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
