"""`vecmill verify` of everything that commands and methods write: each damaged file is listed, whatever holds it."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import vecmill as vecmill_api
from embeddings.language_model.adaptation import ADAPTATION_FILES, Adaptation
from embeddings.language_model.dynamic_evaluation import DynamicSettings
from pipelines.console.progress import LogProgress
from pipelines.running import verification
from pipelines.running.verification import verify
from tests.command_line import fails, vecmill
from tests.manifests import make_manifest
from tests.small_language_model import make_model

TRIAL = {"number": 0, "status": "finished", "settings": {"train.epochs": 5}, "score": 0.5, "seconds": 1.5}
PAIRS = "".join(f"a{i}\tb{i}\t{i}\n" for i in range(10))


def problems(directory):
    found = json.loads(vecmill("verify", directory, "--json").stdout)["problems"]
    return [(problem["path"], problem["kind"]) for problem in found]


def make_run(directory, *stages):
    """Write a run whose stages have a file each."""
    directory.mkdir(parents=True)
    (directory / "config.json").write_text('{"corpus": {}, "output": {}}')
    for stage in stages:
        (directory / stage).mkdir()
        (directory / stage / "out.txt").write_text(f"{stage} of {directory.name}")
        make_manifest(directory / stage, stage=stage).write(directory / stage)


def make_sweep(directory):
    """Write a sweep of three jobs, of which one has only begun and two share a stage."""
    for folder in ("settings", "logs"):
        (directory / folder).mkdir(parents=True)
    for job in ("a", "b", "begun"):
        (directory / "settings" / f"{job}.toml").write_text("")
    make_run(directory / "a", "fetch", "train")
    make_run(directory / "b", "train")
    shutil.copytree(directory / "a" / "fetch", directory / "b" / "fetch", copy_function=os.link)
    (directory / "begun").mkdir()
    (directory / "summary.csv").write_text("job,status\n")


@pytest.fixture
def sweep(tmp_path):
    make_sweep(tmp_path / "sweep")
    return tmp_path / "sweep"


@pytest.fixture
def search(tmp_path):
    directory = tmp_path / "search"
    make_sweep(directory / "trials")
    (directory / "evaluation").mkdir()
    (directory / "evaluation" / "mine-tune.tsv").write_text(PAIRS)
    (directory / "tuning.json").write_text("{}")
    (directory / "trials.jsonl").write_text(json.dumps(TRIAL) + "\n")
    (directory / "best.toml").write_text("[train]\nepochs = 5\n")
    (directory / "trials.png").write_bytes(b"")
    return directory


def test_all_jobs_of_a_sweep_are_verified(sweep):
    result = vecmill("verify", sweep)
    assert (result.exit_code, result.stdout) == (0, "4 files of 4 stages, 0.0 kB: all unchanged\n")
    (sweep / "a" / "train" / "out.txt").write_text("train of A")
    (sweep / "b" / "fetch" / "manifest.json").unlink()
    (sweep / "b" / "notes.txt").write_text("mine")
    (sweep / "c").mkdir()
    assert problems(sweep) == [
        ("a/train/out.txt", "damaged"),
        ("b/fetch/manifest.json", "missing"),
        ("b/notes.txt", "foreign"),
        ("c", "foreign"),
    ]


def test_a_file_that_jobs_share_is_read_once(sweep, monkeypatch):
    read = []
    digest = verification.file_digest
    monkeypatch.setattr(verification, "file_digest", lambda path, **how: read.append(path.name) or digest(path, **how))
    assert vecmill("verify", sweep).exit_code == 0
    assert len(read) == 3
    (sweep / "a" / "fetch" / "out.txt").write_text("fetch of A")
    assert problems(sweep) == [("a/fetch/out.txt", "damaged"), ("b/fetch/out.txt", "damaged")]


@pytest.mark.parametrize("damage", ["", "{", "[]"])
def test_settings_of_a_run_that_cannot_be_read_are_damaged(sweep, damage):
    (sweep / "a" / "config.json").write_text(damage)
    assert problems(sweep) == [("a/config.json", "damaged")]
    assert problems(sweep / "a") == [("config.json", "damaged")]
    (sweep / "a" / "config.json").unlink()
    assert problems(sweep) == [("a/config.json", "missing")]


def test_the_jobs_and_the_record_of_a_search_are_verified(search):
    assert vecmill("verify", search).stdout == "4 files of 4 stages, 0.0 kB: all unchanged\n"
    (search / "trials" / "a" / "train" / "out.txt").unlink()
    (search / "notes.txt").write_text("mine")
    assert problems(search) == [("notes.txt", "foreign"), ("trials/a/train/out.txt", "missing")]


DAMAGE = {
    "tuning.json": ["{", "[]", ""],
    "trials.jsonl": [
        "{",
        "[" * 100_000,
        *(json.dumps({**TRIAL, **change}) for change in ({"score": None}, {"score": float("nan")}, {"number": 3})),
        *(json.dumps({**TRIAL, **change}) for change in ({"settings": []}, {"seconds": "x"}, {"status": "done"})),
    ],
    "best.toml": ["[train", "epochs ="],
    "evaluation/mine-tune.tsv": ["", "a\tb\t1\na\tb\n"],
}


@pytest.mark.parametrize(("name", "damage"), [(name, damage) for name in DAMAGE for damage in DAMAGE[name]])
def test_a_damaged_record_of_a_search_is_named(search, name, damage):
    (search / name).write_text(damage)
    assert problems(search) == [(name, "damaged")]


# ------------------------------------------------------------------------------------ models without checksums


def test_a_language_model_that_was_saved_is_read(tmp_path):
    make_model(dtype=np.float32).save(tmp_path / "lm")
    result = vecmill("verify", tmp_path / "lm")
    assert result.stdout.startswith("3 files of 1 stage, ")
    assert result.stdout.endswith(": readable, without checksums to compare with\n")
    assert vecmill("status", tmp_path / "lm").exit_code == 0
    (tmp_path / "lm" / "model.safetensors").write_bytes(b"no")
    assert vecmill("verify", tmp_path / "lm").exit_code == 1


def test_documents_beside_words_are_read(tmp_path):
    texts = [f"the {word} and the {word} are here" for word in ("king", "queen", "man", "woman")] * 5
    vecmill_api.train_documents(texts, dimension=4, min_count=1, epochs=1).save(tmp_path / "model")
    assert vecmill("verify", tmp_path / "model").exit_code == 0
    place = tmp_path / "model" / "documents" / "vectors.npy"
    matrix = np.load(place)
    matrix[1] = np.inf
    np.save(place, matrix)
    assert problems(tmp_path / "model") == [("documents/vectors.npy", "damaged")]
    place.write_bytes(b"no array")
    assert vecmill("verify", tmp_path / "model").exit_code == 1


# ------------------------------------------------------------------------------------------- tuned language models


@pytest.fixture(params=["saved", "trained"])
def tuned(request, tmp_path):
    """A language model with what tune-lm adds to it, with a manifest and without."""
    model = make_model(dtype=np.float32)
    model.save(tmp_path / "lm")
    if request.param == "trained":
        make_manifest(tmp_path / "lm", stage="train-lm").write(tmp_path / "lm")
    rms = {name: np.ones_like(parameter.value) for name, parameter in model.trainable_parameters.items()}
    settings = DynamicSettings(learning_rate=0.1, decay=0.1, epsilon=0.1)
    Adaptation(dynamic=settings, rms=rms, validation={"file": "t"}).save(tmp_path / "lm")
    return tmp_path / "lm"


@pytest.mark.parametrize("name", ADAPTATION_FILES[:2])
def test_what_tune_lm_adds_is_verified(tuned, name):
    assert vecmill("verify", tuned).exit_code == 0
    whole = (tuned / name).read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"{}"):
        (tuned / name).write_bytes(damaged)
        assert problems(tuned) == [(name, "damaged")]
    (tuned / name).unlink()
    assert problems(tuned) == [(name, "missing")]


def test_what_is_nothing_of_these_is_refused(tmp_path):
    (tmp_path / "settings").mkdir()
    fails(1, "neither a run directory nor", "verify", tmp_path)
    (tmp_path / "tuning.json").write_text("{}")
    fails(1, "neither a run directory nor", "verify", tmp_path)
    with pytest.raises(vecmill_api.VecmillError, match="there is no"):
        verify(Path(tmp_path, "nowhere"), LogProgress())
