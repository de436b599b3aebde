"""Kneser-Ney against its equations written out, and models of texts and counts. `test_arpa` has ARPA files."""

import gzip
from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings import EmbeddingsError, Vocabulary, make_tokenizer
from embeddings.language_model import ngram
from embeddings.language_model.ngram import KneserNey, KneserNeyEstimate, discounts, key_layout, unigram_log_likelihoods
from embeddings.language_model.ngram_files import ArpaModel, CountsModel, TextModel, load_ngram_model
from embeddings.text.vocabulary import EOS as END
from embeddings.text.vocabulary import UNK
from tests.reference import ngram as reference
from tests.small_language_model import make_model

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


@cache
def model_of_thirty_sentences(order):
    return KneserNey(stream(random_text(30, 3)), WORDS, EOS, order)


@given(st.lists(st.integers(1, 5), min_size=0, max_size=6), st.integers(1, 5))
def test_kneser_ney_probabilities_sum_to_one(context, order):
    model = model_of_thirty_sentences(order)
    last = [np.exp(model.log_likelihoods(np.array([*context, word])))[-1] for word in range(WORDS)]
    assert sum(last) == pytest.approx(1)


@pytest.mark.parametrize("prune", [[0], [0, 1], [0, 0, 1, 2]])
@pytest.mark.parametrize(("order", "at_once", "threads"), [(4, 7, 3), (4, 1000, 1), (6, 20, 2)])
def test_every_ngram_has_the_probability_of_the_equations(order, at_once, threads, prune, monkeypatch, tmp_path):
    """With blocks and ranges of few words: n-grams reach over the ends of blocks, and contexts into other ranges."""
    monkeypatch.setattr(ngram, "BLOCK_TOKENS", at_once)
    monkeypatch.setattr(ngram, "RANGE_TOKENS", at_once)
    sentences = random_text(40, 1)
    estimate = KneserNeyEstimate(stream(sentences), WORDS, EOS, tmp_path, order=order, prune=prune, threads=threads)
    thresholds = prune + prune[-1:] * (order - len(prune))
    expected = reference.KneserNey(sentences, WORDS, EOS, order, thresholds)
    for k in range(1, order + 1):
        found = [part for parts in estimate.grams(k, lambda grams: zip(*grams, strict=True)) for part in parts]
        grams = {tuple(ids.tolist()) for ids, _, _ in found}
        assert len(grams) == len(found) == estimate.counts[k - 1]
        assert grams >= {gram for gram in expected.kept if len(gram) == k}
        for ids, log_p, log_gamma in found:
            *context, word = ids.tolist()
            assert 10**log_p == pytest.approx(expected.probability(tuple(context), word), rel=1e-10)
            if k == order or (word == EOS and k > 1):
                assert log_gamma == 0
    np.testing.assert_allclose(estimate.discounts, expected.discounts[1:], atol=1e-12)


@given(
    st.lists(st.lists(st.integers(1, 5), max_size=6), min_size=1, max_size=12),
    st.lists(st.integers(0, 5), max_size=6),
    st.integers(1, 6),
    st.sampled_from([[0], [0, 1], [0, 0, 2]]),
)
@settings(max_examples=40, deadline=None)
def test_pruned_probabilities_sum_to_one(sentences, context, order, prune):
    with TemporaryDirectory() as folder:
        prune = prune[:order]
        table = KneserNeyEstimate(stream(sentences), WORDS, EOS, Path(folder), order=order, prune=prune).table()
    last = [np.exp(table.log_likelihoods(np.array([*context, word])))[-1] for word in range(WORDS)]
    assert sum(last) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("order", "prune", "pattern"),
    [
        (0, [0], "order"),
        (7, [0], "order"),
        (3, [1], "0"),
        (3, [], "empty"),
        (3, [0, 2, 1], "fall"),
        (2, [0, 1, 1], "1 to 2 numbers"),
    ],
)
def test_orders_and_thresholds_out_of_range_are_refused(order, prune, pattern, tmp_path):
    with pytest.raises(ValueError, match=pattern):
        KneserNeyEstimate(stream(random_text(3, 1)), WORDS, EOS, tmp_path, order=order, prune=prune)


@pytest.mark.parametrize(("order", "most"), [(6, 2**21 - 1), (5, 2**21 - 1), (4, 2**32 - 1), (2, 2**62)])
def test_a_key_has_room_for_so_many_words(order, most):
    assert key_layout(order, most).order == order
    if order > 2:
        with pytest.raises(EmbeddingsError, match=f"{most:,} words|at most {most:,}.*--max-vocabulary"):
            key_layout(order, most + 1)


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


ARPA = "\\data\\\nngram 1=3\n\n\\1-grams:\n-1 <unk>\n-0.4 a\n-0.6 </s>\n\n\\end\\\n"


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


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.csv", b"id,text\n1,the cat\n", "is a table, expected plain text"),
        ("a.tsv", b"id\ttext\n1\tthe cat\n", "is a table, expected plain text"),
        ("a.jsonl", b'{"text": "the cat"}\n', "JSON Lines file, expected plain UTF-8 text"),
        ("a.parquet", b"PAR1" + b"x" * 99, "Parquet file, .*write its column of text"),
        ("a.txt", b"the cat\n\xff\n", "is not UTF-8 .*convert it"),
    ],
)
def test_a_text_of_another_kind_is_no_ngram_model(tmp_path, name, content, found):
    (tmp_path / name).write_bytes(content)
    model = make_model()
    with pytest.raises(EmbeddingsError, match=found):
        load_ngram_model(tmp_path / name, model.vocabulary, model.make_tokenizer())
