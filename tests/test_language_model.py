"""The language model: gradients, E as a start, files."""

import copy
import json
import pickle

import numpy as np
import pytest

from embeddings import EmbeddingsError, WordVectors
from embeddings.language_model.config import FORMER_NAMES, LanguageModelConfig
from embeddings.language_model.model import LanguageModel
from embeddings.language_model.training_config import LMTrainingConfig
from embeddings.networks import Parameter
from embeddings.networks.initial_embedding import TRAINED_STD, initial_embedding
from embeddings.text.vocabulary import EOS, UNK
from tests.reference.recurrent import assert_gradient
from tests.small_language_model import WORDS, make_model, make_vocabulary
from tests.threads_at_once import assert_threads_change_nothing
from vecmill.errors import OutputError

STEPS, BATCH = 5, 3


CASES = {
    "tied": {},
    "untied": {"tie_weights": False},
    "tied, projected": {"dimension": 3},
    "untied, other sizes": {"tie_weights": False, "dimension": 3, "last_hidden_size": 2},
    "awd": {
        "dimension": 3,
        "last_hidden_size": 5,
        "layers": 3,
        "dropout_input": 0.3,
        "dropout_hidden": 0.3,
        "dropout_output": 0.3,
        "embedding_dropout": 0.3,
        "weight_drop": 0.3,
        "activation_regularization": 2.0,
        "temporal_activation_regularization": 1.0,
    },
    "dropout at each step": {
        "dropout_input": 0.3,
        "dropout_hidden": 0.3,
        "dropout_output": 0.3,
        "variational": False,
    },
    "gru, sampled": {"cell": "gru", "output": "sampled", "num_sampled": 4},
    "rnn, adaptive": {"cell": "rnn", "output": "adaptive", "tie_weights": False},
    "frozen": {"freeze_embedding": True, "tie_weights": False},
}


def penalty(model, rng):
    """AR and TAR written down once more, for outputs with the masks that the last window had."""
    raw, _ = model._forward(model.inputs, model.states, rng)
    mask = model._drawn_mask("output", model.config.dropout_output, raw, rng)
    dropped = raw if mask is None else raw * mask
    activation = model.config.activation_regularization * np.mean(dropped**2)
    return activation + model.config.temporal_activation_regularization * np.mean((raw[1:] - raw[:-1]) ** 2)


@pytest.mark.parametrize("case", CASES)
def test_gradients_of_the_whole_model_are_central_differences(case):
    model = make_model(**CASES[case])
    rng = np.random.default_rng(1)
    for parameter in model.parameters.values():
        parameter.value[...] = rng.normal(0, 0.5, parameter.value.shape)
    inputs, targets = rng.integers(0, len(WORDS), (2, STEPS, BATCH))
    targets[-1, 0] = -1
    _, states = model.hidden(inputs)
    model.inputs, model.states = inputs, states

    def loss():
        if model.config.output == "sampled":
            model.output.rng = np.random.default_rng(3)
        value, _ = model.loss_and_gradients(inputs, targets, states, np.random.default_rng(2))
        return value

    loss()
    arrays = {name: p.value for name, p in model.trainable_parameters.items()}
    gradients = {name: p.dense_gradient().copy() for name, p in model.trainable_parameters.items()}
    assert_gradient(lambda: loss() + penalty(model, np.random.default_rng(2)), arrays, gradients, rng)


def test_a_frozen_embedding_is_not_trained():
    assert "embedding.weight" not in make_model(freeze_embedding=True).trainable_parameters
    assert "embedding.weight" in make_model().trainable_parameters


def test_the_first_predictions_are_the_word_frequencies():
    model = make_model()
    model.embedding.weight.value[...] = 0
    log_p, _ = model.log_probabilities(np.array([0]))
    counts = model.vocabulary.counts
    np.testing.assert_allclose(np.exp(log_p[0]), counts / counts.sum(), rtol=1e-12)


@pytest.mark.parametrize("output", ["full", "sampled", "adaptive"])
def test_likelihoods_are_normalised_and_those_of_all_words(output):
    model = make_model(output=output, tie_weights=False)
    ids = np.array([1, 5])
    log_p, states = model.log_probabilities(ids)
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1, rtol=1e-9)
    after, _ = model.log_probabilities(np.array([2, 3]), states)
    found, _ = model.log_likelihood(np.array([[1, 5], [2, 3]]), np.array([[2, 3], [4, -1]]))
    np.testing.assert_allclose(found, [log_p[[0, 1], [2, 3]], [after[0, 4], 0]], rtol=1e-9)


