"""Finished outputs of an earlier version are kept: the same command says so in one line and changes nothing."""

import hashlib
import json
from pathlib import Path

import pytest

from pipelines.running.manifest import Provenance
from tests.command_line import fails, vecmill

TEXT = "The king and the queen rule the old land.\nA dog and a cat sleep in the old house!\n" * 40
# config.json of `train-embeddings text.txt --out model --dimension 8 --epochs 1 --threads 1` in version 0.1.0, which
# had no tokenizer.normalize yet
OLD_CONFIG = """{
 "corpus": {"source": "text.txt", "field": "text", "column": "text"},
 "tokenizer": {"name": "fast", "lowercase": true, "punctuation": false, "fold_digits": false},
 "vocabulary": {"min_count": 5, "max_size": null},
 "train": {"architecture": "skip-gram", "dimension": 8, "window": 5, "dynamic_window": true, "negative": 5,
  "noise_exponent": 0.75, "sample": 0.001, "epochs": 1, "learning_rate": 0.025, "min_learning_rate": 0.0001,
  "negative_sharing": "window", "cbow_mean": true, "held_out": 0.01, "seed": 1, "deterministic": false, "threads": 1},
 "start": {"model": null},
 "checkpoint": {"every": "5m"}
}"""
COMMAND = ["train-embeddings", "text.txt", "--out", "model", "--dimension", 8, "--epochs", 1, "--threads", 1]
LM_COMMAND = ["train-lm", "text.txt", "--out", "lm", "--epochs", 1, "--threads", 1, "--hidden-size", 8]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text(TEXT, "utf-8")
    Path("run.toml").write_text('[corpus]\nsource = "text.txt"\n[train]\ndimension = 8\nepochs = 1\nthreads = 1\n')
    return tmp_path


def everything(folder):
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def without_normalize(settings):
    """Return settings as the earlier version had them."""
    if isinstance(settings, dict):
        return {key: without_normalize(value) for key, value in settings.items() if key != "normalize"}
    return settings


def age(directory, *, settings=True, code="0.1.0+0123456789ab", libraries=None):
    """Rewrite every manifest below a directory as another version would have written it."""
    for path in directory.rglob("manifest.json"):
        record = json.loads(path.read_text("utf-8"))
        for part in (record, *record["history"].values()):
            part["settings"] = without_normalize(part["settings"]) if settings else part["settings"]
            part["code"] = code or part["code"]
            part["libraries"] |= libraries or {}
        names = ("stage", "settings", "inputs", "code", "libraries")
        for name, entry in record["outputs"].items():  # of settings that were rewritten
            content = (path.parent / name).read_bytes()
            entry |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        record["fingerprint"] = Provenance(**{name: record[name] for name in names}).fingerprint
        path.write_text(json.dumps(record), "utf-8")


@pytest.mark.parametrize(("command", "out"), [(COMMAND, "model"), (LM_COMMAND, "lm")])
def test_a_finished_model_of_an_earlier_version_is_not_trained_again(folder, command, out):
    assert vecmill(*command).exit_code == 0
    config = folder / out / "config.json"
    config.write_text(OLD_CONFIG if out == "model" else json.dumps(without_normalize(json.loads(config.read_text()))))
    age(folder / out)
    before = everything(folder)
    fails(1, f"{out} exists and is finished; add --force", *command)
    fails(
        1,
        rf"{out} was made with other settings .*normalize: none before, nfc now.*--force",
        *command,
        "--skip-finished",
    )
    assert everything(folder) == before
    assert vecmill("status", out).exit_code == 0
    words = ["neighbors", out, "king"] if out == "model" else ["generate", out, "--length", 3]
    assert vecmill(*words).exit_code == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "changed"),
        ({"settings": False}, "the code changed"),
        ({"settings": False, "code": None, "libraries": {"numpy": "1.0"}}, "numpy changed"),
    ],
    ids=["version 0.1.0", "other code", "other library"],
)
def test_a_finished_run_of_an_earlier_version_is_not_trained_again(folder, changes, reason):
    assert vecmill("run", "run.toml", "--out", "run").exit_code == 0
    if not changes:
        Path("run/config.json").write_text(json.dumps(json.loads(OLD_CONFIG) | {"output": {"directory": None}}))
    age(folder / "run", **changes)
    before = everything(folder)
    fails(
        1,
        rf"run/train-embeddings is finished, but another version .*{reason}\); .*--force",
        "run",
        "run.toml",
        "-o",
        "run",
    )
    assert everything(folder) == before
    assert vecmill("run", "run.toml", "--out", "run", "--force", "train-embeddings").exit_code == 0
    assert "nothing to do" in vecmill("run", "run.toml", "--out", "run").stdout


@pytest.mark.parametrize("change", ["text", "setting"])
def test_a_changed_text_or_setting_trains_again_whatever_the_version(folder, change):
    assert vecmill("run", "run.toml", "--out", "run").exit_code == 0
    age(folder / "run")
    if change == "text":
        Path("text.txt").write_text(TEXT * 2, "utf-8")
    else:
        Path("run.toml").write_text(Path("run.toml").read_text().replace("epochs = 1", "epochs = 2"))
    assert "train-embeddings" in vecmill("run", "run.toml", "--out", "run").stdout


@pytest.mark.parametrize("unknown", [{"train": {"new": 1}}, {"corpus": {"new": 1}}, {"new": {"key": 1}}, {"export": 5}])
def test_settings_of_a_newer_version_are_named(folder, unknown):
    """Of a run, whose stages are compared with its settings, and of a model whose text is read again."""
    assert vecmill("run", "run.toml", "--out", "run", "--until", "tokenize").exit_code == 0
    [(section, table)] = unknown.items()
    path = folder / "run" / "config.json"
    settings = json.loads(path.read_text("utf-8"))
    added = {**settings.get(section, {}), **table} if isinstance(table, dict) else table
    path.write_text(json.dumps(settings | {section: added}), "utf-8")
    named = rf"{section}.*(is unknown to this version of vecmill; use the version that wrote it|expected a section)"
    fails(2, named, "status", "run")
    fails(2, named, "status", "run", "--json")


def test_a_model_of_a_newer_version_with_other_settings_of_its_text_is_named(folder):
    assert vecmill(*COMMAND).exit_code == 0
    path = folder / "model" / "config.json"
    settings = json.loads(path.read_text("utf-8"))
    settings["vocabulary"]["new"] = 1
    path.write_text(json.dumps(settings), "utf-8")
    fails(2, r"vocabulary\.new is unknown to this version", "train-count-based", "model", "--out", "counts")
