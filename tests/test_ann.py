"""Approximate neighbours: recall against exact search, files, and the error where usearch is missing."""

import sys

import numpy as np
import pytest

from embeddings.errors import EmbeddingsError
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.ann import NeighborIndex
from embeddings.vectors.word_vectors import WordVectors


def make(rows, dimension=16):
    matrix = np.random.default_rng(4).standard_normal((rows, dimension)).astype(np.float32)
    return WordVectors(Vocabulary.from_words([f"w{i}" for i in range(rows)], np.arange(rows, 0, -1)), matrix)


@pytest.fixture(scope="module")
def index():
    pytest.importorskip("usearch.index")
    return NeighborIndex.build(make(500), threads=1)


def test_nearly_all_neighbours_are_found(index):
    assert index.recall(range(200), topn=10) > 0.95
    ids, similarities = index.neighbors(["w3", "w7"], topn=5)
    exact_ids, exact = index.vectors.neighbors(["w3", "w7"], topn=5)
    np.testing.assert_array_equal(ids, exact_ids)
    np.testing.assert_allclose(similarities, exact, atol=1e-5)


def test_recall_counts_what_is_missed(index):
    class Half:
        """Finds only words with even ids."""

        def search(self, units, count):
            found = index._index.search(units, count)
            found.keys[found.keys % 2 == 1] = 10**6
            return found

    exact, _ = index.vectors.neighbors(range(100), topn=10)
    expected = (exact % 2 == 0).mean()
    assert NeighborIndex(index.vectors, Half()).recall(range(100), topn=10) == pytest.approx(expected, abs=0.05)


def test_shapes_of_few_words(index):
    assert index.neighbors([], topn=3)[0].shape == (0, 3)
    assert index.neighbors(["w1"], topn=3)[0].shape == (1, 3)
    small = NeighborIndex.build(make(3))
    ids, _ = small.neighbors(["w0", "w2"], topn=10)
    assert [sorted(row) for row in ids.tolist()] == [[1, 2], [0, 1]]
    with pytest.raises(ValueError, match="topn is 0"):
        index.neighbors(["w1"], topn=0)


def test_save_and_load(tmp_path, index):
    index.save(tmp_path / "words.usearch")
    loaded = NeighborIndex.load(tmp_path / "words.usearch", index.vectors)
    np.testing.assert_array_equal(loaded.neighbors(["w3"], 5)[0], index.neighbors(["w3"], 5)[0])
    assert [path.name for path in tmp_path.iterdir()] == ["words.usearch"]


def test_indexes_of_other_vectors_and_other_files_are_refused(tmp_path, index):
    index.save(tmp_path / "words.usearch")
    with pytest.raises(EmbeddingsError, match="indexes 500 vectors of 16 dimensions, the model has 400"):
        NeighborIndex.load(tmp_path / "words.usearch", make(400))
    (tmp_path / "text").write_text("not an index " * 100)
    for name in ("text", "missing"):
        with pytest.raises(EmbeddingsError, match="not a"):
            NeighborIndex.load(tmp_path / name, index.vectors)


def test_without_usearch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(EmbeddingsError, match=r"pip install 'vecmill\[ann\]'"):
        NeighborIndex.build(make(5))
