"""Settings of a language model: defaults < tokenizer of the initial vectors < preset < TOML file < options."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.presets import PRESETS, Preset, budget_seconds, preset_for
from embeddings.language_model.training_config import ENDLESS, LMTrainingConfig
from embeddings.word2vec.config import Word2VecConfig
from pipelines.settings.config import (
    LM_SECTION_NAMES,
    ConfigError,
    Setting,
    build_sections,
    read_toml,
    recorded_tokenizer,
)
from pipelines.settings.lm_settings import LMSettings
from pipelines.settings.sections import CheckpointSettings, CorpusSettings, SplitSettings, TokenizerSettings
from vecmill.hints import did_you_mean

AUTO = "auto"
"""Number of epochs that validation is to find."""
_UNTIL_VALIDATION_ENDS = {
    "lm_training.schedule": "plateau",
    "lm_training.patience": 4,
    "lm_training.full_softmax_epochs": 0,
}


@dataclass(frozen=True, kw_only=True)
class LMPipelineConfig:
    """All settings of the pipeline of a language model."""

    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    split: SplitSettings = field(default_factory=SplitSettings)
    train: Word2VecConfig = field(default_factory=Word2VecConfig)
    lm: LMSettings = field(default_factory=LMSettings)
    lm_network: LanguageModelConfig = field(default_factory=LanguageModelConfig)
    lm_training: LMTrainingConfig = field(default_factory=LMTrainingConfig)
    checkpoint: CheckpointSettings = field(default_factory=CheckpointSettings)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return ``{section: {key: value}}`` as it is written to ``config.json``."""
        sections = {**dataclasses.asdict(self), **self.lm_sections()}
        sections.pop("checkpoint")  # as the next two, does not affect the model
        for name in ("enabled", "threads"):
            sections["lm"].pop(name)
        sections["train"].pop("threads")
        if not self.lm.trains_embeddings:
            sections.pop("train")
        return sections

    def lm_sections(self) -> dict[str, dict[str, Any]]:
        """Return the sections of the language model, without what a budget decides."""
        sections = {name: dataclasses.asdict(getattr(self, name)) for name in LM_SECTION_NAMES}
        if self.lm.budget is not None:
            del sections["lm"]["preset"], sections["lm_training"]["epochs"]
        return sections


def load_lm_config(path: Path | None = None, options: Mapping[str, Setting] | None = None) -> LMPipelineConfig:
    """Merge defaults, the tokenizer of the initial vectors, the preset, a TOML file and options, in this order.

    Parameters
    ----------
    path : Path, optional
    options : mapping of str to Setting, optional

    Returns
    -------
    LMPipelineConfig

    Raises
    ------
    ConfigError
        As `pipelines.settings.config.load_config`, or the preset is unknown.
    """
    given = {**(read_toml(path) if path else {}), **(options or {})}
    refuse_phrases(given)
    embeddings = given.get("lm.embeddings", Setting(LMSettings.embeddings, "default"))
    recorded = recorded_tokenizer(embeddings.value) if isinstance(embeddings.value, str) else {}
    tokenizer = {f"tokenizer.{name}": Setting(value, embeddings.origin) for name, value in recorded.items()}
    return build_lm_config({**tokenizer, **given})


def refuse_phrases(given: Mapping[str, Setting]) -> None:
    """Raise `ConfigError` if phrases are to be joined: a language model predicts the words of a text one by one."""
    passes = given.get("phrases.passes")
    if passes and passes.value:
        raise ConfigError(
            f"{passes.origin}: phrases.passes is {passes.value}, but a language model predicts a text word by word, as "
            "it is written; set it to 0, or train the word vectors by themselves"
        )


def build_lm_config(given: Mapping[str, Setting]) -> LMPipelineConfig:
    """Return the configuration of the given settings and the defaults of their preset, or of that for their budget.

    Word vectors that are trained first have the dimension of the network's E and are reproducible bit for bit.

    Parameters
    ----------
    given : mapping of str to Setting

    Returns
    -------
    LMPipelineConfig

    Raises
    ------
    ConfigError
        The preset is unknown, or a value has the wrong type or is out of range.
    """
    preset = _preset(given)
    if not isinstance(preset.value, str) or preset.value not in PRESETS:
        hint = did_you_mean(str(preset.value), list(PRESETS))
        raise ConfigError(f"{preset.origin}: preset must be one of {', '.join(PRESETS)}, got {preset.value!r}{hint}")
    defaults = {name: Setting(value, f"preset {preset.value}") for name, value in _of_preset(PRESETS[preset.value])}
    entries, epochs = {**given, "lm.preset": preset}, given.get("lm_training.epochs")
    if epochs:
        entries.pop("lm.budget", None)  # which would find them
    if epochs and epochs.value == AUTO:
        defaults |= {name: Setting(value, f"epochs {AUTO}") for name, value in _UNTIL_VALIDATION_ENDS.items()}
        entries["lm_training.epochs"] = epochs._replace(value=ENDLESS)
    sections = build_sections(get_type_hints(LMPipelineConfig), {**defaults, **entries})
    sections["tokenizer"] = dataclasses.replace(sections["tokenizer"], punctuation=sections["lm"].punctuation)
    sections["lm_training"] = _of_softmax(sections["lm_network"].output, sections["lm_training"], given)
    own = {"dimension": sections["lm_network"].embedding_dimension, "deterministic": True}
    chosen = {name: value for name, value in own.items() if f"train.{name}" not in given}
    sections["train"] = dataclasses.replace(sections["train"], **chosen)
    return LMPipelineConfig(**sections)


def _preset(given: Mapping[str, Setting]) -> Setting:
    """Return the given preset, or that of the given budget."""
    budget = given.get("lm.budget")
    if budget is None or budget.value is None:
        return given.get("lm.preset", Setting(LMSettings.preset, "default"))
    if "lm.preset" in given:
        raise ConfigError(
            f"{budget.origin}: a budget has a preset of its own; leave out the budget, or the preset "
            f"({given['lm.preset'].origin})"
        )
    try:
        return Setting(preset_for(budget_seconds(budget.value)), budget.origin)
    except ValueError as error:
        raise ConfigError(f"{budget.origin}: {error}") from None


def _of_softmax(output: str, training: LMTrainingConfig, given: Mapping[str, Setting]) -> LMTrainingConfig:
    """Return the training without epochs of the full softmax, which are those of a preset, if none is sampled."""
    if output == "sampled" or not training.full_softmax_epochs:
        return training
    if setting := given.get("lm_training.full_softmax_epochs"):
        raise ConfigError(
            f"{setting.origin}: full_softmax_epochs is {setting.value}, but the output is {output} in all epochs; give "
            "output sampled, or leave it out"
        )
    return dataclasses.replace(training, full_softmax_epochs=0)


def _of_preset(preset: Preset) -> Iterator[tuple[str, Any]]:
    """Yield the settings of a preset under their names in files."""
    if preset.max_vocabulary is not None:
        yield "lm.max_vocabulary", preset.max_vocabulary
    yield from ((f"lm_network.{name}", value) for name, value in preset.network.items())
    yield from ((f"lm_training.{name}", value) for name, value in preset.training.items())
