"""What a notebook needs: a line of progress, losses of epochs, vectors of documents, and pictures."""

import json
import math

import numpy as np
import pandas as pd
import pytest

import vecmill
from embeddings import EmbeddingsError, Vocabulary, WordVectors, make_tokenizer
from embeddings.vectors.postprocessing import mean_sentence_vectors, sif_sentence_vectors
from vecmill.progress_line import ProgressLine, reporting

LINES = ["The cat sat on the mat, 7 times!", "the dog sat on the rug"] * 60


@pytest.fixture(scope="module")
def vectors():
    return vecmill.train(LINES, dimension=8, threads=1, epochs=3, held_out=0.1, fold_digits=True)


# -------------------------------------------------------------------------------------------------------- progress


def event(**changes):
    whole = vecmill.TrainingProgress(2, 5, 30, 100, "words", 1e6, 2.25, 0.01, 4.2)
    return whole._replace(**changes)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "epoch 2 of 5, 30%, 1,000,000 words/s, loss 2.250, 0:00:04 left"),
        ({"speed": 0.0, "seconds_left": math.inf}, "epoch 2 of 5, 30%, loss 2.250"),
        ({"loss": math.nan, "done": 0, "total": 0}, "epoch 2 of 5, 0%, 1,000,000 words/s, 0:00:04 left"),
        ({"seconds_left": 7322.0, "unit": "tokens"}, "epoch 2 of 5, 30%, 1,000,000 tokens/s, loss 2.250, 2:02:02 left"),
    ],
)
def test_the_line_tells_what_is_known(changes, text):
    written = []
    ProgressLine(written.append)(event(**changes))
    assert written == [f"\r{text}"]


@pytest.mark.parametrize("key", ["held_out_loss", "valid_loss"])
def test_the_line_keeps_the_last_loss_on_other_text_and_covers_what_was_there(key):
    now, written = [0.0], []
    line = ProgressLine(written.append, lambda: now[0])
    line(event(epoch_metrics={"epoch": 2, key: 3.5}))
    line(event(done=31))  # too early to be shown
    now[0] = 1.0
    line(event(done=32, speed=0.0, loss=math.nan, seconds_left=0.0))
    line.end()
    assert len(written) == 3
    assert "3.500 after epoch 2" in written[1]
    assert "32%" in written[1]
    assert len(written[1]) >= len(written[0])
    assert written[2] == "\n"


