"""`vecmill.plot`: the words asked for stand on the figure, at their places."""

import io

import numpy as np
import pytest

from embeddings import EmbeddingsError, Vocabulary, WordVectors

pytest.importorskip("matplotlib")
import vecmill.plot
from embeddings.vectors.axes import place_on_axis

WORDS = ["good", "bad", "$cash$", "bread", "butter", "king", "queen"]


@pytest.fixture(scope="module")
def vectors():
    matrix = np.random.default_rng(2).standard_normal((len(WORDS), 6)).astype(np.float32)
    return WordVectors(Vocabulary.from_words(WORDS), matrix)


def svg(figure):
    file = io.StringIO()
    figure.savefig(file, format="svg")
    return file.getvalue()


def named(figure):
    return {text.get_text(): text.xy for text in figure.axes[0].texts}


def test_a_map_names_the_words_asked_for(vectors):
    figure = vecmill.plot.map(vectors, ["king", "queen", "bread", "$cash$"], method="PCA", title="four")
    assert set(named(figure)) == {"king", "queen", "bread", "$cash$"}
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert "four" in svg(figure)
    assert set(named(vecmill.plot.map(vectors, method="PCA"))) == set(WORDS)
    with pytest.raises(KeyError, match="kin"):
        vecmill.plot.map(vectors, ["kin", "king", "queen"])
    with pytest.raises(EmbeddingsError, match="needs 3 words"):
        vecmill.plot.map(vectors, ["king", "queen"])


def test_words_stand_at_their_places_on_the_axes(vectors):
    words = ["king", "queen", "bread"]
    figure = vecmill.plot.axis(vectors, words, ("bad", "good"), (["bread"], ["king", "queen"]))
    x = place_on_axis(vectors, ["good"], ["bad"], words)
    y = place_on_axis(vectors, ["king", "queen"], ["bread"], words)
    np.testing.assert_allclose([named(figure)[word] for word in words], np.stack((x, y), 1), atol=1e-6)
    assert figure.axes[0].get_xlabel() == "bad → good"
    assert figure.axes[0].get_ylabel() == "bread → king, queen"
    alone = named(vecmill.plot.axis(vectors, words, ("bad", "good")))
    assert sorted(words, key=lambda word: alone[word][0]) == sorted(words, key=lambda word: -alone[word][1])


def test_the_loss_is_the_plot_of_the_training():
    assert vecmill.plot.loss is vecmill.plot_training
