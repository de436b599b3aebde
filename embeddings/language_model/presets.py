"""Settings of language models that belong together, by name: the size of the network and the length of training."""

from typing import Any, Literal, NamedTuple

PresetName = Literal["quick", "small", "medium", "awd"]


class Preset(NamedTuple):
    """Settings that differ from the defaults.

    Attributes
    ----------
    network : dict of str to Any
        Of `LanguageModelConfig`.
    training : dict of str to Any
        Of `LMTrainingConfig`.
    max_vocabulary : int, optional
        Largest number of words. Default: all.
    """

    network: dict[str, Any]
    training: dict[str, Any]
    max_vocabulary: int | None = None


# While the learning rate is high, a validation without improvement means little.
_COSINE = {"schedule": "cosine", "patience": 8}
_DROPOUT = ("dropout_input", "dropout_hidden", "dropout_output")

PRESETS: dict[str, Preset] = {
    # trains on a few million words in minutes: two passes, sampled softmax
    "quick": Preset(
        network={"output": "sampled"},
        training={"epochs": 2, "optimizer": "adamw", "schedule": "cosine", "learning_rate": 6e-3},
        max_vocabulary=10_000,
    ),
    # 2 x 200 (Zaremba et al. 2014, "small"), with variational dropout and tied weights
    "small": Preset(network=dict.fromkeys(_DROPOUT, 0.3), training={"epochs": 30, **_COSINE}),
    # 2 x 650 ("medium")
    "medium": Preset(network={"hidden_size": 650, **dict.fromkeys(_DROPOUT, 0.5)}, training={"epochs": 23, **_COSINE}),
    # AWD-LSTM (Merity et al. 2018)
    "awd": Preset(
        network={
            "layers": 3,
            "hidden_size": 1150,
            "dimension": 400,
            "last_hidden_size": 400,
            "dropout_input": 0.4,
            "dropout_hidden": 0.25,
            "dropout_output": 0.4,
            "embedding_dropout": 0.1,
            "weight_drop": 0.5,
            "activation_regularization": 2.0,
            "temporal_activation_regularization": 1.0,
        },
        training={
            "epochs": 100,
            "bptt": 70,
            "variable_windows": True,
            "optimizer": "averaged-sgd",
            "schedule": "constant",
            "weight_decay": 1.2e-6,
            "patience": 15,
        },
    ),
}
