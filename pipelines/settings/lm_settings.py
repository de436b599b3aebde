"""Settings of language models: three sections of TOML files, and presets of their defaults."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.presets import PresetName
from embeddings.language_model.training_config import LMTrainingConfig
from pipelines.settings.sections import OWN_EMBEDDINGS


@dataclass(frozen=True, kw_only=True)
class LMSettings:
    """Settings of a language model apart from its network and its training.

    Attributes
    ----------
    preset : Preset
        Values of the keys that are not set here, in [lm_network] and in [lm_training]: "quick" trains in minutes,
        "small" has 2 layers of 200 units, "medium" 2 layers of 650, "awd" is AWD-LSTM (Merity et al. 2018).
    min_count : int
        Words that occur less often in the training part become ``<unk>``.
    max_vocabulary : int or None
        Maximum number of words, including ``<unk>`` and ``<eos>``; None: no limit.
    punctuation : bool
        Whether punctuation marks are tokens of the language model; overrides [tokenizer].
    embeddings : str
        Initial word vectors: "train-embeddings" trains them on the training part of the text, "none" takes random
        ones, any other value is the path of a model directory or file of word vectors.
    seed : int
        Seed of the random numbers.
    threads : int or None
        Number of threads; None: as in [train], else all cores.
    enabled : bool
        Whether `vecmill run` trains a language model. Default: true if the file has one of the sections [lm],
        [lm_network] and [lm_training].
    """

    preset: PresetName = "quick"
    min_count: int = 1
    max_vocabulary: int | None = None
    punctuation: bool = True
    embeddings: str = OWN_EMBEDDINGS
    seed: int = 1
    threads: int | None = None
    enabled: bool = False

    def __post_init__(self) -> None:
        if self.preset not in get_args(PresetName):
            raise ValueError(f"preset must be one of {', '.join(get_args(PresetName))}, got {self.preset!r}")
        if self.min_count < 1:
            raise ValueError(f"min_count must be at least 1, got {self.min_count}")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads must be at least 1, got {self.threads}")
        if self.max_vocabulary is not None and self.max_vocabulary < 3:
            raise ValueError(f"max_vocabulary must be at least 3, got {self.max_vocabulary}")

    @property
    def trains_embeddings(self) -> bool:
        """Whether the word vectors are trained in the same pipeline."""
        return self.embeddings == OWN_EMBEDDINGS

    @property
    def embeddings_path(self) -> Path | None:
        """Path of word vectors from outside the pipeline; None if there are none."""
        return None if self.embeddings in (OWN_EMBEDDINGS, NO_EMBEDDINGS) else Path(self.embeddings).expanduser()


NO_EMBEDDINGS = "none"

LM_SECTIONS: dict[str, type] = {
    "lm": LMSettings,
    "lm_network": LanguageModelConfig,
    "lm_training": LMTrainingConfig,
}
