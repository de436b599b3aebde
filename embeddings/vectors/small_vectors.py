"""Smaller word vectors: fewer words, fewer dimensions, fewer bytes a number.

Every function returns new vectors without context vectors, and keeps what is known of the tokenizer.
"""

import logging
import warnings

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.setting_types import require_type
from embeddings.vectors.embedding_matrix import BLOCK, require_vectors
from embeddings.vectors.quantized_matrix import CENTROIDS, Int8Matrix, ProductMatrix, QuantizedMatrix, to_int8
from embeddings.vectors.subwords import SubwordVectors
from embeddings.vectors.word_vectors import WordVectors, made_from
from vecmill.arguments import is_one_of, quoted

logger = logging.getLogger(__name__)

QUANTIZATIONS = ("int8", "pq")

_TREE = "the Huffman tree, which scores sentences"
_PART_WIDTH = 2  # components a code stands for
_SAMPLE = 20_000  # words that codebooks are learned from
_ITERATIONS = 15


def make_smaller(
    vectors: WordVectors, *, words: int | None = None, dimension: int | None = None, quantization: str | None = None
) -> WordVectors:
    """Prune, rotate and cut, and quantise vectors, in this order; what is None is left out.

    Parameters
    ----------
    vectors : WordVectors
    words : int, optional
        See `prune`.
    dimension : int, optional
        See `prefix`.
    quantization : {"int8", "pq"}, optional
        See `quantize`.

    Returns
    -------
    WordVectors

    Raises
    ------
    EmbeddingsError
        A number is impossible for these vectors.
    """
    require_vectors(vectors)
    lost = {"context vectors": vectors.context, _TREE: vectors.nodes}
    if words is not None:
        vectors = prune(vectors, words)
    if dimension is not None:
        vectors = prefix(vectors, dimension)
    if quantization is not None:
        vectors = quantize(vectors, quantization)
    if names := " and ".join(name for name, held in lost.items() if held is not None):
        level = logging.INFO if lost[_TREE] is None else logging.WARNING
        logger.log(level, "smaller vectors are without %s", names)
    return vectors


def prune(vectors: WordVectors, words: int) -> WordVectors:
    """Keep the most frequent words; the first ones if their counts are not known.

    Parameters
    ----------
    vectors : WordVectors
    words : int
        Number of words to keep, at least 1; with as many as there are, or more, all.

    Returns
    -------
    WordVectors
        In the same order.

    Raises
    ------
    EmbeddingsError
        `words` is below 1.
    """
    require_vectors(vectors)
    words = require_type("words", words, int)
    if words < 1:
        raise EmbeddingsError(f"cannot keep {words} words; expected 1 or more")
    most_frequent = np.argsort(-vectors.vocabulary.counts, kind="stable")[:words]
    kept = np.sort(most_frequent)
    return made_from(
        vectors, WordVectors(vectors.vocabulary.select(kept), vectors.matrix[kept], None, vectors.subwords)
    )


def prefix(vectors: WordVectors, dimension: int) -> WordVectors:
    """Rotate the vectors to their principal axes and keep the first components.

    The axes are the eigenvectors of Σ u uᵀ over the unit vectors u, by falling eigenvalue. Nothing is centred: with all
    components the rotation leaves every cosine as it was, and fewer keep as much of the squared length of the unit
    vectors as so many components can. The vectors of a shorter prefix are the first components of those of a longer
    one, as in Matryoshka representations (Kusupati et al. 2022), but nothing is trained.

    Parameters
    ----------
    vectors : WordVectors
    dimension : int
        Components to keep, from 1 to d.

    Returns
    -------
    WordVectors

    Raises
    ------
    EmbeddingsError
        `dimension` is below 1 or above d.
    """
    require_vectors(vectors)
    dimension = require_type("dimension", dimension, int)
    if not 1 <= dimension <= vectors.dimension:
        raise EmbeddingsError(
            f"cannot keep {dimension} of {vectors.dimension} dimensions; expected 1 to {vectors.dimension}"
        )
    moments = np.zeros((vectors.dimension, vectors.dimension))
    for start in range(0, len(vectors), BLOCK):
        unit = np.asarray(vectors.unit_matrix[start : start + BLOCK])
        moments += unit.T @ unit
    axes = np.linalg.eigh(moments)[1][:, ::-1][:, :dimension]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(dimension)])  # the sign of an axis is arbitrary
    rotation = axes.astype(np.float32)
    subwords = vectors.subwords
    if subwords is not None:
        subwords = SubwordVectors(subwords.ngrams, subwords.buckets, subwords.matrix @ rotation)
    return made_from(vectors, WordVectors(vectors.vocabulary, vectors.matrix @ rotation, None, subwords))


def quantize(vectors: WordVectors, quantization: str, seed: int = 1) -> WordVectors:
    """Store vectors in fewer bytes; queries are answered from the codes.

    Parameters
    ----------
    vectors : WordVectors
    quantization : {"int8", "pq"}
        "int8": a byte a number, and the largest number of each row as its scale. "pq": product quantisation (Jégou,
        Douze & Schmid 2011): a byte for two numbers, that of the nearest of 256 centroids, learned by k-means on unit
        vectors; and the length of each row as its scale.
    seed : int
        Of k-means.

    Returns
    -------
    WordVectors
        Its `matrix` is a `QuantizedMatrix`.

    Raises
    ------
    EmbeddingsError
        "pq" for fewer than 256 words, or an unknown kind.
    """
    require_vectors(vectors)
    if not is_one_of(quantization, QUANTIZATIONS):
        raise EmbeddingsError(f"unknown quantisation {quoted(quantization)}; expected {' or '.join(QUANTIZATIONS)}")
    if quantization == "pq" and len(vectors) < CENTROIDS:
        raise EmbeddingsError(f"product quantisation of {len(vectors)} words; expected {CENTROIDS} or more: use int8")
    matrix = _int8(vectors) if quantization == "int8" else _product(vectors, np.random.default_rng(seed))
    return made_from(vectors, WordVectors(vectors.vocabulary, matrix, None, vectors.subwords))  # type: ignore[arg-type]


def _int8(vectors: WordVectors) -> QuantizedMatrix:
    codes, scales = np.empty(vectors.matrix.shape, np.int8), np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), BLOCK):
        part = slice(start, start + BLOCK)
        codes[part], scales[part] = to_int8(np.asarray(vectors.matrix[part]))
    return Int8Matrix(codes, scales)


def _product(vectors: WordVectors, generator: np.random.Generator) -> QuantizedMatrix:
    from scipy.cluster.vq import vq  # slow to import

    unit = np.asarray(vectors.unit_matrix)
    lengths = np.linalg.norm(vectors.matrix, axis=1).astype(np.float32)
    sample = unit[generator.permutation(len(unit))[:_SAMPLE]]
    starts = range(0, vectors.dimension, _PART_WIDTH)
    codes = np.empty((len(unit), len(starts)), np.uint8)
    codebooks = np.empty((CENTROIDS, vectors.dimension), np.float32)
    for part, start in enumerate(starts):
        columns = slice(start, start + _PART_WIDTH)
        codebooks[:, columns] = _centroids(sample[:, columns], generator)
        codes[:, part] = vq(unit[:, columns], codebooks[:, columns])[0]
    return ProductMatrix(codes, lengths, codebooks)


def _centroids(points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    from scipy.cluster.vq import kmeans2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # equal points: a centroid without any stays where it was
        centroids: np.ndarray = kmeans2(points, CENTROIDS, _ITERATIONS, minit="points", rng=generator)[0]
    return centroids
