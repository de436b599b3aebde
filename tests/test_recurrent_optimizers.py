"""Optimizers: steps by hand, gradients of rows as dense ones, clipping, averages, restored states."""

import numpy as np
import pytest

from embeddings.networks import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    AveragedSGD,
    Momentum,
    Parameter,
    RMSProp,
    RowGradient,
    global_norm,
)
from embeddings.networks.averaging import EVERY, WeightAverage
from embeddings.training import TrainingDiverged


def after(optimizer_class, gradients, **options):
    """Value of a weight that starts at 1 after steps with these gradients, learning rate 0.1."""
    parameter = Parameter(np.array([[1.0]]))
    optimizer = optimizer_class({"w": parameter}, 0.1, **options)
    for gradient in gradients:
        parameter.gradient = np.array([[gradient]])
        optimizer.step()
    return parameter.value.item()


def test_steps_by_hand():
    assert after(SGD, [2.0, 1.0]) == pytest.approx(1 - 0.2 - 0.1)
    assert after(SGD, [2.0], weight_decay=0.5) == pytest.approx(1 - 0.1 * (2 + 0.5))
    assert after(Momentum, [2.0, 1.0], momentum=0.5) == pytest.approx(1 - 0.1 * 2 - 0.1 * (0.5 * 2 + 1))
    assert after(Momentum, [2.0], momentum=0.5, nesterov=True) == pytest.approx(1 - 0.1 * (2 + 0.5 * 2))
    assert after(Adagrad, [3.0, 4.0]) == pytest.approx(1 - 0.1 * 3 / 3 - 0.1 * 4 / 5)
    assert after(RMSProp, [2.0], smoothing=0.75) == pytest.approx(1 - 0.1 * 2 / 1)
    assert after(Adam, [2.0]) == pytest.approx(1 - 0.1)
    # m = 0.5·0.5·3 + 0.5·1 = 1.25, corrected by 1 - 0.5²; s = 0.75·0.25·9 + 0.25·1, corrected by 1 - 0.75²
    second = (1.25 / 0.75) / np.sqrt((0.75 * 0.25 * 9 + 0.25) / (1 - 0.75**2))
    assert after(Adam, [3.0, 1.0], betas=(0.5, 0.75)) == pytest.approx(1 - 0.1 - 0.1 * second)
    assert after(AdamW, [2.0], weight_decay=0.5) == pytest.approx(1 * (1 - 0.1 * 0.5) - 0.1)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_gradient_of_all_rows_is_a_dense_one(name):
    rng = np.random.default_rng(0)
    start = rng.standard_normal((5, 3))
    dense, rows = Parameter(start.copy()), Parameter(start.copy())
    one, other = OPTIMIZERS[name]({"w": dense}, 0.1), OPTIMIZERS[name]({"w": rows}, 0.1)
    for _ in range(3):
        dense.gradient = rng.standard_normal((5, 3))
        rows.gradient = RowGradient(np.arange(5), dense.gradient)
        assert one.step(0.5) == pytest.approx(other.step(0.5))
    np.testing.assert_allclose(rows.value, dense.value, rtol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rows_without_gradient_stay_as_they_are(name):
    parameter = Parameter(np.ones((6, 2), np.float32))
    optimizer = OPTIMIZERS[name]({"w": parameter}, 0.1, weight_decay=0.1)
    for rows in ([0, 2], [2, 5]):
        parameter.gradient = RowGradient(np.array(rows), np.ones((2, 2), np.float32))
        optimizer.step()
    assert (parameter.value[[1, 3, 4]] == 1).all()
    assert (parameter.value[[0, 2, 5]] < 1).all()
    for array in optimizer.state.values():
        assert not array[[1, 3, 4]].any()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_they_find_the_minimum(name):
    rng = np.random.default_rng(0)
    target = rng.standard_normal((4, 3)).astype(np.float32)
    parameter = Parameter(np.zeros_like(target))
    optimizer = OPTIMIZERS[name]({"w": parameter}, 0.1)
    for step in range(300):
        parameter.gradient = parameter.value - target
        optimizer.learning_rate = 0.1 * 0.99**step
        optimizer.step()
    assert parameter.value.dtype == np.float32
    np.testing.assert_allclose(parameter.value, target, atol=0.02 if name != "adagrad" else 1.0)


def test_vectors_with_row_gradients():
    parameter = Parameter(np.ones(4))
    parameter.gradient = RowGradient(np.array([1, 3]), np.array([1.0, 2.0]))
    SGD({"b": parameter}, 0.1).step()
    np.testing.assert_allclose(parameter.value, [1, 0.9, 1, 0.8])


def test_clipping_keeps_the_direction_and_limits_the_norm():
    parameters = {"a": Parameter(np.zeros((2, 2))), "b": Parameter(np.zeros(3)), "unused": Parameter(np.ones(2))}
    parameters["a"].gradient = RowGradient(np.array([1]), np.array([[3.0, 0.0]]))
    parameters["b"].gradient = np.array([0.0, 4.0, 0.0])
    assert global_norm(parameters) == pytest.approx(5.0)
    assert SGD(parameters, 1.0).step(max_norm=2.5) == pytest.approx(5.0)
    np.testing.assert_allclose(parameters["a"].value, [[0, 0], [-1.5, 0]], rtol=1e-6)
    np.testing.assert_allclose(parameters["b"].value, [0, -2, 0], rtol=1e-6)
    np.testing.assert_array_equal(parameters["unused"].value, [1, 1])


def test_small_gradients_are_not_scaled_up():
    parameter = Parameter(np.zeros(1))
    parameter.gradient = np.array([0.5])
    SGD({"w": parameter}, 1.0).step(max_norm=2.0)
    assert parameter.value[0] == -0.5


def test_tied_weights_are_updated_once():
    parameter = Parameter(np.zeros(2))
    parameter.gradient = np.array([3.0, 4.0])
    optimizer = SGD({"embedding": parameter, "output": parameter}, 0.1)
    assert optimizer.step(max_norm=100.0) == pytest.approx(5.0)
    np.testing.assert_allclose(parameter.value, [-0.3, -0.4])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_divergence_is_said_and_changes_nothing(bad):
    parameter = Parameter(np.ones(2))
    parameter.gradient = np.array([bad, 1.0])
    optimizer = SGD({"w": parameter}, 20.0)
    with pytest.raises(TrainingDiverged, match="gradient is not finite after 0 steps: lower the learning rate"):
        optimizer.step(0.25)
    np.testing.assert_array_equal(parameter.value, [1, 1])


@pytest.mark.parametrize("decay", [0.5, 0.99, 0.9999])
def test_an_exponential_average_is_its_equation(decay):
    rng, weights = np.random.default_rng(4), {"w": Parameter(np.zeros((3, 2))), "b": Parameter(np.zeros(2))}
    average, expected, steps = WeightAverage(weights, decay), {"w": 0.0, "b": 0.0}, 57
    with average.in_place():
        assert not weights["w"].value.any()
    for step in range(1, steps + 1):
        for name, parameter in weights.items():
            parameter.value += rng.normal(size=parameter.value.shape)
            if step % EVERY == 0:
                share = max(1 - decay**EVERY, EVERY / step)
                expected[name] = (1 - share) * expected[name] + share * parameter.value
        average.step()
    own = {name: parameter.value.copy() for name, parameter in weights.items()}
    with average.in_place():
        for name, parameter in weights.items():
            np.testing.assert_allclose(parameter.value, expected[name], rtol=1e-12)
    for name, parameter in weights.items():
        np.testing.assert_array_equal(parameter.value, own[name])
    with pytest.raises(ValueError, match="other weights"):
        average.restore({"w": np.zeros((3, 2))}, steps)


def test_the_average_starts_when_validation_no_longer_improves():
    parameter = Parameter(np.zeros(1))
    optimizer = AveragedSGD({"w": parameter}, 1.0, patience=2)
    assert [optimizer.validated(loss) for loss in (5.0, 4.0, 4.5, 3.9, 4.2)] == [False] * 4 + [True]
    for gradient in (-1.0, -2.0, -3.0):  # the weight is 1, then 3, then 6
        parameter.gradient = np.array([gradient])
        optimizer.step()
    with optimizer.averages():
        assert parameter.value[0] == pytest.approx((1 + 3 + 6) / 3)
    assert parameter.value[0] == pytest.approx(6)


def test_without_an_average_the_weights_are_those_of_sgd():
    parameter = Parameter(np.ones(1))
    optimizer = AveragedSGD({"w": parameter}, 1.0)
    with optimizer.averages():
        assert parameter.value[0] == 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_restored_optimizer_goes_on_the_same(name):
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((6, 4))

    def run(parameter, optimizer, steps):
        for gradient in steps:
            parameter.gradient = gradient.copy()
            if isinstance(optimizer, AveragedSGD):
                optimizer.validated(float(optimizer.steps))
            optimizer.step()

    through = Parameter(np.zeros(4))
    whole = OPTIMIZERS[name]({"w": through}, 0.1)
    run(through, whole, gradients)
    first = Parameter(np.zeros(4))
    optimizer = OPTIMIZERS[name]({"w": first}, 0.1)
    run(first, optimizer, gradients[:3])
    second = Parameter(first.value.copy())
    resumed = OPTIMIZERS[name]({"w": second}, 0.7)
    resumed.restore({key: array.copy() for key, array in optimizer.state.items()}, optimizer.numbers())
    run(second, resumed, gradients[3:])
    np.testing.assert_array_equal(second.value, through.value)
    assert resumed.numbers() == whole.numbers()


def test_state_of_other_parameters_is_refused():
    optimizer = Adam({"w": Parameter(np.zeros(4))})
    other = Adam({"w": Parameter(np.zeros(5))})
    with pytest.raises(ValueError, match=r"'w.mean': \(5,\) in the checkpoint, \(4,\) here"):
        optimizer.restore(other.state, other.numbers())


def test_a_learning_rate_must_be_positive():
    with pytest.raises(ValueError, match="learning rate 0"):
        SGD({}, 0.0)
