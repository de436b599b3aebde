"""Post-processing and sentence vectors equal the equations of their papers."""

import numpy as np
import pytest

from embeddings.errors import EmbeddingsError
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.postprocessing import (
    add_context,
    common_component,
    remove_top_components,
    sif_sentence_vectors,
    unit_norm,
    weighted_sentence_vectors,
)
from embeddings.vectors.word_vectors import WordVectors
from tests.reference import postprocessing as reference

WORDS = [f"w{i:03}" for i in range(60)]
COUNTS = np.arange(600, 0, -10)


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(5)
    stretched = np.array([5, 3, 2, 1, 1, 1, 1, 1])  # clearly different variances, so that components are determined
    matrix = (rng.standard_normal((60, 8)) * stretched + 0.5).astype(np.float32)
    return WordVectors(Vocabulary.from_words(WORDS, COUNTS), matrix, 0.5 * matrix[::-1])


def test_unit_norm(vectors):
    unit = unit_norm(vectors)
    np.testing.assert_allclose(np.linalg.norm(unit.matrix, axis=1), 1, atol=1e-6)
    assert unit.similarity("w000", "w001") == pytest.approx(vectors.similarity("w000", "w001"), abs=1e-6)


def test_sum_with_context(vectors):
    summed = add_context(vectors)
    np.testing.assert_allclose(summed["w007"], vectors.matrix[7] + 0.5 * vectors.matrix[52], rtol=1e-6)
    assert summed.context is None
    with pytest.raises(EmbeddingsError, match="no context vectors"):
        add_context(summed)


@pytest.mark.parametrize("components", [0, 1, 3, 8])
def test_removal_of_top_components(vectors, components):
    removed = remove_top_components(vectors, components)
    np.testing.assert_allclose(removed.matrix, reference.all_but_the_top(vectors.matrix, components), atol=1e-4)
    np.testing.assert_allclose(removed.matrix.mean(axis=0), 0, atol=1e-4)


def test_components_default_to_a_hundredth_of_the_dimension(vectors):
    np.testing.assert_array_equal(remove_top_components(vectors).matrix, remove_top_components(vectors, 0).matrix)
    for components in (-1, 9):
        with pytest.raises(ValueError, match="expected 0 to 8"):
            remove_top_components(vectors, components)


def test_sentence_vectors_by_smooth_inverse_frequency(vectors):
    rng = np.random.default_rng(0)
    sentences = [rng.choice([*WORDS, "unseen"], size=n).tolist() for n in (3, 1, 8, 20, 5)]
    rows = {word: row for row, word in enumerate(WORDS)}
    expected = reference.sif(vectors.matrix, rows, COUNTS / COUNTS.sum(), sentences, 1e-3)
    np.testing.assert_allclose(sif_sentence_vectors(vectors, sentences), expected, atol=1e-5)


def test_frequent_words_count_less_and_unknown_sentences_are_zero(vectors):
    means = weighted_sentence_vectors(vectors, [["w000", "w059"], ["unseen"], []], smoothing=1e-3)
    p = COUNTS / COUNTS.sum()
    weights = 1e-3 / (1e-3 + p[[0, 59]])
    assert weights[0] < weights[1]
    np.testing.assert_allclose(means[0], weights @ vectors.matrix[[0, 59]] / 2, rtol=1e-5)
    assert not means[1:].any()


def test_common_component_of_other_sentences_can_be_given(vectors):
    means = weighted_sentence_vectors(vectors, [["w000", "w001"], ["w002"], ["w003"]])
    component = common_component(means)
    assert np.linalg.norm(component) == pytest.approx(1, abs=1e-6)
    one = sif_sentence_vectors(vectors, [["w005"]], component=component)
    assert one @ component == pytest.approx(0, abs=1e-6)
    assert np.abs(one).max() > 1e-3


def test_refusals(vectors):
    with pytest.raises(ValueError, match="smoothing is 0"):
        weighted_sentence_vectors(vectors, [["w000"]], smoothing=0)
    with pytest.raises(ValueError, match="at least one"):
        common_component(np.zeros((0, 8), np.float32))
    assert sif_sentence_vectors(vectors, []).shape == (0, 8)
