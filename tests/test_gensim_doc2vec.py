"""`vecmill.gensim.Doc2Vec`: tags of all kinds, training that goes on, one vector for the same words."""

import numpy as np
import pytest

import vecmill
from vecmill.gensim import Doc2Vec, KeyedVectors, TaggedDocument, TaggedLineDocument

WORDS = (["apple", "pear", "plum", "cherry"], ["hammer", "saw", "drill", "plane"])


def tagged(tag, number=60):
    generator = np.random.default_rng(2)
    return [TaggedDocument(generator.choice(WORDS[i % 2], 20).tolist(), tag(i)) for i in range(number)]


SETTINGS = {"vector_size": 12, "min_count": 1, "workers": 1, "epochs": 10, "sample": 0}


@pytest.mark.parametrize(
    "settings", [{"dm": 0}, {"dm": 0, "dbow_words": 1}, {"dm": 1}, {"dm": 0, "hs": 1, "negative": 0}]
)
def test_documents_of_one_kind_are_near(settings):
    model = Doc2Vec(tagged(lambda i: [f"d{i}"]), **SETTINGS | {"epochs": 40, "alpha": 0.05}, **settings)
    nearest = [int(model.dv.most_similar(f"d{i}", topn=1)[0][0][1:]) for i in range(60)]
    assert np.mean(np.array(nearest) % 2 == np.arange(60) % 2) > 0.9
    if model.dbow:  # with PV-DM the words of so small a vocabulary predict each other, and leave nothing to learn
        inferred = model.infer_vector(["apple", "pear", "plum", "apple", "cherry", "plum"])
        assert all(int(tag[1:]) % 2 == 0 for tag, _ in model.dv.most_similar([inferred], topn=5))


