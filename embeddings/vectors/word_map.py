"""A two-dimensional map of a vocabulary: positions, named clusters, and the neighbours of every word."""

import importlib.util
import logging
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.cluster.vq import kmeans2, vq
from scipy.optimize import linear_sum_assignment

from embeddings.errors import EmbeddingsError
from embeddings.setting_types import require_number, require_one_of
from embeddings.vectors.alignment import orthogonal_rotation
from embeddings.vectors.embedding_matrix import require_vectors
from embeddings.vectors.word_vectors import WordVectors
from vecmill.plurals import counted

logger = logging.getLogger(__name__)

UMAP, PCA = "UMAP", "PCA"
UMAP_NEIGHBORS = 15  # umap-learn's default, the word itself included
FEWEST_FOR_UMAP = 50  # the neighbour graph of fewer words is too small for UMAP
EPOCHS_FROM_FORMER = 60  # of UMAP, where the words begin near their places; from scratch it takes 200 to 500
CLUSTERED = 10_000  # most frequent words that k-means sees; all other words join the nearest cluster
KMEANS_RUNS = 4  # one, where there is a former map: many maps follow each other
NAMING_SHARE = 0.1  # fraction of a cluster's words, the most frequent, among which its name is chosen
WORDS_IN_NAME = 3
LONGEST_LABEL = 60  # characters of a text
COMPACT = 0.85  # of the median length of a cluster's mean vector
STEM = 5  # letters


