"""The bootstrap (Efron 1979): how much a figure would differ had other items of the same kind been drawn."""

from collections.abc import Callable

import numpy as np

BLOCK_VALUES = 1 << 22  # numbers of items held at a time: 32 MB


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray], items: int, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Compute a statistic of resamples, each of as many items as there are, drawn with replacement.

    Parameters
    ----------
    statistic
        Given the numbers of the items drawn (r, items), r resamples, returns r values (or rows of values).
    items
        How many there are, at least 1.
    resamples
        How many to draw, at least 1.
    rng

    Returns
    -------
    np.ndarray
        (resamples, ...): the values.
    """
    block = max(1, BLOCK_VALUES // items)
    sizes = [min(block, resamples - start) for start in range(0, resamples, block)]
    return np.concatenate([statistic(rng.integers(items, size=(size, items))) for size in sizes])


def percentile_interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of bootstrap values (percentile method); NaN if there are no finite ones."""
    if np.isnan(values).all():
        return np.nan, np.nan
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
