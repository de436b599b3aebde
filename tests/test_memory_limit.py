"""Below a limit on memory (ulimit -v, -d), a command ends with its result or with one line, and does not wait."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from embeddings import Vocabulary, WordVectors
from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.model import LanguageModel
from pipelines.cli import explain

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the address space")

WORDS = ["king", "queen", "man", "woman"]
COMMANDS = [
    ["neighbors", "vectors", "king"],
    ["embed", "vectors", "text.txt", "--out", "out.npy", "--force"],
    ["perplexity", "lm", "text.txt"],
    ["train-embeddings", "text.txt", "--out", "out", "--min-count", "1", "--force"],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    (folder / "text.txt").write_text("king queen man woman\n" * 50, "utf-8")
    matrix = np.random.default_rng(1).standard_normal((4, 8)).astype(np.float32)
    WordVectors(Vocabulary.from_words(WORDS), matrix).save(folder / "vectors")
    vocabulary = Vocabulary.from_words(["<unk>", "<eos>", *WORDS], range(6, 0, -1))
    model = LanguageModel(LanguageModelConfig(hidden_size=4, layers=1), vocabulary, rng=np.random.default_rng(0))
    model.save(folder / "lm")
    return folder


def run_below(mebibytes, folder, arguments, kind=resource.RLIMIT_AS):
    limit = mebibytes << 20
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "2", "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-m", "vecmill", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        preexec_fn=lambda: resource.setrlimit(kind, (limit, limit)),
    )


@pytest.mark.parametrize("mebibytes", [200, 400, 600])
@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_a_limit_below_what_the_libraries_take_is_one_line(folder, arguments, mebibytes):
    before = sorted(folder.rglob("*"))
    result = run_below(mebibytes, folder, arguments)
    lines = result.stderr.splitlines()
    assert (result.returncode, result.stdout, len(lines)) == (1, "", 1), result.stderr
    assert f"the limit on memory (ulimit -v) is {mebibytes} MiB" in lines[0]
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("mebibytes", [60, 100, 200])
def test_a_limit_on_data_is_named_as_one_on_the_address_space(folder, mebibytes):
    result = run_below(mebibytes, folder, COMMANDS[0], resource.RLIMIT_DATA)
    assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (1, "", 1), result.stderr
    assert f"the limit on memory (ulimit -d) is {mebibytes} MiB" in result.stderr


@pytest.mark.parametrize("kind", [resource.RLIMIT_AS, resource.RLIMIT_DATA], ids=["address space", "data"])
@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_a_limit_that_is_enough_changes_nothing(folder, arguments, kind):
    result = run_below(4000, folder, arguments, kind)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("arguments", [[], ["--version"], ["--help"], ["help", "tune"], ["corpora", "fetch", "-h"]])
def test_help_and_version_need_no_libraries(tmp_path, arguments):
    result = run_below(60, tmp_path, arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert "vecmill" in result.stdout


def test_help_of_every_command_loads_no_libraries(tmp_path):
    program = (
        "import contextlib, io, sys\n"
        "from pipelines.cli import main\n"
        "from pipelines.commands import PLACES\n"
        "for name in PLACES:\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "        main([name, '--help'])\n"
        "    assert not {'numpy', 'scipy', 'numba'} & {*sys.modules}, name\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_an_argument_that_reads_like_help_is_none(folder):
    result = run_below(200, folder, ["neighbors", "vectors", "--", "--help"])
    assert "the limit on memory" in result.stderr


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 3 TiB"),
        OSError(12, "Cannot allocate memory"),
        ImportError("libarrow.so: failed to map segment from shared object"),
    ],
)
def test_denied_memory_is_named_however_a_library_says_it(error, caplog):
    assert explain(error) == 1
    assert "not enough memory" in caplog.text


def test_a_thread_that_cannot_be_started_is_named(caplog):
    assert explain(RuntimeError("can't start new thread")) == 1
    assert "ulimit -u" in caplog.text


def test_what_a_command_held_is_free_when_the_line_is_printed(caplog):
    held = []

    class Large:
        def __del__(self):
            held.append(len(caplog.records))

    def work():
        large = Large()
        raise MemoryError(type(large).__name__)

    try:
        work()
    except MemoryError as error:
        assert explain(error) == 1
        assert held == [0], "freed before the line"
