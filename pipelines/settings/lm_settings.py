"""Settings of language models: three sections of TOML files, and presets of their defaults."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.presets import PresetName, budget_seconds
from embeddings.language_model.training_config import LMTrainingConfig
from embeddings.threads import thread_count
from pipelines.settings.sections import OWN_EMBEDDINGS
from vecmill.files import expanded


@dataclass(frozen=True, kw_only=True)
class LMSettings:
    """A language model, which predicts the next word; its network and training have sections of their own below.

    Attributes
    ----------
    preset : Preset
        Values of all keys that are not set: "quick" trains in minutes; "small" (2 layers of 200 units), "medium" (2 of
        650) and "awd" (3 of 1150; Merity et al. 2018) take an hour to days; "10m", "1h" and "3h" are those of a budget.
    budget : str or float or None
        Time that tokenizing, word vectors and training may take together, such as "10m", "1h" or "45m", in place of a
        preset and of a number of epochs: the speed is measured first. None: train all epochs.
    min_count : int
        Words that occur less often in the training part become ``<unk>``: 1 or more.
    max_vocabulary : int or None
        Words that the model can predict, ``<unk>`` and ``<eos>`` included; fewer train faster. None: all.
    punctuation : bool
        Keep punctuation marks as tokens of the language model, whatever [tokenizer] says.
    embeddings : str
        Word vectors to start from: "train-embeddings" trains them on the training part, "none" takes random ones, and
        any other value is the path of a model directory or file.
    seed : int
        Number from which all random draws of the language model follow.
    threads : int or None
        Processors that train the language model. None: as many as [train] has.
    enabled : bool
        Train a language model; false keeps these sections for later.
    """

    preset: PresetName = "quick"
    budget: str | float | None = None
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
        if not self.embeddings:
            raise ValueError(f"embeddings is empty; expected a model, {OWN_EMBEDDINGS!r} or {NO_EMBEDDINGS!r}")
        if self.budget is not None:
            budget_seconds(self.budget)
        if self.min_count < 1:
            raise ValueError(f"min_count must be at least 1, got {self.min_count}")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; expected 0 or more")
        if self.threads is not None:
            thread_count(self.threads)
        if self.max_vocabulary is not None and self.max_vocabulary < 3:
            raise ValueError(f"max_vocabulary must be at least 3, got {self.max_vocabulary}")

    @property
    def budget_seconds(self) -> float | None:
        """The budget in seconds."""
        return None if self.budget is None else budget_seconds(self.budget)

    @property
    def trains_embeddings(self) -> bool:
        """Whether the word vectors are trained in the same pipeline."""
        return self.embeddings == OWN_EMBEDDINGS

    @property
    def embeddings_path(self) -> Path | None:
        """Path of word vectors from outside the pipeline; None if there are none."""
        return None if self.embeddings in (OWN_EMBEDDINGS, NO_EMBEDDINGS) else expanded(self.embeddings)


NO_EMBEDDINGS = "none"

LM_SECTIONS: dict[str, type] = {
    "lm": LMSettings,
    "lm_network": LanguageModelConfig,
    "lm_training": LMTrainingConfig,
}
