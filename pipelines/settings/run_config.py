"""Settings of `vecmill run`: word vectors, evaluation, export, and an optional language model."""

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
    recorded_settings,
    with_present_keys,
    with_tokenizer_of_start,
)
from pipelines.settings.lm_config import LMPipelineConfig, build_lm_config, refuse_phrases
from pipelines.settings.sections import EvaluateSettings, ExportSettings, OutputSettings


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """All settings of a run.

    Attributes
    ----------
    embedding : PipelineConfig
        Settings of the word vectors.
    lm : LMPipelineConfig or None
        Settings of the language model; None to train none.
    """

    embedding: PipelineConfig
    evaluate: EvaluateSettings
    export: ExportSettings
    output: OutputSettings
    lm: LMPipelineConfig | None

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return ``{section: {key: value}}`` as it is written to ``config.json``."""
        sections = self.embedding.to_dict() | {name: dataclasses.asdict(getattr(self, name)) for name in RUN_SECTIONS}
        if self.lm:
            sections |= {"split": dataclasses.asdict(self.lm.split), **self.lm.lm_sections()}
        as_json: dict[str, dict[str, Any]] = json.loads(json.dumps(sections))
        return as_json


def load_run_config(path: Path, overrides: Mapping[str, Setting] | None = None) -> RunConfig:
    """Merge defaults, a TOML file and overrides; later ones override earlier ones.

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
        As `pipelines.settings.config.load_config`.
    """
    return build_run_config(with_tokenizer_of_start({**read_toml(path), **(overrides or {})}))


def read_run_config(path: Path) -> RunConfig:
    """Read the effective settings of a run from its ``config.json``.

    Parameters
    ----------
    path : Path

    Returns
    -------
    RunConfig

    Raises
    ------
    ConfigError
        The file is missing or damaged, or has a setting that this version does not know.
    """
    try:
        sections = with_present_keys(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    return build_run_config(recorded_settings(path, sections))


def build_run_config(given: Mapping[str, Setting]) -> RunConfig:
    """Return the configuration of the given settings.

    Parameters
    ----------
    given : mapping of str to Setting

    Returns
    -------
    RunConfig

    Raises
    ------
    ConfigError
        A value has the wrong type or is out of range, or the text is standard input or a pipe.
    """
    embedding = PipelineConfig(**build_sections(get_type_hints(PipelineConfig), given))
    if embedding.corpus.is_read_once:
        raise ConfigError(
            f"{given['corpus.source'].origin}: {embedding.corpus.shown!r} can be read only once, but a repeated run "
            "reads the text again; save it to a file, or use 'vecmill train-embeddings -'"
        )
    lm = None
    if any(name.partition(".")[0] in LM_SECTION_NAMES for name in given):
        lm = build_lm_config({"lm.enabled": Setting(True, "default"), **given})
        lm = dataclasses.replace(lm, train=embedding.train)  # one E, that of the run
        if lm.lm.enabled:
            refuse_phrases(given)
    return RunConfig(
        embedding=embedding, lm=lm if lm and lm.lm.enabled else None, **build_sections(RUN_SECTIONS, given)
    )
