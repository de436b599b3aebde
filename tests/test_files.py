"""The ground floor: outputs that are there in full or not at all, JSON, hashes, hints."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from pipelines.running.manifest import list_outputs
from vecmill import files
from vecmill.errors import OutputError
from vecmill.files import (
    atomic_directory,
    atomic_file,
    entries,
    file_digest,
    read_json,
    recover_directory,
    require_writable,
    require_writable_directory,
    temporary_directory,
    write_json,
    writing,
)
from vecmill.hints import did_you_mean


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_file_that_is_not_finished_leaves_the_old_one(tmp_path, error):
    (tmp_path / "out").write_text("old")
    with pytest.raises(error), atomic_file(tmp_path / "out") as file:
        file.write(b"new, half of")
        raise error
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out", "old")]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_directory_that_is_not_finished_leaves_the_old_one(tmp_path, error):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_text("old")
    with pytest.raises(error), atomic_directory(tmp_path / "out", replace=True) as partial:
        (partial / "file").write_text("new, half of")
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "file").read_text() == "old"


def test_a_directory_is_replaced_only_when_told(tmp_path):
    for text in ("old", "new"):
        with atomic_directory(tmp_path / "out", replace=True) as partial:
            (partial / text).touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "new"]
    with pytest.raises(OutputError, match="out exists; remove it"), atomic_directory(tmp_path / "out"):
        pass


def test_all_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append(os.fstat(descriptor).st_ino))
    with atomic_file(tmp_path / "file") as file:
        file.write(b"x")
    assert flushed == [(tmp_path / "file").stat().st_ino, tmp_path.stat().st_ino]  # the content, then the name
    flushed.clear()
    with atomic_directory(tmp_path / "out") as partial:
        (partial / "inner").mkdir()
        (partial / "inner" / "file").touch()
    assert set(flushed[:-1]) == {path.stat().st_ino for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]}
    assert flushed[-1] == tmp_path.stat().st_ino


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("writer", [atomic_file, atomic_directory])
def test_of_two_that_write_one_output_the_second_is_refused(tmp_path, writer, fails):
    with suppress(KeyError), writer(tmp_path / "out") as first:
        with pytest.raises(OutputError, match=r"out is being written by another process"), writer(tmp_path / "out"):
            pytest.fail("two write one output")
        first.write(b"first") if writer is atomic_file else (first / "first").touch()
        if fails:
            raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ([] if fails else ["out"])
    with writer(tmp_path / "out", **({} if writer is atomic_file else {"replace": True})):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


WRITE_AGAIN_AND_AGAIN = """
import sys, time
from pathlib import Path
from vecmill.errors import OutputError
from vecmill.files import atomic_directory, atomic_file
kind, number, out = sys.argv[1], sys.argv[2], Path("out")
written = refused = 0
print(flush=True)
sys.stdin.readline()
for _ in range(150):
    try:
        if kind == "file":
            with atomic_file(out, sync=False) as file:
                for _ in range(20):
                    file.write(number.encode() * 1000)
        else:
            with atomic_directory(out, replace=True, sync=False) as folder:
                for name in "abcd":
                    (folder / name).write_text(number * 1000)
    except OutputError as error:
        assert "by another process" in str(error) or "Directory not empty" in str(error), error
        refused += 1
    else:
        written += 1
    texts = {out.read_text()[:50_000]} if kind == "file" else set()
    assert all(len(text) == 20_000 and len(set(text)) == 1 for text in texts), texts
