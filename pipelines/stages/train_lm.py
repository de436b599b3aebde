"""Stage train-lm: word ids of a split text and initial word vectors → a language model and its perplexity."""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from corpora.parts import PARTS
from embeddings.errors import EmbeddingsError
from pipelines.console.progress import Update, count
from pipelines.running.external_vectors import read_vectors
from pipelines.running.manifest import Manifest, ManifestError, digest_of
from pipelines.running.stage import Stage, StageContext
from pipelines.settings.file_names import CONFIG_FILE, METRICS_FILE, PERPLEXITY_FILE
from pipelines.settings.lm_settings import LMSettings
from pipelines.settings.sections import OWN_EMBEDDINGS
from pipelines.stages.vocabulary import VOCABULARY_FILE
from vecmill.files import file_digest, write_json

if TYPE_CHECKING:
    import numpy as np

    from embeddings import Vocabulary
    from embeddings.language_model.config import LanguageModelConfig
    from embeddings.language_model.model import LanguageModel
    from embeddings.language_model.training_config import LMTrainingConfig
    from embeddings.text.id_stream import IdStream
    from embeddings.training import Checkpointing, TrainingProgress

logger = logging.getLogger(__name__)

_COUNTED_AT_ONCE = 1 << 22


@dataclass(frozen=True, kw_only=True)
class TrainLMStage(Stage):
    """Trains a language model and writes a model directory."""

    network: "LanguageModelConfig"
    training: "LMTrainingConfig"
    lm: LMSettings
    threads: int | None
    checkpoint_seconds: float
    workers: int | None = None
    """Workers of the backend that read some of the columns each; None for this process alone."""
    all_settings: Mapping[str, Any]
    """Settings that are written to ``config.json``."""
    name: ClassVar[str] = "train-lm"

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the network, of its training and of its vocabulary; with a budget, not the epochs."""
        words = {"min_count": self.lm.min_count, "max_vocabulary": self.lm.max_vocabulary}
        training, budget = asdict(self.training), self.lm.budget_seconds
        crew = {"workers": self.workers} if self.workers else {}
        found = {"lm_network": asdict(self.network), "lm_training": training, "seed": self.lm.seed, **words, **crew}
        if budget is None:
            return found
        del training["epochs"]
        return {**found, "budget": budget}

    @property
    def inputs(self) -> tuple[str, ...]:
        """The stages of the text, and of the word vectors if the pipeline trains them."""
        text = ("tokenize", "split", "vocabulary", "encode")
        return (*text, OWN_EMBEDDINGS) if self.lm.trains_embeddings else text

    @property
    def trained_model(self) -> str:
        """The model that is trained."""
        return self.network.cell

    def sources(self) -> Mapping[str, str]:
        """Return the hash of word vectors from outside the pipeline."""
        path = self.lm.embeddings_path
        return {"embeddings": vectors_hash(path)} if path else {}

    def check(self) -> None:
        """Raise an error for word vectors that cannot be read."""
        path = self.lm.embeddings_path
        if path:
            vectors_hash(path)  # names a file that is missing
            read_vectors(path)

    def digest(self, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return a hash of the model and its vocabulary; the times in the metrics do not matter."""
        from embeddings.language_model.model_files import LANGUAGE_MODEL_FILES

        return digest_of({name: outputs[name] for name in LANGUAGE_MODEL_FILES})

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the model, the effective settings, the metrics of every epoch and the test perplexity."""
        import numpy as np

        from embeddings import EncodedCorpus, TokenizedCorpus, Vocabulary
        from embeddings.language_model.model import LanguageModel
        from embeddings.language_model.trainer import LMTrainer
        from embeddings.training import Checkpointing
        from pipelines.stages.lm_evaluation import evaluation

        corpus = EncodedCorpus.open(context.inputs["encode"], verify=False)  # verified by the runner
        vocabulary = Vocabulary.load(context.inputs["vocabulary"] / VOCABULARY_FILE)
        vocabulary = vocabulary.prefix(self.lm.max_vocabulary, self.lm.min_count)
        streams = {part: corpus.part(part).stream(len(vocabulary)) for part in PARTS}
        rng = np.random.default_rng(self.lm.seed)
        start, found = self._initial_embedding(vocabulary, context, rng)
        model = LanguageModel(
            self.network,
            vocabulary,
            rng=rng,
            embedding=start,
            tokenizer=TokenizedCorpus.open(context.inputs["tokenize"]).tokenizer,
        )
        checkpointing = Checkpointing(context.checkpoint, self.checkpoint_seconds)
        training = self._training(model, streams, context, checkpointing)
        trainer = LMTrainer(model, training, seed=self.lm.seed, threads=self.threads, checkpointing=checkpointing)
        sampled_epochs = training.epochs - training.full_softmax_epochs if self.network.output == "sampled" else 0
        with context.progress.task("training language model", None) as update:
            trainer.fit(
                streams["train"],
                streams["valid"],
                progress=lambda event: _show(update, event, sampled_epochs),
                crew=context.backend.crew() if self.workers else None,
            )
        model.save(directory)
        (directory / METRICS_FILE).write_text("".join(f"{json.dumps(entry)}\n" for entry in trainer.metrics_), "utf-8")
        epochs = {"epochs": training.epochs}  # also where a budget has found them
        settings = {**self.all_settings, "lm_training": {**self.all_settings["lm_training"], **epochs}}
        write_json(directory / CONFIG_FILE, settings)
        with context.progress.task("computing perplexity", None):
            write_json(directory / PERPLEXITY_FILE, evaluation(model, streams, directory))
        numbers = sum(parameter.value.size for parameter in model.parameters.values())
        budget = self.lm.budget_seconds
        return {
            "parameters": numbers,
            "embeddings": found,
            "epochs": len(trainer.metrics_),
            **({} if budget is None else {"budget": {"seconds": budget, "epochs": training.epochs}}),
            "words": len(vocabulary),
            "split": corpus.split,
            "tokens": {part: len(stream) for part, stream in streams.items()},
            "unknown": {part: _unknown_share(stream, model.unk) for part, stream in streams.items()},
        }

    def _training(
        self,
        model: "LanguageModel",
        streams: Mapping[str, "IdStream"],
        context: StageContext,
        checkpointing: "Checkpointing",
    ) -> "LMTrainingConfig":
        """Return the settings of the training; with a budget, the number of epochs is the largest that fits into it."""
        from embeddings.language_model.budget import RESERVED, with_epochs_in
        from pipelines.stages.lm_evaluation import TUNED_TOKENS

        budget = self.lm.budget_seconds
        if budget is None:
            return self.training
        left = (1 - RESERVED) * budget - _seconds_before(context.inputs[self.inputs[-1]])
        with context.progress.task("measuring the speed of the training", None):
            return with_epochs_in(
                left,
                model,
                self.training,
                streams["train"],
                streams["valid"],
                threads=self.threads,
                read_later=len(streams["test"]) + min(TUNED_TOKENS, len(streams["valid"])),
                checkpointing=checkpointing,
            )

    def _initial_embedding(
        self, vocabulary: "Vocabulary", context: StageContext, rng: "np.random.Generator"
    ) -> tuple["np.ndarray | None", str]:
        """Return the initial E (None for a random one) and a description of its origin."""
        from embeddings.networks.initial_embedding import initial_embedding

        path = self.lm.embeddings_path
        if path is None and not self.lm.trains_embeddings:
            return None, "random"
        vectors = read_vectors(context.inputs[OWN_EMBEDDINGS] if path is None else path)
        start, alignment = initial_embedding(vocabulary, vectors, self.network.embedding_dimension, rng)
        if path is None:
            return start, f"word vectors of the training part: {alignment}"
        return start, f"{path}: {alignment}; {overlap_note(path, Manifest.read(context.inputs['encode']))}"


def _seconds_before(last: Path) -> float:
    """Return how long it took to make a stage and those before it, without the download of a text."""
    manifest = Manifest.read(last)
    costs = {name: record["cost"] for name, record in manifest.history.items() if name != "fetch"}
    return sum(float(cost["wall_seconds"]) for cost in [*costs.values(), manifest.cost])


def vectors_hash(path: Path) -> str:
    """Return the hash of a directory or file of word vectors.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str

    Raises
    ------
    EmbeddingsError
        There are no word vectors at `path`.
    """
    from embeddings.vectors.model_directory import REQUIRED_FILES, SUBWORD_FILES, vectors_path

    path = vectors_path(path)
    files = [path / name for name in REQUIRED_FILES] if path.is_dir() else [path]
    for file in files:
        if not file.is_file():
            raise EmbeddingsError(f"{file} is missing: expected word vectors, as train-embeddings writes them")
    ngrams = [path / name for name in SUBWORD_FILES if path.is_dir() and (path / name).is_file()]
    return " ".join(file_digest(file) for file in [*files, *ngrams])


def overlap_note(vectors: Path, text: Manifest) -> str:
    """Return a note on whether word vectors from outside were trained on the test part of a text."""
    try:
        manifest = Manifest.read(vectors)
    except ManifestError:
        return "their training text is unknown"
    if manifest.corpus != text.corpus:
        return "they were trained on another text"
    if manifest.history.get("split", {}).get("settings") == text.history["split"]["settings"]:
        return "they were trained on the training part of this text"
    return "they were trained on all of this text, including the test part, so that the test text is not unseen"


def _show(update: Update, event: "TrainingProgress", sampled_epochs: int) -> None:
    sampled = event.epoch <= sampled_epochs
    of_what = " among sampled words" if sampled else f", perplexity {_short(math.exp(min(event.loss, 700.0)))}"
    note = (
        f"epoch {event.epoch}, {count(event.speed)} {event.unit}/s, loss {_short(event.loss)}{of_what}, "
        f"learning rate {event.learning_rate:.4g}"
    )
    update(event.done, note, event.seconds_left, total=event.total)


def _short(value: float) -> str:
    return f"{value:.1f}" if 100 <= value < 1e6 else f"{value:.4g}"


def _unknown_share(stream: "IdStream", unk: int) -> float:
    """Return the fraction of ``<unk>`` among the tokens of a part; reads it once."""
    import numpy as np

    starts = range(0, len(stream), _COUNTED_AT_ONCE)
    return sum(int(np.count_nonzero(stream[i : i + _COUNTED_AT_ONCE] == unk)) for i in starts) / max(1, len(stream))
