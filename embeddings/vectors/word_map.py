"""A two-dimensional map of a vocabulary: positions, named clusters, and the neighbours of every word."""

import importlib.util
import logging
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import kmeans2, vq

from embeddings.errors import EmbeddingsError
from embeddings.vectors.word_vectors import WordVectors
from vecmill.plurals import counted

logger = logging.getLogger(__name__)

UMAP, PCA = "UMAP", "PCA"
UMAP_NEIGHBORS = 15  # umap-learn's default, the word itself included
FEWEST_FOR_UMAP = 50  # the neighbour graph of fewer words is too small for UMAP
CLUSTERED = 10_000  # most frequent words that k-means sees; all other words join the nearest cluster
KMEANS_RUNS = 4
NAMING_SHARE = 0.1  # fraction of a cluster's words, the most frequent, among which its name is chosen
WORDS_IN_NAME = 3
STEM = 5  # letters


@dataclass(frozen=True, kw_only=True)
class WordMap:
    """Map of the n most frequent words of a model.

    Attributes
    ----------
    words : list of str
    method : str
        ``"UMAP"`` or ``"PCA"``.
    positions : (n, 2) float32
    clusters : (n,) int64
        Number of each word's cluster, from 0; the largest cluster is 0.
    cluster_names : list of list of str
        Frequent words near the centroid of each cluster, the nearest first.
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
    """Return True if umap-learn can be imported."""
    return importlib.util.find_spec("umap") is not None


def require_umap() -> None:
    """Raise a one-line EmbeddingsError if umap-learn is not installed."""
    if not umap_is_installed():
        raise EmbeddingsError(
            "umap-learn is not installed; run pip install 'vecmill[map]', or use PCA, which needs no extra"
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
        Number of words; the vocabulary must have at least 3.
    clusters : int
        Largest number of clusters; small vocabularies get fewer.
    topn : int
        Neighbours per word.
    method : {"UMAP", "PCA"}, optional
        UMAP (McInnes, Healy & Melville 2018) preserves neighbourhoods and needs umap-learn; PCA projects the centred
        unit vectors onto the two directions of largest variance. By default UMAP if umap-learn is installed.
    seed : int
        Seed of UMAP and of k-means.

    Returns
    -------
    WordMap

    Raises
    ------
    EmbeddingsError
        There are fewer than 3 words or 2 dimensions.
    """
    n = min(words, len(vectors))
    if n < 3 or vectors.dimension < 2:
        found = f"{counted(n, 'word')} of {counted(vectors.dimension, 'dimension')}"
        raise EmbeddingsError(f"got {found}; a map needs 3 words and 2 dimensions")
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
    """Project onto the two directions of largest variance, (n, 2) float32; the arbitrary signs are fixed."""
    _, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))  # ascending
    plane = directions[:, [-1, -2]]
    plane *= np.sign(plane[np.abs(plane).argmax(axis=0), [0, 1]])
    positions: np.ndarray = (centred @ plane).astype(np.float32)
    return positions


def _umap(unit: np.ndarray, neighbors: np.ndarray, similarities: np.ndarray, seed: int) -> np.ndarray:
    """Lay the words out by UMAP on the exact neighbour graph, (n, 2) float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about threads, precomputed neighbours, and SciPy's deprecations
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
            force_approximation_algorithm=True,  # otherwise UMAP recomputes the distances of small vocabularies
            random_state=seed,
            n_jobs=1,
        )
        return np.asarray(layout.fit_transform(unit), np.float32)


def _clusters(centred: np.ndarray, words: list[str], clusters: int, seed: int) -> tuple[np.ndarray, list[list[str]]]:
    """Return the cluster of each word, (n,) int64, and the names of the clusters; k-means sees the frequent words."""
    centroids = _centroids(centred[:CLUSTERED], clusters, seed)
    of_word, _ = vq(centred, centroids)
    sizes = np.bincount(of_word, minlength=clusters)
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    place = np.zeros(clusters, np.int64)
    place[order] = np.arange(len(order))
    names = [_name(centred, words, np.flatnonzero(of_word == number), centroids[number]) for number in order]
    return place[of_word], names


def _centroids(points: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    """Return the centroids of the best of several runs of k-means, each of which finds a local optimum."""
    random = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about empty clusters, which get no number
        runs = [kmeans2(points, clusters, minit="++", rng=random)[0] for _ in range(KMEANS_RUNS)]
    return min(runs, key=lambda centroids: float(np.square(vq(points, centroids)[1]).sum()))


def _name(centred: np.ndarray, words: list[str], members: np.ndarray, centroid: np.ndarray) -> list[str]:
    """Return the most central of the frequent members, if possible alphabetic words of at least three letters."""
    telling = [row for row in members.tolist() if len(words[row]) > 2 and words[row].isalpha()] or members.tolist()
    frequent = telling[: max(4 * WORDS_IN_NAME, int(NAMING_SHARE * len(telling)))]
    vectors = centred[frequent]
    cosines = vectors @ centroid / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
    central = [words[frequent[best]] for best in np.argsort(-cosines, kind="stable")]
    of_stem = {word[:STEM]: word for word in reversed(central)}  # one of "infection" and "infections" is enough
    return [word for word in central if of_stem[word[:STEM]] == word][:WORDS_IN_NAME]
