"""Calls of one object by several threads at once, compared with the same calls one after the other."""

from concurrent.futures import ThreadPoolExecutor

THREADS = 8
ROUNDS = 20


def assert_threads_change_nothing(call):
    """Check that ``call(number)`` gives every thread what it gives without the others."""
    expected = [call(number) for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(ROUNDS):
            assert list(pool.map(call, range(THREADS))) == expected
