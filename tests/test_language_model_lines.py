"""Lines to be scored keep their number; text that is tokenized already is known by its punctuation."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from embeddings import Vocabulary, make_tokenizer
from embeddings.language_model.lines import encode_lines, looks_tokenized
from embeddings.language_model.scoring import as_text
from embeddings.text.tokenizer.token_lists import NotTextError
from embeddings.text.vocabulary import EOS, UNK

TOKENIZER = make_tokenizer("fast", punctuation=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("the cat , he said , sat .\n", True), ("The cat, he said, sat.\n", False), ("a <unk> c", True), ("", False)],
)
def test_whether_text_is_tokenized(text, expected):
    assert looks_tokenized(text) == expected


def test_lines_to_be_scored_keep_their_number():
    vocabulary = Vocabulary.from_words([UNK, EOS, "a", "b"])
    lines, ids = encode_lines("a zz\n\nb\n", vocabulary, TOKENIZER)
    assert lines == [["a", "zz"], [], ["b"]]
    assert [[vocabulary.words[i] for i in line] for line in ids] == [["a", UNK, EOS], [EOS], ["b", EOS]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (Path("text.txt"), r"PosixPath\('text\.txt'\) \(PosixPath\) names a file; give its text: Path\('text\.txt'\)"),
        ("text.txt", r"'text\.txt' \(str\) names a file; give its text"),
        (b"a b", r"b'a b' \(bytes\) is not text"),
        (5, r"5 \(int\) is not text"),
        (None, "is not text"),
        ({"text": "a b"}, r"\(dict\) is not text"),
        (pd.DataFrame({"text": ["a b"]}), r"\(DataFrame\) is not text"),
        (["a b", None], r"line 1 is None \(NoneType\); expected a str"),
        ([["a", "b"]], r"line 0 is \['a', 'b'\] \(list\)"),
        ([b"a b"], r"line 0 is b'a b' \(bytes\)"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("a b\n", "utf-8")
    with pytest.raises(NotTextError, match=message):
        as_text(text)


@pytest.mark.parametrize("text", ["text.txt", "a b\nc", "", "x" * 5000, "a\0b"])
def test_a_str_that_names_no_file_is_text(text):
    assert as_text(text) == text


def test_lines_of_any_iterable_become_a_text():
    lines = ["a b", "c\u2028d\n"]
    for given in (lines, iter(lines), tuple(lines), pd.Series(lines), np.array(lines), io.StringIO("a b\nc d\n")):
        assert as_text(given) == "a b\nc d\n"
