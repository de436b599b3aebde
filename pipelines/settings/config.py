"""Settings of a pipeline as frozen dataclasses: defaults < TOML file < command-line options.

A setting is named ``section.key`` everywhere: in TOML files, in error messages, and in the ``config.json`` of every
output.
"""

import dataclasses
import functools
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from embeddings.language_model.config import FORMER_NAMES
from embeddings.text.phrase_table import PhraseSettings
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.names_elsewhere import is_named_elsewhere, name_here
from pipelines.settings.file_names import CONFIG_FILE
from pipelines.settings.sections import (
    OWN_EMBEDDINGS,
    CheckpointSettings,
    CorpusSettings,
    EvaluateSettings,
    ExportSettings,
    OutputSettings,
    SplitSettings,
    StartSettings,
    TokenizerSettings,
    VocabularySettings,
)
from vecmill.arguments import described
from vecmill.errors import VecmillError
from vecmill.files import expanded
from vecmill.hints import did_you_mean


class ConfigError(VecmillError):
    """An unknown setting or an invalid value; the message, one line, names the file and line or the option."""


@dataclass(frozen=True, kw_only=True)
class PipelineConfig:
    """All settings of a pipeline of word vectors; a section belongs to one or two stages."""

    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    vocabulary: VocabularySettings = field(default_factory=VocabularySettings)
    phrases: PhraseSettings = field(default_factory=PhraseSettings)
    train: Word2VecConfig = field(default_factory=Word2VecConfig)
    start: StartSettings = field(default_factory=StartSettings)
    checkpoint: CheckpointSettings = field(default_factory=CheckpointSettings)

    def __post_init__(self) -> None:
        continued = self.start.model is not None
        object.__setattr__(self, "train", self.train.with_learning_rate(continued=continued))

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return ``{section: {key: value}}`` as it is written to ``config.json``."""
        return dataclasses.asdict(self)

    def result_settings(self) -> dict[str, dict[str, Any]]:
        """Return the settings that affect the result: all but the number of threads and the checkpoint interval."""
        settings = self.to_dict()
        settings.pop("checkpoint")
        settings["train"].pop("threads")
        return settings


class Setting(NamedTuple):
    """The value of a setting, and its origin for error messages: ``pipeline.toml:7`` or ``--dimension``."""

    value: Any
    origin: str


RUN_SECTIONS: dict[str, type] = {"evaluate": EvaluateSettings, "export": ExportSettings, "output": OutputSettings}
SECTIONS: dict[str, type] = {**get_type_hints(PipelineConfig), "split": SplitSettings, **RUN_SECTIONS}
LM_SECTION_NAMES = ("lm", "lm_network", "lm_training")
_LARGEST = 2**63 - 1  # as in TOML
FORMER_KEYS = {"vocabulary": {"max_size": "max_vocabulary"}, "lm_network": FORMER_NAMES}
"""Present names of the keys of earlier versions, by section."""

FORMER_VALUES = {"tokenizer": {"normalize": "none"}}
"""What earlier versions, which did not have these settings, did where that is not the default; by section."""

_WHOLE_SECTIONS = {"tokenizer", "train", "lm_network", "lm_training"}  # a record holds every key that its version knew


@functools.cache
def _sections() -> dict[str, type]:
    from pipelines.settings.lm_settings import LM_SECTIONS  # slow to import: Numba

    return {**SECTIONS, **LM_SECTIONS}


def load_config(path: Path | None = None, options: Mapping[str, Setting] | None = None) -> PipelineConfig:
    """Merge defaults, a TOML file and options; later ones override earlier ones.

    Parameters
    ----------
    path : Path, optional
        TOML file of sections.
    options : mapping of str to Setting, optional
        ``{"train.dimension": Setting(300, "--dimension")}``.

    Returns
    -------
    PipelineConfig

    Raises
    ------
    ConfigError
        The file cannot be read, a key is unknown, or a value has the wrong type or is out of range.
    """
    given = with_tokenizer_of_start({**(read_toml(path) if path else {}), **(options or {})})
    return PipelineConfig(**build_sections(get_type_hints(PipelineConfig), given))


def with_tokenizer_of_start(given: Mapping[str, Setting]) -> dict[str, Setting]:
    """Add to the given settings the tokenizer of the model whose training goes on, if there is one.

    Parameters
    ----------
    given : mapping of str to Setting

    Returns
    -------
    dict of str to Setting

    Raises
    ------
    ConfigError
        A given setting differs from that of the model: the same word would get two vectors.
    """
    model = given["start.model"].value if "start.model" in given else None
    added = dict(given)
    for key, value in recorded_tokenizer(model).items() if isinstance(model, str) else ():
        setting = added.setdefault(f"tokenizer.{key}", Setting(value, f"{model}/{CONFIG_FILE}"))
        if setting.value != value:
            raise ConfigError(
                f"{setting.origin}: tokenizer.{key} is {setting.value!r}, but {model} was trained with {value!r}; "
                "leave the setting out, or train without the model"
            )
    return added


def recorded_tokenizer(model: str) -> dict[str, Any]:
    """Return the settings of the tokenizer that a model directory records; none for vectors of another tool."""
    path = expanded(model)
    run = path / OWN_EMBEDDINGS
    try:
        sections = json.loads(((run if run.is_dir() else path) / CONFIG_FILE).read_text("utf-8"))
        settings = dict(with_present_keys(sections)["tokenizer"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {key: value for key, value in settings.items() if key in _keys("tokenizer")}


def build_sections(types: Mapping[str, type], given: Mapping[str, Setting]) -> dict[str, Any]:
    """Return the sections of some types, each built from the settings given under its name."""
    sections = {}
    for section, section_type in types.items():
        entries = {name.partition(".")[2]: entry for name, entry in given.items() if name.startswith(f"{section}.")}
        sections[section] = _build(section_type, entries)
    return sections


def with_present_keys(sections: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections of a ``config.json``, which an earlier version may have written, with the present keys."""
    present = dict(sections)
    for section in present.keys() & FORMER_KEYS.keys():
        former = FORMER_KEYS[section]
        present[section] = {former.get(key, key): value for key, value in dict(present[section]).items()}
    for section in present.keys() & FORMER_VALUES.keys():
        present[section] = FORMER_VALUES[section] | dict(present[section])
    if {"corpus", "vocabulary"} <= present.keys():  # settings of word vectors
        present.setdefault("phrases", dataclasses.asdict(PhraseSettings()))
    return present


