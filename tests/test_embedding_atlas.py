"""The table for Embedding Atlas, read back by pandas: its columns are those that the tool documents."""

import json

import numpy as np
import pandas as pd
import pytest

from embeddings import Vocabulary, WordVectors
from embeddings.vectors.word_map import make_word_map
from tests.command_line import fails, vecmill

WORDS = ["</b>\u2028", "naïve", *(f"w{number}" for number in range(38))]


@pytest.fixture(scope="module")
def vectors():
    matrix = np.random.default_rng(5).standard_normal((40, 6)).astype(np.float32)
    return WordVectors(Vocabulary.from_words(WORDS, range(140, 100, -1)), matrix)


@pytest.fixture(scope="module")
def model(vectors, tmp_path_factory):
    path = tmp_path_factory.mktemp("atlas") / "model"
    vectors.save(path)
    return path


def test_pandas_reads_words_places_and_neighbours(vectors, model, tmp_path):
    out = tmp_path / "a map.parquet"
    result = vecmill("export", model, "--format", "embedding-atlas", "--out", out)
    assert result.exit_code == 0, result.output
    command = f"embedding-atlas '{out}' --text word --x x --y y --neighbors neighbors"
    assert command in " ".join(result.stdout.split())
    table = pd.read_parquet(out)
    layout = make_word_map(vectors)
    assert list(table) == ["word", "count", "x", "y", "cluster", "neighbors"]
    assert table["word"].tolist() == WORDS
    assert table["count"].tolist() == list(range(140, 100, -1))
    np.testing.assert_array_equal(table[["x", "y"]], layout.positions)
    assert table["cluster"][0] == ", ".join(layout.cluster_names[layout.clusters[0]])
    for word, row in zip(WORDS, table["neighbors"], strict=True):
        nearest = vectors.most_similar(word, topn=10)
        assert [WORDS[number] for number in row["ids"]] == [found for found, _ in nearest]
        np.testing.assert_allclose(row["distances"], [1 - cosine for _, cosine in nearest], atol=1e-6)


def test_fewer_words_are_the_most_frequent_ones_and_their_own_neighbours(model, tmp_path):
    out = tmp_path / "few.parquet"
    call = ("export", model, "--format", "embedding-atlas", "--out", out, "--json")
    made = json.loads(vecmill(*call, "--prune", 8, "--prefix", 3).stdout)
    assert made == {"out": str(out), "words": 8, "method": "PCA", "bytes": out.stat().st_size}
    table = pd.read_parquet(out)
    assert table["word"].tolist() == WORDS[:8]
    assert all(sorted([own, *row["ids"]]) == list(range(8)) for own, row in enumerate(table["neighbors"]))
    fails(1, "exists; add --force", *call)
    assert json.loads(vecmill(*call, "--force").stdout)["words"] == 40


def test_counts_are_left_out_if_they_are_not_known(tmp_path, vectors):
    WordVectors(Vocabulary.from_words(WORDS), vectors.matrix).save(tmp_path / "model")
    out = tmp_path / "out.parquet"
    assert vecmill("export", tmp_path / "model", "--format", "embedding-atlas", "--out", out).exit_code == 0
    assert "count" not in pd.read_parquet(out)


@pytest.mark.parametrize(
    ("code", "message", "options"),
    [
        (2, "must end in .parquet", ("--out", "out.csv")),
        (2, "--float16 has no effect with --format embedding-atlas", ("--out", "out.parquet", "--float16")),
        (2, "leave --quantize out", ("--out", "out.parquet", "--quantize", "int8")),
        (1, "a map needs 3 words and 2 dimensions", ("--out", "out.parquet", "--prune", 2)),
    ],
)
def test_what_cannot_be_written_is_said(model, tmp_path, monkeypatch, code, message, options):
    monkeypatch.chdir(tmp_path)
    fails(code, message, "export", model, "--format", "embedding-atlas", *options)
    assert not list(tmp_path.iterdir())
