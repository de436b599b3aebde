"""Settings of `vecmill run`: those of word vectors, of a language model if one is wanted, and of what comes after."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from pipelines.settings.config import (
    LM_SECTION_NAMES,
    RUN_SECTIONS,
    ConfigError,
    PipelineConfig,
    Setting,
    build_sections,
    read_toml,
    with_present_keys,
)
from pipelines.settings.lm_config import LMPipelineConfig, build_lm_config
from pipelines.settings.sections import EvaluateSettings, ExportSettings, OutputSettings


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """All settings of a run.

    Attributes
    ----------
    embedding : PipelineConfig
        Of the word vectors.
    lm : LMPipelineConfig or None
        Of the language model; None if there is to be none.
    """

    embedding: PipelineConfig
    evaluate: EvaluateSettings
    export: ExportSettings
    output: OutputSettings
    lm: LMPipelineConfig | None

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return ``{section: {key: value}}`` as it is written to `config.json`."""
        sections = self.embedding.to_dict() | {name: dataclasses.asdict(getattr(self, name)) for name in RUN_SECTIONS}
        if self.lm:
            sections |= {name: dataclasses.asdict(getattr(self.lm, name)) for name in ("split", *LM_SECTION_NAMES)}
        return json.loads(json.dumps(sections))


def load_run_config(path: Path, overrides: Mapping[str, Setting] | None = None) -> RunConfig:
    """Merge defaults, a TOML file and overrides, later ones winning.

    Parameters
    ----------
    path : Path
    overrides : mapping of str to Setting, optional

    Returns
    -------
    RunConfig

    Raises
    ------
    ConfigError
        See `pipelines.settings.config.load_config`.
    """
    return build_run_config({**read_toml(path), **(overrides or {})})


def read_run_config(path: Path) -> RunConfig:
    """Read the effective settings that a run has written.

    Parameters
    ----------
    path : Path

    Returns
    -------
    RunConfig

    Raises
    ------
    ConfigError
        If the file is missing or damaged.
    """
    try:
        sections = with_present_keys(json.loads(path.read_text("utf-8")))
        entries = [(name, key, value) for name, table in sections.items() for key, value in table.items()]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    return build_run_config({f"{name}.{key}": Setting(value, str(path)) for name, key, value in entries})


def build_run_config(given: Mapping[str, Setting]) -> RunConfig:
    """Make a configuration of what is given.

    Parameters
    ----------
    given : mapping of str to Setting

    Returns
    -------
    RunConfig

    Raises
    ------
    ConfigError
        For a value of the wrong type or out of range, and for standard input.
    """
    embedding = PipelineConfig(**build_sections(get_type_hints(PipelineConfig), given))
    if embedding.corpus.is_read_once:
        raise ConfigError(
            f"{given['corpus.source'].origin}: {embedding.corpus.source!r} gives its text only once, and a run that is "
            "repeated reads it again; save the text to a file, or use 'vecmill train-embeddings -'"
        )
    lm = None
    if any(name.partition(".")[0] in LM_SECTION_NAMES for name in given):
        lm = build_lm_config({"lm.enabled": Setting(True, "default"), **given})
    return RunConfig(
        embedding=embedding, lm=lm if lm and lm.lm.enabled else None, **build_sections(RUN_SECTIONS, given)
    )
