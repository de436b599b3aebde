"""Training as a user sees it: it learns, it is reproducible, it says what is wrong."""

import itertools
from inspect import signature

import numpy as np
import pytest

import vecmill
from embeddings import Checkpointing, TrainingDiverged, Vocabulary, Word2Vec, Word2VecConfig
from embeddings.checkpoint import load_checkpoint, save_checkpoint
from embeddings.errors import EmbeddingsError
from embeddings.word2vec.names_elsewhere import NAMES_ELSEWHERE
from embeddings.word2vec.training_run import TrainingRun, random_state
from tests import command_line
from tests.topics import ANIMALS, METALS, interrupt, small
from vecmill import train


@pytest.mark.parametrize("sharing", ["window", "pair"])
@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_words_of_a_topic_come_to_be_neighbours(encoded, architecture, sharing):
    model = Word2Vec(small(architecture=architecture, negative_sharing=sharing, epochs=8))
    vectors = model.fit(*encoded).vectors_
    within = [vectors.similarity(a, b) for topic in (ANIMALS, METALS) for a, b in itertools.combinations(topic, 2)]
    between = [vectors.similarity(a, b) for a in ANIMALS for b in METALS]
    assert np.mean(within) > np.mean(between) + 0.5
    assert {word for word, _ in vectors.most_similar("gold", topn=5)} == set(METALS) - {"gold"}


def test_one_thread_gives_the_same_vectors_every_time(encoded):
    first, second = (Word2Vec(small()).fit(*encoded).vectors_ for _ in range(2))
    np.testing.assert_array_equal(first.matrix, second.matrix)
    np.testing.assert_array_equal(first.context, second.context)
    other = Word2Vec(small(seed=2)).fit(*encoded).vectors_
    assert not np.array_equal(first.matrix, other.matrix)


def test_several_threads_train_every_token_once(encoded):
    model = Word2Vec(small(threads=3))
    seen = []
    vectors = model.fit(*encoded, progress=seen.append).vectors_
    assert np.isfinite(vectors.matrix).all()
    assert seen[-1].done == seen[-1].total


def test_losses_fall_and_the_learning_rate_ends_at_its_minimum(encoded):
    model = Word2Vec(small(epochs=6, held_out=0.1))
    model.fit(*encoded)
    losses, held_out = ([entry[key] for entry in model.metrics_] for key in ("loss", "held_out_loss"))
    assert losses[-1] < losses[0]
    assert held_out[-1] < held_out[0]
    assert model.metrics_[-1]["learning_rate"] == pytest.approx(1e-4)
    assert [entry["epoch"] for entry in model.metrics_] == [1, 2, 3, 4, 5, 6]


def test_untrained_loss_is_that_of_chance(encoded):
    """With C = 0 every score is 0: the loss of an example is log 2 for the word and for each other negative."""
    model = Word2Vec(small(epochs=1, learning_rate=1e-12, min_learning_rate=0, held_out=0.2, negative=1))
    model.fit(*encoded)
    chance = np.log(2) * (2 - 1 / 12)
    assert model.metrics_[0]["held_out_loss"] == pytest.approx(chance, rel=0.01)


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
@pytest.mark.parametrize("sentences", [1, 7, 100])
def test_tiny_texts_have_a_loss_in_every_epoch(architecture, deterministic, sentences):
    settings = {"min_count": 1, "sample": 0, "dimension": 8, "epochs": 3, "window": 2, "dynamic_window": False}
    text = [["the", "cat", "sat", "down"]] * sentences
    vectors = vecmill.train(text, architecture=architecture, deterministic=deterministic, **settings)
    per_sentence = 10 if architecture == "skip-gram" else 4  # windows of 2, 3, 3 and 2 words; 4 centre words
    for entry in vectors.metrics:
        assert 0 < entry["loss"] <= 6 * np.log(2)  # that of chance, at the start
        assert entry["examples"] == per_sentence * sentences


def test_divergence_is_noticed_and_named(encoded):
    with pytest.raises(TrainingDiverged, match="learning rate 1e\\+30"):
        Word2Vec(small(learning_rate=1e30)).fit(*encoded)


