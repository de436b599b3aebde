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
    """Complete every option of a command whose metavar is ``one|two|three`` to one of these values."""
    for annotation in get_type_hints(function, include_extras=True).values():
        for option in get_args(annotation)[1:]:
            if isinstance(option, OptionInfo) and "|" in (option.metavar or "") and option.autocompletion is None:
                names = (option.metavar or "").split("|")
                option.autocompletion = choices(name for name in names if re.fullmatch(r"[\w-]+", name))


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


def stage_names(incomplete: str) -> list[str]:
    """Return the stages of a run that begin with the text typed so far."""
    from pipelines.stage_lists import STAGES

    return [name for name in STAGES if name.startswith(incomplete)]
