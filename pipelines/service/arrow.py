"""Responses to batches as Arrow streams.

Columns are made of buffers: `pyarrow.array` imports pandas, which takes 50 MB.
"""

import importlib.util
from collections.abc import Iterable, Sequence
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
        columns = {"word": _strings(response.words, pa), "vector": _vectors(response.vectors, pa)}
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
    ranks = chain.from_iterable(range(1, count + 1) for count in counts)
    return {
        "word": _strings(words, pa),
        "rank": _numbers(np.fromiter(ranks, np.int32), pa),
        "neighbor": _strings([near.word for near in found], pa),
        "similarity": _numbers(np.array([near.similarity for near in found], np.float32), pa),
    }


def _strings(texts: Iterable[str], pa: Any) -> Any:
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def _numbers(values: np.ndarray, pa: Any) -> Any:
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), values.size, [None, pa.py_buffer(values)])


def _vectors(rows: Sequence[Sequence[float]], pa: Any) -> Any:
    matrix = np.array(rows, np.float32)
    return pa.FixedSizeListArray.from_arrays(_numbers(matrix.ravel(), pa), matrix.shape[1] if len(matrix) else 1)
