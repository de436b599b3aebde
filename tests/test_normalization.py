"""Unicode normalization: composed and decomposed forms of a text give the same words, and form C costs no copy."""

import re
import unicodedata

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpora.blocks import cut_blocks
from embeddings.text.tokenizer import normalization
from embeddings.text.tokenizer.character_tables import character_tables
from embeddings.text.tokenizer.normalization import normalize_block
from embeddings.text.tokenizer.token_lists import TokenLists
from embeddings.text.tokenizer.tokenizers import Tokenizer, make_tokenizer, tokenizer_of
from embeddings.text.tokenizer.word_counters import KernelCounter

LATIN = "aeoszAEÅéñǖșệ\u0301\u0308\u0327\u0323\u0338"
OTHER = (
    "αΐΆᾷ\u0345йЁї\u0306한각가\u1100\u1161\u11a8\u05e9\u05bc\u05c1\u0651\u064e\u0643\u0622\u0653"
    "\u0958\u0915\u0929\u093c\u09cb\u09c7\u09be\u09d7\u0bca\u0e01\u0e33\u0e38\u0e48か\u3099が"
)
SPECIAL = "\u212b\u2126\u0344\uf900\U0002f800\U0001d15e\U0001d165\U000110ab\u0f73=≠;\u037e'\u2019\u00ad\u200d"
letters = st.one_of(
    st.sampled_from(LATIN + OTHER + SPECIAL), st.characters(exclude_categories=["Cs"]), st.sampled_from(" \n\t.")
)
texts = st.lists(letters, max_size=60).map("".join)
FORMS = ("NFC", "NFD")
SPACES = {0x2000: 0x2002, 0x2001: 0x2003}  # separate words in either form


def words_of(tokenizer: Tokenizer, text: str, block_size: int) -> list[str]:
    counter = tokenizer.counter()
    blocks = cut_blocks([text.encode() + b"\n"], block_size)
    ids = [number for block in blocks for part in counter.ids(block) for number in part.tolist()]
    ids += [number for part in counter.last_ids() for number in part.tolist()]
    words = [word.decode() for word in counter.take_words().words.to_bytes()]
    found = " ".join(words[number - 1] if number else "\n" for number in ids)
    return re.sub(r"\n( \n)+", "\n", found).split(" ")  # an end of a line, \r\n, that is cut in two ends two lines


@given(texts, st.sampled_from([1, 2, 3, 7, 64, 1 << 20]), st.sampled_from(["fast", "whitespace", str.split]))
@example("\u1100\u1161\u11a8 " * 30 + "e\u0323\u0302 a\u0302\u0323\nq\u0307\u0323", 7, "fast")
@settings(max_examples=300)
def test_composed_and_decomposed_text_gives_the_same_words(text, block_size, spec):
    tokenizer = make_tokenizer(spec, punctuation=True)
    composed, decomposed = (words_of(tokenizer, unicodedata.normalize(form, text), block_size) for form in FORMS)
    assert composed == decomposed
    assert composed == words_of(tokenizer, text, 1 << 20)


@given(st.lists(st.one_of(texts.map(str.encode), st.binary(max_size=4))).map(b"".join))
@settings(max_examples=300)
def test_a_block_becomes_form_c_and_keeps_invalid_bytes(block):
    found = normalize_block(block).decode("utf-8", "surrogateescape").translate(SPACES)
    assert found == unicodedata.normalize("NFC", block.decode("utf-8", "surrogateescape"))


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="a million characters take minutes")
def test_every_character_after_and_before_a_letter_becomes_form_c():
    characters = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and not chr(c).isspace()]
    for pattern in ("e{}", "{}\u0301", "q\u0301\u0323{}", "\u1100{}", "\uac00{}", "\u09c7{}", "{}\u3099\u0316"):
        text = " ".join(map(pattern.format, characters))
        assert normalize_block(text.encode()).decode() == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    "text",
    ["plain ASCII", "L’été, « très » naïf", "Съешь ещё", "한국어 문장", "中文", "हिन्दी में बड़ा", "বাংলা ভাষায়"],
)
def test_text_in_form_c_is_not_copied(text):
    block = unicodedata.normalize("NFC", text).encode() * 100
    assert normalize_block(block) is block


def test_many_more_words_than_are_found_at_once():
    text = "cafe\u0301 naive " * 40_000
    assert normalize_block(text.encode()).decode() == "café naive " * 40_000


def test_none_keeps_the_forms_apart():
    assert make_tokenizer(normalize="none").tokenize("é e\u0301") == [["é", "e\u0301"]]
    assert make_tokenizer(str.split, normalize="none").tokenize("é e\u0301") == [["é", "e\u0301"]]
    assert make_tokenizer().tokenize("é e\u0301") == [["é", "é"]]


def test_tokens_of_lists_stay_as_they_are_unless_told():
    for normalize, words in (("none", ["é", "e\u0301"]), ("nfc", ["é"])):
        counter = TokenLists(normalize=normalize).counter()
        list(counter.ids([["é", "e\u0301"]]))
        assert [word.decode() for word in counter.take_words().words.to_bytes()] == words


def test_tokens_of_lists_are_converted_to_lower_case_as_words_are():
    words = ["ΟΔΟΣ", "Σ", "ΣΣ", "Σ Σ", "İs", "a\0Σ"]
    counter = TokenLists(lowercase=True).counter()
    list(counter.ids([words, ["ΟΔΟΣ"]]))
    found = [word.decode() for word in counter.take_words().words.to_bytes()]
    assert found == ["οδος", "σ", "σς", "σ ς", "is", "a\0σ"]


def test_recorded_settings_without_the_setting_mean_none():
    recorded = {"spec": "fast", "lowercase": True, "punctuation": False, "fold_digits": False}
    assert tokenizer_of(recorded).settings == {**recorded, "normalize": "none"}
    assert tokenizer_of(make_tokenizer().settings).settings["normalize"] == "nfc"


def test_unknown_normalization_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="'nfkc'; expected one of nfc, none"):
        make_tokenizer(normalize="nfkc")


def test_invalid_utf8_is_counted_once_in_normalized_text():
    counter = KernelCounter(character_tables(False, True, False, False), normalize=True)
    list(counter.ids(b"e\xcc\x81\xff caf\xe9 ok\n"))
    assert counter.skipped == {"invalid UTF-8 sequences": 2}
    assert np.sum(counter.take_words().export().counts) == 3


def test_syllables_of_hangul_are_the_same_whether_python_states_their_decomposition_or_not(monkeypatch):
    decomposition = unicodedata.decomposition

    def stated(character):
        if not 0xAC00 <= ord(character) <= 0xD7A3:
            return decomposition(character)
        return " ".join(f"{ord(part):04X}" for part in unicodedata.normalize("NFD", character))

    tables = normalization._tables()
    monkeypatch.setattr(unicodedata, "decomposition", stated)
    for before, now in zip(tables, normalization._tables.__wrapped__(), strict=True):
        np.testing.assert_array_equal(before, now)
