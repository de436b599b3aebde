"""Text (and word vectors) → a language model: the stages encode-lm → train-lm, and the directory that they end in."""

import json
from pathlib import Path
from typing import Literal

from pipelines.console.progress import Progress
from pipelines.running.known_hashes import KnownHashes
from pipelines.running.manifest import Manifest
from pipelines.running.output_directory import OutputDirectory, finished, require_unchanged
from pipelines.running.runner import Runner
from pipelines.running.stage import Stage
from pipelines.settings.config import differences
from pipelines.settings.lm_config import LMPipelineConfig
from pipelines.stages.encode_lm import EncodeLMStage
from pipelines.stages.fetch import FetchStage
from pipelines.stages.train_lm import TrainLMStage


def lm_stages(
    config: LMPipelineConfig,
    embeddings: Path | Literal["train-embeddings"] | None,
    hashes: KnownHashes | None = None,
) -> list[Stage]:
    """Return the stages that make a language model of a text that has been fetched, in order.

    Parameters
    ----------
    config
        All settings.
    embeddings
        Word vectors to start from: elsewhere, those of the stage of this name, or none.
    hashes
        Of files that were read before.
    """
    return [
        EncodeLMStage(
            hashes=hashes or KnownHashes(),
            corpus=config.corpus,
            tokenizer=config.tokenizer,
            min_count=config.lm.min_count,
            max_vocabulary=config.lm.max_vocabulary,
        ),
        TrainLMStage(
            network=config.lm_network,
            training=config.lm_training,
            seed=config.lm.seed,
            embeddings=embeddings,
            all_settings=config.to_dict(),
        ),
    ]


def train_lm(
    config: LMPipelineConfig, out: Path, *, embeddings: Path | None, force: bool, progress: Progress
) -> Manifest:
    """Make the model directory `out`, going on where an interrupted run with the same settings stopped.

    Raises
    ------
    ConfigError, CorpusError, EmbeddingsError, OutputError
        See there; nothing is left at `out` then but what was there before.
    """
    hashes = KnownHashes()
    stages = [FetchStage(corpus=config.corpus, hashes=hashes), *lm_stages(config, embeddings, hashes)]
    with OutputDirectory(out, force=force) as output:
        output.begin(config.to_dict())
        manifests = Runner(output.work, stages, progress).run()
        output.publish(TrainLMStage.name)
    return manifests[TrainLMStage.name]


def is_finished(config: LMPipelineConfig, out: Path, *, embeddings: Path | None) -> bool:
    """Whether `out` is finished and was made from the same text and embeddings with the same settings.

    Raises
    ------
    OutputError
        It is finished, but was made from something else, which the message names.
    """
    made = finished(out)
    if made is None:
        return False
    manifest, before = made
    changed = differences(before, json.loads(json.dumps(config.to_dict())))
    text = FetchStage(corpus=config.corpus).sources().get("corpus")  # None: elsewhere, and not fetched again to compare
    if text not in (None, manifest.corpus):
        changed.append(f"the text of {config.corpus.source} has changed")
    if lm_stages(config, embeddings)[-1].sources().get("embeddings") != manifest.basis.inputs.get("embeddings"):
        changed.append("it starts from other embeddings")
    require_unchanged(out, changed)
    return True
