"""Vectors and words for benchmarks whose speed does not depend on what the vectors mean."""

import numpy as np
from gensim.models import KeyedVectors

from embeddings import Vocabulary, WordVectors


def generated_vectors(words: list[str], dimension: int, seed: int = 0) -> WordVectors:
    """Random vectors; those of words that follow one another are alike, so that every word has near neighbours."""
    steps = np.random.default_rng(seed).standard_normal((len(words), dimension), np.float32)
    steps[1:] += steps[:-1]
    return WordVectors(Vocabulary.from_words(words), steps)


def generated_words(count: int) -> list[str]:
    """Different words of 2 to 16 letters."""
    return [f"w{number}" + "abcdefghij"[: number % 11] for number in range(count)]


def keyed_vectors(vectors: WordVectors) -> KeyedVectors:
    """The same vectors in gensim."""
    theirs = KeyedVectors(vectors.dimension)
    theirs.add_vectors(list(vectors.words), np.array(vectors.matrix))
    return theirs
