"""Taggers and classifiers: gradients, what they learn, and what they refuse."""

import copy
import pickle

import numpy as np
import pytest

from embeddings import EmbeddingsError, Vocabulary, WordVectors
from embeddings.networks import PADDING, pad_sequences
from embeddings.sequences.classifier import SequenceClassifier
from embeddings.sequences.network import SequenceNetworkConfig
from embeddings.sequences.pooling import AttentionPooling, make_pooling
from embeddings.sequences.tagger import SequenceTagger
from embeddings.sequences.training import SequenceTrainingConfig, held_out, length_bucketed_batches
from embeddings.sequences.word_inputs import WordInputs, WordInputsConfig
from tests.reference.recurrent import assert_gradient
from tests.threads_at_once import assert_threads_change_nothing

TEXT = [
    ["The", "old", "dog", "barks"],
    ["a", "Cat", "sleeps"],
    ["dogs", "sleep"],
    ["the", "cat", "sleeps", "here", "."],
]
TAGS = [["D", "A", "N", "V"], ["D", "N", "V"], ["N", "V"], ["D", "N", "V", "R", "."]]
LABELS = ["D", "A", "N", "V", "R", "."]
SPELLED = WordInputsConfig(dimension=3, endings=(1, 2), ending_dimension=2, shape_dimension=2)
PLAIN = SequenceNetworkConfig(layer_sizes=(3, 2), dropout=0.0)


def rng():
    return np.random.default_rng(1)


def initialized(model):
    """Draw the weights of a model of TEXT without training it."""
    model.initialize(TEXT, TAGS if isinstance(model, SequenceTagger) else ["x", "y", "y", "x"])
    return model


def scattered(model):
    """Give every parameter values of size 1, so that no gradient is too small to be checked."""
    draw = np.random.default_rng(2)
    for parameter in model.parameters_.values():
        parameter.value[...] = draw.normal(0, 0.6, parameter.value.shape)
    return model


def check_gradients(model, loss):
    loss()
    gradients = {name: parameter.dense_gradient().copy() for name, parameter in model.trainable_parameters_.items()}
    assert any(np.abs(gradient).max() > 1e-3 for gradient in gradients.values())
    arrays = {name: parameter.value for name, parameter in model.trainable_parameters_.items()}
    assert_gradient(loss, arrays, gradients, rng())


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_every_gradient_of_a_tagger(cell, bidirectional):
    config = SequenceNetworkConfig(cell=cell, layer_sizes=(3, 2), bidirectional=bidirectional, dropout=0.0)
    tagger = scattered(initialized(SequenceTagger(config, inputs=SPELLED, labels=LABELS, dtype=np.float64)))
    encoded = tagger.inputs_.encode(TEXT)
    targets, _ = pad_sequences([np.array([LABELS.index(tag) for tag in tags]) for tags in TAGS], PADDING)
    batch = encoded.batch(encoded.ids)
    check_gradients(tagger, lambda: tagger.loss_and_gradients(*batch, targets, None))


@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
def test_every_gradient_of_a_classifier(pooling, window):
    options = {"pooling": pooling, "window": window}
    model = scattered(initialized(SequenceClassifier(PLAIN, **options, inputs=SPELLED, dtype=np.float64)))
    encoded, targets = model.inputs_.encode(TEXT), np.array([0, 1, 1, 0])
    check_gradients(model, lambda: model.loss_and_gradients(encoded, np.arange(4), targets, None))


def test_every_gradient_where_windows_are_drawn():
    options = {"pooling": "mean", "window": 2, "windows_drawn": 1}
    model = scattered(initialized(SequenceClassifier(PLAIN, **options, inputs=SPELLED, dtype=np.float64)))
    encoded, targets = model.inputs_.encode(TEXT), np.array([0, 1, 1, 0])
    check_gradients(model, lambda: model.loss_and_gradients(encoded, np.arange(4), targets, np.random.default_rng(7)))


