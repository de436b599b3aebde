"""n-gram baselines against their equations written out, ARPA files and counts."""

import gzip
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings import EmbeddingsError, Vocabulary, make_tokenizer
from embeddings.language_model import ngram
from embeddings.language_model.ngram import KneserNey, discounts, unigram_log_likelihoods
from embeddings.language_model.ngram_files import ArpaModel, CountsModel, TextModel, load_ngram_model
from embeddings.text.vocabulary import EOS as END
from embeddings.text.vocabulary import UNK
from tests.reference import ngram as reference

EOS, WORDS = 0, 6


def random_text(sentences, seed):
    rng = np.random.default_rng(seed)
    p = np.array([5, 4, 3, 2, 1]) / 15
    return [tuple((1 + rng.choice(5, rng.integers(1, 8), p=p)).tolist()) for _ in range(sentences)]


def stream(sentences):
    return np.array([word for sentence in sentences for word in (*sentence, EOS)])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("sentences", [3, 20, 60])
def test_kneser_ney_is_its_equations(order, sentences):
    train, test = random_text(sentences, 1), random_text(8, 2)
    model = KneserNey(stream(train), WORDS, EOS, order)
    expected = reference.KneserNey(train, WORDS, EOS, order)
    found = model.log_likelihoods(stream(test))
    wanted = []
    for sentence in test:
        padded = (EOS, *sentence, EOS)
        wanted += [expected.probability(padded[:i], padded[i]) for i in range(1, len(padded))]
    np.testing.assert_allclose(np.exp(found), wanted, rtol=1e-6)


@given(st.lists(st.integers(1, 5), min_size=0, max_size=6), st.integers(1, 5))
def test_kneser_ney_probabilities_sum_to_one(context, order):
    model = KneserNey(stream(random_text(30, 3)), WORDS, EOS, order)
    last = [np.exp(model.log_likelihoods(np.array([*context, word])))[-1] for word in range(WORDS)]
    assert sum(last) == pytest.approx(1)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([10, 5, 3, 2], [0.5, 2 - 3 * 0.5 * 3 / 5, 3 - 4 * 0.5 * 2 / 3]),
        ([10, 5, 3, 0], [0.5, 2 - 3 * 0.5 * 3 / 5, 3]),  # no n-gram occurs four times
        ([2, 2, 4, 1], [1 / 3, 0, 3 - 4 / 3 / 4]),  # an estimate of zero is one
        ([2, 2, 5, 1], [0.5, 1, 1.5]),  # D2 below zero
        ([10, 5, 1, 4], [0.5, 1, 1.5]),  # D3 below zero
        ([0, 5, 3, 2], [0.5, 1, 1.5]),
        ([10, 0, 3, 2], [0.5, 1, 1.5]),
        ([10, 5, 0, 2], [0.5, 1, 1.5]),
    ],
)
def test_discounts_are_kenlms(numbers, expected):
    counts = np.repeat([1, 2, 3, 4, 9], [*numbers, 7])
    np.testing.assert_allclose(discounts(np.array(numbers)), [0, *expected], atol=1e-12)
    np.testing.assert_allclose(reference.discounts(counts), [0, *expected], atol=1e-12)


@given(st.lists(st.integers(0, 12), min_size=4, max_size=4))
def test_discounts_are_their_equations(numbers):
    counts = np.repeat([1, 2, 3, 4], numbers)
    np.testing.assert_allclose(discounts(np.array(numbers)), reference.discounts(counts), atol=1e-12)


def test_sentences_shorter_than_the_order():
    text = np.array([1, 2, EOS])
    found, shorter = (KneserNey(text, WORDS, EOS, order).log_likelihoods(text) for order in (6, 4))
    np.testing.assert_allclose(found, shorter)  # <eos> and the sentence are an n-gram of 4


def test_unigram():
    found = unigram_log_likelihoods(np.array([0, 2, 1]), np.array([0, 1, 2]))
    np.testing.assert_allclose(np.exp(found), [1 / 6, 3 / 6, 2 / 6])


def test_an_empty_text_is_refused():
    with pytest.raises(EmbeddingsError, match="empty"):
        KneserNey(np.array([], np.int64), WORDS, EOS)


ARPA = r"""
\data\
ngram 1=4
ngram 2=2

\1-grams:
-1.0 <unk>
-99 <s> -0.5
-0.4 a -0.25
-0.6 </s>

\2-grams:
-0.1 <s> a
-0.2 a </s>

\end\
"""


