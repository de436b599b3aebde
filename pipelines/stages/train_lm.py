"""Stage 2 of a language model: ids, and word vectors if there are any → the model, its metrics and its perplexity."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from embeddings.errors import EmbeddingsError
from pipelines.console.progress import Update, count
from pipelines.running.manifest import digest_of, hash_files
from pipelines.running.stage import Stage, StageContext
from pipelines.running.vectors_elsewhere import read_vectors
from pipelines.settings.file_names import CONFIG_FILE, METRICS_FILE, PERPLEXITY_FILE
from pipelines.stages.encode_lm import load_tokenizer
from vecmill.files import write_json

if TYPE_CHECKING:
    from embeddings.language_model.config import LanguageModelConfig
    from embeddings.language_model.corpus import LanguageModelCorpus
    from embeddings.language_model.model import LanguageModel
    from embeddings.language_model.trainer import LMProgress
    from embeddings.language_model.training_config import LMTrainingConfig

logger = logging.getLogger(__name__)

KNESER_NEY_ORDER = 5
OWN_VECTORS = "train-embeddings"


@dataclass(frozen=True, kw_only=True)
class TrainLMStage(Stage):
    """Trains a language model and writes a model directory."""

    network: "LanguageModelConfig"
    training: "LMTrainingConfig"
    seed: int
    embeddings: Path | Literal["train-embeddings"] | None
    """Word vectors to start from: elsewhere, those of the stage of this name, or none."""
    all_settings: Mapping[str, Any]
    """Written to `config.json`."""
    name: ClassVar[str] = "train-lm"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Those of the network and of its training."""
        return {"lm_network": asdict(self.network), "lm_training": asdict(self.training), "seed": self.seed}

    @property
    def inputs(self) -> tuple[str, ...]:
        """The text, and word vectors if they are made by the same pipeline."""
        return ("encode-lm", OWN_VECTORS) if self.embeddings == OWN_VECTORS else ("encode-lm",)

    def sources(self) -> Mapping[str, str]:
        """Return the hash of word vectors from elsewhere."""
        return {"embeddings": vectors_hash(self.embeddings)} if isinstance(self.embeddings, Path) else {}

    def digest(self, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return a hash of the model and its test perplexity: how long an epoch took does not matter."""
        from embeddings.language_model.model import LANGUAGE_MODEL_FILES

        return digest_of({name: outputs[name] for name in LANGUAGE_MODEL_FILES})

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the model, the effective settings, the metrics of every epoch and the test perplexity."""
        import numpy as np

        from embeddings.language_model.corpus import LanguageModelCorpus
        from embeddings.language_model.model import LanguageModel
        from embeddings.language_model.trainer import LMTrainer
        from embeddings.networks.initial_embedding import initial_embedding

        corpus = LanguageModelCorpus.load(context.inputs["encode-lm"])
        rng = np.random.default_rng(self.seed)
        start, found = None, "random"
        if self.embeddings is not None:
            vectors = read_vectors(Path(context.inputs.get(OWN_VECTORS, Path(self.embeddings))))
            start, alignment = initial_embedding(corpus.vocabulary, vectors, self.network.dimension, rng)
            found = str(alignment)
        model = LanguageModel(
            self.network,
            corpus.vocabulary,
            rng=rng,
            embedding=start,
            tokenizer=load_tokenizer(context.inputs["encode-lm"]),
        )
        trainer = LMTrainer(model, self.training, rng=rng, checkpoints=context.checkpoint)
        sampled = self.network.output == "sampled"
        with context.progress.task("training language model", None) as update:
            trainer.fit(
                np.asarray(corpus.train), np.asarray(corpus.valid), lambda progress: _show(update, progress, sampled)
            )
        model.save(directory)
        (directory / METRICS_FILE).write_text("".join(f"{json.dumps(entry)}\n" for entry in trainer.metrics), "utf-8")
        write_json(directory / CONFIG_FILE, self.all_settings)
        with context.progress.task("measuring perplexity", None):
            write_json(directory / PERPLEXITY_FILE, _evaluation(model, corpus))
        numbers = sum(parameter.value.size for parameter in model.parameters.values())
        return {"parameters": numbers, "embeddings": found, "epochs": len(trainer.metrics)}


def vectors_hash(path: Path) -> str:
    """Return one hash of a directory or file of word vectors.

    Raises
    ------
    EmbeddingsError
        If there is none.
    """
    files = [path / "vectors.npy", path / "vocabulary.tsv"] if path.is_dir() else [path]
    for file in files:
        if not file.is_file():
            raise EmbeddingsError(f"{file} is missing: expected word vectors, as train-embeddings writes them")
    return " ".join(hash_files(files))


def _show(update: Update, progress: "LMProgress", sampled: bool) -> None:
    of_what = " among sampled words" if sampled else f", perplexity {_short(progress.perplexity)}"
    note = (
        f"epoch {progress.epoch}, {count(progress.tokens_per_second)} tokens/s, loss {_short(progress.loss)}{of_what}, "
        f"learning rate {progress.learning_rate:.4g}"
    )
    update(progress.tokens_done, note, progress.seconds_left, total=progress.tokens_total)


def _short(value: float) -> str:
    return f"{value:.1f}" if 100 <= value < 1e6 else f"{value:.4g}"


def _evaluation(model: "LanguageModel", corpus: "LanguageModelCorpus") -> dict[str, Any]:
    """Measure the model on test, and the baselines on the same tokens with the same vocabulary."""
    import numpy as np

    from embeddings.language_model.ngram import KneserNey, unigram_log_likelihoods
    from embeddings.language_model.perplexity import evaluate

    test, words = np.asarray(corpus.test), len(corpus.vocabulary)
    unigram = unigram_log_likelihoods(corpus.train, test, words)
    kneser_ney = KneserNey(corpus.train, words, model.eos, KNESER_NEY_ORDER).log_likelihoods(test)
    return {
        "test": evaluate(model, test).to_dict(),
        "unigram": {"perplexity": float(np.exp(-unigram.mean()))},
        "kneser_ney": {"order": KNESER_NEY_ORDER, "perplexity": float(np.exp(-kneser_ney.mean()))},
    }
