"""Every setting of a training command has an option, which overrides the settings file."""

import dataclasses
import json

import pytest

from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.training_config import LMTrainingConfig
from embeddings.word2vec.config import Word2VecConfig
from pipelines.cli import load_command
from pipelines.settings.lm_settings import LMSettings
from pipelines.settings.sections import CorpusSettings, SplitSettings, TokenizerSettings, VocabularySettings
from tests.command_line import fails, vecmill

OF_EVERY_TRAINING = (CorpusSettings, TokenizerSettings)
SETTINGS = {
    "train-embeddings": (*OF_EVERY_TRAINING, VocabularySettings, Word2VecConfig),
    "train-lm": (*OF_EVERY_TRAINING, LMSettings, LanguageModelConfig, LMTrainingConfig, SplitSettings),
}
OTHERWISE = {"source": "corpus", "name": "tokenizer", "enabled": "out"}  # train-lm always trains one


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("The king and the queen rule the old land.\nA dog and a cat sleep in the old house!\n" * 60)
    return path


@pytest.mark.parametrize("command", SETTINGS)
def test_every_setting_has_an_option_or_argument_of_its_name(command):
    parameters = {parameter.name.rpartition("__")[2]: parameter for parameter in load_command(command).params}
    for kind in SETTINGS[command]:
        for field in dataclasses.fields(kind):
            parameter = parameters[OTHERWISE.get(field.name, field.name)]
            assert getattr(parameter, "help", None), f"{field.name} has no help"
            name = f"--{field.name.replace('_', '-')}"
            assert name in parameter.opts or field.name in OTHERWISE, name


@pytest.mark.parametrize("command", SETTINGS)
def test_every_option_of_a_training_command_stands_under_a_heading(command):
    parameters = {parameter.name for parameter in load_command(command).params if not getattr(parameter, "hidden", 0)}
    groups = load_command(command).callback.option_groups
    named = [name for names in groups.values() for name in names]
    assert len(named) == len(set(named))
    assert set(named) <= parameters
    own = parameters - {"corpus", "quiet", "verbose", "debug", "log_format", "log_file"}
    assert own - set(named) == set()


def test_options_of_word2vec_override_the_file_and_reach_the_model(text, tmp_path):
    config, out = tmp_path / "settings.toml", tmp_path / "out"
    config.write_text("[train]\nheld_out = 0.2\ndimension = 6\nmin_learning_rate = 0.002\n")
    options = ["--architecture", "cbow", "--fixed-window", "--cbow-sum", "--held-out", "0.1", "--learning-rate", "0.01"]
    assert vecmill("train-embeddings", text, "-o", out, "--config", config, "--epochs", 1, *options).exit_code == 0
    found = json.loads((out / "config.json").read_text())["train"]
    assert (found["dynamic_window"], found["cbow_mean"]) == (False, False)
    assert (found["held_out"], found["dimension"], found["min_learning_rate"]) == (0.1, 6, 0.002)


def test_options_of_a_language_model_reach_it_and_its_results_are_json(text, tmp_path):
    out = tmp_path / "lm"
    small = ["--hidden-size", 8, "--epochs", 1, "--batch-size", 4, "--embeddings", "none"]
    options = ["--weight-drop", 0.1, "--no-variational", "--patience", 2, "--valid", 0.2, "--fold-digits"]
    training = ["train-lm", text, "-o", out, *small, *options, "--dropout", 0.3, "--dropout-input", 0.2]
    result = vecmill(*training, "--checkpoint-every", "5m", "--json")
    assert result.exit_code == 0, result.output
    settings = json.loads((out / "config.json").read_text())
    network = settings["lm_network"]
    assert (network["weight_drop"], network["variational"], settings["split"]["valid"]) == (0.1, False, 0.2)
    assert (network["dropout_input"], network["dropout_hidden"]) == (0.2, 0.3)
    assert (settings["lm_training"]["patience"], settings["tokenizer"]["fold_digits"]) == (2, True)
    assert "checkpoint" not in settings, "the interval does not affect the result"
    made = json.loads(result.stdout)
    assert (made["out"], len(made["epochs"])) == (str(out), 1)
    assert made["perplexity"]["test"]["perplexity"] > 1
    again = vecmill(*training, "--checkpoint-every", "9s", "--json", "--skip-finished")
    assert json.loads(again.stdout) == made


@pytest.mark.parametrize(
    ("command", "option", "value", "message"),
    [
        ("train-embeddings", "--min-learning-rate", "1", "--min-learning-rate: min_learning_rate is 1"),
        ("train-embeddings", "--held-out", "0.9", "--held-out: held_out is 0.9"),
        ("train-lm", "--anneal", "2", "--anneal: anneal must lie between"),
        ("train-lm", "--valid", "7", "--valid: valid must be between"),
        ("train-lm", "--checkpoint-every", "soon", "--checkpoint-every: every: 'soon' is not a duration"),
    ],
)
def test_a_value_out_of_range_names_the_option(command, option, value, message, text, tmp_path):
    fails(2, message, command, text, "--out", tmp_path / "out", option, value)