def test_arpa_files_back_off(tmp_path):
    path = tmp_path / "model.arpa"
    path.write_text(ARPA)
    model = ArpaModel(path)
    assert model.order == 2
    found = model.log_likelihoods(["a", "b"]) / np.log(10)
    np.testing.assert_allclose(found, [-0.1, -0.25 - 1.0, -0.6])


def test_files_that_are_not_arpa_are_refused(tmp_path):
    path = tmp_path / "model.arpa"
    path.write_text("just text\n")
    with pytest.raises(EmbeddingsError, match="ARPA"):
        ArpaModel(path)
    path.write_text("\\1-grams:\nnumber word\n")
    with pytest.raises(EmbeddingsError, match=r"model\.arpa:2"):
        ArpaModel(path)
    with pytest.raises(EmbeddingsError, match="cannot read"):
        ArpaModel(tmp_path / "none.arpa")


def test_a_byte_order_mark_is_dropped(tmp_path):
    path = tmp_path / "model.arpa"
    path.write_text(ARPA.lstrip(), "utf-8-sig")
    assert isinstance(load_ngram_model(path, Vocabulary.from_words([UNK, END]), make_tokenizer()), ArpaModel)


@pytest.mark.parametrize("name", ["model.binary", "model.gz"])
def test_binaries_of_kenlm_are_named(name, tmp_path):
    path = tmp_path / name
    content = b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(200)
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(EmbeddingsError, match=r"KenLM's build_binary: give the ARPA file .*lmplz"):
        load_ngram_model(path, Vocabulary.from_words([UNK, END]), make_tokenizer())


def test_counts_by_hand(tmp_path):
    """Too few n-grams to estimate discounts: they are 0.5, 1 and 1.5."""
    path = tmp_path / "counts"
    path.write_text("<s>\t2\na\t2\nb\t1\n</s>\t2\n<s> a\t2\na b\t1\na </s>\t1\nb </s>\t1\n")
    found = np.exp(CountsModel(path).log_likelihoods(["a", "c"]))
    # different words before: a 1 (<s>), b 1 (a), </s> 2 (a, b); V = 4 with <unk>; discounts left over: 0.5 + 0.5 + 1
    p_a, p_end, p_unk = ((0.5 + 2 / 4) / 4, (1 + 2 / 4) / 4, (2 / 4) / 4)
    # after <s>: a twice, 1 of 2 left over; after <unk>: nothing known
    np.testing.assert_allclose(found, [(1 + 1 * p_a) / 2, (0 + 1 * p_unk) / 2, p_end])


@pytest.mark.parametrize("order", [1, 2, 3])
def test_counts_of_a_text_are_kneser_ney_of_the_text(order, tmp_path):
    sentences = random_text(60, 1)
    counts = Counter()
    for sentence in sentences:
        padded = ("<s>", *map(str, sentence), "</s>")
        for n in range(1, order + 1):
            counts.update(" ".join(padded[i : i + n]) for i in range(len(padded) - n + 1))
    path = tmp_path / "counts.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(f"{gram}\t{count}\n" for gram, count in counts.items())
    model, expected = CountsModel(path), KneserNey(stream(sentences), WORDS + 1, EOS, order)
    for sentence in random_text(8, 2):
        words = list(map(str, sentence))
        np.testing.assert_allclose(model.log_likelihoods(words), expected.log_likelihoods(stream([sentence])))


def test_a_text_is_told_from_counts_and_arpa(tmp_path):
    vocabulary, tokenizer = Vocabulary.from_words([UNK, END, "a", "b"], [4, 3, 2, 1]), make_tokenizer("whitespace")

    def load(text):
        path = tmp_path / "file"
        path.write_text(text)
        return load_ngram_model(path, vocabulary, tokenizer)

    assert isinstance(load(ARPA), ArpaModel)
    assert isinstance(load("a\t2\nb\t3\n"), CountsModel)
    model = load("a b\n\nb a zebra\n")
    assert isinstance(model, TextModel)
    expected = KneserNey(np.array([2, 3, 1, 3, 2, 0, 1]), 4, 1)
    np.testing.assert_allclose(model.log_likelihoods(["b", "x"]), expected.log_likelihoods(np.array([3, 0, 1])))
    with pytest.raises(EmbeddingsError, match="no words"):
        load("\n")


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("a b\t1\n", r"orders \[2\]"),
        ("a\t1\nb 1\n", r"counts:2.*tab"),
        ("a\t1\nb\tx\n", "counts:2"),
        ("", r"orders \[\]"),
    ],
)
def test_damaged_counts_are_refused(text, pattern, tmp_path):
    path = tmp_path / "counts"
    path.write_text(text)
    with pytest.raises(EmbeddingsError, match=pattern):
        CountsModel(path)
