"""Vectors of documents: topics are told apart, inference is a function of the words, directories keep names."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pytest

import vecmill
from embeddings.documents import DocumentVectors, ParagraphVectors, ParagraphVectorsConfig
from embeddings.errors import EmbeddingsError
from embeddings.word2vec.training_run import TrainingRun
from tests.command_line import fails
from tests.command_line import vecmill as command

FRUIT = ["apple", "pear", "plum", "cherry", "grape", "melon"]
TOOLS = ["hammer", "saw", "drill", "plane", "chisel", "file"]


def documents(number=200, length=30):
    generator = np.random.default_rng(4)
    return [" ".join(generator.choice((FRUIT, TOOLS)[i % 2], length)) for i in range(number)]


@pytest.fixture(
    scope="module", params=[("pv-dbow", False), ("pv-dm", False), ("pv-dbow", True), ("pv-dm", True)], ids=str
)
def model(request):
    architecture, tree = request.param
    texts = documents()
    texts[5] = "..."  # no word
    return vecmill.train_documents(
        texts,
        architecture=architecture,
        hierarchical_softmax=tree,
        dimension=16,
        sample=0,
        epochs=30,
        min_count=1,
        threads=1,
    )


def cosines(first, second):
    first, second = (m / np.maximum(np.linalg.norm(m, axis=1, keepdims=True), 1e-9) for m in (first, second))
    return first @ second.T


def test_documents_of_one_topic_are_neighbours_trained_and_inferred(model):
    inferred = model.infer(documents(100))
    nearest = cosines(inferred, model.matrix).argmax(axis=1)
    assert (nearest % 2 == np.arange(100) % 2).mean() >= 0.9


def test_a_document_without_words_is_zero_and_the_others_keep_their_places(model):
    assert model.names == [str(number) for number in range(1, 201)]
    assert not model["6"].any() and model.matrix[np.arange(200) != 5].any(axis=1).all()
    assert not model.infer(["...", "apple"])[0].any()


def test_inference_depends_on_the_words_alone(model):
    texts = documents(30)
    together = model.infer(texts, threads=2)
    np.testing.assert_array_equal(model.infer([texts[7]], threads=1)[0], together[7])
    np.testing.assert_array_equal(model.infer([text.split() for text in texts]), together)
    assert not np.array_equal(model.infer([texts[7]], seed=9)[0], together[7])


def test_words_that_write_accents_in_another_way_are_known_in_lists_and_columns():
    model = vecmill.train_documents(["caf\u00e9 tea", "tea milk"] * 20, dimension=4, min_count=1, threads=1)
    [expected] = model.infer(["caf\u00e9"])
    assert expected.any()
    for documents in (["cafe\u0301"], [["cafe\u0301"]], pa.array(["cafe\u0301"]), pa.array([["cafe\u0301"]])):
        np.testing.assert_array_equal(model.infer(documents), [expected])


def test_training_with_one_thread_is_reproducible():
    settings = {"dimension": 8, "min_count": 1, "threads": 1, "epochs": 2, "train_words": True}
    first, second = (vecmill.train_documents(documents(20), **settings) for _ in range(2))
    np.testing.assert_array_equal(first.matrix, second.matrix)
    np.testing.assert_array_equal(first.words.matrix, second.words.matrix)


def test_documents_begin_farther_apart_than_words(encoded):
    config = ParagraphVectorsConfig(dimension=25, epochs=1, learning_rate=1e-12, min_learning_rate=0, threads=1)
    model = ParagraphVectors(config).fit(*encoded)
    assert 0.19 < np.abs(model.documents_).max() <= 0.2  # 1/√d
    assert 0.01 < np.abs(model.vectors_.matrix).max() <= 0.02  # 1/2d


def test_a_directory_keeps_names_and_infers_the_same(model, tmp_path):
    model.save(tmp_path / "model")
    loaded = vecmill.DocumentVectors.load(tmp_path / "model")
    assert loaded.names == model.names
    np.testing.assert_array_equal(loaded.matrix, model.matrix)
    np.testing.assert_array_equal(loaded.infer(["apple pear"]), model.infer(["apple pear"]))
    assert vecmill.load(tmp_path / "model" / "documents").most_similar("1", topn=1)


def test_words_alone_are_no_documents(tmp_path):
    vecmill.train(["a b c", "c b a"] * 50, dimension=8, min_count=1).save(tmp_path / "words")
    with pytest.raises(EmbeddingsError, match="train-documents"):
        DocumentVectors.load(tmp_path / "words")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"architecture": "cbow"}, "pv-dbow"),
        ({"subwords": "3-6"}, "subwords is"),
        ({"hierarchical_softmax": True, "negative": 5}, "takes no noise words"),
        ({"patience": 3, "held_out": 0.1}, "held_out is 0.1; leave it out"),
        ({"architecture": "pv-dm", "train_words": True}, "train_words"),
    ],
)
def test_a_setting_that_documents_have_not_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ParagraphVectorsConfig(**settings)


def test_names_are_one_for_each_document():
    with pytest.raises(EmbeddingsError, match="2 names for 20 documents"):
        vecmill.train_documents(documents(20), ["a", "b"], dimension=8, min_count=1, epochs=1)


def test_the_commands_train_infer_and_find_the_nearest(tmp_path):
    texts, names, out = tmp_path / "texts.txt", tmp_path / "names.txt", tmp_path / "model"
    texts.write_text("\n".join(documents(40)) + "\n")
    names.write_text("\n".join(f"text {number}" for number in range(40)) + "\n")
    options = ["--dimension", 8, "--min-count", 1, "--epochs", 40, "--sample", 0, "--threads", 1, "--json"]
    result = command("train-documents", texts, "--names", names, "-o", out, *options)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["documents"] == 40
    (tmp_path / "new.txt").write_text("apple plum pear cherry grape melon apple\n")
    found = json.loads(command("infer", out, tmp_path / "new.txt", "--nearest", 3, "--json").stdout)["nearest"]
    assert len(found) == 3 and all(int(name.split()[1]) % 2 == 0 for name, _ in found)
    assert command("infer", out, tmp_path / "new.txt", "-o", tmp_path / "new.npy").exit_code == 0
    assert np.load(tmp_path / "new.npy").shape == (1, 8)
    fails(1, "exists and is finished", "train-documents", texts, "-o", out, *options)
    missing = tmp_path / "missing.txt"
    fails(1, f"names in {missing}: No such file or directory$", "train-documents", texts, "--names", missing, "-o", "x")


@pytest.mark.parametrize("architecture", ["pv-dbow", "pv-dm"])
def test_the_command_resumes_exactly_where_it_was_interrupted(tmp_path, monkeypatch, architecture):
    texts, out = tmp_path / "texts.txt", tmp_path / "model"
    texts.write_text("\n".join(documents(40)) + "\n")
    options = ["--architecture", architecture, "--dimension", 8, "--min-count", 1, "--epochs", 6, "--threads", 1]
    measure, interrupted_in = TrainingRun._epoch_metrics, {3}

    def interrupted(run, epoch, work):
        if epoch in interrupted_in:
            interrupted_in.clear()
            raise KeyboardInterrupt
        trained.append(epoch)
        return measure(run, epoch, work)

    trained = []
    monkeypatch.setattr(TrainingRun, "_epoch_metrics", interrupted)
    assert command("train-documents", texts, "-o", out, *options).exit_code == 130
    assert not out.exists() and trained == [0, 1, 2]
    fails(1, "unfinished run with other settings", "train-documents", texts, "-o", out, *options, "--seed", 5)
    assert command("train-documents", texts, "-o", out, *options).exit_code == 0
    assert trained == [0, 1, 2, 3, 4, 5]
    assert command("train-documents", texts, "-o", tmp_path / "straight", *options).exit_code == 0
    resumed, straight = (vecmill.DocumentVectors.load(tmp_path / name) for name in ("model", "straight"))
    np.testing.assert_array_equal(resumed.matrix, straight.matrix)
    np.testing.assert_array_equal(resumed.infer(["apple saw"]), straight.infer(["apple saw"]))
    assert "nothing to do" in command("train-documents", texts, "-o", out, *options, "--skip-finished").stdout
    assert command("verify", out).exit_code == 0


def test_other_names_are_noticed_and_counted(tmp_path):
    texts, names = tmp_path / "texts.txt", tmp_path / "names.txt"
    texts.write_text("\n".join(documents(20)) + "\n")
    names.write_text("\n".join(f"text {number}" for number in range(20)) + "\n")
    call = ["train-documents", texts, "--names", names, "-o", tmp_path / "model", "--dimension", 8, "--epochs", 1]
    assert command(*call).exit_code == 0
    names.write_text("one\ntwo\n")
    fails(1, "names has changed", *call, "--skip-finished")
    fails(1, "2 names for 20 documents", *call, "--force")
    assert vecmill.DocumentVectors.load(tmp_path / "model").names[0] == "text 0"
    fails(1, "cannot read the names", *call[:2], "--names", tmp_path / "none", "-o", tmp_path / "x")


def test_a_call_that_was_interrupted_goes_on(tmp_path):
    def interrupt_second_epoch(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    settings = {"dimension": 8, "min_count": 1, "epochs": 3, "threads": 1}
    with pytest.raises(KeyboardInterrupt):
        vecmill.train_documents(documents(20), **settings, checkpoints=tmp_path, progress=interrupt_second_epoch)
    resumed = vecmill.train_documents(documents(20), **settings, checkpoints=tmp_path)
    np.testing.assert_array_equal(resumed.matrix, vecmill.train_documents(documents(20), **settings).matrix)


# -------------------------------------------------------------------------------------------------- damaged directories

DAMAGE = {
    "lost settings": (lambda settings: settings.pop("train"), "no settings of their training"),
    "another dimension": (lambda settings: settings["train"].update(dimension=800), "say 800 dimensions and .* have 8"),
    "another architecture": (lambda settings: settings["train"].update(architecture="cbow"), "settings .* are damaged"),
    "an unknown setting": (lambda settings: settings["train"].update(newer=1), "settings .* are damaged .*newer"),
    "another type": (lambda settings: settings["train"].update(window="5"), "settings .* are damaged .*window"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_settings_that_do_not_fit_the_vectors_are_found_before_inference(tmp_path, damage):
    change, message = DAMAGE[damage]
    vecmill.train_documents(documents(20), dimension=8, min_count=1, epochs=1).save(tmp_path / "model")
    settings = json.loads((tmp_path / "model" / "config.json").read_text())
    change(settings)
    (tmp_path / "model" / "config.json").write_text(json.dumps(settings))
    (tmp_path / "new.txt").write_text("apple plum\n")
    fails(1, message, "infer", tmp_path / "model", tmp_path / "new.txt")


@pytest.mark.parametrize("lost", ["context.npy", "documents", "documents/vectors.npy", "vocabulary.tsv"])
def test_files_that_were_lost_are_named(tmp_path, lost):
    vecmill.train_documents(documents(20), dimension=8, min_count=1, epochs=1).save(tmp_path / "model")
    place = tmp_path / "model" / lost
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    (tmp_path / "new.txt").write_text("apple plum\n")
    named = {"context.npy": "no context matrix", "documents": "no vectors of documents"}.get(lost, place.name)
    fails(1, named, "infer", tmp_path / "model", tmp_path / "new.txt")


def test_a_damaged_name_of_a_document_is_one_line(tmp_path):
    vecmill.train_documents(documents(20), dimension=8, min_count=1, epochs=1).save(tmp_path / "model")
    names = tmp_path / "model" / "documents" / "vocabulary.tsv"
    names.write_text(names.read_text().replace("\n12\t", "\n13\t"))
    (tmp_path / "new.txt").write_text("apple plum\n")
    fails(1, "is damaged .*'13' occurs twice", "infer", tmp_path / "model", tmp_path / "new.txt")


def test_documents_of_another_training_do_not_fit(tmp_path):
    for dimension in (4, 8):
        vecmill.train_documents(documents(20), dimension=dimension, min_count=1, epochs=1).save(
            tmp_path / str(dimension)
        )
    shutil.rmtree(tmp_path / "8" / "documents")
    shutil.copytree(tmp_path / "4" / "documents", tmp_path / "8" / "documents")
    with pytest.raises(EmbeddingsError, match="documents of 4 dimensions and words of 8 are not of one training"):
        DocumentVectors.load(tmp_path / "8")
