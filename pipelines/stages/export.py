"""Stage export: word vectors → files in the formats of other tools."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pipelines.running.recorded_tokenizer import rules_of
from pipelines.running.stage import Stage, StageContext
from pipelines.settings.config import ConfigError
from pipelines.settings.sections import ExportSettings, TokenizerSettings
from pipelines.stages.tokenize import tokenizer_arguments
from vecmill.hints import did_you_mean


@dataclass(frozen=True, kw_only=True)
class ExportStage(Stage):
    """Writes ``glove.txt``, ``word2vec-binary.bin`` and so on."""

    export: ExportSettings
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    """That of the text; the stages before depend on it."""
    joins_phrases: bool = False
    """Whether the text has phrases joined."""
    name: ClassVar[str] = "export"
    inputs: ClassVar[tuple[str, ...]] = ("train-embeddings",)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Formats and precision."""
        return asdict(self.export)

    def check(self) -> None:
        """Raise `ConfigError` for a format that does not exist or does not support the precision or the tokenizer."""
        from embeddings.formats import FORMATS
        from embeddings.formats.tokenizer_rules import InexactTokenizerError, exact_rules

        for name in self.export.formats:
            known = [known for known, entry in FORMATS.items() if entry.can_write and known != "model"]
            if name not in known:
                raise ConfigError(f"export.formats: {name!r} is none of {', '.join(known)}{did_you_mean(name, known)}")
            if self._dtype not in FORMATS[name].dtypes:
                raise ConfigError(
                    f"export.formats: {name!r} cannot be written in float16; set float16 = false or remove the format"
                )
            if FORMATS[name].takes_rules:
                try:
                    exact_rules(tokenizer_arguments(self.tokenizer) | ({"phrases": True} if self.joins_phrases else {}))
                except InexactTokenizerError as error:
                    raise ConfigError(f"export.formats: {name!r}: {error}; remove the format") from None

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write a file or directory for each format."""
        from embeddings import formats

        written, model = {}, context.inputs["train-embeddings"]
        for name in self.export.formats:
            entry = formats.FORMATS[name]
            target = directory / (f"{name}{entry.extensions[0]}" if entry.extensions else name)
            size = sum(file.stat().st_size for file in model.iterdir())
            with context.progress.task(f"writing {name}", size) as update:
                formats.convert(
                    model,
                    target,
                    source_format="model",
                    format=name,
                    dtype=self._dtype,
                    progress=update,
                    rules=rules_of(model) if entry.takes_rules else None,
                )
            written[name] = target.name
        return {"files": written}

    @property
    def _dtype(self) -> str:
        return "float16" if self.export.float16 else "float32"
