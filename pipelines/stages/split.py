"""Stage split: provisional ids → the part of each line: train, valid or test."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipelines.running.stage import Stage, StageContext
from pipelines.settings.sections import SplitSettings


@dataclass(frozen=True, kw_only=True)
class SplitStage(Stage):
    """Assigns the lines of a text to train, valid and test, or keeps the split of a folder with such files."""

    split_settings: SplitSettings
    threads: int | None = None
    name: ClassVar[str] = "split"
    inputs: ClassVar[tuple[str, ...]] = ("tokenize",)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The fractions of valid and test."""
        return asdict(self.split_settings)

    def digest(self, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return the fingerprint: the files follow the order of provisional ids, which differs between runs."""
        return fingerprint

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the split and the word counts of train."""
        from embeddings import TokenizedCorpus, split_text

        tokenized = TokenizedCorpus.open(context.inputs["tokenize"])
        shares = self.split_settings
        split = split_text(tokenized, directory, valid=shares.valid, test=shares.test, threads=self.threads)
        return {"split": split.description, "lines": split.lines}
