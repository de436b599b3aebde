"""What cannot be printed is an error in every command that prints: exit code 1, and at most one line."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import vecmill
from pipelines.cli import main
from pipelines.commands import PLACES
from tests.command_line import vecmill as command
from tests.small_language_model import make_model

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

PRINTING = {  # a call of every command that prints a result
    "--version": [],
    "--help": [],
    "info": ["model"],
    "status": ["model"],
    "verify": ["model"],
    "corpora": ["list"],
    "init": ["--out", "OUT"],
    "run": ["run.toml", "--out", "OUT", "--dry-run"],
    "batch": ["batch.toml", "--dry-run"],
    "train-embeddings": ["text.txt", "--out", "OUT", "--min-count", "1", "--epochs", "1", "--dimension", "4"],
    "train-count-based": ["model", "--out", "OUT", "--dimension", "2"],
    "train-glove": ["text.txt", "--out", "OUT", "--min-count", "1", "--epochs", "1", "--dimension", "4"],
    "train-documents": ["text.txt", "--out", "OUT", "--min-count", "1", "--epochs", "1", "--dimension", "4"],
    "walks": ["edges.txt", "--out", "OUT"],
    "phrases": ["text.txt"],
    "neighbors": ["model", "cat"],
    "analogy": ["model", "cat", "dog", "the"],
    "vector": ["model", "cat"],
    "embed": ["model", "text.txt", "--out", "OUT", "--format", "npy"],
    "search": ["model", "text.txt", "a cat"],
    "infer": ["documents", "text.txt"],
    "score-sentences": ["tree", "text.txt"],
    "evaluate": ["model", "--data", "pairs.tsv"],
    "compare": ["model", "tree", "--data", "pairs.tsv"],
    "align": ["model", "tree"],
    "map": ["model", "--out", "OUT.html"],
    "export": ["model", "--format", "glove", "--out", "OUT"],
    "convert": ["model", "OUT", "--format", "glove"],
    "train-lm": ["text.txt", "--out", "OUT", "--epochs", "1", "--min-count", "1", "--hidden-size", "4"],
    "ngram": ["text.txt", "--out", "OUT", "--order", "2", "--min-count", "1"],
    "perplexity": ["lm", "text.txt"],
    "score": ["lm", "text.txt"],
    "generate": ["lm", "--length", "3"],
    "export-lm": ["lm", "--format", "safetensors", "--out", "OUT"],
}
QUICK = ["--version", "--help", "info", "corpora", "vector", "search", "walks", "score"]
"""Those that are tried with a full disk, and with a reader that has gone, too."""
SILENT = {
    "demo": "trains for minutes",
    "tune": "trains for minutes",
    "probe": "downloads its data",
    "serve": "does not end",
    "plot": "needs Matplotlib",
    "tune-lm": "tunes for half a minute",
}
"""Commands that are not tried here, and why."""

DRIVER = """
import json, os, sys
from pipelines.cli import app

def lose(how):
    if how == "closed":
        os.close(1)
        sys.stdout = sys.__stdout__ = None
        return
    if how == "full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    elif how == "no reader":
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 1)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)

for name, how, arguments in json.load(sys.stdin):
    if child := os.fork():
        os.waitpid(child, 0)
        continue
    os.dup2(os.open(f"{how} {name}.err", os.O_WRONLY | os.O_CREAT), 2)
    code = 0
    try:
        lose(how)
        app([name, *arguments], prog_name="vecmill")
    except SystemExit as end:
        code = end.code
    finally:
        with open(f"{how} {name}.code", "w") as file:
            file.write(str(code))
        os._exit(0)
"""
"""Runs calls in processes of their own, but imports the command line once."""

WAYS = {
    "closed": "error: standard output is closed; ",
    "full": "error: no space left for the output; free some space",
    "no reader": "",
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """By command and way to lose its output: exit code, and what stands on stderr."""
    folder = tmp_path_factory.mktemp("commands")
    texts = [" ".join(np.random.default_rng(i).permutation(["the", "cat", "sees", "a", "dog"])) for i in range(60)]
    settings = {"dimension": 4, "epochs": 1, "min_count": 1, "threads": 1}
    (folder / "text.txt").write_text("\n".join(texts) + "\n")
    (folder / "edges.txt").write_text("a b\nb c\n")
    (folder / "pairs.tsv").write_text("cat\tdog\t9\ncat\tthe\t1\ndog\ta\t2\n")
    (folder / "run.toml").write_text('[corpus]\nsource = "text.txt"\n')
    (folder / "batch.toml").write_text('[base.corpus]\nsource = "text.txt"\n[grid]\n"train.window" = [2, 3]\n')
    options = ["--dimension", 4, "--epochs", 1, "--min-count", 1, "--threads", 1]
    trained = command("train-embeddings", folder / "text.txt", "--out", folder / "model", *options)
    assert trained.exit_code == 0, trained.output
    vecmill.train(folder / "text.txt", **settings, hierarchical_softmax=True).save(folder / "tree")
    vecmill.train_documents(texts, **settings).save(folder / "documents")
    make_model(dtype=np.float32).save(folder / "lm")
    calls = [
        (name, how, [word.replace("OUT", f"{how} {name}.out") for word in arguments])
        for how in WAYS
        for name, arguments in PRINTING.items()
        if how == "closed" or (name in QUICK and (how != "full" or Path("/dev/full").exists()))
    ]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-c", DRIVER], cwd=folder, input=json.dumps(calls), text=True, env=environment, check=True
    )
    return {
        (name, how): (int((folder / f"{how} {name}.code").read_text()), (folder / f"{how} {name}.err").read_text())
        for name, how, _ in calls
    }


def test_every_command_is_tried_or_has_a_reason():
    assert set(PRINTING) - {"--version", "--help"} | set(SILENT) == set(PLACES)


@pytest.mark.parametrize(
    ("name", "how"), [(name, how) for how in WAYS for name in (QUICK if how != "closed" else PRINTING)]
)
def test_a_result_that_cannot_be_printed_is_an_error(ended, name, how):
    if (name, how) not in ended:
        pytest.skip("needs /dev/full")
    code, messages = ended[name, how]
    errors = [line for line in messages.splitlines() if line.startswith("error: ")]
    assert code == 1, messages
    assert len(errors) == bool(WAYS[how]), messages
    assert all(line.startswith(WAYS[how]) for line in errors)
    assert "Traceback" not in messages


def test_what_is_redirected_to_nothing_is_dropped():
    with contextlib.redirect_stdout(None), pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert sys.stdout is not None