def test_interruption_ends_the_threads_and_comes_through(encoded):
    with pytest.raises(KeyboardInterrupt):
        Word2Vec(small(threads=2, epochs=1000)).fit(*encoded, progress=interrupt)


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_interrupted_and_continued_training_is_bit_for_bit_the_same(encoded, tmp_path, architecture):
    config = small(architecture=architecture, epochs=6)
    undisturbed = Word2Vec(config)
    expected = undisturbed.fit(*encoded).vectors_
    checkpointing = Checkpointing(tmp_path / "checkpoints", every=0.0)
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            Word2Vec(config).fit(*encoded, progress=interrupt, checkpointing=checkpointing)
    model = Word2Vec(config)
    vectors = model.fit(*encoded, checkpointing=checkpointing).vectors_
    np.testing.assert_array_equal(vectors.matrix, expected.matrix)
    np.testing.assert_array_equal(vectors.context, expected.context)
    for continued, straight in zip(model.metrics_, undisturbed.metrics_, strict=True):
        assert continued["held_out_loss"] == straight["held_out_loss"]
        assert continued["loss"] == pytest.approx(straight["loss"])
        assert continued["words"] == straight["words"]


@pytest.mark.parametrize("measured", [False, True])
def test_an_interruption_at_the_end_of_an_epoch_loses_nothing(encoded, tmp_path, measured):
    def interrupt_second_epoch(progress):
        if progress.done >= 2 * progress.total // progress.epochs and (progress.epoch_metrics is not None) == measured:
            raise KeyboardInterrupt

    checkpointing = Checkpointing(tmp_path, every=3600.0)
    with pytest.raises(KeyboardInterrupt):
        Word2Vec(small()).fit(*encoded, progress=interrupt_second_epoch, checkpointing=checkpointing)
    events = []
    resumed = Word2Vec(small()).fit(*encoded, progress=events.append, checkpointing=checkpointing)
    assert {event.epoch for event in events if event.epoch_metrics is None} == {3}
    np.testing.assert_array_equal(resumed.vectors_.matrix, Word2Vec(small()).fit(*encoded).vectors_.matrix)


def test_continuing_with_several_threads_trains_every_block_once(encoded, tmp_path):
    checkpointing = Checkpointing(tmp_path, every=0.0)
    with pytest.raises(KeyboardInterrupt):
        Word2Vec(small(threads=3)).fit(*encoded, progress=interrupt, checkpointing=checkpointing)
    seen = []
    Word2Vec(small(threads=3)).fit(*encoded, progress=seen.append, checkpointing=checkpointing)
    assert seen[-1].done == seen[-1].total


def test_a_finished_checkpoint_is_not_trained_again(encoded, tmp_path):
    first = Word2Vec(small()).fit(*encoded, checkpointing=Checkpointing(tmp_path))
    seen = []
    second = Word2Vec(small()).fit(*encoded, progress=seen.append, checkpointing=Checkpointing(tmp_path))
    np.testing.assert_array_equal(first.vectors_.matrix, second.vectors_.matrix)
    assert not seen


@pytest.mark.parametrize("settings", [{"dimension": 40}, {"seed": 2}, {"epochs": 4}])
def test_a_checkpoint_of_other_settings_is_refused(encoded, tmp_path, settings):
    Word2Vec(small()).fit(*encoded, checkpointing=Checkpointing(tmp_path))
    with pytest.raises(EmbeddingsError, match=f"{next(iter(settings))} = .*repeat its settings to resume it"):
        Word2Vec(small(**settings)).fit(*encoded, checkpointing=Checkpointing(tmp_path))


def test_without_a_better_epoch_training_ends_and_keeps_the_best(encoded, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.1, 1.0])
    kept = []
    monkeypatch.setattr(TrainingRun, "held_out_loss", lambda run: kept.append(run.context.copy()) or next(losses))
    model = Word2Vec(small(epochs=20, held_out=0.1, patience=2)).fit(*encoded)
    assert [entry["held_out_loss"] for entry in model.metrics_] == [3.0, 2.0, 2.5, 2.1]
    np.testing.assert_array_equal(model.vectors_.context, kept[1][:, : model.vectors_.dimension])


