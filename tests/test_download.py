"""Downloads: progress, resuming, checksums, and servers that misbehave."""

import gzip
import hashlib
import json
import random
from urllib.parse import unquote

import pytest

from corpora import CorpusError, open_corpus
from corpora.cache import cache_directory
from corpora.download import ATTEMPTS, Checksum, Record, download, fetch_url
from tests.command_line import fails
from tests.http_server import serve
from vecmill.errors import OutputError

CONTENT = random.Random(1).randbytes(1_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def site(monkeypatch, tmp_path):
    monkeypatch.setattr("corpora.download.time.sleep", lambda seconds: None)
    monkeypatch.setenv("VECMILL_CACHE", str(tmp_path / "cache"))
    with serve({"file.bin": CONTENT, "text.txt.gz": gzip.compress(b"some words\n")}) as running:
        yield running


@pytest.fixture
def target(tmp_path):
    return tmp_path / "file.bin"


def checksum(value=SHA256):
    return Checksum("sha256", value, "the test")


def leftovers(target):
    return [path.name for path in target.parent.iterdir() if path.name.startswith(".")]


def test_a_user_without_a_home_is_told_to_name_a_cache(monkeypatch):
    def unknown(name):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("VECMILL_CACHE", raising=False)
    monkeypatch.setattr("corpora.cache.user_cache_dir", unknown)
    fails(1, "no home directory, which holds the cache; set VECMILL_CACHE to a folder", "corpora", "info", "pydocs")
    fails(1, "set VECMILL_CACHE to a folder", "train-embeddings", "brown", "--out", "absent")
    monkeypatch.setattr("corpora.cache.user_cache_dir", lambda name: "~nobody-here/cache")
    fails(1, "set VECMILL_CACHE to a folder", "corpora", "info", "pydocs")
    monkeypatch.setenv("VECMILL_CACHE", "~nobody-here/cache")
    with pytest.raises(OutputError, match=r"VECMILL_CACHE is .*cannot be used"):
        cache_directory()


def test_download_with_progress(site, target):
    seen = []
    record = download(f"{site.url}/file.bin", target, checksum(), lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    assert (record.sha256, record.size, record.checked_by) == (SHA256, len(CONTENT), "sha256 from the test")
    assert site.requests == [""]
    assert leftovers(target) == []


def test_cut_connection_is_resumed(site, target):
    site.cuts = [300_000, 200_000]
    seen = []
    download(f"{site.url}/file.bin", target, checksum(), lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert site.requests == ["", "bytes=300000-", "bytes=500000-"]
    assert seen == sorted(seen)
    assert {total for _, total in seen} == {len(CONTENT)}


def test_connection_that_stays_cut_is_resumed_by_the_next_call(site, target):
    site.cuts = [300_000] + [0] * ATTEMPTS
    with pytest.raises(CorpusError, match="300,000 bytes are kept: the same command resumes from there"):
        download(f"{site.url}/file.bin", target)
    assert not target.exists()
    download(f"{site.url}/file.bin", target)
    assert target.read_bytes() == CONTENT
    assert site.requests[-1] == "bytes=300000-"
    assert leftovers(target) == []


def test_server_without_ranges(site, target):
    site.ranges = False
    site.cuts = [300_000, 400_000]
    download(f"{site.url}/file.bin", target, checksum())
    assert target.read_bytes() == CONTENT
    assert len(site.requests) == 3


@pytest.mark.parametrize("heeded", [True, False])
def test_changed_file_is_begun_anew(site, target, heeded):
    site.if_range = heeded
    site.cuts = [300_000] + [0] * ATTEMPTS
    with pytest.raises(CorpusError, match="are kept"):
        download(f"{site.url}/file.bin", target)
    site.files["file.bin"] = CONTENT[::-1]
    site.etag = '"2"'
    download(f"{site.url}/file.bin", target)
    assert target.read_bytes() == CONTENT[::-1]


def test_without_a_validator_or_checksum_nothing_is_resumed(site, target):
    site.etag = None
    site.cuts = [300_000]
    download(f"{site.url}/file.bin", target)
    assert target.read_bytes() == CONTENT
    assert site.requests == ["", ""]


def test_without_a_validator_a_checksum_allows_to_resume(site, target):
    site.etag = None
    site.cuts = [300_000]
    download(f"{site.url}/file.bin", target, checksum())
    assert target.read_bytes() == CONTENT
    assert site.requests == ["", "bytes=300000-"]


def test_wrong_range_is_not_appended(site, target):
    site.cuts = [300_000]
    site.wrong_range = True
    download(f"{site.url}/file.bin", target)
    assert target.read_bytes() == CONTENT
    assert site.requests == ["", "bytes=300000-", ""]


@pytest.mark.parametrize("length", [len(CONTENT), len(CONTENT) + 5])
def test_part_that_was_whole_or_too_long(site, target, length):
    (target.parent / ".file.bin.part").write_bytes((CONTENT + b"extra")[:length])
    about = {"url": f"{site.url}/file.bin", "validator": site.etag}
    (target.parent / ".file.bin.part.json").write_text(json.dumps(about))
    download(f"{site.url}/file.bin", target, checksum())
    assert target.read_bytes() == CONTENT
    assert len(site.requests) == (1 if length == len(CONTENT) else 2)


def test_part_of_another_address_is_not_used(site, target):
    (target.parent / ".file.bin.part").write_bytes(b"something else")
    (target.parent / ".file.bin.part.json").write_text("{damaged")
    download(f"{site.url}/file.bin", target)
    assert target.read_bytes() == CONTENT


def test_wrong_checksum_names_both_and_removes_the_file(site, target):
    with pytest.raises(CorpusError) as caught:
        download(f"{site.url}/file.bin", target, checksum("0" * 64))
    assert SHA256 in str(caught.value)
    assert "0" * 64 in str(caught.value)
    assert "according to the test" in str(caught.value)
    assert list(target.parent.iterdir()) == []


def test_md5_is_checked(site, target):
    value = hashlib.md5(CONTENT).hexdigest()
    download(f"{site.url}/file.bin", target, Checksum("md5", value.upper(), "the test"))
    with pytest.raises(CorpusError, match=f"its md5 is {value}, expected {'0' * 32}"):
        download(f"{site.url}/file.bin", target, Checksum("md5", "0" * 32, "the test"))
    assert target.read_bytes() == CONTENT  # the earlier file is untouched


def test_server_errors(site, target):
    site.statuses = [503, 429]
    download(f"{site.url}/file.bin", target)
    assert target.read_bytes() == CONTENT
    with pytest.raises(CorpusError, match=r"cannot download .*/none: HTTP 404 Not Found"):
        download(f"{site.url}/none", target.with_name("none"))
    site.statuses = [500] * ATTEMPTS
    with pytest.raises(CorpusError, match="HTTP 500"):
        download(f"{site.url}/file.bin", target.with_name("other"))


def test_length_unknown(site, target):
    site.tells_length = False
    seen = []
    download(f"{site.url}/file.bin", target, None, lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), None)


def test_empty_file(site, target):
    site.files["empty"] = b""
    assert download(f"{site.url}/empty", target).size == 0
    assert target.read_bytes() == b""


def test_no_server(target, monkeypatch):
    monkeypatch.setattr("corpora.download.time.sleep", lambda seconds: None)
    with serve({}) as site:
        address = site.url
    with pytest.raises(CorpusError, match=r"cannot download http://127\.0\.0\.1.*refused"):
        download(f"{address}/x", target)
    with pytest.raises(CorpusError, match="expected an http or https address"):
        download("ftp://127.0.0.1/x", target)
    with pytest.raises(CorpusError, match="cannot download http://"):
        download("http://", target)


def test_full_disk(site, target, monkeypatch):
    site.files["file.bin"] = CONTENT
    (target.parent / ".file.bin.part").symlink_to("/dev/full")
    about = {"url": f"{site.url}/file.bin", "validator": site.etag}
    (target.parent / ".file.bin.part.json").write_text(json.dumps(about))
    monkeypatch.setattr("corpora.download._Part.begin", lambda part, validator: None)
    with pytest.raises(OutputError, match=r"cannot write .*file\.bin.*: No space left on device; free some space"):
        download(f"{site.url}/file.bin", target)


def test_folder_that_cannot_be_made(site, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        download(f"{site.url}/file.bin", tmp_path / "file" / "x.bin")


def test_url_is_fetched_once_and_read(site, tmp_path):
    corpus = open_corpus(f"{site.url}/text.txt.gz")
    assert b"".join(corpus.blocks()) == b"some words\n"
    assert corpus.name == "text.txt.gz"
    assert b"".join(open_corpus(f"{site.url}/text.txt.gz").blocks()) == b"some words\n"
    assert len(site.requests) == 1
    (path,) = (tmp_path / "cache" / "downloads").glob("*/.record.json")
    record = Record.read(path)
    assert record.url == f"{site.url}/text.txt.gz"
    assert record.sha256 == hashlib.sha256(site.files["text.txt.gz"]).hexdigest()
    assert record.checked_by == ""


@pytest.mark.parametrize("name", ["%2e%2e%2f%2e%2e%2fevil", "..%5c..%5cevil", "%00", "a%20b?x=/../..", ""])
def test_names_in_addresses_stay_in_the_cache(site, tmp_path, name):
    site.files = {unquote(name): b"text\n"}
    path = fetch_url(f"{site.url}/{name}")
    assert path.read_bytes() == b"text\n"
    assert path.parent.parent == tmp_path / "cache" / "downloads"
    assert path.resolve() == path


def test_damaged_record_is_no_record(tmp_path):
    path = tmp_path / "record.json"
    for content in ["{", "[]", '{"url": 1}', "null"]:
        path.write_text(content)
        assert Record.read(path) is None
