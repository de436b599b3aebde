"""What a shell offers as values of options and arguments when Tab is pressed."""

from collections.abc import Callable, Iterable


def choices(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a function that completes a value to one of some names."""
    known = tuple(names)

    def complete(incomplete: str) -> list[str]:
        return [name for name in known if name.startswith(incomplete)]

    return complete


def corpus_names(incomplete: str) -> list[tuple[str, str]]:
    """Return the named corpora that begin with what was typed, with their titles."""
    from corpora import catalog

    return [(entry.name, entry.title) for entry in catalog() if entry.name.startswith(incomplete)]


def format_names(incomplete: str) -> list[str]:
    """Return the formats of word vectors that begin with what was typed."""
    from embeddings.formats import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]