def test_drawn_windows_are_pieces_of_their_text():
    model = SequenceClassifier(PLAIN, window=10, windows_drawn=3)
    texts = [np.arange(1000, 1095), np.arange(2000, 2030), np.arange(3000, 3031)]
    draw, met = rng(), set()
    for _ in range(50):
        windows, starts = model._windows(texts, draw)
        words = np.concatenate(windows)
        assert words[starts].tolist() == [windows[0][0], 2000, windows[6][0]]
        assert [int(window[0]) // 1000 for window in windows] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
        for window in windows:
            assert 1 <= len(window) <= 10
            assert (np.diff(window) == 1).all()
        assert len(set(words.tolist())) == len(words)  # no word twice
        met |= set(words.tolist())
    assert met == set(np.concatenate(texts).tolist())  # and every word sometimes
    whole, _ = model._windows(texts)
    assert np.concatenate(whole).tolist() == np.concatenate(texts).tolist()


@pytest.mark.parametrize("fraction", [0.0, 0.25])
def test_without_validation_the_last_weights_stay(fraction):
    training = SequenceTrainingConfig(epochs=60, learning_rate=0.02, validation_fraction=fraction, patience=60)
    model = SequenceClassifier(PLAIN, training).fit(TEXT, ["x", "y", "y", "x"])
    assert len(model.validation_scores_) == (60 if fraction else 0)
    assert len(model.metrics_) == 60
    if not fraction:
        assert model.predict(TEXT) == ["x", "y", "y", "x"]


def test_dropout_hides_the_same_numbers_from_the_gradient():
    config = SequenceNetworkConfig(layer_sizes=(3,), dropout=0.4)
    tagger = scattered(initialized(SequenceTagger(config, inputs=SPELLED, labels=LABELS, dtype=np.float64)))
    encoded = tagger.inputs_.encode(TEXT)
    targets, _ = pad_sequences([np.array([LABELS.index(tag) for tag in tags]) for tags in TAGS], PADDING)
    batch = encoded.batch(encoded.ids)
    check_gradients(tagger, lambda: tagger.loss_and_gradients(*batch, targets, np.random.default_rng(7)))


def test_a_tagger_is_torchs():
    torch = pytest.importorskip("torch")
    network = SequenceNetworkConfig(layer_sizes=(4,), dropout=0.0)
    tagger = initialized(SequenceTagger(network, inputs=WordInputsConfig(dimension=5), labels=LABELS))
    encoded = tagger.inputs_.encode(TEXT)
    targets, lengths = pad_sequences([np.array([LABELS.index(tag) for tag in tags]) for tags in TAGS], PADDING)
    features, index, _ = encoded.batch(encoded.ids)
    loss = tagger.loss_and_gradients(features, index, lengths, targets, None)

    embedding = torch.nn.Embedding.from_pretrained(torch.tensor(tagger.parameters_["inputs.word"].value), freeze=False)
    lstm = torch.nn.LSTM(5, 4, bidirectional=True)
    for name, parameter in lstm.named_parameters():
        ours = tagger.parameters_.get(f"rnn.{name.replace('bias_ih', 'bias')}")
        parameter.data = torch.tensor(ours.value) if ours is not None else torch.zeros_like(parameter)
    weight, bias = (
        torch.tensor(tagger.parameters_[f"output.{n}"].value, requires_grad=True) for n in ("weight", "bias")
    )
    x = embedding(torch.from_numpy(features[:, 0][index]))
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.from_numpy(lengths), enforce_sorted=False)
    hidden, _ = torch.nn.utils.rnn.pad_packed_sequence(lstm(packed)[0])
    logits = (hidden @ weight.T + bias).reshape(-1, len(LABELS))
    expected = torch.nn.functional.cross_entropy(logits, torch.from_numpy(targets.ravel()), ignore_index=PADDING)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    np.testing.assert_allclose(
        tagger.parameters_["inputs.word"].dense_gradient(), embedding.weight.grad.numpy(), atol=1e-6
    )
    np.testing.assert_allclose(tagger.parameters_["output.weight"].gradient, weight.grad.numpy(), atol=1e-6)


