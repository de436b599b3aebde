"""A record, a str of a list and a line of a file are one document: it has one vector, one name and one score."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecmill
from corpora import open_corpus
from pipelines.commands.lines import lines_of
from tests.command_line import fails
from tests.command_line import vecmill as command
from tests.small_language_model import make_model
from vecmill.plain_text import read_lines

WORDS = ["the", "cat", "sees", "a", "dog"]
DOCUMENTS = ["the cat\nsees a dog", "a dog\r\n\r\nsees", "the\rcat", "the cat\u2028sees", "a\x85dog", "\n", "the dog\n"]
"""Documents with each of the line breaks that tokenizers know."""
SETTINGS = {"dimension": 4, "epochs": 1, "min_count": 1, "threads": 1}


def as_json_lines(path):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in DOCUMENTS))


def as_table(path):
    rows = ["text,year", *(f'"{text}",1' for text in DOCUMENTS)]
    path.write_bytes("\n".join(rows).encode() + b"\n")


def as_parquet(path):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table({"text": DOCUMENTS}), path)


RECORDS = {"a.jsonl": as_json_lines, "a.csv": as_table, "a.parquet": as_parquet}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with word vectors, vectors of documents and a language model."""
    folder = tmp_path_factory.mktemp("models")
    texts = [" ".join(np.random.default_rng(i).permutation(WORDS)) for i in range(30)]
    vecmill.train(texts, **SETTINGS).save(folder / "model")
    vecmill.train(texts, **SETTINGS, hierarchical_softmax=True).save(folder / "tree")
    vecmill.train_documents(texts, **SETTINGS).save(folder / "documents")
    make_model(dtype=np.float32).save(folder / "lm")
    return folder


def answers(folder, name, path):
    """Return the number of answers of a command to a text."""
    place = {"embed": "model", "infer": "documents", "score": "lm", "score-sentences": "tree"}[name]
    result = command(name, folder / place, path)
    assert result.exit_code == 0, result.output
    return len(result.stdout.splitlines())


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("asked", ["embed", "infer", "score", "score-sentences"])
def test_a_record_with_line_breaks_has_one_answer(folder, tmp_path, asked, name):
    RECORDS[name](tmp_path / name)
    assert answers(folder, asked, tmp_path / name) == len(DOCUMENTS)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_with_line_breaks_is_one_document(tmp_path, name):
    RECORDS[name](tmp_path / name)
    (tmp_path / "names.txt").write_text("".join(f"document {i}\n" for i in range(len(DOCUMENTS))))
    given = ["train-documents", tmp_path / name, "--names", tmp_path / "names.txt", "--out", tmp_path / "out"]
    result = command(*given, "--dimension", 4, "--min-count", 1, "--epochs", 1, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["documents"] == len(DOCUMENTS)


def with_gaps(path):
    """Write seven records, of which the second, third and sixth have no text."""
    texts = ["the cat", None, None, "a dog", "sees", None, "the dog"]
    if path.suffix == ".parquet":
        pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pa.table({"text": texts}), path)
    elif path.suffix == ".csv":
        path.write_text("\n".join(["year,text", *("1" if text is None else f"1,{text}" for text in texts)]) + "\n")
    else:
        records = [json.dumps({"text": text}) for text in texts]
        records[1], records[2] = '{"other": 1}', '{"text": '
        path.write_text("\n".join(records) + "\n")
    return texts


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("first", [0, 1])
def test_a_record_without_text_keeps_its_place(folder, tmp_path, name, first):
    texts = with_gaps(tmp_path / name)
    if first and name == "a.jsonl":  # the first record has no text, either
        lines = (tmp_path / name).read_text().splitlines(keepends=True)
        (tmp_path / name).write_text("".join(lines[1:]))
        texts = texts[1:]
    out = tmp_path / "out.npy"
    result = command("embed", folder / "model", tmp_path / name, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    assert np.load(out).any(axis=1).tolist() == [text is not None for text in texts]
    assert sum(json.loads(result.stdout)["skipped"].values()) == 3
    model = vecmill.train_documents(tmp_path / name, **SETTINGS)
    assert [model[str(number)].any() for number in range(1, len(texts) + 1)] == [text is not None for text in texts]
    read = b"".join(open_corpus(tmp_path / name).blocks())
    assert read.decode().splitlines() == [text for text in texts if text is not None]


@pytest.mark.parametrize("name", RECORDS)
def test_training_reads_the_lines_of_a_record_as_they_are(tmp_path, name):
    RECORDS[name](tmp_path / name)
    text = b"".join(open_corpus(tmp_path / name).blocks())
    assert text.startswith(DOCUMENTS[0].encode() + b"\n")


@pytest.mark.parametrize("kind", [list, lambda texts: [text.encode() for text in texts], iter])
def test_a_str_of_a_list_is_one_document(kind):
    model = vecmill.train_documents(kind(DOCUMENTS * 5), **SETTINGS)
    assert len(model) == 5 * len(DOCUMENTS)
    assert model["1"].any() and not model["6"].any()
    assert model.infer(DOCUMENTS).shape == (len(DOCUMENTS), 4)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("asked", ["embed", "infer", "score", "score-sentences"])
def test_lines_end_as_in_texts_for_training(folder, tmp_path, asked, end):
    (tmp_path / "a.txt").write_bytes("".join(f"{line}{end}" for line in ["the cat", "", "a\u2028dog", "the"]).encode())
    assert answers(folder, asked, tmp_path / "a.txt") == 4
    assert len(vecmill.train_documents(tmp_path / "a.txt", **SETTINGS)) == 4


@given(st.lists(st.sampled_from(["the", " cat", "\n", "\r\n", "\r", "", "é"])), st.integers(1, 5))
def test_lines_do_not_depend_on_the_pieces_that_arrive(parts, size):
    text = "".join(parts)
    data = text.encode()
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    found = [line for lines in lines_of(pieces) for line in lines]
    assert found == text.splitlines()
    assert len(found) == len(vecmill.make_tokenizer().tokenize(text))


# ------------------------------------------------------------------------------------------------- files of names


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_names_are_lines_without_a_byte_order_mark(tmp_path, end):
    names = ["king", "a\u2028b", " c", "", "é"]
    (tmp_path / "names.txt").write_bytes(b"\xef\xbb\xbf" + end.join(names).encode())
    assert read_lines(tmp_path / "names.txt") == names


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("a\nb\n".encode("utf-16"), "UTF-16"),
        (b"a\nb\xe9\n", "line 2: not UTF-8"),
        (b"a\n" * 5000 + b"\0\n", "line 5001: not UTF-8"),
        (b"a\nb\xc3", "line 2: not UTF-8"),
    ],
)
def test_names_of_another_encoding_are_named(tmp_path, content, found):
    (tmp_path / "texts.txt").write_text("the cat\na dog\n")
    (tmp_path / "names.txt").write_bytes(content)
    arguments = [tmp_path / "texts.txt", "--names", tmp_path / "names.txt", "--out", tmp_path / "out"]
    fails(1, rf"names\.txt.*{found}", "train-documents", *arguments)


