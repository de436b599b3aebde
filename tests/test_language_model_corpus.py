"""Text for language models: nothing is dropped, parts are as stated, vocabularies are exact."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings import EmbeddingsError, make_tokenizer
from embeddings.language_model.corpus import (
    BLOCK_LINES,
    CYCLE,
    EOS,
    PARTS,
    UNK,
    LanguageModelCorpus,
    build_corpus,
    encode_text,
    is_presplit,
    looks_tokenized,
    read_presplit,
)

TOKENIZER = make_tokenizer("fast", punctuation=True)
WHITE_SPACE = make_tokenizer("whitespace", lowercase=False)


def words(corpus, part):
    return [corpus.vocabulary.words[i] for i in getattr(corpus, part)]


def lines_of(corpus, part):
    return " ".join(words(corpus, part)).replace(f" {EOS}", "\n").replace("\n ", "\n").splitlines()


def test_blocks_of_lines_are_dealt_out():
    lines = [f"w{i} x" for i in range(BLOCK_LINES * CYCLE * 2 + 7)]
    corpus = build_corpus([("\n".join(lines) + "\n").encode()], WHITE_SPACE)
    place = [i // BLOCK_LINES % CYCLE for i in range(len(lines))]
    assert lines_of(corpus, "train") == [line for line, p in zip(lines, place, strict=True) if p < CYCLE - 2]
    assert corpus.unknown_share("train") == 0
    assert [len(getattr(corpus, part)) // 3 for part in PARTS] == [1807, 100, 100]
    assert corpus.unknown_share("valid") == pytest.approx(1 / 3)


@given(st.lists(st.text("ab \n.", max_size=12), min_size=1, max_size=20), st.integers(1, 40))
def test_every_word_of_every_line_is_there(pieces, size):
    text = "".join(pieces) + "\na b .\n"
    blocks = [text.encode()]
    corpus = build_corpus(dict.fromkeys(PARTS, blocks), TOKENIZER)
    expected = [line for line in TOKENIZER.tokenize(text) if line]
    assert words(corpus, "test") == [word for line in expected for word in (*line, EOS)]
    assert corpus.vocabulary.counts.sum() == len(corpus.train)


def test_the_vocabulary_counts_what_it_leaves_out_as_unknown():
    blocks = {"train": [b"a a a b b c\n"], "valid": [b"c d\n"], "test": [b"a\n"]}
    for limits in ({"min_count": 2}, {"max_size": 4}):
        corpus = build_corpus(blocks, WHITE_SPACE, **limits)
        assert dict(zip(corpus.vocabulary.words, corpus.vocabulary.counts.tolist(), strict=True)) == {
            "a": 3,
            "b": 2,
            EOS: 1,
            UNK: 1,
        }
        assert words(corpus, "valid") == [UNK, UNK, EOS]


def test_unk_and_eos_in_the_text_are_those_of_the_model():
    blocks = {key: [b"a <unk> b <eos>\n"] for key in PARTS}
    corpus = build_corpus(blocks, WHITE_SPACE)
    assert words(corpus, "train") == ["a", UNK, "b", EOS, EOS]
    assert sorted(corpus.vocabulary.words) == sorted(["a", "b", UNK, EOS])


def test_a_directory_of_three_files(tmp_path):
    assert not is_presplit(tmp_path)
    for part in PARTS:
        (tmp_path / f"{part}.txt").write_text(f"The cat , {part} .\n\nsat .")
    assert is_presplit(tmp_path)
    corpus, tokenizer = read_presplit(tmp_path, TOKENIZER)
    assert tokenizer == WHITE_SPACE
    assert lines_of(corpus, "train") == ["The cat , train .", "sat ."]
    (tmp_path / "train.txt").write_text("The cat, train.\nIt sat.\n" * 30)
    corpus, tokenizer = read_presplit(tmp_path, TOKENIZER)
    assert tokenizer == TOKENIZER
    assert lines_of(corpus, "train")[0] == "the cat , train ."
    (tmp_path / "test.txt").write_text("\n \n")
    with pytest.raises(EmbeddingsError, match="no text for test"):
        read_presplit(tmp_path, TOKENIZER)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("the cat , he said , sat .\n", True), ("The cat, he said, sat.\n", False), ("a <unk> c", True), ("", False)],
)
def test_whether_text_is_tokenized(text, expected):
    assert looks_tokenized(text) == expected


@pytest.mark.parametrize("text", [b"", b"\n\n", b"one line only\n"])
def test_too_little_text_is_refused(text):
    with pytest.raises(EmbeddingsError, match="no text for"):
        build_corpus([text], TOKENIZER)


def test_short_texts_are_split_into_fewer_lines_a_block():
    corpus = build_corpus([b"a b\n" * CYCLE], TOKENIZER)
    assert [len(getattr(corpus, part)) // 3 for part in PARTS] == [CYCLE - 2, 1, 1]


def test_what_is_saved_comes_back(tmp_path):
    corpus = build_corpus([b"a b\n" * CYCLE], TOKENIZER)
    corpus.save(tmp_path)
    again = LanguageModelCorpus.load(tmp_path)
    assert again.vocabulary == corpus.vocabulary
    assert again.split == corpus.split
    for part in PARTS:
        np.testing.assert_array_equal(getattr(again, part), getattr(corpus, part))
    (tmp_path / "test.npy").unlink()
    with pytest.raises(EmbeddingsError, match=r"test\.npy"):
        LanguageModelCorpus.load(tmp_path)


def test_lines_to_be_scored_keep_their_number():
    vocabulary = build_corpus([b"a b\n" * CYCLE], TOKENIZER).vocabulary
    lines, ids = encode_text("a zz\n\nb\n", vocabulary, TOKENIZER)
    assert lines == [["a", "zz"], [], ["b"]]
    assert [[vocabulary.words[i] for i in line] for line in ids] == [["a", UNK, EOS], [EOS], ["b", EOS]]
