"""Lines to be scored keep their number; text that is tokenized already is known by its punctuation."""

import pytest

from embeddings import Vocabulary, make_tokenizer
from embeddings.language_model.lines import encode_lines, looks_tokenized
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
