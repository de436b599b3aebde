"""Values that a shell offers for options and arguments when Tab is pressed."""

import re
from collections.abc import Callable, Iterable
from typing import Any, get_args, get_type_hints

from typer.models import OptionInfo


def choices(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a function that completes a value to one of some names."""
    known = tuple(names)

    def complete(incomplete: str) -> list[str]:
        return [name for name in known if name.startswith(incomplete)]

    return complete


def complete_metavars(function: Callable[..., Any]) -> None:
    """Complete every option of a command whose metavar is ``one|two|FILE`` to one of the values in lower case."""
    for annotation in get_type_hints(function, include_extras=True).values():
        for option in get_args(annotation)[1:]:
            if isinstance(option, OptionInfo) and "|" in (option.metavar or "") and option.autocompletion is None:
                names = (option.metavar or "").split("|")
                option.autocompletion = choices(filter(_is_value, names))


def _is_value(name: str) -> bool:
    """Return whether a part of a metavar is a value itself, as ``auto`` is and ``FILE`` is not."""
    return re.fullmatch(r"[\w-]+", name) is not None and not name.isupper()


def corpus_names(incomplete: str) -> list[tuple[str, str]]:
    """Return the named corpora that begin with the text typed so far, with their titles."""
    from corpora import catalog

    return [(entry.name, entry.title) for entry in catalog() if entry.name.startswith(incomplete)]


def evaluation_set_names(incomplete: str) -> list[tuple[str, str]]:
    """Return the named evaluation sets that begin with the text typed so far, with their titles."""
    from corpora import evaluation_sets

    return [(entry.name, entry.title) for entry in evaluation_sets() if entry.name.startswith(incomplete)]


def format_names(incomplete: str) -> list[str]:
    """Return the formats of word vectors that are written and begin with the text typed so far."""
    from embeddings.formats import FORMATS

    return [name for name, entry in FORMATS.items() if entry.can_write and name.startswith(incomplete)]


def input_format_names(incomplete: str) -> list[str]:
    """Return the formats of word vectors that are read and begin with the text typed so far."""
    from embeddings.formats import FORMATS

    return [name for name, entry in FORMATS.items() if entry.can_read and name.startswith(incomplete)]


def setting_names(incomplete: str) -> list[tuple[str, str]]:
    """Return the assignments of default values that begin with the text typed so far, with their meanings."""
    import dataclasses

    from pipelines.settings.config import SECTIONS
    from pipelines.settings.config_template import as_toml, attribute_comments
    from pipelines.settings.lm_settings import LM_SECTIONS

    found = []
    for section, kind in {**SECTIONS, **LM_SECTIONS}.items():
        for field in dataclasses.fields(kind):
            value = "" if field.default is None else as_toml(field.default)
            assignment = f"{section}.{field.name}={value}"
            if assignment.startswith(incomplete):
                found.append((assignment, attribute_comments(kind).get(field.name, "")))
    return found


def stage_names(incomplete: str) -> list[str]:
    """Return the stages of a run that begin with the text typed so far."""
    from pipelines.stage_lists import STAGES

    return [name for name in STAGES if name.startswith(incomplete)]
