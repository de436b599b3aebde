"""gensim's names over vecmill: what its own test files do not show (see `test_gensim_own`)."""

import logging
import pickle
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import vecmill
from embeddings.word2vec import Word2Vec as Engine
from embeddings.word2vec import Word2VecConfig
from vecmill.errors import OutputError, VecmillError
from vecmill.gensim import (
    CallbackAny2Vec,
    Doc2Vec,
    FastText,
    KeyedVectors,
    LineSentence,
    PathLineSentences,
    Phrases,
    TaggedDocument,
    Text8Corpus,
    Word2Vec,
    downloader,
    load_facebook_model,
    simple_preprocess,
    utils,
)
from vecmill.gensim.conventions import sample_share
from vecmill.gensim.corpus import open_sentences
from vecmill.gensim.saved import SavedFormatError

SENTENCES = [["oat", "milk", "tea", "sugar"], ["tea", "sugar", "lemon"], ["milk", "oat", "sugar"]] * 60


def trained(**settings):
    return Word2Vec(SENTENCES, **{"vector_size": 8, "min_count": 1, "workers": 1, "epochs": 2, "sample": 0, **settings})


# -------------------------------------------------------------------------------------------------------- training


class Recorder(CallbackAny2Vec):
    def __init__(self):
        self.events, self.vectors = [], []

    def on_train_begin(self, model):
        self.events.append("train")

    def on_epoch_begin(self, model):
        self.events.append("begin")

    def on_epoch_end(self, model):
        self.events.append("end")
        self.vectors.append(model.wv.vectors.copy())

    def on_train_end(self, model):
        self.events.append("trained")
        self.trainings = model.train_count


def test_patience_ends_a_training_when_the_held_out_loss_stops_falling():
    words = np.random.default_rng(3).integers(0, 50, (2000, 10)).astype(str).tolist()  # nothing to learn
    model = Word2Vec(vector_size=8, min_count=1, workers=1, sample=0, sg=1, alpha=0.2, patience=1)
    model.build_vocab(words)
    trained_words, raw_words = model.train(words, total_examples=model.corpus_count, epochs=40)
    assert 20_000 <= trained_words < 20 * 20_000 and raw_words < 20 * 20_000
    with pytest.raises(ValueError, match="patience"):
        model.train(words, total_examples=model.corpus_count, epochs=2, callbacks=[Recorder()])


def test_callbacks_see_the_vectors_after_each_epoch():
    recorder = Recorder()
    model = trained(epochs=3, callbacks=[recorder], compute_loss=True)
    assert recorder.events == ["train", *["begin", "end"] * 3, "trained"]
    assert recorder.trainings == 1
    first, second, third = recorder.vectors
    assert not np.allclose(first, second)
    assert not np.allclose(second, third)
    assert np.array_equal(third, model.wv.vectors)
    assert model.get_latest_training_loss() > 0


@pytest.mark.parametrize("sg", [0, 1])
def test_a_vector_keeps_the_share_of_its_change_that_its_lock_states(sg):
    model = trained(sg=sg)
    before = model.wv.vectors.copy()
    model.wv.vectors_lockf = np.float32([0, 0.5, *[1] * (len(model.wv) - 2)])
    model.train(SENTENCES, total_examples=len(SENTENCES), epochs=1)
    changed = np.abs(model.wv.vectors - before).sum(axis=1)
    assert changed[0] == 0
    assert (changed[1:] > 0).all()


