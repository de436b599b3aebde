"""Two models in one space: orthogonal Procrustes alignment, and the words that differ most after it.

Two trainings find the same directions only up to a rotation. The rotation that brings the common words of two models
nearest to each other (Schönemann 1966) makes their vectors comparable, and the words that it cannot bring together are
those whose use differs (Hamilton, Leskovec & Jurafsky 2016).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.setting_types import require_number, require_ranks
from embeddings.vectors.embedding_matrix import require_vectors
from embeddings.vectors.neighbors import nearest
from embeddings.vectors.word_vectors import WordVectors, made_from
from vecmill.arguments import described, require_words
from vecmill.plurals import counted

RANKS = (100, 10_000)
"""Places of the common words that `moved` looks at: function words differ between any two models."""
FEWEST_ANCHORS = 3
PERMUTATIONS = 19  # so that the smallest possible p is 0.05
FITTED = 5_000  # anchors of which `fit` takes halves
UNRELATED_PAIRS = 20_000  # pairs of different words, whose similarities are those of chance


class MovedWord(NamedTuple):
    """A word with its vectors in two models.

    Attributes
    ----------
    word : str
    similarity : float
        Cosine of its two vectors after the alignment.
    p : float
        Share of pairs of different words, one of each model, that are at least as similar: above 0.05, the word has no
        more in common with itself than with any other word.
    neighbors_a, neighbors_b : list of str
        Nearest common words in either model.
    """

    word: str
    similarity: float
    p: float
    neighbors_a: list[str]
    neighbors_b: list[str]


class Fit(NamedTuple):
    """How well a rotation that was found with one half of the anchors brings the other half together.

    Attributes
    ----------
    similarity : float
        Mean cosine of the words of the other half.
    chance : float
        Mean of the same over `permutations` in which the words of one model were shuffled.
    p : float
        Share of the permutations, this one included, that fit as well or better.
    """

    similarity: float
    chance: float
    p: float


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """Model b rotated into the space of model a.

    Attributes
    ----------
    a, b : WordVectors
    words : list of str
        The n common words, in the order of a.
    anchors : (m,) int64
        Places in `words` of those from which the rotation was found.
    rotation : (d, d) float32
        Orthogonal R: the rows of E_b R lie in the space of a.
    similarities : (n,) float32
        Cosine of the two vectors of each common word after the alignment.
    """

    a: WordVectors
    b: WordVectors
    words: list[str]
    anchors: np.ndarray
    rotation: np.ndarray
    similarities: np.ndarray

    def aligned(self) -> WordVectors:
        """Return all vectors of b in the space of a, with its tokenizer; n-grams and context vectors are left out."""
        return made_from(self.b, WordVectors(self.b.vocabulary, self.b.matrix @ self.rotation))

    @cached_property
    def _unrelated(self) -> np.ndarray:
        """Similarities of pairs of different words, one of each model, in ascending order."""
        rng = np.random.default_rng(0)
        n = len(self.words)
        first = rng.integers(n, size=UNRELATED_PAIRS)
        second = (first + rng.integers(1, n, size=UNRELATED_PAIRS)) % n
        units_a = self.a.unit_vectors([self.words[place] for place in first])
        units_b = self.b.unit_vectors([self.words[place] for place in second]) @ self.rotation
        similarities: np.ndarray = np.sort(np.einsum("ij,ij->i", units_a, units_b))
        return similarities

    def moved(self, words: int = 20, ranks: tuple[int, int] = RANKS, topn: int = 10) -> list[MovedWord]:
        """Find the frequent words whose two vectors differ most.

        Parameters
        ----------
        words : int
            Number of words to return.
        ranks : (int, int)
            Half-open range of the places among the common words; it begins at 0 if it holds fewer than `words`.
        topn : int
            Neighbours per word.

        Returns
        -------
        list of MovedWord
            The word that moved farthest first.

        Raises
        ------
        TypeError, ValueError
            A number is of another type or out of range.
        """
        words = require_number("words", words, 0)
        begin, end = require_ranks(ranks)
        first = begin if len(self.words) >= begin + words else 0
        similarities = self.similarities[first:end]
        places = np.argsort(similarities, kind="stable")[: max(words, 0)] + first
        return self.described(places, topn)

    def described(self, places: np.ndarray, topn: int = 10) -> list[MovedWord]:
        """Describe common words.

        Parameters
        ----------
        places : (k,) int
            Places in `words`.
        topn : int
            Neighbours per word.

        Returns
        -------
        list of MovedWord

        Raises
        ------
        TypeError, ValueError
            `topn` is of another type or out of range.
        """
        topn = require_number("topn", topn, 1)
        places = np.asarray(places)
        if not places.size:
            return []
        if places.ndim != 1 or places.dtype.kind not in "iu" or places.min() < 0 or places.max() >= len(self.words):
            raise ValueError(f"places are {described(places)}; expected numbers from 0 to {len(self.words) - 1}")
        near_a, near_b = (self._neighbors(model, places, topn) for model in (self.a, self.b))
        below = np.searchsorted(self._unrelated, self.similarities[places])
        p = 1 - below / len(self._unrelated)
        rows = zip(places.tolist(), p.tolist(), near_a, near_b, strict=True)
        return [MovedWord(self.words[row], float(self.similarities[row]), share, a, b) for row, share, a, b in rows]

    def _neighbors(self, model: WordVectors, places: np.ndarray, topn: int) -> list[list[str]]:
        units = model.unit_vectors(self.words)
        ids, _ = nearest(units, units[places], min(topn, len(units) - 1), places[:, None])
        return [[self.words[row] for row in found] for found in ids.tolist()]

    def fit(self, permutations: int = PERMUTATIONS, seed: int = 1) -> Fit:
        """Measure the alignment on words that it has not seen, and the same by chance.

        Parameters
        ----------
        permutations : int
            Number of shuffled pairings, from each of which a rotation is found.
        seed : int
            Seed of the halves, of 5,000 anchors at most, and of the shuffles.

        Returns
        -------
        Fit

        Raises
        ------
        EmbeddingsError
            There are fewer than 4 anchors.
        TypeError, ValueError
            A number is of another type or out of range.
        """
        permutations = require_number("permutations", permutations, 0)
        seed = require_number("seed", seed, 0)
        if len(self.anchors) < 4:
            raise EmbeddingsError(f"got {counted(len(self.anchors), 'anchor')}; two halves need 4 or more")
        rng = np.random.default_rng(seed)
        anchors = [self.words[place] for place in rng.permutation(self.anchors)[:FITTED]]
        units_a, units_b = self.a.unit_vectors(anchors), self.b.unit_vectors(anchors)
        half = len(anchors) // 2

        def unseen(of_a: np.ndarray, of_b: np.ndarray) -> float:
            rotation = orthogonal_rotation(of_b[:half], of_a[:half])
            return float(np.einsum("ij,ij->i", of_a[half:], of_b[half:] @ rotation).mean())

        found = unseen(units_a, units_b)
        by_chance = [unseen(units_a, units_b[rng.permutation(len(units_b))]) for _ in range(permutations)]
        p = (1 + sum(value >= found for value in by_chance)) / (1 + permutations)
        return Fit(found, float(np.mean(by_chance)) if by_chance else 0.0, p)


def orthogonal_rotation(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Find the orthogonal R that makes the Frobenius norm of S R - T least: R = U Vᵀ, where Sᵀ T = U Σ Vᵀ.

    Schönemann (1966), "A generalized solution of the orthogonal Procrustes problem".

    Parameters
    ----------
    source, target : (n, d)

    Returns
    -------
    (d, d) float32
    """
    left, _, right = np.linalg.svd(source.T.astype(np.float64) @ target)
    rotation: np.ndarray = (left @ right).astype(np.float32)
    return rotation


