"""The output directory: old or new, never half, never somebody else's."""

import contextlib
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from corpora.errors import CorpusError
from embeddings.errors import EmbeddingsError
from pipelines.running import output_directory
from pipelines.running.directory_lock import DirectoryLock
from pipelines.running.output_directory import OutputDirectory, remove_leftovers
from tests.manifests import make_manifest
from vecmill.errors import OutputError

SETTINGS = {"train": {"dimension": 100}}


def finish(output, text="new"):
    """Make a finished stage in the work directory, as the runner does."""
    stage = output.work / "train"
    stage.mkdir()
    (stage / "vectors.npy").write_text(text)
    make_manifest(stage).write(stage)


def make(path, text="new", force=False, settings=SETTINGS):
    with OutputDirectory(path, force=force) as output:
        output.begin(settings)
        finish(output, text)
        output.publish("train")


def interrupt(path, settings=SETTINGS, force=False, error=KeyboardInterrupt):
    with pytest.raises(error), OutputDirectory(path, force=force) as output:
        output.begin(settings)
        finish(output)
        raise error


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_finished_output_stands_alone(tmp_path):
    make(tmp_path / "deep" / "out")
    assert names(tmp_path / "deep") == ["out"]
    assert (tmp_path / "deep" / "out" / "vectors.npy").read_text() == "new"


def test_a_finished_output_is_refused_without_force_and_replaced_with_it(tmp_path):
    out = tmp_path / "out"
    make(out, "old")
    with pytest.raises(OutputError, match=r"out exists and is finished; add --force"):
        make(out)
    assert (out / "vectors.npy").read_text() == "old"
    make(out, "new", force=True)
    assert (out / "vectors.npy").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_force_leaves_the_old_output_until_the_new_one_is_finished(tmp_path):
    out = tmp_path / "out"
    make(out, "old")
    interrupt(out, force=True)
    assert (out / "vectors.npy").read_text() == "old"


def test_an_empty_directory_is_taken(tmp_path):
    (tmp_path / "out").mkdir()
    make(tmp_path / "out")
    assert (tmp_path / "out" / "vectors.npy").exists()


@pytest.mark.parametrize("force", [False, True])
def test_other_peoples_directories_are_never_touched(tmp_path, force):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="was not written by vecmill"):
        make(tmp_path / "out", force=force)
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("force", [False, True])
def test_the_directory_of_a_run_is_called_so_and_not_touched(tmp_path, force):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "config.json").write_text('{"corpus": {}, "output": {}}')
    with pytest.raises(OutputError, match="out holds a run of several stages; choose another directory"):
        make(tmp_path / "out", force=force)
    assert names(tmp_path / "out") == ["config.json"]


def test_files_added_to_an_output_are_not_lost(tmp_path):
    make(tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"also holds notes\.txt"):
        make(tmp_path / "out", force=True)


