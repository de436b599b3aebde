"""Settings of language models: three sections of TOML files, and presets that give them other defaults."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.training_config import LMTrainingConfig
from pipelines.settings.sections import OWN_EMBEDDINGS

Preset = Literal["quick", "small", "medium", "awd"]


@dataclass(frozen=True, kw_only=True)
class LMSettings:
    """The language model: everything that is not a matter of its network or its training.

    Attributes
    ----------
    preset : Preset
        Decides what is not set in this section and in the sections of the network and its training.
    min_count : int
        Words that occur less often in the training text are ``<unk>``.
    max_vocabulary : int or None
        At most this many words, ``<unk>`` and ``<eos>`` among them; None: all.
    punctuation : bool
        Predict punctuation marks, whatever [tokenizer] says.
    embeddings : str
        Word vectors to start from: "train-embeddings" trains them on the training part of the text, "none" starts at
        random, anything else is a model directory or file.
    seed : int
        Of everything drawn at random.
    threads : int or None
        Threads of training; None: those of [train], or all cores.
    enabled : bool
        Whether ``vecmill run`` trains a language model; by default if its file has any setting of one.
    """

    preset: Preset = "quick"
    min_count: int = 1
    max_vocabulary: int | None = None
    punctuation: bool = True
    embeddings: str = OWN_EMBEDDINGS
    seed: int = 1
    threads: int | None = None
    enabled: bool = False

    def __post_init__(self) -> None:
        if self.preset not in get_args(Preset):
            raise ValueError(f"preset must be one of {', '.join(get_args(Preset))}, got {self.preset!r}")
        if self.min_count < 1:
            raise ValueError(f"min_count must be at least 1, got {self.min_count}")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads must be at least 1, got {self.threads}")
        if self.max_vocabulary is not None and self.max_vocabulary < 3:
            raise ValueError(f"max_vocabulary must be at least 3, got {self.max_vocabulary}")

    @property
    def trains_embeddings(self) -> bool:
        """Whether it starts from word vectors of the same pipeline."""
        return self.embeddings == OWN_EMBEDDINGS

    @property
    def embeddings_path(self) -> Path | None:
        """Where word vectors from elsewhere are; None for others."""
        return None if self.embeddings in (OWN_EMBEDDINGS, NO_EMBEDDINGS) else Path(self.embeddings).expanduser()


NO_EMBEDDINGS = "none"

LM_SECTIONS: dict[str, type] = {
    "lm": LMSettings,
    "lm_network": LanguageModelConfig,
    "lm_training": LMTrainingConfig,
}

# a validation or two without improvement mean little while the rate is still high
_COSINE = {"lm_training.schedule": "cosine", "lm_training.patience": 8}
_DROPOUT = {"lm_network.dropout_input", "lm_network.dropout_between", "lm_network.dropout_output"}

PRESETS: dict[str, dict[str, Any]] = {
    # a few million words in minutes: two passes, sampled softmax
    "quick": {
        "lm.max_vocabulary": 10_000,
        "lm_network.output": "sampled",
        "lm_training.epochs": 2,
        "lm_training.optimizer": "adamw",
        "lm_training.schedule": "cosine",
        "lm_training.learning_rate": 6e-3,
    },
    # 2 x 200 (Zaremba et al. 2014, "small"), with variational dropout and tied weights
    "small": {"lm_training.epochs": 30, **_COSINE, **dict.fromkeys(_DROPOUT, 0.3)},
    # 2 x 650 ("medium")
    "medium": {"lm_network.hidden_size": 650, "lm_training.epochs": 23, **_COSINE, **dict.fromkeys(_DROPOUT, 0.5)},
    # AWD-LSTM (Merity et al. 2018)
    "awd": {
        "lm_network.layers": 3,
        "lm_network.hidden_size": 1150,
        "lm_network.dimension": 400,
        "lm_network.last_size": 400,
        "lm_network.dropout_input": 0.4,
        "lm_network.dropout_between": 0.25,
        "lm_network.dropout_output": 0.4,
        "lm_network.dropout_words": 0.1,
        "lm_network.weight_drop": 0.5,
        "lm_network.activation_penalty": 2.0,
        "lm_network.change_penalty": 1.0,
        "lm_training.epochs": 100,
        "lm_training.bptt": 70,
        "lm_training.variable_windows": True,
        "lm_training.optimizer": "averaged-sgd",
        "lm_training.schedule": "constant",
        "lm_training.weight_decay": 1.2e-6,
        "lm_training.patience": 15,
    },
}
