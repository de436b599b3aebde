"""Settings of another type are refused by name, in every configuration."""

from dataclasses import fields
from typing import Literal, get_args, get_origin

import numpy as np
import pytest

from embeddings import Word2VecConfig
from embeddings.count_based import CountBasedConfig
from embeddings.glove import GloVeConfig
from embeddings.language_model import LanguageModelConfig, LMTrainingConfig
from embeddings.language_model.generation import SamplingConfig
from embeddings.sequences import SequenceGeneratorConfig, SequenceNetworkConfig, SequenceTrainingConfig
from embeddings.sequences.word_inputs import WordInputsConfig

CONFIGURATIONS = [
    CountBasedConfig,
    GloVeConfig,
    LanguageModelConfig,
    LMTrainingConfig,
    SamplingConfig,
    SequenceGeneratorConfig,
    SequenceNetworkConfig,
    SequenceTrainingConfig,
    Word2VecConfig,
    WordInputsConfig,
]
WRONG = {
    bool: (1, "yes", 0.5),
    int: ("3", 2.5, True, [3]),
    float: ("0.1", False, [0.1]),
    str: (1, True, ["lstm"]),
    tuple: ("64", 64, (64.5,), ("64",)),
}
SETTINGS = [(config, setting) for config in CONFIGURATIONS for setting in fields(config)]


def kind_of(annotation):
    if get_origin(annotation) is Literal:
        return str
    if get_origin(annotation) is tuple:
        return tuple
    return (get_args(annotation) or (annotation,))[0]


@pytest.mark.parametrize(
    ("config", "setting"), SETTINGS, ids=[f"{config.__name__}.{setting.name}" for config, setting in SETTINGS]
)
def test_a_setting_of_another_type_is_named_with_what_was_expected(config, setting):
    for wrong in WRONG[kind_of(setting.type)]:
        with pytest.raises(TypeError, match=rf"^{setting.name}(\[\d\])? is .*; expected "):
            config(**{setting.name: wrong})


def test_numbers_of_numpy_and_lists_become_those_of_python():
    config = LMTrainingConfig(epochs=np.int32(3), clip=np.float32(0.5))
    assert (type(config.epochs), type(config.clip)) == (int, float)
    assert SequenceNetworkConfig(layer_sizes=[np.int64(8), 4]).layer_sizes == (8, 4)
