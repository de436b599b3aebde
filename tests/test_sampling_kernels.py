"""The kernels behind `RoundedSoftmax` against float64: bounds of the logits, and what the classes are drawn by."""

import os
import subprocess
import sys

import numpy as np
import pytest

from embeddings.language_model.sampling_kernels import LARGEST, LONGEST, exponentials, round_rows, upper_bounds
from embeddings.simd import LANES, SHORTS
from tests.conftest import REPOSITORY

ON_ANOTHER_PROCESSOR = """
import numpy as np
from embeddings import simd
from embeddings.language_model.sampling_kernels import LARGEST, upper_bounds

assert simd._PRODUCTS_OF_SHORTS is None
rng = np.random.default_rng(0)
codes, hidden = rng.integers(-127, 128, (7, 70)).astype(np.int8), rng.normal(0, 1, 70).astype(np.float32)
one, zero, bounds = np.ones(7, np.float32), np.zeros(7, np.float32), np.empty(7, np.float32)
upper_bounds(codes, one, zero, zero, hidden, bounds)
unit = float(np.abs(hidden).max()) / LARGEST
rounded = np.rint(hidden.astype(np.float64) / unit) * unit
np.testing.assert_allclose(bounds, codes.astype(np.float64) @ rounded, rtol=1e-5, atol=1e-3)
"""


def rounded_layer(rng, words, size, columns):
    """Return codes and scales of random weights, the float64 rows that they stand for, and biases."""
    codes = np.zeros((words, columns), np.int8)
    codes[:, :size] = rng.integers(-127, 128, (words, size))
    scales = rng.uniform(1e-3, 1e-2, words).astype(np.float32)
    rows = codes[:, :size] * scales[:, None].astype(np.float64)
    return codes, scales, rows, rng.normal(0, 1, words).astype(np.float32)


@pytest.mark.parametrize("words", [1, 6, 13])
@pytest.mark.parametrize("size", [1, 7, 31, 32, 33, 63, 64, 65, 100, 200])
def test_bounds_are_products_with_a_vector_of_16_bits_and_the_errors_of_its_length(size, words):
    """Registers hold 16 or 32 columns; the last ones may fill none of them."""
    rng = np.random.default_rng(size)
    codes, scales, rows, bias = rounded_layer(rng, words, size, max(size, SHORTS))
    hidden, errors = rng.normal(0, 1, size).astype(np.float32), rng.uniform(0, 1, words).astype(np.float32)
    bias[0] = -np.inf
    bounds = np.empty(words, np.float32)
    largest, found = upper_bounds(codes, scales, bias, errors, hidden, bounds)
    unit = float(np.abs(hidden).max()) / LARGEST
    length = np.linalg.norm(hidden.astype(np.float64))
    expected = rows @ (np.rint(hidden.astype(np.float64) / unit) * unit) + bias + errors * length
    np.testing.assert_allclose(bounds, expected, rtol=1e-5, atol=1e-5)
    assert largest == bounds.max()
    assert found == pytest.approx(length, rel=1e-6)
    assert bounds[0] == -np.inf


@pytest.mark.parametrize("size", [1, 7, 40, 200])
def test_rounded_rows_and_the_errors_of_their_products(size):
    rng = np.random.default_rng(size)
    weight = (rng.normal(0, 1, (20, size)) * 10.0 ** rng.integers(-6, 6, (20, 1))).astype(np.float32)
    weight[3], weight[4] = 0, 1e-38
    codes, scales, errors = np.zeros((20, size), np.int8), np.empty(20, np.float32), np.empty(20, np.float32)
    round_rows(weight, codes, scales, errors)
    np.testing.assert_allclose(scales, np.abs(weight).max(axis=1) / 127, rtol=1e-6, atol=1e-37)
    rounded = codes * scales[:, None].astype(np.float64)
    assert (np.abs(rounded - weight) <= scales[:, None] * 0.5001 + 1e-37).all()
    exact = weight.astype(np.float64)
    least = np.linalg.norm(rounded - exact, axis=1)
    most = least + np.linalg.norm(rounded, axis=1) * np.sqrt(size) / LARGEST + np.linalg.norm(exact, axis=1) * 1e-4
    assert (errors >= least * 0.9999 - 1e-30).all()
    assert (errors <= most * 1.0001).all()


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_largest_codes_and_hidden_states_do_not_overflow_the_sums(sign):
    codes = np.full((1, LONGEST), 127 * sign, np.int8)
    one, zero, bounds = np.ones(1, np.float32), np.zeros(1, np.float32), np.empty(1, np.float32)
    upper_bounds(codes, one, zero, zero, np.ones(LONGEST, np.float32), bounds)
    np.testing.assert_allclose(bounds, sign * 127.0 * LONGEST, rtol=1e-6)
    assert 2 * -(-LONGEST // SHORTS) * 127 * LARGEST < 2**31
    assert SHORTS == 2 * LANES


@pytest.mark.parametrize("scale", [0.0, 1e-38, 1e15])
def test_bounds_of_hidden_states_of_any_size(scale):
    rng = np.random.default_rng(0)
    codes, scales, rows, bias = rounded_layer(rng, 5, 40, 40)
    hidden = (rng.normal(0, 1, 40) * scale).astype(np.float32)
    bounds = np.empty(5, np.float32)
    upper_bounds(codes, scales, bias, np.zeros(5, np.float32), hidden, bounds)
    expected = rows @ hidden.astype(np.float64) + bias
    np.testing.assert_allclose(bounds, expected, rtol=1e-3, atol=scale * 1e-3 + 1e-6)


@pytest.mark.parametrize(("words", "parts"), [(1, 1), (128, 1), (129, 2), (1000, 8), (5, 3)])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_exponentials_and_their_sums(words, parts, temperature):
    logits = np.random.default_rng(words).normal(0, 5, words).astype(np.float32)
    logits[words // 2 :: 3] = -np.inf
    logits[0] = 20
    weights, sums = np.empty(words, np.float32), np.empty(parts)
    exponentials(logits, np.float32(20), np.float32(temperature), weights, sums)
    expected = np.exp((logits.astype(np.float64) - 20) / temperature)
    np.testing.assert_allclose(weights, expected, rtol=1e-5, atol=1e-37)
    assert not weights[logits == -np.inf].any()
    ends = np.minimum(np.arange(1, parts + 1) * -(-words // parts), words)
    np.testing.assert_allclose(sums, np.cumsum(expected)[ends - 1], rtol=1e-5)


def test_processors_without_the_instruction_multiply_alike(tmp_path):
    settings = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    environment = {**os.environ, **settings, "PYTHONPATH": str(REPOSITORY)}
    run = subprocess.run([sys.executable, "-c", ON_ANOTHER_PROCESSOR], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
