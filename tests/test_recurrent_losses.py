"""Losses: full, adaptive and sampled softmax equal their equations; probabilities sum to one."""

import numpy as np
import pytest

from embeddings.networks import (
    AdaptiveSoftmax,
    LogUniformNoise,
    Parameter,
    RowGradient,
    SampledSoftmax,
    SoftmaxCrossEntropy,
    UnigramNoise,
    losses,
)
from embeddings.networks.kernels import softmax_cross_entropy
from tests.reference import recurrent as reference

ROWS, SIZE, WORDS = 11, 4, 30


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, WORDS, ROWS)
    targets[[2, 5]] = -1
    return rng.standard_normal((WORDS, SIZE)), rng.standard_normal(WORDS), rng.standard_normal((ROWS, SIZE)), targets


def adaptive(rng=None, **options):
    return AdaptiveSoftmax(SIZE, WORDS, [5, 12], rng=rng or np.random.default_rng(1), **options)


def test_softmax_cross_entropy_is_what_the_equation_says(data):
    weight, bias, hidden, targets = data
    loss = SoftmaxCrossEntropy(Parameter(weight), Parameter(bias))
    expected = reference.mean_loss(lambda h: reference.log_softmax(weight @ h + bias), hidden, targets)
    assert loss.value_and_gradient(hidden, targets)[0] == pytest.approx(expected, rel=1e-12)
    assert -loss.log_likelihood(hidden, targets).sum() / (targets >= 0).sum() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_improbable_classes_are_zero_and_not_subnormal(dtype):
    lowest = np.log(np.finfo(dtype).tiny)
    logits = np.append(np.linspace(0, 3 * lowest, 1_000), -np.inf).astype(dtype)
    expected = np.exp(logits.astype(np.float64))
    expected *= 1e-3 / expected.sum()
    for target in (0, 1_000):
        scaled, d_bias = logits[None].copy(), np.zeros_like(logits)
        biases = (np.zeros_like(logits), np.where(np.isinf(logits), lowest, 0).astype(dtype))
        softmax_cross_entropy(scaled, biases, np.array([target]), 1e-3, np.zeros(1), d_bias, (0, 1))
        assert not np.any((d_bias != 0) & (np.abs(d_bias) < np.finfo(dtype).tiny))
        np.testing.assert_array_equal(scaled[0], d_bias)
        scaled[0, target] += 1e-3
        np.testing.assert_allclose(scaled[0], expected, rtol=1e-4, atol=1e-3 * np.finfo(dtype).eps)


def test_adaptive_softmax_is_what_the_equation_says(data):
    _, _, hidden, targets = data
    loss = adaptive(dtype=np.float64, divisor=2.0)
    parameters = {name: p.value for name, p in loss.parameters.items()}
    expected = reference.mean_loss(
        lambda h: reference.adaptive_log_probabilities(parameters, [5, 12], h), hidden, targets
    )
    assert loss.value_and_gradient(hidden, targets)[0] == pytest.approx(expected, rel=1e-12)
    assert -loss.log_likelihood(hidden, targets).sum() / (targets >= 0).sum() == pytest.approx(expected, rel=1e-12)


class Fixed(LogUniformNoise):
    """Draws the same words each time."""

    drawn = np.array([3, 8, 8, 0, 21, 8])

    def sample(self, rng, count):
        return self.drawn


def test_sampled_softmax_is_what_the_equation_says(data):
    weight, bias, hidden, targets = data
    targets[0], targets[1] = 8, 3  # accidental hits
    noise = Fixed(WORDS)
    loss = SampledSoftmax(Parameter(weight), Parameter(bias), noise=noise, num_sampled=6, rng=np.random.default_rng(0))
    log_q = noise.log_probability(np.arange(WORDS))
    expected = reference.sampled_loss(weight, bias, hidden, targets, noise.drawn, log_q)
    assert loss.value_and_gradient(hidden, targets)[0] == pytest.approx(expected, rel=1e-12)


def test_sampled_softmax_touches_only_some_rows(data):
    weight, bias, hidden, targets = data
    loss = SampledSoftmax(
        Parameter(weight), Parameter(bias), noise=Fixed(WORDS), num_sampled=6, rng=np.random.default_rng(0)
    )
    loss.value_and_gradient(hidden, targets)
    for parameter in loss.parameters.values():
        assert isinstance(parameter.gradient, RowGradient)
        np.testing.assert_array_equal(parameter.gradient.rows, np.union1d(Fixed.drawn, targets[targets >= 0]))


