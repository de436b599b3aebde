"""A training of a given time: its preset, and the number of epochs that its measured speed allows."""

import json
import logging

import numpy as np
import pytest

import vecmill
from embeddings import make_tokenizer
from embeddings.language_model import budget
from embeddings.language_model.budget import (
    FEW_EPOCHS,
    MOST_EPOCHS,
    EpochSeconds,
    epochs_within,
    measure,
    with_epochs_in,
)
from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.model import LanguageModel
from embeddings.language_model.presets import BUDGETS, PRESETS, budget_seconds, preset_for
from embeddings.language_model.trainer import LMTrainer
from embeddings.language_model.training_config import LMTrainingConfig
from embeddings.training import Checkpointing
from pipelines.running.manifest import Manifest
from pipelines.settings.config import ConfigError, Setting
from pipelines.settings.lm_config import build_lm_config
from pipelines.settings.run_config import build_run_config, read_run_config
from tests.command_line import fails
from tests.command_line import vecmill as command
from tests.split_text import split_ids
from vecmill.plurals import counted

TEXT = b"the cat sat on the mat\na dog and a cat ran\nwho let the dog out ?\n" * 40
CORPUS = split_ids([TEXT], make_tokenizer("fast", punctuation=True))
TRAINING = LMTrainingConfig(batch_size=4, bptt=7, optimizer="adamw", learning_rate=0.02, schedule="one-cycle")
EPOCH = EpochSeconds(training=10.0, full_softmax=30.0, validation=1.0)


