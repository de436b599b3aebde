"""Raw text → word vectors: the stages fetch → tokenize → vocabulary → encode → train-embeddings."""

import json
from pathlib import Path

from pipelines.console.progress import Progress
from pipelines.running.known_hashes import KnownHashes
from pipelines.running.manifest import Manifest
from pipelines.running.output_directory import OutputDirectory, finished, require_unchanged
from pipelines.running.runner import Runner
from pipelines.running.stage import Stage
from pipelines.settings.config import PipelineConfig, differences
from pipelines.stages.encode import EncodeStage
from pipelines.stages.fetch import FetchStage
from pipelines.stages.initial_vectors import StartModel
from pipelines.stages.tokenize import TokenizeStage
from pipelines.stages.train import TrainEmbeddingsStage
from pipelines.stages.vocabulary import VocabularyStage


def embedding_stages(config: PipelineConfig, hashes: KnownHashes | None = None) -> list[Stage]:
    """Return the stages that make word vectors, in order.

    Parameters
    ----------
    config
        All settings.
    hashes
        Of files that were read before.
    """
    threads, hashes = config.train.threads, hashes or KnownHashes()
    start = StartModel(path=Path(config.start.model).expanduser(), hashes=hashes) if config.start.model else None
    return [
        FetchStage(corpus=config.corpus, hashes=hashes),
        TokenizeStage(corpus=config.corpus, tokenizer=config.tokenizer, threads=threads, hashes=hashes),
        VocabularyStage(vocabulary_settings=config.vocabulary, start=start),
        EncodeStage(threads=threads),
        TrainEmbeddingsStage(config=config, start=start),
    ]


def train_embeddings(config: PipelineConfig, out: Path, *, force: bool, progress: Progress) -> Manifest:
    """Make the model directory `out`, going on where an interrupted run with the same settings stopped.

    Raises
    ------
    ConfigError, CorpusError, EmbeddingsError, OutputError
        See there; nothing is left at `out` then but what was there before.
    """
    stages = embedding_stages(config)
    with OutputDirectory(out, force=force) as output:
        output.begin(config.decisive())
        manifests = Runner(output.work, stages, progress).run()
        output.publish(TrainEmbeddingsStage.name)
    return manifests[TrainEmbeddingsStage.name]


def is_finished(config: PipelineConfig, out: Path) -> bool:
    """Whether `out` is finished and was made from the same text with the same settings.

    Raises
    ------
    OutputError
        It is finished, but was made from something else, which the message names.
    """
    made = finished(out)
    if made is None:
        return False
    manifest, before = made
    before.get("train", {}).pop("threads", None)
    before.pop("checkpoint", None)
    changed = differences(before, json.loads(json.dumps(config.decisive())))
    stages = embedding_stages(config)
    text = stages[0].sources().get("corpus")  # None: elsewhere, and not fetched again to compare
    if text not in (None, manifest.corpus):
        changed.append(f"the text of {config.corpus.source} has changed")
    if not changed and stages[-1].sources().get("start") != manifest.basis.inputs.get("start"):
        changed.append(f"{config.start.model} has changed")
    require_unchanged(out, changed)
    return True
