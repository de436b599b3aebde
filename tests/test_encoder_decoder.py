"""Networks that write sequences: `VectorDecoder` (one to many) and `EncoderDecoder` (many to many)."""

import numpy as np
import pytest

from embeddings.networks import CELLS
from embeddings.sequences import EncoderDecoder, SequenceGeneratorConfig, SequenceTrainingConfig, VectorDecoder
from tests.reference.recurrent import assert_gradient

VECTORS = np.random.default_rng(7).standard_normal((4, 3))
SOURCES = ["ab", "b", "abba", "a"]
TARGETS = ["xy", "", "yxxyz", "z"]


def model(kind, cell="lstm", layers=(4, 3), dtype=np.float64):
    config = SequenceGeneratorConfig(cell=cell, embedding_size=2, layer_sizes=layers)
    rng = np.random.default_rng(0)
    if kind == "vector":
        made = VectorDecoder(3, "xyz", config, rng=rng, dtype=dtype)
    else:
        made = EncoderDecoder("ab", "xyz", config, rng=rng, dtype=dtype)
    for parameter in made.parameters.values():
        parameter.value[...] = rng.normal(0, 0.7, parameter.value.shape)
    return made, VECTORS if kind == "vector" else SOURCES


@pytest.mark.parametrize("layers", [(4,), (4, 3)])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", ["vector", "sequence"])
def test_every_gradient_through_decoder_and_encoder(kind, cell, layers):
    made, sources = model(kind, cell, layers)
    made.loss_and_gradients(sources, TARGETS)
    arrays = {name: parameter.value for name, parameter in made.parameters.items()}
    gradients = {name: parameter.dense_gradient().copy() for name, parameter in made.parameters.items()}
    assert all(gradient.any() for gradient in gradients.values())
    assert_gradient(lambda: made.loss_and_gradients(sources, TARGETS), arrays, gradients, np.random.default_rng(1))


@pytest.mark.parametrize("kind", ["vector", "sequence"])
def test_the_loss_is_the_mean_over_symbols_of_what_each_sequence_costs(kind):
    made, sources = model(kind)
    each = [made.loss_and_gradients(sources[i : i + 1], TARGETS[i : i + 1]) for i in range(len(TARGETS))]
    symbols = np.array([len(target) + 1 for target in TARGETS])
    assert made.loss_and_gradients(sources, TARGETS) == pytest.approx(np.dot(each, symbols) / symbols.sum())


@pytest.mark.parametrize("kind", ["vector", "sequence"])
def test_greedy_search_writes_the_most_probable_symbols(kind):
    made, sources = model(kind)
    few = SequenceTrainingConfig(epochs=60, patience=60, learning_rate=0.05)
    made.fit([*sources] * 5, TARGETS * 5, rng=np.random.default_rng(0), training=few)  # so that it writes something
    decoder = made.decoder
    lengths = set()
    for i, written in enumerate(made.decode(sources, limit=6)):
        assert made.decode(sources[i : i + 1], limit=6) == [written]
        numbers = decoder.table.numbers([written])[0]
        states = made._states(made._encoded(sources[i : i + 1]))
        inputs = np.concatenate([[decoder.end], numbers])[:, None]
        hidden, _ = decoder.network.forward(decoder.embedding.forward(inputs), states)
        best = decoder.output.log_probabilities(hidden[:, 0]).argmax(axis=1)
        np.testing.assert_array_equal(best[: len(written)], numbers)
        assert len(written) == 6 or best[-1] == decoder.end
        lengths.add(len(written))
    assert len(lengths) > 1


def test_nothing_to_write_is_written():
    made, vectors = model("vector")
    assert made.decode(vectors, limit=0) == [[], [], [], []]
    assert made.decode(vectors[:0]) == []


def test_one_seed_one_result():
    runs = []
    for _ in range(2):
        made, sources = model("sequence", dtype=np.float32)
        runs.append(made.fit(sources, TARGETS, rng=np.random.default_rng(3)))
    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    ("kind", "sources", "targets", "message"),
    [
        ("vector", np.zeros((4, 2)), TARGETS, r"vectors of shape \(4, 2\): expected \(N, 3\)"),
        ("vector", VECTORS[:3], TARGETS, "4 targets for 3 sources"),
        ("sequence", ["ab", "", "a", "b"], TARGETS, "sequence 1 has no words: expected at least one"),
        ("sequence", ["ab", "c", "a", "b"], TARGETS, "unknown label 'c': the network was made for a, b"),
        ("sequence", SOURCES, ["x", "y", "q", "z"], "unknown label 'q': the network was made for x, y, z"),
        ("sequence", SOURCES[:1], TARGETS[:1], "1 examples: expected at least 2"),
    ],
)
def test_bad_examples_are_an_error(kind, sources, targets, message):
    made, _ = model(kind)
    with pytest.raises(ValueError, match=message):
        made.fit(sources, targets, rng=np.random.default_rng(0))


def test_bad_settings_are_an_error():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="cell 'elman': expected one of rnn, gru, lstm"):
        SequenceGeneratorConfig(cell="elman")
    with pytest.raises(ValueError, match="embedding_size must be at least 1, got 0"):
        SequenceGeneratorConfig(embedding_size=0)
    with pytest.raises(ValueError, match="3 symbols, 2 of them different: expected each once"):
        EncoderDecoder("aba", "xy", rng=rng)
    with pytest.raises(ValueError, match="0 symbols"):
        VectorDecoder(3, "", rng=rng)
