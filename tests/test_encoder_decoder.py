"""Networks that write sequences: `VectorDecoder` (one to many) and `EncoderDecoder` (many to many)."""

import numpy as np
import pytest

from embeddings.networks import CELLS
from embeddings.sequences import EncoderDecoder, SequenceGeneratorConfig, SequenceTrainingConfig, VectorDecoder
from tests.reference.recurrent import assert_gradient

VECTORS = np.random.default_rng(7).standard_normal((4, 3))
SOURCES = ["ab", "b", "abba", "a"]
TARGETS = ["xy", "", "yxxyz", "z"]


def model(kind, cell="lstm", layers=(4, 3), dtype=np.float64, training=None):
    """Return a network that is not trained, with large weights, and what it reads."""
    config = SequenceGeneratorConfig(cell=cell, dimension=2, layer_sizes=layers)
    if kind == "vector":
        made, sources = VectorDecoder(config, training, symbols="xyz", dtype=dtype), VECTORS
    else:
        made, sources = EncoderDecoder(config, training, source_symbols="ab", symbols="xyz", dtype=dtype), SOURCES
    made.initialize(sources, TARGETS)
    rng = np.random.default_rng(0)
    for parameter in made.parameters_.values():
        parameter.value[...] = rng.normal(0, 0.7, parameter.value.shape)
    return made, sources


@pytest.mark.parametrize("layers", [(4,), (4, 3)])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", ["vector", "sequence"])
def test_every_gradient_through_decoder_and_encoder(kind, cell, layers):
    made, sources = model(kind, cell, layers)
    made.loss_and_gradients(sources, TARGETS)
    arrays = {name: parameter.value for name, parameter in made.parameters_.items()}
    gradients = {name: parameter.dense_gradient().copy() for name, parameter in made.parameters_.items()}
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
    made, sources = model(kind, training=SequenceTrainingConfig(epochs=60, patience=60, learning_rate=0.05))
    made.fit([*sources] * 5, TARGETS * 5)  # so that it writes something
    decoder = made.decoder_
    lengths = set()
    for i, written in enumerate(made.decode(sources, limit=6)):
        assert made.decode(sources[i : i + 1], limit=6) == [written]
        numbers = decoder.table.numbers([written])[0]
        states = made._states(made._encode_sources(sources[i : i + 1]))
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


@pytest.mark.parametrize(
    ("kind", "sources", "targets", "message"),
    [
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
        made.fit(sources, targets)


def test_vectors_of_another_length_are_an_error():
    made, _ = model("vector")
    with pytest.raises(ValueError, match=r"vectors of shape \(4, 2\): expected \(N, 3\)"):
        made.decode(np.zeros((4, 2)))


def test_bad_settings_are_an_error():
    with pytest.raises(ValueError, match="cell 'elman': expected one of rnn, gru, lstm"):
        SequenceGeneratorConfig(cell="elman")
    with pytest.raises(ValueError, match="dimension must be at least 1, got 0"):
        SequenceGeneratorConfig(dimension=0)
    with pytest.raises(ValueError, match="3 symbols, 2 of them different: expected each once"):
        EncoderDecoder(source_symbols="aba").fit(SOURCES, TARGETS)
    with pytest.raises(ValueError, match="0 symbols"):
        VectorDecoder(symbols="").fit(VECTORS, TARGETS)