def test_patience_that_never_ends_changes_nothing(encoded):
    patient, plain = (Word2Vec(small(held_out=0.1, patience=patience)).fit(*encoded) for patience in (9, None))
    assert patient.metrics_[-1]["held_out_loss"] == min(entry["held_out_loss"] for entry in patient.metrics_)
    np.testing.assert_array_equal(patient.vectors_.matrix, plain.vectors_.matrix)


def test_the_best_epoch_survives_an_interruption(encoded, tmp_path, monkeypatch):
    settings = {"epochs": 6, "held_out": 0.1, "patience": 3}

    def fit(**arguments):
        losses = [3.0, 2.0, 2.5, 2.6, 2.7, 2.8]
        monkeypatch.setattr(TrainingRun, "held_out_loss", lambda run: losses[len(run.metrics)])
        return Word2Vec(small(**settings)).fit(*encoded, **arguments)

    def interrupt_fourth_epoch(progress):
        if progress.epoch == 4:
            raise KeyboardInterrupt

    checkpointing = Checkpointing(tmp_path, every=3600.0)
    with pytest.raises(KeyboardInterrupt):
        fit(progress=interrupt_fourth_epoch, checkpointing=checkpointing)
    resumed, straight = fit(checkpointing=checkpointing), fit()
    assert len(resumed.metrics_) == len(straight.metrics_) == 5
    np.testing.assert_array_equal(resumed.vectors_.matrix, straight.vectors_.matrix)


def test_patience_needs_a_text_of_which_a_part_is_held_out():
    with pytest.raises(EmbeddingsError, match="patience is 2, but nothing is held out of so short a text"):
        train([["a", "b"]] * 20, min_count=1, dimension=8, patience=2)


