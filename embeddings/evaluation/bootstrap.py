"""The bootstrap (Efron 1979): the variation of a statistic over random samples of the items."""

from collections.abc import Callable

import numpy as np

BLOCK_VALUES = 1 << 22  # numbers of items held at a time: 32 MB


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray], items: int, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Compute a statistic of resamples; each draws `items` items with replacement.

    Parameters
    ----------
    statistic : callable
        Takes r resamples as item numbers, (r, items) int64; returns r values or rows of values.
    items : int
        Number of items, at least 1.
    resamples : int
        Number of resamples, at least 1.
    rng : np.random.Generator

    Returns
    -------
    (resamples, ...) array
        Values of the statistic.
    """
    block = max(1, BLOCK_VALUES // items)
    sizes = [min(block, resamples - start) for start in range(0, resamples, block)]
    return np.concatenate([statistic(rng.integers(items, size=(size, items))) for size in sizes])


def percentile_interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of bootstrap values (percentile method); NaN if all values are NaN."""
    if np.isnan(values).all():
        return np.nan, np.nan
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