print(written, refused)
"""


@pytest.mark.skipif(os.name == "nt", reason="without locks the later one is kept")
@pytest.mark.parametrize("kind", ["file", "directory"])
def test_processes_that_write_one_output_end_with_one_that_is_whole(tmp_path, kind):
    command = [sys.executable, "-c", WRITE_AGAIN_AND_AGAIN, kind]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    writers = [
        subprocess.Popen(
            [*command, str(number)], cwd=tmp_path, env=environment, text=True, stdin=-1, stdout=-1, stderr=-1
        )
        for number in range(3)
    ]
    for writer in writers:
        writer.stdout.readline()
    ends = [writer.communicate("begin\n") for writer in writers]
    assert [end[1] for end in ends] == ["", "", ""]
    assert all(int(end[0].split()[0]) for end in ends)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    out = tmp_path / "out"
    texts = [path.read_text() for path in ([out] if out.is_file() else sorted(out.iterdir()))]
    assert len(texts) == (1 if kind == "file" else 4)
    assert len({character for text in texts for character in text}) == 1


def test_an_output_whose_partial_file_was_removed_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="another process began to write"), atomic_file(tmp_path / "out"):
        (tmp_path / ".out.partial").unlink()
    assert not list(tmp_path.iterdir())


def test_an_error_names_the_path_and_the_remedy(tmp_path):
    with pytest.raises(OutputError, match=rf"cannot write {tmp_path}/no/out: No such file.*; choose a place that"):
        write_json(tmp_path / "no" / "out", {})
    full = OSError(28, "No space left on device")
    with pytest.raises(OutputError, match="No space left on device; free some space"), atomic_file(tmp_path / "out"):
        raise full
    remedy = "device; free some space or buy a disk"
    with pytest.raises(OutputError, match=remedy), atomic_file(tmp_path / "out", elsewhere="buy a disk"):
        raise full
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [{"word": "köln", "list": [1, 2.5, None]}, {"name of a file": "a\udcff"}])
def test_json(tmp_path, value):
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    text = (tmp_path / "a.json").read_text("utf-8")
    assert json.loads(text) == value
    assert text.endswith("}\n")
    assert "\\u00" not in text


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_json_that_cannot_be_read(tmp_path, content):
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    assert read_json(tmp_path / "a.json") is None


def test_digest(tmp_path):
    content = os.urandom(3_000_000)
    (tmp_path / "file").write_bytes(content)
    lengths = []
    assert file_digest(tmp_path / "file", read=lengths.append) == hashlib.sha256(content).hexdigest()
    assert file_digest(tmp_path / "file", "md5") == hashlib.md5(content).hexdigest()
    assert sum(lengths) == len(content)


def test_hints():
    assert did_you_mean("skipgram", ["cbow", "skip-gram"]) == "; did you mean 'skip-gram'?"
    assert did_you_mean("x", ["cbow", "skip-gram"]) == did_you_mean("x", []) == ""


def test_the_ground_floor_is_quick_to_import():
    code = "import sys, vecmill.errors, vecmill.hints, vecmill.files; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "numba", "scipy", "zstandard", "pandas"} & set(run.stdout.split())


@pytest.mark.parametrize("failing", range(4))
@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_a_directory_is_the_old_or_the_new_one_whichever_rename_fails(tmp_path, monkeypatch, error, failing):
    """Also if the rename took place and the failure came just after it."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").touch()
    rename, calls = Path.rename, iter(range(10))

    def fail(path, target):
        call = next(calls)
        if call == failing // 2 and failing % 2:
            rename(path, target)
        if call == failing // 2:
            raise error
        return rename(path, target)

    with monkeypatch.context() as patch, pytest.raises((OutputError, KeyboardInterrupt)):
        patch.setattr(Path, "rename", fail)
        with atomic_directory(out, replace=True) as partial:
            (partial / "new").touch()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] in (
        ["out", "out/old"],
        ["out", "out/new"],
    )


@pytest.mark.parametrize("left", [["replaced"], ["out", "replaced"], ["out", "partial"], ["replaced", "partial"]])
def test_what_a_killed_process_left_beside_a_directory_is_removed(tmp_path, left):
    names = {"out": "out", "replaced": ".out.replaced", "partial": ".out.partial"}
    for name in left:
        (tmp_path / names[name]).mkdir()
        (tmp_path / names[name] / name).touch()
    recover_directory(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["out" if "out" in left else "replaced"]


def test_a_directory_that_cannot_be_read_is_an_error_and_not_empty(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").touch()
    assert [path.name for path in entries(tmp_path)] == ["out", "file"]

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError):
        list(entries(tmp_path))
    with pytest.raises(PermissionError):
        list_outputs(tmp_path)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EFBIG, "raise the limit on the size of files .ulimit -f. or write elsewhere"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENFILE, "ulimit -n"),
        (errno.EACCES, "choose a place that can be written to"),
        (errno.EROFS, "choose a place that can be written to"),
    ],
)
def test_the_remedy_is_that_of_the_error(number, remedy):
    with pytest.raises(OutputError, match=f"cannot write x: .*; .*{remedy}"), writing("x"):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG])
def test_only_a_full_disk_is_to_be_freed(number):
    with pytest.raises(OutputError) as caught, writing("x", elsewhere="set PLACE to another folder"):
        raise OSError(number, os.strerror(number))
    assert str(caught.value) == f"cannot write x: {os.strerror(number)}; set PLACE to another folder"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to(os.devnull)
    before = {path.name: path.lstat().st_mode for path in tmp_path.iterdir()}
    for name in before:
        with (
            pytest.raises(OutputError, match=f"{name} is a directory, a device or a pipe"),
            atomic_file(tmp_path / name),
        ):
            pass
    assert {path.name: path.lstat().st_mode for path in tmp_path.iterdir()} == before


