"""Training: it learns, it goes on bit for bit after a kill, it stops when it explodes."""

import signal
import subprocess
import sys
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from embeddings import EmbeddingsError, bfloat16, make_tokenizer
from embeddings.checkpoint import load_checkpoint, save_checkpoint
from embeddings.language_model.config import FORMER_NAMES, CellName, LanguageModelConfig
from embeddings.language_model.model import LanguageModel
from embeddings.language_model.perplexity import evaluate
from embeddings.language_model.trainer import LMTrainer
from embeddings.language_model.training_config import DEFAULT_LEARNING_RATES, ENDLESS, LMTrainingConfig
from embeddings.networks import CELLS, OPTIMIZERS, SampledSoftmax
from embeddings.training import Checkpointing, TrainingDiverged
from tests.split_text import split_ids

TEXT = b"the cat sat on the mat\na dog and a cat ran\nwho let the dog out ?\n" * 40
CORPUS = split_ids([TEXT], make_tokenizer("fast", punctuation=True))
RECIPES = {
    "sgd": ({}, {"learning_rate": 2.0, "schedule": "plateau"}),
    "sampled adamw": (
        {"output": "sampled", "num_sampled": 8},
        {"optimizer": "adamw", "learning_rate": 0.02, "schedule": "cosine"},
    ),
    "awd": (
        {
            "dropout_input": 0.2,
            "dropout_hidden": 0.2,
            "dropout_output": 0.2,
            "embedding_dropout": 0.1,
            "weight_drop": 0.2,
            "activation_regularization": 1.0,
            "temporal_activation_regularization": 1.0,
            "last_hidden_size": 6,
        },
        {"optimizer": "averaged-sgd", "learning_rate": 2.0, "schedule": "constant", "variable_windows": True},
    ),
    "full softmax at the end": (
        {"output": "sampled", "num_sampled": 8},
        {"optimizer": "adamw", "learning_rate": 0.02, "schedule": "one-cycle", "full_softmax_epochs": 1},
    ),
    "layers that are rounded": ({"hidden_size": 72, "layers": 1}, {"learning_rate": 2.0}),
    "averaged": ({}, {"optimizer": "adamw", "average": 0.9, "schedule": "constant"}),
    "gru one-cycle": ({"cell": "gru", "layers": 1}, {"optimizer": "adam", "schedule": "one-cycle"}),
}


def make_trainer(recipe="sgd", checkpoints=None, network=None, every=0.0, **training):
    network_settings, training_settings = RECIPES[recipe]
    settings = {"epochs": 3, "batch_size": 4, "bptt": 7, **training_settings, **training}
    config = LanguageModelConfig(**{"hidden_size": 8, **network_settings, **(network or {})})
    model = LanguageModel(config, CORPUS.vocabulary, rng=np.random.default_rng(1))
    checkpointing = Checkpointing(checkpoints, every) if checkpoints else None
    return LMTrainer(model, LMTrainingConfig(**settings), seed=1, checkpointing=checkpointing)


def fit(trainer, progress=None):
    return trainer.fit(CORPUS.train, CORPUS.valid, progress=progress).model_


class Killed(BaseException):
    """As a kill: nothing in the trainer expects it."""


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("kills", [(5,), (2, 20, 45)])
def test_a_killed_training_goes_on_bit_for_bit(recipe, kills, tmp_path):
    undisturbed = make_trainer(recipe)
    expected = fit(undisturbed).parameters
    calls = 0
    for number in kills:

        def kill(progress, number=number):
            nonlocal calls
            calls += 1
            if calls == number:
                raise Killed

        with pytest.raises(Killed):
            fit(make_trainer(recipe, tmp_path), kill)
    resumed = make_trainer(recipe, tmp_path)
    found = fit(resumed).parameters
    for name, parameter in expected.items():
        np.testing.assert_array_equal(found[name].value, parameter.value, err_msg=name)
    times = ("seconds", "validation_seconds", "tokens_per_second")
    for ours, theirs in zip(resumed.metrics_, undisturbed.metrics_, strict=True):
        assert {k: v for k, v in ours.items() if k not in times} == {k: v for k, v in theirs.items() if k not in times}


@pytest.mark.parametrize("recipe", RECIPES)
def test_perplexity_falls_far_under_that_of_guessing(recipe):
    trainer = make_trainer(recipe, network={"hidden_size": 24, "last_hidden_size": None}, epochs=12)
    model = fit(trainer)
    assert evaluate(model, CORPUS.test).perplexity < len(CORPUS.vocabulary) / 3
    assert len(trainer.metrics_) == 12 or trainer.config.patience
    counted = trainer.metrics_[0]["tokens"]
    assert counted == len(CORPUS.train)


