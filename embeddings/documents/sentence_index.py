"""An index of sentences: vectors of unit length, their nearest neighbours, and a file that keeps them.

========= ================================================================================================
about     JSON: version, weighting, number of sentences, and what the index belongs to
places    int64 (m,), the numbers of the sentences that have a vector
component float32 (d,), the common component of SIF; of length 0 for means
vectors   float32 (m, d); or instead of them
graph     uint8, an HNSW graph of usearch with the vectors (extra `ann`)
========= ================================================================================================

These are the tensors of a safetensors file, which is mapped into memory.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.formats.safetensors_file import open_tensors, write_header
from embeddings.formats.static_embedding import unit_rows
from embeddings.vectors.ann import build_graph, open_graph, search_graph
from embeddings.vectors.neighbors import nearest
from embeddings.vectors.postprocessing import (
    common_component,
    mean_sentence_vectors,
    remove_component,
    weighted_sentence_vectors,
)
from embeddings.vectors.word_vectors import WordVectors
from vecmill.files import atomic_file
from vecmill.records import fits

SIF = "sif"
_VERSION = 1
_TENSORS = {"about", "places", "component"}


class SentenceIndex:
    """Sentences by the directions of their vectors; construct it with `build` or `load`.

    Parameters
    ----------
    vectors : WordVectors
        The vectors of the words.
    weighting : {"mean", "sif"}
    count : int
        Number of sentences.
    places : (m,) int64
        Numbers of the sentences that have a vector: those with a known word.
    units : (m, d) float32, optional
        Their vectors, of unit length.
    component : (d,) float32, optional
        The common component that SIF has removed.
    graph : usearch.index.Index, optional
        A graph of the vectors, in place of `units`.
    """

    def __init__(
        self,
        vectors: WordVectors,
        weighting: str,
        count: int,
        places: np.ndarray,
        units: np.ndarray | None = None,
        component: np.ndarray | None = None,
        graph: Any = None,
    ) -> None:
        self.vectors, self.weighting, self.count = vectors, weighting, count
        self._places, self._units, self._component, self._graph = places, units, component, graph
        self._mapped: np.ndarray | None = None  # the bytes of a graph from a file, which usearch reads

    def __len__(self) -> int:
        return self.count

    @property
    def is_approximate(self) -> bool:
        """Whether a graph is searched, which may miss some of the nearest sentences."""
        return self._graph is not None

    @classmethod
    def build(
        cls,
        vectors: WordVectors,
        batches: Iterable[Sequence[Sequence[str]]],
        *,
        weighting: str = "mean",
        approximate: bool = False,
    ) -> Self:
        """Compute the vectors of sentences.

        Parameters
        ----------
        vectors : WordVectors
        batches : iterable of sequences of sentences
            Sentences of words.
        weighting : {"mean", "sif"}
            As of `vecmill.sentence_vectors`.
        approximate : bool
            Build a graph, for searches among millions of sentences.

        Returns
        -------
        SentenceIndex

        Raises
        ------
        EmbeddingsError
            No sentence has a known word, "sif" is asked of vectors without counts, or usearch is missing.
        """
        if weighting == SIF and not vectors.vocabulary.counts.any():
            raise EmbeddingsError("these vectors have no counts of words, which sif needs; take weighting='mean'")
        embed = weighted_sentence_vectors if weighting == SIF else mean_sentence_vectors
        parts, count = [], 0
        for sentences in batches:
            parts.append(embed(vectors, sentences))
            count += len(sentences)
        matrix = np.concatenate(parts) if parts else np.zeros((0, vectors.dimension), np.float32)
        places = np.flatnonzero(matrix.any(axis=1))
        if not len(places):
            raise EmbeddingsError(f"none of the {count:,} sentences has a word that the vectors know")
        component = common_component(matrix) if weighting == SIF else None
        known = matrix[places]
        units = unit_rows(known if component is None else remove_component(known, component))
        if approximate:
            return cls(vectors, weighting, count, places, None, component, build_graph(units))
        return cls(vectors, weighting, count, places, units, component)

    def search(self, sentences: Sequence[Sequence[str]], topn: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """Find the nearest sentences of others.

        Parameters
        ----------
        sentences : sequence of sequence of str
            n sentences of words.
        topn : int
            Sentences to find for each, at least 1.

        Returns
        -------
        numbers : (n, k) int64
            Best first; -1 where a graph yields fewer.
        similarities : (n, k) float32
            Cosines; NaN for a sentence without a known word.

        Raises
        ------
        ValueError
            `topn` is below 1.
        """
        if topn < 1:
            raise ValueError(f"topn is {topn}; expected 1 or more")
        embed = weighted_sentence_vectors if self.weighting == SIF else mean_sentence_vectors
        queries = embed(self.vectors, sentences)
        unknown = ~queries.any(axis=1)
        if self._component is not None:
            queries = remove_component(queries, self._component)
        queries, k = unit_rows(queries), min(topn, len(self._places))
        if self._graph is not None:
            rows, similarities = search_graph(self._graph, queries, k)
        else:
            assert self._units is not None
            rows, similarities = nearest(self._units, queries, k)
        similarities[unknown] = np.nan
        return np.where(rows < 0, -1, self._places[rows]), similarities

    def save(self, path: str | os.PathLike[str], belongs_to: Mapping[str, str]) -> None:
        """Write the index to a file, atomically.

        Parameters
        ----------
        path : path
        belongs_to : mapping of str to str
            Digests of what the index is made of, by name; `load` compares them.
        """
        about = {"version": _VERSION, "weighting": self.weighting, "count": self.count, "of": dict(belongs_to)}
        component = np.empty(0, np.float32) if self._component is None else self._component
        tensors: dict[str, np.ndarray] = {
            "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
            "places": self._places.astype(np.int64),
            "component": component.astype(np.float32),
        }
        if self._graph is not None:
            tensors["graph"] = np.frombuffer(self._graph.save(None), np.uint8)
        else:
            assert self._units is not None
            tensors["vectors"] = self._units
        names = {"uint8": "U8", "int64": "I64", "float32": "F32"}
        ordered = sorted(tensors.items(), key=lambda entry: -entry[1].itemsize)  # so that numbers are aligned
        with atomic_file(path) as file:
            write_header(file, {name: (names[str(tensor.dtype)], list(tensor.shape)) for name, tensor in ordered})
            for _, tensor in ordered:
                file.write(np.ascontiguousarray(tensor).data)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], vectors: WordVectors, weighting: str, belongs_to: Mapping[str, str]
    ) -> Self:
        """Open an index that `save` wrote.

        Parameters
        ----------
        path : path
        vectors : WordVectors
        weighting : {"mean", "sif"}
            The one that the index must have.
        belongs_to : mapping of str to str
            Digests of what the index must be made of.

        Returns
        -------
        SentenceIndex

        Raises
        ------
        EmbeddingsError
            The file is damaged or no index, or belongs to something else.
        """
        tensors = open_tensors(Path(path))
        about = _about(tensors, path)
        if about.get("version") != _VERSION or not isinstance(about.get("of"), dict):
            raise EmbeddingsError(f"{path} is an index of another version of vecmill; build it anew")
        for name, digest in belongs_to.items():
            if about["of"].get(name) != digest:
                raise EmbeddingsError(f"{path} is the index of another {name}; build it anew, or give its {name}")
        if about.get("weighting") != weighting:
            raise EmbeddingsError(f"{path} is an index of the weighting {about.get('weighting')!r}, not {weighting!r}")
        places, units, graph = tensors["places"], tensors.get("vectors"), tensors.get("graph")
        component = tensors["component"] if weighting == SIF else None
        opened = None if graph is None else open_graph(graph, str(path))
        stored = (len(opened), opened.ndim) if opened is not None else getattr(units, "shape", None)
        whole = places.dtype == np.int64 and stored == (len(places), vectors.dimension)
        whole = whole and (units is None or units.dtype == np.float32)
        if component is not None:
            whole = whole and component.shape == (vectors.dimension,)
        whole = whole and len(places) and places[0] >= 0 and places[-1] < about["count"] and (np.diff(places) > 0).all()
        if not whole:
            raise EmbeddingsError(f"{path} is damaged: its arrays do not fit each other; build it anew")
        index = cls(vectors, weighting, about["count"], places, units, component, opened)
        index._mapped = graph
        return index


def _about(tensors: Mapping[str, np.ndarray], path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what an index says about itself."""
    if not set(tensors) >= _TENSORS:
        raise EmbeddingsError(f"{path} is no index of sentences; expected the file that --index wrote")
    try:
        about = json.loads(tensors["about"].tobytes())
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict) or not fits(about.get("count"), int):
        raise EmbeddingsError(f"{path} is damaged: it does not say what it is; build it anew")
    return about
