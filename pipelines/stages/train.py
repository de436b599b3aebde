"""Stage train-embeddings: word ids → the embedding matrix E and the context matrix."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from embeddings.text.phrase_table import PHRASES_FILE, PhraseTable
from pipelines.console.progress import count
from pipelines.running.manifest import digest_of
from pipelines.running.stage import Stage, StageContext
from pipelines.running.watching import Watching
from pipelines.settings.config import PipelineConfig
from pipelines.settings.file_names import CONFIG_FILE, METRICS_FILE
from pipelines.stages.initial_vectors import InitialVectors
from pipelines.stages.vocabulary import VOCABULARY_FILE
from vecmill.files import write_json

if TYPE_CHECKING:
    import numpy as np

    from embeddings import Vocabulary
    from embeddings.training import TrainingProgress
    from embeddings.word2vec.snapshots import Snapshotting

logger = logging.getLogger(__name__)

_FEWEST_WORDS = 2


@dataclass(frozen=True, kw_only=True)
class TrainEmbeddingsStage(Stage):
    """Trains word2vec and writes a model directory."""

    config: PipelineConfig
    start: InitialVectors | None = None
    split: bool = False
    """Whether the text is split; training then uses the words of its training part only."""
    min_count: int = 1
    """Split text: words that occur less often in the training part get no vector."""
    joins_phrases: bool = False
    """Whether the text has phrases joined; the model then holds the table of phrases."""
    workers: int | None = None
    """Workers of the backend that train in rounds; None for threads of this process."""
    watching: Watching | None = None
    """The history of the training to keep; it does not change the vectors."""
    name: ClassVar[str] = "train-embeddings"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The encoded text; if it is split, its tokenizer too, which may not be the one that was asked for."""
        return (
            *(["tokenize"] if self.split else []),
            *(["phrases"] if self.joins_phrases else []),
            "vocabulary",
            "encode",
        )

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of [train] that affect the result."""
        settings = self.config.result_settings()["train"]
        if self.workers:
            settings = {
                **settings,
                "workers": self.workers,
                "worker_threads": "one" if self.config.train.threads == 1 else "several",
            }
        if not self.split:
            return settings
        return {**settings, "punctuation": self.config.tokenizer.punctuation, "min_count": self.min_count}

    @property
    def trained_model(self) -> str:
        """The model that is trained."""
        return self.config.train.architecture

    def sources(self) -> Mapping[str, str]:
        """Return the hash of the model that training continues."""
        return self.start.sources() if self.start else {}

    def check(self) -> None:
        """Raise an error for a model that training cannot continue."""
        if self.start:
            from embeddings.word2vec.warm_start import require_continuable

            require_continuable(self.start.open(), self.config.train)

    def digest(self, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return a hash of the vectors alone; the times in the metrics do not matter."""
        from embeddings.vectors.model_directory import MODEL_FILES

        return digest_of({name: outputs[name] for name in MODEL_FILES if name in outputs})

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the vectors with their vocabulary, the effective configuration and the metrics of every epoch."""
        from embeddings import EncodedCorpus, Vocabulary
        from embeddings.training import Checkpointing
        from embeddings.word2vec import Word2Vec

        words = Vocabulary.load(context.inputs["vocabulary"] / VOCABULARY_FILE)
        corpus = EncodedCorpus.open(context.inputs["encode"], verify=False).part("train")  # verified by the runner
        trained = self._trained(words) if self.split else None
        model = Word2Vec(self.config.train)
        start = self.start.open() if self.start else None
        logger.info(
            "learning rate %g, initial vectors: %s", self.config.train.rate, self.config.start.model or "random"
        )
        checkpointing = Checkpointing(context.checkpoint, self.config.checkpoint.seconds)
        watcher = self.watching.watcher if self.watching else None
        if watcher:
            watcher.begin(words if trained is None else words.select(trained))
        with context.progress.task(f"training {self.config.train.architecture}", None) as update:
            update(0, "compiling")  # at the first use on a machine

            def show(event: "TrainingProgress") -> None:
                update(event.done, describe(event), event.seconds_left, total=event.total)
                if watcher:
                    watcher.progress(event)

            crew = context.backend.crew() if self.workers else None
            model.fit(
                corpus,
                words,
                progress=show,
                checkpointing=checkpointing,
                initial_vectors=start,
                trained=trained,
                crew=crew,
                snapshotting=self._snapshotting(),
            )
        vectors = model.vectors_
        if self.joins_phrases:
            vectors.phrases = PhraseTable.load(context.inputs["phrases"] / PHRASES_FILE)
        vectors.save(directory)
        if model.history_:
            model.history_.write(directory)
        write_json(directory / CONFIG_FILE, self._recorded(context))
        lines = [json.dumps(metrics) for metrics in model.metrics_]
        (directory / METRICS_FILE).write_text("".join(f"{line}\n" for line in lines), "utf-8")
        settings = self.config.train
        return {"words": len(vectors), "dimension": settings.dimension, "learning rate": settings.learning_rate}

    def _snapshotting(self) -> "Snapshotting | None":
        """Return the snapshots to take."""
        if self.watching is None:
            return None
        from embeddings.word2vec.snapshots import Snapshotting

        moments, words, watcher = self.watching
        return Snapshotting(moments, words, watcher.snapshot if watcher else None)

    def _trained(self, words: "Vocabulary") -> "np.ndarray":
        """Return a mask of the words that get a vector; a short text may have no frequent ones."""
        known = words.is_word(punctuation=self.config.tokenizer.punctuation)
        frequent = known & (words.counts >= self.min_count)
        return frequent if frequent.sum() >= _FEWEST_WORDS else known

    def _recorded(self, context: StageContext) -> dict[str, Any]:
        """Return the effective configuration, with the tokenizer that the text was split with."""
        from embeddings import TokenizedCorpus

        settings = self.config.to_dict()
        if self.split:  # punctuation marks are in the ids, but have no vectors
            used = TokenizedCorpus.open(context.inputs["tokenize"]).tokenizer
            others = {name: value for name, value in used.items() if name not in ("spec", "punctuation")}
            settings["tokenizer"] = {**settings["tokenizer"], "name": used["spec"], **others}
        return settings


def describe(event: "TrainingProgress") -> str:
    """Return epoch, speed, loss and learning rate in one line."""
    line = (
        f"epoch {event.epoch}, {count(event.speed)} {event.unit}/s, "
        f"loss {event.loss:.3f}, learning rate {event.learning_rate:.4f}"
    )
    return f"{line}; {event.note}" if event.note else line
