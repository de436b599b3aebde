"""What is refused before the first stage leaves nothing: no directory, no lock, and what was there as it was."""

import errno
import importlib
import json
import os
from pathlib import Path

import pytest

from tests.command_line import vecmill

TEXT = "The king and the queen rule the old land.\nA dog and a cat sleep in the old house!\n" * 40
QUICK = {"train": {"dimension": 8, "epochs": 1, "threads": 1}}

RUN = [  # settings of `vecmill run`, what the error says
    ({"export": {"formats": ["static-embedding"]}, "tokenizer": {"name": "nltk:treebank"}}, "static-embedding"),
    ({"export": {"formats": ["word2vec"]}}, "is none of"),
    ({"export": {"formats": ["glove"], "float16": True}}, "float16"),
    ({"evaluate": {"data": ["nothing-like-this"]}}, "nothing-like-this"),
    ({"evaluate": {"data": ["text.txt", ""]}}, "data: a name is empty"),
    ({"tokenizer": {"name": "nltk:nothing"}}, "nltk"),
    ({"corpus": {"source": "absent.txt"}}, "absent.txt"),
    ({"corpus": {"source": ""}}, "the name of the corpus is empty"),
    ({"corpus": {"source": ["text.txt", ""]}}, "the name of the corpus is empty"),
    ({"start": {"model": "absent"}}, "absent"),
    ({"start": {"model": ""}}, "model is empty"),
    ({"lm": {"enabled": True, "embeddings": ""}}, "embeddings is empty"),
    ({"lm": {"enabled": True, "embeddings": "text.txt"}}, "no known format of word vectors"),
    ({"train": {"dimension": 0}}, "dimension"),
    ({"train": {"dimensoin": 8}}, "dimension"),
]
TEXTS = [  # those that are found to be none when they are read
    ({"corpus": {"source": "noise.txt"}}, "noise.txt"),
    ({"corpus": {"source": "wide.txt"}}, "UTF-16"),
]
MODELS = [  # arguments of `train-embeddings` and `train-lm`
    (["absent.txt"], "absent.txt"),
    (["~nobody-here.txt"], "~nobody-here.txt"),
    (["noise.txt"], "noise.txt"),
    (["wide.txt"], "UTF-16"),
    (["text.txt", "--tokenizer", "nltk:nothing"], "nltk"),
    (["text.txt", "--threads", "0"], "threads"),
    (["text.txt", "--seed", "-1"], "seed is -1"),
]
EMBEDDINGS = [
    (["text.txt", "--start-from", "absent"], "absent"),
    (["text.txt", "--start-from", "lm"], "lm is a language model, expected word vectors"),
    (["text.txt", "--start-from", "~nobody-here/x"], "~nobody-here/x"),
    (["text.txt", "--start-from", "model", "--dimension", "9"], "dimension"),
]
LANGUAGE_MODEL = [
    (["text.txt", "--embeddings", "absent"], "absent"),
    (["text.txt", "--embeddings", "~nobody-here/x"], "~nobody-here/x"),
    (["text.txt", "--embeddings", "text.txt"], "no known format of word vectors"),
    (["text.txt", "--embeddings", "broken.txt"], "broken.txt"),
    (["text.txt", "--embeddings", "lm"], "lm is a language model, expected word vectors"),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    (folder / "text.txt").write_text(TEXT, "utf-8")
    options = ["--dimension", 8, "--epochs", 1, "--threads", 1, "--min-count", 1]
    assert vecmill("train-embeddings", folder / "text.txt", "--out", folder / "model", *options).exit_code == 0
    return folder / "model"


@pytest.fixture
def folder(tmp_path, monkeypatch, model):
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text(TEXT, "utf-8")
    Path("wide.txt").write_text(TEXT, "utf-16")
    Path("noise.txt").write_bytes(bytes(range(256)) * 40)
    Path("broken.txt").write_text("2 2\nking 1 2\nqueen 1 x\n", "utf-8")
    Path("model").symlink_to(model)
    Path("lm").mkdir()
    Path("lm", "language_model.json").write_text("{}", "utf-8")
    return tmp_path


def everything(folder):
    """Return the content of every file below a folder, None for a directory."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def refusal(*arguments):
    """Run a command that must fail with one line; return the line."""
    result = vecmill(*arguments)
    errors = [line for line in result.stderr.splitlines() if "error: " in line or "Error: " in line]
    assert (result.exit_code in (1, 2), len(errors)) == (True, 1), result.output
    return errors[0]


def toml(settings):
    sections = []
    for name, keys in settings.items():
        lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        sections += [f"[{name}]", *lines]
    return "\n".join(sections) + "\n"


@pytest.mark.parametrize("out", ["new/deeper/out", "empty"])
@pytest.mark.parametrize(("settings", "message"), [*RUN, *TEXTS], ids=str)
def test_a_refused_run_leaves_nothing(folder, out, settings, message):
    Path("empty").mkdir()
    Path("run.toml").write_text(toml({"corpus": {"source": "text.txt"}, **QUICK, **settings}), "utf-8")
    before = everything(folder)
    assert message in refusal("run", "run.toml", "--out", out)
    assert everything(folder) == before


@pytest.mark.parametrize(("settings", "message"), RUN, ids=str)
def test_a_dry_run_is_refused_as_the_run_would_be(folder, settings, message):
    Path("run.toml").write_text(toml({"corpus": {"source": "text.txt"}, **QUICK, **settings}), "utf-8")
    before = everything(folder)
    assert message in refusal("run", "run.toml", "--out", "out", "--dry-run")
    assert everything(folder) == before


def test_a_dry_run_needs_no_network(folder, monkeypatch):
    monkeypatch.setenv("VECMILL_CACHE", str(folder / "cache"))
    monkeypatch.setattr(importlib.import_module("corpora.catalog"), "download", lambda *_: 1 / 0)
    settings = {"corpus": {"source": ["text8", "text.txt"]}, "evaluate": {"data": ["wordsim-353"]}}
    Path("run.toml").write_text(toml(settings), "utf-8")
    result = vecmill("run", "run.toml", "--out", "out", "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("out", ["new/deeper/out", "empty"])
@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        *(("train-embeddings", *case) for case in (*MODELS, *EMBEDDINGS)),
        *(("train-lm", *case) for case in (*MODELS, *LANGUAGE_MODEL)),
    ],
    ids=str,
)
def test_a_refused_training_leaves_nothing(folder, out, command, arguments, message):
    Path("empty").mkdir()
    before = everything(folder)
    assert message in refusal(command, *arguments, "--out", out)
    assert everything(folder) == before


def test_a_refused_run_keeps_the_settings_and_stages_of_an_earlier_one(folder):
    Path("run.toml").write_text(toml({"corpus": {"source": "text.txt"}, **QUICK}), "utf-8")
    assert vecmill("run", "run.toml", "--out", "out", "--until", "tokenize").exit_code == 0
    before = everything(folder / "out")
    for change in ("export.formats=['word2vec']", "evaluate.data=['nothing-like-this']"):
        refusal("run", "run.toml", "--out", "out", "--set", change)
    assert everything(folder / "out") == before


def test_a_refused_training_keeps_unfinished_work_also_with_force(folder, monkeypatch):
    options = ["text.txt", "--out", "out", "--dimension", 8, "--epochs", 1, "--threads", 1]
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.stages.train.TrainEmbeddingsStage.run", lambda *_: 1 / 0)
        assert vecmill("train-embeddings", *options).exit_code == 1
    before = everything(folder)
    assert any(".out.work" in name for name in before)
    assert "nltk" in refusal("train-embeddings", *options, "--force", "--tokenizer", "nltk:nothing")
    assert everything(folder) == before


def test_a_text_may_be_a_file_url(folder):
    options = ["--dimension", 8, "--epochs", 1, "--threads", 1]
    result = vecmill("train-embeddings", (folder / "text.txt").as_uri(), "--out", "out", *options)
    assert result.exit_code == 0, result.output


def test_a_current_directory_that_was_removed_is_named(folder, monkeypatch):
    Path("gone").mkdir()
    monkeypatch.chdir("gone")
    Path("../gone").rmdir()
    for command in ("train-embeddings", "ngram", "train-documents"):
        message = refusal(command, folder / "text.txt", "--out", "out")
        assert "the current directory was removed; change to another one" in message
    monkeypatch.chdir(folder)


def test_too_little_memory_is_named(folder, monkeypatch):
    def none_left(*_):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr("pipelines.stages.train.TrainEmbeddingsStage.run", none_left)
    assert "not enough memory" in refusal("train-embeddings", "text.txt", "--out", "out")


def test_what_a_cut_left_half_written_in_a_finished_run_is_removed(folder):
    Path("run.toml").write_text(toml({"corpus": {"source": "text.txt"}, **QUICK}), "utf-8")
    assert vecmill("run", "run.toml", "--out", "out").exit_code == 0
    before = everything(folder / "out")
    for name in ("..hashes.json.partial", ".config.json.partial", "..train-embeddings.progress.json.partial"):
        Path("out", name).write_bytes(bytes(9))
    assert vecmill("run", "run.toml", "--out", "out").exit_code == 0
    assert everything(folder / "out").keys() == before.keys()
