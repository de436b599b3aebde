"""Every module is imported, and a pipeline run, without what only Unix has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import embeddings
from pipelines.console.progress import memory
from pipelines.running import manifest
from vecmill import files

ROOT = Path(embeddings.__file__).parents[1]
WITHOUT_UNIX = """
import importlib, os, pkgutil, signal, sys
import multiprocessing.util, subprocess  # the standard library has chosen its own branches by now
import filelock, fsspec, joblib, nltk, numba, numpy, pandas, platformdirs, pyarrow, requests, rich, scipy.sparse, typer
import threadpoolctl, zstandard  # and so have the libraries
ABSENT = ("resource", "fcntl", "pwd", "grp", "termios", "tty", "pty", "syslog")
for name in ABSENT:
    sys.modules[name] = None
NAMES = ("register_at_fork", "fork", "getuid", "geteuid", "uname", "getloadavg", "sysconf", "sched_getaffinity",
         "sched_setaffinity", "killpg", "setsid", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "chown", "mkfifo")
for name in NAMES:
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGKILL", "SIGALRM", "SIGUSR1", "SIGQUIT", "SIGPIPE"):
    if hasattr(signal, name):
        delattr(signal, name)
"""
IMPORT_ALL = """
import corpora, embeddings, pipelines, vecmill, vecmill.extras
sys.modules["ray"] = None  # needs the modules of Unix that are missing here
optional = {"umap", "usearch", "onnx", "onnxruntime", "torch", "matplotlib", "gensim", "starlette", "uvicorn"}
optional |= {"msgspec", "prometheus_client", "httptools", "uvloop", "ray", "icu4py", "sklearn", "ot"}
for package in (corpora, embeddings, pipelines, vecmill):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                if error.name not in optional:
                    raise
            except vecmill.extras.MissingExtraError:
                pass
"""
TRAIN = """
import pathlib
from pipelines.console.progress import LogProgress
from pipelines.stage_lists import embedding_stages
from pipelines.running.manifest import Manifest
from pipelines.running.runner import Runner
from pipelines.settings.config import Setting, load_config
options = {"corpus.source": sys.argv[1], "train.dimension": 8, "train.epochs": 1, "train.threads": 2}
config = load_config(None, {name: Setting(value, name) for name, value in options.items()})
work = pathlib.Path(sys.argv[2])
work.mkdir()
Runner(work, embedding_stages(config), LogProgress()).run()
cost = Manifest.read(work / "train-embeddings").cost
assert cost["peak_memory_bytes"] == 0
assert cost["cpu_seconds"] >= 0
"""


def run(code, *arguments):
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_every_module_is_imported_without_unix():
    run(WITHOUT_UNIX + IMPORT_ALL)


def test_word_vectors_are_trained_without_unix(tmp_path):
    (tmp_path / "text.txt").write_text("one two three\n" * 50)
    run(WITHOUT_UNIX + TRAIN, str(tmp_path / "text.txt"), str(tmp_path / "work"))


def test_costs_without_the_resource_module(monkeypatch):
    monkeypatch.setattr(manifest, "resource", None)
    assert manifest.Stopwatch().cost()["peak_memory_bytes"] == 0
    assert memory(0) == memory(None) == "unknown"
    assert memory(220 << 20) == "220 MiB"


def test_on_windows_files_are_flushed_as_writable_ones_and_directories_are_not(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("text")
    opened = []
    real_open = os.open

    def open_and_note(path, flags):
        opened.append((path.name, flags))
        return real_open(path, flags)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "open", open_and_note)
        patch.setattr(files.os, "name", "nt")
        files.flush(tmp_path)
        files.flush(tmp_path / "file")
    assert opened == [("file", os.O_RDWR)]


@pytest.mark.skipif(os.name == "nt", reason="tested above")
def test_elsewhere_directories_are_flushed_too(tmp_path, monkeypatch):
    opened = []
    real_open = os.open
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "open", lambda path, flags: opened.append(path) or real_open(path, flags))
        files.flush(tmp_path)
    assert opened == [tmp_path]
