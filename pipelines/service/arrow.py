"""Responses to batches as Arrow streams."""

import importlib.util
from itertools import chain
from typing import Any

import numpy as np

from pipelines.service import messages as m

ARROW_STREAM = "application/vnd.apache.arrow.stream"


def is_installed() -> bool:
    """Return whether Arrow can be written."""
    return importlib.util.find_spec("pyarrow") is not None


def stream(response: Any) -> bytes:
    """Return a response as an Arrow IPC stream.

    Parameters
    ----------
    response : NeighborsOfAll, Vectors or EmbeddedTexts
        Neighbours become the columns word, rank, neighbor, similarity; vectors the columns word and vector, or vector.

    Returns
    -------
    bytes
    """
    import pyarrow as pa

    if isinstance(response, m.NeighborsOfAll):
        columns = _neighbors(response, pa)
    elif isinstance(response, m.Vectors):
        columns = {"word": pa.array(response.words, pa.string()), "vector": _vectors(response.vectors, pa)}
    else:
        columns = {"vector": _vectors(response.vectors, pa)}
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _neighbors(response: m.NeighborsOfAll, pa: Any) -> dict[str, Any]:
    counts = [len(result.neighbors) for result in response.results]
    found = list(chain.from_iterable(result.neighbors for result in response.results))
    words = chain.from_iterable([result.word] * count for result, count in zip(response.results, counts, strict=True))
    return {
        "word": pa.array(words, pa.string()),
        "rank": pa.array(chain.from_iterable(range(1, count + 1) for count in counts), pa.int32()),
        "neighbor": pa.array([near.word for near in found], pa.string()),
        "similarity": pa.array([near.similarity for near in found], pa.float32()),
    }


def _vectors(rows: list[list[float]], pa: Any) -> Any:
    matrix = np.array(rows, np.float32)
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1] if len(matrix) else 1)
