"""What a power cut leaves, on a replayed file system; `benchmarks.power_cuts` tries as many cuts as one likes."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.disk_journal import CONTENTS, Disk, Journal, lay_out
from vecmill.files import atomic_directory, atomic_file

REPOSITORY = Path(__file__).resolve().parents[1]


def every_state(place, program):
    """Return what a power cut could leave of a program, at every point of it."""
    journal, draw = Journal(place), random.Random(1)
    with journal.recording():
        program()
    disk, found = Disk(), []
    for number, event in enumerate(journal.events):
        disk.take(event)
        if number + 1 == journal.start:
            disk.settle()
        if number + 1 >= journal.start:
            cuts = [(names, contents) for names in ("none", "all", "some") for contents in (*CONTENTS, "mixed")]
            found += [disk.after_a_cut(names, contents, draw) for names, contents in cuts * 3]
    return found


@pytest.fixture
def place(tmp_path):
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def test_an_atomic_file_is_the_old_one_or_the_new_one(place):
    (place / "a").write_bytes(b"old")

    def program():
        with atomic_file(place / "a") as file:
            file.write(b"new and longer")

    found = [state["a"] for state in every_state(place, program)]
    assert {*found} == {b"old", b"new and longer"}


def test_an_atomic_directory_is_whole_or_not_there(place):
    def program():
        with atomic_directory(place / "a") as partial:
            (partial / "b").mkdir()
            (partial / "b" / "c").write_bytes(b"content")

    states = every_state(place, program)
    assert {state.get("a/b/c") for state in states} == {None, b"content"}
    assert all("a/b/c" in state for state in states if "a" in state)


def careless(place):
    (place / "b").write_bytes(b"content")
    (place / "b").rename(place / "a")


def without_its_directory(place):
    with (place / "a").open("wb") as file:
        file.write(b"content")
        os.fsync(file.fileno())
    with (place / "b").open("wb") as file:
        os.fsync(file.fileno())


def mapped(place):
    np.lib.format.open_memmap(place / "b", "w+", np.uint8, (4000,))[:] = 7
    (place / "b").rename(place / "a")


def test_what_is_not_flushed_may_be_lost_cut_short_or_zeros(place):
    found = {state.get("a") for state in every_state(place, lambda: careless(place))}
    assert found == {None, b"", b"con", bytes(7), b"content"}


def test_the_name_of_a_flushed_file_may_be_lost(place):
    assert {state.get("a") for state in every_state(place, lambda: without_its_directory(place))} >= {None, b"content"}


def test_memory_maps_are_recorded(place):
    found = {state.get("a") for state in every_state(place, lambda: mapped(place))}
    assert (place / "a").read_bytes() in found
    assert b"" in found


def test_a_state_is_laid_out(place):
    (place / "old").write_text("x")
    lay_out(place, {"a": None, "a/b": b"1", "c": b""})
    assert {path.name for path in place.rglob("*")} == {"a", "b", "c"}
    assert (place / "a" / "b").read_bytes() == b"1"


def test_no_power_cut_loses_or_breaks_anything():
    options = ["--states", "12", "--commands", "train-embeddings --force,train-lm,export .txt", "--json"]
    command = [sys.executable, "-m", "benchmarks.power_cuts", *options]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["wrong"] == []
    assert all(row["states"] >= 3 for row in found["rows"])
    assert sum(row["points"] for row in found["rows"]) > 100