@pytest.mark.parametrize(("cbow_mean", "times"), [(1, 2.0), (0, 0.5)])
def test_cbow_moves_vectors_as_fast_as_gensim_does(cbow_mean, times):
    """gensim does not divide the gradient of a mean by the number of words, here 2, and divides that of a sum."""
    sentences = [["a", "b", "c", "d"] * 200] * 20
    options = {"window": 1, "alpha": 1e-5, "min_alpha": 1e-5, "sample": 0, "epochs": 1, "shrink_windows": False}
    model = Word2Vec(vector_size=8, workers=1, cbow_mean=cbow_mean, **options)
    model.build_vocab(sentences)
    rng = np.random.default_rng(0)
    model.wv.vectors, model.syn1neg = 1e-3 * rng.standard_normal(
        (2, 4, 8), np.float32
    )  # small: all gradients stay the same
    vectors, contexts, vocabulary = model.wv.vectors.copy(), model.syn1neg.copy(), model.wv.word_vectors.vocabulary
    plain = Word2VecConfig(
        architecture="cbow", dimension=8, window=1, dynamic_window=False, learning_rate=1e-5, min_learning_rate=1e-5,
        sample=0, epochs=1, cbow_mean=bool(cbow_mean), held_out=0, seed=1, threads=1,
    )  # fmt: skip
    with open_sentences(sentences, None) as corpus:
        initial = vecmill.WordVectors(vocabulary, vectors, contexts)
        expected = Engine(plain).fit(corpus.encode(vocabulary), vocabulary, initial_vectors=initial).vectors_
    model.train(sentences, total_examples=20, epochs=1)
    assert slope(expected.matrix - vectors, model.wv.vectors - vectors) == pytest.approx(times, rel=0.05)
    assert slope(expected.context - contexts, model.syn1neg - contexts) == pytest.approx(1, rel=0.05)


def slope(x, y):
    """Return the factor by which y is longer than x in the direction of x."""
    return float((x * y).sum() / (x * x).sum())


def test_a_generator_and_a_file_give_the_same_model_as_lists(tmp_path):
    (tmp_path / "text.txt").write_text("".join(" ".join(sentence) + "\n" for sentence in SENTENCES))
    settings = {"vector_size": 8, "min_count": 1, "workers": 1}
    expected = Word2Vec(SENTENCES, **settings)
    sources = [
        {"sentences": (sentence for sentence in SENTENCES)},
        {"sentences": LineSentence(tmp_path / "text.txt")},
        {"corpus_file": str(tmp_path / "text.txt")},
    ]
    for source in sources:
        found = Word2Vec(**source, **settings)
        assert found.wv.index_to_key == expected.wv.index_to_key
        assert np.array_equal(found.wv.vectors, expected.wv.vectors)
        assert (found.corpus_count, found.corpus_total_words) == (180, 600)


def test_a_sample_from_1_on_is_a_count():
    assert sample_share(1e-3, 1000) == 1e-3
    assert sample_share(10, 1000) == 26 / 1000  # int(10 (3 + √5) / 2)


def test_words_of_a_text_are_subsampled_by_their_share_of_it():
    """An update leaves the shares of words that the new text does not have, as in gensim."""
    model = Word2Vec(vector_size=4, min_count=1, workers=1, sample=1e-2)
    model.build_vocab([["a"] * 90 + ["b"] * 10] * 10)
    ratio = 1e-2 / 0.9
    assert model.wv.get_vecattr("a", "sample_int") / (2**32 - 1) == pytest.approx(ratio**0.5 + ratio)
    before = model.wv.get_vecattr("b", "sample_int")
    model.build_vocab([["a"] + ["c"] * 9], update=True)
    ratio = 1e-2 / 0.1
    assert model.wv.get_vecattr("a", "sample_int") / (2**32 - 1) == pytest.approx(ratio**0.5 + ratio)
    assert model.wv.get_vecattr("b", "sample_int") == before


def test_train_returns_the_words_that_subsampling_leaves_and_all_words():
    text = [["a"] * 9 + ["b", "unknown"]] * 200
    model = Word2Vec(vector_size=4, min_count=1, workers=1, sample=1e-2)
    model.build_vocab([sentence[:-1] for sentence in text])
    kept = sum(count * min(1, (0.01 / share) ** 0.5 + 0.01 / share) for count, share in ((1800, 0.9), (200, 0.1)))
    assert model.train(text, total_examples=200, epochs=3) == (round(3 * kept), 3 * 2200)


