"""Rules for Hugging Face's ``tokenizers`` cut text into the words of our tokenizers, whatever their options."""

import itertools
import json
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embeddings import formats
from embeddings.formats.static_embedding import tokenizer_entries
from embeddings.formats.tokenizer_rules import InexactTokenizerError, closest_rules, exact_rules, guessed_rules
from embeddings.text.tokenizer.kernels import LONGEST_WORD
from embeddings.text.tokenizer.tokenizers import NLTK_TOKENIZERS, make_tokenizer
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_vectors import WordVectors

tokenizers = pytest.importorskip("tokenizers")

BOOLEANS = (False, True)
EXACT = [
    {"spec": spec, "lowercase": lowercase, "punctuation": punctuation, "fold_digits": fold_digits}
    for spec, lowercase, punctuation, fold_digits in itertools.product(
        ("fast", "whitespace", "nltk:wordpunct"), BOOLEANS, BOOLEANS, BOOLEANS
    )
    if spec == "fast" or not punctuation
]
PIECES = [
    *"aZiI09_'\u2019\u200c\u200d\u200b\u00ad\ufeff\ufffd\ufe0f\u0301\u0307\u0130\u03a3\u01c5\u212a\u023a\u1e9eⒶ",
    *" \t\n\r\v\f\x85\xa0\u2028\u2029\u3000\x00\x1b\x1c\x7f.,!-“”—€²½Ⅳ٣०語한हि्😀🏽\U000e0101",
    *("don't", "don’t", "’’", "\r\n", "a b ", "word ", "İi\u0307", "l’\u0301a’b", "1984", "é" * 400),
]
known = st.characters(exclude_categories=["Cs", "Cn"])  # what this Python does not know has small letters elsewhere
texts = st.one_of(
    st.text(known),
    st.text(st.sampled_from("aI'’ .\n\u0301\u0307\u200d\u00ad")),
    st.lists(st.sampled_from(PIECES)).map("".join),
)


def theirs(rules):
    """The function that cuts text as ``tokenizer.json`` has it, without words too long to be in a vocabulary."""
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(tokenizer_entries(["a"], "[UNK]", rules)))
    return lambda text: [
        word
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))
        if len(word.encode()) <= LONGEST_WORD
    ]


def ours(tokenizer, text):
    return [word for words in tokenizer.tokenize(text) for word in words]


def name(options):
    return "-".join([options["spec"], *(option for option in options if options[option] is True)])


@pytest.fixture(scope="module", params=EXACT, ids=name)
def pair(request):
    tokenizer = make_tokenizer(**request.param)
    return tokenizer, theirs(exact_rules(tokenizer.settings))


@pytest.mark.parametrize("spec", ["fast", "whitespace", "nltk:wordpunct"])
@pytest.mark.parametrize("options", [{}, {"punctuation": True, "fold_digits": True}, {"lowercase": False}], ids=str)
def test_every_character_is_cut_alike(spec, options):
    tokenizer = make_tokenizer(spec, **options)
    cut = theirs(exact_rules(tokenizer.settings))
    characters = [chr(c) for c in range(0x40000) if unicodedata.category(chr(c)) not in ("Cs", "Cn")]
    for start in range(0, len(characters), 5000):
        text = " ".join(f"{c} a{c}’b" for c in characters[start : start + 5000])
        assert cut(text) == ours(tokenizer, text)


@given(text=texts)
@example("a'’b a’'b a’’b ’a’ a’\u0301’b \u0301a \u0301’a")
@example("İSTANBUL İi\u0307I\u0307 i\u0307\u0307")
@example("Σ \u0301Σ ΑΣ ΑΣΣ Α\u0301Σ Α'Σ Α'\u0301Σ \u0301'Σ Α'\u0301'Σ ΑΣ' ΑΣ'Α")
@settings(max_examples=60)
def test_any_text_is_cut_alike(pair, text):
    tokenizer, cut = pair
    assert cut(text) == ours(tokenizer, text)


