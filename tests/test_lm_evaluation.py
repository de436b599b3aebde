"""The evaluation after training: the plain figure, baselines, and what adapting brings with settings of validation."""

import json

import numpy as np
import pytest

from embeddings import make_tokenizer
from embeddings.language_model.adapted_reading import AdaptedReader
from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.model import LanguageModel
from embeddings.language_model.neural_cache import CacheSettings
from embeddings.language_model.perplexity import evaluate
from embeddings.language_model.trainer import LMTrainer
from embeddings.language_model.training_config import LMTrainingConfig
from pipelines.stages.lm_evaluation import evaluation, readable_sentences
from tests.split_text import split_ids

TEXT = b"the cat sat on the old mat near the door .\na dog and a cat ran out of the house today .\n" * 60
CORPUS = split_ids([TEXT], make_tokenizer("fast", punctuation=True), valid=0.2, test=0.2)


@pytest.fixture(scope="module")
def model():
    config = LanguageModelConfig(hidden_size=12, output="sampled", num_sampled=8)
    model = LanguageModel(config, CORPUS.vocabulary, rng=np.random.default_rng(1))
    training = LMTrainingConfig(epochs=4, batch_size=4, bptt=10, optimizer="adamw", learning_rate=0.02)
    return LMTrainer(model, training).fit(CORPUS.train, CORPUS.valid).model_


def evaluated(model, directory, valid, test):
    directory.mkdir()
    return evaluation(model, {"train": CORPUS.train, "valid": valid, "test": test}, directory)


def test_the_plain_figure_stands_apart_from_those_of_adapting(model, tmp_path):
    found = evaluated(model, tmp_path / "work", CORPUS.valid, CORPUS.test)
    assert found["test"] == evaluate(model, CORPUS.test).to_dict()
    cache = found["adapted"]["cache"]
    settings = CacheSettings(**{name: cache[name] for name in ("size", "theta", "weight")})
    [read] = AdaptedReader(model, cache=settings).read([CORPUS.test])["cache"]
    assert cache["perplexity"] == pytest.approx(np.exp(-read.mean()), rel=1e-12)
    assert json.loads(json.dumps(found)) == found
    assert not list((tmp_path / "work").iterdir())


def test_on_the_text_of_the_tuning_each_step_is_at_least_as_good(model, tmp_path):
    found = evaluated(model, tmp_path / "work", CORPUS.test, CORPUS.test)
    cached, interpolated = (found["adapted"][name]["perplexity"] for name in ("cache", "interpolated"))
    tolerance = 1.001  # weights have four digits
    assert interpolated <= cached * tolerance
    assert cached <= found["test"]["perplexity"] * tolerance
    assert interpolated <= found["kneser_ney"]["perplexity"] * tolerance


def test_only_validation_text_tunes(model, tmp_path):
    one = evaluated(model, tmp_path / "one", CORPUS.valid, CORPUS.test)["adapted"]
    other = evaluated(model, tmp_path / "other", CORPUS.valid, CORPUS.test[:50])["adapted"]
    for name in ("cache", "interpolated"):
        values = [{key: value for key, value in part[name].items() if key != "perplexity"} for part in (one, other)]
        assert values[0] == values[1]


def test_a_validation_text_of_one_word_will_do(model, tmp_path):
    found = evaluated(model, tmp_path / "work", CORPUS.valid[:1], CORPUS.test)["adapted"]
    assert found["cache"]["weight"] == 0.0
    assert np.isfinite(found["interpolated"]["perplexity"])


def test_sentences_of_a_trained_model_can_be_read(model, tmp_path):
    sentences = evaluated(model, tmp_path / "work", CORPUS.valid, CORPUS.test)["sentences"]
    assert 0 < len(sentences) <= 5
    assert all(6 <= len(sentence.split()) + 1 <= 40 for sentence in sentences)
    assert sentences == list(readable_sentences(model))[: len(sentences)]
