"""Sentences that are lists of tokens: the same ids and counts as a dictionary gives, and every odd item refused."""

import numpy as np
import pandas as pd
import pytest

from embeddings import build_vocabulary, tokenize_corpus
from embeddings.text.tokenizer.token_lists import NotTextError, TokenLists

ODD = ["a b", "tab\there", "line\nend", "\\n", " ", "\x00", "Ω", "é", "x" * 1000, "<unk>", "Upper"]


def sentences_of(tokenized):
    """Sentences as they are on disk; lists of tokens."""
    found = [[]]
    for part, place in enumerate(tokenized.parts[:, :2].tolist()):
        generation = tokenized.spilled_counts(*place)
        words = dict(
            zip(generation.ids().tolist(), map(bytes.decode, generation.words().words.to_bytes()), strict=True)
        )
        for number in tokenized.ids(part).tolist():
            if number:
                found[-1].append(words[number])
            else:
                found.append([])
    return found[:-1]


def tokenized(tmp_path, *batches, table_bytes=None, **options):
    return tokenize_corpus(batches, TokenLists(**options), tmp_path / "tokenized", table_bytes=table_bytes)


@pytest.mark.parametrize("table_bytes", [None, 1000])
def test_tokens_are_kept_as_they_are(tmp_path, table_bytes, monkeypatch):
    monkeypatch.setattr("embeddings.text.tokenizer.token_lists._TOKENS_AT_ONCE", 16)
    generator = np.random.default_rng(0)
    tokens = [*ODD, *(f"item {number}" for number in range(50))]
    sentences = [[tokens[i] for i in generator.integers(len(tokens), size=n)] for n in generator.integers(0, 20, 60)]
    found = tokenized(tmp_path, sentences[:20], sentences[20:], table_bytes=table_bytes)
    assert sentences_of(found) == sentences
    assert (len(found.spills()) > 3) == (table_bytes is not None)
    assert found.token_count == sum(map(len, sentences))
    vocabulary = build_vocabulary(found, min_count=1)
    expected = pd.Series([token for sentence in sentences for token in sentence]).value_counts()
    assert dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)) == expected.to_dict()
    vocabulary.save(tmp_path / "vocabulary.tsv")
    assert type(vocabulary).load(tmp_path / "vocabulary.tsv") == vocabulary


@pytest.mark.parametrize(
    "make",
    [list, tuple, iter, np.array, pd.Series, lambda tokens: np.array(tokens, object), lambda tokens: map(str, tokens)],
    ids=["list", "tuple", "iterator", "array of str", "Series", "array of objects", "map"],
)
def test_sentences_of_many_kinds(tmp_path, make):
    sentences = [["the", "cat sat"], ["the"], ["dog", "the"]]
    assert sentences_of(tokenized(tmp_path, [make(sentence) for sentence in sentences])) == sentences


def test_what_is_no_word_is_left_out_and_counted(tmp_path):
    found = tokenized(tmp_path, [["a", "", "b" * 1001, "é" * 501, "a"], ["", "b"]])
    assert sentences_of(found) == [["a", "a"], ["b"]]
    assert found.skipped == {"empty tokens": 2, "words longer than 1000 bytes": 2}


def test_a_lone_surrogate_is_counted_and_is_no_question_mark(tmp_path):
    found = tokenized(tmp_path, [["a\ud800", "a?", "a\udfff"]])
    assert sentences_of(found) == [["a\ufffd", "a?", "a\ufffd"]]
    assert found.skipped == {"lone surrogates, replaced by U+FFFD": 2}


def test_letters_and_digits_are_folded_when_asked(tmp_path):
    found = tokenized(tmp_path, [["The Cat", "the cat", "In 1984"]], lowercase=True, fold_digits=True)
    assert sentences_of(found) == [["the cat", "the cat", "in 0000"]]


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        (["a", None], r"sentence 3: token 1 is None \(NoneType\); expected a str"),
        (["a", "b", 5], r"sentence 3: token 2 is 5 \(int\); expected a str: use str\(token\)"),
        ([float("nan")], r"sentence 3: token 0 is nan \(float\); expected a str$"),
        ([b"a"], r"sentence 3: token 0 is b'a' \(bytes\); expected a str: use token.decode\(\)"),
        ([["a"]], r"sentence 3: token 0 is \['a'\] \(list\)"),
        (np.array([1, 2]), r"sentence 3: token 0 is 1 \(int\)"),
        ("the cat", r"sentence 3 is 'the cat' \(str\); expected a list of tokens"),
        (b"the cat", r"sentence 3 is b'the cat' \(bytes\)"),
        (None, r"sentence 3 is None \(NoneType\)"),
        ({"a": 1}, r"sentence 3 is \{'a': 1\} \(dict\)"),
        ({"a"}, r"sentence 3 is \{'a'\} \(set\)"),
        (7, r"sentence 3 is 7 \(int\)"),
        (np.array("a"), r"sentence 3 is array\('a'.*\(ndarray\)"),
    ],
)
def test_the_first_bad_item_is_named(tmp_path, sentence, message):
    with pytest.raises(NotTextError, match=message):
        tokenized(tmp_path, [["a"], ["b"]], [["c"], sentence, [None]])
    assert not list(tmp_path.iterdir())


def test_a_tokenizer_with_the_same_settings_reads_text():
    assert TokenLists().tokenize("The cat, sat.\nOn") == [["The", "cat,", "sat."], ["On"]]