@given(text=texts)
def test_text_is_normalized_before_it_is_cut(text):
    tokenizer = make_tokenizer("fast", punctuation=True)
    cut = theirs(exact_rules({**tokenizer.settings, "normalize": "nfc"}))
    assert cut(text) == ours(tokenizer, unicodedata.normalize("NFC", text))


def test_documentation_of_python_is_cut_alike(pair):
    pydoc_data = pytest.importorskip("pydoc_data.topics")
    tokenizer, cut = pair
    for text in itertools.islice(pydoc_data.topics.values(), 30):
        assert cut(text) == ours(tokenizer, text)


@pytest.mark.parametrize("spec", [f"nltk:{name}" for name in NLTK_TOKENIZERS if name != "wordpunct"] + ["icu:zh"])
def test_tokenizers_without_exact_rules_are_refused_with_the_reason(spec):
    with pytest.raises(InexactTokenizerError, match=rf"the tokenizer '{spec}' .*, which rules cannot do"):
        exact_rules(make_tokenizer(spec).settings)


def test_functions_and_unknown_settings_are_refused():
    with pytest.raises(InexactTokenizerError, match="is a function, of which only the name is recorded"):
        exact_rules(make_tokenizer(str.split).settings)
    with pytest.raises(InexactTokenizerError, match="the normalization 'nfkd' is none of 'none', 'nfc'"):
        exact_rules({"spec": "fast", "normalize": "nfkd"})


@pytest.mark.parametrize("spec", ["nltk:treebank", "nltk:tweet", "nltk:toktok"])
def test_the_closest_rules_state_the_share_of_lines_that_differ(spec):
    tokenizer = make_tokenizer(spec, fold_digits=True)
    lines = ["Plain words of 1984", "It's :-) isn't it?", "see http://a.b/c", "more plain words"]
    rules = closest_rules(tokenizer, lines)
    cut = theirs(rules)
    differing = [line for line in lines if cut(line) != ours(tokenizer, line)]
    assert rules.differing == len(differing) / 4
    assert 0 < rules.differing <= 0.5
    assert rules.settings == tokenizer.settings
    with pytest.raises(formats.FormatError, match="the sample has no lines"):
        closest_rules(tokenizer, [])


def test_exact_rules_are_the_closest():
    tokenizer = make_tokenizer("fast", punctuation=True)
    assert closest_rules(tokenizer, ["any text"]) == exact_rules(tokenizer.settings)


@pytest.mark.parametrize("options", [options for options in EXACT if options["spec"] != "nltk:wordpunct"], ids=name)
def test_rules_are_guessed_from_words(options):
    tokenizer = make_tokenizer(**options)
    text = "Don’t panic, it's 2001 and 1984. (Yes: 42.) End. Of, the! story? Naïve cafés"
    words = dict.fromkeys(ours(tokenizer, text))
    rules = guessed_rules(words)
    assert theirs(rules)(text) == ours(tokenizer, text)
    assert rules.guessed


def test_words_that_keep_their_apostrophe_are_found():
    assert theirs(guessed_rules(["don’t", "it"]))("Don’t it") == ["don’t", "it"]


@pytest.mark.parametrize("spec", ["fast", "whitespace", "nltk:wordpunct"])
def test_the_exported_files_hold_the_tokenizer(tmp_path, spec):
    tokenizer = make_tokenizer(spec, punctuation=True, fold_digits=True)
    text = "In 1984 the naïve café don’t open; İstanbul!"
    words = list(dict.fromkeys(ours(tokenizer, text)))
    vectors = WordVectors(Vocabulary.from_words(words), np.eye(len(words), dtype=np.float32))
    formats.write(vectors, tmp_path / "out", "static-embedding", rules=exact_rules(tokenizer.settings))
    loaded = tokenizers.Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    assert loaded.encode(text).tokens == ours(tokenizer, text)
    recorded = json.loads((tmp_path / "out" / "config.json").read_text())["tokenizer"]
    options = {"lowercase": True, "punctuation": True, "fold_digits": True, "normalize": "nfc"}
    assert recorded == {"name": spec, **options}