def recorded_settings(path: Path, sections: Mapping[str, Any]) -> dict[str, Setting]:
    """Return ``{"section.key": Setting}`` of sections of a ``config.json`` with the present keys.

    Parameters
    ----------
    path : Path
        The file, for messages.
    sections : mapping of str to Any

    Returns
    -------
    dict of str to Setting

    Raises
    ------
    ConfigError
        The file is damaged, or has a setting that this version does not know.
    """
    given: dict[str, Setting] = {}
    for section, table in sections.items():
        if not isinstance(table, Mapping):
            raise ConfigError(f"{path} cannot be read: {section} is {described(table)}; expected a section")
        unknown = [key for key in table if key not in _keys(section)] if _is_section(section) else [""]
        if unknown:
            name = f"{section}.{unknown[0]}".removesuffix(".")
            raise ConfigError(f"{path}: {name} is unknown to this version of vecmill; use the version that wrote it")
        given |= {f"{section}.{key}": Setting(value, str(path)) for key, value in table.items()}
    return given


def _defaults(section: str) -> dict[str, Any]:
    """Return the defaults of a section by the names of its settings."""
    types = _sections() if section in LM_SECTION_NAMES else SECTIONS
    entries = dataclasses.fields(types[section])
    return {entry.name: entry.default for entry in entries if entry.default is not dataclasses.MISSING}


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return ``["train.dimension: 100 before, 300 now", ...]`` for two nested dictionaries of settings.

    A setting that an earlier version, which wrote `old`, did not have is at its default there: switched off.
    """
    found = []
    section = prefix.removesuffix(".")
    lacking = _defaults(section) if section in _WHOLE_SECTIONS and new.keys() - old.keys() else {}
    for key in sorted({*old, *new}):
        before, now = old.get(key, lacking.get(key)), new.get(key)
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            found += differences(before, now, f"{prefix}{key}.")
        elif before != now:
            found.append(f"{prefix}{key}: {before} before, {now} now")
    return found


def read_toml(path: Path) -> dict[str, Setting]:
    """Return ``{"section.key": Setting}`` of a TOML file; unknown keys, and a file without any, raise `ConfigError`."""
    text, tables = read_tables(path)
    given = read_sections(path, text, tables)
    if not given:
        raise ConfigError(f"{path} holds no settings; 'vecmill init --out FILE.toml' writes a file that explains all")
    return given


def read_tables(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a TOML file and its tables.

    Parameters
    ----------
    path : Path

    Returns
    -------
    tuple[str, dict of str to Any]

    Raises
    ------
    ConfigError
        The file cannot be read or is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        tables = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except (ValueError, RecursionError) as error:  # also of numbers with thousands of digits
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    return text, tables


def read_sections(path: Path, text: str, tables: Mapping[str, Any], *within: str) -> dict[str, Setting]:
    """Return ``{"section.key": Setting}`` of the tables of a file that stand below the table `within`.

    Parameters
    ----------
    path : Path
    text : str
    tables : mapping of str to Any
    *within : str

    Returns
    -------
    dict of str to Setting

    Raises
    ------
    ConfigError
        A section or key is unknown.

    Notes
    -----
    A key may also be written as for ``--set``, with its section: ``"train.dimension" = 300``.
    """
    given = {}
    for name, section, table in _spelt_out(tables):
        if not _is_section(section) or not isinstance(table, dict):
            raise ConfigError(f"{path}:{line_of(text, *within, name)}: {_about_section(section)}")
        for key, value in table.items():
            origin = f"{path}:{line_of(text, *within, name, *([] if '.' in name else [key]))}"
            if key not in _keys(section):
                raise ConfigError(f"{origin}: {_about_key(section, key)}")
            given[f"{section}.{key}"] = Setting(value, origin)
    return given


def _spelt_out(tables: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield the name, the section and the table of each entry; ``"train.dimension" = 3`` is a table of one key."""
    for name, value in tables.items():
        section, dot, key = name.partition(".")
        yield (name, section, {key: value}) if dot else (name, name, value)


