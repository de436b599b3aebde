"""Settings of another type are refused by name, in every configuration."""

from dataclasses import fields
from typing import Literal, get_args, get_origin

import numpy as np
import pandas as pd
import pytest

from embeddings import Word2VecConfig
from embeddings.count_based import CountBasedConfig
from embeddings.glove import GloVeConfig
from embeddings.language_model import LanguageModelConfig, LMTrainingConfig
from embeddings.language_model.sampling import SamplingConfig
from embeddings.sequences import SequenceGeneratorConfig, SequenceNetworkConfig, SequenceTrainingConfig
from embeddings.sequences.word_inputs import WordInputsConfig
from embeddings.setting_types import require_one_of
from vecmill import Vocabulary, WordVectors

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


@pytest.mark.parametrize("value", [None, 7, ["mean"], np.arange(3), pd.Series(["mean", "sif"]), "m" * 1000, "a\nb"])
def test_what_is_no_name_is_one_short_line(value):
    with pytest.raises(ValueError, match=r"^unknown weighting ") as caught:
        require_one_of("weighting", value, ("mean", "sif"))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("words", ["x" * 70_000, "x" * 70_000 + " y"])
def test_a_text_in_the_place_of_a_word_is_shortened(words):
    vectors = WordVectors(Vocabulary.from_words(["a", "b"]), np.eye(2, dtype=np.float32))
    for call, kind in ((vectors.get_vector, KeyError), (vectors.mean_vector, TypeError)):
        with pytest.raises(kind) as caught:
            call(words)
        assert len(str(caught.value)) < 300