def test_numbers_and_names_are_tags_and_one_tag_is_one_vector():
    model = Doc2Vec(tagged(lambda i: [i // 2, "even" if i % 2 == 0 else "odd"]), **SETTINGS)
    assert model.dv.index_to_key == [*range(30), "even", "odd"]
    assert np.array_equal(model.dv["even"], model.dv[30])
    assert {type(tag) for tag, _ in model.dv.most_similar("odd", topn=31)} == {int, str}
    assert model.dv.most_similar(3, topn=1)[0][0] != 3


def test_training_goes_on_from_the_vectors_there_are():
    model = Doc2Vec(tagged(lambda i: [i]), **SETTINGS)
    before, unseen = model.dv.vectors.copy(), TaggedDocument(["apple", "unheard"], ["new"])
    model.train([*tagged(lambda i: [i], 20), unseen], total_examples=21, epochs=1, start_alpha=1e-3)
    assert not np.array_equal(model.dv.vectors[:20], before[:20])
    np.testing.assert_allclose(model.dv.vectors[20:], before[20:], rtol=1e-6)
    assert np.abs(model.dv.vectors - before).max() < 0.5


@pytest.mark.parametrize("settings", [{}, {"hs": 1, "negative": 0}])
def test_the_same_words_have_the_same_vector_also_after_saving(tmp_path, settings):
    model = Doc2Vec(tagged(lambda i: [f"d{i}"]), **SETTINGS, **settings)
    vector = model.infer_vector(["apple", "saw"])
    np.testing.assert_array_equal(model.infer_vectors([["plane"], ["apple", "saw"]])[1], vector)
    model.save(tmp_path / "model")
    loaded = Doc2Vec.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.infer_vector(["apple", "saw"]), vector)
    np.testing.assert_array_equal(loaded.dv["d7"], model.dv["d7"])
    assert vecmill.DocumentVectors.load(tmp_path / "model").names[7] == "d7"
    with pytest.raises(TypeError, match="split"):
        loaded.infer_vector("apple saw")


def test_a_line_is_a_document(tmp_path):
    (tmp_path / "text.txt").write_text("apple pear\nhammer saw\n" * 30)
    assert list(TaggedLineDocument(tmp_path / "text.txt"))[1] == TaggedDocument(["hammer", "saw"], [1])
    assert len(Doc2Vec(corpus_file=tmp_path / "text.txt", **SETTINGS).dv) == 60


def test_patience_is_refused_since_no_document_is_held_out():
    with pytest.raises(ValueError, match="patience"):
        Doc2Vec(patience=2)


def test_concatenation_is_refused():
    with pytest.raises(ValueError, match="dm_concat=1 is not supported"):
        Doc2Vec(dm_concat=1)


def test_lines_keep_their_numbers_as_tags_and_empty_ones_count(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("apple pear\n\n" + "saw " * 10_001 + "\nplum\n")
    found = list(TaggedLineDocument(text))
    assert [(len(document.words), document.tags) for document in found] == [(2, [0]), (0, [1]), (10_001, [2]), (1, [3])]
    assert len(Doc2Vec(corpus_file=str(text), **SETTINGS).dv) == 4


@pytest.mark.parametrize("tags", [[0], [7, "new", 2], ["new"], [59]])
def test_tags_keep_their_vectors_when_others_are_added(tags):
    model = Doc2Vec(tagged(lambda i: [f"d{i}", i % 2]), **SETTINGS)
    model.dv.vectors_lockf = np.linspace(0, 1, len(model.dv), dtype=np.float32)
    model.dv.set_vecattr("d3", "size", 5)
    before = {
        tag: (model.dv[tag].copy(), model.dv.vectors_lockf[model.dv.get_index(tag)]) for tag in [0, 1, "d0", "d9"]
    }
    model.build_vocab([TaggedDocument(["apple"], tags)], update=True)
    assert [*model.dv.key_to_index] == [f"d{i}" for i in range(60)] + [tag for tag in tags if tag == "new"]
    for tag, (vector, lock) in before.items():
        np.testing.assert_array_equal(model.dv[tag], vector)
        assert model.dv.vectors_lockf[model.dv.get_index(tag)] == lock
    assert model.dv.get_vecattr("d3", "size") == 5
    assert all(model.dv[tag].any() and tag in model.dv for tag in tags)


@pytest.mark.parametrize(("tag", "error"), [(1.5, TypeError), (None, TypeError), (-1, ValueError)])
def test_a_tag_that_is_no_name_and_no_row_is_refused(tag, error):
    model = Doc2Vec(tagged(lambda i: [i]), **SETTINGS)
    with pytest.raises(error, match=r"the tag of a document is .*use str\(tag\)"):
        model.build_vocab([TaggedDocument(["new", "apple"], [tag])], update=True)
    assert "new" not in model.wv


@pytest.mark.parametrize("tags", [[1, "1"], ["0", 5], [3, "a", "2"]])
def test_a_name_that_is_the_number_of_a_row_is_refused(tags):
    documents = [TaggedDocument(["new", "apple"], [tag]) for tag in tags]
    with pytest.raises(ValueError, match=r"is a str, and \d is a row: give all numbers as int"):
        Doc2Vec(documents, **SETTINGS)
    model = Doc2Vec(tagged(lambda i: [i, "4711", "07", "9" * 5000]), **SETTINGS)
    with pytest.raises(ValueError, match="is a row"):
        model.build_vocab(documents, update=True)
    assert "new" not in model.wv and len(model.dv) == 63


def test_a_str_in_place_of_a_list_of_tags_is_warned_of(caplog):
    model = Doc2Vec([TaggedDocument(["apple", "pear"], "ab")] * 5, **SETTINGS)
    assert model.dv.index_to_key == ["a", "b"]
    assert "list of tags" in caplog.text


def test_rows_of_documents_are_keys_and_words_are_not_rows():
    model = Doc2Vec(tagged(lambda i: [i, "all"]), **SETTINGS)
    assert 3 in model.dv and "all" in model.dv and 99 not in model.dv
    assert np.array_equal(model[3], model.dv[3]) and np.array_equal(model["saw"], model.wv["saw"])
    assert model.docvecs is model.dv


def test_tags_that_are_numbers_stay_numbers_in_files(tmp_path):
    dv = Doc2Vec(tagged(lambda i: [i, "all"]), **SETTINGS).dv
    dv.save(tmp_path / "documents")
    found = KeyedVectors.load(tmp_path / "documents")
    assert found.index_to_key == [*range(60), "all"]
    assert found.most_similar(3) == dv.most_similar(3)
    dv.save_word2vec_format(tmp_path / "documents.txt")
    assert KeyedVectors.load_word2vec_format(tmp_path / "documents.txt").index_to_key[-2:] == ["59", "all"]


def test_locked_documents_stay():
    documents = tagged(lambda i: [i])
    model = Doc2Vec(documents, **SETTINGS)
    before = model.dv.vectors.copy()
    model.dv.vectors_lockf = np.float32([0] * 30 + [1] * 30)
    model.train(documents, total_examples=60, epochs=2)
    assert (model.dv.vectors != before).any(axis=1).tolist() == [False] * 30 + [True] * 30


@pytest.mark.parametrize("place", ["directory", "file"])
def test_attributes_and_locks_of_documents_are_saved(tmp_path, place):
    model = Doc2Vec(tagged(lambda i: [f"d{i}", i % 2]), **SETTINGS)
    for tag, label, size in (("d7", "fruit", 3), (1, "tool", 4)):
        model.dv.set_vecattr(tag, "label", label)
        model.dv.set_vecattr(tag, "size", size)
        model.dv.set_vecattr(tag, "count", 9)
    model.dv.vectors_lockf = np.linspace(0, 1, len(model.dv), dtype=np.float32)
    if place == "file":
        (tmp_path / "model").write_bytes(b"")
    model.save(tmp_path / "model")
    dv = Doc2Vec.load(tmp_path / "model").dv
    for attr in ("label", "size", "count"):
        assert [dv.get_vecattr(tag, attr) for tag in model.dv.index_to_key] == model.dv.expandos[attr].tolist()
        assert dv.expandos[attr].dtype == model.dv.expandos[attr].dtype
    np.testing.assert_array_equal(dv.vectors_lockf, model.dv.vectors_lockf)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "Doc2Vec<dm/m,d12,n5,w5>"),
        ({"dm": 0, "min_count": 2, "sample": 1e-3, "workers": 2}, "Doc2Vec<dbow,d12,n5,mc2,s0.001,t2>"),
        ({"dm": 0, "dbow_words": 1, "hs": 1, "negative": 0, "comment": "mine"}, 'Doc2Vec<"mine",dbow+w,d12,hs,w5>'),
        ({"dm_mean": 0}, "Doc2Vec<dm/s,d12,n5,w5>"),
    ],
)
def test_a_model_shows_its_settings_as_in_gensim(settings, text):
    assert str(Doc2Vec(**SETTINGS | settings)) == text
    assert Doc2Vec(**SETTINGS).estimate_memory()["doctag_syn0"] == 0
