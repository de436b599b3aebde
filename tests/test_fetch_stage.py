"""The first stage: text from elsewhere is fetched once, text at hand is not copied."""

import gzip
import json

import pytest

from corpora import Corpus, open_corpus
from embeddings import WordVectors
from pipelines.console.progress import LogProgress
from pipelines.pipeline import Selection, run
from pipelines.running.runner import Runner
from pipelines.settings.config import Setting
from pipelines.settings.run_config import build_run_config
from pipelines.settings.sections import CorpusSettings
from pipelines.stages.corpus_source import open_fetched
from pipelines.stages.fetch import FetchStage
from tests.command_line import vecmill
from tests.http_server import serve

TEXT = b"one two two\nthree three three\n" * 20


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VECMILL_CACHE", str(tmp_path / "cache"))


def fetch(root, source):
    root.mkdir(exist_ok=True)
    runner = Runner(root, [FetchStage(corpus=CorpusSettings(source=str(source)))], LogProgress())
    return runner.run()["fetch"], runner.made


def read(root, **settings) -> tuple[Corpus, bytes]:
    corpus = open_fetched(root / "fetch", CorpusSettings(source="is not read", **settings))
    return corpus, b"".join(corpus.blocks())


def test_local_text_stays_where_it_is(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT)
    manifest, _ = fetch(tmp_path / "root", path)
    assert list(manifest.outputs) == ["corpus.json"]
    assert manifest.corpus == open_corpus(path).fingerprint()
    corpus, content = read(tmp_path / "root")
    assert (corpus.name, content) == ("text.txt", TEXT)
    assert fetch(tmp_path / "root", path)[1] == []


def test_a_folder_a_glob_and_a_relative_path_are_found_from_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_bytes(b"a\n")
    (tmp_path / "texts" / "b.txt").write_bytes(b"b\n")
    monkeypatch.chdir(tmp_path)
    for number, source in enumerate(("texts", "texts/*.txt", "texts/a.txt")):
        fetch(tmp_path / str(number), source)
    monkeypatch.chdir(tmp_path / "texts")
    assert [read(tmp_path / str(number))[1] for number in range(3)] == [b"a\nb\n", b"a\nb\n", b"a\n"]


def test_a_url_is_downloaded_once_and_not_asked_for_again(tmp_path):
    with serve({"text.txt.gz": gzip.compress(TEXT)}) as site:
        manifest, made = fetch(tmp_path / "root", f"{site.url}/text.txt.gz")
        asked = len(site.requests)
        assert made == ["fetch"]
        assert "text/000000-text.txt.gz" in manifest.outputs
        assert fetch(tmp_path / "root", f"{site.url}/text.txt.gz")[1] == []
        assert len(site.requests) == asked
    assert read(tmp_path / "root")[1] == TEXT  # the server has gone


def _command(name, url, folder):
    """Return a command that trains on the text at an address, into ``out``; a run keeps what it has fetched."""
    small = ["--dimension", "4", "--epochs", "1", "--min-count", "1"]
    if name == "train-embeddings":
        return [name, url, *small, "--out", str(folder / "out")]
    settings = folder / "run.toml"
    settings.write_text(f'corpus.source = "{url}"\nvocabulary.min_count = 1\ntrain.dimension = 4\ntrain.epochs = 1\n')
    return [name, str(settings), "--until", "train-embeddings", "--out", str(folder / "out")]


@pytest.mark.parametrize(
    ("name", "useless", "whole"),
    [
        ("text.txt", b"<!DOCTYPE html><html><body>Log in first</body></html>", TEXT),
        ("text.txt.gz", gzip.compress(TEXT)[:-20], gzip.compress(TEXT)),
        ("text.txt", b"", TEXT),
    ],
    ids=["login-page", "truncated", "empty"],
)
@pytest.mark.parametrize("command", ["train-embeddings", "run"])
def test_a_useless_download_is_named_with_what_repeats_it(tmp_path, command, name, useless, whole):
    with serve({name: useless}) as site:
        command = _command(command, f"{site.url}/{name}", tmp_path)
        result = vecmill(*command)
        (cached,) = (tmp_path / "cache" / "downloads").glob(f"*/{name}")
        assert result.exit_code == 1
        assert f"; delete {cached} to download {site.url}/{name} again\n" in result.stderr
        assert ".out.work" not in result.stderr
        site.files[name] = whole
        cached.unlink()
        assert vecmill(*command).exit_code == 0


def test_several_files_of_another_file_system_keep_their_order(tmp_path):
    import fsspec

    memory = fsspec.filesystem("memory")
    for name, text in (("/fetch-test/b.txt", b"b\n"), ("/fetch-test/a.txt", b"a\n"), ("/fetch-test/.x", b"x\n")):
        with memory.open(name, "wb") as file:
            file.write(text)
    manifest, _ = fetch(tmp_path / "root", "memory://fetch-test")
    assert sorted(manifest.outputs) == ["corpus.json", "text/000000-a.txt", "text/000001-b.txt"]
    assert read(tmp_path / "root")[1] == b"a\nb\n"


def test_two_downloads_of_the_same_text_are_the_same_to_later_stages(tmp_path):
    with serve({"text.txt": TEXT, "other/text.txt": TEXT}) as site:
        first, _ = fetch(tmp_path / "root", f"{site.url}/text.txt")
        second, made = fetch(tmp_path / "root", f"{site.url}/other/text.txt")
    assert made == ["fetch"]
    assert first.digest == second.digest


def test_a_whole_run_from_a_url(tmp_path):
    with serve({"text.txt": TEXT}) as site:
        given = {"corpus.source": f"{site.url}/text.txt", "train.dimension": 4, "train.epochs": 1}
        config = build_run_config({name: Setting(value, name) for name, value in given.items()})
        outcome = run(config, tmp_path / "run", LogProgress(), Selection())
    assert set(WordVectors.load(tmp_path / "run" / "train-embeddings").words) == {"one", "two", "three"}
    record = json.loads((tmp_path / "run" / "train-embeddings" / "manifest.json").read_text())
    assert record["corpus"] == outcome.manifests["fetch"].digest
    assert run(config, tmp_path / "run", LogProgress()).made == []
