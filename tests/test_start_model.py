"""The pipeline goes on from a model: what is recorded, and what is noticed."""

import json

import numpy as np
import pytest

from embeddings import Vocabulary, WordVectors
from embeddings.errors import EmbeddingsError
from pipelines.console.progress import LogProgress
from pipelines.running.make import is_made, make
from pipelines.settings.config import ConfigError, Setting, load_config
from pipelines.stage_lists import embedding_stages
from vecmill.errors import OutputError


@pytest.fixture
def old(tmp_path):
    generator = np.random.default_rng(2)
    vocabulary = Vocabulary.from_counts({"sun": 9, "moon": 7, "quark": 3})
    matrix, context = generator.normal(size=(2, 3, 8)).astype(np.float32)
    WordVectors(vocabulary, matrix, context).save(tmp_path / "old")
    return tmp_path / "old"


def settings(tmp_path, old, **more):
    (tmp_path / "text.txt").write_text("the sun and the moon and the star\n" * 50, "utf-8")
    given = {"corpus.source": str(tmp_path / "text.txt"), "start.model": str(old), "train.dimension": 8} | more
    return load_config(options={name: Setting(value, f"--{name}") for name, value in given.items()})


def train_embeddings(config, out):
    return make(out, embedding_stages(config), config.result_settings(), force=False, progress=LogProgress())


def is_finished(config, out):
    return is_made(out, embedding_stages(config), config.result_settings())


def test_words_vectors_learning_rate_and_hash_of_the_old_model(tmp_path, old):
    config = settings(tmp_path, old)
    manifest = train_embeddings(config, tmp_path / "out")
    vectors, before = WordVectors.load(tmp_path / "out"), WordVectors.load(old)
    assert set(vectors.words) == {"sun", "moon", "quark", "the", "and", "star"}
    np.testing.assert_array_equal(vectors["quark"], before["quark"])
    assert not np.array_equal(vectors["sun"], before["sun"])
    assert manifest.history["vocabulary"]["summary"] == {"words": 6, "new words": 3, "distinct words": 5}
    assert len(manifest.provenance.inputs["start"].split()) == 3
    written = json.loads((tmp_path / "out" / "config.json").read_text("utf-8"))
    assert written["train"]["learning_rate"] == manifest.summary["learning rate"] == 0.016


def test_a_changed_model_is_noticed_and_the_time_between_checkpoints_is_not(tmp_path, old):
    train_embeddings(settings(tmp_path, old), tmp_path / "out")
    assert is_finished(settings(tmp_path, old, **{"checkpoint.every": "90s"}), tmp_path / "out")
    np.save(old / "context.npy", np.zeros((3, 8), np.float32))
    with pytest.raises(OutputError, match="the model given with --start-from has changed"):
        is_finished(settings(tmp_path, old), tmp_path / "out")


def test_a_model_that_is_not_there_or_has_another_dimension_is_named_before_anything_is_read(tmp_path, old):
    for config, message in (
        (settings(tmp_path, tmp_path / "nowhere"), "nowhere"),
        (settings(tmp_path, old, **{"train.dimension": 20}), "have 8 dimensions, and dimension is 20"),
    ):
        with pytest.raises(EmbeddingsError, match=message):
            train_embeddings(config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_span_of_time_that_is_none_is_named_with_its_place(tmp_path, old):
    with pytest.raises(ConfigError, match=r"--checkpoint.every: every: 'soon' is not a duration"):
        settings(tmp_path, old, **{"checkpoint.every": "soon"})
