"""The tokenizer that a model was trained with, as its settings record it."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.settings.file_names import CONFIG_FILE
from pipelines.settings.sections import TokenizerSettings
from vecmill.files import read_json

if TYPE_CHECKING:
    from embeddings import Tokenizer
    from embeddings.formats.tokenizer_rules import TokenizerRules


def recorded_settings(model: Path) -> dict[str, Any] | None:
    """Return the arguments of `embeddings.make_tokenizer`, or None if the model does not say.

    Parameters
    ----------
    model : Path
        A model directory or exported directory; a file has no settings.

    Returns
    -------
    dict or None
    """
    recorded = (read_json(model / CONFIG_FILE) or {}).get("tokenizer")
    if not isinstance(recorded, dict) or "name" not in recorded:
        return None
    settings = asdict(TokenizerSettings()) | recorded
    return {"spec": settings.pop("name"), **settings}


def tokenizer_of(model: Path) -> "Tokenizer":
    """Return the tokenizer that the model was trained with; that of the default settings if it does not say."""
    from embeddings import make_tokenizer

    settings = asdict(TokenizerSettings())
    return make_tokenizer(**(recorded_settings(model) or {"spec": settings.pop("name"), **settings}))


def rules_of(model: Path) -> "TokenizerRules | None":
    """Return the rules that do what the tokenizer of a model does, or None if the model does not say.

    Parameters
    ----------
    model : Path

    Returns
    -------
    TokenizerRules or None

    Raises
    ------
    InexactTokenizerError
        There are no such rules.
    """
    from embeddings.formats.tokenizer_rules import exact_rules

    settings = recorded_settings(model)
    return exact_rules(settings) if settings else None
