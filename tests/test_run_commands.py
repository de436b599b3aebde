"""`vecmill init`, `run`, `status` and `verify` as a user meets them."""

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest

from embeddings import Vocabulary, WordVectors
from embeddings.language_model.training_config import DEFAULT_LEARNING_RATES
from embeddings.word2vec.config import ARCHITECTURES, NEGATIVE_SHARING
from pipelines.running.directory_lock import DirectoryLock
from pipelines.settings.config import LM_SECTION_NAMES, SECTIONS
from pipelines.settings.config_template import TEMPLATE_VALUES, attribute_comments, config_template
from pipelines.settings.lm_settings import LM_SECTIONS
from pipelines.settings.run_config import build_run_config, load_run_config
from tests.command_line import fails, vecmill

TEXT = "The king and the queen rule the old land.\nA dog and a cat sleep in the old house!\n" * 40
STAGES = ["fetch", "tokenize", "vocabulary", "encode", "train-embeddings", "report"]


@pytest.fixture
def file(tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    path = tmp_path / "small.toml"
    path.write_text('[corpus]\nsource = "text.txt"\n[train]\ndimension = 8\nepochs = 2\nthreads = 1\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def finished(file):
    assert vecmill("run", file).exit_code == 0
    return file.parent / "runs" / "small"


def test_the_template_has_every_key_with_its_default_and_its_meaning(tmp_path):
    text = config_template()
    assert set(tomllib.loads(text)) == {*SECTIONS, *LM_SECTIONS}
    for name, kind in {**SECTIONS, **LM_SECTIONS}.items():
        for field in dataclasses.fields(kind):
            assert re.search(rf"^(# )?{field.name} = ", text, re.MULTILINE), (name, field.name)
            assert attribute_comments(kind)[field.name], (name, field.name)
    (tmp_path / "with.toml").write_text(text, "utf-8")
    with_all, defaults = load_run_config(tmp_path / "with.toml"), build_run_config({})
    assert with_all.embedding == defaults.embedding
    assert (with_all.evaluate, with_all.export, with_all.output) == (
        defaults.evaluate,
        defaults.export,
        defaults.output,
    )
    settings = with_all.to_dict()
    for name, value in TEMPLATE_VALUES.items():
        section, _, key = name.partition(".")
        assert settings[section][key] == value


def comments_of(text):
    """Return the comment above every key and every section; a key behind "# " is no comment."""
    comments, lines, section = {}, [], ""
    for line in text.splitlines():
        section = line if line.startswith("[") else section
        key = re.match(r"(?:# )?(\w+) = ", line)
        if key or line.startswith("["):
            comments[f"{section}{key[1]}" if key else section] = " ".join(lines)
            lines = []
        else:
            lines = [*lines, line.removeprefix("# ")] if line else []
    return comments


def test_every_comment_of_the_template_is_one_sentence_for_users_of_its_own():
    comments = comments_of(config_template())
    assert len(comments) == len({**SECTIONS, **LM_SECTIONS}) + sum(
        len(dataclasses.fields(kind)) for kind in {**SECTIONS, **LM_SECTIONS}.values()
    )
    assert len(set(comments.values())) == len(comments)
    for name, comment in comments.items():
        assert len(comment.split()) >= 4, name
        assert comment.endswith("."), name
        assert len(comment) <= 236, name  # two lines
        assert not re.search(r"\b[Ss]ee\b|\b(None|True|False)\b|`", comment), name
        names = set(re.findall(r"\b\w+_\w+\b|\b[a-z]\w*\.[a-z]\w+\b|\b[A-Z]?[a-z]+[A-Z][a-z]\w*", comment))  # of code
        assert names <= {"tie_weights"}, name


def test_a_comment_names_every_choice_of_its_setting():
    comments = comments_of(config_template())
    for name, kind in LM_SECTIONS.items():
        for key, hint in get_type_hints(kind).items():
            for choice in get_args(hint) if get_origin(hint) is Literal else ():
                assert f'"{choice}"' in comments[f"[{name}]{key}"], (name, key, choice)
    for choice in DEFAULT_LEARNING_RATES:
        assert f'"{choice}"' in comments["[lm_training]optimizer"]
    for key, choices in (("architecture", ARCHITECTURES), ("negative_sharing", NEGATIVE_SHARING)):
        for choice in choices:
            assert f'"{choice}"' in comments[f"[train]{key}"]


def test_no_key_of_the_preset_is_set_by_the_template():
    tables = tomllib.loads(config_template())
    given = {f"{name}.{key}" for name in LM_SECTION_NAMES[1:] for key in tables[name]}
    assert given == {name for name in TEMPLATE_VALUES if not name.startswith("lm.")}


def test_init_writes_a_file_and_never_over_another(tmp_path):
    path = tmp_path / "pipeline.toml"
    assert vecmill("init", "--out", path).exit_code == 0
    assert path.read_text("utf-8") == config_template()
    written = path.stat()
    assert vecmill("init", "--out", path).exit_code == 0  # the file is what was asked for
    assert path.stat() == written
    path.write_text("mine")
    fails(1, "exists and is not overwritten", "init", "--out", path)
    assert path.read_text() == "mine"


def test_a_run_makes_everything_and_a_second_one_says_that_there_is_nothing_to_do(file):
    first = vecmill("run", file)
    assert first.exit_code == 0, first.output
    assert f"ran {', '.join(STAGES)} in " in first.stdout
    directory = Path("runs/small")
    assert sorted(path.name for path in directory.iterdir() if not path.name.startswith(".")) == sorted(
        [*STAGES, "config.json"]
    )
    second = vecmill("run", file)
    assert second.stdout == f"nothing to do: all 6 stages in {directory} are unchanged\n"
    assert second.stderr.count("unchanged, skipped") == 6


def test_commands_take_the_directory_of_a_run(finished, file):
    directory = Path("runs/small")
    for command in (
        ["neighbors", directory, "king"],
        ["vector", directory, "king"],
        ["plot", directory, "--out", "p.svg"],
    ):
        result = vecmill(*command)
        assert result.exit_code == 0, result.output
    fails(1, "runs/small is a run without a finished stage train-lm", "generate", directory)


def test_a_run_names_the_next_command_and_set_replaces_no_finished_stage(file):
    assert re.search(r"\nNext: .* neighbors runs/small ", vecmill("run", file).stdout)
    kept = {path: path.read_bytes() for path in Path("runs/small").rglob("*.npy")}
    message = (
        "--set would replace finished stages in runs/small: train-embeddings, .*another --out.*--force train-embeddings"
    )
    fails(2, message, "run", file, "--set", "train.window=3")
    fails(2, message, "run", file, "--set", "train.window=3", "--out", "runs/small")
    assert kept == {path: path.read_bytes() for path in Path("runs/small").rglob("*.npy")}
    for _ in range(2):  # again, with the same settings
        assert vecmill("run", file, "--out", "there", "--set", "train.window=3").exit_code == 0
    Path("there/train-embeddings/vectors.npy").unlink()
    assert vecmill("run", file, "--out", "there", "--set", "train.window=3").exit_code == 0
    assert vecmill("run", file, "--set", "train.window=3", "--until", "encode").exit_code == 0  # replaces nothing
    forced = vecmill("run", file, "--set", "train.window=3", "--force", "train-embeddings")
    assert forced.exit_code == 0, forced.output


def test_where_settings_were_written_is_json_when_asked(tmp_path):
    out = tmp_path / "settings.toml"
    assert json.loads(vecmill("init", "-o", out, "--json").stdout) == {"out": str(out)}
    assert out.exists()


def test_a_dry_run_says_what_and_why(finished, file):
    result = vecmill("run", file, "--dry-run", "--set", "train.window=3")
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line for line in result.stdout.splitlines()[1:]}
    assert list(rows) == STAGES
    assert rows["encode"].split() == ["encode", "unchanged"]
    assert rows["train-embeddings"].endswith("would run  window changed")
    assert rows["report"].endswith("would run  if train-embeddings changes")
    as_json = json.loads(vecmill("run", file, "--dry-run", "--json").stdout)
    assert as_json == [{"stage": name, "run": False, "why": None} for name in STAGES]


def test_overrides_take_any_toml_value_and_plain_words(file):
    arguments = ["--set", "train.dimension=4", "--set", "train.architecture=cbow", "--set", "export.formats=['npz']"]
    result = vecmill("run", file, "--out", "there", "--json", *arguments)
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    assert made["stages"]["train-embeddings"]["summary"]["dimension"] == 4
    settings = json.loads(Path("there/config.json").read_text())
    assert (settings["train"]["architecture"], settings["export"]["formats"]) == ("cbow", ["npz"])


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("train.dimensoin=3", "--set train.dimensoin=3: unknown key 'dimensoin'.*did you mean 'dimension'"),
        ("trian.dimension=3", "unknown section .trian.; did you mean 'train'"),
        ("train.dimension=big", "dimension must be a whole number, got 'big'"),
        ("train.dimension=0", "dimension is 0; it must be from 1"),
        ("train.dimension", "expected section.key=value"),
        ("dimension=3", "expected section.key=value"),
        ("train.min_count=3", "min_count belongs under .vocabulary., not .train."),
    ],
)
def test_mistakes_in_overrides_are_named(file, assignment, message):
    fails(2, message, "run", file, "--set", assignment)


