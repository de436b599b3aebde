"""The catalog: entries, fetching into the cache, archives that are not to be trusted."""

import gzip
import hashlib
import io
import logging
import re
import shutil
import stat
import sys
import tarfile
import zipfile

import pytest

from corpora import CorpusError, catalog, evaluation_sets, fetch, info, open_corpus
from corpora.catalog import CatalogEntry
from corpora.markup import EXTRACTORS
from tests.http_server import serve
from vecmill.errors import OutputError

WIKITEXT = {"wiki/wiki.train.tokens": b" = Title = \n", "wiki/wiki.valid.tokens": b"v\n", "wiki/other": b"no\n"}


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(members, change=lambda member: None):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            change(member)
            archive.addfile(member, io.BytesIO(content) if member.isfile() else None)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("VECMILL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NLTK_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr("corpora.download.time.sleep", lambda seconds: None)
    with serve({}) as running:
        yield running


@pytest.fixture
def offer(monkeypatch, site):
    """Put an archive on the server and an entry for it in the catalog."""

    def add(content, name="archive.zip", urls=None, **about):
        site.files[name] = content
        about = {"reader": "lines", "files": {"all.txt": "*"}} | about
        fixed = dict.fromkeys(("title", "description", "licence", "homepage"), "x")
        entry = CatalogEntry(name="test", urls=urls or (f"{site.url}/{name}",), **fixed, **about)
        monkeypatch.setattr(sys.modules["corpora.catalog"], "_entries", lambda file: {"test": entry})
        return entry

    return add


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# --------------------------------------------------------------------------------------------------------- entries


def test_catalog_has_what_was_promised():
    promised = {"pydocs", "text8", "enwik9", "wikitext-2", "wikitext-103", "gutenberg", "brown", "reuters"}
    assert promised <= {entry.name for entry in catalog()}


def test_evaluation_sets_are_apart_from_texts():
    promised = {"wordsim-353", "simlex-999", "rare-words", "mturk-771", "men", "google-analogies"}
    sets = {entry.name for entry in evaluation_sets()}
    assert promised <= sets
    assert not sets & {entry.name for entry in catalog()}
    assert all(entry.sha256 for entry in evaluation_sets())


@pytest.mark.parametrize("entry", [*catalog(), *evaluation_sets()], ids=lambda entry: entry.name)
def test_every_entry_is_complete(entry):
    assert entry.title and entry.description and entry.licence
    assert entry.homepage.startswith("http")
    assert bool(entry.sha256) == bool(entry.sha256_source)
    assert bool(entry.md5) == bool(entry.md5_source)
    assert re.fullmatch(r"[0-9a-f]{64}|", entry.sha256)
    assert re.fullmatch(r"[0-9a-f]{32}|", entry.md5)
    if entry.name != "pydocs":
        assert entry.reader in EXTRACTORS
        assert entry.files
        assert entry.size or entry.renewed
        assert all(url.startswith("https://") for url in entry.urls) or entry.sha256 or entry.md5
    assert not info(entry.name).cached


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(
        CorpusError, match=r"no corpus 'texte8' in the catalog; did you mean 'text8'\? \(it has pydocs,"
    ):
        info("texte8")
    with pytest.raises(CorpusError, match="no corpus 'qqq' in the catalog"):
        fetch("qqq")


# -------------------------------------------------------------------------------------------------------- fetching


def test_fetch_and_read(offer, site, cache):
    archive = zipped(WIKITEXT)
    digest = hashlib.sha256(archive).hexdigest()
    files = {"train.txt": "*/wiki.train.*", "valid.txt": "*/wiki.valid.*"}
    offer(archive, files=files, sha256=digest, sha256_source="the test")
    seen = []
    found = fetch("test", lambda done, total: seen.append((done, total)))
    assert found.cached
    assert [path.name for path in found.text_files] == ["train.txt"]
    assert (found.record.sha256, found.record.checked_by) == (digest, "sha256 from the test")
    assert seen[-1] == (len(archive), len(archive))
    assert b"".join(open_corpus("test").blocks()) == b" = Title = \n"
    assert [name for name in files_below(cache) if "/." not in name] == [
        "corpora/test.json",
        "corpora/test/train.txt",
        "corpora/test/valid.txt",
    ]
    fetch("test")
    assert len(site.requests) == 1


def test_opening_fetches(offer):
    offer(gzip.compress(b"one\ntwo"), "text8.gz")
    corpus = open_corpus("test")
    assert (corpus.name, b"".join(corpus.blocks())) == ("test", b"one\ntwo\n")


def test_first_checksum_is_recorded_and_holds(offer, cache, caplog):
    offer(zipped({"a": b"first\n"}))
    with caplog.at_level(logging.WARNING):
        assert fetch("test").record.checked_by == ""
    assert "no source states a checksum" in caplog.text
    shutil.rmtree(cache / "corpora" / "test")
    assert not info("test").cached
    assert info("test").record  # what the text was outlives it
    offer(zipped({"a": b"second\n"}))
    with pytest.raises(CorpusError, match=r"expected [0-9a-f]{64} \(according to the first download"):
        fetch("test")
    assert not info("test").cached


def test_md5_confirms_the_first_download(offer):
    archive = zipped({"a": b"text\n"})
    offer(archive, md5=hashlib.md5(archive).hexdigest(), md5_source="the index")
    assert fetch("test").record.checked_by == "md5 from the index"


def test_wrong_checksum_leaves_nothing(offer, cache):
    offer(zipped({"a": b"text\n"}), sha256="0" * 64, sha256_source="the test")
    with pytest.raises(CorpusError, match=r"expected 0000.*the file was removed"):
        fetch("test")
    assert [name for name in files_below(cache) if not name.endswith(".lock")] == []


def test_second_address(offer, site):
    offer(zipped({"a": b"text\n"}), urls=(f"{site.url}/gone.zip", f"{site.url}/archive.zip"))
    assert fetch("test").record.url == f"{site.url}/archive.zip"
    offer(b"", urls=(f"{site.url}/x", f"{site.url}/y"))
    shutil.rmtree(info("test").text_files[0].parent)
    with pytest.raises(CorpusError, match=r"/x: HTTP 404 .*/y: HTTP 404"):
        fetch("test")


@pytest.mark.parametrize(
    "content", [zipped({"a": b"text " * 9999})[:-30], zipped({"a": b"x" * 999}), b"", b"\0" * 2000]
)
def test_archive_that_is_damaged_or_another(offer, content):
    offer(content.replace(b"x" * 99, b"y" * 99, 1), files={"all.txt": "[a]"})
    with pytest.raises(CorpusError, match=r"damaged|expected the archive of"):
        fetch("test")
    assert not info("test").cached


def test_archive_is_kept_when_the_text_cannot_be_written(offer, site, cache, monkeypatch):
    archive = zipped({"a": b"text\n"})
    offer(archive, sha256=hashlib.sha256(archive).hexdigest(), sha256_source="the test")

    def full(stream, encoding):
        raise OSError(28, "No space left on device")
        yield

    with monkeypatch.context() as patch:
        patch.setitem(EXTRACTORS, "lines", full)
        with pytest.raises(OutputError, match=r"cannot write .*: No space left on device; free some space"):
            fetch("test")
    assert files_below(cache / "corpora") == [".test.lock", "test.json"]
    assert fetch("test").cached
    assert len(site.requests) == 1


def test_archive_of_nltk_is_used_if_it_is_the_right_one(offer, site, tmp_path, monkeypatch, caplog):
    archive = zipped({"a": b"text\n"})
    offer(archive, nltk="corpora/a.zip", md5=hashlib.md5(archive).hexdigest(), md5_source="the index")
    for name, content in [("wrong", b"another"), ("right", archive)]:
        (tmp_path / name / "corpora").mkdir(parents=True)
        (tmp_path / name / "corpora" / "a.zip").write_bytes(content)
    monkeypatch.setenv("NLTK_DATA", f"{tmp_path}/wrong:{tmp_path}/right")
    assert fetch("test").record.url == (tmp_path / "right/corpora/a.zip").as_uri()
    assert site.requests == []
    assert "not using" in caplog.text
    assert (tmp_path / "right/corpora/a.zip").read_bytes() == archive


# -------------------------------------------------------------------------------------------------------- archives


def link(member):
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"


def device(member):
    member.type = tarfile.CHRTYPE


def zip_with_link():
    member = zipfile.ZipInfo("evil")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped({"a": b"text\n"} | {member: b"/etc/passwd"})


EVIL_NAMES = ["../evil", "a/../../evil", "/evil", "..\\evil", "C:\\evil", "\\\\host\\evil"]


@pytest.mark.parametrize("name", EVIL_NAMES)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_archive_cannot_write_outside_its_folder(offer, tmp_path, pack, name):
    offer(pack({"good": b"text\n", name: b"evil\n"}))
    with pytest.raises(CorpusError, match=r"would write outside its folder, to '.*evil'; do not trust it"):
        fetch("test")
    assert not list(tmp_path.rglob("*evil*"))
    assert not info("test").cached


@pytest.mark.parametrize("content", [tarred({"evil": b""}, link), tarred({"evil": b""}, device), zip_with_link()])
def test_archive_with_links_or_devices_is_refused(offer, content):
    offer(content)
    with pytest.raises(CorpusError, match="contains a link or device, 'evil'"):
        fetch("test")


def test_tar_archive(offer):
    offer(tarred({"x/a": b"one\n", "x/b": b"two\n"}), "archive.tar.gz", files={"all.txt": "x/*"})
    assert b"".join(open_corpus("test").blocks()) == b"one\ntwo\n"


# -------------------------------------------------------------------------------------------------------- real data


def test_brown_from_nltk_data(shared_data, monkeypatch):
    if not (shared_data / "nltk_data/corpora/brown.zip").exists():
        pytest.skip("no Brown corpus in the shared data")
    monkeypatch.setenv("NLTK_DATA", str(shared_data / "nltk_data"))
    text = b"".join(open_corpus("brown").blocks()).decode()
    assert text.startswith(
        "The Fulton County Grand Jury said Friday an investigation of Atlanta's recent primary election"
    )
    assert len(text.split()) == 1_161_192  # what NLTK's brown.words() counts
    assert text.count("\n") > 55_000
