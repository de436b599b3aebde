"""Words as users type them, found in the vocabulary of a model with the model's own tokenizer."""

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.settings.config import with_present_keys
from pipelines.settings.file_names import CONFIG_FILE

if TYPE_CHECKING:
    from embeddings import Tokenizer, WordVectors

logger = logging.getLogger(__name__)


def tokenizer_settings(model: Path) -> dict[str, Any] | None:
    """Return the settings of the tokenizer that a model directory records; None if it records none."""
    from embeddings.vectors.model_directory import vectors_path

    try:
        recorded = json.loads((vectors_path(model) / CONFIG_FILE).read_text("utf-8"))
        return dict(with_present_keys(recorded)["tokenizer"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def model_tokenizer(model: Path) -> "Tokenizer":
    """Return the tokenizer that a model was trained with; the fast one if the model does not say."""
    from embeddings import make_tokenizer
    from pipelines.settings.sections import TokenizerSettings

    settings = asdict(TokenizerSettings()) | (tokenizer_settings(model) or {})
    return make_tokenizer(settings.pop("name"), **settings)


class ModelWords:
    """Finds words in a vocabulary: as they are typed, or as the tokenizer of the model would write them.

    Parameters
    ----------
    vectors : WordVectors
    model : Path
        Where the vectors were read from.
    """

    def __init__(self, vectors: "WordVectors", model: Path) -> None:
        self._vectors, self._model = vectors, model
        self._tokenizer: Tokenizer | None = None
        self._told = False

    def find(self, word: str) -> str:
        """Return a word of the vocabulary.

        Parameters
        ----------
        word : str
            As a user types it: ``"King"``.

        Returns
        -------
        str
            ``"king"``, if the model knows only that and its text was lower-cased.

        Raises
        ------
        KeyError
            The vocabulary has neither; the message suggests the closest spellings.
        """
        if word not in self._vectors and (written := self._tokenized(word)) is not None:
            if not self._told:
                logger.info("%s is looked up as %s, as the tokenizer of the model writes it", word, written)
                self._told = True
            return written
        self._vectors.id(word)
        return word

    def _tokenized(self, word: str) -> str | None:
        """Return the only token of a word if the vocabulary has it."""
        if tokenizer_settings(self._model) is None:
            return None
        self._tokenizer = self._tokenizer or model_tokenizer(self._model)
        tokens = [token for sentence in self._tokenizer.tokenize(f"{word}\n") for token in sentence]
        return tokens[0] if len(tokens) == 1 and tokens[0] in self._vectors else None