def test_a_training_leaves_its_rates_and_epochs_with_the_model():
    model = trained(epochs=3)
    model.train(SENTENCES, total_examples=180, epochs=2, start_alpha=0.02, end_alpha=0.01)
    assert (model.epochs, model.alpha, model.min_alpha, model.min_alpha_yet_reached) == (2, 0.02, 0.01, 0.01)


def test_a_text_without_known_words_teaches_nothing_and_ends_no_loop(caplog):
    model = trained()
    before = model.wv.vectors.copy()
    with caplog.at_level(logging.WARNING, "gensim.models.word2vec"):
        assert model.train([["nothing", "known"]], total_examples=1, epochs=2) == (0, 4)
        assert model.train([], total_examples=1, epochs=2) == (0, 0)
    assert caplog.text.count("nothing is learned") == 2
    assert np.array_equal(model.wv.vectors, before)


def test_words_that_come_after_the_locks_are_not_locked():
    model = trained()
    model.wv.vectors_lockf = np.zeros(len(model.wv), np.float32)
    model.build_vocab([["cocoa", "tea"]] * 9, update=True)
    before = model.wv.vectors.copy()
    model.train([["cocoa", "tea"]] * 9, total_examples=9, epochs=1)
    changed = (model.wv.vectors != before).any(axis=1)
    assert changed.tolist() == [word == "cocoa" for word in model.wv.index_to_key]
    model.wv.vectors_lockf = np.zeros(len(model.wv) + 1, np.float32)
    with pytest.raises(ValueError, match="one for each vector"):
        model.train(SENTENCES, total_examples=180, epochs=1)


def test_what_was_done_with_a_model_is_kept(tmp_path):
    model = trained()
    model.add_lifecycle_event("bought", shop=tmp_path)
    model.save(tmp_path / "model")
    events = Word2Vec.load(tmp_path / "model").lifecycle_events
    assert [event["event"] for event in events] == ["build_vocab", "train", "created", "bought", "saving", "loaded"]
    assert events[3]["shop"] == str(tmp_path)


def test_memory_counts_the_parts_of_a_report_and_names_the_matrix_that_there_is():
    sizes = trained(hs=1, negative=0).estimate_memory(1000, {"cache": 5})
    assert sizes == {"cache": 5, "vocab": 700_000, "vectors": 32_000, "syn1": 32_000, "total": 764_005}


def test_all_words_are_predicted_with_no_limit():
    found = trained().predict_output_word(["tea"], topn=None)
    assert len(found) == 5 and sum(probability for _, probability in found) == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Word2Vec(SENTENCES, negative=0), ValueError, "nothing would be learned"),
        (lambda: Word2Vec("text.txt"), TypeError, "expected an iterable of lists"),
        (lambda: Word2Vec([iter("ab")]), TypeError, "expected a list of str"),
        (lambda: Word2Vec(pd.DataFrame({"text": SENTENCES})), TypeError, "DataFrame; expected an iterable of lists"),
        (lambda: Word2Vec(np.array("tea")), TypeError, "ndarray; expected an iterable of lists"),
        (lambda: Word2Vec([["a", 5]]), TypeError, "token 1 is 5"),
        (lambda: Word2Vec(SENTENCES, alpha=0.01, min_alpha=0.1), ValueError, "alpha is 0.01 and min_alpha 0.1"),
        (lambda: Word2Vec().build_vocab_from_freq({5: 5}), TypeError, "use str"),
        (lambda: Word2Vec().build_vocab_from_freq({"tea": "5"}), TypeError, "count of 'tea'"),
        (lambda: Word2Vec().build_vocab_from_freq({"tea": -5}), ValueError, "count of 'tea' is -5"),
        (lambda: trained().train(iter([]), total_examples=1, epochs=1), TypeError, "nothing left"),
        (lambda: Word2Vec([]), RuntimeError, "build vocabulary"),
        (lambda: Word2Vec(SENTENCES, corpus_file="a"), TypeError, "either"),
        (lambda: trained().score(SENTENCES), RuntimeError, "hs=1"),
        (lambda: trained(hs=1).predict_output_word(["tea"]), RuntimeError, "no context vectors"),
        (lambda: trained().train(SENTENCES, epochs=1), ValueError, "total_examples"),
        (lambda: trained().train(SENTENCES, total_examples=1), ValueError, "epochs is None"),
        (lambda: downloader.load("word2vec-google-news-300"), VecmillError, "no corpus"),
        (lambda: PathLineSentences("/no/where"), ValueError, "no /no/where"),
    ],
)
def test_what_cannot_be_done_is_one_clear_error(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_sentence_that_is_a_str_is_read_as_characters_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING, "gensim.models.word2vec"):
        model = Word2Vec(["tea", "eat"] * 20, vector_size=4, min_count=1)
    assert sorted(model.wv.index_to_key) == ["a", "e", "t"]
    assert len([record for record in caplog.records if "list of words" in record.message]) == 1


