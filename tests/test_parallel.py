"""Threads: slices make up the whole, results do not depend on the number, errors are raised."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from embeddings import parallel
from embeddings.networks import SGD, DeepRNN, LSTMCell, Parameter, SoftmaxCrossEntropy
from embeddings.threads import thread_count


@pytest.fixture
def three_threads(monkeypatch):
    monkeypatch.setattr(parallel, "SMALLEST_TASK", 1)
    with parallel.using_threads(3):
        yield


@settings(max_examples=50)
@given(st.integers(0, 50), st.integers(0, 1 << 18), st.integers(1, 7), st.integers(1, 9), st.integers(1, 9))
def test_slices_make_up_the_whole(count, cost, grain, pieces, fewest):
    seen = np.zeros(count, int)

    def work(rows):
        assert (rows[1] - rows[0]) % grain == 0 or rows[1] == count
        seen[slice(*rows)] += 1

    parallel.over_rows(work, count, cost, grain, pieces, fewest)
    assert (seen == 1).all()


@pytest.mark.parametrize(("fewest", "slices"), [(1, 15), (50, 6), (100, 3), (1000, 3)])
def test_small_slices_are_made_only_of_large_shares(three_threads, fewest, slices):
    seen = []
    parallel.over_rows(seen.append, 300, 1, grain=10, pieces=5, fewest=fewest)
    assert len(seen) == slices


@pytest.mark.parametrize("shape", [(50, 3, 20), (3, 20, 50), (33, 7, 33), (1, 5, 1)])
def test_products_in_parts(three_threads, shape):
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal(shape[:2]), rng.standard_normal((shape[2], shape[1])).T
    padded = np.full((shape[0], shape[2] + 3), np.nan)
    assert parallel.product(left, right, out=padded[:, : shape[2]]).base is padded
    np.testing.assert_allclose(padded[:, : shape[2]], left @ right, atol=1e-12)
    np.testing.assert_allclose(parallel.product(left, right), left @ right, atol=1e-12)
    assert np.isnan(padded[:, shape[2] :]).all()


def test_items_are_produced_in_order_and_each_is_worked_on_once(three_threads):
    produced, seen = [], []

    def items():
        for number in range(50):
            produced.append(number)
            time.sleep(0)  # let the other threads run
            yield number

    def work(number):
        assert parallel._threads.get() == 1
        seen.append(number)

    parallel.share_items(work, items())
    assert produced == sorted(seen) == list(range(50))


@pytest.mark.parametrize("where", ["work", "items"])
def test_an_error_ends_all_threads_that_share_items(three_threads, where):
    seen = []

    def items():
        for number in range(1_000_000):
            if where == "items" and number == 20:
                raise ValueError("no such item")
            yield number

    def work(number):
        seen.append(number)
        if where == "work" and number == 20:
            raise ValueError("no such work")

    with pytest.raises(ValueError, match="no such"):
        parallel.share_items(work, items())
    assert len(seen) < 1_000_000


def training_step():
    rng = np.random.default_rng(0)
    network = DeepRNN(LSTMCell(), 6, [8, 5], rng=rng, dtype=np.float64)
    loss = SoftmaxCrossEntropy(Parameter(rng.standard_normal((40, 5))), Parameter(np.zeros(40)))
    parameters = {**network.parameters, **loss.parameters}
    outputs, _ = network.forward(rng.standard_normal((6, 17, 6)))
    value, d_hidden = loss.value_and_gradient(outputs.reshape(-1, 5), rng.integers(0, 40, 6 * 17))
    network.backward(d_hidden.reshape(outputs.shape))
    norm = SGD(parameters, 0.1).step(max_norm=0.5)
    return value, norm, {name: parameter.value for name, parameter in parameters.items()}


def test_the_number_of_threads_changes_nothing(monkeypatch):
    with parallel.using_threads(1):
        value, norm, parameters = training_step()
    monkeypatch.setattr(parallel, "SMALLEST_TASK", 1)
    with parallel.using_threads(3):
        value_in_parts, norm_in_parts, parameters_in_parts = training_step()
    assert value_in_parts == pytest.approx(value, rel=1e-12)
    assert norm_in_parts == pytest.approx(norm, rel=1e-12)
    for name, array in parameters.items():
        np.testing.assert_allclose(parameters_in_parts[name], array, atol=1e-13)


def slices_of_ten_rows():
    seen = []
    parallel.over_rows(seen.append, 10, 1)
    return len(seen)


def test_threads_are_a_setting_of_the_context(monkeypatch):
    monkeypatch.setattr(parallel, "SMALLEST_TASK", 1)
    with parallel.using_threads(5):
        with parallel.using_threads(2):
            assert slices_of_ten_rows() == 2
        assert slices_of_ten_rows() == 5
        with ThreadPoolExecutor(1) as other:
            assert other.submit(copy_context().run, slices_of_ten_rows).result() == 5
    with pytest.raises(ValueError, match="threads is 0; expected 1 to 1024"), parallel.using_threads(0):
        pass


def test_the_environment_has_the_default_number_of_threads(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "3")
    assert thread_count(None) == 3
    assert thread_count(2) == 2
    monkeypatch.setenv("NUMBA_NUM_THREADS", "many")
    with pytest.raises(ValueError, match="NUMBA_NUM_THREADS is 'many'; expected a whole number from 1"):
        thread_count(None)


def test_an_error_in_a_thread_is_raised(three_threads):
    def work(rows):
        if rows[0] > 0:
            raise RuntimeError("in a thread")

    with pytest.raises(RuntimeError, match="in a thread"):
        parallel.over_rows(work, 10, 1)


def blas_threads():
    """Threads of the libraries that were loaded with NumPy."""
    ours = {library["filepath"] for library in parallel._blas().info()}
    return {info["filepath"]: info["num_threads"] for info in threadpool_info() if info["filepath"] in ours}


def test_blas_gets_its_threads_back():
    before = blas_threads()
    with parallel.own_threads:
        assert set(blas_threads().values()) <= {1}
        with parallel.own_threads:
            pass
        assert set(blas_threads().values()) <= {1}
    assert blas_threads() == before


def test_blas_is_limited_from_any_thread():
    """Also where another one that still lives did so before; threadpoolctl 3.8 heeds only the first of them."""
    with parallel.own_threads:
        inside = blas_threads()
    before = blas_threads()

    def limited():
        with parallel.own_threads:
            return blas_threads()

    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        for pool in (one, other, one):
            assert pool.submit(limited).result() == inside
            assert blas_threads() == before
        assert limited() == inside
    assert blas_threads() == before
