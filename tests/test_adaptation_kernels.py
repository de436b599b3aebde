"""Neural cache and dynamic evaluation against float64 references, entry by entry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.language_model.adaptation_kernels import add_squares, dynamic_step
from embeddings.language_model.adapted_reading import AdaptedReader, plain_passages
from embeddings.language_model.dynamic_evaluation import DynamicEvaluation, DynamicSettings, gradient_rms, mean_of
from embeddings.language_model.neural_cache import CacheSettings, NeuralCache, best_weight, mixed
from tests.reference import adaptation as reference
from tests.small_language_model import make_model

TEXT = np.random.default_rng(5).integers(0, 7, 150)
DYNAMIC = DynamicSettings(learning_rate=0.02, decay=0.05, epsilon=0.01, segment=4)


def hidden_before(model, ids):
    """Return the state before each word of a text, as one window."""
    inputs = np.concatenate([[model.eos], ids[:-1]])
    return model.hidden(inputs[:, None])[0][:, 0].copy()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 50),
    st.floats(0, 3),
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
    st.sampled_from([np.float32, np.float64]),
)
def test_the_probabilities_of_a_cache_are_those_of_the_paper(words, size, theta, pieces, dtype):
    rng = np.random.default_rng(words)
    hidden, ids = rng.normal(size=(words, 6)).astype(dtype), rng.integers(0, 4, words)
    cache, found, start = NeuralCache(size), [], 0
    for length in [*pieces, words]:
        piece = slice(start, min(start + length, words))
        if piece.start < piece.stop:
            found.append(cache.read(hidden[piece], ids[piece], [0.0, theta]))
            cache = cache.after(hidden[piece], ids[piece])
        start = piece.stop
    found = np.concatenate(found, axis=1)
    assert np.isnan(found[:, 0]).all()
    assert len(cache) == min(size, words)
    for t in range(1, words):
        kept = slice(max(0, t - size), t)
        expected = [
            reference.cache_probability(hidden[t].astype(float), hidden[kept], ids[kept], ids[t], value)
            for value in (0.0, theta)
        ]
        np.testing.assert_allclose(found[:, t], expected, rtol=2e-5 if dtype == np.float32 else 1e-9, atol=1e-12)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("network", [{}, {"dimension": 3}, {"output": "adaptive", "tie_weights": False}])
def test_a_text_read_with_a_cache_has_the_probabilities_of_the_paper(size, network):
    model = make_model(seed=1, **network)
    cache = CacheSettings(size=size, theta=0.8, weight=0.25)
    read = AdaptedReader(model, cache=cache).read([TEXT])
    hidden, [plain] = hidden_before(model, TEXT), read["plain"]
    expected = reference.cached_log_likelihoods(hidden, TEXT, plain, size=size, theta=0.8, weight=0.25)
    np.testing.assert_allclose(read["cache"][0], expected, rtol=1e-9)
    assert not np.allclose(read["cache"][0], plain)


@pytest.mark.parametrize("decay", [0.0, 0.05, 0.9])
@pytest.mark.parametrize(
    "network", [{}, {"output": "sampled"}, {"dimension": 3}, {"cell": "gru", "tie_weights": False}]
)
def test_dynamic_evaluation_takes_the_steps_of_the_paper(decay, network):
    model = make_model(seed=2, **network)
    rms = gradient_rms(model, TEXT, 4)
    chosen = DynamicSettings(learning_rate=0.02, decay=decay, epsilon=0.01, segment=4)
    passages = list(DynamicEvaluation(model, chosen, rms).passages(TEXT[:42]))
    constants = {"learning_rate": 0.02, "decay": decay, "epsilon": 0.01}

    follower = model.copy()
    trained = {name: p.value.copy() for name, p in follower.trainable_parameters.items()}
    weights, states = dict(trained), None
    inputs = np.concatenate([[model.eos], TEXT[:41]])
    for start, passage in zip(range(0, 42, 4), passages, strict=True):
        for name, parameter in follower.trainable_parameters.items():
            parameter.value[...] = weights[name]
        piece = slice(start, min(start + 4, 42))
        arguments = inputs[piece, None], TEXT[:42][piece, None], states
        expected, _ = follower.log_likelihood(*arguments)
        _, states = follower.loss_and_gradients(*arguments, None)
        np.testing.assert_allclose(passage.log_p, expected[:, 0], rtol=1e-8)
        np.testing.assert_array_equal(passage.words, TEXT[piece])
        gradients = {name: p.dense_gradient().copy() for name, p in follower.trainable_parameters.items()}
        weights = reference.dynamic_step(weights, trained, gradients, rms, **constants)
    assert max(abs(weights[name] - trained[name]).max() for name in trained) > 1e-3


def test_the_root_mean_square_of_gradients_is_that_of_windows():
    model = make_model(seed=3)
    text = TEXT[:128]
    found = gradient_rms(model, text, 2)
    columns, squares = text.reshape(32, 4).T, []
    inputs, states = np.vstack([np.concatenate([[0], text[3:-1:4]]), columns[:-1]]), None
    for window in (slice(0, 2), slice(2, 4)):
        _, states = model.loss_and_gradients(inputs[window], columns[window], states, None)
        squares.append({name: p.dense_gradient() ** 2 for name, p in model.parameters.items()})
    for name, values in found.items():
        np.testing.assert_allclose(values, np.sqrt((squares[0][name] + squares[1][name]) / 2), rtol=1e-9)


def test_a_step_and_a_sum_of_squares_in_float32_are_those_in_float64():
    rng = np.random.default_rng(0)
    value, gradient, trained = (rng.normal(size=(5, 33)) for _ in range(3))
    rms = abs(rng.normal(size=(5, 33)))
    mean = mean_of({"a": rms})
    single = [array.astype(np.float32) for array in (value, gradient, rms, trained)]
    dynamic_step(*single, (0.1, 0.7 / mean, 0.2), (0, 5))
    expected = reference.dynamic_step(
        *({"a": array} for array in (value, trained, gradient, rms)), learning_rate=0.1, decay=0.7, epsilon=0.2
    )
    np.testing.assert_allclose(single[0], expected["a"], rtol=1e-4, atol=1e-5)
    sums = np.ones((5, 33), np.float32)
    add_squares(single[1], sums, (1, 4))
    np.testing.assert_allclose(sums[1:4], 1 + gradient[1:4] ** 2, rtol=1e-5)
    assert (sums[[0, 4]] == 1).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_best_weight_of_a_mixture_is_better_than_all_others(seed):
    rng = np.random.default_rng(seed)
    log_p, other = np.log(rng.dirichlet(np.ones(60))), rng.dirichlet(np.full(60, 0.3))
    other[0] = np.nan
    weight = best_weight(log_p, other)
    best = mixed(log_p, other, weight).mean()
    for another in np.linspace(0, 1, 21):
        assert mixed(log_p, other, another).mean() <= best + 1e-9
    assert mixed(log_p, other, weight)[0] == log_p[0]


def test_a_passage_is_read_as_the_whole_text_is():
    model = make_model(seed=4)
    passages = list(plain_passages(model, TEXT))
    words = np.concatenate([passage.words for passage in passages])
    np.testing.assert_array_equal(words, TEXT)
