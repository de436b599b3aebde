"""The tables for those who come from gensim: each line runs on both sides, and gives the same where results compare."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import vecmill

PAGE = (Path(__file__).parent.parent / "docs" / "from-gensim.md").read_text("utf-8")
ROWS = re.findall(r"^\| (`.*) \| (`.*) \|$", PAGE[: PAGE.index("Settings:")], re.MULTILINE)
WORDS = ["king", "queen", "man", "woman", "bread", "cheese", "wine", "oil", "salt", "milk"]


def code(cell):
    return re.search(r"`([^`]*)`", cell)[1]


def compared(cell):
    """Whether a line is a query; files and scores are compared in other tests."""
    return code(cell).startswith(("wv", "len", '"king" in', "[wv")) and not re.search(r"save|evaluate", cell)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gensim")
    rng = np.random.default_rng(0)
    lines = [" ".join(rng.choice(WORDS[:4] if row % 2 else WORDS[4:], 6)) for row in range(60)]
    (folder / "text.txt").write_text("\n".join(lines))
    (folder / "pairs.tsv").write_text("king\tqueen\t9\nking\tbread\t2\nman\twoman\t8\n")
    (folder / "analogies.txt").write_text(": family\nking man queen woman\nman king woman queen\n")
    (folder / "counts.txt").write_text("".join(f"{word} {count}\n" for count, word in enumerate(WORDS, 5)))
    (folder / "b.bin").write_bytes(b"1 1\n" + "é ".encode("latin-1") + bytes(4))
    vectors = vecmill.train([line.split() for line in lines], dimension=8, epochs=2, min_count=1, seed=1)
    vectors.save(folder / "wv")
    vecmill.write_vectors(vectors, folder / "a.bin")
    return folder


@pytest.fixture
def ours(folder, monkeypatch):
    monkeypatch.chdir(folder)
    space = {
        "sentences": [line.split() for line in Path("text.txt").read_text().splitlines()],
        "words": ["king", "oil"],
    }
    exec("\n".join(re.findall(r"^(?:import|from) .*", PAGE, re.MULTILINE)), space)
    return space | {"vectors": vecmill.load("wv")}


def run(source, space):
    """Run a line; return its value if it has one."""
    statement = ast.parse(source).body[0]
    if isinstance(statement, ast.Expr):
        return eval(source, space)
    return exec(source, space)


def test_the_tables_are_found():
    assert len(ROWS) > 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: code(row[1]))
def test_a_line_of_the_tables_runs_here(row, ours, tmp_path, monkeypatch):
    source = code(row[1])
    if source.startswith("vecmill train-embeddings"):
        return  # a command; tests/test_word2vec_continuation.py
    if "vectors.save(" in source:
        monkeypatch.chdir(tmp_path)
    run(source, ours)


@pytest.mark.parametrize("row", [row for row in ROWS if compared(row[0])], ids=lambda row: code(row[0]))
def test_a_query_gives_what_gensim_gives(row, ours):
    keyed_vectors = pytest.importorskip("gensim.models").KeyedVectors
    theirs, vectors = keyed_vectors.load_word2vec_format("a.bin", binary=True), ours["vectors"]
    for word, count in zip(vectors.words, vectors.vocabulary.counts.tolist(), strict=True):
        theirs.set_vecattr(word, "count", count)
    expected, found = run(code(row[0]), {"wv": theirs, "words": ours["words"]}), run(code(row[1]), ours)
    if "neighbors" in row[1]:  # ids and similarities of many words
        expected, found = [[vectors.id(word) for word, _ in one] for one in expected], found[0]
    for one, other in zip(flat(expected), flat(found), strict=True):
        assert one == other or one == pytest.approx(other, abs=1e-5)


def flat(result):
    """Yield the words and numbers of a result in order."""
    if isinstance(result, (list, tuple, np.ndarray)):
        for part in result:
            yield from flat(part)
    else:
        yield result
