"""Approximate nearest neighbours through usearch (extra `ann`), for vocabularies of millions of words.

The exact search of `WordVectors.neighbors` reads every vector for every query; this index searches a graph of
neighbours (HNSW; Malkov & Yashunin 2018) and may miss some. `NeighborIndex.recall` measures the fraction found.
"""

import importlib
import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.vectors.embedding_matrix import Word
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import require_path
from vecmill.files import atomic_file


class NeighborIndex:
    """HNSW index of word vectors; construct it with `build` or `load`.

    Parameters
    ----------
    vectors : WordVectors
        The indexed vectors.
    index : usearch.index.Index
        Index whose keys are word ids.
    """

    def __init__(self, vectors: WordVectors, index: Any) -> None:
        self.vectors = vectors
        self._index = index

    @classmethod
    def build(
        cls,
        vectors: WordVectors,
        connectivity: int = 16,
        expansion_add: int = 128,
        expansion_search: int = 64,
        threads: int = 0,
    ) -> Self:
        """Index all words.

        Parameters
        ----------
        vectors : WordVectors
        connectivity : int
            Edges per node (HNSW's M); more edges increase recall and memory.
        expansion_add, expansion_search : int
            Candidates kept while a word is added or searched (ef_construction, ef_search); more candidates increase
            recall and time.
        threads : int
            0 uses all cores. The graph is reproducible only with one thread.

        Returns
        -------
        NeighborIndex

        Raises
        ------
        EmbeddingsError
            usearch is not installed.
        """
        units = np.asarray(vectors.unit_matrix)
        return cls(vectors, build_graph(units, connectivity, expansion_add, expansion_search, threads))

    @classmethod
    def load(cls, path: str | os.PathLike[str], vectors: WordVectors, expansion_search: int = 64) -> Self:
        """Open an index that `save` wrote; the file is memory-mapped.

        Parameters
        ----------
        path : path
        vectors : WordVectors
            The indexed vectors.
        expansion_search : int
            As in `build`; the file does not store it.

        Returns
        -------
        NeighborIndex

        Raises
        ------
        EmbeddingsError
            The file is missing, damaged or indexes other vectors, or usearch is not installed.
        """
        require_path("path", path)
        index = open_graph(str(path), str(path), expansion_search)
        if (len(index), index.ndim) != vectors.matrix.shape:
            raise EmbeddingsError(
                f"{path} indexes {len(index):,} vectors of {index.ndim} dimensions, the model has {len(vectors):,} "
                f"of {vectors.dimension}; build the index anew from this model"
            )
        return cls(vectors, index)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index with its vectors to one file, atomically."""
        with atomic_file(path) as file:
            self._index.save(file.name)

    def neighbors(self, words: Sequence[Word], topn: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """Find the approximate neighbours of many words.

        Parameters
        ----------
        words : sequence of str or int
            n words or ids.
        topn : int
            Neighbours per word, at least 1.

        Returns
        -------
        ids : (n, k) int32
            As `WordVectors.neighbors`; -1 where the graph yields fewer neighbours.
        similarities : (n, k) float32
            Cosines; -inf where the id is -1.

        Raises
        ------
        ValueError
            `topn` is below 1.
        """
        if topn < 1:
            raise ValueError(f"topn is {topn}; expected 1 or more")
        rows = self.vectors.places(words)
        k = min(topn, len(self.vectors) - 1)
        units = self.vectors.unit_vectors(words) if len(rows) else np.empty((0, self.vectors.dimension), np.float32)
        ids, similarities = search_graph(self._index, units, k + 1)
        own = ids == rows[:, None]
        ids[own], similarities[own] = -1, -np.inf
        order = np.argsort(ids < 0, axis=1, kind="stable")[:, :k]  # the word itself and the gaps go to the end
        return np.take_along_axis(ids, order, axis=1), np.take_along_axis(similarities, order, axis=1)

    def recall(self, words: Sequence[Word], topn: int = 10) -> float:
        """Return the fraction of the exact `topn` neighbours of the words that the index finds, from 0 to 1."""
        exact, _ = self.vectors.neighbors(words, topn)
        found, _ = self.neighbors(words, topn)
        return float((exact[:, :, None] == found[:, None, :]).any(axis=2).mean())


def build_graph(
    units: np.ndarray, connectivity: int = 16, expansion_add: int = 128, expansion_search: int = 64, threads: int = 0
) -> Any:
    """Index unit vectors by their rows; see `NeighborIndex.build`.

    Parameters
    ----------
    units : (n, d) float32
    connectivity, expansion_add, expansion_search, threads : int

    Returns
    -------
    usearch.index.Index

    Raises
    ------
    EmbeddingsError
        usearch is not installed.
    """
    graph = _usearch().Index(
        ndim=units.shape[1],
        metric="cos",
        dtype="f32",
        connectivity=connectivity,
        expansion_add=expansion_add,
        expansion_search=expansion_search,
    )
    graph.add(np.arange(len(units), dtype=np.uint64), units, threads=threads)
    return graph


def open_graph(stored: str | np.ndarray, name: str, expansion_search: int = 64) -> Any:
    """Open an index that was saved, without reading all of it.

    Parameters
    ----------
    stored : str or (b,) uint8
        Path of its file, or its bytes.
    name : str
        Of the file, for messages.
    expansion_search : int
        As in `NeighborIndex.build`.

    Returns
    -------
    usearch.index.Index

    Raises
    ------
    EmbeddingsError
        The index is missing or damaged, or usearch is not installed.
    """
    try:
        graph = _usearch().Index.restore(stored, view=True)
    except (RuntimeError, ValueError) as error:
        raise EmbeddingsError(f"{name} is not a whole usearch index ({error}); build it anew") from error
    if graph is None:
        raise EmbeddingsError(f"{name} is missing or not a usearch index; build one and save it there")
    graph.expansion_search = expansion_search
    return graph


def search_graph(graph: Any, units: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the vectors nearest to each of some others.

    Parameters
    ----------
    graph : usearch.index.Index
    units : (n, d) float32
    count : int
        Vectors to find for each.

    Returns
    -------
    ids : (n, count) int32
        Rows, best first; -1 where the graph yields fewer.
    similarities : (n, count) float32
        Cosines; -inf where the id is -1.
    """
    ids, similarities = np.full((len(units), count), -1, np.int32), np.full((len(units), count), -np.inf, np.float32)
    if len(units):
        found = graph.search(units, count)
        width = found.keys.shape[-1]  # one vector gives one-dimensional results
        used = np.arange(width) < np.reshape(found.counts if found.keys.ndim == 2 else width, (-1, 1))
        ids[:, :width][used] = np.broadcast_to(found.keys, used.shape)[used]
        similarities[:, :width][used] = 1 - np.broadcast_to(found.distances, used.shape)[used]
    return ids, similarities


def _usearch() -> Any:
    try:
        return importlib.import_module("usearch.index")
    except ImportError as error:
        raise EmbeddingsError("usearch is not installed; run: pip install 'vecmill[ann]'") from error