def test_sampled_softmax_nears_the_full_one_with_many_samples(data):
    weight, bias, hidden, targets = data
    full = SoftmaxCrossEntropy(Parameter(weight), Parameter(bias))
    noise = UnigramNoise(np.arange(WORDS, 0, -1))
    sampled = SampledSoftmax(
        Parameter(weight), Parameter(bias), noise=noise, num_sampled=200_000, rng=np.random.default_rng(0)
    )
    value, d_hidden = full.value_and_gradient(hidden, targets)
    sampled_value, sampled_d_hidden = sampled.value_and_gradient(hidden, targets)
    assert sampled_value == pytest.approx(value, rel=0.02)
    np.testing.assert_allclose(sampled_d_hidden, d_hidden, atol=0.02)
    np.testing.assert_allclose(
        sampled.parameters["weight"].dense_gradient(), full.parameters["weight"].dense_gradient(), atol=0.02
    )
    np.testing.assert_array_equal(sampled.log_likelihood(hidden, targets), full.log_likelihood(hidden, targets))


def test_sampled_softmax_trains_on_all_words_when_told_to(data):
    weight, bias, hidden, targets = data
    rng = np.random.default_rng(0)
    sampled = SampledSoftmax(Parameter(weight), Parameter(bias), noise=Fixed(WORDS), num_sampled=6, rng=rng)
    full = SoftmaxCrossEntropy(Parameter(weight), Parameter(bias))
    sampled.full = True
    for ours, theirs in zip(*(loss.value_and_gradient(hidden, targets) for loss in (sampled, full)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for name, parameter in full.parameters.items():
        np.testing.assert_array_equal(sampled.parameters[name].gradient, parameter.gradient)


@pytest.mark.parametrize("make", [lambda w, b: SoftmaxCrossEntropy(w, b), lambda w, b: adaptive(dtype=np.float64)])
def test_probabilities_sum_to_one_and_agree(data, make):
    weight, bias, hidden, _ = data
    loss = make(Parameter(weight), Parameter(bias))
    log_probabilities = loss.log_probabilities(hidden)
    assert log_probabilities.shape == (ROWS, WORDS)
    np.testing.assert_allclose(np.exp(log_probabilities).sum(axis=1), 1.0, rtol=1e-12)
    for word in range(WORDS):
        found = loss.log_likelihood(hidden, np.full(ROWS, word))
        np.testing.assert_allclose(found, log_probabilities[:, word], rtol=1e-10)


def test_blocks_give_what_one_product_gives(data, monkeypatch):
    weight, bias, hidden, targets = data
    whole, pieces = (SoftmaxCrossEntropy(Parameter(weight), Parameter(bias)) for _ in range(2))
    value, d_hidden = whole.value_and_gradient(hidden, targets)
    likelihood = whole.log_likelihood(hidden, targets)
    monkeypatch.setattr(losses, "LARGEST_BLOCK", 4 * WORDS)
    value_in_pieces, d_hidden_in_pieces = pieces.value_and_gradient(hidden, targets)
    assert value_in_pieces == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(d_hidden_in_pieces, d_hidden, atol=1e-12)
    np.testing.assert_allclose(pieces.log_likelihood(hidden, targets), likelihood, atol=1e-12)
    for name in ("weight", "bias"):
        np.testing.assert_allclose(pieces.parameters[name].gradient, whole.parameters[name].gradient, atol=1e-12)


@pytest.mark.parametrize(("rows", "classes"), [(1, 1), (3, 7), (11, 30), (4, 64)])
def test_likelihoods_do_not_depend_on_the_blocks_that_are_read(data, monkeypatch, rows, classes):
    weight, bias, hidden, targets = data
    pairs = zip(hidden, targets, strict=True)
    expected = [reference.log_softmax(weight @ h + bias)[y] if y >= 0 else 0 for h, y in pairs]
    monkeypatch.setattr(losses, "_FEW_ROWS", 0)
    monkeypatch.setattr(losses, "_ROWS_READ", rows)
    monkeypatch.setattr(losses, "_CLASSES_READ", classes)
    found = SoftmaxCrossEntropy(Parameter(weight), Parameter(bias)).log_likelihood(hidden, targets)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_likelihoods_of_many_words_in_single_precision():
    rng = np.random.default_rng(0)
    weight, hidden = rng.standard_normal((1300, 20)), 3 * rng.standard_normal((700, 20))
    targets = rng.integers(0, 1300, 700)
    loss = SoftmaxCrossEntropy(Parameter(weight.astype(np.float32)))
    logits = hidden @ weight.T
    expected = logits[np.arange(700), targets] - np.logaddexp.reduce(logits, axis=1)
    np.testing.assert_allclose(loss.log_likelihood(hidden.astype(np.float32), targets), expected, atol=5e-5)


def test_large_logits_do_not_overflow():
    hidden = np.array([[100.0, -100.0]], np.float32)
    loss = SoftmaxCrossEntropy(Parameter(np.array([[30, 0], [0, 30], [0, 0]], np.float32)))
    assert loss.value_and_gradient(hidden, np.array([0]))[0] == pytest.approx(0.0, abs=1e-6)
    assert loss.value_and_gradient(hidden, np.array([1]))[0] == pytest.approx(6000.0)
    np.testing.assert_allclose(loss.log_likelihood(hidden[[0, 0]], np.array([0, 1])), [0, -6000])


def test_not_a_number_shows_in_the_loss():
    weight = np.zeros((70, 2), np.float32)
    weight[40] = np.nan
    value, _ = SoftmaxCrossEntropy(Parameter(weight)).value_and_gradient(np.ones((1, 2), np.float32), np.array([3]))
    assert np.isnan(value)
    assert np.isnan(SoftmaxCrossEntropy(Parameter(weight)).log_likelihood(np.ones((1, 2), np.float32), np.array([3])))


def test_nothing_but_padding_is_no_loss(data):
    weight, _, hidden, _ = data
    value, d_hidden = SoftmaxCrossEntropy(Parameter(weight)).value_and_gradient(hidden, np.full(ROWS, -1))
    assert value == 0.0
    assert not d_hidden.any()


@pytest.mark.parametrize("noise", [LogUniformNoise(50), UnigramNoise(np.arange(50, 0, -1) ** 2, 0.75)])
def test_noise_is_drawn_with_its_probabilities(noise):
    probabilities = np.exp(noise.log_probability(np.arange(50)))
    assert probabilities.sum() == pytest.approx(1.0)
    drawn = np.bincount(noise.sample(np.random.default_rng(0), 100_000), minlength=50)
    assert len(drawn) == 50
    deviation = (drawn - 100_000 * probabilities) / np.sqrt(100_000 * probabilities)
    assert np.abs(deviation).max() < 4.5


def test_unigram_noise_follows_counts_and_exponent():
    noise = UnigramNoise(np.array([16, 1, 0]), 0.5)
    np.testing.assert_allclose(np.exp(noise.log_probability(np.arange(3))), [4 / 6, 1 / 6, 1 / 6])


def test_target_out_of_range_is_an_error(data):
    weight, _, hidden, _ = data
    with pytest.raises(IndexError, match="target 30 for a softmax over 30 classes"):
        SoftmaxCrossEntropy(Parameter(weight)).value_and_gradient(hidden, np.full(ROWS, WORDS))


@pytest.mark.parametrize("cutoffs", [[], [5, 5], [0, 5], [5, WORDS]])
def test_bad_cutoffs_are_an_error(cutoffs):
    with pytest.raises(ValueError, match="expected increasing numbers from 1 to 29"):
        AdaptiveSoftmax(SIZE, WORDS, cutoffs, rng=np.random.default_rng(0))


def test_no_samples_are_an_error(data):
    with pytest.raises(ValueError, match="0 noise words"):
        SampledSoftmax(Parameter(data[0]), noise=Fixed(WORDS), num_sampled=0, rng=np.random.default_rng(0))


def test_gradients_do_not_depend_on_which_thread_ends_first(monkeypatch):
    rng = np.random.default_rng(0)
    hidden, targets = rng.normal(size=(90, 6)).astype(np.float32), rng.integers(0, 50, 90)
    weight = rng.normal(size=(50, 6)).astype(np.float32)

    def d_bias(order):
        def over_rows(work, count, cost, grain=1):
            for start in order:
                work((start, start + 30))

        monkeypatch.setattr(losses, "over_rows", over_rows)
        bias = Parameter(np.zeros(50, np.float32))
        SoftmaxCrossEntropy(Parameter(weight), bias).value_and_gradient(hidden, targets)
        return bias.gradient

    np.testing.assert_array_equal(d_bias([0, 30, 60]), d_bias([60, 0, 30]))
