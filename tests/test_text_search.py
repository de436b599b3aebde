"""`vecmill search`, `vecmill.search` and `TextIndex`: the nearest texts, and a file that knows what it belongs to."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import vecmill
from embeddings.documents.sentence_index import SentenceIndex
from embeddings.errors import EmbeddingsError
from tests.command_line import fails
from tests.command_line import vecmill as run
from tests.topics import topic_lines

TEXTS = ["Nothing.", *topic_lines(60), "???"]


@pytest.fixture(scope="module")
def vectors():
    return vecmill.train(topic_lines(400), dimension=12, min_count=1, epochs=2, threads=1)


@pytest.fixture(scope="module")
def model(vectors, tmp_path_factory):
    path = tmp_path_factory.mktemp("search") / "model"
    vectors.save(path)
    return path


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(TEXTS) + "\n", "utf-8")
    return path


def expected_order(vectors, query, weighting):
    """All texts by the cosine of their vectors to that of a query, computed with the public functions."""
    matrix = vecmill.sentence_vectors(vectors, TEXTS, weighting=weighting).astype(np.float64)
    if weighting == "sif":
        words = vectors.make_tokenizer().tokenize(f"{query}\n")
        from embeddings.vectors.postprocessing import common_component, remove_component, weighted_sentence_vectors

        means = weighted_sentence_vectors(vectors, vectors.make_tokenizer().tokenize("".join(f"{t}\n" for t in TEXTS)))
        one = remove_component(weighted_sentence_vectors(vectors, words), common_component(means))[0]
    else:
        one = vecmill.sentence_vectors(vectors, [query])[0]
    lengths = np.linalg.norm(matrix, axis=1)
    known = np.flatnonzero(lengths > 0)
    cosines = matrix[known] @ one / lengths[known] / np.linalg.norm(one)
    order = np.argsort(-cosines, kind="stable")
    return known[order].tolist(), cosines[order].tolist()


@pytest.mark.parametrize("weighting", ["mean", "sif"])
def test_the_nearest_texts(vectors, weighting):
    query = TEXTS[7]
    found = vecmill.search(vectors, TEXTS, query, topn=9, weighting=weighting)
    numbers, cosines = expected_order(vectors, query, weighting)
    np.testing.assert_allclose([text.similarity for text in found], cosines[:9], atol=1e-5)
    assert len(found) == 9
    for text in found:
        assert text.text == TEXTS[text.number]
        assert text.similarity == pytest.approx(cosines[numbers.index(text.number)], abs=1e-5)


def test_texts_without_a_known_word_are_never_found(vectors):
    found = vecmill.search(vectors, TEXTS, TEXTS[3], topn=1000)
    unknown = {number for number, row in enumerate(vecmill.sentence_vectors(vectors, TEXTS)) if not row.any()}
    assert unknown >= {len(TEXTS) - 1}
    assert {text.number for text in found} == set(range(len(TEXTS))) - unknown


def test_a_query_without_a_known_word(vectors):
    index = vecmill.TextIndex(vectors, TEXTS)
    with pytest.raises(KeyError, match=r"no word of the query is known: 'xyzzy plugh'"):
        index.search("xyzzy plugh")
    with pytest.raises(TypeError, match="query is 7"):
        index.search(7)
    with pytest.raises(ValueError, match="topn is 0"):
        index.search(TEXTS[3], 0)


@pytest.mark.parametrize("value", [1.5, float("nan"), "2", None, np.arange(2), True])
def test_other_types_are_one_line(vectors, value):
    index = vecmill.TextIndex(vectors, TEXTS)
    for search in (index.search, lambda query, topn: index.search_many([query], topn)):
        with pytest.raises(TypeError, match=r"^topn is [^\n]*; expected a whole number$"):
            search(TEXTS[3], value)
    if value is not True:
        with pytest.raises(TypeError, match=r"^approximate is [^\n]*; expected True or False$"):
            vecmill.TextIndex(vectors, TEXTS, approximate=value)
    if not isinstance(value, str):
        for call in (index.save, lambda path: vecmill.TextIndex.load(path, vectors, TEXTS)):
            with pytest.raises(TypeError, match=r"^path is [^\n]*; expected a path"):
                call(value)


@pytest.mark.parametrize("queries", ["ai", b"ai", {"a": 1}, {"a", "i"}, None])
def test_one_query_or_a_set_is_no_list_of_queries(vectors, queries):
    with pytest.raises(vecmill.NotTextError, match=r"^queries is "):
        vecmill.TextIndex(vectors, TEXTS).search_many(queries)


def test_queries_of_a_column_are_many(vectors):
    index = vecmill.TextIndex(vectors, TEXTS)
    queries = TEXTS[3:6]
    for column in (pd.Series(queries), pa.array(queries), iter(queries)):
        assert index.search_many(column, 3) == index.search_many(queries, 3)


def test_texts_of_many_kinds(vectors):
    expected = vecmill.search(vectors, TEXTS, TEXTS[5])
    words = [vectors.make_tokenizer().tokenize(f"{text}\n")[0] for text in TEXTS]
    arrow = pa.array(TEXTS)
    for texts in (iter(TEXTS), pd.Series(TEXTS), arrow, arrow.dictionary_encode(), pa.array(words), words):
        assert [(t.number, t.similarity) for t in vecmill.search(vectors, texts, TEXTS[5])] == [
            (t.number, t.similarity) for t in expected
        ]
    for wrong in ("text", {"a": 1}, pd.DataFrame({"text": TEXTS}), [3], np.ma.array(TEXTS, mask=True)):
        with pytest.raises(vecmill.NotTextError):
            vecmill.search(vectors, wrong, TEXTS[5])
    with pytest.raises(EmbeddingsError, match="none of the 2 sentences has a word"):
        vecmill.search(vectors, ["?", "!"], TEXTS[5])


@pytest.mark.parametrize("approximate", [False, True])
@pytest.mark.parametrize("weighting", ["mean", "sif"])
def test_an_index_is_kept_in_a_file(vectors, tmp_path, weighting, approximate, monkeypatch):
    if approximate:
        pytest.importorskip("usearch.index")
    path = tmp_path / "texts.index"
    index = vecmill.TextIndex(vectors, TEXTS, weighting=weighting, approximate=approximate)
    index.save(path)
    monkeypatch.setattr(SentenceIndex, "build", None)  # is not called again
    again = vecmill.TextIndex.load(path, vectors, TEXTS, weighting=weighting)
    assert again.index.is_approximate == approximate
    assert len(again) == len(again.index) == len(TEXTS)
    queries = TEXTS[3:20]
    assert again.search_many(queries, 5) == index.search_many(queries, 5)
    monkeypatch.undo()
    exact = vecmill.TextIndex(vectors, TEXTS, weighting=weighting).search_many(queries, 5)
    found = _similarities(again.search_many(queries, 5))
    if approximate:  # a graph that threads build in any order may miss a few of the nearest
        assert (found <= _similarities(exact) + 1e-5).all()
        assert np.isclose(found, _similarities(exact), atol=1e-5).mean() > 0.6
    else:
        np.testing.assert_allclose(found, _similarities(exact), atol=1e-5)


def _similarities(found):
    return np.array([[text.similarity for text in texts] for texts in found])


def test_an_index_belongs_to_a_model_a_text_and_a_weighting(vectors, tmp_path):
    path = tmp_path / "texts.index"
    vecmill.TextIndex(vectors, TEXTS).save(path)
    with pytest.raises(EmbeddingsError, match="is the index of another text"):
        vecmill.TextIndex.load(path, vectors, [*TEXTS, "more"])
    other = vecmill.train(topic_lines(400), dimension=12, min_count=1, epochs=1, threads=1, seed=2)
    with pytest.raises(EmbeddingsError, match="is the index of another model"):
        vecmill.TextIndex.load(path, other, TEXTS)
    with pytest.raises(EmbeddingsError, match="of the weighting 'mean'"):
        vecmill.TextIndex.load(path, vectors, TEXTS, weighting="sif")


@pytest.mark.parametrize(
    ("texts", "others"),
    [
        (["{a}\n{b}", "{c}"], ["{a}", "{b}\n{c}"]),
        ([["{a}", "{b}\0{c}"]], [["{a}\0{b}", "{c}"]]),
        ([["{a}"], ["{b}"]], ["{a}", "{b}"]),
    ],
)
def test_texts_that_are_divided_in_another_way_are_other_texts(vectors, tmp_path, texts, others):
    a, b, c = vectors.words[:3]

    def filled(item):
        return item.format(a=a, b=b, c=c) if isinstance(item, str) else [word.format(a=a, b=b, c=c) for word in item]

    vecmill.TextIndex(vectors, list(map(filled, texts))).save(tmp_path / "texts.index")
    with pytest.raises(EmbeddingsError, match="is the index of another text"):
        vecmill.TextIndex.load(tmp_path / "texts.index", vectors, list(map(filled, others)))


def test_files_that_are_no_whole_index_are_refused(vectors, tmp_path):
    path = tmp_path / "texts.index"
    vecmill.TextIndex(vectors, TEXTS).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(EmbeddingsError, match="not a valid safetensors file"):
        vecmill.TextIndex.load(path, vectors, TEXTS)
    vecmill.write_vectors(vectors, tmp_path / "v.safetensors")
    with pytest.raises(EmbeddingsError, match="is no index of sentences"):
        vecmill.TextIndex.load(tmp_path / "v.safetensors", vectors, TEXTS)
    path.write_bytes(whole.replace(b'"count": ', b'"Count": '))
    with pytest.raises(EmbeddingsError, match="does not say what it is"):
        vecmill.TextIndex.load(path, vectors, TEXTS)
    number = len(TEXTS)
    path.write_bytes(whole.replace(b'"count": %d' % number, b'"count": %d' % (number + 1)))
    with pytest.raises(EmbeddingsError, match=f"is damaged: it is of {number + 1} texts, not {number}"):
        vecmill.TextIndex.load(path, vectors, TEXTS)


def test_the_command(vectors, model, text, tmp_path):
    query = TEXTS[7]
    expected = vecmill.search(vectors, TEXTS, query, topn=3)
    result = run("search", model, text, query, "--topn", 3)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == query
    assert [line.split(maxsplit=2) for line in lines[1:]] == [
        [f"{t.similarity:.3f}", str(t.number + 1), t.text] for t in expected
    ]
    report = json.loads(run("search", model, text, query, "--topn", 3, "--json").stdout)
    assert report["query"] == query
    assert [row["line"] for row in report["found"]] == [t.number + 1 for t in expected]
    assert report["found"][0].keys() == {"line", "similarity", "text"}
    typed = run("search", model, text, "--topn", 1, stdin=f"{query}\n\n{TEXTS[8]}\n")
    assert [line for line in typed.stdout.splitlines() if not line.startswith(" ")] == [query, TEXTS[8]]
    fails(1, "no word of the query is known: 'xyzzy'", "search", model, text, "xyzzy")
    fails(2, "read from stdin", "search", model, "-")
    table = tmp_path / "t.csv"
    pd.DataFrame({"n": 1, "body": TEXTS}).to_csv(table, index=False)
    assert run("search", model, table, query, "--topn", 3, "--column", "body").stdout == result.stdout


@pytest.mark.parametrize("many", [False, True])
def test_the_command_keeps_an_index(model, text, tmp_path, monkeypatch, many):
    if many:
        pytest.importorskip("usearch.index")
        monkeypatch.setattr("vecmill.text_search.MANY", 10)
    path = tmp_path / "text.index"
    call = ("search", model, text, TEXTS[7], "--topn", 4, "--index", path)
    first = run(*call)
    assert first.exit_code == 0, first.output
    made = path.stat().st_mtime_ns
    assert run(*call).stdout == first.stdout
    assert path.stat().st_mtime_ns == made
    text.write_text("\n".join(TEXTS[:-3]), "utf-8")
    fails(1, "is the index of another text.*--force makes it anew", *call)
    assert run(*call, "--force").exit_code == 0
    assert path.stat().st_mtime_ns != made
    fails(
        1,
        "nowhere/x: No such file or directory; choose a place that can be written to",
        *call[:-1],
        tmp_path / "nowhere" / "x",
    )


def test_without_usearch_all_lines_are_compared(model, text, tmp_path, monkeypatch):
    monkeypatch.setattr("vecmill.text_search.MANY", 10)
    monkeypatch.setattr("pipelines.commands.search._has_usearch", lambda: False)
    path = tmp_path / "text.index"
    assert run("search", model, text, TEXTS[7], "--index", path).exit_code == 0
    assert run("search", model, text, TEXTS[7], "--index", path).exit_code == 0