@pytest.mark.parametrize("sg", [0, 1])
def test_hierarchical_softmax_learns_what_follows_what(sg, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "gensim.models.word2vec"):
        model = trained(hs=1, sg=sg, epochs=20, alpha=0.1)
    assert "set negative=0" in caplog.text
    usual, unusual = model.score([["milk", "tea", "sugar"], ["lemon", "oat", "lemon"]])
    assert unusual < usual < 0
    model.save(tmp_path / "model")
    assert np.array_equal(Word2Vec.load(tmp_path / "model").syn1, model.syn1)
    assert set(model.wv.get_vecattr("tea", "code")) <= {0, 1}


# ----------------------------------------------------------------------------------------------------------- files


def test_a_model_is_saved_whole_and_vecmill_opens_its_vectors(tmp_path):
    model = trained(comment="baskets", shrink_windows=False)
    model.wv.set_vecattr("tea", "colour", "green")
    model.wv.set_vecattr("tea", "rank", 7)
    model.save(tmp_path / "model")
    found = Word2Vec.load(tmp_path / "model")
    assert np.array_equal(found.wv.vectors, model.wv.vectors)
    assert np.array_equal(found.syn1neg, model.syn1neg)
    assert (found.comment, found.shrink_windows, found.corpus_count) == ("baskets", False, 180)
    assert (found.wv.get_vecattr("tea", "colour"), found.wv.get_vecattr("tea", "rank")) == ("green", 7)
    assert np.array_equal(vecmill.load(tmp_path / "model")["tea"], found.wv["tea"])
    found.train(SENTENCES, total_examples=180, epochs=1)  # the loaded arrays can be changed
    model.wv.save(tmp_path / "vectors")
    with pytest.raises(SavedFormatError, match="holds a KeyedVectors"):
        Word2Vec.load(tmp_path / "vectors")


@pytest.mark.parametrize("kind", [Word2Vec, FastText, Doc2Vec, KeyedVectors])
@pytest.mark.parametrize("mmap", [None, "r"])
def test_in_the_place_of_a_file_a_file_is_saved(tmp_path, kind, mmap):
    """As of a script that saves to a temporary file, and removes it at the end."""
    texts = [TaggedDocument(words, [place]) for place, words in enumerate(SENTENCES)] if kind is Doc2Vec else SENTENCES
    trains = Word2Vec if kind is KeyedVectors else kind
    model = trains(
        texts, vector_size=8, min_count=1, workers=1, epochs=1, **({"bucket": 50} if kind is FastText else {})
    )
    model = model.wv if kind is KeyedVectors else model
    with tempfile.NamedTemporaryFile(dir=tmp_path) as temporary:
        for _ in range(2):
            model.save(temporary.name)
            assert Path(temporary.name).is_file()
        with pytest.raises(VecmillError, match=r"packed model directory; unpack it .unzip FILE -d DIRECTORY."):
            vecmill.load(temporary.name)
        found = kind.load(temporary.name, mmap=mmap)
        with pytest.raises(SavedFormatError, match=f"{temporary.name} holds a {kind.__name__}; open it with"):
            (Word2Vec if kind is KeyedVectors else type("Other", (kind,), {})).load(temporary.name)
    assert list(tmp_path.iterdir()) == []
    for name in ("wv", "dv"):
        if hasattr(model, name):
            assert np.array_equal(getattr(found, name).vectors, getattr(model, name).vectors)
    if kind is KeyedVectors:
        assert np.array_equal(found.vectors, model.vectors)
    else:
        assert np.array_equal(found.syn1neg, model.syn1neg)


