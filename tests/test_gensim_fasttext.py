"""`vecmill.gensim.FastText`: rows and means fit each other, training goes on, files of fastText keep all they hold."""

import struct

import numpy as np
import pytest

import vecmill
from embeddings.text.character_ngrams import CharacterNgrams
from tests.topics import topic_lines
from vecmill.gensim import (
    FastText,
    FastTextKeyedVectors,
    KeyedVectors,
    load_facebook_model,
    load_facebook_vectors,
    save_facebook_model,
)

SENTENCES = [line.split() for line in topic_lines(300)]
SETTINGS = {"vector_size": 16, "min_count": 1, "workers": 1, "bucket": 5000, "epochs": 2}


@pytest.fixture(scope="module")
def model():
    return FastText(SENTENCES, **SETTINGS)


def means(wv):
    """Compute the vectors of all keys from the own rows and those of the n-grams."""
    offsets, buckets = wv.ngrams.buckets_of(wv.index_to_key)
    ngrams = wv.vectors_ngrams.astype(np.float64)
    rows = [
        (own + ngrams[buckets[first:last]].sum(0)) / (1 + last - first)
        for own, first, last in zip(wv.vectors_vocab, offsets[:-1], offsets[1:], strict=True)
    ]
    return np.array(rows)


@pytest.mark.parametrize("settings", [{"sg": 1}, {"sg": 0}, {"sg": 0, "cbow_mean": 0}, {"hs": 1, "negative": 0}])
def test_vectors_are_the_means_of_their_rows(settings):
    model = FastText(SENTENCES, **SETTINGS, **settings)
    np.testing.assert_allclose(model.wv.vectors, means(model.wv), atol=1e-5)


def test_an_unknown_word_has_the_mean_of_its_ngrams(model):
    buckets = model.wv.ngrams.buckets_of(["unheard"]).buckets
    expected = model.wv.vectors_ngrams[buckets].mean(axis=0)
    np.testing.assert_allclose(model.wv["unheard"], expected, atol=1e-6)
    assert "unheard" in model.wv and not model.wv.has_index_for("unheard")
    assert model.wv.similarity("unheard", "unheard") == pytest.approx(1)
    assert len(model.wv.most_similar("unheard", topn=3)) == 3


def test_without_ngrams_an_unknown_word_is_an_error():
    plain = FastText(SENTENCES, **SETTINGS, max_n=0)
    assert plain.wv.subwords is None and "unheard" not in plain.wv
    with pytest.raises(KeyError, match="unheard"):
        plain.wv["unheard"]


def test_training_goes_on_with_new_words_and_their_ngrams():
    model = FastText(SENTENCES, **SETTINGS, sample=0)
    before = model.wv.vectors_ngrams
    new = CharacterNgrams(buckets=5000).buckets_of(["xylophone"]).buckets
    model.build_vocab([["xylophone", SENTENCES[0][0]]] * 20, update=True)
    assert model.wv.vectors_ngrams[new].any(axis=1).all()
    kept = before.any(axis=1)
    np.testing.assert_array_equal(model.wv.vectors_ngrams[kept], before[kept])
    model.train([["xylophone", SENTENCES[0][0]]] * 20, total_examples=20, epochs=1)
    assert not np.array_equal(model.wv.vectors_ngrams[kept], before[kept])


def test_locked_rows_stay():
    model = FastText(**SETTINGS)
    model.build_vocab(SENTENCES)
    model.wv.vectors_vocab_lockf = np.zeros(1, np.float32)
    model.wv.vectors_ngrams_lockf = np.zeros(5000, np.float32)
    own, ngrams = model.wv.vectors_vocab.copy(), model.wv.vectors_ngrams
    model.train(SENTENCES, total_examples=300, epochs=1)
    np.testing.assert_array_equal(model.wv.vectors_vocab, own)
    np.testing.assert_array_equal(model.wv.vectors_ngrams, ngrams)


def test_save_keeps_rows_and_settings(model, tmp_path):
    model.save(tmp_path / "model")
    loaded = FastText.load(tmp_path / "model")
    assert (loaded.bucket, loaded.min_n, loaded.max_n) == (5000, 3, 6)
    np.testing.assert_array_equal(loaded.wv.vectors_vocab, model.wv.vectors_vocab)
    np.testing.assert_array_equal(loaded.wv.vectors_ngrams, model.wv.vectors_ngrams)
    assert vecmill.load(tmp_path / "model").subwords is not None
    model.wv.save(tmp_path / "vectors")
    for load in (FastTextKeyedVectors.load, KeyedVectors.load):  # gensim returns the class that was saved
        vectors = load(tmp_path / "vectors")
        assert isinstance(vectors, FastTextKeyedVectors)
        np.testing.assert_array_equal(vectors["unheard"], model.wv["unheard"])


def test_a_file_of_fasttext_keeps_all_it_holds(model, tmp_path):
    save_facebook_model(model, tmp_path / "a.bin")
    loaded = load_facebook_model(tmp_path / "a.bin")
    np.testing.assert_array_equal(loaded.wv.vectors, model.wv.vectors)
    np.testing.assert_array_equal(loaded.syn1neg, model.syn1neg)
    assert (loaded.sg, loaded.window, loaded.sample, loaded.epochs) == (0, 5, 1e-3, 2)
    save_facebook_model(loaded, tmp_path / "b.bin")
    assert (tmp_path / "b.bin").read_bytes() == (tmp_path / "a.bin").read_bytes()
    np.testing.assert_array_equal(load_facebook_vectors(tmp_path / "a.bin")["unheard"], model.wv["unheard"])


def test_a_file_of_the_first_fasttext_is_read(model, tmp_path):
    """It has no magic number, no count of pruned n-grams, and no marks of quantised matrices."""
    save_facebook_model(model, tmp_path / "a.bin")
    data = (tmp_path / "a.bin").read_bytes()
    pruned = 8 + 56 + 20
    words = pruned + 8 + sum(len(word.encode()) + 10 for word in model.wv.index_to_key)
    rows = words + 1 + 16 + 4 * 16 * (len(model.wv) + 5000)
    assert struct.unpack_from("<q", data, pruned) == (-1,)
    old = data[8:pruned] + data[pruned + 8 : words] + data[words + 1 : rows] + data[rows + 1 :]
    (tmp_path / "old.bin").write_bytes(old)
    np.testing.assert_array_equal(load_facebook_model(tmp_path / "old.bin").wv.vectors, model.wv.vectors)


def test_gensim_opens_what_is_written(model, tmp_path):
    gensim = pytest.importorskip("gensim.models.fasttext")
    save_facebook_model(model, tmp_path / "a.bin")
    theirs = gensim.load_facebook_model(str(tmp_path / "a.bin"))
    assert theirs.wv.index_to_key == model.wv.index_to_key
    np.testing.assert_allclose(theirs.wv.vectors, model.wv.vectors, atol=1e-6)
    np.testing.assert_allclose(theirs.wv["unheard"], model.wv["unheard"], atol=1e-6)