def vectors(words, dimension, seed=0, offset=0.0):
    matrix = np.random.default_rng(seed).normal(offset, 2.0, (len(words), dimension)).astype(np.float32)
    return WordVectors(make_vocabulary(words), matrix)


@pytest.mark.parametrize("dimension", [4, 6])
def test_angles_between_centred_vectors_are_kept_in_as_many_dimensions_or_more(dimension):
    E = vectors(["dog", "other", "cat", "sat", "mat"], 4, offset=3.0)
    start, alignment = initial_embedding(make_vocabulary(), E, dimension, np.random.default_rng(0))
    assert alignment.missing == [EOS, "the", UNK]
    assert alignment.missing_share == pytest.approx((7 + 6 + 3) / 28)
    assert alignment.rows.tolist() == [-1, -1, 2, 0, -1, 3, 4]
    known = [2, 3, 5, 6]
    centred = E.matrix[[2, 0, 3, 4]] - E.matrix[[2, 0, 3, 4]].mean(axis=0)
    expected = centred @ centred.T
    found = start[known] @ start[known].T
    np.testing.assert_allclose(found / found[0, 0], expected / expected[0, 0], rtol=1e-4, atol=1e-4)
    assert np.sqrt(np.mean(start[known] ** 2)) == pytest.approx(TRAINED_STD)


def test_fewer_dimensions_keep_the_principal_components():
    E = vectors(WORDS, 3)
    start, alignment = initial_embedding(make_vocabulary(), E, 2, np.random.default_rng(0))
    assert alignment.missing == []
    u, s, _ = np.linalg.svd(E.matrix - E.matrix.mean(axis=0))
    nearest = (u[:, :2] * s[:2] ** 2) @ u[:, :2].T  # of all rank-two matrices
    found = start @ start.T
    np.testing.assert_allclose(found / np.trace(found), nearest / np.trace(nearest), atol=1e-5)


def test_words_are_found_in_lower_case():
    start, alignment = initial_embedding(
        make_vocabulary([EOS, UNK, "Cat"]), vectors(["cat", "dog"], 2), 2, np.random.default_rng(0)
    )
    assert alignment.rows.tolist() == [-1, -1, 0]
    assert start.shape == (3, 2)


@pytest.mark.parametrize(
    ("config", "settings"),
    [
        (LanguageModelConfig, {"hidden_size": "3"}),
        (LanguageModelConfig, {"layers": 1.5}),
        (LanguageModelConfig, {"tie_weights": 1}),
        (LanguageModelConfig, {"cell": 1}),
        (LMTrainingConfig, {"epochs": 1.5}),
        (LMTrainingConfig, {"clip": "1"}),
        (LMTrainingConfig, {"patience": True}),
    ],
)
def test_settings_of_another_type_are_refused(config, settings):
    name, value = next(iter(settings.items()))
    with pytest.raises(TypeError, match=rf"{name} is {value!r} \({type(value).__name__}\); expected a?"):
        config(**settings)


def test_words_that_are_none_are_not_named_as_missing():
    _, alignment = initial_embedding(
        make_vocabulary([EOS, UNK, ".", "``", "cat", "zebra", "3rd"]), vectors(["cat"], 2), 2, np.random.default_rng(0)
    )
    assert str(alignment).endswith("start at random: zebra, 3rd")


@pytest.mark.parametrize(
    ("known", "words", "rows"),
    [
        (["in", "0000", "00th"], ["In", "1984", "19TH", "٣٣٣٣", "0000"], [0, 1, 2, 1, 1]),
        (["in", "0000", "1984"], ["1984", "1985"], [2, -1]),  # digits that are not folded
        (["in", "Route00", "route00"], ["Route66", "ROUTE66"], [1, 2]),
    ],
)
def test_words_are_found_with_the_digits_of_the_vectors(known, words, rows):
    _, alignment = initial_embedding(make_vocabulary(words), vectors(known, 2), 2, np.random.default_rng(0))
    assert alignment.rows.tolist() == rows


def test_embeddings_of_other_words_or_with_nan_are_refused():
    with pytest.raises(EmbeddingsError, match="none of the 7 words"):
        initial_embedding(make_vocabulary(), vectors(["chat", "chien"], 2), 2, np.random.default_rng(0))
    E = vectors(WORDS, 2)
    E.matrix = E.matrix.copy()
    E.matrix[3] = np.nan
    with pytest.raises(EmbeddingsError, match="'dog' holds NaN"):
        initial_embedding(make_vocabulary(), E, 2, np.random.default_rng(0))


