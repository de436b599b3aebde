"""The stages of each pipeline: from text to ids, and from ids to models.

::

    fetch → tokenize → [phrases →] vocabulary → encode → train-embeddings | count-based | cooccurrences → glove
    fetch → tokenize → vocabulary → encode → train-documents
    fetch → tokenize → split → vocabulary → encode → train-embeddings → train-lm
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.running.hash_cache import HashCache
from pipelines.running.stage import Stage
from pipelines.running.watching import Watching
from pipelines.settings.config import PipelineConfig
from pipelines.settings.run_config import RunConfig
from pipelines.settings.sections import OWN_EMBEDDINGS, VocabularySettings
from pipelines.stages.cooccurrences import CooccurrencesStage
from pipelines.stages.documents import TrainDocumentsStage
from pipelines.stages.encode import EncodeStage
from pipelines.stages.evaluate import EvaluateStage
from pipelines.stages.export import ExportStage
from pipelines.stages.fetch import FetchStage
from pipelines.stages.glove import GloVeStage
from pipelines.stages.initial_vectors import InitialVectors
from pipelines.stages.phrases import PhrasesStage
from pipelines.stages.report import ReportStage
from pipelines.stages.split import SplitStage
from pipelines.stages.tokenize import TokenizeStage
from pipelines.stages.train import TrainEmbeddingsStage
from pipelines.stages.vocabulary import VocabularyStage
from vecmill.files import expanded

if TYPE_CHECKING:
    from pipelines.settings.lm_config import LMPipelineConfig
    from pipelines.settings.sections import SplitSettings

STAGES = (
    "fetch", "tokenize", "phrases", "split", "vocabulary", "encode", "train-embeddings",
    "evaluate", "export", "train-lm", "report",
)  # fmt: skip


def text_stages(
    config: PipelineConfig,
    hashes: HashCache | None = None,
    start: InitialVectors | None = None,
    split: "SplitSettings | None" = None,
    *,
    line_per_record: bool = False,
) -> list[Stage]:
    """Return the stages from text to ids; with `split`, the ids have the parts train, valid and test.

    Parameters
    ----------
    config : PipelineConfig
    hashes : HashCache, optional
        Hashes of files that were read before.
    start : InitialVectors, optional
        Vectors whose words the vocabulary keeps.
    split : SplitSettings, optional
        Shares of valid and test; the vocabulary is then that of train. Default: do not split, train on the whole text.
    line_per_record : bool
        Whether a record with line breaks is one line.

    Returns
    -------
    list of Stage
    """
    threads, hashes, parts = config.train.threads, hashes or HashCache(), split is not None
    joins = joins_phrases(config, start)
    text = PhrasesStage.name if joins else TokenizeStage.name
    return [
        FetchStage(corpus=config.corpus, hashes=hashes),
        TokenizeStage(
            corpus=config.corpus,
            tokenizer=config.tokenizer,
            threads=threads,
            hashes=hashes,
            keep_parts=parts,
            line_per_record=line_per_record,
        ),
        *([phrases_stage(config, start)] if joins else []),
        *([SplitStage(split_settings=split, threads=threads)] if split else []),
        VocabularyStage(vocabulary_settings=config.vocabulary, start=start, split=parts, text=text),
        EncodeStage(threads=threads, split=parts, text=text),
    ]


def joins_phrases(config: PipelineConfig, start: InitialVectors | None = None) -> bool:
    """Return whether phrases are joined: those that are found, or those of the model that training continues."""
    return config.phrases.passes > 0 or (start is not None and start.phrases is not None)


def phrases_stage(config: PipelineConfig, start: InitialVectors | None = None) -> Stage:
    """Return the stage that joins phrases."""
    own = start if start and start.phrases else None
    return PhrasesStage(phrases=config.phrases, start=own, threads=config.train.threads)


def embedding_stages(
    config: PipelineConfig,
    hashes: HashCache | None = None,
    lm: "LMPipelineConfig | None" = None,
    trained_min_count: int = 1,
    workers: int | None = None,
    watching: Watching | None = None,
) -> list[Stage]:
    """Return the stages that train word vectors; on the training part only, if a language model is trained as well.

    Words of the vocabulary that occur less than `trained_min_count` times then get no vector. With `workers` they are
    trained in rounds by the workers of a backend, with `watching` the history of the training is kept.
    """
    hashes = hashes or HashCache()
    start = InitialVectors(path=expanded(config.start.model), hashes=hashes) if config.start.model else None
    text = text_stages(_tokenized_for(lm, config) if lm else config, hashes, start, lm.split if lm else None)
    train = TrainEmbeddingsStage(
        config=config,
        start=start,
        split=lm is not None,
        min_count=trained_min_count,
        joins_phrases=joins_phrases(config, start),
        workers=workers,
        watching=watching,
    )
    return [*text, train]


def glove_stages(training: GloVeStage) -> list[Stage]:
    """Return the stages that lead to the training of GloVe, and that training."""
    counting = CooccurrencesStage(window=training.glove.window, seed=training.glove.seed)
    return [*text_stages(training.config), counting, training]


def document_stages(training: TrainDocumentsStage) -> list[Stage]:
    """Return the stages that lead to the training of documents, and that training."""
    return [*text_stages(training.config, line_per_record=True), training]


def language_model_stages(
    config: "LMPipelineConfig", hashes: HashCache | None = None, workers: int | None = None
) -> list[Stage]:
    """Return the stages that train a language model, and its word vectors unless others are given."""
    lm = config.lm
    embedding = PipelineConfig(
        corpus=config.corpus,
        tokenizer=dataclasses.replace(config.tokenizer, punctuation=lm.punctuation),
        vocabulary=VocabularySettings(min_count=lm.min_count, max_vocabulary=lm.max_vocabulary),
        train=dataclasses.replace(config.train, threads=lm.threads or config.train.threads),
        checkpoint=config.checkpoint,
    )
    if lm.trains_embeddings:
        stages = embedding_stages(embedding, hashes, config, VocabularySettings.min_count, workers)
    else:
        stages = text_stages(_tokenized_for(config, embedding), hashes, split=config.split)
    return [*stages, language_model_stage(config, workers)]


def language_model_stage(config: "LMPipelineConfig", workers: int | None = None) -> Stage:
    """Return the stage that trains a language model on encoded text; with `workers` by those of a backend."""
    from pipelines.stages.train_lm import TrainLMStage

    return TrainLMStage(
        network=config.lm_network,
        training=config.lm_training,
        lm=config.lm,
        threads=config.lm.threads or config.train.threads,
        checkpoint_seconds=config.checkpoint.seconds,
        workers=workers if workers and workers > 1 else None,
        all_settings=config.to_dict(),
    )


def run_stages(
    config: RunConfig,
    hashes: HashCache | None = None,
    workers: int | None = None,
    watching: Watching | None = None,
) -> list[Stage]:
    """Return the stages of a run, in order; with `workers` they train word vectors in rounds."""
    stages = embedding_stages(config.embedding, hashes, config.lm, workers=workers, watching=watching)
    if config.evaluate.data:
        stages.append(EvaluateStage(data=config.evaluate.data))
    if config.export.formats:
        joins = any(stage.name == PhrasesStage.name for stage in stages)
        stages.append(ExportStage(export=config.export, tokenizer=config.embedding.tokenizer, joins_phrases=joins))
    if config.lm:
        stages.append(language_model_stage(config.lm, workers))
    return [*stages, ReportStage(earlier=tuple(stage.name for stage in stages))]


def stage_names(settings: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the names of the stages of unfinished work, by its settings; None for unknown settings."""
    joined = ["phrases"] if settings.get("phrases", {}).get("passes") else []
    text = ("fetch", "tokenize", *joined, "vocabulary", "encode")
    if "lm" in settings:
        own = settings["lm"].get("embeddings") == OWN_EMBEDDINGS
        return (*text[:2], "split", *text[2:], *(["train-embeddings"] if own else []), "train-lm")
    last = {
        "train": ("train-embeddings",),
        "count_based": ("count-based",),
        "glove": ("cooccurrences", "glove"),
        "documents": ("train-documents",),
    }
    return next(((*text, *names) for section, names in last.items() if section in settings), None)


def _tokenized_for(lm: "LMPipelineConfig", config: PipelineConfig) -> PipelineConfig:
    """Keep in the ids the punctuation marks that the language model predicts; word vectors skip them."""
    tokenizer = dataclasses.replace(config.tokenizer, punctuation=lm.lm.punctuation)
    return dataclasses.replace(config, tokenizer=tokenizer)
