"""Subwords, hierarchical softmax and position weights: training, resuming, continuing, scoring."""

import itertools

import numpy as np
import pytest

from embeddings import Checkpointing, EmbeddingsError, Word2Vec, WordVectors, formats
from embeddings.word2vec.huffman import huffman_paths
from embeddings.word2vec.scoring import SentenceScorer
from tests.reference.word2vec import sigmoid
from tests.topics import interrupt, small

VARIANTS = [
    {"subwords": "3-4", "buckets": 500},
    {"hierarchical_softmax": True},
    {"subwords": "2-5", "buckets": 1000, "hierarchical_softmax": True},
    {"subwords": "2-4", "buckets": 300, "floret_hashes": 2},
    {"architecture": "cbow", "subwords": "3-4", "buckets": 500},
    {"architecture": "cbow", "hierarchical_softmax": True},
    {"architecture": "cbow", "position_weights": 4},
    {"architecture": "cbow", "position_weights": 16, "subwords": "3-4", "buckets": 500, "hierarchical_softmax": True},
]


def arrays(vectors):
    """Everything that was learned, by name."""
    found = {"matrix": vectors.matrix, "context": vectors.context, "nodes": vectors.nodes}
    found["ngrams"] = None if vectors.subwords is None else vectors.subwords.matrix
    return {name: np.array(array) for name, array in found.items() if array is not None}


def assert_same(vectors, expected):
    found, wanted = arrays(vectors), arrays(expected)
    assert found.keys() == wanted.keys()
    for name, array in found.items():
        np.testing.assert_array_equal(array, wanted[name])


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_words_of_one_topic_come_close(encoded, variant, deterministic):
    model = Word2Vec(small(epochs=12, deterministic=deterministic, held_out=0.1, **variant)).fit(*encoded)
    vectors = model.vectors_
    assert vectors.similarity("gold", "iron") > vectors.similarity("gold", "cat") + 0.3
    assert model.metrics_[-1]["held_out_loss"] < model.metrics_[0]["held_out_loss"]
    assert (vectors.context is None) == bool(variant.get("hierarchical_softmax"))


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_any_number_of_threads_gives_the_same_bytes(encoded, variant):
    one, *others = (
        Word2Vec(small(deterministic=True, threads=threads, **variant)).fit(*encoded).vectors_ for threads in (1, 2, 3)
    )
    for other in others:
        assert_same(other, one)


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_an_interruption_leaves_no_trace(encoded, tmp_path, variant, deterministic):
    config = small(epochs=4, deterministic=deterministic, **variant)
    expected = Word2Vec(config).fit(*encoded).vectors_
    checkpointing = Checkpointing(tmp_path / "checkpoints", every=0.0)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            Word2Vec(config).fit(*encoded, progress=interrupt, checkpointing=checkpointing)
    assert_same(Word2Vec(config).fit(*encoded, checkpointing=checkpointing).vectors_, expected)


def test_vectors_of_words_are_means_of_their_rows(encoded):
    vectors = Word2Vec(small(subwords="3-4", buckets=500)).fit(*encoded).vectors_
    own = vectors.subwords.own_rows(vectors.matrix, vectors.words)
    again = vectors.subwords.word_vectors(own, vectors.words)
    np.testing.assert_allclose(again, vectors.matrix, atol=1e-6)
    assert vectors["silverware"].any()
    assert "silverware" not in vectors


@pytest.mark.parametrize(
    "variant", [v for v in VARIANTS if "subwords" in v and "hierarchical_softmax" not in v], ids=str
)
def test_training_continues_from_words_and_ngrams(encoded, variant):
    first = Word2Vec(small(epochs=8, **variant)).fit(*encoded).vectors_
    config = small(epochs=1, **variant | {"learning_rate": 1e-9, "min_learning_rate": 0.0})
    vectors = Word2Vec(config).fit(*encoded, initial_vectors=first).vectors_
    np.testing.assert_allclose(vectors.matrix, first.matrix, atol=1e-5)
    np.testing.assert_allclose(vectors.subwords.matrix, first.subwords.matrix, atol=1e-5)
    np.testing.assert_allclose(vectors.context, first.context, atol=1e-5)


