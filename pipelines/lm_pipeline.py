"""Text (and word vectors) → a language model: the stages encode-lm → train-lm, and the directory that they end in."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

from corpora import Corpus
from embeddings import make_tokenizer
from embeddings.recurrent.language_model import LanguageModelConfig
from embeddings.recurrent.lm_corpus import is_presplit
from embeddings.recurrent.lm_training_config import LMTrainingConfig
from pipelines.config import (
    ConfigError,
    CorpusSettings,
    Given,
    TokenizerSettings,
    build_sections,
    differences,
    nearest,
    read_toml,
)
from pipelines.corpus_source import open_source
from pipelines.lm_settings import PRESETS, LMSettings, Preset
from pipelines.manifest import Manifest, ManifestError
from pipelines.output_directory import OutputDirectory, OutputError
from pipelines.progress import Progress
from pipelines.runner import Runner
from pipelines.stage import Stage
from pipelines.stages.encode_lm import EncodeLMStage
from pipelines.stages.train_lm import TrainLMStage


@dataclass(frozen=True, kw_only=True)
class LMPipelineConfig:
    """All settings of the pipeline of a language model."""

    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    lm: LMSettings = field(default_factory=LMSettings)
    lm_network: LanguageModelConfig = field(default_factory=LanguageModelConfig)
    lm_training: LMTrainingConfig = field(default_factory=LMTrainingConfig)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return ``{section: {key: value}}`` as it is written to `config.json`."""
        return dataclasses.asdict(self)


def load_lm_config(
    path: Path | None = None, options: Mapping[str, Given] | None = None, embeddings: Path | None = None
) -> LMPipelineConfig:
    """Merge defaults, the tokenizer of the embeddings, the preset, a TOML file and options, later ones winning.

    Raises
    ------
    ConfigError
        See `pipelines.config.load_config`; also for an unknown preset.
    """
    given = {**(read_toml(path) if path else {}), **(options or {})}
    preset = given.get("lm.preset", Given(LMSettings.preset, "default"))
    if preset.value not in PRESETS:
        hint = nearest(str(preset.value), list(get_args(Preset)))
        raise ConfigError(f"{preset.origin}: preset must be one of {', '.join(PRESETS)}, got {preset.value!r}{hint}")
    defaults = {name: Given(value, f"preset {preset.value}") for name, value in PRESETS[preset.value].items()}
    defaults |= {f"tokenizer.{name}": Given(value, str(embeddings)) for name, value in _tokenizer(embeddings).items()}
    return LMPipelineConfig(**build_sections(get_type_hints(LMPipelineConfig), {**defaults, **given}))


def _tokenizer(embeddings: Path | None) -> dict[str, Any]:
    """Return how the text of the embeddings was cut into words, but with punctuation: here it is to be predicted."""
    settings: dict[str, Any] = {}
    if embeddings is not None:
        try:
            settings = dict(json.loads((embeddings / "config.json").read_text("utf-8"))["tokenizer"])
        except (OSError, ValueError, KeyError, TypeError):
            settings = {}  # vectors of another tool
    known = {entry.name for entry in dataclasses.fields(TokenizerSettings)}
    return {name: value for name, value in settings.items() if name in known} | {"punctuation": True}


def lm_stages(config: LMPipelineConfig, embeddings: Path | None, progress: Progress) -> list[Stage]:
    """Return the stages that make a language model, in order; text that is elsewhere is fetched.

    Raises
    ------
    ConfigError
        For a tokenizer that does not exist.
    CorpusError
        For a corpus that does not exist.
    """
    tokenizer, corpus = config.tokenizer, config.corpus
    options = {name: value for name, value in dataclasses.asdict(tokenizer).items() if name != "name"}
    try:
        make_tokenizer(tokenizer.name, **options)
    except ValueError as error:
        raise ConfigError(f"tokenizer: {error}") from None
    directory = Path(corpus.source).expanduser()
    source: Corpus | Path = directory if is_presplit(directory) else open_source(corpus, progress)
    return [
        EncodeLMStage(
            source=source,
            tokenizer={"spec": tokenizer.name, **options},
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
    stages = lm_stages(config, embeddings, progress)
    stages[1].sources()  # embeddings that are missing are missed before the text is read
    with OutputDirectory(out, force=force) as output:
        output.begin(config.to_dict())
        manifests = Runner(output.work, stages, progress).run()
        output.publish("train-lm")
    return manifests["train-lm"]


def is_finished(config: LMPipelineConfig, out: Path, *, embeddings: Path | None, progress: Progress) -> bool:
    """Whether `out` is finished and was made from the same text and embeddings with the same settings.

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
    changed = differences(before, json.loads(json.dumps(config.to_dict())))
    text, training = lm_stages(config, embeddings, progress)
    made_from = {**manifest.history["encode-lm"]["inputs"], **manifest.basis.inputs}
    if not changed and text.sources()["corpus"] != made_from["corpus"]:
        changed = [f"the text of {config.corpus.source} has changed"]
    if not changed and training.sources().get("embeddings") != made_from.get("embeddings"):
        changed = ["it starts from other embeddings"]
    if changed:
        raise OutputError(f"{out} was made otherwise ({changed[0]}); replace it with --force, or choose another --out")
    return True
