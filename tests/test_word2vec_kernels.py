"""The compiled kernels against the float64 reference, and the reference against central differences."""

import numpy as np
import pytest

from embeddings.word2vec import kernel_arguments as kernels
from embeddings.word2vec.architectures import KERNELS, skip_gram
from tests.kernel_inputs import as_block, make_extensions, make_parameters, make_sentences, make_step
from tests.reference import word2vec as reference


def make_scratch(parameters, step, extensions=kernels.Extensions()):  # noqa: B008 - never changed
    return kernels.scratch(parameters.embedding.shape[1], 100, step.window, step.negative, extensions)


def train_both(architecture, dimension, sentences, step, **kinds):
    parameters = make_parameters(dimension, subwords=kinds.get("subwords", False))
    extensions = make_extensions(dimension, **kinds)
    oracle = reference.Reference(parameters, step, extensions)
    {"skip-gram": oracle.skip_gram, "cbow": oracle.cbow}[architecture](sentences)
    kernel, scratch = KERNELS[architecture], make_scratch(parameters, step, extensions)
    result = kernel(as_block(sentences), parameters, step, scratch, *extensions)
    if extensions.position_weights is not None:
        np.testing.assert_allclose(extensions.position_weights, oracle.position_weights, rtol=0, atol=2e-5)
    return parameters, result, oracle


def assert_same(parameters, result, oracle):
    np.testing.assert_allclose(parameters.embedding, oracle.E, rtol=0, atol=2e-5)
    np.testing.assert_allclose(parameters.context, oracle.C, rtol=0, atol=2e-5)
    assert result[1] == oracle.examples
    assert result[0] == pytest.approx(oracle.loss, rel=1e-4)


CASES = [
    {},
    {"negative": 1},
    {"negative": 3, "window": 2},
    {"negative": 6},
    {"negative": 13, "window": 3},
    {"dynamic_window": False},
    {"share_negatives": False},
    {"share_negatives": False, "negative": 8},
    {"window": 40},
]


@pytest.mark.parametrize("settings", CASES, ids=str)
@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_kernel_equals_the_reference(architecture, settings):
    sentences = make_sentences([20, 1, 2, 0, 3, 9, 17, 33])
    assert_same(*train_both(architecture, 16, sentences, make_step(**settings)))


@pytest.mark.parametrize("dimension", [1, 20, 48, 1040])
@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_kernel_equals_the_reference_for_other_dimensions(architecture, dimension):
    parameters, result, oracle = train_both(architecture, dimension, make_sentences([30, 12]), make_step())
    assert_same(parameters, result, oracle)
    assert not parameters.embedding[:, dimension:].any()  # padding stays zero
    assert not parameters.context[:, dimension:].any()


HIERARCHICAL = {"negative": 0}
KINDS = [
    ({"subwords": True}, {}),
    ({"subwords": True}, {"negative": 8, "share_negatives": False}),
    ({"subwords": True}, {"window": 2, "negative": 1}),
    ({"paths": True}, HIERARCHICAL),
    ({"paths": True}, HIERARCHICAL | {"window": 1}),
    ({"subwords": True, "paths": True}, HIERARCHICAL | {"dynamic_window": False}),
]


@pytest.mark.parametrize(("kinds", "settings"), KINDS, ids=str)
@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_subwords_and_hierarchical_softmax_equal_the_reference(architecture, kinds, settings):
    sentences = make_sentences([20, 1, 2, 0, 3, 9, 17, 33])
    assert_same(*train_both(architecture, 20, sentences, make_step(**settings), **kinds))


@pytest.mark.parametrize("weighted", [1, 7, 20])
@pytest.mark.parametrize("kinds", [{}, {"subwords": True}, {"paths": True}], ids=str)
def test_position_weights_equal_the_reference(kinds, weighted):
    step = make_step(weighted=weighted, negative=0 if "paths" in kinds else 5, window=4)
    sentences = make_sentences([20, 1, 2, 0, 3, 9, 17, 33])
    kinds = {**kinds, "window": 4, "weighted": weighted}
    parameters, result, oracle = train_both("cbow", 20, sentences, step, **kinds)
    assert_same(parameters, result, oracle)
    changed = abs(oracle.position_weights - make_extensions(20, **kinds).position_weights).max(axis=0)
    assert (changed[:weighted] > 0).all()
    assert not changed[weighted:].any()


def test_sum_of_context_vectors_equals_the_reference():
    assert_same(*train_both("cbow", 16, make_sentences([30, 12]), make_step(mean=False)))


def test_repeated_words_equal_the_reference():
    sentences = [[3] * 15, [3, 4, 3, 4, 3, 4, 4, 4, 3]]
    for architecture in ("skip-gram", "cbow"):
        assert_same(*train_both(architecture, 16, sentences, make_step()))


def test_a_block_trains_only_its_part_of_a_sentence():
    parameters, step = make_parameters(16), make_step()
    sentences = make_sentences([40])
    oracle = reference.Reference(parameters, step)
    oracle.skip_gram([sentences[0][10:25]])
    scratch = make_scratch(parameters, step)
    result = skip_gram(as_block(sentences)._replace(first=10, last=25), parameters, step, scratch, None, None, None)
    assert_same(parameters, result, oracle)


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_learning_rate_zero_measures_and_changes_nothing(architecture):
    before = make_parameters(16)
    parameters, (loss, examples), _ = train_both(
        architecture, 16, make_sentences([30]), make_step(learning_rate=0.0, loss_interval=1)
    )
    np.testing.assert_array_equal(parameters.embedding, before.embedding)
    np.testing.assert_array_equal(parameters.context, before.context)
    assert loss > 0
    assert examples > 0


def total_loss(E, C, contexts, words, hidden):
    labels = np.array([1] + [0] * (len(words) - 1))
    return sum(reference.logistic_loss(x, C[words], labels) for x in hidden(E, contexts))


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow mean", "cbow sum"])
def test_reference_steps_along_the_negative_gradient(architecture):
    """The step of one window is -α ∂L/∂E and -α ∂L/∂C, by central differences."""
    contexts, centre, negatives, rate = [1, 2, 5, 7], 3, [4, 6, 8, 9, 10], 1e-6
    step = make_step(learning_rate=rate, mean=architecture != "cbow sum")
    oracle = reference.Reference(make_parameters(4), step)
    oracle.E, oracle.C = oracle.E[:, :4], oracle.C[:, :4]
    E, C = oracle.E.copy(), oracle.C.copy()
    if architecture == "skip-gram":
        oracle.train_window(oracle.E, contexts, centre, negatives)
    else:
        tokens = [*contexts[:2], centre, *contexts[2:]]
        oracle.train_span(reference.Sentence(oracle, tokens), [2], [[0, 1, 3, 4]], negatives)
    hidden = {
        "skip-gram": lambda E, contexts: E[contexts],
        "cbow mean": lambda E, contexts: [E[contexts].mean(axis=0)],
        "cbow sum": lambda E, contexts: [E[contexts].sum(axis=0)],
    }[architecture]
    for matrix, after in ((E, oracle.E), (C, oracle.C)):
        gradient = np.zeros_like(matrix)
        for index in np.ndindex(matrix.shape):
            value, h = matrix[index], 1e-5
            matrix[index] = value + h
            above = total_loss(E, C, contexts, [centre, *negatives], hidden)
            matrix[index] = value - h
            below = total_loss(E, C, contexts, [centre, *negatives], hidden)
            matrix[index] = value
            gradient[index] = (above - below) / (2 * h)
        np.testing.assert_allclose((after - matrix) / -rate, gradient, rtol=1e-4, atol=1e-5)