def test_the_best_weights_are_kept_and_training_ends_early():
    trainer = make_trainer(learning_rate=1e-9, schedule="constant", epochs=9, patience=2)
    seen = []
    validate = trainer._validation_loss

    def worse_and_worse(valid):
        for parameter in trainer.model.parameters.values():
            parameter.value += 0.1 * len(seen)
        seen.append(trainer.model.parameters["rnn.bias_l0"].value.copy())
        return validate(valid)

    trainer._validation_loss = worse_and_worse
    model = fit(trainer)
    losses = [entry["valid_loss"] for entry in trainer.metrics_]
    best = int(np.argmin(losses))
    assert len(losses) == best + 3 < 9
    np.testing.assert_array_equal(model.parameters["rnn.bias_l0"].value, seen[best])


def test_the_rate_falls_on_a_plateau():
    trainer = make_trainer(learning_rate=1e-12, epochs=4, patience=None, network={"dropout_output": 0.0})
    fit(trainer)
    rates = [entry["learning_rate"] for entry in trainer.metrics_]
    assert rates[-1] < rates[0]
    assert {round(b / a, 6) for a, b in pairwise(rates)} <= {0.25, 1.0}


def test_the_rate_falls_step_by_step():
    trainer = make_trainer(learning_rate=0.8, schedule="step", anneal=0.5, anneal_after=2, epochs=5, patience=None)
    fit(trainer)
    assert [entry["learning_rate"] for entry in trainer.metrics_] == pytest.approx([0.8, 0.8, 0.4, 0.2, 0.1])


def test_progress_counts_up_to_the_end():
    reports = []
    fit(make_trainer(epochs=2), reports.append)
    assert reports[-1].done == reports[-1].total
    assert [report.epoch for report in reports] == sorted(report.epoch for report in reports)
    assert reports[-1].seconds_left == 0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(("pause", "pattern"), [(3600.0, "the loss is nan"), (0.0, "output.bias holds")])
def test_weights_that_are_no_numbers_end_training_and_are_not_saved(pause, pattern, bad, tmp_path):
    trainer = make_trainer(checkpoints=tmp_path)

    def damage(progress):
        if progress.done >= 5 * 4 * 7:
            trainer._checkpoints._every, trainer._checkpoints._cost = pause, 0.0
            trainer.model.parameters["output.bias"].value[:] = bad

    with pytest.raises(TrainingDiverged, match=rf"{pattern}.*learning rate.*windows is kept in"):
        fit(trainer, damage)
    assert all(np.isfinite(array).all() for array in load_checkpoint(tmp_path).arrays.values())


