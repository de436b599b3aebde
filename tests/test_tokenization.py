"""Tokenizers: words equal those of the reference for all of Unicode, however blocks are cut."""

import unicodedata

import nltk.tokenize
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embeddings.errors import EmbeddingsError
from embeddings.text.tokenizer.character_tables import character_tables
from embeddings.text.tokenizer.tokenizers import NLTK_TOKENIZERS, Tokenizer, make_tokenizer
from embeddings.text.tokenizer.word_counters import KernelCounter, PythonCounter
from tests.reference import tokenization as reference

TRICKY = [
    *"ΣΑaZ09_'\u2019\u200c\u200d\u200b\u00ad\ufeff\ufffd\ufe0f\u0301\u0130\u03a3\u01c5\u212a\u023a\u1e9e",
    *" \t\n\r\v\f\x85\xa0\u2028\u2029\u3000\x00\x1b\x1c\x7f.,!-“”—€²½Ⅳ٣०語한हि्😀🏽\U000e0101\U0010ffff",
    *("don't", "\r\n", "x" * 998, "é" * 500, "a b ", "word "),
]
texts = st.one_of(
    st.text(), st.text(st.sampled_from("aΣb'’ .\n\u0301\u200d\u00ad")), st.lists(st.sampled_from(TRICKY)).map("".join)
)
broken = st.lists(
    st.one_of(
        texts.map(str.encode), st.binary(max_size=6), st.sampled_from([b"\xe2\x80", b"\xf0\x90\x80", b"\xed\xa0\x80"])
    )
)
data = st.one_of(texts.map(str.encode), broken.map(b"".join))


def tokenize(counter, blocks) -> list[list[str]]:
    """Words of each line as a counter finds them in blocks."""
    lines: list[list[str]] = [[]]
    ids = [number for block in blocks for part in counter.ids(block) for number in part.tolist()]
    ids += [number for part in counter.last_ids() for number in part.tolist()]
    found = counter.take_words().export()
    words = [word.decode() for word in found.words.to_bytes()]
    counts = np.bincount(np.array(ids, int), minlength=len(words) + 1)[1:]
    assert counts.tolist() == found.counts.tolist()
    assert len(set(words)) == len(words)
    for number in ids:
        if number:
            lines[-1].append(words[number - 1])
        else:
            lines.append([])
    return lines


def without_empty(lines):
    return [line for line in lines if line]


@given(data, st.booleans(), st.booleans(), st.booleans(), st.sampled_from([1, 2, 7, 64, 4096]))
@example("ΑΣ İ a'b’c’ ".encode(), True, True, True, 1)
@example(b"x" * 1000 + b" " + b"y" * 1001 + b"' " + b"z" * 5000 + b"'z b", True, True, False, 64)
@example(("a" + "\u00ad" * 5000 + "b").encode(), True, False, False, 7)
@settings(max_examples=300)
def test_fast_tokenizer_follows_the_reference(text, lowercase, punctuation, fold_digits, piece):
    counter = KernelCounter(character_tables(False, lowercase, punctuation, fold_digits), piece=piece)
    expected, passed_over = reference.tokenize(text, lowercase, punctuation, fold_digits)
    assert without_empty(tokenize(counter, [text])) == without_empty(expected)
    assert counter.skipped == passed_over


@given(data, st.booleans(), st.booleans(), st.sampled_from([1, 7, 4096]))
@settings(max_examples=100)
def test_white_space_tokenizer_follows_the_reference(text, lowercase, fold_digits, piece):
    counter = KernelCounter(character_tables(True, lowercase, False, fold_digits), piece=piece)
    expected, passed_over = reference.split_white_space(text, lowercase, fold_digits)
    assert without_empty(tokenize(counter, [text])) == without_empty(expected)
    assert counter.skipped == passed_over


