"""Evaluation sets as the command line takes them: from the catalog, a file or a folder."""

import hashlib
import json
import re
import sys

import numpy as np
import pandas as pd
import pytest

from corpora import CorpusError, fetch
from corpora.catalog import EVALUATION_SETS, CatalogEntry
from embeddings import Vocabulary, WordVectors
from pipelines.stages.evaluation_sets import find_sets
from tests.command_line import fails, vecmill
from tests.http_server import serve

PAIRS = b"king\tqueen\t9\r\ndog\tcat\t8\r\nking\tcat\t1\r\n"
NUMBERED = b",word1,word2,similarity\n0,sun-n,hot-j,7.5\n1,hard-and-fast,run-v,1\n"


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("VECMILL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def site(monkeypatch):
    """A server with three sets, and a catalog that has them and one that the server does not have."""
    with serve({"pairs.txt": PAIRS, "numbered.csv": NUMBERED}) as running:
        entries = {}
        for name, file, reader in [
            ("pairs", "pairs.txt", "lines"),
            ("numbered", "numbered.csv", "numbered-pairs"),
            ("tagged", "numbered.csv", "numbered-tagged-pairs"),
            ("gone", "gone.txt", "lines"),
        ]:
            fixed = dict.fromkeys(("title", "description", "licence", "homepage"), "x")
            checksum = {"sha256": hashlib.sha256(running.files.get(file, b"")).hexdigest(), "sha256_source": "the test"}
            about = {"urls": (f"{running.url}/{file}",), "reader": reader, "files": {f"{name}.txt": "*"}}
            entries[name] = CatalogEntry(name=name, **fixed, **about, **checksum)
        catalog = {EVALUATION_SETS: entries}
        monkeypatch.setattr(sys.modules["corpora.catalog"], "_entries", lambda file: catalog.get(file, {}))
        yield running


@pytest.fixture
def model(tmp_path):
    words = ["king", "queen", "dog", "cat", "sun", "hot"]
    matrix = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    WordVectors(Vocabulary.from_words(words), matrix).save(tmp_path / "model")
    return tmp_path / "model"


def test_the_catalog_is_fetched_once_and_what_is_missing_is_told(site, caplog):
    found = find_sets(None)
    assert list(found) == ["pairs", "numbered", "tagged"]
    assert found["pairs"].read_bytes() == PAIRS.replace(b"\r", b"")
    assert found["numbered"].read_text() == "sun-n\thot-j\t7.5\nhard-and-fast\trun-v\t1\n"
    assert found["tagged"].read_text() == "sun\thot\t7.5\nhard-and-fast\trun\t1\n"
    assert "cannot be downloaded: gone" in caplog.text
    requests = len(site.requests)
    assert find_sets(["pairs", "tagged"]) == {name: found[name] for name in ("pairs", "tagged")}
    assert len(site.requests) == requests


def test_a_changed_file_is_refused(site):
    site.files["pairs.txt"] = PAIRS + b"dog\tqueen\t0\n"
    with pytest.raises(CorpusError, match=r"sha256 is .*, expected .*\(according to the test\)"):
        find_sets(["pairs"])


def test_a_set_that_was_named_must_be_there(site):
    with pytest.raises(CorpusError, match="HTTP 404"):
        find_sets(["gone"])
    with pytest.raises(CorpusError, match=r"there is no pair:.*did you mean 'pairs'\? \(pairs, numbered,"):
        find_sets(["pair"])


def test_without_a_network_the_error_says_what_to_do(site, model):
    site.files.clear()
    fails(1, r"give your own files: --data FOLDER", "evaluate", model)


def test_files_and_folders_and_names_together(site, tmp_path):
    folder = tmp_path / "sets"
    folder.mkdir()
    (folder / "b.txt").write_bytes(PAIRS)
    (folder / "a.txt").write_bytes(PAIRS)
    (folder / ".hidden").write_bytes(b"")
    assert list(find_sets([str(folder), "pairs", str(folder / "b.txt")])) == ["a", "b", "pairs"]


def test_a_file_that_a_package_brings_along_is_used(site, tmp_path, monkeypatch):
    package = tmp_path / "some_package"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    (package / "data" / "pairs.txt").write_bytes(PAIRS)
    monkeypatch.syspath_prepend(tmp_path)
    entries = sys.modules["corpora.catalog"]._entries(EVALUATION_SETS)
    entry = entries["pairs"]
    entries["pairs"] = CatalogEntry(**{**vars(entry), "installed": "some_package/data/pairs.txt"})
    assert fetch("pairs").record.url == (package / "data" / "pairs.txt").as_uri()
    entries["numbered"] = CatalogEntry(**{**vars(entries["numbered"]), "installed": "no_such_package/pairs.txt"})
    assert fetch("numbered").record.url.startswith("http")
    assert len(site.requests) == 1


@pytest.mark.parametrize("lines", ["king queen 9\n", "king queen 9\ndog cat 9\n", "king queen 9\nno such 1\n"])
def test_evaluate_says_why_a_set_has_no_score(model, tmp_path, lines):
    (tmp_path / "few.txt").write_text(lines)
    result = vecmill("evaluate", model, "--data", tmp_path / "few.txt")
    assert result.exit_code == 0
    assert re.search(r"few has no score: [12] of [12] items can be used, or all have one value", result.stderr)


def test_evaluate_prints_and_saves_every_kind_of_set(model, tmp_path):
    folder = tmp_path / "sets"
    folder.mkdir()
    long = "pairs-" + "with-a-long-name-" * 8
    (folder / f"{long}.txt").write_bytes(PAIRS)
    (folder / "questions.txt").write_text(": royal\nking queen dog cat\n: other\ncat dog queen king\n")
    (folder / "kinds.txt").write_text("king person\nqueen person\ndog animal\ncat animal\n")
    (folder / "odd.txt").write_text(": pets\ndog\ncat\n\nsun\n: rulers\nking\nqueen\n\nhot\n")
    result = vecmill("evaluate", model, "--data", folder, "--out", tmp_path / "scores.csv")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["set", "measure", "score", "low", "high", "pearson", "items", "used", "oov"]
    assert [line.split()[0] for line in lines[1:]] == ["kinds", "odd", long, "questions"]
    saved = pd.read_csv(tmp_path / "scores.csv")
    assert saved["set"].tolist() == ["kinds", "odd", long, "questions"]
    arguments = ["--sections", "--method", "3CosMul", "--out", tmp_path / "scores.json", "--json"]
    printed = json.loads(vecmill("evaluate", model, "--data", folder, *arguments).stdout)
    assert [record["section"] for record in printed if record["set"] == "questions"] == ["royal", "other", "total"]
    assert [record["section"] for record in printed if record["set"] == "odd"] == ["pets", "rulers", "total"]
    again = json.loads((tmp_path / "scores.json").read_text())
    assert [record["set"] for record in again] == [record["set"] for record in printed]
    assert {record["measure"] for record in again} >= {"Spearman", "accuracy (3CosMul)", "purity"}
    fails(2, "--method: '3cosmul'.*did you mean '3CosMul'", "evaluate", model, "--method", "3cosmul")
    fails(2, "must end in .csv or .json", "evaluate", model, "--out", tmp_path / "scores.txt")


def test_binary_files_are_no_evaluation_sets(tmp_path):
    for number, data in enumerate([bytes(500), b"a b 1\n\0\0\0", b"a\tb\t1\n" * 9 + b"\0"]):
        (tmp_path / f"{number}.txt").write_bytes(data)
        WordVectors(Vocabulary.from_words(["a", "b"]), np.eye(2, dtype=np.float32)).save(tmp_path / f"m{number}")
        fails(1, "is a binary file", "evaluate", tmp_path / f"m{number}", "--data", tmp_path / f"{number}.txt")