@pytest.mark.parametrize(
    ("first", "then", "message"),
    [
        ({}, {"subwords": "3-6"}, r"have no subwords, and the training subwords of 3-6 .*: leave out subwords"),
        (
            {"subwords": "3-4", "buckets": 500},
            {},
            r"the training no subwords: set subwords to '3-4' and buckets to 500",
        ),
        ({"subwords": "3-4", "buckets": 500}, {"subwords": "3-5", "buckets": 500}, "set subwords to '3-4'"),
    ],
)
def test_other_subwords_cannot_be_continued(encoded, first, then, message):
    vectors = Word2Vec(small(epochs=1, **first)).fit(*encoded).vectors_
    with pytest.raises(EmbeddingsError, match=message):
        Word2Vec(small(epochs=1, **then)).fit(*encoded, initial_vectors=vectors)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hierarchical_softmax": True, "negative": 5}, "takes no noise words, and negative is 5"),
        ({"negative": 0}, "negative is 0; it must be from 1 to 1000, or 0 with hierarchical_softmax"),
        ({"position_weights": 4}, "those of CBOW"),
        ({"architecture": "cbow", "position_weights": 17}, "position_weights is 17; it must be from 0 to 16"),
        ({"subwords": "6-3"}, "subwords is '6-3': .*impossible; expected a range such as 3-6"),
        ({"subwords": "none"}, "subwords is 'none'"),
        ({"subwords": "3-6", "buckets": 0}, "buckets=0; expected 1 to"),
        ({"subwords": "3-6", "floret_hashes": 5}, "floret_hashes=5; expected 1 to 4"),
        ({"floret_hashes": 2}, "floret_hashes is 2, without subwords"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        small(**settings)


def test_frequent_words_have_short_paths_that_no_other_begins_with():
    counts = np.array([1000, 400, 300, 50, 20, 20, 3, 1, 1])
    paths = huffman_paths(counts)
    lengths = np.diff(paths.offsets)
    assert (np.diff(lengths) >= 0).all()
    assert (2.0**-lengths).sum() == 1  # Kraft: the code is complete
    codes = [tuple(paths.labels[0, a:b]) for a, b in itertools.pairwise(paths.offsets)]
    assert not [(a, b) for a in codes for b in codes if a != b and b[: len(a)] == a]
    assert {int(paths.nodes[a]) for a in paths.offsets[:-1]} == {len(counts) - 2}  # the root


@pytest.mark.parametrize("counts", [[5, 5], [1] * 7, [2**k for k in range(40, 0, -1)]])
def test_words_that_are_not_trained_have_no_path(counts):
    counts = np.array([*counts, 0])
    trained = counts > 0
    some, few = huffman_paths(counts, trained), huffman_paths(counts[trained])
    np.testing.assert_array_equal(some.offsets[:-1], few.offsets)
    np.testing.assert_array_equal(some.nodes, few.nodes)


def log_probabilities(vectors, x):
    """log p(word | x) of every word, along its path."""
    paths, nodes = huffman_paths(vectors.vocabulary.counts), np.float64(vectors.nodes)
    found = []
    for first, last in itertools.pairwise(paths.offsets):
        scores = nodes[paths.nodes[first:last]] @ x
        found.append(np.log(sigmoid(np.where(paths.labels[0, first:last] == 1, scores, -scores))).sum())
    return np.array(found)


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_scores_are_sums_of_normalised_log_probabilities(encoded, tmp_path, architecture):
    config = small(architecture=architecture, hierarchical_softmax=True, window=2)
    trained = Word2Vec(config).fit(*encoded).vectors_
    trained.save(tmp_path / "model")
    vectors = WordVectors.load(tmp_path / "model")
    sentences = [["gold", "iron", "cat", "unheard-of", "zinc"], ["dog"], [], ["cat", "dog"]]
    expected = []
    for sentence in sentences:
        known, total = [word for word in sentence if word in vectors], 0.0
        for i, word in enumerate(known):
            around = known[max(0, i - 2) : i] + known[i + 1 : i + 3]
            inputs = [np.float64(vectors[other]) for other in around]
            inputs = inputs if architecture == "skip-gram" or not inputs else [np.mean(inputs, axis=0)]
            for x in inputs:
                log_p = log_probabilities(vectors, x)
                assert np.exp(log_p).sum() == pytest.approx(1)
                total += log_p[vectors.id(word)]
        expected.append(total)
    np.testing.assert_allclose(SentenceScorer(vectors).score(sentences), expected, rtol=1e-5)


def test_a_converted_directory_keeps_tokenizer_and_tree(encoded, tmp_path):
    vectors = Word2Vec(small(hierarchical_softmax=True)).fit(*encoded).vectors_
    vectors.tokenizer_settings = {"spec": "fast", "lowercase": False}
    vectors.save(tmp_path / "model")
    formats.convert(tmp_path / "model", tmp_path / "again", format="model")
    again = WordVectors.load(tmp_path / "again")
    assert again.tokenizer_settings == vectors.tokenizer_settings
    assert_same(again, vectors)
    sentence = [["gold", "iron", "zinc"]]
    assert SentenceScorer(again).score(sentence) == SentenceScorer(vectors).score(sentence)


def test_vectors_without_a_tree_cannot_score(encoded):
    with pytest.raises(EmbeddingsError, match="have no tree: they were trained without it"):
        SentenceScorer(Word2Vec(small(epochs=1)).fit(*encoded).vectors_)
