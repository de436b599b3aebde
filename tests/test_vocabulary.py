"""Vocabularies: ids, ranking, pruning, files that read back, and spelling hints."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.errors import EmbeddingsError
from embeddings.text.tokenizer.counted_words import CountedWords, Words
from embeddings.text.tokenizer.word_table import WordTable
from embeddings.text.vocabulary import UnknownWordError, Vocabulary
from vecmill.errors import OutputError

words = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\\\t\n\rn"), min_size=1)
counted = st.dictionaries(words, st.integers(0, 10**17))


def vocabulary():
    return Vocabulary.from_counts({"the": 9, "cat": 4, "Cat": 4, "sat": 1})


@pytest.mark.parametrize("item", [None, 5, 0.5, b"a", ["a"], ("a", 1), float("nan")])
@pytest.mark.parametrize("missing", [None, -1])
def test_what_is_no_word_is_refused_as_such(item, missing):
    """It was taken for a word that is not in the vocabulary, where these have an id."""
    vocabulary = Vocabulary.from_words(["a", "b"])
    for words in (["a", item], iter(["a", item]), ["a"] * 1000 + [item]):
        with pytest.raises(TypeError, match=r"a word is .*; expected a str"):
            vocabulary.ids(words, missing=missing)


def test_words_counts_and_ids():
    v = vocabulary()
    assert list(v.words) == list(v) == ["the", "Cat", "cat", "sat"]
    assert v.counts.tolist() == [9, 4, 4, 1]
    assert v.counts.dtype == np.int64
    assert len(v) == 4
    assert "cat" in v
    assert "dog" not in v
    assert "" not in v
    assert 3 not in v
    assert v.id("cat") == 2
    assert v.ids(["sat", "the", "sat"]).tolist() == [3, 0, 3]
    assert v.ids(["sat", "dog"], missing=-1).tolist() == [3, -1]
    assert v.ids([]).dtype == np.int32
    assert "4 words: the (9), Cat (4), cat (4), ..." in repr(v)


def test_counts_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        vocabulary().counts[0] = 1


@given(counted.filter(bool), st.integers(0, 20))
def test_file_round_trip(tmp_path_factory, counts, searches):
    path = tmp_path_factory.mktemp("v") / "vocabulary.tsv"
    v = Vocabulary.from_counts(counts, min_count=0)
    v.save(path)
    opened = Vocabulary.load(path)
    assert opened == v
    assert hash(opened) == hash(v)
    for word in list(counts)[:searches]:  # the first ones are searched for, the others looked up
        assert opened.words[opened.id(word)] == word
        assert f"{word}?x" not in opened
    assert dict(zip(opened.words, opened.counts.tolist(), strict=True)) == counts
    assert opened.words == tuple(sorted(counts, key=lambda word: (-counts[word], word)))
    assert [word.decode() for word in opened.encoded_words.to_bytes()] == list(opened.words)


def test_file_is_readable(tmp_path):
    path = tmp_path / "vocabulary.tsv"
    Vocabulary.from_counts({"naïve": 12, "a\tb\\n\n": 3}).save(path)
    assert path.read_text("utf-8") == "naïve\t12\na\\tb\\\\n\\n\t3\n"
    assert [found.name for found in tmp_path.iterdir()] == ["vocabulary.tsv"]


def test_one_hot_times_E_is_the_row_of_E():
    v = vocabulary()
    E = np.random.default_rng(1).normal(size=(len(v), 3)).astype(np.float32)
    o = v.one_hot(["sat", "the", "sat"])
    assert o.shape == (3, 4)
    assert o.dtype == np.float32
    assert o.format == "csr"
    assert np.array_equal(o @ E, E[v.ids(["sat", "the", "sat"])])
    assert np.array_equal(v.one_hot("cat") @ E, E[[2]])


def test_to_frame():
    frame = vocabulary().to_frame()
    expected = {"word": ["the", "Cat", "cat", "sat"], "count": [9, 4, 4, 1]}
    pd.testing.assert_frame_equal(frame, pd.DataFrame(expected).rename_axis("id"), check_dtype=False)


def test_unknown_word_offers_closest_spellings():
    v = Vocabulary.from_counts({"king": 5, "kings": 4, "Paris": 3, "queen": 2})
    with pytest.raises(UnknownWordError, match=r"'kinf'.*closest: king"):
        v.id("kinf")
    with pytest.raises(KeyError, match="closest: Paris"):
        v.ids(["paris"])
    with pytest.raises(EmbeddingsError, match="4 other words"):
        v.id("xyzzy")
    assert str(UnknownWordError("a 'b'")) == "a 'b'"


def test_from_words_keeps_the_order():
    v = Vocabulary.from_words(["b", "a"])
    assert list(v.words) == ["b", "a"]
    assert v.counts.tolist() == [0, 0]
    assert Vocabulary.from_words(["b", "a"], [1, 2]).counts.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("given", "counts", "message"),
    [
        (["a", "b", "a"], None, "'a' occurs twice"),
        (["a"], [1, 2], "2 counts for 1"),
        (["a", "b"], [1], "1 count for 2 words"),
        (["a"], [-1], "-1"),
        ([""], None, "empty"),
        (["a", "b\udcff"], None, r"word 'b\\udcff' has half of a surrogate pair"),
        (["a", "\ud83d"], [1, 2], r"word '\\ud83d' has half of a surrogate pair"),
    ],
)
def test_from_words_refuses(given, counts, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary.from_words(given, counts)


@pytest.mark.parametrize("kind", [set, frozenset])
def test_from_words_refuses_words_without_an_order(kind):
    with pytest.raises(TypeError, match=r"which has no order; expected a list of words: give sorted\(words\)"):
        Vocabulary.from_words(kind(["a", "b"]))


@pytest.mark.parametrize("given", [np.array(["b", "a"]), [np.str_("b"), np.str_("a")], {"b": 2, "a": 1}.keys()])
def test_words_of_a_vocabulary_are_plain_str(given):
    words = Vocabulary.from_words(given).words
    assert words == ("b", "a")
    assert {type(word) for word in words} == {str}


def test_from_counts_prunes():
    counts = {"a": 3, "b": 2, "c": 2, "d": 1}
    assert list(Vocabulary.from_counts(counts, min_count=2).words) == ["a", "b", "c"]
    assert list(Vocabulary.from_counts(counts, max_vocabulary=2).words) == ["a", "b"]
    with pytest.raises(EmbeddingsError, match="min_count=9"):
        Vocabulary.from_counts(counts, min_count=9)


@pytest.mark.parametrize("count", [2**31, 10**18, 2**63 - 1])
def test_all_counts_of_64_bits_are_written_and_read(tmp_path, count):
    Vocabulary.from_counts({"a": count, "b": 1}).save(tmp_path / "v.tsv")
    assert Vocabulary.load(tmp_path / "v.tsv").counts.tolist() == [count, 1]


@pytest.mark.parametrize(
    "line",
    [
        "word",
        "word\t",
        "word\tx",
        "\t5",
        "a\tb\t5",
        "a\t-1",
        "a\t1\r",
        "",
        "a\t" + "9" * 19,
        f"a\t{2**63}",
        "a\t" + "0" * 20,
    ],
)
def test_damaged_line_is_named(tmp_path, line):
    path = tmp_path / "v.tsv"
    path.write_bytes(f"the\t5\n{line}\nof\t4\n".encode())
    with pytest.raises(EmbeddingsError, match="line 2 "):
        list(Vocabulary.load(path).counts)


def test_not_utf8(tmp_path):
    path = tmp_path / "v.tsv"
    path.write_bytes(b"the\t5\n\xff\t2\n")
    with pytest.raises(EmbeddingsError, match="line 2 "):
        list(Vocabulary.load(path))


def test_missing_and_unwritable_file(tmp_path):
    with pytest.raises(EmbeddingsError, match="No such file"):
        Vocabulary.load(tmp_path / "none.tsv")
    with pytest.raises(OutputError, match="cannot write"):
        vocabulary().save(tmp_path / "none" / "v.tsv")


@given(
    st.lists(
        st.tuples(
            st.binary(min_size=1)
            | st.binary(min_size=15, max_size=18)
            | st.sampled_from([b"a" * 16 + c for c in (b"", b"\0", b"b", b"c")]),
            st.integers(1, 3),
        )
    )
)
def test_ranking(items):
    expected = sorted(items, key=lambda item: (-item[1], item[0]))
    ranked = CountedWords(
        Words.from_bytes([word for word, _ in items]), np.array([n for _, n in items], np.int64)
    ).ranked()
    assert list(zip(ranked.words.to_bytes(), ranked.counts.tolist(), strict=True)) == expected


many_words = st.lists(
    st.binary(min_size=1, max_size=20) | st.sampled_from([b"a", b"a\0", b"a" * 16, b"a" * 17, b"\0" * 3])
)


@given(st.lists(many_words, max_size=5))
def test_word_table_counts_any_bytes(lists):
    table = WordTable()
    for items in lists:
        table.add(CountedWords(Words.from_bytes(items), np.ones(len(items), np.int64)))
    expected = [word for items in lists for word in items]
    counts = {word: expected.count(word) for word in expected}
    exported = table.export()
    assert list(zip(exported.words.to_bytes(), exported.counts.tolist(), strict=True)) == list(counts.items())
    assert table.total == len(expected)
    assert table.find(exported.words).tolist() == list(range(1, len(table) + 1))
    assert table.find(Words.from_bytes([b"not there", b"nor this long word"])).tolist() == [0, 0]
    sorted_words, ids, ends = table.export_by_bucket()
    assert sorted(ids) == list(range(1, len(table) + 1))
    assert table.find(sorted_words.words).tolist() == ids.tolist()
    assert sorted_words.counts.tolist() == exported.counts[ids - 1].tolist()
    assert ends[-1] == len(table)
    assert (np.diff(ends) >= 0).all()
