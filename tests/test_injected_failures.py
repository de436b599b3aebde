"""Some system calls that fail, in several commands; `benchmarks.injected_failures` tries as many as one likes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.injected_failures import Outcome, complaint, names_before_contents, numbers_of_calls

REPOSITORY = Path(__file__).resolve().parents[1]


def may_trace():
    """Return whether strace is there and may trace the processes of this user."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not may_trace(), reason="needs strace, and the right to trace")
def test_no_system_call_that_fails_loses_anything():
    commands = "train-embeddings,export .txt,convert .parquet"
    options = ["--cases", "1", "--commands", commands, "--json"]
    command = [sys.executable, "-m", "benchmarks.injected_failures", *options]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["wrong"] == []
    assert {"write", "fsync", "rename", "openat"} <= {row["system call"] for row in found["rows"]}
    assert sum(row["cases"] for row in found["rows"]) >= 20
    assert sum(row["one clear line, right when repeated"] for row in found["rows"]) >= 10


def test_calls_are_counted_by_thread():
    trace = [
        '1 openat(AT_FDCWD</>, "/elsewhere", O_RDONLY) = 3</elsewhere>',
        "2 write(3</place/a>, ...) = 1",
        "1 write(2</place/log>, ...) = 1",
        "1 write(4</place/b> <unfinished ...>",
        "2 write(3</place/a>, ...) = 1",
        "1 <... write resumed>) = 1",
    ]
    assert numbers_of_calls(trace, "/place/", "/place/log") == {"write": [1, 2]}


WHOLE = [
    "1 write(3</place/.out.partial/a>, ...) = 1",
    "1 fsync(3</place/.out.partial/a>) = 0",
    '1 rename("/place/.out.partial", "/place/out") = 0',
]


def test_a_name_before_the_content_is_noticed():
    assert names_before_contents(WHOLE, "/place") == []
    assert names_before_contents([WHOLE[1], WHOLE[0], WHOLE[2]], "/place") == ["/place/.out.partial/a as /place/out"]
    hidden = [WHOLE[0], '1 rename("/place/.out.partial", "/place/.out") = 0']
    assert names_before_contents(hidden, "/place") == []
    later = '1 rename("/place/.out", "/place/out") = 0'
    assert names_before_contents([*hidden, later], "/place") == ["/place/.out/a as /place/out"]


@pytest.mark.skipif(not may_trace(), reason="needs strace, and the right to trace")
def test_everything_is_on_the_disk_before_it_gets_its_name():
    """So that a power cut leaves the old file or the new one, and no part of one."""
    command = [sys.executable, "-m", "benchmarks.injected_failures", "--names", "--commands", "run,export .txt"]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert (run.returncode, run.stdout.splitlines()) == (0, ["run: 0", "export .txt: 0"]), run.stderr[-3000:]


@pytest.mark.parametrize(
    ("outcome", "wrong"),
    [
        (Outcome(0, "09:00:00 fetch: done\n"), ""),
        (Outcome(1, "error: no space left for x; free some space\n"), ""),
        (Outcome(1, ""), "0 lines"),
        (Outcome(1, "error: a\nerror: b\n"), "2 lines"),
        (Outcome(1, "error: unexpected OSError: x; please report it\n"), "no clear line"),
        (Outcome(0, "Exception ignored in: <x>\n"), "no clear line"),
        (Outcome(-11, ""), "signal 11"),
        (Outcome(None, ""), "hangs"),
    ],
)
def test_an_end_that_is_not_clear_is_noticed(outcome, wrong):
    assert complaint(outcome).startswith(wrong) if not wrong else wrong in complaint(outcome)