def test_a_call_of_train_that_was_interrupted_goes_on(tmp_path):
    text, settings = [["the", "cat", "sat", "down"]] * 200, {"min_count": 1, "dimension": 8, "epochs": 3, "threads": 1}

    def interrupt_second_epoch(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(text, **settings, checkpoints=tmp_path, progress=interrupt_second_epoch)
    events = []
    resumed = train(text, **settings, checkpoints=tmp_path, progress=events.append)
    assert events[0].epoch > 1
    np.testing.assert_array_equal(resumed.matrix, train(text, **settings).matrix)
    with pytest.raises(EmbeddingsError, match=r"800 tokens.*804 tokens"):
        train([*text, text[0]], **settings, checkpoints=tmp_path)


def test_a_checkpoint_without_identity_of_an_earlier_version_is_resumed(encoded, tmp_path):
    checkpointing, straight = Checkpointing(tmp_path), Word2Vec(small()).fit(*encoded)
    Word2Vec(small()).fit(*encoded, checkpointing=checkpointing)
    found = load_checkpoint(tmp_path)
    save_checkpoint(tmp_path, found.arrays, {name: value for name, value in found.state.items() if name != "identity"})
    resumed = Word2Vec(small()).fit(*encoded, checkpointing=checkpointing)
    np.testing.assert_array_equal(resumed.vectors_.matrix, straight.vectors_.matrix)


def test_another_vocabulary_than_that_of_the_corpus_is_refused(encoded):
    corpus, vocabulary = encoded
    other = Vocabulary.from_words(vocabulary.words[::-1], vocabulary.counts[::-1])
    with pytest.raises(EmbeddingsError, match="not the one that encoded the corpus"):
        Word2Vec(small()).fit(corpus, other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"architecture": "skipgram"}, "did you mean 'skip-gram'"),
        ({"negative_sharing": "windows"}, "did you mean 'window'"),
        ({"dimension": 0}, "dimension is 0; it must be from 1"),
        ({"window": 0}, "window is 0"),
        ({"negative": -5}, "negative is -5"),
        ({"sample": float("nan")}, "sample is nan"),
        ({"patience": 0}, "patience is 0; it must be at least 1"),
        ({"patience": 3, "held_out": 0}, "patience waits for a lower loss of the held-out text"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"learning_rate": float("inf")}, "learning_rate is inf"),
        ({"epochs": 0}, "epochs is 0"),
        ({"threads": 0}, "threads is 0"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_unusable_settings_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        Word2VecConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dimension": "100"}, r"dimension is '100' \(str\); expected a whole number"),
        ({"dimension": 5.5}, r"dimension is 5.5 \(float\); expected a whole number"),
        ({"epochs": True}, r"epochs is True \(bool\)"),
        ({"window": None}, "window is None"),
        ({"sample": "1e-3"}, "sample is '1e-3'.*a number"),
        ({"cbow_mean": 1}, "cbow_mean is 1.*True or False"),
        ({"architecture": ["cbow"]}, "architecture is"),
        ({"dimensions": 5}, "unknown setting 'dimensions'; did you mean 'dimension'"),
        ({"vector_size": 5}, "vector_size is called dimension here"),
        ({"workers": 5}, "workers is called threads here"),
        ({"hs": 1}, "hs is called hierarchical_softmax here"),
        ({"hashfxn": 1}, "there is no hashfxn here"),
    ],
)
def test_settings_of_another_type_or_name_are_refused(settings, message):
    with pytest.raises(TypeError, match=message):
        Word2VecConfig(**settings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vector_size": 5}, "vector_size is called dimension here; settings are those of a Word2VecConfig"),
        ({"hs": 1}, "hs is called hierarchical_softmax here"),
        ({"hashfxn": 1}, "there is no hashfxn here"),
        ({"dimension": 5}, "'dimension' is no argument; settings are those of a Word2VecConfig"),
        ({"config": [["a", "b"]]}, "config is list; expected a Word2VecConfig"),
    ],
)
def test_the_estimator_takes_a_configuration_only(arguments, message):
    with pytest.raises(TypeError, match=message):
        Word2Vec(**arguments)


@pytest.mark.parametrize("name", [name for name, ours in NAMES_ELSEWHERE.items() if name not in ("model", "t")])
def test_every_name_elsewhere_leads_to_a_name_of_train_or_to_none(name):
    parameters = signature(train).parameters
    assert NAMES_ELSEWHERE[name] is None or NAMES_ELSEWHERE[name] in parameters
    with pytest.raises(TypeError, match=f"{name} is called {NAMES_ELSEWHERE[name]}|there is no {name} here"):
        train(["a b"], **{name: 1})


def test_numbers_of_numpy_become_those_of_python():
    config = Word2VecConfig(dimension=np.int64(7), sample=np.float32(0.5))
    assert type(config.dimension) is int
    assert type(config.sample) is float


def test_unknown_names_in_a_dictionary_get_a_hint():
    with pytest.raises(ValueError, match="size is called dimension here"):
        Word2VecConfig.from_dict({"size": 5})


def test_configuration_survives_a_dictionary():
    config = Word2VecConfig(architecture="cbow", dimension=7)
    assert Word2VecConfig.from_dict(config.to_dict()) == config
    assert config.rate > Word2VecConfig().rate  # each architecture has its own default


def test_random_states_differ_by_seed_epoch_and_block():
    states = {random_state(*numbers) for numbers in itertools.product(range(8), repeat=3)}
    assert len(states) == 512
    assert all(0 < state < 2**64 for state in states)


@pytest.mark.parametrize("more", ["", "cat dog\n"])
def test_a_text_of_lines_of_one_word_is_warned_of(tmp_path, more):
    (tmp_path / "text.txt").write_text("cat\ndog\n" * 50 + more)
    settings = ["--dimension", 4, "--epochs", 1, "--min-count", 1]
    result = command_line.vecmill("train-embeddings", tmp_path / "text.txt", "--out", tmp_path / "out", *settings)
    assert ("no two words stand side by side" in result.stderr) == (not more)
