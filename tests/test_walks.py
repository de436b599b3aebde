"""`vecmill walks` and `vecmill.walks`: edge lists of every kind, the same walks whatever the threads, refusals."""

import gzip
import io
import json
import re
import shlex
import sys
import unicodedata
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import vecmill
from embeddings.errors import EmbeddingsError
from embeddings.graphs import Graph, edges_of_pairs, read_edges
from tests.command_line import fails
from tests.command_line import vecmill as run

EDGES = [("a", "b", 1.0), ("b", "c", 2.0), ("c", "a", 0.5), ("c", "dé", 1.0)]
TABLE = pd.DataFrame(EDGES, columns=["source", "target", "weight"])


def edges_of(graph):
    """Return {(source, target): weight}."""
    weights = np.ones(len(graph.targets)) if graph.weights is None else graph.weights
    sources = np.repeat(np.arange(len(graph)), np.diff(graph.offsets))
    return {
        (graph.names[a], graph.names[b]): weight
        for a, b, weight in zip(sources, graph.targets, weights.tolist(), strict=True)
    }


DIRECTED = {(a, b): weight for a, b, weight in EDGES}
UNWEIGHTED = dict.fromkeys(DIRECTED, 1.0)
LINES = [f"{a},{b},{w}" for a, b, w in EDGES]
MATRIX = "%%MatrixMarket matrix coordinate"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("e.csv", "\n".join(LINES), DIRECTED),
        ("e.csv", "\r\n".join(["source,target,weight", *LINES]) + "\r\n", DIRECTED),
        ("e.csv", "\n".join(LINES).replace(",", ";"), DIRECTED),
        ("e.csv", "\n".join(f'"{a}","{b}"' for a, b, _ in EDGES), UNWEIGHTED),
        ("e.csv", "From,To,year\n" + "\n".join(LINES), UNWEIGHTED),
        ("e.tsv", "\n".join(LINES).replace(",", "\t"), DIRECTED),
        ("e.txt", "# Nodes: 4\n# FromNodeId\tToNodeId\n" + "\n".join(LINES).replace(",", " "), DIRECTED),
        ("e.csv", "Source,Target,Type,Weight\n" + "\n".join(f"{a},{b},Directed,{w}" for a, b, w in EDGES), DIRECTED),
        ("e.csv", "Source, Target, weight \n \n" + "\n".join(LINES).replace(",", ", "), DIRECTED),
        ("e.csv", "\n".join(f'"{a}" , "{b}"  ' for a, b, _ in EDGES) + "\n \t\n", UNWEIGHTED),
        ("e.tsv", "\n".join(f" {line} " for line in LINES).replace(",", " \t\N{NO-BREAK SPACE}"), DIRECTED),
        ("e.edgelist", "% sym\n\n" + "\n\n".join(LINES).replace(",", "\t"), DIRECTED),
        ("e.mtx", f"{MATRIX} real general\n% made by\n4 4 5\n\n" + "\n".join(LINES).replace(",", " "), DIRECTED),
        ("e.mtx", f"{MATRIX} pattern general\n4 4 5\n" + "\n".join(f"{a} {b}" for a, b, _ in EDGES), UNWEIGHTED),
    ],
    ids=(
        *("csv", "header", "semicolons", "quoted", "other columns", "tsv", "SNAP", "Gephi", *("spaces",) * 3, "KONECT"),
        *("Matrix Market", "Matrix Market without weights"),
    ),
)
def test_text_files(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text, newline="", encoding="utf-8")
    assert edges_of(Graph.from_edges(read_edges(tmp_path / name), directed=True)) == expected
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    assert edges_of(Graph.from_edges(read_edges(packed), directed=True)) == expected


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    "text",
    ["\n".join(LINES), "\ufefffrom\tto\tweight\n" + "\n".join(LINES).replace(",", "\t"), "# a\n" + "\n".join(LINES)],
)
def test_edges_on_standard_input(text, pack, monkeypatch):
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(pack(text.encode()))))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert edges_of(Graph.from_edges(read_edges("-"), directed=True)) == DIRECTED
    assert not stdin.closed


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "stdin has no edges"),
        ("a b\nc\n", "stdin: edge 2 is 'c'; expected two nodes"),
        ('source,target\n"a,b\n', "stdin: edge 1 is"),
        ("<html><body>a b</body></html>\n", "stdin: HTML file"),
    ],
)
def test_what_is_no_edge_on_standard_input_is_one_line(text, wrong):
    fails(1, f"error: {wrong}", "walks", "-", stdin=text)


