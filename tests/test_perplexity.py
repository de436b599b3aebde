"""Perplexity: by hand, of a uniform model, and the same whatever batch and window."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings import EmbeddingsError
from embeddings.language_model.perplexity import (
    Perplexity,
    evaluate,
    log_likelihoods,
    sentence_log_likelihoods,
)
from tests.small_language_model import WORDS, make_model

EOS, UNK = 0, 4


def uniform_model():
    model = make_model()
    for parameter in model.parameters.values():
        parameter.value[...] = 0
    return model


def test_a_uniform_model_has_perplexity_v():
    ids = np.array([1, 2, 5, 0, 4, 0])
    found = evaluate(uniform_model(), ids)
    for value in (found.perplexity, found.without_oov, found.without_eos, found.without_oov_and_eos):
        assert value == pytest.approx(len(WORDS))
    assert found.log10 == pytest.approx(6 * math.log10(1 / 7))


def test_counts_and_perplexities_by_hand():
    p = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 2, 1 / 16])
    ids = np.array([1, UNK, 2, EOS, EOS])
    found = Perplexity.of(ids, np.log(p), EOS, UNK)
    assert (found.words, found.sentences, found.oov) == (3, 2, 1)
    assert found.perplexity == pytest.approx((2 * 4 * 8 * 2 * 16) ** (1 / 5))
    assert found.without_oov == pytest.approx((2 * 8 * 2 * 16) ** (1 / 4))
    assert found.without_eos == pytest.approx((2 * 4 * 8) ** (1 / 3))
    assert found.without_oov_and_eos == pytest.approx((2 * 8) ** (1 / 2))
    assert found.ppl1 == pytest.approx((2 * 8 * 2 * 16) ** (1 / 2))
    assert found.log10 == pytest.approx(math.log10(1 / 2048))


def test_perplexity_of_a_tiny_model_by_hand():
    """One RNN-like step written out: P(w) = softmax(b) where E is zero."""
    model = make_model()
    model.embedding.weight.value[...] = 0
    share = model.vocabulary.counts / model.vocabulary.counts.sum()
    ids = np.array([1, 2, EOS])
    expected = np.prod(1 / share[ids]) ** (1 / 3)
    assert evaluate(model, ids).perplexity == pytest.approx(expected)


def one_by_one(model, ids):
    """Ln P of each word, read in a single column one step at a time."""
    found, states, before = [], None, model.eos
    for word in ids:
        log_p, states = model.log_probabilities(np.array([before]), states)
        found.append(log_p[0, word])
        before = word
    return found


@settings(max_examples=15)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.integers(1, 40))
def test_no_token_is_dropped_and_the_window_does_not_matter(ids, window):
    model, ids = make_model(seed=3), np.array(ids)
    found = log_likelihoods(model, ids, batch_size=1, window=window)
    np.testing.assert_allclose(found, one_by_one(model, ids), rtol=1e-8)


@settings(max_examples=15)
@given(st.integers(1, 30), st.integers(1, 8))
def test_columns_begin_anew_and_come_back_in_order(count, batch):
    model, ids = make_model(seed=3), np.random.default_rng(count).integers(0, 7, count)
    found = log_likelihoods(model, ids, batch_size=batch, window=3)
    columns = np.array_split(ids, min(batch, count))
    before = np.concatenate([[model.eos], ids])
    expected, start = [], 0
    for column in columns:
        inputs = before[start : start + len(column), None]
        expected += model.log_likelihood(inputs, column[:, None])[0][:, 0].tolist()
        start += len(column)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


@settings(max_examples=15)
@given(st.lists(st.lists(st.integers(1, 6), max_size=6), min_size=1, max_size=6))
def test_sentences_are_read_on_their_own(sentences):
    model = make_model(seed=3)
    arrays = [np.array([*sentence, EOS]) for sentence in sentences]
    for sentence, found in zip(arrays, sentence_log_likelihoods(model, arrays), strict=True):
        np.testing.assert_allclose(found, one_by_one(model, sentence), rtol=1e-8)


def test_an_empty_text_is_refused():
    with pytest.raises(EmbeddingsError, match="empty"):
        evaluate(make_model(), np.array([], np.int64))


def test_nothing_to_count_is_none_in_json():
    found = Perplexity.of(np.array([UNK]), np.log([0.5]), EOS, UNK).to_dict()
    assert found["perplexity"] == pytest.approx(2)
    assert found["without_oov"] is None
