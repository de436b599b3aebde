"""Orthogonal Procrustes alignment, the words that it cannot bring together, and axes between words."""

import json

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group

import vecmill
from embeddings import EmbeddingsError, Vocabulary, WordVectors
from embeddings.vectors.alignment import align, orthogonal_rotation
from embeddings.vectors.axes import place_on_axis
from tests.command_line import fails
from tests.command_line import vecmill as command

WORDS = [f"{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(300)]
MOVED = [120, 200]


@pytest.fixture(scope="module")
def models():
    """A model, and the same rotated, in another order and with a little noise, in which two words were exchanged."""
    random = np.random.default_rng(4)
    first = random.standard_normal((300, 12)).astype(np.float32)
    second = first.copy()
    second[MOVED] = second[MOVED[::-1]]
    second = second @ ortho_group.rvs(12, random_state=5) + 0.05 * random.standard_normal(first.shape)
    order = random.permutation(300)
    shuffled = Vocabulary.from_words([*(WORDS[i] for i in order), "only_here"])
    matrix = np.vstack((second[order], np.ones(12))).astype(np.float32)
    return WordVectors(Vocabulary.from_words(WORDS), first), WordVectors(shuffled, matrix)


def test_the_rotation_is_that_of_scipy_and_orthogonal():
    random = np.random.default_rng(0)
    source, target = random.standard_normal((2, 50, 7))
    rotation = orthogonal_rotation(source, target)
    np.testing.assert_allclose(rotation, orthogonal_procrustes(source, target)[0], atol=1e-6)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(7), atol=1e-6)


def test_a_rotated_model_comes_back_and_the_words_that_moved_are_found(models):
    first, second = models
    found = align(first, second)
    assert found.words == WORDS
    moved = found.moved(2)
    assert {word.word for word in moved} == {WORDS[place] for place in MOVED}
    assert all(word.p > 0.05 for word in moved)
    kept = found.described(np.array([5]))[0]
    assert kept.p < 0.01
    assert kept.similarity > 0.98
    assert set(kept.neighbors_a[:3]) & set(kept.neighbors_b[:5])
    np.testing.assert_allclose(found.aligned()["ab"] @ first["ab"], np.linalg.norm(first["ab"]) ** 2, rtol=0.1)
    assert "only_here" in found.aligned()


def test_the_fit_is_better_than_chance_only_where_the_models_agree(models):
    first, second = models
    fit = align(first, second).fit()
    assert fit.similarity > 0.95
    assert fit.chance < 0.3
    assert fit.p == 0.05
    unrelated = WordVectors(first.vocabulary, np.random.default_rng(10).standard_normal((300, 12)).astype(np.float32))
    assert align(first, unrelated).fit().p > 0.05


def test_anchors_alone_determine_the_rotation(models):
    first, second = models
    anchors = [word for place, word in enumerate(WORDS[:150]) if place not in MOVED]
    found = align(first, second, anchors=[*anchors, "nowhere"])
    assert [found.words[place] for place in found.anchors] == anchors
    assert {word.word for word in found.moved(2)} == {WORDS[place] for place in MOVED}


def test_models_that_cannot_be_aligned_are_refused(models):
    first, _ = models
    short = WordVectors(first.vocabulary, np.ones((300, 3), np.float32))
    other = WordVectors(Vocabulary.from_words(["x1", "x2"]), np.ones((2, 12), np.float32))
    with pytest.raises(EmbeddingsError, match="12 and 3 dimensions"):
        align(first, short)
    with pytest.raises(EmbeddingsError, match="0 words in common"):
        align(first, other)
    with pytest.raises(EmbeddingsError, match="1 anchor in common"):
        align(first, first, anchors=["aa"])
    with pytest.raises(EmbeddingsError, match="two halves need 4 or more"):
        align(first, first, anchors=["aa", "ab", "ac"]).fit()


def test_the_command_prints_the_words_that_moved_and_writes_the_rotated_model(models, tmp_path):
    for name, model in zip("ab", models, strict=True):
        model.save(tmp_path / name)
    (tmp_path / "anchors.txt").write_text("\n".join(WORDS[:100]))
    out = tmp_path / "aligned"
    arguments = ["align", tmp_path / "a", tmp_path / "b", "--words", 2, "--anchors", tmp_path / "anchors.txt"]
    printed = command(*arguments).stdout
    assert WORDS[MOVED[0]] in printed
    made = json.loads(command(*arguments, "--out", out, "--json").stdout)
    assert {word["word"] for word in made["moved"]} == {WORDS[place] for place in MOVED}
    assert (made["common"], made["anchors"], made["out"]) == (300, 100, str(out))
    aligned = vecmill.load(out)
    assert float(aligned["ac"] @ models[0]["ac"]) > 0.9 * np.linalg.norm(aligned["ac"]) * np.linalg.norm(
        models[0]["ac"]
    )
    fails(1, "exists", *arguments, "--out", out)


def test_words_lie_on_an_axis_between_its_poles():
    matrix = np.float32([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [1, 1, 0]])
    vectors = WordVectors(Vocabulary.from_words(["good", "bad", "table", "nice"]), matrix)
    places = place_on_axis(vectors, ["good"], ["bad"], ["good", "bad", "table", "nice"])
    np.testing.assert_allclose(places, [1, -1, 0, 1 / np.sqrt(2)], atol=1e-6)
    assert not place_on_axis(vectors, ["good"], ["good"], ["nice"]).any()
    with pytest.raises(ValueError, match="no words"):
        place_on_axis(vectors, [], ["bad"], ["nice"])
    with pytest.raises(KeyError, match="badly"):
        place_on_axis(vectors, ["good"], ["badly"], ["nice"])
