"""Schedules and initializers: the rates and variances that their papers and torch have."""

import math

import numpy as np
import pytest

from embeddings.networks import Cosine, OneCycle, ReduceOnPlateau, StepDecay
from embeddings.networks.initializers import (
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    identity,
    orthogonal,
    uniform,
)


def test_step_decay():
    schedule = StepDecay(learning_rate=8.0, every=2, factor=0.5, delay=3)
    assert [schedule(step) for step in range(9)] == [8, 8, 8, 8, 8, 4, 4, 2, 2]


def test_cosine_warms_up_and_goes_down():
    schedule = Cosine(learning_rate=1.0, total=12, warmup=2, final=0.1)
    assert [schedule(0), schedule(1)] == [0.5, 1.0]
    assert schedule(2) == pytest.approx(1.0)
    assert schedule(7) == pytest.approx(0.55)
    assert schedule(12) == schedule(20) == pytest.approx(0.1)


def test_one_cycle_is_torchs():
    schedule = OneCycle(learning_rate=0.5, total=20)
    rates = [schedule(step) for step in range(20)]
    assert rates[0] == pytest.approx(0.5 / 25)
    assert rates[5] == pytest.approx(0.5)
    assert rates[-1] == pytest.approx(0.5 / 25e4)
    assert rates[2] == pytest.approx(0.02 + (0.5 - 0.02) * (1 - math.cos(math.pi * 2 / 5)) / 2)
    assert max(rates) == rates[5]
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=20)
    for step, rate in enumerate(rates):
        assert rate == pytest.approx(theirs.get_last_lr()[0], rel=1e-6), step
        optimizer.step()
        if step < 19:
            theirs.step()


@pytest.mark.parametrize("rising", [0.0, 0.2, 1.0])
def test_one_cycle_of_a_few_steps_is_finite(rising):
    schedule = OneCycle(learning_rate=0.5, total=5, rising=rising)
    assert all(0 < schedule(step) <= 0.5 for step in range(5))


def test_plateau_reduces_the_rate_after_its_patience():
    schedule = ReduceOnPlateau(learning_rate=20.0, factor=0.25, patience=1, lowest=1.0)
    losses = [5.0, 4.0, 4.1, 4.2, 3.9, 3.95, 4.0, 4.0, 4.0]
    assert [schedule.validated(loss) for loss in losses] == [20, 20, 20, 5, 5, 5, 1.25, 1.25, 1.0]


def test_plateau_does_not_take_not_a_number_for_progress():
    schedule = ReduceOnPlateau(learning_rate=1.0)
    schedule.validated(3.0)
    assert schedule.validated(math.nan) == 0.25


@pytest.mark.parametrize(
    ("initializer", "variance"),
    [
        (glorot_uniform, 2 / 300),
        (glorot_normal, 2 / 300),
        (he_uniform, 2 / 100),
        (he_normal, 2 / 100),
        (uniform(0.3), 0.03),
    ],
)
def test_initializers_have_the_variance_of_their_papers(initializer, variance):
    weights = initializer(np.random.default_rng(0), (200, 100))
    assert weights.shape == (200, 100)
    assert weights.mean() == pytest.approx(0, abs=0.01)
    assert weights.var() == pytest.approx(variance, rel=0.05)


@pytest.mark.parametrize("shape", [(6, 6), (6, 3), (3, 6)])
def test_orthogonal_matrices(shape):
    weights = orthogonal(np.random.default_rng(0), shape)
    assert weights.shape == shape
    product = weights @ weights.T if shape[0] <= shape[1] else weights.T @ weights
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-12)


def test_identity():
    np.testing.assert_array_equal(identity(np.random.default_rng(0), (2, 3)), [[1, 0, 0], [0, 1, 0]])