def test_attention_is_a_weighted_mean_of_each_text():
    rows, starts = rng().standard_normal((6, 4)), np.array([0, 2, 3])
    pooling = AttentionPooling(4, rng=rng(), dtype=np.float64)
    pooled = pooling.forward(rows, starts)
    for text, part in enumerate(np.split(np.arange(6), starts[1:])):
        assert pooling.weights[part].sum() == pytest.approx(1)
        np.testing.assert_allclose(pooled[text], pooling.weights[part] @ rows[part])


def test_equal_maxima_share_the_gradient():
    pooling = make_pooling("max", 1, rng(), np.float64)
    assert pooling.forward(np.array([[2.0], [1.0], [2.0]]), np.array([0])) == [[2.0]]
    np.testing.assert_array_equal(pooling.backward(np.array([[1.0]])), [[0.5], [0.0], [0.5]])


def test_padding_changes_nothing():
    tagger = initialized(SequenceTagger(PLAIN, inputs=SPELLED))
    together = tagger.predict(TEXT)
    assert together == [tagger.predict([sentence])[0] for sentence in TEXT]


def test_batches_hold_every_example_once_and_little_padding():
    lengths = np.random.default_rng(0).integers(1, 60, 500)
    batches = length_bucketed_batches(lengths, 256, rng())
    assert sorted(np.concatenate(batches).tolist()) == list(range(500))
    assert all(len(batch) * lengths[batch].max() <= 256 for batch in batches)
    places = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert places < 1.1 * lengths.sum()
    assert not np.array_equal(batches[0], length_bucketed_batches(lengths, 256, np.random.default_rng(9))[0])


def test_an_example_longer_than_a_batch_is_a_batch_of_its_own():
    batches = length_bucketed_batches(np.array([900, 3, 3]), 10, rng())
    assert sorted(map(len, batches)) == [1, 2]


def pairs_of_words(count):
    """Texts whose label is whether the first word comes again: order and memory are needed."""
    draw = np.random.default_rng(5)
    texts = [[f"w{k}" for k in draw.integers(0, 4, 6)] for _ in range(count)]
    return texts, [["again" if word in text[:t] else "new" for t, word in enumerate(text)] for text in texts]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_tagger_learns_what_came_before(cell):
    texts, tags = pairs_of_words(600)
    network = SequenceNetworkConfig(cell=cell, layer_sizes=(16,), dropout=0.0)
    training = SequenceTrainingConfig(epochs=15, batch_words=120, learning_rate=0.02)
    tagger = SequenceTagger(network, training, inputs=WordInputsConfig(dimension=8)).fit(texts[:500], tags[:500])
    assert tagger.labels_ == ["again", "new"]
    found = [label for labels in tagger.predict(texts[500:]) for label in labels]
    assert np.mean(np.array(found) == np.concatenate(tags[500:])) > 0.95


def test_the_weights_of_the_best_validation_are_kept():
    texts, tags = pairs_of_words(60)
    valid = texts[:20], tags[:20]
    training = SequenceTrainingConfig(epochs=6, batch_words=60, learning_rate=0.3, patience=6)
    tagger = SequenceTagger(PLAIN, training).fit(texts, tags, valid)
    found = [label for labels in tagger.predict(valid[0]) for label in labels]
    assert np.mean(np.array(found) == np.concatenate(valid[1])) == pytest.approx(max(tagger.validation_scores_))


def small_vectors(*words):
    matrix = np.random.default_rng(3).standard_normal((len(words), 4)).astype(np.float32)
    return WordVectors(Vocabulary.from_words(words, [1] * len(words)), matrix)


