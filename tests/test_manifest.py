"""Manifests: fingerprints change with what decides a result, and damage is found."""

import hashlib
import importlib.metadata
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.running.manifest import (
    Manifest,
    ManifestError,
    Stopwatch,
    library_versions,
    list_outputs,
)
from tests.manifests import make_manifest, make_provenance

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=10,
)


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "0.bin").write_bytes(b"one")
    (tmp_path / "counts.tsv").write_bytes(b"two")
    return tmp_path


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"settings": {"dimension": 300}}, "dimension changed"),
        ({"inputs": {"encode": "xyz"}}, "encode changed"),
        ({"libraries": {"numpy": "2.1"}}, "numpy changed"),
        ({"code": "0.2.0+y"}, "the code changed"),
    ],
)
def test_whatever_decides_the_result_changes_the_fingerprint_and_is_named(change, reason):
    old, new = make_provenance(), make_provenance(**change)
    assert old.fingerprint != new.fingerprint
    assert new.change_since(old) == reason


def test_equal_bases_have_equal_fingerprints_whatever_the_order():
    old = make_provenance(settings={"a": 1, "b": 2})
    new = make_provenance(settings={"b": 2, "a": 1})
    assert old.fingerprint == new.fingerprint
    assert new.change_since(old) is None


def test_a_manifest_survives_being_written_and_read(directory):
    manifest = make_manifest(directory)
    manifest.write(directory)
    assert Manifest.read(directory) == manifest


def test_outputs_have_the_sha256_of_their_content(directory):
    outputs = list_outputs(directory)
    assert outputs == {
        "counts.tsv": {"bytes": 3, "sha256": hashlib.sha256(b"two").hexdigest()},
        "shards/0.bin": {"bytes": 3, "sha256": hashlib.sha256(b"one").hexdigest()},
    }


def test_the_digest_depends_on_the_outputs_and_on_nothing_else(directory):
    first = make_manifest(directory)
    assert make_manifest(directory, code="other").digest == first.digest
    (directory / "counts.tsv").write_bytes(b"TWO")
    assert make_manifest(directory).digest != first.digest


def test_a_flipped_byte_is_found_by_hash_and_a_short_file_by_size(directory):
    manifest = make_manifest(directory)
    assert (manifest.missing(directory), manifest.damaged(directory)) == ([], [])
    (directory / "counts.tsv").write_bytes(b"twp")
    assert (manifest.missing(directory), manifest.damaged(directory)) == ([], ["counts.tsv"])
    (directory / "shards" / "0.bin").write_bytes(b"on")
    assert manifest.missing(directory) == ["shards/0.bin"]
    assert manifest.damaged(directory) == ["shards/0.bin", "counts.tsv"]


def test_a_missing_manifest_is_an_error_that_names_the_file(tmp_path):
    with pytest.raises(ManifestError, match=r"manifest\.json: missing"):
        Manifest.read(tmp_path)


def test_an_edited_setting_is_noticed(directory):
    make_manifest(directory).write(directory)
    path = directory / "manifest.json"
    record = json.loads(path.read_text())
    record["settings"]["dimension"] = 200
    path.write_text(json.dumps(record))
    with pytest.raises(ManifestError, match="changed"):
        Manifest.read(directory)


@given(data=st.data())
def test_a_damaged_manifest_is_a_manifest_error(tmp_path_factory, data):
    directory = tmp_path_factory.mktemp("damaged")
    make_manifest(directory).write(directory)
    record = json.loads((directory / "manifest.json").read_text())
    key = data.draw(st.sampled_from(sorted(record)))
    before = record[key]
    record[key] = data.draw(JSON)
    (directory / "manifest.json").write_text(json.dumps(record))
    try:
        manifest = Manifest.read(directory)
    except ManifestError:
        return
    assert key in ("outputs", "summary", "cost", "machine", "history", "corpus", "digest") or record[key] == before
    assert isinstance(manifest.digest, str)
    assert isinstance(manifest.damaged(directory), list)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_manifest_error(tmp_path_factory, content):
    directory = tmp_path_factory.getbasetemp()
    (directory / "manifest.json").write_bytes(content)
    with pytest.raises(ManifestError):
        Manifest.read(directory)


def test_versions_name_the_libraries():
    assert {"python", "numpy", "numba"} <= library_versions().keys()


def test_a_library_of_an_extra_that_is_not_installed_has_no_version(monkeypatch):
    def version(name, installed=importlib.metadata.version):
        return installed("no-such-distribution" if name == "pyarrow" else name)

    monkeypatch.setattr("importlib.metadata.version", version)
    assert library_versions.__wrapped__().keys() == {"python", "numpy", "numba", "nltk"}


def test_costs_are_not_negative():
    cost = Stopwatch().cost()
    assert cost["wall_seconds"] >= 0
    assert cost["cpu_seconds"] >= 0
    assert cost["peak_memory_bytes"] > 1_000_000
