"""The compiled kernels of documents against the float64 reference."""

import numpy as np
import pytest

from embeddings.word2vec import kernel_arguments as kernels
from embeddings.word2vec import padded_matrices as matrices
from embeddings.word2vec.document_architectures import STRETCH, infer_documents, paragraph_vectors
from tests.kernel_inputs import WORDS, as_block, make_extensions, make_parameters, make_sentences, make_step
from tests.reference import paragraph_vectors as reference

LENGTHS = [20, 1, 2, 0, 3, 9, 17, 33]
CASES = [
    {"window": 0},
    {"window": 0, "negative": 8},
    {},
    {"window": 2, "negative": 1},
    {"dynamic_window": False, "negative": 13},
    {"mean": False, "learning_rate": 0.02},
    {"negative": 0},
    {"negative": 0, "window": 0},
]


def with_documents(dimension):
    """Parameters with a row of E for each document after those of the words."""
    parameters = make_parameters(dimension)
    embedding = matrices.zeros(WORDS + len(LENGTHS), dimension)
    embedding[:WORDS] = parameters.embedding
    embedding[WORDS:, :dimension] = np.random.default_rng(5).normal(0, 0.4, (len(LENGTHS), dimension))
    return parameters._replace(embedding=embedding)


def extensions_of(step):
    """Hierarchical softmax where there are no negatives."""
    return make_extensions(paths=step.negative == 0)


def scratch_of(parameters, step):
    return kernels.scratch(parameters.embedding.shape[1], 3 * STRETCH, step.window, step.negative, extensions_of(step))


@pytest.mark.parametrize("settings", CASES, ids=str)
@pytest.mark.parametrize("dimension", [16, 40])
def test_training_equals_the_reference(settings, dimension):
    sentences, step, parameters = make_sentences(LENGTHS), make_step(**settings), with_documents(dimension)
    oracle = reference.ParagraphVectors(parameters, step, extensions_of(step))
    oracle.train(sentences, WORDS)
    block = as_block(sentences)._replace(first_document=WORDS)
    total, examples = paragraph_vectors(block, parameters, step, scratch_of(parameters, step), *extensions_of(step))
    np.testing.assert_allclose(parameters.embedding, oracle.E, rtol=0, atol=2e-5)
    np.testing.assert_allclose(parameters.context, oracle.C, rtol=0, atol=2e-5)
    assert (examples, total) == (oracle.examples, pytest.approx(oracle.loss, rel=1e-4))


@pytest.mark.parametrize("settings", CASES, ids=str)
@pytest.mark.parametrize("dimension", [16, 35])
def test_inference_equals_the_reference_and_changes_nothing_else(settings, dimension):
    sentences, step, parameters = (
        make_sentences([*LENGTHS, 2 * STRETCH + 9]),
        make_step(**settings),
        make_parameters(dimension),
    )
    before = parameters.embedding.copy(), parameters.context.copy()
    found = matrices.zeros(len(sentences), dimension)
    with np.errstate(over="ignore"):
        scratch, sums = scratch_of(parameters, step), matrices.zeros(STRETCH + 2 * step.window + 1, dimension)
        paths = extensions_of(step).paths
        infer_documents(as_block(sentences), found, parameters, step, scratch, sums, dimension, 3, 0.001, paths)
    expected = [
        reference.infer(parameters, step, words, dimension, 3, 0.001, extensions_of(step)) for words in sentences
    ]
    np.testing.assert_allclose(found[:, :dimension], expected, rtol=0, atol=2e-5)
    assert not found[:, dimension:].any()
    np.testing.assert_array_equal(parameters.embedding, before[0])
    np.testing.assert_array_equal(parameters.context, before[1])
