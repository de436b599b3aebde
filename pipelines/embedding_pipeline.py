"""Raw text → word vectors: the stages tokenize → vocabulary → encode → train, and the directory that they end in."""

import json
from pathlib import Path

from embeddings import make_tokenizer
from pipelines.config import ConfigError, PipelineConfig, differences
from pipelines.corpus_source import open_source
from pipelines.manifest import Manifest, ManifestError
from pipelines.output_directory import OutputDirectory, OutputError
from pipelines.progress import Progress
from pipelines.runner import Runner
from pipelines.stage import Stage
from pipelines.stages.encode import EncodeStage
from pipelines.stages.tokenize import TokenizeStage
from pipelines.stages.train import TrainStage
from pipelines.stages.vocabulary import VocabularyStage


def embedding_stages(config: PipelineConfig, progress: Progress) -> list[Stage]:
    """Return the stages that make word vectors, in order; text that is elsewhere is fetched.

    Raises
    ------
    ConfigError
        For a tokenizer that does not exist.
    CorpusError
        For a corpus that does not exist.
    """
    tokenizer, corpus, threads = config.tokenizer, config.corpus, config.train.threads
    try:
        cutter = make_tokenizer(
            tokenizer.name,
            lowercase=tokenizer.lowercase,
            punctuation=tokenizer.punctuation,
            fold_digits=tokenizer.fold_digits,
        )
    except ValueError as error:
        raise ConfigError(f"tokenizer: {error}") from None
    return [
        TokenizeStage(
            corpus=open_source(corpus, progress),
            tokenizer=cutter,
            corpus_settings=corpus,
            tokenizer_settings=tokenizer,
            threads=threads,
        ),
        VocabularyStage(vocabulary_settings=config.vocabulary),
        EncodeStage(threads=threads),
        TrainStage(config=config),
    ]


def train_embeddings(config: PipelineConfig, out: Path, *, force: bool, progress: Progress) -> Manifest:
    """Make the model directory `out`, going on where an interrupted run with the same settings stopped.

    Raises
    ------
    ConfigError, CorpusError, EmbeddingsError, OutputError
        See there; nothing is left at `out` then but what was there before.
    """
    stages = embedding_stages(config, progress)
    with OutputDirectory(out, force=force) as output:
        output.begin(config.decisive())
        manifests = Runner(output.work, stages, progress).run()
        output.publish("train")
    return manifests["train"]


def is_finished(config: PipelineConfig, out: Path, progress: Progress) -> bool:
    """Whether `out` is finished and was made from the same text with the same settings.

    Raises
    ------
    OutputError
        It is finished, but was made from something else, which the message names.
    """
    try:
        manifest = Manifest.read(out)
        before = json.loads((out / "config.json").read_text("utf-8"))
    except (ManifestError, OSError, ValueError):
        return False
    before.get("train", {}).pop("threads", None)
    changed = differences(before, json.loads(json.dumps(config.decisive())))
    text = manifest.history["tokenize"]["inputs"]["corpus"]
    if not changed and embedding_stages(config, progress)[0].sources()["corpus"] != text:
        changed = [f"the text of {config.corpus.source} has changed"]
    if changed:
        raise OutputError(f"{out} was made otherwise ({changed[0]}); replace it with --force, or choose another --out")
    return True