def test_the_home_of_nobody_is_a_name(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("USERPROFILE", "/home/me")
    assert files.expanded("~/a.txt") == Path("/home/me/a.txt")
    if os.name == "posix":
        assert files.expanded("~no-user.txt") == Path("~no-user.txt")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_link_to_an_open_file_such_as_dev_stdout_is_not_replaced(tmp_path):
    with (tmp_path / "file").open("w") as file:
        (tmp_path / "stdout").symlink_to(f"/proc/self/fd/{file.fileno()}")
        with pytest.raises(OutputError, match="stdout is a directory, a device or a pipe"):
            files.require_writable(tmp_path / "stdout")
        with pytest.raises(OutputError, match="stdout is a directory, a device or a pipe"):
            files.atomic_file(tmp_path / "stdout").__enter__()
        assert (tmp_path / "stdout").is_symlink()


def test_what_cannot_be_removed_of_a_replaced_directory_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old")
    remove = files._remove_replaced

    def failing(path):
        if (tmp_path / "out" / "new").exists():  # once the new directory has its name
            raise OSError(errno.EIO, "Input/output error")
        remove(path)

    monkeypatch.setattr(files, "_remove_replaced", failing)
    with files.atomic_directory(tmp_path / "out", replace=True) as partial:
        (partial / "new").write_text("new")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["new"]
    monkeypatch.undo()
    files.recover_directory(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


HOLD = """
import sys, time
from vecmill.files import temporary_directory
with temporary_directory() as folder:
    open(f"{folder}/text", "w").close()
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="there are no locks")
def test_a_temporary_directory_of_a_killed_process_is_removed_and_that_of_another_is_kept(tmp_path, monkeypatch):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "TMPDIR": str(tmp_path)}
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "vecmill-kernels-of-another-kind").mkdir()
    (tmp_path / "vecmill-work-link").symlink_to(tmp_path)
    command = [sys.executable, "-c", HOLD]
    holders = [subprocess.Popen(command, env=environment, text=True, stdin=-1, stdout=-1) for _ in range(2)]
    killed, living = (Path(holder.stdout.readline().strip()) for holder in holders)
    holders[0].kill()
    holders[0].communicate()
    with temporary_directory() as folder:
        found = {path.name for path in tmp_path.iterdir()}
        assert found == {"vecmill-kernels-of-another-kind", "vecmill-work-link", living.name, Path(folder).name}
    assert (living / "text").exists()
    assert not killed.exists()
    holders[1].communicate()
    assert {path.name for path in tmp_path.iterdir()} == {"vecmill-kernels-of-another-kind", "vecmill-work-link"}


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (OSError(errno.ENOSPC, "no space"), True),
        (OSError(errno.EDQUOT, "quota"), True),
        (OSError(errno.EFBIG, "too large"), True),
        (OSError(errno.EBADF, "standard output"), False),
        (OSError(errno.ENOSPC, "no space", "elsewhere"), False),
    ],
    ids=str,
)
def test_a_full_disk_names_the_temporary_directory(tmp_path, monkeypatch, error, named):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = error.filename
    with pytest.raises(OSError) as raised, temporary_directory() as folder:
        raise error
    assert raised.value.filename == (folder if named else before)
    assert not Path(folder).exists()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no such owners")
@pytest.mark.parametrize("check", [require_writable, require_writable_directory])
def test_what_another_user_has_in_a_shared_directory_is_not_to_be_replaced(tmp_path, monkeypatch, check):
    there = tmp_path / "there"
    (there.touch if check is require_writable else there.mkdir)()
    tmp_path.chmod(0o1777)
    check(there)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    check(tmp_path / "new")
    with pytest.raises(OutputError, match="there: it belongs to another user; choose a place"):
        check(there)
    tmp_path.chmod(0o777)
    check(there)


def test_a_directory_that_may_not_be_written_to_is_not_to_be_replaced(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    monkeypatch.setattr(os, "access", lambda *_: False)
    require_writable_directory(tmp_path / "new")
    with pytest.raises(OutputError, match="there: Permission denied; choose a place"):
        require_writable_directory(tmp_path / "there")


@pytest.mark.parametrize("writer", [atomic_file, atomic_directory])
def test_a_file_in_the_place_of_a_parent_is_named(tmp_path, writer):
    (tmp_path / "file").touch()
    with (
        pytest.raises(OutputError, match="file/out: Not a directory; choose a place"),
        writer(tmp_path / "file" / "out"),
    ):
        pass
    (tmp_path / "link").symlink_to("nothing")
    with pytest.raises(OutputError, match="link/out: "), writer(tmp_path / "link" / "out"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"file", "link"}
