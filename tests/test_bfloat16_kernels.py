"""Products of matrices that are rounded to bfloat16."""

import ast
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import config

from embeddings import bfloat16, parallel, tiles
from embeddings.networks import products
from embeddings.networks.cells import CELLS
from embeddings.networks.layers import RecurrentLayer
from embeddings.packed_matrices import packed_left, packed_right
from embeddings.parallel import using_threads

EPSILON = 2.0**-8
"""Largest relative error of rounding to bfloat16."""

pytestmark = pytest.mark.skipif(
    not bfloat16.AVAILABLE and not config.DISABLE_JIT, reason="this processor is not faster with numbers of bfloat16"
)


@pytest.fixture(autouse=True)
def available(monkeypatch):
    monkeypatch.setattr(bfloat16, "AVAILABLE", True)


def to_bfloat16(values):
    """Round to 8 bits of significand, ties to even, in float64."""
    significand, exponent = np.frexp(np.asarray(values, np.float64))
    return np.ldexp(np.round(significand * 2**8), exponent - 8)


def matrix(rng, rows, columns, layout):
    """A matrix of contiguous rows or columns, a part of a larger one, or every second column of one."""
    if layout == "columns":
        return rng.standard_normal((columns, rows), np.float32).T
    if layout == "part":
        return rng.standard_normal((rows, columns + 5), np.float32)[:, 3 : columns + 3]
    if layout == "strided":
        return rng.standard_normal((rows, 2 * columns), np.float32)[:, ::2]
    return rng.standard_normal((rows, columns), np.float32)


def product(left, right, out, add=False):
    a, b = packed_left(left), packed_right(right.T)
    bfloat16.multiply(a, b, out, add, (0, len(a)), (0, len(b)))
    return out


LAYOUTS = st.sampled_from(["rows", "columns", "part", "strided"])
SIZES = st.integers(1, 70)


@settings(deadline=None, max_examples=60)
@given(SIZES, st.integers(1, 90), SIZES, LAYOUTS, LAYOUTS, st.booleans(), st.integers(0, 2**32 - 1))
def test_a_product_is_that_of_the_rounded_numbers(n, k, m, left_layout, right_layout, add, seed):
    rng = np.random.default_rng(seed)
    left, right = matrix(rng, n, k, left_layout), matrix(rng, k, m, right_layout)
    frame = rng.standard_normal((n + 2, m + 3), np.float32)
    before = frame.copy()
    product(left, right, frame[1:-1, 2:-1], add)
    a, b = to_bfloat16(left), to_bfloat16(right)
    expected = before.astype(np.float64)
    expected[1:-1, 2:-1] = a @ b + (before[1:-1, 2:-1] if add else 0)
    bound = 1e-6 + 3e-7 * k
    np.testing.assert_allclose(frame, expected, rtol=0, atol=bound * 6)


