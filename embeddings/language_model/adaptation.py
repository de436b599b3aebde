"""What `tune` has found for a language model, and the two files beside the model that hold it.

``adaptation.json`` holds the settings of the neural cache, of dynamic evaluation, and the weights of an n-gram model;
``gradient_rms.safetensors`` holds RMS_g of dynamic evaluation. The files of the model itself stay as they are.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from embeddings.errors import EmbeddingsError
from embeddings.language_model.dynamic_evaluation import DynamicSettings
from embeddings.language_model.neural_cache import CacheSettings
from vecmill.files import atomic_file, file_digest, flush, read_json, write_json, writing
from vecmill.records import fits, require_types

logger = logging.getLogger(__name__)

_FORMAT = 1
ADAPTATION_FILES = _SETTINGS, _GRADIENTS, _PENDING = (
    "adaptation.json",
    "gradient_rms.safetensors",
    ".gradient_rms.safetensors.new",  # until the settings that belong to it are written
)
BASES = PLAIN, CACHE, DYNAMIC, DYNAMIC_CACHE = "plain", "cache", "dynamic", "dynamic+cache"
"""How a text can be read; any of them can be mixed with an n-gram model."""
INTERPOLATED = "interpolated"
DEFAULT_NGRAM_WEIGHT = 0.5


@dataclass(frozen=True, kw_only=True)
class NgramWeights:
    """The weights of one n-gram model.

    Attributes
    ----------
    file : str
        Its name.
    sha256 : str
        Hash of its file.
    weights : dict of str to float
        Its share in the mixture with each of `BASES`.
    """

    file: str
    sha256: str
    weights: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """Settings of a language model for adapting while it reads.

    Attributes
    ----------
    cache : CacheSettings or None
        The neural cache.
    dynamic : DynamicSettings or None
        Dynamic evaluation.
    dynamic_cache : CacheSettings or None
        The cache on top of dynamic evaluation.
    ngrams : NgramWeights or None
    validation : mapping of str to Any
        The text that they were tuned on: its ``file`` and ``tokens``, and its perplexity by column.
    rms : mapping of str to ndarray, or Path, or None
        RMS_g of every trainable parameter, or the file that holds them.
    rms_sha256 : str
        Hash of that file.
    """

    cache: CacheSettings | None = None
    dynamic: DynamicSettings | None = None
    dynamic_cache: CacheSettings | None = None
    ngrams: NgramWeights | None = None
    validation: Mapping[str, Any] | None = None
    rms: Mapping[str, np.ndarray] | Path | None = None
    rms_sha256: str = ""

    def save(self, directory: str | PathLike[str]) -> None:
        """Write the two files into the directory of the model.

        Settings that are replaced keep their gradients until the new ones are written, which then get the name.

        Parameters
        ----------
        directory : str or path

        Raises
        ------
        OutputError
            They cannot be written.
        """
        gradients, pending = Path(directory, _GRADIENTS), Path(directory, _PENDING)
        digest = self.rms_sha256
        with writing(directory):
            before = read_json(Path(directory, _SETTINGS)) or {}
            if _with_hash(before.get("gradients_sha256"), gradients) == pending:  # left by a process that was killed
                _rename(pending, gradients)
            if self.rms is not None:
                with atomic_file(pending) as file:
                    file.write(save(dict(self.gradient_rms())))
                digest = file_digest(pending)
            write_json(Path(directory, _SETTINGS), {"format": _FORMAT, **self.to_dict(), "gradients_sha256": digest})
            if self.rms is not None:
                _rename(pending, gradients)
            else:
                pending.unlink(missing_ok=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings and the perplexities of the validation text as JSON values."""
        parts = {name: getattr(self, name) for name in ("cache", "dynamic", "dynamic_cache", "ngrams")}
        return {**{name: part and asdict(part) for name, part in parts.items()}, "validation": self.validation}

    @classmethod
    def load(cls, directory: str | PathLike[str]) -> "Adaptation":
        """Read what `save` wrote; an empty adaptation if there is none.

        Parameters
        ----------
        directory : str or path

        Returns
        -------
        Adaptation
            RMS_g stays on disk until it is used.

        Raises
        ------
        EmbeddingsError
            The file is damaged, or a setting is out of range.
        """
        path = Path(directory, _SETTINGS)
        if not path.is_file():
            return cls()
        try:
            record = json.loads(path.read_text("utf-8"))
            if record["format"] != _FORMAT:
                raise ValueError(f"its format is {record['format']}, expected {_FORMAT}")
            cache, dynamic_cache = (_part(CacheSettings, record[name]) for name in ("cache", "dynamic_cache"))
            ngrams = _part(NgramWeights, record["ngrams"])
            if ngrams is not None and not all(0 <= weight <= 1 for weight in ngrams.weights.values()):
                raise ValueError("the weight of an n-gram model is not from 0 to 1")
            if not fits(record["validation"], dict[str, Any]):
                raise TypeError("validation is no object")
            return cls(
                cache=cache,
                dynamic=_part(DynamicSettings, record["dynamic"]),
                dynamic_cache=dynamic_cache,
                ngrams=ngrams,
                validation=record["validation"],
                rms=Path(directory, _GRADIENTS) if record["dynamic"] else None,
                rms_sha256=str(record["gradients_sha256"]),
            )
        except OSError as error:
            raise EmbeddingsError(f"cannot read {path}: {error.strerror or error}") from error
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise EmbeddingsError(f"{path} is damaged ({error}); tune the model again: vecmill tune-lm") from error

    def gradient_rms(self) -> Mapping[str, np.ndarray]:
        """Return RMS_g by the names of the trainable parameters.

        Returns
        -------
        mapping of str to ndarray

        Raises
        ------
        EmbeddingsError
            The model was not tuned for dynamic evaluation, or the file is missing or damaged.
        """
        if self.rms is None:
            raise EmbeddingsError(
                "the model has no settings for dynamic evaluation; find them on a validation text: vecmill tune-lm"
            )
        if not isinstance(self.rms, Path):
            return self.rms
        try:
            path = _with_hash(self.rms_sha256, self.rms)
            if file_digest(path) != self.rms_sha256:
                raise ValueError(f"its hash is not the one in {_SETTINGS}")
            return load(path.read_bytes())
        except (OSError, SafetensorError, ValueError) as error:
            raise EmbeddingsError(f"{self.rms} is damaged ({error}); tune the model again: vecmill tune-lm") from error

    def cache_settings(
        self, size: int, theta: float | None = None, weight: float | None = None, *, after_dynamic: bool = False
    ) -> CacheSettings:
        """Return the settings of a cache: those given, those tuned, or else the defaults.

        A warning says so if the cache was not tuned, or was tuned with another size.

        Parameters
        ----------
        size : int
            Words that the cache holds.
        theta, weight : float, optional
            Default: as tuned.
        after_dynamic : bool
            The cache is used on top of dynamic evaluation.

        Returns
        -------
        CacheSettings

        Raises
        ------
        ValueError
            A value is out of range.
        """
        tuned = self.dynamic_cache if after_dynamic and self.dynamic_cache else self.cache
        start = tuned or CacheSettings()
        given = {"theta": theta, "weight": weight}
        settings = replace(start, size=size, **{name: value for name, value in given.items() if value is not None})
        if after_dynamic:
            return settings  # the cache beside it has been warned of
        if tuned is None and None in given.values():
            logger.warning(
                "the cache is not tuned for this model: theta %g, weight %g; 'vecmill tune-lm LM VALIDATION' finds "
                "better ones",
                settings.theta,
                settings.weight,
            )
        elif tuned is not None and tuned.size != size:
            logger.warning(
                "the cache was tuned with %s words; for %s tune it again: vecmill tune-lm LM VALIDATION --cache %d",
                f"{tuned.size:,}",
                f"{size:,}",
                size,
            )
        return settings

    def ngram_weight(self, path: str | PathLike[str], base: str) -> float:
        """Return the weight of an n-gram model in the mixture with one of `BASES`.

        Parameters
        ----------
        path : str or path
            File of the n-gram model.
        base : str

        Returns
        -------
        float
            That learned for this file, or else the default, with a warning if another file was tuned.
        """
        if self.ngrams is None:
            return DEFAULT_NGRAM_WEIGHT
        if file_digest(path) != self.ngrams.sha256 or base not in self.ngrams.weights:
            logger.warning(
                "the weight of the n-gram model was learned for %s with %s, not for %s with %s: it is %g here; give "
                "--weight, or tune it again: vecmill tune-lm",
                self.ngrams.file,
                ", ".join(self.ngrams.weights),
                path,
                base,
                DEFAULT_NGRAM_WEIGHT,
            )
            return DEFAULT_NGRAM_WEIGHT
        return self.ngrams.weights[base]


def _with_hash(digest: object, gradients: Path) -> Path:
    """Return the file of the gradients of some settings: the pending one if it alone has their hash."""
    pending = gradients.with_name(_PENDING)
    if not pending.is_file() or (gradients.is_file() and file_digest(gradients) == digest):
        return gradients
    return pending if file_digest(pending) == digest else gradients


def _rename(pending: Path, gradients: Path) -> None:
    pending.replace(gradients)
    flush(gradients.parent)


def _part(kind: type, record: Any) -> Any:
    """Return the settings of a part of the record, None if it has none."""
    if record is None:
        return None
    part = kind(**record)
    require_types(part)
    return part
