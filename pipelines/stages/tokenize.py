"""Stage tokenize: raw text → provisional word ids and counts."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pipelines.running.hash_cache import HashCache
from pipelines.running.stage import Stage, StageContext
from pipelines.settings.config import ConfigError
from pipelines.settings.sections import CorpusSettings, TokenizerSettings
from pipelines.stages.corpus_source import fetched_again_if_unusable, open_fetched, open_parts, require_unchanged
from pipelines.stages.tokenize_shards import tokenize_shards
from vecmill.plain_text import without_breaks_in_lines

if TYPE_CHECKING:
    from corpora import Corpus

logger = logging.getLogger(__name__)

_SAMPLE_BYTES = 1 << 18


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
    """Return the settings for reading text from files."""
    return {"field": corpus.field, "column": corpus.column}


@dataclass(kw_only=True)
class TokenizeStage(Stage):
    """Reads the text once and writes it as provisional ids."""

    corpus: CorpusSettings
    tokenizer: TokenizerSettings
    threads: int | None = None
    keep_parts: bool = False
    """Whether the train, valid and test files of a folder stay separate."""
    line_per_record: bool = False
    """Whether a record of a table or of JSON Lines is one line, whatever line breaks it has; so is a line of a file."""
    hashes: HashCache = field(default_factory=HashCache)
    _content: str | None = field(default=None, init=False)
    name: ClassVar[str] = "tokenize"
    inputs: ClassVar[tuple[str, ...]] = ("fetch",)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of reading and tokenizing."""
        options = {"keep_parts": self.keep_parts, "line_per_record": self.line_per_record}
        chosen = {name: True for name, value in options.items() if value}
        return {"reading": reading(self.corpus), "tokenizer": asdict(self.tokenizer), **chosen}

    def sources(self) -> Mapping[str, str]:
        """Return the hash of a text that can be read only once, after it was read."""
        return {"corpus": self._content or "not read yet"} if self.corpus.is_read_once else {}

    def check(self) -> None:
        """Raise `ConfigError` for a tokenizer that does not exist."""
        check_tokenizer(self.tokenizer)

    def digest(self, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return the fingerprint: the numbers of words depend on thread timing, but no later result does."""
        return fingerprint

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write shards of provisional ids and tables of words with their counts."""
        from embeddings import TokenizedCorpus, make_tokenizer, tokenize_corpus

        fetched, arguments = context.inputs["fetch"], tokenizer_arguments(self.tokenizer)
        parts = open_parts(fetched, self.corpus) if self.keep_parts else None
        if parts and _is_tokenized(parts):
            logger.info("the text is already tokenized; splitting it at white space only")
            arguments = {"spec": "whitespace", "lowercase": False, "normalize": self.tokenizer.normalize}
        texts = list(parts.values()) if parts else [open_fetched(fetched, self.corpus)]
        name, size = (self.corpus.shown if parts else texts[0].name), _total([text.size for text in texts])
        task = context.progress.task(f"tokenizing {name}", size)
        with fetched_again_if_unusable(fetched, self.corpus), task as update:
            in_shards = context.backend.tasks > 1 and not self.line_per_record
            if in_shards and all(text.rereadable for text in texts):
                warnings = tokenize_shards(parts or {"": texts[0]}, arguments, directory, context.backend, update)
            else:
                tokenize_corpus(
                    {part: self._blocks(text) for part, text in parts.items()} if parts else self._blocks(texts[0]),
                    make_tokenizer(**arguments),
                    directory,
                    threads=self.threads,
                    progress=lambda _: update(sum(text.position for text in texts)),
                )
                warnings = dict(sum((Counter(text.warnings) for text in texts), Counter[str]()))
        if not texts[0].rereadable:
            self._content = texts[0].fingerprint()
        require_unchanged(fetched, self.corpus, self.hashes)
        for reason, count in (warnings | TokenizedCorpus.open(directory).skipped).items():
            if count:
                logger.warning("left out: %s: %s", reason, f"{count:,}")
        return {"warnings": warnings}

    def _blocks(self, text: "Corpus") -> Iterator[bytes]:
        if not self.line_per_record:
            return text.blocks()
        return map(without_breaks_in_lines, text.blocks(line_per_record=True))


def _is_tokenized(parts: Mapping[str, "Corpus"]) -> bool:
    """Return whether words and punctuation marks of the training text are already separated."""
    from embeddings.language_model.lines import looks_tokenized

    sample = b"".join(islice(parts["train"].blocks(_SAMPLE_BYTES), 1))
    return looks_tokenized(sample.decode("utf-8", "replace"))


def _total(sizes: list[int | None]) -> int | None:
    return None if None in sizes else sum(size or 0 for size in sizes)