def test_long_sums_are_added_up_block_by_block():
    rng = np.random.default_rng(3)
    left, right = matrix(rng, 12, 2500, "rows"), matrix(rng, 2500, 40, "rows")
    found = product(left, right, np.full((12, 40), np.nan, np.float32))
    np.testing.assert_allclose(found, to_bfloat16(left) @ to_bfloat16(right), rtol=0, atol=1e-3)


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_numbers_are_rounded_to_the_nearest_ties_to_even(layout):
    halves = np.arange(2**15, dtype=np.uint32)[::7] << np.uint32(16)
    bits = np.concatenate([halves + offset for offset in (0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF)]).astype(np.uint32)
    values = bits.view(np.float32)
    values = values[np.isfinite(values) & (np.abs(values) > 1e-37) & (np.abs(values) < 1e38)]
    numbers = np.concatenate([values, -values])
    both = np.stack([numbers, numbers[::-1]], axis=1)
    words = packed_right(both if layout == "rows" else np.asfortranarray(both))[:, 0].ravel()
    found = np.stack([words << np.uint32(16), words & np.uint32(0xFFFF0000)], axis=1).view(np.float32)
    np.testing.assert_array_equal(found[: len(both)], to_bfloat16(both).astype(np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_so(value):
    left, right = np.ones((40, 40), np.float32), np.ones((40, 40), np.float32)
    left[3, 5] = value
    found = product(left, right, np.empty((40, 40), np.float32))
    np.testing.assert_array_equal(found[3], np.full(40, value, np.float32))
    np.testing.assert_array_equal(np.delete(found, 3, axis=0), 40)


def test_a_step_of_a_recurrent_network_changes_its_rows_alone():
    rng = np.random.default_rng(4)
    h, weight = np.zeros((23, 64), np.float32), rng.standard_normal((200, 50), np.float32)
    h[:, :50] = rng.standard_normal((23, 50))
    out = rng.standard_normal((23, 208), np.float32)
    before = out.copy()
    bfloat16.add_product(h, packed_right(weight), out[:, :200], (4, 17))
    np.testing.assert_array_equal(np.delete(out, range(4, 17), axis=0), np.delete(before, range(4, 17), axis=0))
    expected = before[4:17, :200] + to_bfloat16(h[4:17, :50]) @ to_bfloat16(weight).T
    np.testing.assert_allclose(out[4:17, :200], expected, atol=1e-4)
    np.testing.assert_array_equal(out[:, 200:], before[:, 200:])


def test_only_the_context_rounds_and_only_float32():
    rng = np.random.default_rng(5)
    left, right = rng.standard_normal((70, 60), np.float32), rng.standard_normal((60, 80), np.float32)
    exact = parallel.product(left, right)
    np.testing.assert_array_equal(products.product(left, right), exact)
    with products.in_bfloat16():
        found = products.product(left, right)
        double = products.product(left.astype(np.float64), right.astype(np.float64))
        with products.in_bfloat16(False):
            np.testing.assert_array_equal(products.product(left, right), exact)
    assert 0 < np.abs(found - exact).max() <= 2.1 * EPSILON * (np.abs(left) @ np.abs(right)).max()
    np.testing.assert_array_equal(double, parallel.product(left.astype(np.float64), right.astype(np.float64)))


@pytest.mark.parametrize("shape", [(400, 70, 90), (90, 70, 400)])
def test_threads_do_not_change_a_product(shape):
    n, k, m = shape
    rng = np.random.default_rng(6)
    left, right = rng.standard_normal((n, k), np.float32), rng.standard_normal((k, m), np.float32)
    found = []
    for threads in (1, 2, 3):
        with using_threads(threads), products.in_bfloat16():
            found.append(products.product(left, right))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn", "mingru"])
def test_a_layer_in_bfloat16_is_near_that_in_float64(name):
    def run(dtype, rounds):
        layer = RecurrentLayer(CELLS[name](), 80, 72, rng=np.random.default_rng(7), dtype=dtype)
        rng = np.random.default_rng(8)
        inputs, d_output = (rng.standard_normal((7, 10, size)).astype(dtype) for size in (80, 72))
        with products.in_bfloat16(rounds):
            outputs, _ = layer.forward(inputs, lengths=np.array([7, 3, 7, 0, 7, 5, 7, 1, 2, 7]))
            outputs = outputs.copy()
            d_inputs, d_states = layer.backward(d_output)
        gradients = {key: parameter.gradient for key, parameter in layer.parameters.items()}
        return {"outputs": outputs, "inputs": d_inputs, "state": d_states[0][0], **gradients}

    exact, found = run(np.float64, False), run(np.float32, True)
    for key, values in exact.items():
        error = np.linalg.norm(found[key] - values) / np.linalg.norm(values)
        assert 1e-5 < error < 0.02 or key.startswith("bias"), (key, error)


def python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("setting", ["NUMBA_CPU_NAME=generic", "NUMBA_CPU_FEATURES=+avx2", "NUMBA_ENABLE_AVX=0"])
def test_code_for_other_processors_does_not_use_the_instruction(setting):
    name, _, value = setting.partition("=")
    assert python("from embeddings import bfloat16; print(bfloat16.AVAILABLE)", **{name: value}) == "False"


@pytest.mark.skipif(not tiles.CHOSEN, reason="this processor has no matrix unit")
def test_the_matrix_unit_is_not_used_without_permission():
    """Linux kills a process that uses it nevertheless: every search for neighbours and every product goes without."""
    code = """
import numpy as np
from embeddings import tiles
tiles.permitted = lambda: False
from embeddings import bfloat16
from embeddings.networks import products
from embeddings.vectors.neighbors import nearest
from embeddings.vectors.rounded_matrix import RoundedMatrix
rows = np.eye(200, 40, dtype=np.float32) + np.float32(0.01)
rows /= np.linalg.norm(rows, axis=1, keepdims=True)
nearest(rows, rows[:3], 2), nearest(rows, rows, 2), RoundedMatrix(rows).nearest(rows[:3], 2)
with products.in_bfloat16():
    products.product(rows, rows.T)
print(bfloat16.AVAILABLE)
"""
    assert python(code) == "False"


@pytest.mark.skipif(not tiles.CHOSEN, reason="this processor has no matrix unit, so that the other tests use vectors")
def test_vectors_and_the_matrix_unit_have_the_same_products():
    code = """
import numpy as np
from embeddings import tiles
from embeddings.networks import products
rng = np.random.default_rng(9)
left, right = rng.standard_normal((75, 650), np.float32), rng.standard_normal((200, 650), np.float32).T
with products.in_bfloat16():
    found = products.product(left, right), products.product(right.T, left.T)
print(tiles.CHOSEN, [np.round(each, 3).tolist() for each in found])
"""
    of_vectors, of_tiles = python(code, NUMBA_CPU_NAME="znver4"), python(code)
    found = [
        np.concatenate([np.ravel(each) for each in ast.literal_eval(out.split(" ", 1)[1])])
        for out in (of_vectors, of_tiles)
    ]
    assert of_vectors.startswith("False") and of_tiles.startswith("True")
    np.testing.assert_allclose(*found, rtol=0, atol=2e-3)