@pytest.fixture
def interrupts():
    """Ctrl-C raises KeyboardInterrupt, also where the tests run in the background and began with it ignored."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.parametrize("recipe", ["sampled adamw", "awd"])
def test_an_interruption_writes_a_checkpoint_where_it_came(recipe, tmp_path, interrupts):
    """A signal comes while a step runs in its thread: the step is ended, and a resumed training does not repeat it."""
    expected = fit(make_trainer(recipe)).parameters
    trainer = make_trainer(recipe, tmp_path, every=3600.0)
    train, begun = trainer.model.loss_and_gradients, []

    def interrupted(*arguments):
        begun.append(1)
        if len(begun) == 4:
            signal.raise_signal(signal.SIGINT)  # handled in the main thread, which waits
        return train(*arguments)

    trainer.model.loss_and_gradients = interrupted
    with pytest.raises(KeyboardInterrupt):
        fit(trainer)
    assert load_checkpoint(tmp_path).state["position"]["windows"] in (4, 5)
    for name, parameter in fit(make_trainer(recipe, tmp_path)).parameters.items():
        np.testing.assert_array_equal(parameter.value, expected[name].value, err_msg=name)


@pytest.mark.parametrize("recipe", ["sampled adamw", "awd"])
def test_an_interrupted_validation_is_repeated(recipe, tmp_path):
    expected = fit(make_trainer(recipe))
    trainer = make_trainer(recipe, tmp_path, every=3600.0)
    measure, begun = trainer._validation_loss, []

    def interrupted(valid):
        begun.append(1)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return measure(valid)

    trainer._validation_loss = interrupted
    with pytest.raises(KeyboardInterrupt):
        fit(trainer)
    assert load_checkpoint(tmp_path).state["position"]["epoch"] == 1
    for name, parameter in fit(make_trainer(recipe, tmp_path)).parameters.items():
        np.testing.assert_array_equal(parameter.value, expected.parameters[name].value, err_msg=name)


def test_a_loss_far_above_guessing_stops_and_is_not_saved(tmp_path):
    trainer = make_trainer(checkpoints=tmp_path, learning_rate=1e6, clip=1e3, schedule="constant", epochs=50)
    with pytest.raises(TrainingDiverged, match="diverged"):
        fit(trainer)
    checkpoint = load_checkpoint(tmp_path)
    assert checkpoint is None or checkpoint.state["position"]["running_loss"] <= 2 * np.log(len(CORPUS.vocabulary))


def test_a_perplexity_beyond_all_numbers_stops_a_training_of_a_few_windows():
    trainer = make_trainer(learning_rate=1e10, clip=1e10, schedule="constant", epochs=1, batch_size=8, bptt=400)
    with pytest.raises(TrainingDiverged, match=r"diverged: the validation loss is .* after epoch 1"):
        fit(trainer)


def test_a_checkpoint_of_another_architecture_or_text_is_refused(tmp_path):
    fit(make_trainer(checkpoints=tmp_path, epochs=1))
    with pytest.raises(EmbeddingsError, match="hidden_size = 8, this training 9"):
        fit(make_trainer(checkpoints=tmp_path, epochs=1, network={"hidden_size": 9}))
    with pytest.raises(EmbeddingsError, match="bptt = 7, this training 9"):
        fit(make_trainer(checkpoints=tmp_path, epochs=1, bptt=9))
    with pytest.raises(EmbeddingsError, match="training text"):
        make_trainer(checkpoints=tmp_path, epochs=1).fit(CORPUS.train[1:], CORPUS.valid)


def test_a_checkpoint_of_a_version_with_fewer_settings_is_resumed(tmp_path):
    fit(make_trainer(checkpoints=tmp_path, epochs=1))
    arrays, state = load_checkpoint(tmp_path)
    del state["identity"]["training"]["full_softmax_epochs"]
    save_checkpoint(tmp_path, arrays, state)
    fit(make_trainer(checkpoints=tmp_path, epochs=1), progress=lambda _: pytest.fail("trained again"))
    with pytest.raises(EmbeddingsError, match="full_softmax_epochs = 0, this training 1"):
        fit(make_trainer(checkpoints=tmp_path, epochs=1, full_softmax_epochs=1))


def test_a_checkpoint_with_former_names_of_settings_is_resumed(tmp_path):
    expected = fit(make_trainer(checkpoints=tmp_path, epochs=1))
    arrays, state = load_checkpoint(tmp_path)
    model = state["identity"]["model"]
    model |= {former: model.pop(present) for former, present in FORMER_NAMES.items()}
    save_checkpoint(tmp_path, arrays, state)
    resumed = fit(make_trainer(checkpoints=tmp_path, epochs=1), progress=lambda _: pytest.fail("trained again"))
    for name, parameter in resumed.parameters.items():
        np.testing.assert_array_equal(parameter.value, expected.parameters[name].value, err_msg=name)


@pytest.mark.parametrize("words", [1, 3, 8])
def test_texts_shorter_than_window_and_batch(words):
    model = make_trainer(epochs=1).fit(CORPUS.train[:words], CORPUS.valid[:1]).model_
    assert np.isfinite(evaluate(model, CORPUS.test).perplexity)


def test_no_text_is_refused():
    with pytest.raises(EmbeddingsError, match="no text"):
        make_trainer().fit(CORPUS.train[:0], CORPUS.valid)


def test_the_model_of_the_best_validation_has_averaged_weights(tmp_path):
    trainer = make_trainer("averaged", tmp_path, epochs=1)
    model = fit(trainer)
    for name, parameter in model.trainable_parameters.items():
        np.testing.assert_array_equal(parameter.value, trainer._average.arrays[name])
    arrays, _ = load_checkpoint(tmp_path)
    assert any((arrays[f"weight {name}"] != arrays[f"average {name}"]).any() for name in model.trainable_parameters)
    loss = np.log(evaluate(model, CORPUS.valid).perplexity)
    assert trainer.metrics_[0]["valid_loss"] == pytest.approx(loss, rel=1e-3)


def test_validation_ends_a_training_without_a_number_of_epochs():
    totals, epochs = [], []

    def watch(progress):
        totals.append(progress.total)
        epochs.append(progress.epochs)

    trainer = make_trainer(epochs=ENDLESS, patience=2, learning_rate=5.0)
    fit(trainer, watch)
    losses = [entry["valid_loss"] for entry in trainer.metrics_]
    assert len(losses) == np.argmin(losses) + 1 + 2
    assert epochs[0] == 2
    assert epochs[-1] == len(losses)
    assert totals == sorted(totals)


def test_the_last_epochs_train_on_the_full_softmax():
    """Their losses are those of all words, and the network samples again afterwards."""
    sampled, full = make_trainer("sampled adamw"), make_trainer("sampled adamw", full_softmax_epochs=2)
    losses = []
    model = fit(full, lambda progress: losses.append((progress.epoch, progress.loss)))
    fit(sampled)
    assert full.metrics_[0]["loss"] == sampled.metrics_[0]["loss"]
    assert [entry["perplexity"] is None for entry in full.metrics_] == [True, False, False]
    assert all(entry["perplexity"] == pytest.approx(np.exp(entry["loss"])) for entry in full.metrics_[1:])
    first = next(loss for epoch, loss in losses if epoch == 2)  # not smoothed with those of sampled words
    assert first == pytest.approx(full.metrics_[1]["loss"], rel=0.3)
    assert isinstance(model.output, SampledSoftmax)
    assert not model.output.full


def test_a_network_with_the_full_softmax_does_not_notice():
    expected = fit(make_trainer("sgd")).parameters
    for name, parameter in fit(make_trainer("sgd", full_softmax_epochs=1)).parameters.items():
        np.testing.assert_array_equal(parameter.value, expected[name].value, err_msg=name)


def test_products_are_rounded_where_the_processor_does_it_unless_told_otherwise(monkeypatch):
    found = {}
    for available in (True, False):
        monkeypatch.setattr(bfloat16, "AVAILABLE", available and bfloat16.AVAILABLE)
        for precision in ("auto", "float32"):
            trainer = make_trainer("layers that are rounded", precision=precision, epochs=1)
            parameters = fit(trainer).parameters
            rounds = precision == "auto" and bfloat16.AVAILABLE
            assert trainer.metrics_[0]["precision"] == ("bfloat16" if rounds else "float32")
            found.setdefault(rounds, []).append(parameters["rnn.weight_hh_l0"].value)
    for others in found[False][1:]:
        np.testing.assert_array_equal(others, found[False][0])
    for rounded in found.get(True, []):
        difference = np.linalg.norm(rounded - found[False][0]) / np.linalg.norm(rounded)
        assert 0 < difference < 0.01


def test_a_network_is_evaluated_in_full_precision():
    model = fit(make_trainer("layers that are rounded", epochs=1))
    inputs, targets = np.array(CORPUS.valid[:40]).reshape(2, 10, 2)
    expected, _ = model.log_likelihood(inputs, targets)
    model.use_bfloat16()
    np.testing.assert_array_equal(model.log_likelihood(inputs, targets)[0], expected)


def test_only_some_words_are_validated_on_if_told_so():
    trainer = make_trainer(validation_tokens=30, epochs=1)
    loss = np.log(evaluate(fit(trainer), CORPUS.valid[:30]).perplexity)
    assert trainer.metrics_[0]["valid_loss"] == pytest.approx(loss, rel=1e-6)
    more = make_trainer(validation_tokens=10**6, epochs=1)
    fit(more)
    assert more.metrics_[0]["valid_loss"] != trainer.metrics_[0]["valid_loss"]


def test_a_frozen_embedding_stays():
    trainer = make_trainer(network={"freeze_embedding": True})
    before = trainer.model.parameters["embedding.weight"].value.copy()
    np.testing.assert_array_equal(fit(trainer).parameters["embedding.weight"].value, before)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"epochs": 0}, "epochs"),
        ({"full_softmax_epochs": -1}, "full_softmax_epochs"),
        ({"validation_tokens": 0}, "validation_tokens"),
        ({"epochs": ENDLESS, "full_softmax_epochs": 1}, "full_softmax_epochs"),
        ({"optimizer": "sgdd"}, "sgdd"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"schedule": "linear"}, "schedule"),
        ({"precision": "bfloat16"}, "precision"),
        ({"anneal": 1.0}, "anneal"),
        ({"anneal_after": 0}, "anneal_after"),
        ({"average": 1.0}, "average"),
        ({"average": 0.9, "optimizer": "averaged-sgd"}, "average"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"average": 1.0}, "average"),
        ({"average": 0.9, "optimizer": "averaged-sgd"}, "average"),
        ({"epochs": ENDLESS, "patience": None}, "patience"),
        ({"epochs": ENDLESS, "schedule": "cosine"}, "schedule"),
    ],
)
def test_settings_out_of_range_are_refused(settings, named):
    with pytest.raises(ValueError, match=named):
        LMTrainingConfig(**settings)


def test_names_of_settings_are_those_of_classes():
    assert set(get_args(CellName)) == CELLS.keys()
    assert DEFAULT_LEARNING_RATES.keys() == OPTIMIZERS.keys()


def test_settings_are_read_without_the_networks():
    """So that commands which train nothing need not wait for Numba."""
    code = (
        "import sys, pipelines.settings.run_config; sys.exit(any(name in sys.modules for name in ('numba', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
