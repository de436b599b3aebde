"""The stages of the embedding pipeline: each alone, with what the earlier ones left."""

import json

import numpy as np
import pytest

from embeddings import EncodedCorpus, Vocabulary, WordVectors
from embeddings.word2vec.config import DEFAULT_LEARNING_RATE
from pipelines.console.progress import LogProgress
from pipelines.running.runner import Runner
from pipelines.running.stage import StageContext
from pipelines.settings.config import PipelineConfig, Setting, load_config
from pipelines.stage_lists import embedding_stages

TEXT = "one two two\nthree three three\n\nONE two, three!\n" * 20


class Seen:
    """Progress that remembers what it was told."""

    def __init__(self):
        self.tasks = []

    def task(self, title, total):
        return self

    def __enter__(self):
        return lambda done, *_, **__: self.tasks.append(done)

    def __exit__(self, *_):
        pass


def make_config(source, **options):
    options = {"train.dimension": 8, "train.epochs": 1, "train.threads": 1, "corpus.source": str(source)} | options
    return load_config(None, {name: Setting(value, name) for name, value in options.items()})


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture
def root(tmp_path):
    directory = tmp_path / "work"
    directory.mkdir()
    return directory


def run(root, config, progress=None):
    progress = progress or LogProgress()
    return Runner(root, embedding_stages(config), progress).run()


def test_the_stages_come_in_the_order_of_the_data(text):
    stages = embedding_stages(make_config(text))
    assert [stage.name for stage in stages] == ["fetch", "tokenize", "vocabulary", "encode", "train-embeddings"]
    done = set()
    for stage in stages:
        assert set(stage.inputs) <= done
        done.add(stage.name)
        assert json.loads(json.dumps(stage.settings)) == stage.settings


def test_what_the_stages_leave_fits_together(text, root):
    manifests = run(root, make_config(text))
    vocabulary = Vocabulary.load(root / "vocabulary" / "vocabulary.tsv")
    assert dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)) == {"three": 80, "two": 60, "one": 40}
    corpus = EncodedCorpus.open(root / "encode")
    assert corpus.token_count == 180
    assert corpus.sentence_count == 60
    vectors = WordVectors.load(root / "train-embeddings")
    assert vectors.matrix.shape == (3, 8)
    assert np.isfinite(vectors.matrix).all()
    assert manifests["encode"].summary["tokens"] == 180
    assert manifests["vocabulary"].summary["words"] == 3


@pytest.mark.parametrize(
    ("change", "rerun"),
    [
        ({"train.seed": 2}, ["train-embeddings"]),
        ({"vocabulary.min_count": 50}, ["vocabulary", "encode", "train-embeddings"]),
        ({"vocabulary.min_count": 7}, ["vocabulary"]),  # keeps the same words
        ({"tokenizer.punctuation": True}, ["tokenize", "vocabulary", "encode", "train-embeddings"]),
        ({"train.threads": 2}, []),
    ],
)
def test_a_setting_reruns_the_stages_that_depend_on_it(text, root, caplog, change, rerun):
    run(root, make_config(text))
    caplog.clear()
    caplog.set_level("INFO")
    run(root, make_config(text, **change))
    assert [record.args[0] for record in caplog.records if record.msg.startswith("%s: done")] == rerun


def test_changed_text_is_noticed(text, root):
    before = run(root, make_config(text))["fetch"]
    text.write_text(TEXT + "four four four four four\n")
    after = run(root, make_config(text))["fetch"]
    assert before.provenance.inputs["corpus"] != after.provenance.inputs["corpus"]
    assert "four" in Vocabulary.load(root / "vocabulary" / "vocabulary.tsv")


def test_tokenizing_and_training_report_progress(text, root):
    progress = Seen()
    run(root, make_config(text), progress)
    assert len(text.read_bytes()) in progress.tasks
    assert 180 in progress.tasks or max(progress.tasks[-5:]) > 0


def test_the_effective_configuration_lies_beside_the_vectors(text, root):
    config = make_config(text, **{"train.architecture": "cbow"})
    run(root, config)
    settings = json.loads((root / "train-embeddings" / "config.json").read_text())
    assert settings == config.to_dict()
    assert settings["train"]["learning_rate"] == DEFAULT_LEARNING_RATE["cbow"]
    assert set(settings) == set(PipelineConfig().to_dict())


def test_warnings_about_the_text_reach_the_manifest(tmp_path, root):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "good.txt").write_text(TEXT)
    (tmp_path / "texts" / "program.bin").write_bytes(b"\x7fELF\x00\x00\x01" * 100)
    manifests = run(root, make_config(tmp_path / "texts"))
    assert sum(manifests["tokenize"].summary["warnings"].values()) == 1


def test_a_context_holds_directories(tmp_path):
    context = StageContext(inputs={"one": tmp_path}, checkpoint=tmp_path, progress=LogProgress())
    with pytest.raises(AttributeError):
        context.checkpoint = tmp_path / "other"
