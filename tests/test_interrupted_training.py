"""Ctrl-C, twice, in the middle of a step: the checkpoint holds whole steps, and training ends with the same weights."""

import signal
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

from embeddings import make_tokenizer
from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.model import LanguageModel
from embeddings.language_model.trainer import LMTrainer
from embeddings.language_model.training_config import LMTrainingConfig
from embeddings.networks.optimizers import AveragedSGD
from embeddings.networks.parameters import Parameter
from embeddings.training import Checkpointing
from embeddings.word2vec import Word2Vec, hogwild
from tests.split_text import split_ids
from tests.topics import small

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals between threads")
TEXT = split_ids([b"the cat sat on the mat\na dog and a cat ran\nwho let the dog out ?\n" * 40], make_tokenizer("fast"))
INTERRUPTED = [1, 5, 20]  # calls


def interrupting(function, call):
    """Return a function of a training thread that interrupts the main thread twice after it was called so often."""
    calls = 0

    def interrupt(*arguments, **options):
        nonlocal calls
        found = function(*arguments, **options)
        calls += 1
        if calls == call:
            for _ in range(2):
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
                time.sleep(0.05)  # the main thread waits for this one again
            time.sleep(0.2)  # and would now write a checkpoint
        return found

    return interrupt


def fit_language_model(directory=None):
    config = LanguageModelConfig(hidden_size=8, dropout_hidden=0.2)
    model = LanguageModel(config, TEXT.vocabulary, rng=np.random.default_rng(1))
    training = LMTrainingConfig(epochs=2, batch_size=4, bptt=7, schedule="cosine")
    checkpointing = Checkpointing(directory) if directory else None
    return LMTrainer(model, training, seed=1, checkpointing=checkpointing).fit(TEXT.train, TEXT.valid).model_


@pytest.mark.parametrize("call", INTERRUPTED)
def test_a_language_model_that_is_interrupted_twice_ends_with_the_same_weights(tmp_path, monkeypatch, call):
    expected = fit_language_model().parameters
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(LanguageModel, "loss_and_gradients", interrupting(LanguageModel.loss_and_gradients, call))
        fit_language_model(tmp_path)
    for name, parameter in fit_language_model(tmp_path).parameters.items():
        np.testing.assert_array_equal(parameter.value, expected[name].value, err_msg=name)


@pytest.mark.parametrize("call", INTERRUPTED)
@pytest.mark.parametrize("settings", [{"threads": 1}, {"threads": 2, "deterministic": True}])
def test_word_vectors_that_are_interrupted_twice_are_the_same(encoded, tmp_path, monkeypatch, call, settings):
    config = small(epochs=40, **settings)
    expected = Word2Vec(config).fit(*encoded).vectors_.matrix
    place = hogwild if "deterministic" not in settings else sys.modules["embeddings.word2vec.deterministic"]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(place, "open_block", interrupting(place.open_block, call))
        Word2Vec(config).fit(*encoded, checkpointing=Checkpointing(tmp_path))
    found = Word2Vec(config).fit(*encoded, checkpointing=Checkpointing(tmp_path)).vectors_.matrix
    np.testing.assert_array_equal(found, expected)


@contextmanager
def interrupting_line(number):
    """Interrupt before the n-th line that an epoch of blocks, its end or its checkpoint runs in the main thread."""
    lines, of_epochs = 0, ("_train_epochs", "_train_epoch", "_run_threads", "_end_epoch", "_keep_best", "_save")

    def trace(frame, event, argument):
        nonlocal lines
        if frame.f_globals.get("__name__") != "embeddings.block_training" or frame.f_code.co_name not in of_epochs:
            return None
        if event == "line":
            lines += 1
            if lines == number:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def test_word_vectors_that_are_interrupted_at_any_line_are_the_same(encoded, tmp_path):
    config = small(epochs=3, threads=1, patience=3, held_out=0.3)
    expected = Word2Vec(config).fit(*encoded).vectors_.matrix
    for number in range(1, 1000):
        checkpointing = Checkpointing(tmp_path / str(number))
        try:
            with interrupting_line(number):
                Word2Vec(config).fit(*encoded, checkpointing=checkpointing)
        except KeyboardInterrupt:
            assert any(checkpointing.directory.iterdir()), f"no checkpoint after line {number}"
        else:
            break
        found = Word2Vec(config).fit(*encoded, checkpointing=checkpointing).vectors_.matrix
        np.testing.assert_array_equal(found, expected, err_msg=f"line {number}")
    assert 20 < number < 999


def test_a_thread_that_fails_is_not_saved(encoded, tmp_path, monkeypatch):
    """Its block is handed out, but not trained."""

    def fail(*arguments):
        raise MemoryError

    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(hogwild, "open_block", fail)
        Word2Vec(small(threads=1)).fit(*encoded, checkpointing=Checkpointing(tmp_path))
    assert not any(tmp_path.iterdir())


class Interrupting(dict):
    """Parameters that interrupt whoever reads them for the n-th time."""

    def __init__(self, parameters, call):
        super().__init__(parameters)
        self.calls, self.call = 0, call

    def __getitem__(self, name):
        self.calls += 1
        if self.calls == self.call:
            raise KeyboardInterrupt
        return super().__getitem__(name)


@pytest.mark.parametrize("call", range(1, 7))
def test_weights_and_averages_are_apart_after_an_interruption_at_any_moment(call):
    parameters = {name: Parameter(np.full((2, 3), value, np.float32)) for name, value in [("a", 1), ("b", 2)]}
    optimizer = AveragedSGD(parameters, 0.1)
    optimizer.averaged = 1
    optimizer.parameters = Interrupting(parameters, call)
    try:
        with optimizer.averages():
            assert not any(parameter.value.any() for parameter in parameters.values())
    except KeyboardInterrupt:
        pass
    assert [parameter.value[0, 0] for parameter in parameters.values()] == [1, 2]
    assert not any(optimizer.state[f"{name}.average"].any() for name in parameters)
