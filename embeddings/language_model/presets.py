"""Settings of language models that belong together, by name: the size of the network and the length of training."""

from typing import Any, Literal, NamedTuple

from vecmill.durations import seconds

PresetName = Literal["quick", "small", "medium", "awd", "10m", "1h", "3h"]


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
_SAMPLED = {"output": "sampled", **dict.fromkeys(_DROPOUT, 0.35), "embedding_dropout": 0.05}
_ONE_CYCLE = {
    "epochs": 20,
    "batch_size": 40,
    "optimizer": "adamw",
    "schedule": "one-cycle",
    "learning_rate": 4e-3,
    "weight_decay": 0.01,
    "patience": None,
    "validation_tokens": 50_000,
}
_REGULARIZED = {
    "hidden_size": 650,
    "output": "sampled",
    "dropout_input": 0.5,
    "dropout_hidden": 0.4,
    "dropout_output": 0.5,
    "embedding_dropout": 0.1,
    "weight_drop": 0.3,
}
_LONG_CYCLE = {**_ONE_CYCLE, "learning_rate": 3e-3, "weight_decay": 0.02, "full_softmax_epochs": 1}

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
    # for two cores and a given time; with a budget the number of epochs is found
    "10m": Preset(
        network={"layers": 1, "hidden_size": 400, **_SAMPLED},
        training=_ONE_CYCLE,
    ),
    "1h": Preset(network=_REGULARIZED, training=_LONG_CYCLE),
    "3h": Preset(network=_REGULARIZED, training=_LONG_CYCLE),
}

BUDGETS: dict[PresetName, float] = {"10m": 600.0, "1h": 3600.0, "3h": 10800.0}
"""Presets for a given time, and its seconds."""


def budget_seconds(budget: str | float) -> float:
    """Return the seconds of a budget.

    Parameters
    ----------
    budget : str or float
        Seconds, or text such as "10m" or "1h".

    Returns
    -------
    float

    Raises
    ------
    ValueError
        It is no duration, or no time at all.
    """
    try:
        found = seconds(budget)
    except ValueError as error:
        raise ValueError(f"budget: {error}") from None
    if not found:
        raise ValueError(f"budget {budget!r} is no time; expected a duration such as 10m, 45m or 1h")
    return found


def preset_for(limit: float) -> PresetName:
    """Return the preset of the largest of the `BUDGETS` that is not above a time; of the smallest if all are above it.

    Parameters
    ----------
    limit : float
        Seconds.

    Returns
    -------
    str
    """
    within = [name for name, budget in BUDGETS.items() if budget <= limit]
    return within[-1] if within else next(iter(BUDGETS))