class Former(NamedTuple):
    """The map of the same words at another moment of their training, which the next one follows.

    Attributes
    ----------
    positions : (n, 2) float32
    clusters : (n,) int64
        Number of each word's cluster.
    """

    positions: np.ndarray
    clusters: np.ndarray


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
        Frequent words of each cluster that tell it from the others.
    distinct : (clusters,) bool
        Whether the words of a cluster belong together more than those of other clusters do, and have a common topic.
    neighbors : (n, k) int32
        Nearest words by cosine in all dimensions, best first, among the n words.
    similarities : (n, k) float32
    """

    words: list[str]
    method: str
    positions: np.ndarray
    clusters: np.ndarray
    cluster_names: list[list[str]]
    distinct: np.ndarray
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
    clusters: int = 20,
    topn: int = 10,
    method: str | None = None,
    texts: bool = False,
    seed: int = 1,
    former: Former | None = None,
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
    texts : bool
        The "words" are texts: clusters are named by words that their texts have more often than others.
    seed : int
        Seed of UMAP and of k-means.
    former : Former, optional
        What the positions and the numbers of the clusters follow.

    Returns
    -------
    WordMap

    Raises
    ------
    EmbeddingsError
        There are fewer than 3 words or 2 dimensions, or UMAP is asked for and not installed.
    ValueError, TypeError
        There is no such layout, or a number is out of range or of another type.
    """
    require_vectors(vectors)
    words, clusters = require_number("words", words, 1), require_number("clusters", clusters, 1)
    topn, seed = require_number("topn", topn, 1), require_number("seed", seed, 0)
    if method is not None:
        require_one_of("method", method, (UMAP, PCA))
    if method == UMAP:
        require_umap()
    n = min(words, len(vectors))
    if n < 3 or vectors.dimension < 2:
        found = f"{counted(n, 'word')} of {counted(vectors.dimension, 'dimension')}"
        raise EmbeddingsError(f"got {found}; a map needs 3 words and 2 dimensions")
    method = method or (UMAP if umap_is_installed() and n >= FEWEST_FOR_UMAP else PCA)
    unit = np.asarray(vectors.unit_matrix[:n])
    logger.info("finding the neighbours of %d words", n)
    wanted = max(topn, UMAP_NEIGHBORS - 1) if method == UMAP else topn
    neighbors, similarities = vectors.neighbors(range(n), min(wanted, n - 1), restrict_vocab=n)
    centred = unit - unit.mean(axis=0)
    logger.info("laying them out by %s", method)
    positions = lay_out(unit, neighbors, similarities, method, seed, former.positions if former else None)
    names = list(vectors.words[:n])
    runs = 1 if former else KMEANS_RUNS
    centroids, of_word = _clusters(centred, min(clusters, max(n // 25, 1)), seed, runs)
    if former:
        centroids, of_word = _numbered_as(former.clusters, centroids, of_word)
    cluster_names = _names_by_words(names, of_word) if texts else _names(centred, names, of_word, centroids)
    return WordMap(
        words=names,
        method=method,
        positions=positions,
        clusters=of_word,
        cluster_names=cluster_names,
        distinct=_are_distinct(centred, of_word),
        neighbors=neighbors[:, :topn],
        similarities=similarities[:, :topn],
    )


def lay_out(
    unit: np.ndarray,
    neighbors: np.ndarray,
    similarities: np.ndarray,
    method: str,
    seed: int = 1,
    former: np.ndarray | None = None,
) -> np.ndarray:
    """Place words on a plane.

    Parameters
    ----------
    unit : (n, d) float32
        Their vectors, of unit length.
    neighbors : (n, k) int32
        Nearest words of each, best first; only UMAP needs them.
    similarities : (n, k) float32
        Their cosines.
    method : {"UMAP", "PCA"}
    seed : int
        Seed of UMAP.
    former : (n, 2) float32, optional
        Positions at another moment: UMAP begins with them, and the result is turned, mirrored and scaled to lie as
        near to them as it can (orthogonal Procrustes analysis; Schönemann 1966).

    Returns
    -------
    (n, 2) float32
    """
    if method == UMAP:
        positions = _umap(unit, neighbors, similarities, seed, former)
    else:
        positions = _principal_plane(unit - unit.mean(axis=0))
    return positions if former is None else _turned_to(former, positions)


def _turned_to(former: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Turn, mirror, move and scale positions so that they have the spread of former ones and lie nearest to them."""
    middle, former_middle = positions.mean(axis=0), former.mean(axis=0)
    centred, former_centred = positions - middle, former - former_middle
    scale = np.linalg.norm(former_centred) / max(float(np.linalg.norm(centred)), 1e-9)
    turned: np.ndarray = scale * (centred @ orthogonal_rotation(centred, former_centred)) + former_middle
    return turned.astype(np.float32)


def _principal_plane(centred: np.ndarray) -> np.ndarray:
    """Project onto the two directions of largest variance, (n, 2) float32; the arbitrary signs are fixed."""
    _, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))  # ascending
    plane = directions[:, [-1, -2]]
    plane *= np.sign(plane[np.abs(plane).argmax(axis=0), [0, 1]])
    positions: np.ndarray = (centred @ plane).astype(np.float32)
    return positions


def _umap(
    unit: np.ndarray, neighbors: np.ndarray, similarities: np.ndarray, seed: int, former: np.ndarray | None
) -> np.ndarray:
    """Lay the words out by UMAP on the exact neighbour graph, (n, 2) float32; begin with former positions."""
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
            init="pca" if former is None else former,
            n_epochs=None if former is None else EPOCHS_FROM_FORMER,
            precomputed_knn=(ids, distances.astype(np.float32)),
            force_approximation_algorithm=True,  # otherwise UMAP recomputes the distances of small vocabularies
            random_state=seed,
            n_jobs=1,
        )
        return np.asarray(layout.fit_transform(unit), np.float32)


def _clusters(centred: np.ndarray, clusters: int, seed: int, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the centroids, the one of the largest cluster first, and each word's cluster, (n,) int64.

    k-means sees the frequent words.
    """
    centroids = _centroids(centred[:CLUSTERED], clusters, seed, runs)
    of_word, _ = vq(centred, centroids)
    sizes = np.bincount(of_word, minlength=clusters)
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    place = np.zeros(clusters, np.int64)
    place[order] = np.arange(len(order))
    return centroids[order], place[of_word]


def _numbered_as(former: np.ndarray, centroids: np.ndarray, of_word: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give clusters the numbers of the former ones with which they have most words in common.

    Parameters
    ----------
    former : (n,) int64
        Each word's cluster before.
    centroids : (clusters, d)
    of_word : (n,) int64
        Each word's cluster now.

    Returns
    -------
    centroids : (clusters, d)
        In the order of the new numbers.
    of_word : (n,) int64
    """
    common = np.zeros((len(centroids), max(len(centroids), former.max() + 1)))
    np.add.at(common, (of_word, former), 1)
    _, wanted = linear_sum_assignment(common, maximize=True)
    order = np.argsort(wanted)  # without gaps, where there were more clusters before
    return centroids[order], np.argsort(order)[of_word]


def _are_distinct(centred: np.ndarray, of_word: np.ndarray) -> np.ndarray:
    """Return for each cluster whether it is as compact as others: (clusters,) bool.

    The length of the mean of its centred unit vectors is 1 if all are equal, and near 0 for the words of all contexts
    that k-means leaves over.
    """
    sizes = np.bincount(of_word)
    ones = sparse.csr_array((np.ones(len(of_word)), of_word, np.arange(len(of_word) + 1)), (len(of_word), len(sizes)))
    lengths = np.linalg.norm(ones.T @ centred, axis=1) / sizes
    compact: np.ndarray = lengths >= COMPACT * np.median(lengths)
    return compact


def _centroids(points: np.ndarray, clusters: int, seed: int, runs: int) -> np.ndarray:
    """Return the centroids of the best of several runs of k-means, each of which finds a local optimum."""
    random = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about empty clusters, which get no number
        found = [kmeans2(points, clusters, minit="++", rng=random)[0] for _ in range(runs)]
    return min(found, key=lambda centroids: float(np.square(vq(points, centroids)[1]).sum()))


def _names(centred: np.ndarray, words: list[str], of_word: np.ndarray, centroids: np.ndarray) -> list[list[str]]:
    """Return the names of the clusters."""
    members = [np.flatnonzero(of_word == number) for number in range(len(centroids))]
    return [_name(centred, words, members[number], centroids, number) for number in range(len(centroids))]


def _names_by_words(texts: list[str], of_text: np.ndarray) -> list[list[str]]:
    """Name clusters of texts by words: the largest Σ p log(p / q), p the share of their texts with a word, q of all."""
    sets = [set(re.findall(r"[^\W\d_]{3,}", text.lower())) for text in texts]
    in_all = Counter(chain.from_iterable(sets))
    names = []
    for number in range(int(of_text.max()) + 1):
        members = np.flatnonzero(of_text == number).tolist()
        counts = Counter(chain.from_iterable(sets[row] for row in members))
        gain = {
            word: count / len(members) * np.log(count / len(members) * len(texts) / in_all[word])
            for word, count in counts.items()
        }
        names.append(
            sorted(gain, key=lambda word: (-gain[word], word))[:WORDS_IN_NAME] or [shortened(texts[members[0]])]
        )
    return names


def shortened(text: str, length: int = LONGEST_LABEL) -> str:
    """Return the start of a text, up to the end of a word if it is too long."""
    return text if len(text) <= length else text[: length - 1].rsplit(" ", 1)[0] + "…"


def _name(centred: np.ndarray, words: list[str], members: np.ndarray, centroids: np.ndarray, own: int) -> list[str]:
    """Return frequent members that are nearer to their centroid than to any other, by the difference of cosines.

    If possible, they are alphabetic words of at least three letters.
    """
    telling = [row for row in members.tolist() if len(words[row]) > 2 and words[row].isalpha()] or members.tolist()
    frequent = telling[: max(4 * WORDS_IN_NAME, int(NAMING_SHARE * len(telling)))]
    vectors = centred[frequent]
    directions = centroids / np.maximum(np.linalg.norm(centroids, axis=1, keepdims=True), 1e-12)
    cosines = vectors @ directions.T / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    others = np.delete(cosines, own, axis=1).max(axis=1, initial=-1.0)
    central = [words[frequent[best]] for best in np.argsort(others - cosines[:, own], kind="stable")]
    of_stem = {word[:STEM]: word for word in reversed(central)}  # one of "infection" and "infections" is enough
    return [word for word in central if of_stem[word[:STEM]] == word][:WORDS_IN_NAME]