@given(texts, st.sampled_from(["fast", "whitespace"]), st.booleans())
@settings(max_examples=100)
def test_tokenize_gives_one_list_a_line(text, spec, punctuation):
    tokenizer = make_tokenizer(spec, punctuation=punctuation)
    follow = reference.tokenize if spec == "fast" else reference.split_white_space
    options = {"punctuation": punctuation} if spec == "fast" else {}
    normalized = unicodedata.normalize("NFC", text)
    assert tokenizer.tokenize(text) == follow(normalized.encode(), **options)[0]


@given(data, st.data())
@settings(max_examples=100)
def test_blocks_that_end_in_white_space_do_not_show(text, draw):
    spaces = [i + 1 for i, byte in enumerate(text) if byte in b" \t\n\r\v\f"]
    cuts = sorted(draw.draw(st.sets(st.sampled_from(spaces)))) if spaces else []
    blocks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    for counter, again in [
        [KernelCounter(character_tables(False, True, True, False)) for _ in range(2)],
        [PythonCounter(str.split) for _ in range(2)],
    ]:
        assert without_empty(tokenize(counter, blocks)) == without_empty(tokenize(again, [text]))
        assert counter.skipped == again.skipped


def test_characters_of_every_plane_follow_the_reference():
    characters = [chr(c) for c in range(0, 0x110000, 61) if not 0xD800 <= c < 0xE000]
    text = " ".join(f"a{c}b {c} {c}c" for c in characters).encode()
    for punctuation in (False, True):
        counter = KernelCounter(character_tables(False, True, punctuation, True))
        expected, passed_over = reference.tokenize(text, True, punctuation, True)
        assert without_empty(tokenize(counter, [text])) == without_empty(expected)
        assert counter.skipped == passed_over


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't panic, it's the dogs' 3.14!", "don't panic it's the dogs 3 14"),
        ("rock ’n’ roll, rock’n’roll", "rock n roll rock'n'roll"),
        ("read_csv(__init__) naïve coöp 42nd", "read_csv __init__ naïve coöp 42nd"),
        ("हिन्दी में لغة العربية 한국어 日本語。中文", "हिन्दी में لغة العربية 한국어 日本語 中文"),
        ("می‌خواهم co\u00adoperate \ufeffstart\u200e", "می‌خواهم cooperate start"),
        ("İSTANBUL ΟΔΥΣΣΕΥΣ STRAẞE", "istanbul οδυσσευς straße"),
        ("Σ ΣΣ ΣΑΣ’ ‘ΟΣ’ Σ’ΑΣ ΟΣ\u00ad. ΟΣ\u00adΑ", "σ σς σας ος σ'ας ος οσα"),
        ("nul\x00byte bell\x07", "nul byte bell"),
    ],
)
def test_words_of_many_scripts(text, words):
    assert make_tokenizer().tokenize(text) == [words.split()]


def test_options():
    text = "In 1984, “Orwell’s” ٣ cats'"
    assert make_tokenizer(fold_digits=True).tokenize(text) == [["in", "0000", "orwell's", "0", "cats"]]
    assert make_tokenizer(lowercase=False).tokenize(text) == [["In", "1984", "Orwell's", "٣", "cats"]]
    punctuated = make_tokenizer(punctuation=True).tokenize(text)
    assert punctuated == [["in", "1984", ",", "“", "orwell's", "”", "٣", "cats", "'"]]


def test_white_space_keeps_what_is_between():
    assert make_tokenizer("whitespace").tokenize("<UNK> isn't , a\u00a0b\n.") == [
        ["<unk>", "isn't", ",", "a", "b"],
        ["."],
    ]


def test_lines():
    lines = [["a"], ["b"], [], ["c"], ["d"], ["e"], ["f"]]
    for spec in ("fast", "whitespace", str.split):
        assert make_tokenizer(spec).tokenize("a\nb\r\n\rc\x85d\u2028e\u2029f\n") == lines
        assert make_tokenizer(spec).tokenize("a\n ") == [["a"], []]
        assert make_tokenizer(spec).tokenize("") == []


