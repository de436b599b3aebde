"""The map of a vocabulary as the Parquet table that Embedding Atlas opens (https://apple.github.io/embedding-atlas)."""

from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from embeddings.vectors.word_map import WordMap
from vecmill.extras import needs

if TYPE_CHECKING:
    import pyarrow as pa

ENDING = ".parquet"  # by which Embedding Atlas knows the format
OPTIONS = "--text word --x x --y y --neighbors neighbors"
"""Options with which ``embedding-atlas FILE`` opens the table."""


def write_embedding_atlas(file: BinaryIO, layout: WordMap, counts: np.ndarray | None = None) -> None:
    """Write a map as a table with the columns ``word``, ``count``, ``x``, ``y``, ``cluster`` and ``neighbors``.

    A cluster is the words that name it. ``neighbors`` holds ``ids``, numbers of rows from 0, and ``distances``, 1 minus
    the cosine in all dimensions, nearest first.

    Parameters
    ----------
    file : BinaryIO
    layout : WordMap
    counts : (n,) int64, optional
        Without them, there is no column ``count``.

    Raises
    ------
    MissingExtraError
        pyarrow is not installed.
    """
    with needs("parquet", "the format embedding-atlas"):
        import pyarrow as pa
        from pyarrow.parquet import write_table

    distances = np.maximum(1 - layout.similarities, 0).astype(np.float32)
    neighbors = {"ids": _lists(layout.neighbors.astype(np.int32)), "distances": _lists(distances)}
    names = pa.array([", ".join(name) for name in layout.cluster_names])
    columns = {
        "word": pa.array(layout.words, pa.string()),
        **({} if counts is None else {"count": pa.array(counts, pa.int64())}),
        "x": pa.array(layout.positions[:, 0], pa.float32()),
        "y": pa.array(layout.positions[:, 1], pa.float32()),
        "cluster": names.take(pa.array(layout.clusters)),
        "neighbors": pa.StructArray.from_arrays(list(neighbors.values()), list(neighbors)),
    }
    write_table(pa.table(columns), file, compression="zstd")


def _lists(rows: np.ndarray) -> "pa.ListArray":
    """Return rows (n, k) as n lists."""
    import pyarrow as pa

    ends = np.arange(len(rows) + 1, dtype=np.int32) * rows.shape[1]
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(rows.ravel()))
