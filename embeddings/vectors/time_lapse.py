"""A time-lapse of a training: the map of its frequent words at every moment of its history.

The map of the last moment is that of the finished model. From there the moments are laid out backwards, each one from
the one that follows it, so that words move no more than their vectors do, and every word keeps the colour of the
cluster to which it comes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.vectors.history import TrainingHistory
from embeddings.vectors.neighbors import nearest
from embeddings.vectors.word_map import UMAP_NEIGHBORS, WordMap, lay_out, make_word_map
from embeddings.vectors.word_vectors import WordVectors


@dataclass(frozen=True, kw_only=True)
class TimeLapse:
    """The maps of n words at the m moments of a training.

    Attributes
    ----------
    last : WordMap
        The last moment, with clusters and their names.
    positions : (m, n, 2) float32
    neighbors : (m, n, k) int32
        Nearest words by cosine in all dimensions, best first, among the n words.
    similarities : (m, n, k) float32
    trained : (m,) int64
        Words of the text trained by then.
    losses : (m,) float64
        Mean loss since the moment before; NaN where none was measured.
    """

    last: WordMap
    positions: np.ndarray
    neighbors: np.ndarray
    similarities: np.ndarray
    trained: np.ndarray
    losses: np.ndarray

    def __len__(self) -> int:
        return len(self.trained)


def make_time_lapse(
    vectors: WordVectors,
    history: TrainingHistory,
    *,
    words: int = 50_000,
    clusters: int = 20,
    topn: int = 6,
    method: str | None = None,
    seed: int = 1,
    report: Callable[[int, int], object] = lambda done, total: None,
) -> TimeLapse:
    """Lay out every moment of a training.

    Parameters
    ----------
    vectors : WordVectors
        The finished model.
    history : TrainingHistory
        Of its training.
    words : int
        Largest number of words; the history may have fewer.
    clusters : int
        Largest number of clusters.
    topn : int
        Neighbours per word and moment.
    method : {"UMAP", "PCA"}, optional
        See `make_word_map`.
    seed : int
        Seed of UMAP and of k-means.
    report : callable
        Called with the number of moments that are laid out, and of all.

    Returns
    -------
    TimeLapse

    Raises
    ------
    EmbeddingsError
        The history is that of another model, or the model is too small for a map.
    """
    n = min(words, history.words, len(vectors))
    if history.directions.shape[2] != vectors.dimension or history.words > len(vectors):
        raise EmbeddingsError(
            f"the history has {history.words:,} words of {history.directions.shape[2]} dimensions, the model "
            f"{len(vectors):,} of {vectors.dimension}; expected the history of its training"
        )
    last = make_word_map(vectors, words=n, clusters=clusters, topn=topn, method=method, seed=seed)
    wanted = min(max(topn, UMAP_NEIGHBORS - 1), n - 1)
    former, found = last.positions, [(last.positions, last.neighbors, last.similarities)]
    for moment in reversed(range(len(history) - 1)):
        report(len(found), len(history))
        units = history.units(moment, n)
        neighbors, similarities = nearest(units, units, wanted, np.arange(n)[:, None])
        former = lay_out(units, neighbors, similarities, last.method, seed, former)
        found.append((former, neighbors[:, :topn], similarities[:, :topn]))
    positions, near, similar = (np.stack(arrays[::-1]) for arrays in zip(*found, strict=True))
    return TimeLapse(
        last=last,
        positions=positions,
        neighbors=near,
        similarities=similar,
        trained=history.trained,
        losses=history.losses,
    )
