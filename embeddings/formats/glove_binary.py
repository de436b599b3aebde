"""The parameters that GloVe writes with ``-binary``: E, then C, float64, each row with a bias at its end; no words.

The words and their order are those of the file that GloVe's ``vocab_count`` wrote. A word has the vector that GloVe's
own text format has: the sum of its rows of E and C.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embeddings.formats.errors import FormatError
from embeddings.formats.stream import Progress, VectorStream, as_float32, rows_per_block, sliced


@contextmanager
def open_stream(
    path: Path, progress: Progress | None = None, *, counts: Mapping[str, int] | None = None
) -> Iterator[VectorStream]:
    """Open a file for reading.

    Parameters
    ----------
    path : Path
    progress : callable, optional
        Called with the number of bytes of the vectors so far.
    counts : mapping of str to int
        The words in the order of the rows, with their counts.

    Yields
    ------
    VectorStream

    Raises
    ------
    FormatError
        There are no counts, or the file is not of their size.
    """
    if counts is None:
        raise FormatError(f"{path}: a binary file of GloVe has no words; give GloVe's vocabulary file as counts too")
    numbers, rest = divmod(path.stat().st_size, 8 * 2 * len(counts))
    if rest or numbers < 2:
        raise FormatError(
            f"{path}: has {path.stat().st_size} bytes, expected two rows of float64 for each of the {len(counts)} "
            "words of the counts; give the vocabulary file of the same training"
        )
    parameters = np.memmap(path, "<f8", "r", shape=(2, len(counts), numbers))[..., :-1]
    yield VectorStream(
        dimension=numbers - 1,
        count=len(counts),
        blocks=sliced(list(counts), None, _sums(parameters), progress),
    )


def _sums(parameters: npt.NDArray[np.float64]) -> Iterator[npt.NDArray[np.float32]]:
    step = rows_per_block(parameters.shape[2])
    for start in range(0, parameters.shape[1], step):
        yield as_float32(parameters[:, start : start + step].sum(axis=0))
