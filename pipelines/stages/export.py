"""Stage export: word vectors → files in the formats of other tools."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipelines.running.stage import Stage, StageContext
from pipelines.settings.config import ConfigError
from pipelines.settings.sections import ExportSettings
from vecmill.hints import did_you_mean


@dataclass(frozen=True, kw_only=True)
class ExportStage(Stage):
    """Writes ``glove.txt``, ``word2vec-binary.bin`` and so on."""

    export: ExportSettings
    name: ClassVar[str] = "export"
    inputs: ClassVar[tuple[str, ...]] = ("train-embeddings",)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Formats and precision."""
        return asdict(self.export)

    def check(self) -> None:
        """Raise `ConfigError` for a format that does not exist or does not support the precision."""
        from embeddings.formats import FORMATS

        for name in self.export.formats:
            if name not in FORMATS or name == "model":
                known = [known for known in FORMATS if known != "model"]
                raise ConfigError(f"export.formats: {name!r} is none of {', '.join(known)}{did_you_mean(name, known)}")
            if self._dtype not in FORMATS[name].dtypes:
                raise ConfigError(
                    f"export.formats: {name!r} cannot be written in float16; set float16 = false or remove the format"
                )

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write a file or directory for each format."""
        from embeddings import formats

        written = {}
        for name in self.export.formats:
            entry = formats.FORMATS[name]
            target = directory / (f"{name}{entry.extensions[0]}" if entry.extensions else name)
            size = sum(file.stat().st_size for file in context.inputs["train-embeddings"].iterdir())
            with context.progress.task(f"writing {name}", size) as update:
                formats.convert(
                    context.inputs["train-embeddings"],
                    target,
                    source_format="model",
                    format=name,
                    dtype=self._dtype,
                    progress=update,
                )
            written[name] = target.name
        return {"files": written}

    @property
    def _dtype(self) -> str:
        return "float16" if self.export.float16 else "float32"