@pytest.mark.parametrize("case", ["tied", "tied, projected", "rnn, adaptive"])
def test_what_is_saved_comes_back(case, tmp_path):
    model = make_model(dtype=np.float32, **CASES[case])
    model.tokenizer_settings = {"spec": "fast", "lowercase": False, "punctuation": True, "fold_digits": False}
    model.save(tmp_path / "lm")
    again = LanguageModel.load(tmp_path / "lm")
    assert again.config == model.config
    assert again.vocabulary == model.vocabulary
    assert again.make_tokenizer().tokenize("A b.") == [["A", "b", "."]]
    for name, parameter in model.parameters.items():
        np.testing.assert_array_equal(again.parameters[name].value, parameter.value)
    assert (again.parameters["embedding.weight"] is again.output.parameters.get("weight")) == model.config.tie_weights


def test_a_model_of_an_earlier_version_is_read(tmp_path):
    model = make_model(dtype=np.float32, dimension=3)
    model.save(tmp_path / "lm")
    path = tmp_path / "lm" / "language_model.json"
    about = json.loads(path.read_text())
    about["model"] |= {former: about["model"].pop(present) for former, present in FORMER_NAMES.items()}
    path.write_text(json.dumps(about))
    assert LanguageModel.load(tmp_path / "lm").config == model.config


def test_files_that_do_not_fit_are_refused_with_the_field(tmp_path):
    make_model(dtype=np.float32).save(tmp_path / "lm")
    with pytest.raises(OutputError, match="exists"):
        make_model(dtype=np.float32).save(tmp_path / "lm")
    about = json.loads((tmp_path / "lm" / "language_model.json").read_text())
    about["model"]["hidden_size"] = 5
    (tmp_path / "lm" / "language_model.json").write_text(json.dumps(about))
    with pytest.raises(EmbeddingsError, match=r"embedding\.weight is "):
        LanguageModel.load(tmp_path / "lm")
    (tmp_path / "lm" / "model.safetensors").write_bytes(b"no")
    with pytest.raises(EmbeddingsError, match="damaged"):
        LanguageModel.load(tmp_path / "lm")
    with pytest.raises(EmbeddingsError, match="not a language model"):
        LanguageModel.load(tmp_path)


def test_a_vocabulary_without_eos_is_refused():
    with pytest.raises(EmbeddingsError, match="<eos>"):
        make_model(words=["a", "b", UNK])


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"cell": "lstn"}, "cell"),
        ({"output": "adaptive"}, "tie_weights"),
        ({"layers": 0}, "layers"),
        ({"layers": 101}, "layers must be at most 100"),
        ({"dropout_input": 1.0}, "dropout_input"),
        ({"temporal_activation_regularization": -1.0}, "temporal_activation_regularization"),
    ],
)
def test_settings_out_of_range_are_refused(settings, named):
    with pytest.raises(ValueError, match=named):
        LanguageModelConfig(**settings)


def test_parameters_are_named_once():
    model = make_model(dimension=3)
    assert sorted(model.parameters) == [
        "embedding.weight",
        "output.bias",
        "output.projection",
        *(f"rnn.{name}_l{layer}" for name in ("bias", "weight_hh", "weight_ih") for layer in (0, 1)),
    ]
    assert all(isinstance(parameter, Parameter) for parameter in model.parameters.values())


def test_a_model_shows_its_size():
    model = make_model(hidden_size=1200, layers=2, cell="gru")
    assert repr(model) == f"LanguageModel({len(model.vocabulary)} words, 2 layers of 1,200 units (gru))"


TEXTS = ["the cat sat", "dog", "the mat the dog sat the cat", "cat mat"]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize(
    "use",
    [
        lambda model, texts: model.score(texts).tolist(),
        lambda model, texts: model.perplexity(texts),
        lambda model, texts: model.next_words(texts),
        lambda model, texts: model.next_words(texts[0]),
        lambda model, texts: [states.tolist() for states in model.hidden_states(texts)],
        lambda model, texts: model.generate(texts[0], 20, seed=len(texts), stop_at_line_end=False),
        lambda model, texts: model.generate(texts[0], 4, beam=len(texts)),
    ],
    ids=["score", "perplexity", "next words", "next words of one", "hidden states", "generate", "beam"],
)
def test_threads_may_use_one_model(cell, use):
    """Layers keep the values of their last input: threads read those of each other, or wrote past their ends."""
    model = make_model(cell=cell, hidden_size=64, dtype=np.float32)
    assert_threads_change_nothing(lambda number: use(model, (TEXTS * 3)[: 1 + number]))


def test_a_copy_and_a_pickle_give_the_same():
    model = make_model()
    for other in (copy.deepcopy(model), model.copy(), pickle.loads(pickle.dumps(model))):
        assert other.score(TEXTS).tolist() == model.score(TEXTS).tolist()
