"""n-gram baselines against their equations written out, and ARPA files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings import EmbeddingsError
from embeddings.recurrent.ngram import ArpaModel, KneserNey, unigram_log_likelihoods

from .reference import ngram as reference

EOS, WORDS = 0, 6


def random_text(sentences, seed):
    rng = np.random.default_rng(seed)
    p = np.array([5, 4, 3, 2, 1]) / 15
    return [tuple((1 + rng.choice(5, rng.integers(1, 8), p=p)).tolist()) for _ in range(sentences)]


def stream(sentences):
    return np.array([word for sentence in sentences for word in (*sentence, EOS)])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("sentences", [3, 60])
def test_kneser_ney_is_its_equations(order, sentences):
    train, test = random_text(sentences, 1), random_text(8, 2)
    model = KneserNey(stream(train), WORDS, EOS, order)
    expected = reference.KneserNey(train, WORDS, EOS, order)
    found = model.log_likelihoods(stream(test))
    wanted = []
    for sentence in test:
        padded = (EOS, *sentence, EOS)
        wanted += [expected.probability(padded[:i], padded[i]) for i in range(1, len(padded))]
    np.testing.assert_allclose(np.exp(found), wanted, rtol=1e-10)


@given(st.lists(st.integers(1, 5), min_size=0, max_size=6), st.integers(1, 5))
def test_kneser_ney_probabilities_sum_to_one(context, order):
    model = KneserNey(stream(random_text(30, 3)), WORDS, EOS, order)
    last = [np.exp(model.log_likelihoods(np.array([*context, word])))[-1] for word in range(WORDS)]
    assert sum(last) == pytest.approx(1)


def test_unigram():
    found = unigram_log_likelihoods(np.array([1, 1, 2]), np.array([0, 1, 2]), 3)
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
