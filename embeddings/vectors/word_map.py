"""A vocabulary in two dimensions: positions, clusters with names, and neighbours of every word."""

import importlib.util
import logging
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import kmeans2, vq

from embeddings.errors import EmbeddingsError
from embeddings.vectors.word_vectors import WordVectors

logger = logging.getLogger(__name__)

UMAP, PCA = "UMAP", "PCA"
UMAP_NEIGHBORS = 15  # umap-learn's default, the word itself included
FEWEST_FOR_UMAP = 50  # of fewer words the graph of neighbours says little
CLUSTERED = 10_000  # most frequent words, which the clusters are made from; all others join the nearest
KMEANS_RUNS = 4
NAMING_SHARE = 0.1  # of a cluster's words, its most frequent, of which the most central give it its name
WORDS_IN_NAME = 3
STEM = 5  # letters


@dataclass(frozen=True, kw_only=True)
class WordMap:
    """The n most frequent words of a model in the plane.

    Attributes
    ----------
    words : list of str
    method : str
        ``"UMAP"`` or ``"PCA"``.
    positions : (n, 2) float32
    clusters : (n,) int64
        Number of each word's cluster, from 0; the largest cluster comes first.
    cluster_names : list of list of str
        Frequent words from the middle of each cluster, the most central first.
    neighbors : (n, k) int32
        Nearest words by cosine in all dimensions, best first, among the n words.
    similarities : (n, k) float32
    """

    words: list[str]
    method: str
    positions: np.ndarray
    clusters: np.ndarray
    cluster_names: list[list[str]]
    neighbors: np.ndarray
    similarities: np.ndarray


def umap_is_installed() -> bool:
    """Whether umap-learn can be imported."""
    return importlib.util.find_spec("umap") is not None


def require_umap() -> None:
    """Raise a one-line error if umap-learn is not installed.

    Raises
    ------
    EmbeddingsError
        It is not.
    """
    if not umap_is_installed():
        raise EmbeddingsError(
            "umap-learn is not installed; pip install 'vecmill[map]' brings it, and PCA needs nothing"
        )


def make_word_map(
    vectors: WordVectors,
    *,
    words: int = 50_000,
    clusters: int = 40,
    topn: int = 10,
    method: str | None = None,
    seed: int = 1,
) -> WordMap:
    """Lay out the most frequent words.

    Parameters
    ----------
    vectors : WordVectors
    words : int
        How many, at least 3 of which must exist.
    clusters : int
        At most so many; fewer of small vocabularies.
    topn : int
        Neighbours of each word.
    method : {"UMAP", "PCA"}, optional
        UMAP (McInnes, Healy & Melville 2018) keeps neighbourhoods and needs umap-learn; PCA takes the two directions
        of largest variance of the centred unit vectors. Default: UMAP where umap-learn is installed.
    seed : int
        Of UMAP and of the clusters.

    Raises
    ------
    EmbeddingsError
        There are fewer than 3 words or 2 dimensions.
    """
    n = min(words, len(vectors))
    if n < 3 or vectors.dimension < 2:
        raise EmbeddingsError(f"got {n} words of {vectors.dimension} dimensions; a map needs 3 words and 2 dimensions")
    method = method or (UMAP if umap_is_installed() and n >= FEWEST_FOR_UMAP else PCA)
    unit = vectors.unit_matrix[:n]
    logger.info("finding the neighbours of %d words", n)
    wanted = max(topn, UMAP_NEIGHBORS - 1) if method == UMAP else topn
    neighbors, similarities = vectors.neighbors(range(n), min(wanted, n - 1), restrict_vocab=n)
    centred = unit - unit.mean(axis=0)
    logger.info("laying them out by %s", method)
    positions = _umap(unit, neighbors, similarities, seed) if method == UMAP else _principal_plane(centred)
    names = list(vectors.words[:n])
    of_word, cluster_names = _clusters(centred, names, min(clusters, max(n // 25, 1)), seed)
    return WordMap(
        words=names,
        method=method,
        positions=positions,
        clusters=of_word,
        cluster_names=cluster_names,
        neighbors=neighbors[:, :topn],
        similarities=similarities[:, :topn],
    )


def _principal_plane(centred: np.ndarray) -> np.ndarray:
    """Coordinates on the two directions of largest variance, (n, 2) float32; signs are free, so they are fixed."""
    _, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))  # ascending
    plane = directions[:, [-1, -2]]
    plane *= np.sign(plane[np.abs(plane).argmax(axis=0), [0, 1]])
    return (centred @ plane).astype(np.float32)


def _umap(unit: np.ndarray, neighbors: np.ndarray, similarities: np.ndarray, seed: int) -> np.ndarray:
    """Positions by UMAP on the exact graph of neighbours, (n, 2) float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads, of precomputed neighbours, and of SciPy's deprecations
        import umap

        k = min(UMAP_NEIGHBORS - 1, neighbors.shape[1])
        own = np.arange(len(unit))[:, None]
        ids = np.hstack((own, neighbors[:, :k])).astype(np.int64)
        distances = np.hstack((np.zeros_like(own, np.float32), np.maximum(1 - similarities[:, :k], 0)))
        layout = umap.UMAP(
            n_neighbors=k + 1,
            metric="cosine",
            init="pca",
            precomputed_knn=(ids, distances.astype(np.float32)),
            force_approximation_algorithm=True,  # else few words are compared anew
            random_state=seed,
            n_jobs=1,
        )
        return np.asarray(layout.fit_transform(unit), np.float32)


def _clusters(centred: np.ndarray, words: list[str], clusters: int, seed: int) -> tuple[np.ndarray, list[list[str]]]:
    """Number of each word's cluster, (n,), and the names of the clusters; by k-means on the frequent words."""
    centroids = _centroids(centred[:CLUSTERED], clusters, seed)
    of_word, _ = vq(centred, centroids)
    sizes = np.bincount(of_word, minlength=clusters)
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    place = np.zeros(clusters, np.int64)
    place[order] = np.arange(len(order))
    names = [_name(centred, words, np.flatnonzero(of_word == number), centroids[number]) for number in order]
    return place[of_word], names


def _centroids(points: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    """Means of the best of several runs of k-means, which ends in whatever optimum is near its start."""
    random = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a cluster left empty: it gets no number
        runs = [kmeans2(points, clusters, minit="++", rng=random)[0] for _ in range(KMEANS_RUNS)]
    return min(runs, key=lambda centroids: float(np.square(vq(points, centroids)[1]).sum()))


def _name(centred: np.ndarray, words: list[str], members: np.ndarray, centroid: np.ndarray) -> list[str]:
    """Most central of the frequent members; words without a letter, and single letters, name nothing."""
    telling = [row for row in members.tolist() if len(words[row]) > 2 and words[row].isalpha()] or members.tolist()
    frequent = telling[: max(4 * WORDS_IN_NAME, int(NAMING_SHARE * len(telling)))]
    vectors = centred[frequent]
    cosines = vectors @ centroid / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
    central = [words[frequent[best]] for best in np.argsort(-cosines, kind="stable")]
    of_stem = {word[:STEM]: word for word in reversed(central)}  # "infection" says enough without "infections"
    return [word for word in central if of_stem[word[:STEM]] == word][:WORDS_IN_NAME]
