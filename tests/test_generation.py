"""Generation: distributions that are drawn from, seeds, beams against all sentences there are."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from embeddings.language_model.generation import beam_search, generate, join
from embeddings.language_model.sampling import RoundedSoftmax, SamplingConfig, drawn, probabilities
from tests.small_language_model import make_model

P = np.array([0.4, 0.3, 0.2, 0.1])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, P),
        ({"temperature": 0}, [1, 0, 0, 0]),
        ({"temperature": 0.5}, P**2 / (P**2).sum()),
        ({"top_k": 2}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_k": 9}, P),
        ({"top_p": 0.6}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_p": 0.71}, [4 / 9, 3 / 9, 2 / 9, 0]),
        ({"top_p": 0.1}, [1, 0, 0, 0]),
        ({"top_k": 3, "top_p": 0.5}, [4 / 7, 3 / 7, 0, 0]),
    ],
)
def test_the_distribution_drawn_from(settings, expected):
    found = probabilities(np.log(P) + 3, SamplingConfig(**settings))
    np.testing.assert_allclose(found, expected, atol=1e-12)


@settings(max_examples=100)
@given(
    arrays(np.float64, st.integers(1, 40), elements=st.floats(-30, 0)),
    st.none() | st.integers(1, 50),
    st.floats(0.001, 1.0),
)
def test_the_words_that_are_kept_are_the_most_probable_ones(log_p, top_k, top_p):
    found = probabilities(log_p, SamplingConfig(top_k=top_k, top_p=top_p))
    p = np.exp(log_p - log_p.max())
    order = np.argsort(-p, kind="stable")[:top_k]
    reached = np.cumsum(p[order] / p[order].sum())
    assert found.sum() == pytest.approx(1.0)
    kept = np.count_nonzero(found)
    assert (found[order[:kept]] > 0).all()
    assert reached[kept - 1] >= top_p - 1e-9
    assert kept == 1 or reached[kept - 2] <= top_p + 1e-9


def test_a_word_is_drawn_as_numpy_draws_it():
    p = np.random.default_rng(0).dirichlet(np.full(1000, 0.1))
    ours, numpy = np.random.default_rng(1), np.random.default_rng(1)
    assert [drawn(p, ours) for _ in range(200)] == [numpy.choice(1000, p=p) for _ in range(200)]


SAMPLINGS = [
    {},
    {"temperature": 0.5},
    {"temperature": 3.0},
    {"top_p": 0.8},
    {"top_p": 0.3, "temperature": 2.0},
    {"top_k": 3},
    {"top_k": 5, "top_p": 0.7},
    {"temperature": 1e-300},
]


def layer(seed, words=30, size=40):
    """Return weights, some rows of which 8 bits hold badly, as one number is large; biases; a hidden state."""
    rng = np.random.default_rng(seed)
    weight, hidden = rng.normal(0, 0.3, (words, size)), rng.uniform(-0.5, 0.5, size)
    weight[rng.random(words) < 0.4, 0], hidden[0] = 30, 0.01
    return [array.astype(np.float32) for array in (weight, rng.normal(0, 1, words), hidden)]


@pytest.mark.parametrize("settings", SAMPLINGS)
def test_words_drawn_from_rounded_weights_have_the_probabilities_of_the_exact_ones(settings):
    weight, bias, hidden = layer(1)
    bias[4] = -np.inf
    config, rng = SamplingConfig(**settings), np.random.default_rng(0)
    rounded = RoundedSoftmax(weight, bias, config)
    counts = np.bincount([rounded.draw(hidden, rng) for _ in range(20_000)], minlength=len(weight))
    expected = probabilities(weight.astype(np.float64) @ hidden + bias, config)
    assert counts[4] == 0
    assert set(np.flatnonzero(counts)) <= set(np.flatnonzero(expected))
    np.testing.assert_allclose(counts / counts.sum(), expected, atol=0.015)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("top_p", [0.2, 0.6, 0.95])
def test_the_nucleus_of_rounded_weights_is_that_of_the_exact_ones(seed, top_p):
    weight, bias, hidden = layer(seed)
    config = SamplingConfig(top_p=top_p)
    rounded, seen = RoundedSoftmax(weight, bias, config), set()
    rng = np.random.default_rng(seed)
    for _ in range(300):
        seen.add(rounded.draw(hidden, rng))
    p = probabilities(weight.astype(np.float64) @ hidden + bias, config)
    assert seen <= set(np.flatnonzero(p))
    assert seen >= set(np.flatnonzero(p > 0.05))


@pytest.mark.parametrize("settings", [{"temperature": 0}, {"top_k": 1}])
def test_the_most_probable_word_of_rounded_weights_is_that_of_the_exact_ones(settings):
    rng = np.random.default_rng(0)
    for seed in range(50):
        weight, bias, hidden = layer(seed)
        weight[7] = weight[3] + np.float32(1e-5)  # which 8 bits do not tell apart
        most = int(np.argmax(weight @ hidden + bias))
        assert RoundedSoftmax(weight, bias, SamplingConfig(**settings)).draw(hidden, rng) == most


@settings(max_examples=50)
@given(arrays(np.float32, (5, 9), elements=st.floats(-4, 4, width=32)), st.integers(0, 99))
def test_a_temperature_that_is_too_low_for_the_bounds_and_equal_rows_are_drawn_exactly(weight, seed):
    hidden = np.random.default_rng(seed).normal(0, 1, 9).astype(np.float32)
    config = SamplingConfig(temperature=1e-4)
    p = probabilities(weight @ hidden, config)
    word = RoundedSoftmax(weight, np.zeros(5, np.float32), config).draw(hidden, np.random.default_rng(seed))
    assert p[word] > 0


def test_a_long_text_of_the_most_probable_words_is_that_of_the_exact_weights():
    model, words = make_model(seed=2), []
    config = SamplingConfig(temperature=0)
    found = generate(model, [3], 60, rng=np.random.default_rng(0), config=config, stop_at_eos=False)
    for _ in range(60):
        log_p, _ = model.log_probabilities(np.array([model.eos, 3, *words]))
        log_p[:, model.unk] = -np.inf
        words.append(int(np.argmax(log_p[-1])))
    assert found == words


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -1.0},
        {"temperature": np.inf},
        {"temperature": 1e39},
        {"temperature": np.nan},
        {"top_k": 0},
        {"top_p": 0.0},
        {"top_p": 1.5},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        SamplingConfig(**settings)


def test_a_seed_gives_the_same_text_and_no_unknown_word():
    model = make_model(seed=2)
    texts = [generate(model, [1], 200, rng=np.random.default_rng(5), stop_at_eos=False) for _ in range(2)]
    assert texts[0] == texts[1]
    assert len(texts[0]) == 200
    assert model.unk not in texts[0]
    assert model.eos in texts[0]
    config = SamplingConfig(allow_unknown=True)
    assert model.unk in generate(model, [], 200, rng=np.random.default_rng(5), config=config, stop_at_eos=False)


@pytest.mark.parametrize("temperature", [1e30, 1e38])
def test_a_high_temperature_draws_no_unknown_word_either(temperature):
    config = SamplingConfig(temperature=temperature)
    model = make_model(dtype=np.float32)
    text = generate(model, [1], 200, rng=np.random.default_rng(5), config=config, stop_at_eos=False)
    assert set(text) == set(range(len(model.vocabulary))) - {model.unk}


def test_text_ends_before_eos():
    model = make_model(seed=2)
    for seed in range(20):
        assert model.eos not in generate(model, [], 30, rng=np.random.default_rng(seed))


def test_words_are_drawn_as_the_model_has_them():
    model = make_model(seed=2)
    rng = np.random.default_rng(0)
    config = SamplingConfig(allow_unknown=True)
    drawn = [generate(model, [2], 1, rng=rng, config=config, stop_at_eos=False)[0] for _ in range(3000)]
    _, states = model.log_probabilities(np.array([model.eos]))
    log_p, _ = model.log_probabilities(np.array([2]), states)
    np.testing.assert_allclose(np.bincount(drawn, minlength=7) / 3000, np.exp(log_p[0]), atol=0.04)


def test_a_wide_beam_finds_the_best_of_all_sentences():
    model = make_model(seed=4)
    model.output.parameters["bias"].value[:] = np.random.default_rng(1).normal(0, 1, 7)
    words = [w for w in range(7) if w not in (model.eos, model.unk)]
    sentences = [list(s) for n in range(3) for s in itertools.product(words, repeat=n)]
    scores = []
    for sentence in sentences:
        ids = np.array([*sentence, model.eos])
        log_p, _ = model.log_likelihood(np.array([model.eos, *sentence])[:, None], ids[:, None])
        scores.append(log_p.sum())
    found = beam_search(model, [], 3, width=200)
    table = {tuple(words): score for words, score in found}
    for sentence, score in zip(sentences, scores, strict=True):
        assert table[tuple(sentence)] == pytest.approx(score)
    means = [score / (len(words) + 1) for words, score in found]
    assert means == sorted(means, reverse=True)


def test_a_beam_of_one_takes_the_most_probable_words():
    model = make_model(seed=4)
    greedy = generate(model, [3], 5, rng=np.random.default_rng(0), config=SamplingConfig(temperature=0))
    found, _ = beam_search(model, [3], 5, width=1)[0]
    assert found[: len(greedy)] == greedy
    for width in (0, 10**9):
        with pytest.raises(ValueError, match=f"width {width}: expected 1 to 1,000"):
            beam_search(model, [], 5, width=width)


def test_marks_close_up():
    assert join(["see", "(", "the", "cat", ")", ",", "now", "."]) == "see (the cat), now."
    assert join([]) == ""
