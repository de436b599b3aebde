"""Sweeps: the grid and its errors, stages made once, failures that stay alone, and interruptions."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import zipf
from pipelines.batch import jobs as batch_module
from pipelines.batch.config import load_batch
from pipelines.batch.jobs import BatchRunner, JobState, link_stage, plan_batch
from pipelines.console.progress import LogProgress
from pipelines.settings.config import ConfigError
from pipelines.settings.run_config import load_run_config
from tests.command_line import fails, vecmill
from tests.manifests import make_manifest
from vecmill.errors import OutputError
from vecmill.files import read_json

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return tmp_path


def load(text):
    Path("jobs.toml").write_text(text)
    return load_batch(Path("jobs.toml"))


# ------------------------------------------------------------------------------------------------------------- grid


def test_lists_become_a_grid_in_which_the_last_changes_first(folder):
    found = load(
        "[base.train]\nepochs = 3\n[grid]\ntrain.dimension = [4, 8]\ncorpus.source = ['x/a.txt.gz', 'pydocs']\n"
    )
    assert [job.name for job in found.jobs] == [
        "dimension=4,source=a",
        "dimension=4,source=pydocs",
        "dimension=8,source=a",
        "dimension=8,source=pydocs",
    ]
    assert [job.config.embedding.train.dimension for job in found.jobs] == [4, 4, 8, 8]
    assert {job.config.embedding.train.epochs for job in found.jobs} == {3}
    assert found.jobs[0].varied == {"train.dimension": 4, "corpus.source": "x/a.txt.gz"}
    assert (found.settings.jobs, found.settings.directory) == (1, None)


@pytest.mark.parametrize(
    "text",
    [
        '[grid]\n"train.dimension" = [4, 8]\n"lm.seed" = [1]\n[base]\n"train.epochs" = 3\n',
        "[grid]\ntrain.dimension = [4, 8]\nlm.seed = [1]\n[base]\ntrain.epochs = 3\n",
        "[grid.train]\ndimension = [4, 8]\n[grid.lm]\nseed = [1]\n[base.train]\nepochs = 3\n",
    ],
)
def test_keys_may_be_spelt_as_for_set(folder, text):
    found = load(text)
    assert [job.name for job in found.jobs] == ["dimension=4,seed=1", "dimension=8,seed=1"]
    assert found.jobs[1].config.embedding.train.dimension == 8
    assert found.jobs[1].config.embedding.train.epochs == 3


def test_keys_of_one_name_are_told_apart_by_their_section(folder):
    found = load("[grid]\ntrain.epochs = [1]\nlm_training.epochs = [2]\n")
    assert found.jobs[0].name == "train.epochs=1,lm_training.epochs=2"
    assert found.jobs[0].config.lm.lm_training.epochs == 2


def test_the_settings_of_a_job_are_a_file_for_vecmill_run(folder):
    found = load(
        '[base.train]\nsample = 1e-05\ncbow_mean = false\n[base.corpus]\nsource = "köln \\"x\\".txt"\n'
        "[grid.export]\nformats = [['npz'], ['npz', 'glove']]\n"
    )
    assert [job.name for job in found.jobs] == ["formats=npz", "formats=npz+glove"]
    for job in found.jobs:
        Path("job.toml").write_text(job.to_toml())
        assert load_run_config(Path("job.toml")) == job.config
    assert tomllib.loads(found.jobs[1].to_toml())["corpus"]["source"] == 'köln "x".txt'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[base.train]\nepochs = 3\n", r"jobs\.toml: the grid is empty; write lists"),
        ("[grid.train]\n", "the grid is empty"),
        (
            "[grid.train]\ndimension = []\n",
            r"jobs\.toml:2: train\.dimension must be a list of values in \[grid\], got \[\]",
        ),
        (
            "[grid.train]\ndimension = 3\n",
            r"jobs\.toml:2: train\.dimension must be a list .*write a single value in \[base\]",
        ),
        ("[gird.train]\ndimension = [3]\n", r"jobs\.toml:1: unknown table 'gird'; did you mean 'grid'\?"),
        ("jobs = 3\n", r"jobs\.toml:1: unknown table 'jobs'"),
        (
            "[batch]\njbos = 3\n[grid.train]\nseed = [1]\n",
            r"jobs\.toml:2: unknown key 'jbos' in \[batch\]; did you mean 'jobs'\?",
        ),
        ("[batch]\njobs = 0\n[grid.train]\nseed = [1]\n", r"jobs\.toml:2: jobs must be at least 1, got 0"),
        (
            "[grid.train]\n\ndimensoin = [3]\n",
            r"jobs\.toml:3: unknown key 'dimensoin' in \[train\]; did you mean 'dimension'\?",
        ),
        (
            "[grid.train]\nseed = [1, 2]\ndimension = [3, 'x']\n",
            r"jobs\.toml:3: dimension must be a whole number, got 'x'",
        ),
        ("[base.trian]\nseed = 1\n", r"jobs\.toml:1: unknown section \[trian\]; did you mean 'train'\?"),
        ("[grid.corpus]\nsource = ['a/x.txt', 'b/x.txt']\n", "2 jobs would have the name 'source=x'"),
        ("[grid.train]\nseed = [1, 1]\n", "2 jobs would have the name 'seed=1'"),
        (
            f"[grid]\ntrain.seed = {list(range(101))}\ntrain.dimension = {list(range(1, 101))}\n",
            "10,100 jobs, expected at most",
        ),
        ("[grid.corpus]\nsource = ['-']\n", "can be read only once"),
        (
            '[grid]\n\n"train.dimensoin" = [3]\n',
            r"jobs\.toml:3: unknown key 'dimensoin' in \[train\]; did you mean 'dimension'\?",
        ),
        ('[grid]\n"trian.seed" = [3]\n', r"jobs\.toml:2: unknown section \[trian\]; did you mean 'train'\?"),
    ],
)
def test_errors_name_the_place_and_what_was_expected(folder, text, message):
    with pytest.raises(ConfigError, match=message):
        load(text)
    fails(2, message, "batch", "jobs.toml")


# ------------------------------------------------------------------------------------------------- made once, linked


def make_stage(directory, text="text"):
    directory.mkdir(parents=True)
    (directory / "out.txt").write_text(text)
    make_manifest(directory).write(directory)
    return directory


def test_a_finished_stage_is_linked_and_not_copied(tmp_path):
    finished = make_stage(tmp_path / "one" / "encode")
    (tmp_path / "two").mkdir()
    link_stage(finished, tmp_path / "two" / "encode")
    assert (tmp_path / "two" / "encode" / "out.txt").samefile(finished / "out.txt")
    assert [path.name for path in (tmp_path / "two").iterdir()] == ["encode"]


def test_where_links_cannot_be_made_it_is_copied(tmp_path, monkeypatch):
    def cross_device(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", cross_device)
    finished = make_stage(tmp_path / "one" / "encode")
    (tmp_path / "two").mkdir()
    link_stage(finished, tmp_path / "two" / "encode")
    assert not (tmp_path / "two" / "encode" / "out.txt").samefile(finished / "out.txt")
    assert (tmp_path / "two" / "encode" / "out.txt").read_text() == "text"


def test_what_is_there_already_is_kept_if_it_is_the_same_and_replaced_if_not(tmp_path):
    finished, there = make_stage(tmp_path / "one" / "encode"), make_stage(tmp_path / "two" / "encode", "mine")
    link_stage(finished, there)
    assert (there / "out.txt").read_text() == "mine"
    (there / "manifest.json").write_text("{")
    link_stage(finished, there)
    assert (there / "out.txt").read_text() == "text"


# A stand-in for `vecmill run`: makes directories of stages, tells what it made, fails where it is told to.
STAND_IN = """
import shutil, sys
from pathlib import Path
run, settings, _, out, *until = sys.argv[1:]
name = Path(settings).stem
stages = ["encode", "train", "lm"]
for stage in stages[: stages.index(until[1]) + 1] if until else stages:
    if (Path(out) / stage).exists():
        continue
    with open("made.txt", "a") as made:
        made.write(f"{name} {stage}\\n")
    if "bad" in name and stage == "train" or "worse" in name and stage == "encode":
        print('{"level": "ERROR", "message": "it went wrong"}', file=sys.stderr)
        sys.exit(1)
    shutil.copytree("stage", Path(out) / stage)
