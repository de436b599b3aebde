"""Counts and their nouns: one word, two words; no message joins a count to a plural by hand where it may be one."""

import numpy as np
import pytest

from embeddings import Vocabulary, WordVectors
from tests.command_line import vecmill
from vecmill.plurals import counted


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 words"), (1, "1 word"), (2, "2 words"), (1001, "1,001 words"), (-1, "-1 words")]
)
def test_one_is_singular(number, shown):
    assert counted(number, "word") == shown


def test_a_single_thing_is_reported_in_the_singular(tmp_path):
    vectors = WordVectors(Vocabulary.from_words(["king"]), np.ones((1, 1), np.float32))
    assert repr(vectors) == "WordVectors(1 word, 1 dimension)"
    vectors.save(tmp_path / "model")
    assert "got 1 word;" in vecmill("analogy", tmp_path / "model", "king").stderr
    shown = vecmill("embed", tmp_path / "model", "-o", tmp_path / "x.npy", stdin="king\n").stdout
    assert "1 line x 1 dimension\n" in shown
    assert "1 word of 1 dimension;" in vecmill("map", tmp_path / "model", "-o", tmp_path / "x.html").stderr
    assert vecmill("verify", tmp_path / "model").stdout.startswith("2 files of 1 stage, ")
    text = tmp_path / "text.txt"
    text.write_text("old king " * 200 + "\n")
    shown = vecmill("train-embeddings", text, "-o", tmp_path / "out", "--dimension", 1, "--epochs", 1).stdout
    assert "in 1 line, 2 distinct words." in shown
    assert "2 words x 1 dimension: " in shown