def test_nothing_is_left_of_a_save_that_fails(tmp_path, monkeypatch):
    (tmp_path / "file").touch()

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vecmill.gensim.saved.save_array", fail)
    for name in ("file", "directory"):
        with pytest.raises(OutputError, match=f"{name}: No space left on device"):
            trained().save(tmp_path / name)
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [("file", 0)]


def test_a_saved_file_that_is_damaged_is_refused(tmp_path):
    path = tmp_path / "model"
    path.touch()
    trained().save(path)
    whole = path.read_bytes()
    for place in range(0, len(whole), len(whole) // 60):
        for damaged in (whole[:place], whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]):
            path.write_bytes(damaged)
            with suppress(VecmillError):  # the copies of names, sizes and times do not count
                assert np.array_equal(Word2Vec.load(path).wv.vectors, trained().wv.vectors)
    first = whole.index(b"PK\x01\x02")  # the entry of a file in the directory at the end
    for place in range(first, first + 46):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with suppress(VecmillError):
            assert np.array_equal(Word2Vec.load(path).wv.vectors, trained().wv.vectors)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("gensim.json", '{"kind": "Word2Vec"}')
        archive.writestr("../elsewhere.npy", "x")
    with pytest.raises(VecmillError, match="would write outside its folder"):
        KeyedVectors.load(path)


