"""Word Mover's Distance equals the solution of the linear programme that defines it."""

import numpy as np
import pytest
from scipy.optimize import linprog

from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_movers import word_movers_distance
from embeddings.vectors.word_vectors import WordVectors

pytest.importorskip("ot", reason="needs POT: extra wmd")
WORDS = ["obama", "president", "speaks", "greets", "media", "press"]


@pytest.fixture(scope="module")
def vectors():
    matrix = np.random.default_rng(4).standard_normal((len(WORDS), 5)).astype(np.float32)
    return WordVectors(Vocabulary.from_words(WORDS), matrix)


def reference(vectors, text1, text2, normalize):
    """Minimise Σ T_ij c(i, j) where the rows of T sum to the shares of text1 and its columns to those of text2."""
    words1, words2 = sorted(set(text1)), sorted(set(text2))
    rows = {word: vectors.get_vector(word, norm=normalize).astype(float) for word in WORDS}
    costs = [np.linalg.norm(rows[one] - rows[other]) for one in words1 for other in words2]
    sums = [np.repeat(np.eye(len(words1)), len(words2), axis=1), np.tile(np.eye(len(words2)), len(words1))]
    shares = [text1.count(word) / len(text1) for word in words1] + [text2.count(word) / len(text2) for word in words2]
    return linprog(costs, A_eq=np.concatenate(sums), b_eq=shares).fun


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(
    ("text1", "text2"),
    [
        (["obama", "speaks", "media"], ["president", "greets", "press", "press"]),
        (["obama", "speaks"], ["obama", "speaks"]),
        (["obama", "obama", "media"], ["media", "press"]),
    ],
)
def test_the_distance_solves_the_linear_programme(vectors, text1, text2, normalize):
    found = word_movers_distance(vectors, text1, [*text2, "unknown"], normalize=normalize)
    assert found == pytest.approx(reference(vectors, text1, text2, normalize), abs=1e-6)


def test_a_text_without_known_words_is_infinitely_far(vectors):
    assert word_movers_distance(vectors, ["obama"], ["unknown"]) == float("inf")


def test_texts_of_the_same_one_word_are_at_one_place(vectors):
    assert word_movers_distance(vectors, ["obama"], ["obama", "obama"]) == 0
