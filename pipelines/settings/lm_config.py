"""Settings of a language model: those of the tokenizer of its word vectors, of a preset, a file and options."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.training_config import LMTrainingConfig
from pipelines.settings.config import ConfigError, Given, build_sections, read_toml
from pipelines.settings.file_names import CONFIG_FILE
from pipelines.settings.lm_settings import PRESETS, LMSettings, Preset
from pipelines.settings.sections import CorpusSettings, TokenizerSettings
from vecmill.hints import did_you_mean

_OF_THE_RUN = ("enabled", "from_embeddings")  # settings of [lm] that say nothing about the model itself


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
        for name in _OF_THE_RUN:
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
            settings = dict(json.loads((embeddings / CONFIG_FILE).read_text("utf-8"))["tokenizer"])
        except (OSError, ValueError, KeyError, TypeError):
            settings = {}  # vectors of another tool
    known = {entry.name for entry in dataclasses.fields(TokenizerSettings)}
    return {name: value for name, value in settings.items() if name in known}