def test_a_directory_of_something_else_is_not_replaced(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("important")
    with pytest.raises(OutputError, match="exists"):
        trained().save(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "important"


@pytest.mark.parametrize(
    "load",
    [
        Word2Vec.load,
        KeyedVectors.load,
        KeyedVectors.load_word2vec_format,
        Phrases.load,
        load_facebook_model,
        lambda path: list(LineSentence(path)),
        lambda path: list(Text8Corpus(path)),
        lambda path: Word2Vec(corpus_file=path),
        lambda path: KeyedVectors(2).evaluate_word_pairs(path),
        lambda path: KeyedVectors(2).evaluate_word_analogies(path),
    ],
)
def test_where_nothing_is_a_file_is_not_found(tmp_path, load):
    """Scripts train anew on a FileNotFoundError."""
    with pytest.raises(FileNotFoundError, match=r"^there is no .*/nothing; expected ") as raised:
        load(str(tmp_path / "nothing"))
    assert isinstance(raised.value, VecmillError)


@pytest.mark.parametrize("load", [Word2Vec.load, KeyedVectors.load])
def test_a_pickle_is_refused_with_the_lines_that_convert_it(tmp_path, load):
    (tmp_path / "old.model").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(SavedFormatError, match="save_word2vec_format"):
        load(tmp_path / "old.model")


def test_vectors_of_a_file_take_the_place_of_those_of_known_words(tmp_path):
    other = KeyedVectors(8)
    other.add_vectors(["tea", "coffee"], np.ones((2, 8)))
    other.save_word2vec_format(tmp_path / "other.bin", binary=True)
    model = trained()
    model.wv.intersect_word2vec_format(tmp_path / "other.bin", lockf=0.0, binary=True)
    model.train(SENTENCES, total_examples=180, epochs=1)
    assert (model.wv["tea"] == 1).all()
    assert "coffee" not in model.wv


# --------------------------------------------------------------------------------------------------------- queries


def test_many_queries_in_one_call():
    wv = Word2Vec([["tea", "sugar", "lemon", "milk"]] * 50, vector_size=8, min_count=1, workers=1).wv
    found = wv.most_similar_batch(["tea", ["sugar", "lemon"]], [None, "milk"], topn=2)
    each = [wv.most_similar("tea", topn=2), wv.most_similar(["sugar", "lemon"], "milk", topn=2)]
    assert [[key for key, _ in answer] for answer in found] == [[key for key, _ in answer] for answer in each]
    assert wv.most_similar_batch([]) == []
    with pytest.raises(ValueError, match="1 negative entries for 2"):
        wv.most_similar_batch(["tea", "milk"], [None])


def test_neighbours_among_given_words():
    wv = trained().wv
    every = wv.most_similar("tea", topn=None)
    found = wv.most_similar("tea", topn=2, among=["sugar", "lemon", "tea"])
    assert {word for word, _ in found} == {"sugar", "lemon"}
    for word, cosine in found:
        assert cosine == pytest.approx(every[wv.get_index(word)], abs=1e-6)


def test_rows_from_clip_start_on_are_searched():
    wv = trained().wv
    found = wv.most_similar("tea", topn=10, clip_start=3)
    assert {word for word, _ in found} == {*wv.index_to_key[3:]} - {"tea"}


@pytest.mark.parametrize("limits", [(0, -2), (1, -1), (-2, None), (1, 3), (3, 3), (0, 99)])
def test_rows_are_searched_as_in_a_slice(limits):
    kv = KeyedVectors(2)
    kv.add_vectors(list("abcde"), [[1, 0], [1, 1], [1, 2], [1, 3], [1, 4]])
    found = kv.most_similar([np.float32([1, 0])], clip_start=limits[0], clip_end=limits[1])
    assert [word for word, _ in found] == list("abcde"[slice(*limits)])


def test_a_row_is_a_key_too():
    kv = KeyedVectors(2)
    kv.add_vectors(["a", "b"], [[1, 2], [3, 4]])
    assert 1 in kv and np.int64(0) in kv and kv.has_index_for(1)
    assert 2 not in kv and -1 not in kv and None not in kv and not kv.has_index_for("c")
    assert np.array_equal(kv.word_vec("b"), kv["b"])


def test_a_row_that_there_is_not_is_a_key_error():
    wv = trained().wv
    for ask in (wv.get_vector, wv.most_similar, lambda row: wv.similarity("tea", row)):
        with pytest.raises(KeyError, match=r"key 99 is not there; expected .* from 0 to 4"):
            ask(99)


def test_a_list_of_numbers_is_a_vector():
    wv = trained().wv
    assert wv.similar_by_vector(wv["tea"].tolist(), topn=1)[0][0] == "tea"


def test_the_keys_of_a_mapping_are_taken():
    kv = KeyedVectors(2)
    kv.add_vectors(["a", "b"], [[1, 2], [3, 4]])
    assert kv.vectors_for_all({"b": 3, "c": 1}).index_to_key == ["b"]


def test_modes_of_memory_maps(tmp_path):
    model = trained()
    model.save(tmp_path / "model")
    assert not Word2Vec.load(tmp_path / "model", mmap="r").wv.vectors.flags.writeable
    for mode in (None, "c"):
        found = Word2Vec.load(tmp_path / "model", mmap=mode)
        found.wv.vectors[0] = found.syn1neg[0] = 1
    with pytest.raises(ValueError, match="expected None, 'r' or 'c'"):
        KeyedVectors.load(tmp_path / "model", mmap="r+")
    assert np.array_equal(Word2Vec.load(tmp_path / "model").wv.vectors, model.wv.vectors)


def test_vectors_are_no_whole_numbers(tmp_path):
    (tmp_path / "v.txt").write_text("1 2\na 0.5 0.5\n")
    with pytest.raises(ValueError, match="expected one of floats"):
        KeyedVectors.load_word2vec_format(tmp_path / "v.txt", datatype=np.int32)


def test_a_change_of_a_vector_changes_the_answers():
    wv = trained().wv
    wv["lemon"] = wv["tea"] * 2
    assert wv.most_similar("tea", topn=1)[0][0] == "lemon"
    wv.vectors[wv.get_index("oat")] = wv["tea"]
    wv.fill_norms(force=True)
    assert wv.similarity("oat", "tea") == pytest.approx(1)


def test_places_that_were_allocated_are_filled_first():
    kv = KeyedVectors(2, count=2)
    assert [kv.add_vector(word, np.float32([place, 1])) for place, word in enumerate("abc")] == [0, 1, 2]
    assert kv.index_to_key == ["a", "b", "c"]
    assert kv["c"].tolist() == [2, 1]


def test_a_key_that_is_no_str_is_named():
    kv = KeyedVectors(2)
    kv.add_vectors([7], np.ones((1, 2)))
    with pytest.raises(TypeError, match="key 7 is int"):
        kv.most_similar(positive=[np.ones(2, np.float32)])


# ------------------------------------------------------------------------------------------------------- sentences


def test_text_without_lines_comes_in_stretches(tmp_path):
    (tmp_path / "text8").write_text("a b c d e f g")
    assert list(Text8Corpus(tmp_path / "text8", 3)) == [["a", "b", "c"], ["d", "e", "f"], ["g"]]


def test_long_lines_are_cut(tmp_path):
    (tmp_path / "text.txt").write_text("a b c\n\nd e f g\n")
    assert list(LineSentence(tmp_path / "text.txt", 3)) == [["a", "b", "c"], ["d", "e", "f"], ["g"]]
    assert list(LineSentence(tmp_path / "text.txt", limit=1)) == [["a", "b", "c"]]


def test_a_rule_returns_the_numbers_of_utils():
    rules = {"tea": utils.RULE_DISCARD, "lemon": utils.RULE_KEEP}
    model = trained(min_count=100, trim_rule=lambda word, count, least: rules.get(word, utils.RULE_DEFAULT))
    assert sorted(model.wv.index_to_key) == ["lemon", "milk", "oat", "sugar"]


def test_sentences_are_written_as_they_are_read(tmp_path):
    utils.save_as_line_sentence(SENTENCES, tmp_path / "text.txt")
    assert list(LineSentence(tmp_path / "text.txt")) == SENTENCES


@pytest.mark.parametrize("settings", [{}, {"lowercase": True}, {"to_lower": True, "deacc": True}])
def test_words_of_a_text_are_those_of_gensim(settings):
    theirs, text = pytest.importorskip("gensim.utils"), "Šéf 300 naïve_x, it's ΔΕΛΤΑ"
    for source in (text, text.encode()):
        assert list(utils.tokenize(source, **settings)) == list(theirs.tokenize(source, **settings))
    assert utils.deaccent(text) == theirs.deaccent(text)
    assert utils.simple_preprocess(b"\xffabc \xe9t\xe9 word") == theirs.simple_preprocess(b"\xffabc \xe9t\xe9 word")


@pytest.mark.parametrize("text", ["Hello, World! It's 42 naïve _private cafés x", "ΑΒΓ δέλτα under_score 3d", ""])
@pytest.mark.parametrize("deacc", [False, True])
def test_words_of_a_document_are_those_of_gensim(text, deacc):
    utils = pytest.importorskip("gensim.utils")
    assert simple_preprocess(text, deacc) == utils.simple_preprocess(text, deacc)


@pytest.mark.parametrize(
    ("keys", "weights"),
    [(["new"], np.ones((1, 3))), (["a1", "a2"], np.ones((1, 4))), (["twice", "twice"], np.ones((2, 4))), ("one", 5.0)],
)
def test_vectors_that_do_not_fit_change_nothing(keys, weights):
    vectors = KeyedVectors(4)
    vectors.add_vectors(["x", "y"], np.eye(2, 4))
    with pytest.raises(ValueError, match=r"expected|once"):
        vectors.add_vectors(keys, weights)
    with pytest.raises(ValueError, match="expected"):
        vectors.add_vector("new", np.ones(5))
    assert vectors.index_to_key == ["x", "y"]
    assert vectors.vectors.shape == (2, 4)
    assert vectors.add_vector("new", np.ones(4)) == 2
    assert vectors["new"].tolist() == [1, 1, 1, 1]
