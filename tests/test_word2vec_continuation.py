"""Training that goes on from vectors on new text: which words there are, what moves and what does not."""

import numpy as np
import pytest

from embeddings import Checkpointing, Vocabulary, Word2Vec, Word2VecConfig, WordVectors
from embeddings.errors import EmbeddingsError
from embeddings.text.build_vocabulary import build_vocabulary
from embeddings.text.encoded_corpus import encode_corpus
from embeddings.text.tokenized_corpus import tokenize_corpus
from embeddings.text.tokenizer.tokenizers import make_tokenizer
from embeddings.word2vec.config import CONTINUED_LEARNING_RATE, DEFAULT_LEARNING_RATE
from embeddings.word2vec.warm_start import extend_vocabulary
from tests.topics import ANIMALS, METALS, interrupt, small, topic_lines

FISH = ["trout", "salmon", "pike", "perch"]


def tokenized(lines, folder):
    return tokenize_corpus(["\n".join(lines).encode() + b"\n"], make_tokenizer("fast"), folder)


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """Vectors of animals and metals."""
    folder = tmp_path_factory.mktemp("old")
    text = tokenized(topic_lines(300), folder / "tokenized")
    vocabulary = build_vocabulary(text, min_count=1)
    return Word2Vec(small()).fit(encode_corpus(text, vocabulary, folder / "encoded"), vocabulary).vectors_


@pytest.fixture(scope="module")
def new(tmp_path_factory, old):
    """Text in which fish live with animals and metals do not occur, and the extended vocabulary."""
    folder = tmp_path_factory.mktemp("new")
    generator = np.random.default_rng(5)
    lines = [" ".join(generator.choice(ANIMALS + FISH, 12)) for _ in range(200)]
    text = tokenized(lines, folder / "tokenized")
    vocabulary = extend_vocabulary(old.vocabulary, text, min_count=1)
    return encode_corpus(text, vocabulary, folder / "encoded"), vocabulary


def test_old_words_stay_and_frequent_new_words_come_with_the_sum_of_counts(tmp_path):
    vocabulary = Vocabulary.from_counts({"the": 10, "old": 3, "never": 1, "häufig": 2})
    text = tokenized(["the new new new rare häufig häufig", "old"], tmp_path / "text")
    extended = extend_vocabulary(vocabulary, text, min_count=2)
    counts = dict(zip(extended.words, extended.counts.tolist(), strict=True))
    assert counts == {"the": 11, "häufig": 4, "old": 4, "new": 3, "never": 1}
    assert list(extended.counts) == sorted(extended.counts, reverse=True)


def test_only_the_most_frequent_new_words_come_when_there_is_no_room(tmp_path):
    vocabulary = Vocabulary.from_counts({"a": 10, "b": 3})
    text = tokenized(["c c d d d e a"], tmp_path / "text")
    assert set(extend_vocabulary(vocabulary, text, min_count=1, max_vocabulary=3).words) == {"a", "b", "d"}
    assert set(extend_vocabulary(vocabulary, text, min_count=1, max_vocabulary=2).words) == {"a", "b"}


def test_words_keep_their_vectors_and_new_ones_start_as_always(old, new):
    still = small(learning_rate=1e-30, min_learning_rate=0)
    vectors = Word2Vec(still).fit(*new, initial_vectors=old).vectors_
    np.testing.assert_array_equal(vectors[old.words], old.matrix)
    np.testing.assert_array_equal(vectors.context[vectors.ids(old.words)], old.context)
    assert 0 < abs(vectors[FISH]).max() <= 0.5 / 16
    assert not vectors.context[vectors.ids(FISH)].round(6).any()


def test_absent_words_keep_their_vectors_and_are_still_noise(old, new):
    """Only the context vectors of noise words move, and metals are drawn as noise."""
    vectors = Word2Vec(small()).fit(*new, initial_vectors=old).vectors_
    np.testing.assert_array_equal(vectors[METALS], old[METALS])
    metals = vectors.context[vectors.ids(METALS)]
    assert not np.array_equal(metals, old.context[old.ids(METALS)])
    assert not np.array_equal(vectors[ANIMALS], old[ANIMALS])


@pytest.mark.parametrize("deterministic", [False, True])
def test_new_words_come_to_be_neighbours_of_those_they_live_with(old, new, deterministic):
    vectors = Word2Vec(small(epochs=8, deterministic=deterministic)).fit(*new, initial_vectors=old).vectors_
    assert vectors.similarity("trout", "cat") > vectors.similarity("trout", "gold") + 0.3


def test_interruption_leaves_no_trace(old, new, tmp_path):
    expected = Word2Vec(small()).fit(*new, initial_vectors=old).vectors_
    checkpointing = Checkpointing(tmp_path, every=0.0)
    with pytest.raises(KeyboardInterrupt):
        Word2Vec(small()).fit(*new, initial_vectors=old, progress=interrupt, checkpointing=checkpointing)
    vectors = Word2Vec(small()).fit(*new, initial_vectors=old, checkpointing=checkpointing).vectors_
    np.testing.assert_array_equal(vectors.matrix, expected.matrix)


def test_vectors_without_context_are_a_start(old, new):
    vectors = Word2Vec(small()).fit(*new, initial_vectors=WordVectors(old.vocabulary, old.matrix)).vectors_
    assert np.isfinite(vectors.matrix).all()
    np.testing.assert_array_equal(vectors[METALS], old[METALS])


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_the_learning_rate_is_lower_unless_it_is_given(old, new, architecture):
    settings = {"dimension": 16, "architecture": architecture, "epochs": 1}
    seen = []
    Word2Vec(Word2VecConfig(**settings)).fit(*new, initial_vectors=old, progress=seen.append)
    assert seen[0].learning_rate <= CONTINUED_LEARNING_RATE[architecture] < DEFAULT_LEARNING_RATE[architecture]
    config = Word2VecConfig(**settings, learning_rate=0.07)
    assert config.with_learning_rate(continued=True).rate == 0.07


def test_another_dimension_is_refused_with_both(old, new):
    with pytest.raises(EmbeddingsError, match="have 16 dimensions, and dimension is 20: train with dimension 16"):
        Word2Vec(small(dimension=20)).fit(*new, initial_vectors=old)


def test_vectors_of_other_words_are_refused(new):
    other = WordVectors(Vocabulary.from_words(["quark", "gluon"]), np.zeros((2, 16), np.float32))
    with pytest.raises(EmbeddingsError, match="none of the 2 words of the initial vectors"):
        Word2Vec(small()).fit(*new, initial_vectors=other)