def align(a: WordVectors, b: WordVectors, *, anchors: Iterable[str] | None = None) -> Alignment:
    """Rotate model b into the space of model a.

    Parameters
    ----------
    a, b : WordVectors
        Of the same dimension. Words enter as unit vectors.
    anchors : iterable of str, optional
        Words whose use is taken to be the same in both; those that one model lacks are left out. Default: all common
        words.

    Returns
    -------
    Alignment

    Raises
    ------
    EmbeddingsError
        The dimensions differ, or fewer than 3 anchors are in both models.
    TypeError
        `a` or `b` is not `WordVectors`, or `anchors` is no list of words.

    Examples
    --------
    >>> import vecmill
    >>> lines = ["the cat sat on the mat", "the dog sat on the rug"] * 100
    >>> first, second = (vecmill.train(lines, dimension=8, seed=seed, threads=1) for seed in (1, 2))
    >>> vecmill.align(first, second).rotation.shape
    (8, 8)
    """
    require_vectors(a)
    require_vectors(b)
    if anchors is not None:
        require_words(anchors)
    if a.dimension != b.dimension:
        raise EmbeddingsError(
            f"the models have {a.dimension} and {counted(b.dimension, 'dimension')}; expected the same number: "
            "train one again with --dimension, or shorten one with 'vecmill convert --prefix'"
        )
    words = [word for word in a.words if word in b]
    if anchors is None:
        places = np.arange(len(words))
    else:
        wanted = {a.words[a.id(word)] for word in anchors if word in a}
        places = np.array([place for place, word in enumerate(words) if word in wanted], np.int64)
    if len(places) < FEWEST_ANCHORS:
        what = "word" if anchors is None else "anchor"
        raise EmbeddingsError(
            f"the models have {counted(len(places), what)} in common; expected {FEWEST_ANCHORS} or more"
        )
    units_a, units_b = a.unit_vectors(words), b.unit_vectors(words)
    rotation = orthogonal_rotation(units_b[places], units_a[places])
    similarities = np.einsum("ij,ij->i", units_a, units_b @ rotation)
    return Alignment(a=a, b=b, words=words, anchors=places, rotation=rotation, similarities=similarities)
