"""Columns that several workers read make the gradients of one batch, whatever process reads them."""

import numpy as np
import pytest

from embeddings import make_tokenizer
from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.model import LanguageModel
from embeddings.language_model.shared_gradients import SharedGradients
from embeddings.language_model.trainer import LMTrainer
from embeddings.language_model.training_config import LMTrainingConfig
from embeddings.networks.batching import Columns
from embeddings.training import Checkpointing
from pipelines.backends.local import LocalCrew
from tests.crews import Elsewhere
from tests.split_text import split_ids

TEXT = b"the cat sat on the mat\na dog and a cat ran\nwho let the dog out ?\n" * 40
CORPUS = split_ids([TEXT], make_tokenizer("fast", punctuation=True))
RECIPES = {
    "plain": ({"tie_weights": False}, {}),
    "tied": ({"tie_weights": True}, {"optimizer": "adamw", "schedule": "cosine"}),
    "sampled": ({"output": "sampled", "num_sampled": 8}, {"optimizer": "adamw"}),
    "adaptive": ({"output": "adaptive", "freeze_embedding": True, "tie_weights": False}, {}),
    "dropout": (
        {"dropout_hidden": 0.2, "embedding_dropout": 0.1, "weight_drop": 0.2, "activation_regularization": 1.0},
        {"optimizer": "averaged-sgd", "variable_windows": True, "schedule": "constant"},
    ),
}  # fmt: skip


def make_model(recipe="plain"):
    config = LanguageModelConfig(**{"hidden_size": 8, "layers": 2, **RECIPES[recipe][0]})
    return LanguageModel(config, CORPUS.vocabulary, rng=np.random.default_rng(1))


def trained(recipe="plain", crew=None, directory=None, progress=None):
    settings = LMTrainingConfig(**{"epochs": 2, "batch_size": 5, "bptt": 7, **RECIPES[recipe][1]})
    checkpointing = Checkpointing(directory, 0.0) if directory else None
    trainer = LMTrainer(make_model(recipe), settings, seed=1, threads=1, checkpointing=checkpointing)
    return trainer.fit(CORPUS.train, CORPUS.valid, crew=crew, progress=progress)


def require_equal(found, expected):
    for name, parameter in expected.parameters.items():
        np.testing.assert_array_equal(found.parameters[name].value, parameter.value, err_msg=name)


@pytest.mark.parametrize("recipe", ["plain", "tied"])
@pytest.mark.parametrize("workers", [1, 2, 3, 9])
def test_the_gradients_of_all_shares_are_those_of_the_batch(workers, recipe):
    columns, whole, shared = Columns(CORPUS.train, 5, 0), make_model(recipe), make_model(recipe)
    together = SharedGradients(LocalCrew(workers), shared, seed=1, threads=1)
    states = own = None
    for window, rows in enumerate([slice(0, 7), slice(7, 12), slice(columns.steps - 1, columns.steps)]):
        inputs, targets = columns.window(rows)
        expected, states = whole.loss_and_gradients(inputs, targets, states, None)
        loss, own = together.loss_and_gradients(inputs, targets, own, window)
        assert loss == pytest.approx(expected, rel=1e-5)
        for name, parameter in whole.parameters.items():
            np.testing.assert_allclose(
                shared.parameters[name].dense_gradient(), parameter.dense_gradient(), rtol=1e-3, atol=1e-6, err_msg=name
            )
        if window < 2:
            for ours, theirs in zip(own, states, strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_training_by_workers_is_that_of_one_process():
    one, many = trained().metrics_, trained(crew=LocalCrew(3)).metrics_
    for ours, theirs in zip(many, one, strict=True):
        assert ours["valid_loss"] == pytest.approx(theirs["valid_loss"], rel=0.02)
        assert ours["tokens"] == theirs["tokens"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_weights_depend_on_no_process(recipe):
    require_equal(trained(recipe, Elsewhere(3)).model_, trained(recipe, LocalCrew(3)).model_)


@pytest.mark.parametrize("recipe", ["dropout", "sampled"])
def test_an_interrupted_training_ends_with_the_same_weights(recipe, tmp_path):
    calls = []

    def interrupt(progress):
        calls.append(progress)
        if len(calls) == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(recipe, LocalCrew(3), tmp_path, interrupt)
    require_equal(trained(recipe, LocalCrew(3), tmp_path).model_, trained(recipe, LocalCrew(3)).model_)