def test_without_a_file_the_way_to_one_is_named(tmp_path):
    fails(
        2,
        "there is no file .*nowhere.toml; 'vecmill init --out .*nowhere.toml' writes one",
        "run",
        tmp_path / "nowhere.toml",
    )


def test_status_of_a_finished_run_and_of_its_model(finished):
    status = json.loads(vecmill("status", finished, "--json").stdout)
    assert [stage["stage"] for stage in status["stages"]] == STAGES
    assert {stage["state"] for stage in status["stages"]} == {"finished"}
    assert (status["writer"], status["note"]) == (None, "")
    table = vecmill("status", finished / "train-embeddings").stdout.splitlines()
    assert [line.split()[:2] for line in table[1:]] == [[name, "finished"] for name in STAGES[:-1]]


def test_status_names_the_setting_that_makes_a_stage_stale(finished, file, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("embeddings.word2vec.model.Word2Vec.fit", interrupted)
    assert vecmill("run", file, "--set", "train.window=3", "--force", "train-embeddings").exit_code == 130
    shown = vecmill("status", finished, "--json")
    assert shown.exit_code == 1, "a stale stage is a problem"
    rows = {stage["stage"]: stage for stage in json.loads(shown.stdout)["stages"]}
    assert rows["encode"]["state"] == "finished"
    assert (rows["train-embeddings"]["state"], rows["report"]["state"]) == ("stale", "stale")
    assert rows["train-embeddings"]["detail"].startswith("window changed")
    assert rows["report"]["detail"] == "follows train-embeddings"


def test_status_of_a_damaged_stage_is_a_failure_and_of_an_unfinished_one_is_not(finished, file):
    assert vecmill("status", finished).exit_code == 0
    shutil.rmtree(finished / "report")
    assert vecmill("status", finished).exit_code == 0
    (finished / "encode" / "manifest.json").write_text("{")
    result = vecmill("status", finished)
    assert (result.exit_code, "damaged" in result.stdout) == (1, True)


@pytest.mark.parametrize("change", [lambda content: content + b"x", lambda content: content[:-1], lambda _: None])
@pytest.mark.parametrize("model", [".", "train-embeddings"])
def test_a_file_that_grew_or_shrank_or_is_gone_is_described_as_such(finished, change, model):
    path = finished / "train-embeddings" / "vectors.npy"
    content = change(path.read_bytes())
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    result = vecmill("status", finished / model, "--json")
    rows = {stage["stage"]: stage for stage in json.loads(result.stdout)["stages"]}
    assert rows["train-embeddings"]["detail"] == "vectors.npy is missing or its size has changed"
    assert rows["train-embeddings"]["state"] == ("stale" if model == "." else "damaged")
    assert result.exit_code == 1


def test_status_verify_and_plot_take_vectors_that_were_saved_alone(tmp_path):
    pytest.importorskip("matplotlib")
    saved = tmp_path / "saved"
    words = Vocabulary.from_words(["king", "queen", "man"], [5, 3, 1])
    WordVectors(words, np.eye(3, dtype=np.float32)).save(saved)
    result = vecmill("status", saved)
    assert (result.exit_code, "without a record" in result.stdout) == (0, True)
    result = vecmill("verify", saved)
    assert result.exit_code == 0
    assert result.stdout.startswith("2 files of 1 stage, ")
    assert result.stdout.endswith("readable, without checksums to compare with\n")
    result = vecmill("plot", saved, "-o", tmp_path / "plot.svg")
    assert result.exit_code == 0, result.output
    assert "3 words" in result.stdout
    matrix = np.eye(3, dtype=np.float32)
    matrix[1, 1] = np.nan
    np.save(saved / "vectors.npy", matrix)
    assert json.loads(vecmill("verify", saved, "--json").stdout)["problems"] == [
        {"path": "vectors.npy", "kind": "damaged"}
    ]
    (saved / "vectors.npy").write_bytes(b"not an array")
    assert vecmill("verify", saved).exit_code == 1


def test_status_tells_who_is_writing_and_how_far(finished):
    (finished / ".report.partial").mkdir()
    (finished / ".report.progress.json").write_text('{"title": "writing", "share": 0.43, "checkpoint": 0.4}')
    lock = DirectoryLock(finished, finished)
    lock.acquire()
    lock.record_owner()
    try:
        lines = vecmill("status", finished).stdout.splitlines()
    finally:
        lock.release()
    assert "running: writing, 43%, checkpoint at 40%" in lines[6]
    assert lines[7].startswith(f"being written by process {os.getpid()} on ")
    assert "being written" not in vecmill("status", finished).stdout


def test_status_when_the_text_is_gone_says_so(finished):
    Path("text.txt").unlink()
    status = json.loads(vecmill("status", finished, "--json").stdout)
    assert "'text.txt' does not exist" in status["note"]
    assert {stage["state"] for stage in status["stages"]} == {"finished"}


def test_status_and_verify_of_something_else_are_errors(tmp_path):
    for command in ("status", "verify"):
        fails(1, "neither a run directory nor", command, tmp_path)


@pytest.mark.parametrize("what", ["run", "model"])
def test_verify_finds_damaged_missing_and_foreign_files(finished, what):
    directory = finished if what == "run" else finished / "train-embeddings"
    assert vecmill("verify", directory).exit_code == 0
    model = finished / "train-embeddings"
    content = bytearray((model / "vectors.npy").read_bytes())
    content[200] ^= 1
    (model / "vectors.npy").write_bytes(content)
    (model / "metrics.jsonl").unlink()
    (model / "notes.txt").write_text("mine")
    result = vecmill("verify", directory, "--json")
    assert result.exit_code == 1
    prefix = "train-embeddings/" if what == "run" else ""
    assert json.loads(result.stdout)["problems"] == [
        {"path": f"{prefix}metrics.jsonl", "kind": "missing"},
        {"path": f"{prefix}notes.txt", "kind": "foreign"},
        {"path": f"{prefix}vectors.npy", "kind": "damaged"},
    ]


def test_verify_calls_what_it_may_not_read_unreadable(finished, monkeypatch):
    def denied(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pipelines.running.verification.file_digest", denied)
    result = vecmill("verify", finished / "train-embeddings")
    assert result.exit_code == 1
    assert "unreadable: vectors.npy" in result.stdout
    assert "damaged" not in result.stdout


def test_verify_names_a_damaged_manifest_and_what_does_not_belong_to_a_run(finished):
    (finished / "encode" / "manifest.json").write_text("{}")
    (finished / "notes.txt").write_text("mine")
    result = vecmill("verify", finished)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:2] == ["damaged: encode/manifest.json", "foreign: notes.txt"]


def test_a_run_that_was_killed_is_unfinished_and_goes_on(file, tmp_path):
    # so many epochs that it is killed in the middle, and so few in the second run that it ends
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "run", str(file)]
    long = subprocess.Popen([*command, "--set", "train.epochs=900000"], stderr=subprocess.DEVNULL)
    record = Path("runs/small/.train-embeddings.progress.json")
    while not (record.exists() and json.loads(record.read_text())["share"]):
        assert long.poll() is None
        time.sleep(0.05)
    running = vecmill("status", "runs/small").stdout
    long.send_signal(signal.SIGKILL)
    long.wait()
    assert "running: training skip-gram" in running
    assert f"being written by process {long.pid} " in running
    assert "unfinished: training skip-gram" in vecmill("status", "runs/small").stdout
    result = vecmill("run", file)
    assert result.exit_code == 0, result.output
    assert "was stopped before it finished" in result.stderr
    assert sorted(path.name for path in Path("runs/small").iterdir()) == sorted(
        [*STAGES, "config.json", ".hashes.json", ".lock"]
    )