def test_walks_from_a_pipe_are_those_of_the_file(tmp_path):
    (tmp_path / "e").write_text("\n".join(LINES))
    from_file = run("walks", tmp_path / "e", "--length", 5)
    assert run("walks", "-", "--length", 5, stdin="\n".join(LINES)).stdout == from_file.stdout != ""


@pytest.mark.parametrize("names", ["von,zu,gewicht", "a;b;how often", "node\tother node\tn"])
def test_a_header_of_other_words_is_pointed_to_the_options(tmp_path, names):
    mark = next(mark for mark in ",;\t" if mark in names)
    path, weight = tmp_path / ("e.tsv" if mark == "\t" else "e.csv"), names.split(mark)[2]
    path.write_text(f"{names}\nx{mark}y{mark}2\n")
    expected = "edge 1 is .*; expected two nodes and a weight above 0; if this line names the columns, give --weight "
    fails(1, expected + re.escape(shlex.quote(weight)), "walks", path)
    (edges,) = read_edges(path, weight=weight)
    assert (edges.sources, edges.targets, edges.weights.tolist()) == (["x"], ["y"], [2])
    (edges,) = read_edges(path, header=True)
    assert edges.weights is None


def test_columns_by_name(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("n,b,a,weight,w\n" + "\n".join(f"0,{b},{a},9,{w}" for a, b, w in EDGES))
    named = {"source": "a", "target": "b"}
    assert edges_of(Graph.from_edges(read_edges(path, **named, weight="w"), directed=True)) == DIRECTED
    assert edges_of(Graph.from_edges(read_edges(path, **named, weight="none"), directed=True)) == UNWEIGHTED
    nines = dict.fromkeys(DIRECTED, 9.0)
    assert edges_of(Graph.from_edges(read_edges(path, **named), directed=True)) == nines
    with pytest.raises(EmbeddingsError, match=r"no column 'd'.*columns: 'n', 'b', 'a'"):
        list(read_edges(path, source="d"))
    with pytest.raises(EmbeddingsError, match="without a header"):
        list(read_edges(path, source="a", header=False))


@pytest.mark.parametrize("edges", [".", "absent.csv", "absent.parquet", "9" * 300])
def test_edges_that_cannot_be_read_are_one_line(tmp_path, monkeypatch, edges):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((EmbeddingsError, ValueError), match=r"^[^\n]*; expected a (file of edges|path[^\n]*)$"):
        vecmill.walks(edges)


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000, "", "nothing"])
def test_a_name_that_no_file_has_is_one_line(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    result = run("walks", name)
    (error,) = result.stderr.splitlines()
    assert (result.exit_code in (1, 2), "unexpected" in error) == (True, False), error


def test_a_first_line_is_an_edge_unless_it_is_a_header(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("x,y\n1,2\n")
    assert len(Graph.from_edges(read_edges(path)).names) == 4
    assert Graph.from_edges(read_edges(path, header=True)).names == ["1", "2"]
    path.write_text("source,target\n1,2\n")
    assert Graph.from_edges(read_edges(path, header=False)).names == ["source", "1", "target", "2"]


@pytest.mark.parametrize("head", ["id_1,id_2", "user,movie", "u,v", "FromNodeId\tToNodeId", "Source Node,Target Node"])
def test_names_above_numbers_are_no_edge(tmp_path, head):
    path = tmp_path / "e.csv"
    mark = "\t" if "\t" in head else ","
    path = path.with_suffix(".tsv") if mark == "\t" else path
    path.write_text(head + f"\n1{mark}2\n2{mark}3\n")
    assert Graph.from_edges(read_edges(path)).names == ["1", "2", "3"]


def test_a_table_without_columns_has_no_edges():
    with pytest.raises(EmbeddingsError, match="the table has no columns; expected two"):
        vecmill.walks(pd.DataFrame())


def test_nodes_with_the_names_of_letters_are_an_edge(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("u,v\nv,w\nw,u\n")
    assert Graph.from_edges(read_edges(path)).names == ["u", "v", "w"]
    path.write_text("user_id,item_id\nann,tea\nbob,tea\n")
    assert Graph.from_edges(read_edges(path)).names == ["ann", "bob", "tea"]
    path.write_text("root,main,0.5\n1,2,0.5\n2,3,0.5\n")  # a weight, so that it is an edge
    assert len(Graph.from_edges(read_edges(path)).names) == 5


@pytest.mark.parametrize(
    ("head", "row"),
    [
        (",source,target,weight", "0,{},{},{}"),
        ("Unnamed: 0,a,b,weight", "0,{},{},{}"),
        ("index,source,target,weight", "0,{},{},{}"),
        ("id,from,to,weight", "0,{},{},{}"),
        ("weight,source,target", "{2},{0},{1}"),
    ],
)
def test_a_column_before_those_of_the_nodes_is_none_of_them(tmp_path, head, row):
    path = tmp_path / "e.csv"
    path.write_text("\n".join([head, *(row.format(a, b, weight) for a, b, weight in EDGES)]))
    options = {"header": True} if head.startswith("Unnamed") else {}
    assert edges_of(Graph.from_edges(read_edges(path, **options), directed=True)) == DIRECTED
    frame = pd.read_csv(path)
    assert edges_of(vecmill.walks(frame, directed=True, walks=1).graph) == DIRECTED


def test_the_views_of_networkx_and_of_a_dict_are_pairs():
    networkx = pytest.importorskip("networkx")
    graph = networkx.Graph([("a", "b"), ("b", "c")])
    views = [graph.edges(), graph.edges, graph.edges(data="weight", default=1), networkx.DiGraph(graph).edges()]
    for view in [*views, dict.fromkeys(graph.edges).keys(), {"a": "b", "b": "c"}.items()]:
        assert sorted(vecmill.walks(view, walks=1).graph.names) == ["a", "b", "c"]
    with pytest.raises(TypeError, match="expected a path"):
        vecmill.walks({("a", "b")})  # which has no order


@pytest.mark.parametrize("attributes", ["{}", "{'weight': 4}"])
def test_edges_with_attributes_as_networkx_writes_them(tmp_path, attributes):
    path = tmp_path / "g.edgelist"
    path.write_text(f"0 1 {attributes}\n1 2 {attributes}\n")
    with pytest.raises(EmbeddingsError, match="--weight none"):
        list(read_edges(path))
    assert Graph.from_edges(read_edges(path, weight="none")).names == ["0", "1", "2"]


def test_nodes_that_are_no_utf_8_are_refused_with_the_command(tmp_path):
    """Replaced, two nodes would become one."""
    path = tmp_path / "e.csv"
    path.write_bytes("source,target\nMüller,Köln\nMäller,Bonn\n".encode("latin-1"))
    with pytest.raises(EmbeddingsError, match=r"not UTF-8.*iconv -f CP1252"):
        vecmill.walks(path)


@pytest.mark.parametrize("kind", ["parquet", "numbers", "pandas", "Arrow", "pairs", "arrays"])
def test_tables_and_pairs(tmp_path, kind):
    numbers = {"a": 1, "b": 2, "c": 3, "dé": 4}
    if kind in ("parquet", "numbers"):
        table = (
            TABLE.assign(source=TABLE.source.map(numbers), target=TABLE.target.map(numbers))
            if kind == "numbers"
            else TABLE
        )
        given = tmp_path / "e.parquet"
        pq.write_table(pa.Table.from_pandas(table), given)
    else:
        given = {
            "pandas": TABLE,
            "Arrow": pa.Table.from_pandas(TABLE),
            "pairs": iter(EDGES),
            "arrays": np.array([(numbers[a], numbers[b], w) for a, b, w in EDGES], object),
        }[kind]
    graph = vecmill.walks(given, directed=True, walks=1).graph
    names = numbers if kind in ("numbers", "arrays") else {}
    assert edges_of(graph) == {
        (str(names.get(a, a)), str(names.get(b, b))): weight for (a, b), weight in DIRECTED.items()
    }


def test_the_same_edge_twice(tmp_path):
    twice = [("a", "b", 1.0), ("b", "a", 2.0), ("a", "b", 4.0), ("c", "c", 1.0)]
    graph = Graph.from_edges(edges_of_pairs(twice))
    assert edges_of(graph) == {("a", "b"): 7.0, ("b", "a"): 7.0, ("c", "c"): 1.0}
    assert (graph.edge_count, graph.merged) == (2, 2)
    directed = Graph.from_edges(edges_of_pairs(twice), directed=True)
    assert edges_of(directed) == {("a", "b"): 5.0, ("b", "a"): 2.0, ("c", "c"): 1.0}
    plain = Graph.from_edges(edges_of_pairs([edge[:2] for edge in twice]))
    assert plain.weights is None
    assert plain.edge_count == 2


@pytest.mark.parametrize("order", [1, -1])
def test_names_that_write_accents_in_two_ways_are_one_node(tmp_path, order):
    spellings = [unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD")][::order]
    edges = [(spellings[0], "b"), (spellings[1], "c"), ("b", "c"), (spellings[1], "b")]
    (tmp_path / "edges.csv").write_text("".join(f"{source},{target}\n" for source, target in edges), "utf-8")
    for graph in (Graph.from_edges(edges_of_pairs(edges)), Graph.from_edges(read_edges(tmp_path / "edges.csv"))):
        assert graph.names == ["caf\u00e9", "b", "c"]
        assert (graph.edge_count, graph.merged) == (3, 1)


def test_edges_in_many_batches(monkeypatch):
    generator = np.random.default_rng(0)
    pairs = generator.integers(0, 50, (400, 2)).tolist()
    whole = edges_of(Graph.from_edges(edges_of_pairs(pairs)))
    monkeypatch.setattr("embeddings.graphs.edge_lists._AT_ONCE", 7)
    assert edges_of(Graph.from_edges(edges_of_pairs(pairs))) == whole


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "there are no edges"),
        ([("a", "b"), ("a",)], "got the edge"),
        (["ab"], "got the edge 'ab'"),
        ([(b"a", "b")], "got the node b'a' .bytes.; expected a str or a number: node.decode"),
        (np.array([["a", "b"]], "S"), "got the node"),
        ([("a", "b"), ("a", None)], "the edges: edge 2 is 'a, None'; expected two nodes"),
        ([("a", "b", 1), ("a", "c", 0)], "edge 2 is 'a, c, 0'; expected two nodes and a weight above 0"),
        ([("a", "b", 1), ("a", "c", float("nan"))], "edge 2"),
        ([("a", "b", 1), ("a", "c", "x")], "edge 2"),
        ([("a", "b", 1), ("a", "c")], "edge 2"),
        ([("a", "b"), ("a", "c", 5)], "edge 2 is 'a, c, 5'; expected two nodes, as the first edge has"),
    ],
)
def test_what_is_no_edge_is_refused(pairs, message):
    with pytest.raises(EmbeddingsError, match=message):
        vecmill.walks(pairs)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("e.csv", "", "no edges"),
        ("e.csv", "a,b\nc\n", "e.csv: edge 2 is 'c'; expected two nodes"),
        ("e.csv", "a,b,1\nc,,1\n", "edge 2 is 'c, , 1'"),
        ("e.csv", "a,b\nb,c,5\n", "edge 2 is 'b, c, 5'; expected two nodes, as the first edge has"),
        ("e.txt", "a b\nb c 5\n", "edge 2 is 'b, c, 5'; expected two nodes, as the first edge has"),
        ("e.csv", 'a,b\nc,"d\ne,f\ng,h\n', "is a quotation mark left open"),
        ("e.csv", 'a,b\nc,"d\ne,"f\ng,h\n', "is a quotation mark left open"),
        ("e.csv", "source,target\n", "there are no edges"),
        ("e.csv", "a\nb\n", "edge 1 is 'a'"),
        ("e.parquet", "a,b", "damaged or not a Parquet file"),
        ("e.json", '{"a": "b"}', "JSON"),
        ("e.txt", "2 3\na 0.1 -0.2 0.3\nb 0.5 0.6 0.7\n", "file of word vectors"),
    ],
)
def test_what_is_no_file_of_edges_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    fails(1, message, "walks", tmp_path / name, "--out", tmp_path / "walks.txt")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_cells_that_say_nothing_and_names_over_lines_are_read(tmp_path):
    (tmp_path / "e.csv").write_text('a,b\n"b\nb",c,\n')
    [edges] = read_edges(tmp_path / "e.csv")
    assert edges.sources == ["a", "b\nb"] and edges.targets == ["b", "c"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"p": 0}, "p is 0"), ({"q": -1.0}, "q is -1.0"), ({"length": 0}, "length is 0"), ({"walks": 0}, "walks is 0"),
     ({"seed": -1}, "seed is -1"), ({"threads": 0}, "threads is 0"), ({"p": float("nan")}, "p is nan")],
)  # fmt: skip
def test_settings_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        vecmill.walks(EDGES, **settings)


