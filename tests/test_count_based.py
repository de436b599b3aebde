"""Count-based vectors: co-occurrences, positive PMI and factors equal their definitions."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from embeddings.count_based import CountBased, CountBasedConfig, cooccurrence, factorize, positive_pmi
from embeddings.count_based.cooccurrence import Cooccurrences, window_weights
from embeddings.errors import EmbeddingsError
from embeddings.text.vocabulary import Vocabulary
from tests.reference import count_based as reference

SIZE = 12


def encoded(sentences, shards=1):
    """What `Cooccurrences` needs of an EncodedCorpus."""
    parts = [sentences[i::shards] for i in range(shards)]
    return SimpleNamespace(
        shards=[
            (
                np.array([word for sentence in part for word in sentence], np.int32),
                np.cumsum([0, *map(len, part)]).astype(np.int64),
            )
            for part in parts
        ],
        require_vocabulary=lambda vocabulary: None,
    )


def topics(n=300, seed=1):
    """Sentences about one of three groups of four words each."""
    rng = np.random.default_rng(seed)
    return [(rng.integers(4, size=6) + 4 * rng.integers(3)).tolist() for _ in range(n)]


def counted(sentences, directory, window=3, dynamic=True, size=SIZE, shards=1, **options):
    weights = window_weights(window, dynamic=dynamic)
    return Cooccurrences(encoded(sentences, shards), size, weights=weights, directory=directory, **options)


def dense(cooccurrences):
    return sparse.vstack([rows for _, rows in cooccurrences.rows()]).toarray()


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=12), min_size=1, max_size=8),
    st.integers(1, 6),
    st.booleans(),
    st.integers(1, 3),
)
def test_counts_are_those_of_the_definition(tmp_path_factory, sentences, window, dynamic, shards):
    expected = reference.cooccurrences(sentences, SIZE, window, dynamic) * window
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cooccurrence, "MERGED_ENTRIES", 10)
        found = counted(sentences, tmp_path_factory.mktemp("runs"), window, dynamic, shards=shards, table_slots=16)
        np.testing.assert_array_equal(dense(found), np.rint(expected))
    np.testing.assert_array_equal(found.totals, np.rint(expected.sum(axis=1)))


def test_small_tables_spill_to_disk_and_give_the_same_counts(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    sentences = topics()
    spilled = counted(sentences, tmp_path / "a", table_slots=16)
    assert len(list((tmp_path / "a").iterdir())) > 4
    np.testing.assert_array_equal(dense(spilled), dense(counted(sentences, tmp_path / "b")))
    assert len(list((tmp_path / "b").iterdir())) == 2


def test_progress_ends_at_the_last_token(tmp_path):
    seen = []
    counted(topics(20), tmp_path, table_slots=16, shards=2, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 120


@pytest.mark.parametrize(("alpha", "shift"), [(1.0, 1.0), (0.75, 1.0), (0.75, 5.0)])
def test_positive_pmi_is_that_of_the_definition(tmp_path, alpha, shift):
    sentences = [*topics(100), [0, 5], [11, 11, 3]]
    size = SIZE + 1  # the last word does not occur
    expected = reference.ppmi(reference.cooccurrences(sentences, size, 3, True), alpha, shift)
    found = positive_pmi(counted(sentences, tmp_path, size=size), alpha, shift)
    assert found.dtype == np.float32
    assert (found.data > 0).all()
    np.testing.assert_allclose(found.toarray(), expected, atol=1e-5)


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
def test_factors_are_those_of_a_full_decomposition(p):
    matrix = np.random.default_rng(2).random((15, 15)).astype(np.float32)
    words, contexts = factorize(sparse.csr_array(matrix), 4, p, seed=1)
    expected_words, expected_contexts = reference.svd(matrix.astype(np.float64), 4, p)
    signs = np.sign((words * expected_words).sum(axis=0))
    np.testing.assert_allclose(words, expected_words * signs, atol=1e-4)
    np.testing.assert_allclose(contexts, expected_contexts * signs, atol=1e-4)
    assert (words[np.abs(words).argmax(axis=0), range(4)] > 0).all()


def test_words_of_one_topic_become_neighbours():
    words = [f"{topic}{i}" for topic in "abc" for i in range(4)]
    vocabulary = Vocabulary.from_words(words, np.full(12, 150))
    vectors = CountBased(CountBasedConfig(dimension=3, window=3)).fit(encoded(topics()), vocabulary).vectors_
    assert vectors.matrix.shape == vectors.context.shape == (12, 3)
    for word in words:
        assert {found[0] for found, _ in vectors.most_similar(word, topn=3)} == {word[0]}
    again = CountBased(CountBasedConfig(dimension=3, window=3)).fit(encoded(topics()), vocabulary).vectors_
    np.testing.assert_array_equal(again.matrix, vectors.matrix)


def test_corpora_without_pairs_and_too_many_dimensions_are_refused():
    vocabulary = Vocabulary.from_words([f"w{i}" for i in range(SIZE)], np.ones(SIZE, int))
    with pytest.raises(EmbeddingsError, match="no two words occur together"):
        CountBased(CountBasedConfig(dimension=2)).fit(encoded([[1], [2]]), vocabulary)
    with pytest.raises(EmbeddingsError, match="dimension is 12 for 12 words"):
        CountBased(CountBasedConfig(dimension=12)).fit(encoded(topics()), vocabulary)


@pytest.mark.parametrize(
    "setting", [{"dimension": 0}, {"window": 0}, {"shift": 0.5}, {"context_smoothing": -1}, {"shift": float("nan")}]
)
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ValueError, match=f"{next(iter(setting))} is .*; expected a number from"):
        CountBasedConfig(**setting)
