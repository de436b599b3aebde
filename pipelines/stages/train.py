"""Stage 5: ids → the embedding matrix E and the context matrix."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pipelines.console.progress import count
from pipelines.running.manifest import digest_of
from pipelines.running.stage import Stage, StageContext
from pipelines.settings.config import PipelineConfig
from pipelines.settings.file_names import CONFIG_FILE, METRICS_FILE
from pipelines.stages.initial_vectors import StartModel
from pipelines.stages.vocabulary import VOCABULARY_FILE
from vecmill.files import write_json

if TYPE_CHECKING:
    from embeddings.word2vec import TrainingProgress

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainEmbeddingsStage(Stage):
    """Trains word2vec and writes a model directory."""

    config: PipelineConfig
    start: StartModel | None = None
    name: ClassVar[str] = "train-embeddings"
    inputs: ClassVar[tuple[str, ...]] = ("vocabulary", "encode")

    @property
    def settings(self) -> Mapping[str, Any]:
        """Those of [train] that decide the result."""
        return self.config.decisive()["train"]

    def sources(self) -> Mapping[str, str]:
        """Return the hash of the model that training starts from."""
        return self.start.sources() if self.start else {}

    def check(self) -> None:
        """Raise an error for a model that training cannot start from."""
        if self.start:
            from embeddings.word2vec.warm_start import check_start

            check_start(self.start.open(), self.config.train.dimension)

    def digest(self, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return a hash of the vectors alone: how long an epoch took does not matter."""
        from embeddings.vectors.model_directory import MODEL_FILES

        return digest_of({name: outputs[name] for name in MODEL_FILES})

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the vectors with their vocabulary, the effective configuration and the metrics of every epoch."""
        from embeddings import EncodedCorpus, Vocabulary
        from embeddings.word2vec import Checkpointing, Word2Vec

        words = Vocabulary.load(context.inputs["vocabulary"] / VOCABULARY_FILE)
        corpus = EncodedCorpus.open(context.inputs["encode"], verify=False)  # the runner has
        model = Word2Vec(self.config.train)
        start = self.start.open() if self.start else None
        logger.info("learning rate %g, starting from %s", self.config.train.rate, self.config.start.model or "random")
        checkpointing = Checkpointing(context.checkpoint, self.config.checkpoint.seconds)
        total = corpus.token_count * self.config.train.epochs
        title = f"training {self.config.train.architecture}"
        with context.progress.task(title, total) as update:
            update(0, "preparing the kernels")  # compiled at the first use on a machine

            def report(progress: "TrainingProgress") -> None:
                update(progress.words_done, describe(progress), progress.seconds_left)

            vectors = model.fit(corpus, words, report=report, checkpointing=checkpointing, start=start)
        vectors.save(directory)
        write_json(directory / CONFIG_FILE, self.config.to_dict())
        lines = [json.dumps(metrics) for metrics in model.metrics]
        (directory / METRICS_FILE).write_text("".join(f"{line}\n" for line in lines), "utf-8")
        settings = self.config.train
        return {"words": len(words), "dimension": settings.dimension, "learning rate": settings.learning_rate}


def describe(progress: "TrainingProgress") -> str:
    """Return speed, loss and learning rate in one line."""
    return (
        f"epoch {progress.epoch}, {count(progress.words_per_second)} words/s, "
        f"loss {progress.loss:.3f}, learning rate {progress.learning_rate:.4f}"
    )
