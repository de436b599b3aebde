"""Text (and word vectors) → a language model: the stages encode-lm → train-lm, and the directory that they end in."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.training_config import LMTrainingConfig
from pipelines.console.progress import Progress
from pipelines.running.known_hashes import KnownHashes
from pipelines.running.manifest import Manifest
from pipelines.running.output_directory import OutputDirectory, finished, require_unchanged
from pipelines.running.runner import Runner
from pipelines.running.stage import Stage
from pipelines.settings.config import ConfigError, Given, build_sections, differences, read_toml
from pipelines.settings.lm_settings import PRESETS, LMSettings, Preset
from pipelines.settings.sections import CorpusSettings, TokenizerSettings
from pipelines.stages.encode_lm import EncodeLMStage
from pipelines.stages.fetch import FetchStage
from pipelines.stages.train_lm import TrainLMStage
from vecmill.hints import did_you_mean

OF_THE_RUN = ("enabled", "from_embeddings")  # settings of [lm] that say nothing about the model itself


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
        sections = dataclasses.asdict(self)
        for name in OF_THE_RUN:
            sections["lm"].pop(name)
        return sections


def load_lm_config(
    path: Path | None = None, options: Mapping[str, Given] | None = None, embeddings: Path | None = None
) -> LMPipelineConfig:
    """Merge defaults, the tokenizer of the embeddings, the preset, a TOML file and options, later ones winning.

    Raises
    ------
    ConfigError
        See `pipelines.settings.config.load_config`; also for an unknown preset.
    """
    given = {**(read_toml(path) if path else {}), **(options or {})}
    cutter = {f"tokenizer.{name}": Given(value, str(embeddings)) for name, value in _tokenizer(embeddings).items()}
    return build_lm_config({**cutter, **given})


def build_lm_config(given: Mapping[str, Given]) -> LMPipelineConfig:
    """Make a configuration of what is given and of the defaults of its preset.

    Raises
    ------
    ConfigError
        For an unknown preset, a value of the wrong type or out of range.
    """
    preset = given.get("lm.preset", Given(LMSettings.preset, "default"))
    if preset.value not in PRESETS:
        hint = did_you_mean(str(preset.value), get_args(Preset))
        raise ConfigError(f"{preset.origin}: preset must be one of {', '.join(PRESETS)}, got {preset.value!r}{hint}")
    defaults = {name: Given(value, f"preset {preset.value}") for name, value in PRESETS[preset.value].items()}
    sections = build_sections(get_type_hints(LMPipelineConfig), {**defaults, **given})
    sections["tokenizer"] = dataclasses.replace(sections["tokenizer"], punctuation=sections["lm"].punctuation)
    return LMPipelineConfig(**sections)


def _tokenizer(embeddings: Path | None) -> dict[str, Any]:
    """Return how the text of the embeddings was cut into words."""
    settings: dict[str, Any] = {}
    if embeddings is not None:
        try:
            settings = dict(json.loads((embeddings / "config.json").read_text("utf-8"))["tokenizer"])
        except (OSError, ValueError, KeyError, TypeError):
            settings = {}  # vectors of another tool
    known = {entry.name for entry in dataclasses.fields(TokenizerSettings)}
    return {name: value for name, value in settings.items() if name in known}


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