class Clock:
    """Each look at it takes a second."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def make_model(**settings):
    config = LanguageModelConfig(**{"hidden_size": 8, "output": "sampled", "num_sampled": 8, **settings})
    return LanguageModel(config, CORPUS.vocabulary, rng=np.random.default_rng(1))


def never():
    pytest.fail("the speed is measured again")


def test_the_preset_is_that_of_the_largest_named_budget_within_the_given_one():
    chosen = {text: preset_for(budget_seconds(text)) for text in ("5m", "10m", "45m", "1h", "90m", "3h", "9h")}
    assert list(chosen.values()) == ["10m", "10m", "10m", "1h", "1h", "3h", "3h"]
    assert [budget_seconds(name) for name in BUDGETS] == list(BUDGETS.values())
    assert PRESETS.keys() >= BUDGETS.keys()


@pytest.mark.parametrize(
    ("seconds", "full", "epochs"),
    [(10.9, 0, 1), (21.9, 0, 1), (22.0, 0, 2), (110.0, 0, 10), (1e9, 0, MOST_EPOCHS), (41.9, 1, 1), (42.0, 1, 2)],
)
def test_as_many_epochs_as_fit_with_their_validations(seconds, full, epochs):
    config = LMTrainingConfig(full_softmax_epochs=full)
    assert epochs_within(seconds, config, EPOCH) == epochs


def test_the_speed_is_that_of_the_windows_after_the_first_ones():
    """By this clock each window takes a second, and so does reading the validation text."""
    train = CORPUS.train[: 20 * TRAINING.batch_size * TRAINING.bptt]
    found = measure(make_model(), TRAINING, train, CORPUS.valid, seconds=1.0, clock=Clock())
    assert found.training == pytest.approx(20.0)
    assert (found.full_softmax, found.validation) == (found.training, pytest.approx(1.0))


@pytest.mark.parametrize("words", [1, 5, 60])
def test_a_text_of_few_windows_is_measured(words):
    found = measure(make_model(), TRAINING, CORPUS.train[:words], CORPUS.valid[:1], seconds=1.0, clock=Clock())
    assert 0 < found.training <= 3


@pytest.mark.parametrize("output", ["sampled", "full"])
def test_a_training_with_a_budget_is_one_with_the_number_of_epochs_that_was_found(output):
    config = LMTrainingConfig(**{**vars(TRAINING), "epochs": 9, "full_softmax_epochs": 1, "average": 0.9})
    one, other = make_model(output=output, dropout_input=0.2), make_model(output=output, dropout_input=0.2)
    found = with_epochs_in(150.0, one, config, CORPUS.train, CORPUS.valid, clock=Clock())
    assert 1 < found.epochs < 9
    given = LMTrainingConfig(**{**vars(config), "epochs": found.epochs})
    assert given == found
    LMTrainer(one, found).fit(CORPUS.train, CORPUS.valid)
    LMTrainer(other, given).fit(CORPUS.train, CORPUS.valid)
    for name, parameter in one.parameters.items():
        np.testing.assert_array_equal(parameter.value, other.parameters[name].value, err_msg=name)


def test_an_interrupted_training_goes_on_with_the_number_that_was_found(tmp_path):
    checkpointing = Checkpointing(tmp_path, 0.0)

    def interrupt(progress):
        if progress.done > 200:
            raise KeyboardInterrupt

    found = with_epochs_in(150.0, make_model(), TRAINING, CORPUS.train, CORPUS.valid, clock=Clock())
    with pytest.raises(KeyboardInterrupt):
        LMTrainer(make_model(), found, checkpointing=checkpointing).fit(CORPUS.train, CORPUS.valid, progress=interrupt)
    again = {"checkpointing": checkpointing, "clock": never}
    assert with_epochs_in(1e6, make_model(), TRAINING, CORPUS.train, CORPUS.valid, **again) == found


def test_a_budget_for_less_than_an_epoch_trains_one_and_says_how_long_that_takes(caplog):
    found = with_epochs_in(3.0, make_model(), TRAINING, CORPUS.train, CORPUS.valid, clock=Clock())
    assert found.epochs == 1
    [warning] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "the budget leaves 0 s for the training" in warning
    assert "one epoch is trained" in warning


@pytest.mark.parametrize(
    ("hidden_size", "seconds", "warned"), [(8, 60.0, False), (240, 60.0, True), (240, 300.0, False)]
)
def test_a_large_network_that_reads_the_text_only_a_few_times_is_warned_of(hidden_size, seconds, warned, caplog):
    model = make_model(hidden_size=hidden_size)
    found = with_epochs_in(seconds, model, TRAINING, CORPUS.train, CORPUS.valid, clock=Clock())
    assert (1 <= found.epochs < FEW_EPOCHS) == (seconds == 60.0)
    expected = [f"only {counted(found.epochs, 'epoch')} within the budget"] if warned else []
    assert [
        record.getMessage().partition(":")[0] for record in caplog.records if record.levelno == logging.WARNING
    ] == expected


# ------------------------------------------------------------------------------------------------------- settings


def settings(**given):
    return build_lm_config({name.replace("__", "."): Setting(value, f"--{name}") for name, value in given.items()})


def test_options_beside_a_budget_override_its_preset():
    plain = settings(lm__budget="2h")
    assert (plain.lm.preset, plain.lm.budget_seconds, plain.lm_network.hidden_size) == ("1h", 7200.0, 650)
    smaller = settings(lm__budget="2h", lm_network__hidden_size=64, lm_training__batch_size=8)
    assert (smaller.lm_network.hidden_size, smaller.lm_training.batch_size) == (64, 8)
    assert smaller.lm_network.output == plain.lm_network.output


def test_a_number_of_epochs_leaves_only_the_preset_of_a_budget():
    assert settings(lm__budget="2h", lm_training__epochs=3) == settings(lm__preset="1h", lm_training__epochs=3)
    auto = settings(lm__budget="10m", lm_training__epochs="auto").lm_training
    assert (auto.schedule, auto.full_softmax_epochs) == ("plateau", 0)


@pytest.mark.parametrize("value", ["soon", "10 days", "0", 0, -5, True, "", ["10m"]])
def test_what_is_no_budget_is_refused(value):
    with pytest.raises(ConfigError, match=r"--lm__budget: budget .*|budget: .*expected"):
        settings(lm__budget=value)


def test_epochs_of_the_full_softmax_are_for_a_sampled_one():
    with pytest.raises(ConfigError, match="full_softmax_epochs is 1, but the output is full"):
        settings(lm_network__output="full", lm_training__full_softmax_epochs=1)
    with pytest.raises(ConfigError, match="must be 0 or more, got -1"):
        settings(lm_training__full_softmax_epochs=-1)


def test_the_settings_of_a_run_with_a_budget_are_read_as_they_were(tmp_path):
    given = {"lm.budget": "45m", "lm_network.layers": 1}
    config = build_run_config({name: Setting(value, name) for name, value in given.items()})
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict()))
    assert read_run_config(tmp_path / "config.json") == config


# ------------------------------------------------------------------------------------------------------- commands

SMALL = ["--layers", 1, "--hidden-size", 8, "--batch-size", 4, "--embeddings", "none", "--valid", 0.2]


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT * 3)
    return path


@pytest.fixture
def measured(monkeypatch):
    """The speeds that were measured, all of them 100 s an epoch."""
    calls = []

    def measure(*arguments, seconds, **rest):
        calls.append(seconds)
        return EpochSeconds(training=90.0, full_softmax=90.0, validation=10.0)

    monkeypatch.setattr(budget, "measure", measure)
    return calls


def train(text, out, *options):
    result = command("train-lm", text, "--out", out, *SMALL, *options)
    assert result.exit_code == 0, result.output
    return result


def test_the_command_records_the_epochs_and_repeats_them(text, tmp_path, measured):
    first, second = tmp_path / "budget", tmp_path / "epochs"
    printed = train(text, first, "--budget", "10m").stdout
    assert "Budget: 10 min 00 s; chosen for it: 5 epochs" in printed
    [seconds] = measured
    assert 500 < seconds < 582  # without the time of the text, and a reserve
    recorded = json.loads((first / "config.json").read_text())
    assert (recorded["lm"]["budget"], recorded["lm_training"]["epochs"]) == ("10m", 5)
    manifest = Manifest.read(first)
    assert manifest.summary["budget"] == {"seconds": 600.0, "epochs": 5}
    train(text, second, "--preset", "10m", "--epochs", 5)
    assert (first / "model.safetensors").read_bytes() == (second / "model.safetensors").read_bytes()
    assert "nothing to do" in train(text, first, "--budget", "10m", "--skip-finished").stdout
    assert len(measured) == 1


def test_a_preset_and_a_budget_are_refused_together(text, tmp_path):
    both = ["--preset", "small", "--budget", "1h"]
    fails(2, "--budget: a budget has a preset of its own", "train-lm", text, "--out", tmp_path / "o", *both)
    fails(2, "--budget: .*expected", "train-lm", text, "--out", tmp_path / "o", "--budget", "soon")


def test_python_takes_a_budget(text, measured):
    lines = text.read_text().splitlines()
    small = {"hidden_size": 8, "layers": 1, "batch_size": 4, "valid": 0.2}
    seen = []
    vecmill.train_language_model(lines, budget="5m", progress=seen.append, **small)
    assert (len(measured), seen[-1].epochs) == (1, 2)
    vecmill.train_language_model(lines, budget=300, epochs=1, progress=seen.append, **small)
    assert (len(measured), seen[-1].epochs) == (1, 1)
    with pytest.raises(ValueError, match="a budget has a preset of its own"):
        vecmill.train_language_model(lines, budget="5m", preset="quick")
    with pytest.raises(ValueError, match="budget: 'soon' is not a duration"):
        vecmill.train_language_model(lines, budget="soon")