def test_words_of_E_are_known_though_training_does_not_meet_them():
    vectors = small_vectors("the", "cat", "lion", "Rome")
    inputs = WordInputs(TEXT, vectors=vectors, rng=rng())
    rows = inputs.encode([["lion", "THE", "Rome", "rome", "zebra"]]).features[:, 0]
    assert rows[0] > 0
    assert rows[2] > 0  # spelled as E does
    assert rows[3:].tolist() == [0, 0]
    assert inputs.missing_share == pytest.approx(1 - 4 / 14)  # "The", "Cat", "the", "cat" are found
    E = inputs.parameters["inputs.word"].value
    cat, lion = (E[inputs.encode([[word]]).features[0, 0]] for word in ("cat", "lion"))
    own = vectors.matrix - vectors.matrix.mean(axis=0)
    scale = np.linalg.norm(cat - lion) / np.linalg.norm(own[1] - own[2])
    np.testing.assert_allclose(cat - lion, scale * (own[1] - own[2]), atol=1e-6)


def test_frozen_vectors_stay_as_they_are():
    config = WordInputsConfig(freeze_embedding=True, endings=(1,), ending_dimension=2)
    training = SequenceTrainingConfig(epochs=2)
    tagger = initialized(SequenceTagger(PLAIN, training, inputs=config, vectors=small_vectors("the", "cat")))
    before = {name: parameter.value.copy() for name, parameter in tagger.parameters_.items()}
    tagger.fit(TEXT, TAGS, (TEXT, TAGS))
    changed = {name for name, parameter in tagger.parameters_.items() if (parameter.value != before[name]).any()}
    assert "inputs.word" not in changed
    assert {"inputs.ending1", "output.weight", "rnn.weight_ih_l0"} <= changed


def test_vectors_of_another_dimension_are_projected():
    inputs = WordInputs(TEXT, WordInputsConfig(dimension=2), vectors=small_vectors("the", "cat", "dog"), rng=rng())
    assert inputs.size == 2


def test_no_common_word_is_an_error():
    with pytest.raises(EmbeddingsError, match="none of"):
        WordInputs(TEXT, vectors=small_vectors("kissa", "koira"), rng=rng())


def test_bad_input_is_named():
    tagger, classifier = SequenceTagger(PLAIN, labels=LABELS), SequenceClassifier(PLAIN)
    with pytest.raises(ValueError, match="sequence 1 has no words"):
        tagger.predict([["a"], []])
    with pytest.raises(ValueError, match="sequence 0 has no words"):
        classifier.predict([[]])
    with pytest.raises(ValueError, match="unknown label 'Q'"):
        tagger.fit([["a"], ["b"]], [["D"], ["Q"]])
    with pytest.raises(ValueError, match="sentence 1 has 1 words and 2 labels"):
        tagger.fit([["a"], ["b"]], [["D"], ["D", "N"]])
    with pytest.raises(ValueError, match="3 targets for 2 sources"):
        classifier.fit([["a"], ["b"]], ["x", "y", "x"])
    with pytest.raises(ValueError, match="1 examples: expected at least 2"):
        held_out(1, 0.1, rng())
    with pytest.raises(ValueError, match="pooling 'sum': expected one of mean, max, attention"):
        SequenceClassifier(PLAIN, pooling="sum")
    for options, message in (
        ({"windows_drawn": 0, "window": 5}, r"windows_drawn is 0 \(int\); expected 1 or more"),
        ({"windows_drawn": 2}, "windows_drawn is 2, which has no effect without window"),
    ):
        with pytest.raises(ValueError, match=message):
            SequenceClassifier(PLAIN, **options)
    with pytest.raises(ValueError, match=r"validation_fraction 1: expected a number from 0 to less than 1"):
        SequenceTrainingConfig(validation_fraction=1)
    with pytest.raises(ValueError, match="cell 'lstn'"):
        SequenceNetworkConfig(cell="lstn")


@pytest.mark.parametrize("kind", [SequenceTagger, SequenceClassifier])
def test_threads_may_use_one_model(kind):
    model = scattered(initialized(kind(PLAIN, inputs=SPELLED)))
    assert_threads_change_nothing(lambda number: model.predict(TEXT[: 1 + number % len(TEXT)] * 5))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.predict(TEXT) == model.predict(TEXT)