def test_status_of_a_model_that_is_not_finished_yet(file, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("embeddings.word2vec.model.Word2Vec.fit", interrupted)
    assert vecmill("train-embeddings", "text.txt", "--out", "model", "--dimension", "8").exit_code == 130
    status = json.loads(vecmill("status", "model", "--json").stdout)
    states = {stage["stage"]: stage["state"] for stage in status["stages"]}
    assert states == {**dict.fromkeys(STAGES[:4], "finished"), "train-embeddings": "unfinished"}
    assert status["note"] == "not finished yet"


@pytest.mark.parametrize("damage", [None, "{", "[]", ""])
def test_a_run_whose_settings_are_lost_goes_on_and_writes_them_again(file, finished, damage):
    settings = finished / "config.json"
    before = settings.read_bytes()
    settings.unlink()
    if damage is not None:
        settings.write_text(damage)
    fails(1, "config.json, the settings of the run, is missing or damaged; repeat", "status", finished)
    result = vecmill("run", file)
    assert "nothing to do: all 6 stages" in result.stdout, result.output
    assert settings.read_bytes() == before
    assert vecmill("verify", finished).exit_code == 0


def test_a_run_that_fails_removes_no_files_of_a_run_whose_settings_are_lost(file, finished):
    for stage in STAGES[1:]:
        shutil.rmtree(finished / stage)
    (finished / "config.json").unlink()
    (finished / "notes.txt").write_text("mine")
    (file.parent / "text.txt").write_text("")
    assert vecmill("run", file).exit_code == 1
    assert (finished / "notes.txt").read_text() == "mine"
