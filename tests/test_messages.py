"""Messages on stderr and in log files: their options are understood everywhere, and they have dates."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from embeddings import Vocabulary, WordVectors
from pipelines.cli import explain, load_command
from pipelines.commands import PLACES
from pipelines.console import logs, progress
from pipelines.console.environment import VARIABLES
from pipelines.console.streams import DATE
from tests.command_line import fails, vecmill
from vecmill import write_vectors
from vecmill.errors import OutputError, VecmillError

PACKAGES = [Path(__file__).parents[1] / name for name in ("vecmill", "corpora", "embeddings", "pipelines")]
DATED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")
OF_MESSAGES = {"--quiet", "-q", "--verbose", "-v", "--debug", "--log-format", "--log-file"}


def all_commands():
    """Return every command and every command of a group, by its words on the command line."""
    found = {}
    for name in PLACES:
        command = load_command(name)
        found[name] = command
        found |= {f"{name} {sub}": inner for sub, inner in getattr(command, "commands", {}).items()}
    return found


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("vectors") / "model"
    WordVectors(Vocabulary.from_words(["king", "queen"], [2, 1]), np.eye(2, dtype=np.float32)).save(path)
    return path


@pytest.fixture
def training(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("the king and the queen rule the old land\n" * 60)
    return ["train-embeddings", text, "-o", tmp_path / "out", "--dimension", "8", "--epochs", "1"]


@pytest.mark.parametrize(("name", "command"), all_commands().items(), ids=lambda value: str(value)[:24])
def test_every_command_has_the_options_about_messages(name, command):
    assert set(itertools.chain.from_iterable(option.opts for option in command.params)) >= OF_MESSAGES
    shown = vecmill(*name.split(), "--help").stdout
    assert all(len(re.findall(rf"(?<![\w-]){option}(?![\w-])", shown)) == 1 for option in OF_MESSAGES)


def test_log_lines_have_a_date_unless_stderr_is_a_terminal(training):
    result = vecmill(*training)
    lines = result.stderr.splitlines()
    assert len(lines) > 3
    assert all(DATED.match(line) for line in lines)
    first = datetime.strptime(lines[0][:19], DATE)
    assert abs(datetime.now(UTC).astimezone().replace(tzinfo=None) - first) < timedelta(hours=1)


@pytest.mark.parametrize("place", ["before", "after"])
def test_quiet_leaves_results_and_warnings_and_verbose_adds_details(training, place, tmp_path):
    def run(*options, force=False):
        words = [*options, *training] if place == "before" else [*training, *options]
        result = vecmill(*words, *(["--force"] if force else []))
        assert result.exit_code == 0, result.output
        return result

    quiet = run("--quiet")
    assert quiet.stderr == ""
    assert str(tmp_path / "out") in quiet.stdout
    usual, detailed = run(force=True).stderr, run("-v", force=True).stderr
    assert "settings" not in usual
    assert "running with the settings" in detailed
    fails(1, "nowhere", *(["-q", "vector"] if place == "before" else ["vector", "-q"]), tmp_path / "nowhere", "x")


def test_the_log_file_is_complete_and_grows(training, tmp_path):
    log = tmp_path / "run.log"
    assert vecmill(*training, "-q", "--log-file", log).stderr == ""
    lines = log.read_text().splitlines()
    assert all(re.match(DATED.pattern + "INFO ", line) for line in lines)
    assert any("train-embeddings: done" in line for line in lines)
    fails(1, "finished", "--log-file", log, *training)
    assert log.read_text().splitlines()[: len(lines)] == lines
    assert " ERROR " in log.read_text().splitlines()[-1]
    vecmill("--log-format", "json", *training, "--log-file", log)
    assert json.loads(log.read_text().splitlines()[-1])["level"] == "ERROR"
    before = log.read_text()
    vecmill(*training)
    assert log.read_text() == before, "a log file belongs to one command"


def test_a_log_file_that_cannot_be_written_is_an_error_and_one_that_fails_later_a_warning(training, tmp_path):
    fails(1, "cannot write the log file .*nowhere", *training, "--log-file", tmp_path / "nowhere" / "log")
    assert not (tmp_path / "out").exists()
    full = Path("/dev/full")
    if full.exists():
        result = vecmill(*training, "--log-file", full)
        assert result.exit_code == 0, result.output
        assert result.stderr.count("/dev/full cannot be written") == 1


@pytest.mark.parametrize("name", ["", "-"])
def test_a_log_file_has_a_name(model, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    fails(2, "expected the name of a file", "vector", model, "king", "--log-file", name)
    fails(2, "expected the name of a file", "--log-file", name, "vector", model, "king")
    assert not any(tmp_path.iterdir())


def test_a_log_is_not_appended_to_what_a_command_reads_or_writes(training, model, tmp_path):
    vectors = tmp_path / "model"
    shutil.copytree(model, vectors)
    cases = [
        (tmp_path / "text.txt", training),
        (vectors / "vocabulary.tsv", ["vector", vectors, "unknown"]),
        (vectors / "vocabulary.tsv", ["vector", vectors / ".", "king"]),
        (tmp_path / "out.npz", ["export", vectors, "--out", tmp_path / "out.npz"]),
        (tmp_path / "linked", ["embed", vectors, tmp_path / "text.txt"]),
    ]
    (tmp_path / "linked").symlink_to(tmp_path / "text.txt")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for path, arguments in cases:
        fails(2, "is a file of this command", *arguments, "--log-file", path)
        fails(2, "is a file of this command", "--log-file", path, *arguments)
        assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for _ in range(2):  # a log beside a model is none of its files
        assert vecmill("vector", vectors, "unknown", "--log-file", vectors / "log.txt").exit_code == 1
    assert (vectors / "log.txt").read_text().count(" ERROR ") == 2


def test_a_log_is_not_appended_to_the_text_on_standard_input(model, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("king\n")
    command = [sys.executable, "-m", "vecmill", "embed", model, "--log-file", text]
    with text.open() as stdin:
        done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, cwd=PACKAGES[0].parent, timeout=120)
    assert (done.returncode, text.read_text()) == (2, "king\n"), done.stderr
    assert "is a file of this command" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes of Unix")
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_command_goes_on_when_nobody_reads_its_messages(training, tmp_path, log_format):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "vecmill", "--log-format", log_format, *map(str, training)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=writing, text=True, cwd=PACKAGES[0].parent, timeout=120
    )
    os.close(writing)
    assert (done.returncode, (tmp_path / "out" / "vectors.npy").exists()) == (0, True)
    assert "Nearest neighbours" in done.stdout or "words x 8 dimensions" in done.stdout


def test_options_of_one_command_do_not_reach_the_next(model):
    vecmill("--quiet", "--debug", "vector", model, "king")
    vecmill("vector", model, "king")
    assert logs.log_settings() == logs.LogSettings()
    assert isinstance(progress.make_progress(), progress.LogProgress)


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
@pytest.mark.parametrize("command", [("vector", "king"), ("neighbors", "king"), ("info",)])
def test_a_wrong_number_of_threads_in_the_environment_is_named(model, monkeypatch, value, command):
    monkeypatch.setenv("NUMBA_NUM_THREADS", value)
    fails(2, f"NUMBA_NUM_THREADS is '{value}'; expected a whole number from 1", command[0], model, *command[1:])


def test_a_wrong_log_format_is_a_usage_error_wherever_it_stands(model, monkeypatch):
    fails(2, "'jsn' is none of text, json, auto", "--log-format", "jsn", "vector", model, "king")
    fails(2, "'jsn' is none of text, json, auto", "vector", model, "king", "--log-format", "jsn")
    monkeypatch.setenv("VECMILL_LOG_FORMAT", "xml")
    fails(2, "VECMILL_LOG_FORMAT: 'xml' is none of text, json, auto", "vector", model, "king")
    monkeypatch.setenv("VECMILL_LOG_FORMAT", "json")
    assert vecmill("vector", "nowhere", "king", "--log-format", "text").stderr.startswith("error: ")


@pytest.mark.parametrize("command", ["vector {model} king", "tune {text} --out tuned", "corpora list"])
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("VECMILL_CACHE", "s3://bucket/cache", "is s3://bucket/cache, a URL; expected a path of this machine"),
        ("VECMILL_CACHE", "{text}/cache", "no folder; name another one"),
        ("VECMILL_CACHE", "~nobody-at-all/cache", "cannot be used"),
        ("VECMILL_LOG_FORMAT", "JSON", "'JSON' is none of text, json, auto"),
        ("NUMBA_NUM_THREADS", "9" * 40, "expected a whole number from 1 to 1024"),
        ("NUMBA_NUM_THREADS", "٣", "expected a whole number from 1 to 1024"),
    ],
)
def test_environment_variables_are_checked_before_any_command(
    model, tmp_path, monkeypatch, command, name, value, reason
):
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("the king\n")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setenv(name, value.format(text=tmp_path / "text.txt"))
    fails(2, f"{name}.*{reason}", *command.format(model=model, text="text.txt").split())
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("VECMILL_LOGFORMAT", "VECMILL_LOGFORMAT has no effect; did you mean 'VECMILL_LOG_FORMAT'?"),
        ("VECMILL_CACHE_DIR", "VECMILL_CACHE_DIR has no effect; did you mean 'VECMILL_CACHE'?"),
        ("VECMILL_XYZ", "VECMILL_XYZ has no effect"),
        ("VECMILL_SERVICE_HOST", ""),
        ("VECMILL_PORT_8000_TCP", ""),
    ],
)
def test_a_misspelt_environment_variable_is_warned_of(model, monkeypatch, name, warning):
    monkeypatch.setenv(name, "x")
    told = vecmill("vector", model, "king")
    assert (told.exit_code, warning in told.stderr, bool(warning)) == (0, True, bool(told.stderr))


def test_every_environment_variable_that_is_read_is_known():
    sources = [path.read_text("utf-8") for package in PACKAGES for path in Path(package).rglob("*.py")]
    named = {name for source in sources for name in re.findall(r"\bVECMILL_[A-Z_]+\b", source)}
    assert named <= set(VARIABLES)
    page = Path(__file__).parents[1].joinpath("docs", "commands.md").read_text("utf-8")
    assert all(f"`{name}`" in page for name in ("VECMILL_CACHE", "VECMILL_LOG_FORMAT", "VECMILL_TOKEN"))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_words_that_the_encoding_of_the_output_cannot_hold(tmp_path, encoding):
    vectors = WordVectors(Vocabulary.from_words(["king", "łódź"]), np.eye(2, dtype=np.float32))
    write_vectors(vectors, tmp_path / "v.txt")
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "vecmill", "neighbors", tmp_path / "v.txt", "king"]
    shown = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (shown.returncode, b"\\u0142" in shown.stdout) == (0, True), shown.stderr
    as_json = subprocess.run([*command, "--json"], env=environment, capture_output=True, check=False)
    assert b"unexpected" not in as_json.stderr
    assert as_json.returncode or json.loads(as_json.stdout)["word"] == "king"


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (OSError(28, "No space left on device"), True),
        (OSError(24, "Too many open files"), True),
        (MemoryError(), True),
        (RuntimeError("can't start new thread"), True),
        (OutputError("cannot write out"), True),
        (caused(VecmillError("cannot read it"), OSError(5, "Input/output error")), True),
        (caused(VecmillError("cannot fetch it"), ConnectionResetError(104, "Connection reset by peer")), True),
        (caused(VecmillError("no such word"), FileNotFoundError(2, "No such file or directory")), False),
        (caused(VecmillError("cannot read it"), PermissionError(13, "Permission denied")), False),
        (caused(VecmillError("the text is damaged"), OSError("Invalid data stream")), False),
        (IsADirectoryError(21, "Is a directory"), False),
        (VecmillError("the learning rate is too high"), False),
        (ZeroDivisionError("a mistake of ours"), False),
    ],
    ids=repr,
)
def test_the_log_tells_errors_of_the_system_from_others(error, transient, caplog):
    explain(error)
    assert getattr(caplog.records[-1], "transient", False) is transient


def test_an_error_is_one_line_whatever_a_library_or_a_damaged_file_puts_into_it():
    kinds = [VecmillError]
    for kind in kinds:  # which grows
        kinds += kind.__subclasses__()
    assert len(kinds) > 12
    for kind in kinds:
        error = kind.__new__(kind, "a key\nof\r\na\u2028file")  # some take more than a message
        assert str(error) == "a key of a file"


def test_a_transient_error_is_marked_in_the_json_log(tmp_path, model):
    (tmp_path / "file").write_text("in the way")
    out = tmp_path / "file" / "out.txt"
    result = vecmill("--log-format", "json", "export", model, "--format", "word2vec-text", "--out", out)
    assert json.loads(result.stderr.splitlines()[-1])["transient"] is True