@pytest.mark.parametrize("name", NLTK_TOKENIZERS)
def test_nltk_tokenizers_by_name(name):
    text = "Mr. O'Neil isn't 3.5% \"sure\" :-)"
    tokenizer = getattr(nltk.tokenize, NLTK_TOKENIZERS[name])()
    assert make_tokenizer(f"nltk:{name}", lowercase=False).tokenize(text) == [tokenizer.tokenize(text)]
    assert make_tokenizer(f"nltk:{name}").tokenize(text) == [[token.lower() for token in tokenizer.tokenize(text)]]


def test_callables_get_clean_lines():
    lines = []

    def characters(line):
        lines.append(line)
        return [*line, "", "x" * 1001]

    tokenizer = make_tokenizer(characters, fold_digits=True)
    assert tokenizer.tokenize("A\x001\r\n2") == [["a", " ", "0"], ["0"]]
    assert lines == ["A 1", "2"]
    assert tokenizer.settings["spec"].endswith("characters")


def test_settings_make_the_same_tokenizer():
    for spec in ("fast", "whitespace", "nltk:toktok"):
        tokenizer = make_tokenizer(spec, lowercase=False, punctuation=True, fold_digits=True)
        again = make_tokenizer(**tokenizer.settings)
        assert isinstance(again, Tokenizer)
        assert again.settings == tokenizer.settings
        assert again.tokenize("It's 42!") == tokenizer.tokenize("It's 42!")


@pytest.mark.parametrize(("name", "nearest"), [("fats", "'fast'"), ("nltk:treebnk", "'nltk:treebank'"), ("?", "fast")])
def test_unknown_tokenizer_names_the_nearest(name, nearest):
    with pytest.raises(ValueError, match=nearest):
        make_tokenizer(name)


@pytest.mark.parametrize("result", ["text", None, [1], 5])
def test_callable_with_wrong_result(result):
    with pytest.raises(EmbeddingsError, match="expected a list"):
        make_tokenizer(lambda line: result).tokenize("a")


def test_objects_that_are_no_words_are_named_with_what_to_do():
    class Token:
        def __repr__(self):
            return "king"

    with pytest.raises(EmbeddingsError, match=r"returned king \(Token\); expected a list of str; .*str\(token\)"):
        make_tokenizer(lambda line: iter([Token()])).tokenize("king")
    with pytest.raises(ValueError, match=r"the class RegexpTokenizer; expected an object: RegexpTokenizer\(\.\.\.\)"):
        make_tokenizer(nltk.tokenize.RegexpTokenizer)


@pytest.mark.parametrize(
    "tokenizer",
    [
        nltk.tokenize.RegexpTokenizer(r"\w+"),
        nltk.tokenize.WhitespaceTokenizer(),
        nltk.tokenize.NLTKWordTokenizer(),
        type("Tokenizing", (), {"tokenize": lambda self, line: (word for word in line.split())})(),
        type("Calling", (), {"__call__": lambda self, line: tuple(line.split())})(),
        lambda line: map(str, line.split()),
    ],
)
def test_any_object_that_tokenizes_or_is_called_is_a_tokenizer(tokenizer):
    assert make_tokenizer(tokenizer).tokenize("The ΟΔΟΣ\nİs") == [["the", "οδος"], ["is"]]


def test_lone_surrogates_separate_words():
    assert make_tokenizer().tokenize("a\ud800b") == [["a", "b"]]


def test_tables_know_all_of_unicode():
    tables = character_tables(False, True, True, False)
    code_points = np.arange(0x110000)
    kinds = tables.entries[tables.blocks[code_points >> 8].astype(int) * 256 + (code_points & 255)] & 7
    letters = np.fromiter((unicodedata.category(chr(c))[0] in "LN" or chr(c) == "_" for c in code_points), bool)
    assert ((kinds == 1) == letters).all()