"""


def make_states(folder, recipes):
    jobs = load("[grid.train]\nseed = [1]\n").jobs
    return [
        JobState(
            job=type(jobs[0])(name=name, varied={}, given={}, config=jobs[0].config),
            directory=folder / "out" / name,
            recipes=dict(zip(("encode", "train", "lm"), chain.split(), strict=True)),
        )
        for name, chain in recipes.items()
    ]


def test_the_directory_may_begin_with_a_dash(folder, monkeypatch):
    monkeypatch.setattr(batch_module, "_POLL", 0.01)
    commands = []
    monkeypatch.setattr(batch_module.LOCAL, "start_job", lambda command, *_: commands.append(command) or Ended())
    states = make_states(Path("-jobs"), {"a": "e t l"})
    BatchRunner(Path("-jobs"), states, 1).run(LogProgress())
    assert commands[0][-4:-2] == ["run", "./-jobs/settings/a.toml"]


class Ended:
    def poll(self):
        return 0


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize(
    ("recipes", "made", "failed"),
    [
        ({"a": "e t l", "b": "e u m"}, ["a encode", "a train", "a lm", "b train", "b lm"], []),
        ({"a": "e t l", "b": "e t m"}, ["a encode", "a train", "a lm", "b lm"], []),
        ({"bad": "e t l", "b": "e u m"}, ["bad encode", "bad train", "b train", "b lm"], ["bad"]),
        ({"worse": "e t l", "b": "e u m"}, ["worse encode", "b encode", "b train", "b lm"], ["worse"]),
        (
            {"a": "e t l", "b": "f u m", "c": "f u n"},
            ["a encode", "a train", "a lm", "b encode", "b train", "b lm", "c lm"],
            [],
        ),
        ({"a": "e t l", "bad": "e t m"}, ["a encode", "a train", "a lm", "bad lm"], []),
    ],
)
def test_what_several_jobs_need_is_made_once(folder, monkeypatch, recipes, made, failed, slots):
    monkeypatch.setattr(batch_module, "_PROGRAM", ["-S", "-c", STAND_IN])
    monkeypatch.setattr(batch_module, "_POLL", 0.01)
    make_stage(folder / "stage")
    states = make_states(folder, recipes)
    BatchRunner(folder / "out", states, slots).run(LogProgress())
    assert sorted(Path("made.txt").read_text().splitlines()) == sorted(made)
    assert {state.job.name: state.reason for state in states if state.status == "failed"} == dict.fromkeys(
        failed, "it went wrong"
    )
    assert all(state.status in ("finished", "failed") for state in states)


def test_a_job_that_cannot_start_leaves_its_place_to_the_next(folder, monkeypatch, caplog):
    monkeypatch.setattr(batch_module, "_PROGRAM", ["-S", "-c", STAND_IN])
    monkeypatch.setattr(batch_module, "_POLL", 0.01)
    start, calls = subprocess.Popen, iter(range(9))

    def cannot_start_the_first(*arguments, **options):
        if next(calls) == 0:
            raise OSError(24, "Too many open files", "log")
        return start(*arguments, **options)

    monkeypatch.setattr(batch_module.subprocess, "Popen", cannot_start_the_first)
    make_stage(folder / "stage")
    states = make_states(folder, {"a": "e t l", "b": "f u m"})
    BatchRunner(folder / "out", states, 1).run(LogProgress())
    assert [state.status for state in states] == ["failed", "finished"]
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "a: failed: [Errno 24] Too many open files: 'log'"
    ]


def test_two_sweeps_in_one_directory(folder, monkeypatch):
    from pipelines.running.directory_lock import DirectoryLock

    (folder / "out").mkdir()
    lock = DirectoryLock(folder / "out", folder / "out")
    lock.acquire()
    lock.record_owner()
    with pytest.raises(OutputError, match=f"out is being written by process {os.getpid()} on"):
        BatchRunner(folder / "out", make_states(folder, {"a": "e t l"}), 1).run(LogProgress())
    lock.release()


# --------------------------------------------------------------------------------------------------------- the command

SWEEP = """
[batch]
jobs = 2
[base.vocabulary]
min_count = 2
[base.train]
epochs = 1
[grid]
corpus.source = ["good.txt", "poor.txt"]
train.dimension = [4, 8]
"""


@pytest.fixture
def sweep(folder):
    zipf.write(folder / "good.txt", 0.02, types=100)
    (folder / "poor.txt").write_text("nothing here is said twice\n")
    (folder / "jobs.toml").write_text(SWEEP)
    return folder


def test_a_dry_run_lists_the_jobs_and_makes_nothing(sweep):
    result = vecmill("batch", "jobs.toml", "--dry-run", "--json")
    rows = json.loads(result.stdout)
    assert [row["job"] for row in rows] == [
        f"source={name},dimension={size}" for name in ("good", "poor") for size in (4, 8)
    ]
    assert rows[1]["gets"] == ["fetch", "tokenize", "vocabulary", "encode"]
    assert rows[2]["gets"] == []
    assert "source=poor,dimension=8" in vecmill("batch", "jobs.toml", "--dry-run").stdout
    assert sorted(path.name for path in sweep.iterdir()) == ["good.txt", "jobs.toml", "poor.txt"]


def test_a_sweep_of_which_half_fails(sweep):
    result = vecmill("batch", "jobs.toml", "--out", "out")
    assert result.exit_code == 1, result.output
    for table in (pd.read_csv("out/summary.csv"), pd.read_parquet("out/summary.parquet")):
        assert table["status"].tolist() == ["finished", "finished", "failed", "failed"]
        assert table["train.dimension"].tolist() == [4, 8, 4, 8]
        assert (table["loss"][:2] > 0).all()
        assert (table["seconds"][:2] > 0).all()
        assert table["error"][2].startswith("no word reaches min_count=2")
    rows = Path("out/summary.csv").read_text().splitlines()
    header, first, bad = rows[0].split(","), next(csv.reader([rows[1]])), next(csv.reader([rows[3]]))
    place = header.index("words")
    assert first[place] == "100"
    assert bad[place] == ""
    for job in (0, 1):
        epochs = Path("out", f"source=good,dimension={[4, 8][job]}", "train-embeddings", "metrics.jsonl").read_text()
        seconds = json.loads(epochs.splitlines()[-1])["seconds"]
        assert pd.read_csv("out/summary.csv")["train_seconds"][job] == seconds, "compilation is no training"
    assert "all unchanged" in vecmill("verify", "out").stdout
    status = vecmill("status", "out")
    assert status.exit_code == 0
    assert [line.split()[:2] for line in status.stdout.splitlines()[1:]] == [
        ["source=good,dimension=4", "finished"],
        ["source=good,dimension=8", "finished"],
        ["source=poor,dimension=4", "unfinished:"],
        ["source=poor,dimension=8", "unfinished:"],
    ]
    found = json.loads(vecmill("status", "out", "--json").stdout)
    assert found["jobs"][2]["detail"].startswith("vocabulary")
    Path("out", "source=good,dimension=4", "encode", "manifest.json").write_text("{")
    assert vecmill("status", "out").exit_code == 1
    names = [f"source=good,dimension={size}" for size in (4, 8)]
    assert Path("out", names[0], "encode", "train-ids-0.npy").samefile(
        Path("out", names[1], "encode", "train-ids-0.npy")
    )
    assert json.loads(Path("out", names[1], "config.json").read_text())["train"]["dimension"] == 8
    assert re.search(r"source=good,dimension=4 +finished", result.stdout)
    logged = [json.loads(line) for line in result.stderr.splitlines()]  # nobody looks on
    failed = [record["message"] for record in logged if record["level"] == "ERROR"]
    assert [message.partition(": failed: no word")[0] for message in failed] == [
        f"source=poor,dimension={size}" for size in (4, 8)
    ]
    assert "out: " not in result.stdout
    assert plan_batch(load_batch(Path("jobs.toml")), Path("out"))[0].directory == Path("out", names[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_sweep_stops_its_jobs_which_keep_what_they_have(sweep, number):
    settings = SWEEP.replace('"good.txt", "poor.txt"', '"good.txt"').replace("[4, 8]", "[16]")
    (sweep / "jobs.toml").write_text(settings.replace("epochs = 1", "epochs = 30000\nthreads = 1"))
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "batch", "jobs.toml", "--out", "out"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    job = sweep / "out" / "source=good,dimension=16"
    deadline = time.monotonic() + 120
    while (read_json(job / ".train-embeddings.progress.json") or {}).get("share") is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == (130 if number == signal.SIGINT else -number), errors
    assert number == signal.SIGKILL or "repeat the command to resume" in errors
    while (job / ".owner.json").exists():  # the job of a sweep that was killed ends by itself
        assert time.monotonic() < deadline, "the job runs on"
        time.sleep(0.05)
    assert list(job.glob(".train-embeddings.checkpoint-*/*")), "no checkpoint was written"
    assert not (job / ".owner.json").exists(), "the job did not end in good order"