def test_a_ratio_whose_inverse_is_infinite_is_refused():
    with pytest.raises(ValueError, match="p is 1e-320; expected a number above 0, 1e-300 or more"):
        vecmill.walks(EDGES, p=1e-320)


@pytest.mark.parametrize("name", ["source", "target", "weight", "directed", "header"])
@pytest.mark.parametrize("value", [7, ["a"], np.arange(3), TABLE, pa.array(["a", "b"]), b"a"])
def test_settings_of_other_types(tmp_path, name, value):
    TABLE.to_csv(tmp_path / "edges.csv", index=False)
    for edges in (EDGES, TABLE, tmp_path / "edges.csv"):
        with pytest.raises(TypeError, match=rf"^{name} is [^\n]*; expected (True or False|a str)$"):
            vecmill.walks(edges, **{name: value})


def test_numpys_small_integers_are_numbers():
    expected = list(vecmill.walks(EDGES, walks=2, length=5, seed=3))
    assert list(vecmill.walks(EDGES, walks=np.uint8(2), length=np.int8(5), seed=np.int16(3))) == expected


def test_no_path_no_pairs():
    with pytest.raises(TypeError, match=r"edges is 7 \(int\); expected a path"):
        vecmill.walks(7)
    for name in ("", "a\0b", "\udfff"):
        with pytest.raises(ValueError, match=r"^edges is .*expected (the|a) path"):
            vecmill.walks(name)