def test_progress_true_writes_one_line_to_stderr_and_false_nothing(capsys):
    vecmill.train(LINES, dimension=4, threads=1, epochs=3, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "epoch 3 of 3, 100%" in err.rpartition("\r")[2]
    vecmill.train(LINES, dimension=4, threads=1, progress=False)
    assert capsys.readouterr() == ("", "")


def test_the_line_ends_when_training_fails(capsys):
    with pytest.raises(RuntimeError), reporting(True) as report:
        report(event())
        raise RuntimeError
    assert capsys.readouterr().err.endswith("\n")


@pytest.mark.parametrize("progress", ["yes", 1, []])
def test_progress_of_another_type_is_refused(progress):
    with pytest.raises(TypeError, match=r"progress is .*expected True, or a function"):
        vecmill.train(LINES, progress=progress)


# -------------------------------------------------------------------------------------------------------- documents


def test_text_is_split_as_the_training_text_was(vectors):
    documents = ["THE Cat: 3", "dog\nrug", "nothing known", ""]
    found = vecmill.sentence_vectors(vectors, documents)
    words = [["the", "cat", "0"], ["dog", "rug"], ["x"], []]
    np.testing.assert_allclose(found, mean_sentence_vectors(vectors, words), rtol=1e-6)
    assert found[0].any()
    assert not found[2:].any()


@pytest.mark.parametrize("kind", [list, tuple, iter, pd.Series, np.array])
def test_documents_come_in_many_kinds(vectors, kind):
    documents = ["the cat", "a dog", "the rug"]
    expected = vecmill.sentence_vectors(vectors, [document.split() for document in documents])
    np.testing.assert_array_equal(vecmill.sentence_vectors(vectors, kind(documents)), expected)


def test_smooth_inverse_frequency(vectors):
    words = [["the", "cat"], ["dog", "on", "the", "rug"]]
    found = vecmill.sentence_vectors(vectors, [" ".join(some) for some in words], weighting="sif")
    np.testing.assert_allclose(found, sif_sentence_vectors(vectors, words), rtol=1e-4, atol=1e-6)


def test_many_documents_and_none(vectors):
    some = ["the cat", "dog", ""] * 2000
    found = vecmill.sentence_vectors(vectors, some)
    np.testing.assert_array_equal(found, np.tile(found[:3], (2000, 1)))
    assert vecmill.sentence_vectors(vectors, []).shape == (0, 8)
    assert vecmill.sentence_vectors(vectors, [], weighting="sif").shape == (0, 8)


@pytest.mark.parametrize("bad", [None, math.nan, 3, b"the cat", ["the", 3], {"the": 1}])
def test_a_document_that_is_none_is_named_by_its_place(vectors, bad):
    with pytest.raises(vecmill.NotTextError, match=r"document 1 is .*expected a str or a list of str"):
        vecmill.sentence_vectors(vectors, ["the cat", bad])


def test_one_text_for_several_documents_is_refused(vectors):
    with pytest.raises(vecmill.NotTextError, match=r"give \[document\]"):
        vecmill.sentence_vectors(vectors, "the cat")
    with pytest.raises(ValueError, match="unknown weighting 'sfi'; did you mean 'sif'"):
        vecmill.sentence_vectors(vectors, ["the cat"], weighting="sfi")


def test_the_tokenizer_is_saved_with_the_vectors(vectors, tmp_path):
    vectors.save(tmp_path / "model")
    again = vecmill.load(tmp_path / "model")
    assert again.tokenizer_settings == vectors.tokenizer_settings
    assert again.make_tokenizer().tokenize("It's 1984") == [["it's", "0000"]]


def test_a_tokenizer_without_a_name_has_to_be_given(tmp_path):
    vectors = vecmill.train(LINES, dimension=4, threads=1, tokenizer=str.split)
    vectors.save(tmp_path / "model")
    for some in (vectors, vecmill.load(tmp_path / "model")):
        with pytest.raises(vecmill.VecmillError, match="tokenizer of these vectors has to be given"):
            vecmill.sentence_vectors(some, ["the cat"])
        given = vecmill.sentence_vectors(some, ["the cat"], tokenizer=str.split)
        np.testing.assert_array_equal(given, vecmill.sentence_vectors(some, [["the", "cat"]]))


def test_vectors_of_another_tool_are_read_with_the_fast_tokenizer():
    vectors = WordVectors(Vocabulary.from_words(["a", "b"]), np.eye(2, 3, dtype=np.float32))
    assert vectors.make_tokenizer() == make_tokenizer("fast")
    with pytest.raises(EmbeddingsError, match="no counts"):
        vecmill.sentence_vectors(vectors, ["a b"], weighting="sif")


# --------------------------------------------------------------------------------------------------------- pictures


def test_a_notebook_shows_size_and_words_without_markup():
    words = ["<script>", "a&b", *(f"w{number}" for number in range(30))]
    vectors = WordVectors(Vocabulary.from_words(words), np.ones((32, 3), np.float32))
    shown = vectors._repr_html_()
    assert "32 words × 3 dimensions" in shown
    assert "&lt;script&gt;, a&amp;b, w0" in shown
    assert "w20" not in shown
    assert "<td>&lt;script&gt;</td>" in vectors.neighbors_frame(["<script>"], topn=2)._repr_html_()


def test_a_training_is_plotted(vectors):
    pytest.importorskip("matplotlib")
    picture = vecmill.plot_training(vectors, "mine")
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert picture.axes[0].get_title(loc="left") == "Loss per example"


def test_the_record_of_a_training_is_loaded_from_its_directory(vectors, tmp_path):
    vectors.save(tmp_path / "model")
    assert vecmill.load(tmp_path / "model").metrics == []
    lines = [json.dumps(entry) for entry in vectors.metrics]
    (tmp_path / "model" / "metrics.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    assert vecmill.load(tmp_path / "model").metrics == vectors.metrics
    for damaged in ("[1, 2]\n", "{", "3\n", "[" * 100_000):
        (tmp_path / "model" / "metrics.jsonl").write_text(damaged, "utf-8")
        assert vecmill.load(tmp_path / "model").metrics == []


def test_vectors_without_a_record_of_their_training_are_not_plotted(vectors):
    with pytest.raises(EmbeddingsError, match="no record of their training"):
        vecmill.plot_training(WordVectors(vectors.vocabulary, vectors.matrix))
