"""Character n-grams have the buckets of fastText, whatever the word, the range and the number of threads."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.text.character_ngrams import FLORET_SEED, MOST_BUCKETS, CharacterNgrams
from embeddings.text.tokenizer.counted_words import Words
from embeddings.text.vocabulary import Vocabulary
from tests.reference import character_ngrams as reference
from tests.reference import floret

WORDS = ["the", "köln", "한국어", "a", "</s>", "", "<", "x>", "東京", "🙂🙃", "new_york", "é" * 40, "</s", "e\u0301"]


def per_word(found):
    return [part.tolist() for part in np.split(found.buckets, found.offsets[1:-1])]


@given(
    st.lists(st.text(max_size=12), min_size=1, max_size=8),
    st.integers(1, 5),
    st.integers(0, 6),
    st.integers(1, MOST_BUCKETS),
)
def test_buckets_are_those_of_the_reference(words, shortest, more, buckets):
    ngrams = CharacterNgrams(min_length=shortest, max_length=shortest + more, buckets=buckets)
    expected = [reference.buckets(word, shortest, shortest + more, buckets) for word in words]
    assert per_word(ngrams.buckets_of(words)) == expected


@pytest.mark.parametrize(("shortest", "longest"), [(1, 1), (1, 6), (3, 6), (5, 5)])
def test_the_words_of_a_vocabulary_have_the_same_buckets(shortest, longest):
    ngrams = CharacterNgrams(min_length=shortest, max_length=longest, buckets=1000)
    words = [word for word in WORDS if word] + ["tab\tin", "back\\slash"]
    found = ngrams.buckets_of(Vocabulary.from_words(words).encoded_words)
    assert per_word(found) == [reference.buckets(word, shortest, longest, 1000) for word in words]
    assert found.offsets.dtype == np.int64
    assert found.buckets.dtype == np.int32


@given(
    st.lists(st.text(max_size=20), min_size=1, max_size=5),
    st.integers(1, 5),
    st.integers(0, 6),
    st.integers(1, MOST_BUCKETS),
    st.integers(1, 4),
)
def test_rows_in_a_floret_table_are_those_of_the_reference(words, shortest, more, buckets, hashes):
    ngrams = CharacterNgrams(min_length=shortest, max_length=shortest + more, buckets=buckets, floret_hashes=hashes)
    with np.errstate(over="ignore"):  # of unsigned numbers, without compilation
        found = per_word(ngrams.buckets_of(words, threads=1))
    assert found == [floret.rows(word, shortest, shortest + more, buckets, hashes, FLORET_SEED) for word in words]


def test_known_rows_of_floret():
    """The example of spaCy's own tests: 10 rows, two hashes, n-grams of 2 and 3 characters."""
    expected = [5, 6, 7, 5, 8, 2, 8, 9, 3, 3, 4, 6, 7, 3, 0, 2]
    assert sorted(floret.rows("der", 2, 3, 10, 2, FLORET_SEED)) == sorted(expected)


def test_known_hashes():
    """Published values of FNV-1a for ASCII; fastText's own for other bytes: tests/test_interoperability.py."""
    assert reference.fnv1a("a") == 0xE40C292C
    assert reference.fnv1a("foobar") == 0xBF9CF968
    found = CharacterNgrams(min_length=6, max_length=6, buckets=1000).buckets_of(["foob"])
    assert found.buckets.tolist() == [reference.fnv1a("<foob>") % 1000]


def test_threads_change_nothing():
    words = Words.from_bytes([f"word{number}ü".encode() for number in range(3000)])
    one, three = (CharacterNgrams(buckets=5000).buckets_of(words, threads) for threads in (1, 3))
    np.testing.assert_array_equal(one.offsets, three.offsets)
    np.testing.assert_array_equal(one.buckets, three.buckets)


def test_bytes_that_are_not_utf_8_are_hashed_as_they_are():
    found = CharacterNgrams(min_length=1, max_length=9, buckets=1000).buckets_of(Words.from_bytes([b"\x80\xff", b""]))
    # "<\x80" and ">" are boundary signs; of three characters in all remain \xff, <\x80\xff, <\x80\xff>, \xff>
    assert np.diff(found.offsets).tolist() == [4, 1]


def test_a_table_has_a_row_for_each_bucket_in_use():
    words = ["her", "there", "</s>", "here"]
    ngrams = CharacterNgrams(buckets=500)
    found, table = ngrams.buckets_of(words), ngrams.table(words)
    np.testing.assert_array_equal(table.buckets, np.unique(found.buckets))
    np.testing.assert_array_equal(table.buckets[table.rows], found.buckets)
    np.testing.assert_array_equal(table.offsets, found.offsets)
    assert table.buckets.dtype == table.rows.dtype == np.int32


def test_a_table_of_words_without_ngrams_is_empty():
    table = CharacterNgrams(min_length=20, max_length=30).table(["her", "there"])
    assert table.buckets.size == table.rows.size == 0
    assert table.offsets.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_length": 0}, "n-grams of 0 to 6 characters are impossible; expected a range such as 3-6"),
        ({"min_length": 5, "max_length": 4}, "n-grams of 5 to 4 characters are impossible"),
        ({"max_length": 1001}, "n-grams of 3 to 1001 characters are impossible"),
        ({"floret_hashes": 5}, "floret_hashes=5; expected 1 to 4, or 0 for fastText's hash"),
        ({"buckets": 0}, "buckets=0; expected 1 to 134,217,728, such as 2000000"),
        ({"buckets": -5}, "buckets=-5; expected 1 to"),
        ({"buckets": 1 << 40}, "buckets=1099511627776; expected 1 to"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        CharacterNgrams(**settings)


def test_a_range_is_parsed():
    assert CharacterNgrams.of_range("3-6") == CharacterNgrams()
    assert CharacterNgrams.of_range("4", 100) == CharacterNgrams(min_length=4, max_length=4, buckets=100)
    assert CharacterNgrams.of_range(" 2 - 5 ").range == "2-5"


@pytest.mark.parametrize("lengths", ["", "a-b", "3-", "-3", "3-6-9", "3.5", "6-3", "0-3", "9999999999-3"])
def test_other_ranges_are_refused(lengths):
    with pytest.raises(ValueError, match="impossible; expected a range such as 3-6"):
        CharacterNgrams.of_range(lengths)


def test_one_str_is_no_list_of_words():
    with pytest.raises(TypeError, match="expected a list of words"):
        CharacterNgrams().buckets_of("there")