def test_a_directory_of_a_million_files_is_refused_after_the_first(tmp_path, monkeypatch):
    """As the home directory, given by mistake."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_text("mine")
    looked_at = []
    monkeypatch.setattr(
        output_directory, "entries", lambda path: (looked_at.append(n) or path / "a.txt" for n in range(1_000_000))
    )
    for force in (False, True):
        with pytest.raises(OutputError, match="was not written by vecmill"):
            OutputDirectory(tmp_path / "out", force=force).__enter__()
    assert len(looked_at) == 2


def test_a_file_in_the_place_of_the_output_is_refused(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="is a file"):
        make(tmp_path / "out", force=True)


def test_a_place_that_cannot_be_written_is_an_error_at_once(tmp_path):
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(OutputError, match="cannot write"):
        make(tmp_path / "file" / "out")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that refuses new directories")
def test_a_file_system_that_refuses_directories_is_an_error_at_once():
    with pytest.raises(OutputError, match="cannot write /proc/"):
        make(Path("/proc/vecmill/out"))


def test_interrupted_work_is_kept_and_continued(tmp_path):
    interrupt(tmp_path / "out")
    assert names(tmp_path) == [".out.work"]
    with OutputDirectory(tmp_path / "out") as output:
        output.begin(SETTINGS)
        assert (output.work / "train" / "vectors.npy").exists()
        output.publish("train")
    assert names(tmp_path) == ["out"]


def test_interrupted_work_of_other_settings_is_refused_by_name_and_dropped_by_force(tmp_path):
    interrupt(tmp_path / "out")
    other = {"train": {"dimension": 300}}
    with pytest.raises(OutputError, match=r"train\.dimension: 100 before, 300 now"):
        make(tmp_path / "out", settings=other)
    assert (tmp_path / ".out.work" / "train").exists()
    make(tmp_path / "out", settings=other, force=True)
    assert names(tmp_path) == ["out"]


def test_an_error_that_would_come_again_leaves_nothing(tmp_path):
    interrupt(tmp_path / "out", error=CorpusError)
    assert names(tmp_path) == []


def test_work_is_kept_when_the_disk_was_the_cause(tmp_path):
    with pytest.raises(EmbeddingsError), OutputDirectory(tmp_path / "out") as output:
        output.begin(SETTINGS)
        finish(output)
        raise EmbeddingsError("cannot write") from OSError(28, "No space left on device")
    assert (tmp_path / ".out.work" / "train").exists()


def test_a_full_disk_is_an_error_at_once_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot write .*: No space left on device"):
        make(tmp_path / "out")
    assert names(tmp_path) == []


def test_an_interruption_before_anything_is_finished_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), OutputDirectory(tmp_path / "out") as output:
        output.begin(SETTINGS)
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_a_checkpoint_is_worth_keeping_whatever_the_error(tmp_path):
    with pytest.raises(CorpusError), OutputDirectory(tmp_path / "out") as output:
        output.begin(SETTINGS)
        (output.work / ".train.checkpoint-0").mkdir()
        (output.work / ".train.checkpoint-0" / "E.npy").write_text("half way")
        raise CorpusError
    assert (tmp_path / ".out.work" / ".train.checkpoint-0" / "E.npy").exists()


def test_a_symbolic_link_is_followed(tmp_path):
    (tmp_path / "disk" / "out").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "out")
    make(tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "disk" / "out" / "vectors.npy").exists()


@pytest.mark.parametrize("useful", [False, True])
def test_what_a_kill_at_the_very_end_left_is_tidied_up_and_unfinished_work_is_not(tmp_path, useful):
    out = tmp_path / "out"
    make(out)
    (tmp_path / ".out.removed" / "train").mkdir(parents=True)
    (tmp_path / ".out.work" / "tokenize").mkdir(parents=True)
    if useful:
        (tmp_path / ".out.work" / "config.json").write_text(json.dumps(SETTINGS))
    remove_leftovers(out)
    assert names(tmp_path) == ([".out.work", "out"] if useful else ["out"])
    assert (out / "vectors.npy").read_text() == "new"


def test_a_model_that_may_not_be_replaced_is_refused_before_any_work(tmp_path, monkeypatch):
    out = tmp_path / "out"
    make(out)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(OutputError, match="is finished; add --force"):
        make(out)
    with pytest.raises(OutputError, match="out: Permission denied; choose a place"):
        make(out, force=True)
    assert names(tmp_path) == ["out"]


HOLD_LOCK = """
import sys, time
from pathlib import Path
from pipelines.running.output_directory import OutputDirectory
with OutputDirectory(Path(sys.argv[1])) as output:
    output.begin({"train": {"dimension": 100}})
    (output.work / "tokenize").mkdir()
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_by_pid_and_the_lock_of_a_killed_one_is_void(tmp_path, caplog):
    out = tmp_path / "out"
    holder = subprocess.Popen([sys.executable, "-c", HOLD_LOCK, out], stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match=f"is being written by process {holder.pid} "):
            make(out)
        holder.kill()
    caplog.set_level("INFO")
    make(out)
    assert f"process {holder.pid}" in caplog.text
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("moment", range(6))
def test_a_kill_at_any_moment_of_the_exchange_leaves_the_old_or_the_new(tmp_path, monkeypatch, moment):
    """Every rename, removal and unlink is a moment to be killed at; afterwards a run restores order."""
    out = tmp_path / "out"
    make(out, "old")
    calls = []

    class Killed(BaseException):
        pass

    def dying(function):
        def call(*args, **kwargs):
            if len(calls) == moment:
                raise Killed
            calls.append(args)
            return function(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        output = OutputDirectory(out, force=True)
        output.__enter__()
        output.begin(SETTINGS)
        finish(output)
        patch.setattr(os, "rename", dying(os.rename))
        patch.setattr(os, "unlink", dying(os.unlink))
        patch.setattr(os, "rmdir", dying(os.rmdir))
        with contextlib.suppress(Killed):
            output.publish("train")
        output._lock.release()  # as the kernel does for a dead process
    with OutputDirectory(out, force=True) as output:
        assert (out / "vectors.npy").read_text() in ("old", "new")
        output.begin(SETTINGS)
        if not (output.work / "train").exists():
            finish(output)
        output.publish("train")
    assert names(tmp_path) == ["out"]
    assert (out / "vectors.npy").read_text() == "new"
    assert json.loads((out / "manifest.json").read_text())["stage"] == "train"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("failing", range(3))
def test_the_result_and_the_old_directory_outlive_a_rename_that_fails(tmp_path, monkeypatch, force, failing):
    out = tmp_path / "out"
    if force:
        make(out, "old")
    rename, places = Path.rename, iter(range(100))

    def fail(path, target):
        if ".json" not in path.name and next(places) == failing:
            raise OSError(5, "Input/output error", str(path))
        return rename(path, target)

    with monkeypatch.context() as patch, contextlib.suppress(OSError):
        patch.setattr(Path, "rename", fail)
        make(out, "new", force=force)
    found = (out / "vectors.npy").read_text() if out.exists() else None
    assert found in ("old" if force else None, "new")
    kept = [path.read_text() for path in tmp_path.rglob(".out.work/train/vectors.npy")]
    assert found == "new" or kept == ["new"], "the result is lost"
    with OutputDirectory(out, force=True) as output:
        output.begin(SETTINGS)
        if found != "new":
            output.publish("train")  # not made again


def test_what_a_power_cut_leaves_of_the_work_of_a_published_output_is_removed(tmp_path):
    """Its removal is not on the disk yet, nor all that was renamed in it."""
    make(tmp_path / "out")
    (tmp_path / ".out.work" / ".train.checkpoint-1" / "000000000").mkdir(parents=True)
    (tmp_path / ".out.work" / ".published").write_text(json.dumps(SETTINGS))
    remove_leftovers(tmp_path / "out")
    assert names(tmp_path) == ["out"]


def test_a_power_cut_before_the_output_has_its_name_loses_no_work(tmp_path):
    interrupt(tmp_path / "out")
    (tmp_path / ".out.work" / "config.json").rename(tmp_path / ".out.work" / ".published")
    with OutputDirectory(tmp_path / "out") as output:
        output.begin(SETTINGS)
        output.publish("train")
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "vectors.npy").read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="there are no locks")
def test_the_holder_of_a_lock_that_cannot_be_written_is_none_unless_it_is_held(tmp_path, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    import fcntl

    (tmp_path / ".lock").touch()
    monkeypatch.setattr("pipelines.running.directory_lock.FileLock.acquire", denied)
    lock = DirectoryLock(tmp_path, tmp_path)
    assert lock.holder() is None
    with (tmp_path / ".lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert lock.holder() == "another process"
    assert lock.holder() is None
