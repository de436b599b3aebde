"""What a shell offers as values of options and arguments when Tab is pressed."""

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
    """Complete every option of a command that is shown as ``one|two|three`` to one of these."""
    for annotation in get_type_hints(function, include_extras=True).values():
        for option in get_args(annotation)[1:]:
            if isinstance(option, OptionInfo) and "|" in (option.metavar or "") and option.autocompletion is None:
                names = (option.metavar or "").split("|")
                option.autocompletion = choices(name for name in names if re.fullmatch(r"[\w-]+", name))


def corpus_names(incomplete: str) -> list[tuple[str, str]]:
    """Return the named corpora that begin with what was typed, with their titles."""
    from corpora import catalog

    return [(entry.name, entry.title) for entry in catalog() if entry.name.startswith(incomplete)]


def format_names(incomplete: str) -> list[str]:
    """Return the formats of word vectors that begin with what was typed."""
    from embeddings.formats import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]