def read_assignment(text: str, option: str = "--set") -> tuple[str, Setting]:
    """Return name and value of an assignment such as ``train.dimension=300``; the value is TOML or unquoted text.

    Parameters
    ----------
    text : str
    option : str

    Returns
    -------
    tuple[str, Setting]

    Raises
    ------
    ConfigError
        The text is not an assignment, or there is no such setting.
    """
    name, equals, value = text.partition("=")
    section, dot, key = name.strip().partition(".")
    origin = f"{option} {text}"
    if not equals or not dot:
        raise ConfigError(f"{origin}: expected section.key=value, such as train.dimension=300")
    if not _is_section(section):
        raise ConfigError(f"{origin}: {_about_section(section)}")
    if key not in _keys(section):
        raise ConfigError(f"{origin}: {_about_key(section, key)}")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        parsed = value.strip()
    return f"{section}.{key}", Setting(parsed, origin)


def _is_section(name: str) -> bool:
    return name in SECTIONS or name in LM_SECTION_NAMES


def _keys(section: str) -> list[str]:
    return [entry.name for entry in dataclasses.fields(SECTIONS.get(section) or _sections()[section])]


def _about_section(name: str) -> str:
    for section in _sections():
        if name in _keys(section):
            return f"{name} belongs under [{section}]"
    if name in _sections():
        return f"{name} is a section: write [{name}], and its keys on the lines below"
    hint = _name_here(name) or did_you_mean(name, _sections())
    return f"unknown section [{name}]{hint} (sections: {', '.join(_sections())})"


def _about_key(section: str, key: str) -> str:
    if key in FORMER_KEYS.get(section, {}):
        return f"{key} in [{section}] is now called {FORMER_KEYS[section][key]}"
    for other in _sections():
        if key in _keys(other):
            return f"{key} belongs under [{other}], not [{section}]"
    hint = _name_here(key, section) or did_you_mean(key, _keys(section))
    return f"unknown key {key!r} in [{section}]{hint} (keys: {', '.join(_keys(section))})"


def _name_here(name: str, section: str = "train") -> str:
    """Return a hint for a name of gensim, fastText or word2vec.c, or "" for any other name."""
    if not is_named_elsewhere(name):
        return ""
    ours = {"text": "source"}.get(name_here(name) or "", name_here(name))
    place = next((place for place in (section, *SECTIONS, *LM_SECTION_NAMES) if ours in _keys(place)), None)
    return f"; {name} is called {ours} here, in [{place}]" if place else f"; there is no {name} here"


def line_of(text: str, *names: str) -> int:
    """Return the line that completes a key: tomllib gives no line numbers, so growing prefixes are parsed."""
    lines = text.splitlines(keepends=True)
    first = next((i for i, line in enumerate(lines) if names[-1] in line), 0)
    for end in range(first + 1, len(lines) + 1):
        try:
            table: Any = tomllib.loads("".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        for name in names:
            table = table.get(name) if isinstance(table, dict) else None
        if table is not None:
            return end
    return len(lines)


def _build(section_type: type, entries: Mapping[str, Setting]) -> Any:
    hints = get_type_hints(section_type)
    values = {key: _checked(entry, key, hints[key]) for key, entry in entries.items()}
    try:
        return section_type(**values)
    except ValueError as error:
        message = str(error)
        named = [key for key in entries if key in message] or list(entries)  # the first one named is the culprit
        origin = f"{entries[min(named, key=message.find)].origin}: " if named else ""
        raise ConfigError(origin + message) from None


def _checked(entry: Setting, key: str, annotation: Any) -> Any:
    """Return the value if it has the type `annotation` (a whole number will do for a float)."""
    value = entry.value
    if type(value) is int and abs(value) > _LARGEST:
        raise ConfigError(
            f"{entry.origin}: {key} must be at most {_LARGEST:,}, got a number of {len(str(value))} digits"
        )
    kinds = alternatives(annotation)
    for alternative in kinds:
        if get_origin(alternative) is Literal and value in get_args(alternative):
            return value
        if get_origin(alternative) is tuple and isinstance(value, list) and all(type(entry) is str for entry in value):
            return tuple(value)
        if alternative is float and type(value) is int:
            return float(value)
        if type(value) is alternative:
            return value
    expected = describe_type(annotation)
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    hint = did_you_mean(str(value), choices) if choices else ""
    raise ConfigError(f"{entry.origin}: {key} must be {expected}, got {value!r}{hint}")


def describe_type(annotation: Any) -> str:
    """Return a description of the values that a setting can have."""
    return " or ".join(_describe(kind) for kind in alternatives(annotation) if kind is not NoneType)


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union of types; any other type alone."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _describe(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(get_args(annotation))
    if get_origin(annotation) is tuple:
        return "a list of quoted strings"
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a quoted string"}[annotation]
