"""Hashes that are remembered: never wrong for a file that was written to."""

import hashlib
import json
import os
import time
from dataclasses import replace

import pytest

from corpora.corpus import digest_of_file
from corpora.sources import local_file
from pipelines.running import hash_cache
from pipelines.running.hash_cache import HashCache


@pytest.fixture
def settled(monkeypatch):
    """Take files to be settled at once."""
    monkeypatch.setattr(hash_cache, "_SETTLED", -1.0)


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"one")
    return path


@pytest.fixture
def reads(monkeypatch):
    """Count how often a file is read."""
    counted = []

    def counting(file):
        counted.append(file.path)
        return digest_of_file(file)

    monkeypatch.setattr(hash_cache, "digest_of_file", counting)
    return counted


def test_an_unchanged_file_is_read_once_by_all_runs_together(tmp_path, text, settled, reads):
    expected = hashlib.sha256(b"one").hexdigest()
    for _ in range(3):
        known = HashCache(tmp_path / "hashes.json")
        assert known(local_file(text)) == expected
        known.save()
    assert len(reads) == 1


def test_a_change_is_seen_though_size_and_time_stamp_are_as_before(tmp_path, text, settled, reads):
    known = HashCache(tmp_path / "hashes.json")
    known(local_file(text))
    before = text.stat()
    text.write_bytes(b"two")
    os.utime(text, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert known(local_file(text)) == hashlib.sha256(b"two").hexdigest()


def test_a_file_written_just_now_is_not_remembered(tmp_path, text, reads):
    known = HashCache(tmp_path / "hashes.json")
    known(local_file(text))
    known(local_file(text))
    known.save()
    assert len(reads) == 2
    assert not (tmp_path / "hashes.json").exists()


def test_a_clock_that_was_set_back_does_no_harm(tmp_path, text, reads, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: text.stat().st_ctime - 1e6)
    known = HashCache(tmp_path / "hashes.json")
    assert known(local_file(text)) == known(local_file(text))
    assert len(reads) == 2


@pytest.mark.parametrize("content", ["{", "[1]", '{"x": 3}', "null"])
def test_a_damaged_memory_is_forgotten(tmp_path, text, settled, reads, content):
    (tmp_path / "hashes.json").write_text(content)
    assert HashCache(tmp_path / "hashes.json")(local_file(text)) == hashlib.sha256(b"one").hexdigest()
    assert len(reads) == 1


def test_a_damaged_entry_is_not_used(tmp_path, text, settled, reads):
    path = tmp_path / "hashes.json"
    known = HashCache(path)
    known(local_file(text))
    known.save()
    path.write_text(json.dumps(dict.fromkeys(json.loads(path.read_text()), "x")))
    assert HashCache(path)(local_file(text)) == hashlib.sha256(b"one").hexdigest()


def test_what_a_stage_has_written_is_known_until_somebody_writes_to_it(tmp_path, text, reads):
    outputs = {"text.txt": {"bytes": 3, "sha256": hashlib.sha256(b"one").hexdigest()}}
    known = HashCache()
    known.remember(tmp_path, outputs)
    assert known.damaged(tmp_path, outputs) is None
    assert reads == []
    text.write_bytes(b"two")
    assert known.damaged(tmp_path, outputs) == "text.txt"
    text.write_bytes(b"one")
    assert known.damaged(tmp_path, outputs) is None


def test_a_file_that_cannot_be_read_for_a_moment_is_read_again(text, settled, monkeypatch):
    cache = HashCache()
    failing = replace(local_file(text), open=refuse)
    assert cache(failing).startswith("unreadable: ")
    assert cache(local_file(text)) == hashlib.sha256(b"one").hexdigest()


def refuse():
    raise PermissionError(13, "Permission denied")
