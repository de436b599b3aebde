"""Stage glove: pairs of words with their counts → word vectors."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pipelines.running.manifest import digest_of
from pipelines.running.stage import Stage, StageContext
from pipelines.settings.config import PipelineConfig
from pipelines.settings.file_names import CONFIG_FILE, METRICS_FILE
from pipelines.stages.train import describe
from pipelines.stages.vocabulary import VOCABULARY_FILE
from vecmill.files import write_json

if TYPE_CHECKING:
    from embeddings.glove.config import GloVeConfig
    from embeddings.training import TrainingProgress


@dataclass(frozen=True, kw_only=True)
class GloVeStage(Stage):
    """Trains GloVe and writes a model directory."""

    config: PipelineConfig
    glove: "GloVeConfig"
    name: ClassVar[str] = "glove"
    inputs: ClassVar[tuple[str, ...]] = ("vocabulary", "cooccurrences")

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that affect the result."""
        return {name: value for name, value in asdict(self.glove).items() if name != "threads"}

    @property
    def all_settings(self) -> dict[str, Any]:
        """Settings of this stage and of the stages before it, as they are written to ``config.json``."""
        earlier = self.config.result_settings()
        earlier.pop("train")
        return {**earlier, "glove": dict(self.settings)}

    def digest(self, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return a hash of the vectors alone; the times in the metrics do not matter."""
        from embeddings.vectors.model_directory import REQUIRED_FILES

        return digest_of({name: outputs[name] for name in REQUIRED_FILES})

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the vectors with their vocabulary, the effective configuration and the metrics of every epoch."""
        from embeddings import Vocabulary
        from embeddings.glove import GloVe, ShuffledPairs
        from embeddings.training import Checkpointing

        words = Vocabulary.load(context.inputs["vocabulary"] / VOCABULARY_FILE)
        pairs = ShuffledPairs.open(context.inputs["cooccurrences"], len(words))
        checkpointing = Checkpointing(context.checkpoint, self.config.checkpoint.seconds)
        model = GloVe(self.glove)
        with context.progress.task("training GloVe", None) as update:
            update(0, "compiling")  # at the first use on a machine

            def show(event: "TrainingProgress") -> None:
                update(event.done, describe(event), event.seconds_left, total=event.total)

            model.fit(pairs, words, progress=show, checkpointing=checkpointing)
        model.vectors_.save(directory)
        write_json(directory / CONFIG_FILE, self.all_settings)
        lines = [json.dumps(metrics) for metrics in model.metrics_]
        (directory / METRICS_FILE).write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return {"words": len(words), "dimension": self.glove.dimension, "loss": model.metrics_[-1]["loss"]}
