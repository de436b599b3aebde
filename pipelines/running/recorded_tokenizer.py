"""The rules of the tokenizer that a model was trained with."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embeddings.formats.tokenizer_rules import TokenizerRules


def rules_of(model: Path) -> "TokenizerRules | None":
    """Return the rules that do what the tokenizer of a model does, or None if the model does not say.

    Parameters
    ----------
    model : Path
        A model directory or exported directory; a file has no settings.

    Returns
    -------
    TokenizerRules or None

    Raises
    ------
    InexactTokenizerError
        There are no such rules.
    """
    from embeddings.formats.tokenizer_rules import exact_rules
    from embeddings.text.phrase_table import PHRASES_FILE
    from embeddings.vectors.model_directory import read_tokenizer_settings

    settings = read_tokenizer_settings(model)
    if (model / PHRASES_FILE).is_file():
        settings["phrases"] = True
    return exact_rules(settings) if settings else None
