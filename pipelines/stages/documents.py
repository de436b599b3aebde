"""Stage train-documents: word ids → vectors of documents, which are the lines of the text, and of words."""

import hashlib
import json
from collections.abc import Mapping, Sequence
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
    from embeddings.documents.config import ParagraphVectorsConfig
    from embeddings.training import TrainingProgress

_NUMBERS = "numbers from 1"


@dataclass(frozen=True, kw_only=True)
class TrainDocumentsStage(Stage):
    """Trains paragraph vectors and writes the model directory of the words, with that of the documents in it."""

    config: PipelineConfig
    documents: "ParagraphVectorsConfig"
    names: Sequence[str] | None = None
    """Names of the documents, all different; None for their numbers."""
    name: ClassVar[str] = "train-documents"
    inputs: ClassVar[tuple[str, ...]] = ("tokenize", "vocabulary", "encode")

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that affect the result."""
        return {name: value for name, value in asdict(self.documents).items() if name != "threads"}

    @property
    def all_settings(self) -> dict[str, Any]:
        """Settings of this stage and of the stages before it, as they are written to ``config.json``."""
        earlier = self.config.result_settings()
        earlier.pop("train")
        return {**earlier, "documents": dict(self.settings)}

    def sources(self) -> Mapping[str, str]:
        """Return the hash of the names."""
        return {"names": _NUMBERS if self.names is None else hashlib.sha256("\n".join(self.names).encode()).hexdigest()}

    def digest(self, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return a hash of the vectors alone; the times in the metrics do not matter."""
        return digest_of({name: output for name, output in outputs.items() if name != METRICS_FILE})

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the vectors of words and documents, the effective configuration and the metrics of every epoch."""
        from embeddings import EncodedCorpus, TokenizedCorpus, Vocabulary
        from embeddings.documents import DocumentVectors, ParagraphVectors, lines_with_words
        from embeddings.documents.names import names_or_numbers
        from embeddings.training import Checkpointing

        words = Vocabulary.load(context.inputs["vocabulary"] / VOCABULARY_FILE)
        corpus = EncodedCorpus.open(context.inputs["encode"], verify=False)  # verified by the runner
        lines, count = lines_with_words(TokenizedCorpus.open(context.inputs["tokenize"]), words)
        names = names_or_numbers(self.names, count)
        checkpointing = Checkpointing(context.checkpoint, self.config.checkpoint.seconds)
        model = ParagraphVectors(self.documents)
        with context.progress.task(f"training {self.documents.architecture}", None) as update:
            update(0, "compiling")  # at the first use on a machine

            def show(event: "TrainingProgress") -> None:
                update(event.done, describe(event), event.seconds_left, total=event.total)

            model.fit(corpus, words, progress=show, checkpointing=checkpointing)
        DocumentVectors.of_lines(model.vectors_, lines, model.documents_, names).save(directory)
        write_json(directory / CONFIG_FILE, self.all_settings)
        metrics = [json.dumps(entry) for entry in model.metrics_]
        (directory / METRICS_FILE).write_text("".join(f"{line}\n" for line in metrics), "utf-8")
        return {"documents": count, "words": len(words), "dimension": self.documents.dimension}
