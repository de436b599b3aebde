"""The co-occurrences that GloVe trains on: each pair of words once, in random order, memory-mapped."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embeddings.array_files import ArrayFile, read_array, read_items
from embeddings.count_based.cooccurrence import Cooccurrences
from embeddings.errors import EmbeddingsError

if TYPE_CHECKING:
    from embeddings.text.encoded_corpus import EncodedCorpus

PAIR = np.dtype([("word", "<i4"), ("context", "<i4"), ("count", "<f4")])
UNIT = 720_720
"""Integer weight of neighbouring words: 1/k of it is a whole number for every distance k up to 16."""

PAIRS_FILE = "pairs.npy"
_BUCKETS = 64
_TABLE_SLOTS = 1 << 22


class ShuffledPairs(NamedTuple):
    """Co-occurring words in random order.

    Attributes
    ----------
    vocabulary_size : int
        V.
    pairs : (n,) array of `PAIR`
        Each unordered pair of words once, with the sum of 1 / distance over the text (Pennington et al. 2014, §4.2).
        For a word beside itself that is the entry of the symmetric matrix, twice the sum over its pairs.
    """

    vocabulary_size: int
    pairs: np.ndarray

    @staticmethod
    def open(directory: Path, vocabulary_size: int) -> "ShuffledPairs":
        """Map the pairs that `count_pairs` wrote.

        Parameters
        ----------
        directory : Path
        vocabulary_size : int

        Returns
        -------
        ShuffledPairs

        Raises
        ------
        EmbeddingsError
            The file is damaged, or of another vocabulary.
        """
        pairs = read_array(directory / PAIRS_FILE, mapped=True)
        if pairs.dtype != PAIR or pairs.ndim != 1:
            raise EmbeddingsError(f"{directory / PAIRS_FILE} holds {pairs.dtype}; expected the pairs of train-glove")
        return ShuffledPairs(vocabulary_size, pairs)


def inverse_distance(window: int) -> np.ndarray:
    """Return the weights 1/k of pairs at the distances k = 1 to `window`, in parts of 1 / `UNIT`: (window,) int64."""
    return np.rint(UNIT / np.arange(1, window + 1)).astype(np.int64)


def count_pairs(
    corpus: "EncodedCorpus",
    vocabulary_size: int,
    directory: Path,
    *,
    window: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> ShuffledPairs:
    """Count co-occurrences and write them to ``pairs.npy`` in random order.

    Pairs are dealt to buckets at random, and each bucket is shuffled in memory.

    Parameters
    ----------
    corpus : EncodedCorpus
    vocabulary_size : int
    directory : Path
    window : int
        Words to each side; pairs do not cross lines.
    seed : int
        Of the order.
    progress : callable, optional
        Called with the number of tokens read so far.

    Returns
    -------
    ShuffledPairs

    Raises
    ------
    EmbeddingsError
        No two words stand side by side.
    """
    generator = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(prefix="cooccurrences.", dir=directory) as name:
        runs, buckets = Path(name), [Path(name) / f"{i}.pairs" for i in range(_BUCKETS)]
        counted = Cooccurrences(
            corpus,
            vocabulary_size,
            weights=inverse_distance(window),
            directory=runs,
            progress=progress,
            table_slots=_TABLE_SLOTS,
        )
        _deal(counted, buckets, generator)
        file = ArrayFile(directory / PAIRS_FILE, PAIR)
        try:
            for bucket in buckets:
                file.append(generator.permutation(read_items(bucket, PAIR)))
        finally:
            file.finish()
    if not len(file):
        raise EmbeddingsError("no two words stand side by side; is the corpus long enough?")
    return ShuffledPairs.open(directory, vocabulary_size)


def _deal(counted: Cooccurrences, buckets: list[Path], generator: np.random.Generator) -> None:
    """Write the upper triangle of the counts to the buckets, each pair to one drawn at random."""
    files = [bucket.open("wb") for bucket in buckets]
    try:
        for start, counts in counted.rows():
            rows = np.repeat(np.arange(start, start + counts.shape[0], dtype=np.int32), np.diff(counts.indptr))
            upper = counts.indices >= rows
            pairs = np.empty(np.count_nonzero(upper), PAIR)
            pairs["word"], pairs["context"] = rows[upper], counts.indices[upper]
            pairs["count"] = counts.data[upper] / UNIT
            bucket = generator.integers(0, len(files), len(pairs))
            pairs = pairs[np.argsort(bucket, kind="stable")]
            bounds = np.cumsum(np.bincount(bucket, minlength=len(files)))[:-1]
            for file, part in zip(files, np.split(pairs, bounds), strict=True):
                file.write(part.tobytes())
    finally:
        for file in files:
            file.close()