@pytest.mark.parametrize(("names", "found"), [("one\none\n", "2 documents have the name 'one'"), ("one\n\n", "empty")])
def test_names_are_checked_before_the_training(tmp_path, monkeypatch, names, found):
    from embeddings.documents.model import ParagraphVectors

    monkeypatch.setattr(ParagraphVectors, "fit", lambda *_, **__: pytest.fail("it was trained"))
    (tmp_path / "texts.txt").write_text("the cat\na dog\n")
    (tmp_path / "names.txt").write_text(names)
    arguments = [tmp_path / "texts.txt", "--names", tmp_path / "names.txt", "--out", tmp_path / "out"]
    fails(1, found, "train-documents", *arguments)


# --------------------------------------------------------------------------------------------- what gives no words


@pytest.mark.parametrize("place", ["early", "late"])
@pytest.mark.parametrize("asked", ["embed", "infer", "score", "score-sentences", "perplexity"])
def test_control_characters_and_invalid_text_are_counted(folder, tmp_path, asked, place):
    lines = [b"the cat sees a dog\n"] * 600
    lines[0 if place == "early" else -1] = b"the \x01cat \xff sees\x7f a\n"
    (tmp_path / "a.txt").write_bytes(b"".join(lines))
    model = {"embed": "model", "infer": "documents", "score-sentences": "tree"}.get(asked, "lm")
    said = command("-v", asked, folder / model, tmp_path / "a.txt").stderr
    assert "control characters: 2" in said
    assert "invalid UTF-8 sequence" in said


def test_documents_without_a_known_word_are_counted(folder, tmp_path):
    (tmp_path / "a.txt").write_text("the cat\nqqq\n\n")
    result = command("infer", folder / "documents", tmp_path / "a.txt", "--out", tmp_path / "a.npy", "--json")
    assert json.loads(result.stdout) == {"out": str(tmp_path / "a.npy"), "documents": 3, "dimension": 4}
    assert "documents without a known word, whose vectors are zeros: 2" in result.stderr
    found = command("infer", folder / "documents", tmp_path / "a.txt", "--nearest", 2).stdout.splitlines()
    assert [len(line.split("\t")) for line in found] == [3, 1, 1]


@pytest.mark.parametrize("asked", ["infer", "tune-lm"])
def test_records_hold_their_text_where_it_is_said(folder, tmp_path, asked):
    (tmp_path / "a.csv").write_text("body,year\nthe cat sees,1900\n" + "a dog,1901\n" * 9)
    options = ["--no-dynamic"] if asked == "tune-lm" else []
    model = folder / ("documents" if asked == "infer" else "lm")
    fails(1, "choose one with --column", asked, model, tmp_path / "a.csv", *options)
    assert command(asked, model, tmp_path / "a.csv", "--column", "body", *options).exit_code == 0
