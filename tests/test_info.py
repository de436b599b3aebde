"""`vecmill info`: what a model is and how it was made, whatever kind of model it is."""

import json
import re
import shlex

import numpy as np
import pytest

from embeddings import Vocabulary, WordVectors, formats
from tests.command_line import fails, vecmill

TEXT = "The king and the queen rule the old land.\nA dog and a cat sleep in the old house!\n" * 60


def info(path):
    result = vecmill("info", path, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    (folder / "text.txt").write_text(TEXT)
    (folder / "run.toml").write_text(
        f'[corpus]\nsource = "{folder / "text.txt"}"\n[train]\ndimension = 6\nepochs = 1\nthreads = 1\n'
        "[lm_network]\nhidden_size = 6\n[lm_training]\nepochs = 1\nbatch_size = 4\n"
    )
    assert vecmill("run", folder / "run.toml", "-o", folder / "run", "--until", "train-lm").exit_code == 0
    return folder


def test_of_a_run_and_of_its_models(folder):
    run = info(folder / "run")
    vectors, model = run["word vectors"], run["language model"]
    assert vectors == info(folder / "run" / "train-embeddings")
    assert model == info(folder / "run" / "train-lm")
    assert (vectors["format"], vectors["dimension"], vectors["context vectors"]) == ("model", 6, "yes")
    assert vectors["settings"]["train"]["epochs"] == 1
    assert vectors["text"] == str(folder / "text.txt")
    assert (model["cell"], model["dimension"]) == ("lstm", 6)
    assert model["test perplexity"] > 1
    for part in (vectors, model):
        assert part["made (UTC)"].startswith("20")
        assert part["tokens"] == vectors["tokens"] > 1000
    shown = vecmill("info", folder / "run").stdout
    assert "train.epochs = 1" in shown
    assert "None" not in shown


@pytest.mark.parametrize("suffix", ["", ".txt", ".bin", ".npz", ".parquet", ".csv", ".vec", ".txt.gz"])
def test_of_vectors_of_any_format(suffix, tmp_path):
    path = tmp_path / f"vectors{suffix}"
    vectors = WordVectors(Vocabulary.from_words(["king", "queen", "man"]), np.eye(3, 4, dtype=np.float32))
    formats.write(vectors, path, format=None if suffix else "model")
    found = info(path)
    assert (found["words"], found["dimension"], found["counts"]) == (3, 4, "no")
    assert found["format"] == formats.guess_format(path)
    assert found["bytes"] > 0
    assert "3\n" in vecmill("info", path).stdout


def test_of_what_is_no_model(folder, tmp_path):
    fails(1, "no known format", "info", folder / "text.txt")
    fails(1, "there is no", "info", tmp_path / "nowhere")
    vecmill("run", folder / "run.toml", "-o", tmp_path / "begun", "--until", "encode")
    fails(1, "is a run without a finished model; see 'vecmill status", "info", tmp_path / "begun")


def test_a_command_in_a_message_has_quoted_paths(folder, tmp_path):
    begun = tmp_path / "Ann's first run"
    vecmill("run", folder / "run.toml", "-o", begun, "--until", "encode")
    see = re.escape(f"see 'vecmill status {shlex.quote(str(begun))}'")
    fails(1, see, "info", begun)
    fails(1, see, "neighbors", begun, "a")
    absent = tmp_path / "my settings.toml"
    fails(2, re.escape(f"'vecmill init --out {shlex.quote(str(absent))}'"), "run", absent)