def test_walks_depend_on_the_seed_and_not_on_threads(monkeypatch):
    pairs = np.random.default_rng(1).integers(0, 300, (2000, 2)).tolist()
    settings = {"p": 0.5, "q": 2, "walks": 3, "length": 30}
    walks = list(vecmill.walks(pairs, threads=1, **settings))
    assert list(vecmill.walks(pairs, threads=3, **settings)) == walks
    assert list(vecmill.walks(pairs, seed=2, **settings)) != walks
    monkeypatch.setattr("embeddings.graphs.walks._NODES_AT_ONCE", 1000)
    again = vecmill.walks(pairs, threads=2, **settings)
    assert list(again) == list(again) == walks
    assert len(again) == len(walks) == 3 * len(again.graph)
    assert Counter(walk[0] for walk in walks) == dict.fromkeys(again.graph.names, 3)


def test_nodes_of_any_name_are_trained_in_python():
    pairs = [("New York", "Paris (TX)"), ("Paris (TX)", "Łódź"), ("Łódź", "New York")]
    vectors = vecmill.train(vecmill.walks(pairs, length=10), dimension=8, sample=0, threads=1)
    assert set(vectors.words) == {"New York", "Paris (TX)", "Łódź"}


def test_the_command(tmp_path):
    edges, out = tmp_path / "edges.csv", tmp_path / "walks.txt"
    TABLE.to_csv(edges, index=False)
    options = ("--p", 0.5, "--q", 2, "--walks", 4, "--length", 6)
    result = run("walks", edges, "--out", out, *options)
    assert result.exit_code == 0, result.output
    assert f"4 nodes, 4 edges, 16 walks: {out}" in result.stdout
    assert re.search(r"\nNext: .* train-embeddings ", result.stdout)
    expected = vecmill.walks(edges, p=0.5, q=2, walks=4, length=6)
    assert [line.split() for line in out.read_text("utf-8").splitlines()] == list(expected)
    assert run("walks", edges, *options).stdout == out.read_text("utf-8")
    fails(1, "exists; add --force", "walks", edges, "--out", out)
    report = json.loads(run("walks", edges, "--out", out, "--force", "--json", *options).stdout)
    assert report == {"out": str(out), "nodes": 4, "edges": 4, "edges_given_again": 0, "walks": 16}
    fails(2, "--json: .*give --out", "walks", edges, "--json")
    fails(2, "--p: p is 0", "walks", edges, "--p", 0)
    fails(2, "--threads: threads is 0", "walks", edges.with_name("no-such.csv"), "--threads", 0)  # before it is read
    model = tmp_path / "nodes"
    training = ("--tokenizer", "whitespace", "--no-lowercase", "--dimension", 8, "--epochs", 1, "--min-count", 1)
    assert run("train-embeddings", out, "--out", model, *training, "--sample", 0).exit_code == 0
    assert set(vecmill.load(model).words) == {"a", "b", "c", "dé"}


@pytest.mark.parametrize("name", ["New York", "a\fb", "a\x07b", "a\x85b", "a\u2028b", "a\u3000b"])
def test_a_node_with_white_space_is_no_word_of_a_text(tmp_path, name):
    edges, out = tmp_path / "edges.csv", tmp_path / "walks.txt"
    edges.write_text(f"{name},Boston\n", "utf-8")
    fails(1, f"the node {re.escape(repr(name))} has white space", "walks", edges, "--out", out)
    assert not out.exists()


@pytest.mark.parametrize("name", ["b ", " b", "\tb"])
def test_white_space_around_the_name_of_an_object_is_kept_and_is_no_word_of_a_text(name):
    found = vecmill.walks([("a", name), (name, "c"), ("b", "c")])
    assert name in found.graph.names and "b" in found.graph.names
    with pytest.raises(EmbeddingsError, match="has white space"):
        next(found.text())
