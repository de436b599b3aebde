"""GloVe from text to vectors: counts, shuffled pairs, training that resumes exactly, and the command."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings import Checkpointing, EmbeddingsError, Vocabulary, WordVectors
from embeddings.glove import GloVe, GloVeConfig, ShuffledPairs, count_pairs, training_run
from embeddings.glove.shuffled_pairs import PAIR, inverse_distance
from tests.command_line import fails, vecmill
from tests.reference import glove as reference
from tests.topics import ANIMALS, METALS, interrupt

SIZE = 8


def as_corpus(sentences):
    """What `count_pairs` needs of an EncodedCorpus."""
    ids = np.array([word for sentence in sentences for word in sentence], np.int32)
    offsets = np.cumsum([0, *map(len, sentences)]).astype(np.int64)
    return SimpleNamespace(shards=[(ids, offsets)], require_vocabulary=lambda vocabulary: None)


def matrix_of(pairs):
    """Return the symmetric matrix of the pairs, each of which must occur once."""
    counts = np.zeros((pairs.vocabulary_size, pairs.vocabulary_size))
    for word, context, count in pairs.pairs.tolist():
        assert counts[word, context] == 0
        counts[word, context] = counts[context, word] = count
    return counts


def mixed(number=300):
    """Sentences of one topic each, in which every sixth word or so is of the other: GloVe learns from rare pairs."""
    draw = np.random.default_rng(0)
    topics = np.arange(number)[:, None] % 2 ^ (draw.random((number, 12)) < 1 / 6)
    return (6 * topics + draw.integers(0, 6, topics.shape)).tolist(), Vocabulary.from_words(
        ANIMALS + METALS, [300] * 12
    )


def assert_topics(vectors):
    for topic in (ANIMALS, METALS):
        for word in topic:
            assert {found for found, _ in vectors.most_similar(word, topn=5)} == set(topic) - {word}


def small(**changes):
    return GloVeConfig(**{"dimension": 8, "window": 4, "epochs": 6, "threads": 1, "x_max": 50.0} | changes)


@pytest.fixture
def small_blocks(monkeypatch):
    """Several blocks an epoch, the last one shorter."""
    monkeypatch.setattr(training_run, "BLOCK_PAIRS", 7)


SENTENCES = st.lists(st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=10), min_size=1, max_size=6)


@settings(max_examples=30)
@given(SENTENCES.filter(lambda sentences: max(map(len, sentences)) > 1), st.integers(1, 20), st.integers(0, 3))
def test_pairs_have_the_counts_of_the_definition(tmp_path_factory, sentences, window, seed):
    directory = tmp_path_factory.mktemp("pairs")
    found = count_pairs(as_corpus(sentences), SIZE, directory, window=window, seed=seed)
    np.testing.assert_allclose(matrix_of(found), reference.cooccurrences(sentences, SIZE, window), rtol=1e-5)
    assert [path.name for path in directory.iterdir()] == ["pairs.npy"]


def test_weights_are_whole_numbers_in_usual_windows():
    weights = inverse_distance(16)
    np.testing.assert_array_equal(weights * np.arange(1, 17), weights[0])


def test_the_order_is_random_and_the_seeds(tmp_path):
    sentences = [list(range(SIZE))] * 3
    orders = []
    for seed in (1, 1, 2):
        found = count_pairs(as_corpus(sentences), SIZE, tmp_path, window=SIZE, seed=seed)
        orders.append(found.pairs[["word", "context"]].tolist())
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != sorted(orders[0])
    assert sorted(orders[0]) == sorted(orders[2])


def test_words_of_one_topic_become_neighbours_and_the_loss_falls():
    sentences, vocabulary = mixed()
    model = GloVe(small(epochs=40)).fit(as_corpus(sentences), vocabulary)
    assert_topics(model.vectors_)
    losses = [entry["loss"] for entry in model.metrics_]
    assert losses == sorted(losses, reverse=True)
    assert model.vectors_.context is None


def test_counted_pairs_give_the_vectors_of_their_text(encoded, tmp_path):
    corpus, vocabulary = encoded
    pairs = count_pairs(corpus, len(vocabulary), tmp_path, window=4, seed=1)
    expected = GloVe(small()).fit(corpus, vocabulary).vectors_.matrix
    np.testing.assert_array_equal(GloVe(small()).fit(pairs, vocabulary).vectors_.matrix, expected)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("epoch", [1, 3])
def test_an_interrupted_training_ends_with_the_same_vectors(encoded, tmp_path, epoch):
    expected = GloVe(small()).fit(*encoded)

    def interrupt_within(event):
        if event.epoch == epoch:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        GloVe(small()).fit(*encoded, progress=interrupt_within, checkpointing=Checkpointing(tmp_path))
    resumed = GloVe(small()).fit(*encoded, checkpointing=Checkpointing(tmp_path))
    np.testing.assert_array_equal(resumed.vectors_.matrix, expected.vectors_.matrix)
    assert [entry["loss"] for entry in resumed.metrics_] == [entry["loss"] for entry in expected.metrics_]


@pytest.mark.usefixtures("small_blocks")
def test_checkpoints_within_epochs_change_nothing(encoded, tmp_path):
    expected = GloVe(small()).fit(*encoded).vectors_.matrix
    found = GloVe(small()).fit(*encoded, checkpointing=Checkpointing(tmp_path, every=1e-9)).vectors_.matrix
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"dimension": 40},
        {"seed": 2},
        {"window": 3},
        {"learning_rate": 0.1},
        {"x_max": 10.0},
        {"alpha": 0.5},
        {"epochs": 7},
    ],
)
@pytest.mark.parametrize("finished", [False, True])
def test_a_checkpoint_of_other_settings_is_refused(encoded, tmp_path, changes, finished):
    checkpointing = Checkpointing(tmp_path)
    if finished:
        GloVe(small()).fit(*encoded, checkpointing=checkpointing)
    else:
        with pytest.raises(KeyboardInterrupt):
            GloVe(small()).fit(*encoded, progress=interrupt, checkpointing=checkpointing)
    with pytest.raises(EmbeddingsError, match=rf"has {next(iter(changes))} = .*, this training"):
        GloVe(small(**changes)).fit(*encoded, checkpointing=checkpointing)


@pytest.mark.parametrize("finished", [False, True])
def test_a_checkpoint_of_another_text_with_as_many_pairs_is_refused(tmp_path, finished):
    sentences, vocabulary = mixed()
    other = [sentence[::-1] if i % 3 else sentences[0] for i, sentence in enumerate(sentences)]
    checkpointing = Checkpointing(tmp_path)
    if finished:
        GloVe(small()).fit(as_corpus(sentences), vocabulary, checkpointing=checkpointing)
    else:
        with pytest.raises(KeyboardInterrupt):
            GloVe(small()).fit(as_corpus(sentences), vocabulary, progress=interrupt, checkpointing=checkpointing)
    with pytest.raises(EmbeddingsError, match=r"has text = .* pairs .*, this training .* pairs"):
        GloVe(small()).fit(as_corpus(other), vocabulary, checkpointing=checkpointing)


def test_a_checkpoint_is_resumed_with_another_number_of_threads(encoded, tmp_path):
    expected = GloVe(small()).fit(*encoded, checkpointing=Checkpointing(tmp_path)).vectors_.matrix
    found = GloVe(small(threads=2)).fit(*encoded, checkpointing=Checkpointing(tmp_path)).vectors_.matrix
    np.testing.assert_array_equal(found, expected)


@pytest.mark.usefixtures("small_blocks")
def test_two_threads_train_every_pair():
    sentences, vocabulary = mixed()
    model = GloVe(small(threads=2, epochs=40)).fit(as_corpus(sentences), vocabulary)
    assert_topics(model.vectors_)
    assert model.metrics_[-1]["pairs"] == 40 * 12 * 13 / 2


def test_texts_without_pairs_and_other_vocabularies_are_refused(encoded, tmp_path):
    vocabulary = Vocabulary.from_words([f"w{i}" for i in range(SIZE)], range(SIZE, 0, -1))
    with pytest.raises(EmbeddingsError, match="no two words stand side by side"):
        GloVe(small()).fit(as_corpus([[1], [2]]), vocabulary)
    with pytest.raises(EmbeddingsError, match=r"the pairs are of 3 words and the vocabulary has 8"):
        GloVe(small()).fit(ShuffledPairs(3, np.zeros(1, PAIR)), vocabulary)
    with pytest.raises(EmbeddingsError, match="vocabulary"):
        GloVe(small()).fit(encoded[0], vocabulary)
    np.save(tmp_path / "pairs.npy", np.zeros(3))
    with pytest.raises(EmbeddingsError, match="expected the pairs"):
        ShuffledPairs.open(tmp_path, SIZE)


@pytest.mark.parametrize(
    "setting",
    [{"dimension": 0}, {"window": 0}, {"epochs": 0}, {"alpha": -1.0}, {"x_max": 0.0}, {"learning_rate": float("nan")}],
)
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ValueError, match=f"{next(iter(setting))} is .*; it must be"):
        GloVeConfig(**setting)


def test_the_command_trains_resumes_and_says_what_is_wrong(tmp_path):
    text, out = tmp_path / "text.txt", tmp_path / "out"
    text.write_text("".join(" ".join((ANIMALS + METALS)[word] for word in line) + "\n" for line in mixed()[0]))
    command = ["train-glove", text, "--out", out, "--dimension", "8", "--epochs", "30", "--threads", "1"]
    result = vecmill(*command)
    assert result.exit_code == 0, result.output
    assert "Loss per example" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "text.txt"]
    settings = json.loads((out / "config.json").read_text())
    assert settings["glove"]["epochs"] == 30
    assert "threads" not in settings["glove"]
    assert_topics(WordVectors.load(out))
    assert "nothing to do" in vecmill(*command, "--skip-finished").stdout
    made = json.loads(vecmill(*command, "--force", "--json").stdout)
    assert [entry["epoch"] for entry in made["epochs"]] == list(range(1, 31))
    assert vecmill("verify", out).exit_code == 0
    fails(1, "finished", *command)
    fails(2, "--x-max: x_max is 0.0", *command[:-2], "--force", "--x-max", "0")
    fails(2, "--dimension", *command[:-2], "--force", "--dimension", "none")
    text.write_text("word\nother\n" * 30)
    fails(1, "no two words stand side by side", "train-glove", text, "--out", tmp_path / "x")


@pytest.mark.parametrize("setting", ["x_max", "learning_rate"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), 1e308])
def test_a_number_that_single_precision_does_not_hold_is_refused(setting, value):
    with pytest.raises(ValueError, match=f"{setting} is .*; it must be above 0, and at most"):
        GloVeConfig(**{setting: value})
