"""The files of a language model: ``model.safetensors``, ``language_model.json`` and ``vocabulary.tsv``."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from embeddings.errors import EmbeddingsError
from embeddings.language_model.config import LanguageModelConfig, with_present_names
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.model_directory import VECTORS_FILE, require_unchanged
from vecmill.files import write_json
from vecmill.records import fits, require_types

_FORMAT = 1
_STAGE = "train-lm"  # of a run directory, where the model is
_DAMAGE = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, SafetensorError),
    *(FileNotFoundError, IsADirectoryError, NotADirectoryError),
)
LANGUAGE_MODEL_FILES = _WEIGHTS, _ABOUT, _VOCABULARY = "model.safetensors", "language_model.json", "vocabulary.tsv"


@dataclass(frozen=True, kw_only=True)
class StoredModel:
    """A language model as its files hold it.

    Attributes
    ----------
    config : LanguageModelConfig
    tokenizer : mapping of str to Any
        Settings of its tokenizer.
    vocabulary : Vocabulary
    arrays : mapping of str to ndarray
        The weights by their names.
    """

    config: LanguageModelConfig
    tokenizer: Mapping[str, Any]
    vocabulary: Vocabulary
    arrays: Mapping[str, np.ndarray]

    def write(self, directory: Path) -> None:
        """Write the files into an empty directory."""
        (directory / _WEIGHTS).write_bytes(save(dict(self.arrays)))  # save_file would make a file nobody else can read
        about = {"format": _FORMAT, "model": asdict(self.config), "tokenizer": dict(self.tokenizer)}
        write_json(directory / _ABOUT, about)
        self.vocabulary.save(directory / _VOCABULARY)

    @classmethod
    def read(cls, directory: Path) -> "StoredModel":
        """Read the files of a directory that `model_directory` gave.

        Parameters
        ----------
        directory : Path

        Returns
        -------
        StoredModel

        Raises
        ------
        EmbeddingsError
            A file is missing or damaged, or weights and architecture do not fit.
        """
        require_unchanged(directory, LANGUAGE_MODEL_FILES)
        vocabulary = Vocabulary.load(directory / _VOCABULARY)
        try:
            about = json.loads((directory / _ABOUT).read_text("utf-8"))
            if about["format"] != _FORMAT:
                raise EmbeddingsError(
                    f"{directory} has format {about['format']}, expected {_FORMAT}: train the model again"
                )
            known = {entry.name for entry in fields(LanguageModelConfig)}
            settings = with_present_names(about["model"])
            config = LanguageModelConfig(**{name: settings[name] for name in known})
            tokenizer = about["tokenizer"]
            if not fits(tokenizer, dict[str, Any]):
                raise TypeError(f"tokenizer is {str(tokenizer)[:60]!r}")
            require_types(config)
            with (directory / _WEIGHTS).open("rb"):  # says why the file cannot be read; the reader gives no reason
                arrays = load_file(directory / _WEIGHTS)
            _require_weights_of(config, len(vocabulary), arrays)
        except _DAMAGE as error:
            raise EmbeddingsError(f"{directory} is damaged ({error}); train the model again") from error
        except OSError as error:
            raise EmbeddingsError(f"cannot read {error.filename or directory}: {error.strerror or error}") from error
        return cls(config=config, tokenizer=tokenizer, vocabulary=vocabulary, arrays=arrays)


def model_directory(directory: Path) -> Path:
    """Return the directory of the files of a model, which may be within that of a run.

    Parameters
    ----------
    directory : Path
        Directory of a model, or of a `vecmill run` that has trained a language model.

    Returns
    -------
    Path

    Raises
    ------
    EmbeddingsError
        There is no language model in it.
    """
    if (directory / _STAGE / _ABOUT).is_file():
        return directory / _STAGE
    if not directory.exists():
        raise EmbeddingsError(f"there is no {directory}; expected a language model, the output of train-lm")
    if directory.is_file():
        raise EmbeddingsError(
            f"{directory} is a file, expected the directory that train-lm wrote; perplexity and score take ARPA files"
        )
    if not (directory / _ABOUT).is_file():
        hint = "; it holds word vectors" if (directory / VECTORS_FILE).is_file() else ""
        raise EmbeddingsError(
            f"{directory} is not a language model: it has no {_ABOUT}{hint}; expected the output of train-lm"
        )
    return directory


def _require_weights_of(config: LanguageModelConfig, words: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Check sizes of a record against the weights beside it, before memory is allocated for them."""
    sizes = [config.last_hidden_size or config.hidden_size, *([config.hidden_size] if config.layers > 1 else [])]
    numbers = sum(array.size for array in arrays.values())
    if config.layers > len(arrays) or max(sizes) ** 2 > numbers or words * config.embedding_dimension > numbers:
        raise ValueError("the architecture has more weights than the file")
