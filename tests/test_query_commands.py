"""The commands that use finished vectors, as a user meets them: analogy, vector, embed, convert, compare, counts."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from embeddings import Vocabulary, WordVectors, formats, make_tokenizer, tokenize_corpus
from embeddings.text.character_ngrams import CharacterNgrams
from embeddings.vectors.postprocessing import sif_sentence_vectors
from embeddings.vectors.subwords import SubwordVectors
from tests.command_line import fails, vecmill

COMMANDS = ["analogy", "vector", "embed", "convert", "compare", "train-count-based", "map", "plot"]


@pytest.fixture(scope="module")
def vectors():
    """Two directions, royal and male, and some noise: king − man + woman is queen."""
    random = np.random.default_rng(1)
    named = {"the": [0, 0], "man": [0, 1], "woman": [0, -1], "king": [2, 1], "queen": [2, -1], "Île": [-1, 0.2]}
    matrix = np.array([[*place, 0.5, *0.01 * random.standard_normal(5)] for place in named.values()], np.float32)
    return WordVectors(Vocabulary.from_words(named, [900, 40, 30, 20, 20, 1]), matrix)


@pytest.fixture
def model(vectors, tmp_path):
    vectors.save(tmp_path / "model")
    return tmp_path / "model"


def test_an_analogy_is_answered(model):
    result = vecmill("analogy", model, "man", "king", "woman", "--topn", "2")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "man is to king as woman is to"
    assert len(lines) == 3
    assert lines[1].split()[1] == "queen"


def test_analogies_from_stdin_as_json(model, vectors):
    questions = "man king woman\n\nking man queen\n"
    result = vecmill("analogy", model, "--json", "--method", "3CosMul", "--topn", "1", stdin=questions)
    records = [json.loads(line) for line in result.stdout.splitlines()]
    expected = [
        vectors.analogy(*question.split(), 1, "3CosMul")[0] for question in ("man king woman", "king man queen")
    ]
    assert [(record["answers"][0]["word"]) for record in records] == [word for word, _ in expected]
    assert records[0]["answers"][0]["score"] == pytest.approx(expected[0][1], abs=1e-4)
    assert [records[1][key] for key in "abc"] == ["king", "man", "queen"]


def test_wrong_questions_are_named_and_the_others_answered(model):
    fails(1, "'kingg'.*closest: king", "analogy", model, "man", "kingg", "woman")
    fails(2, "got 2 words; expected three", "analogy", model, "man", "king")
    fails(2, "--method: '3cosadd'.*did you mean '3CosAdd'", "analogy", model, "a", "b", "c", "--method", "3cosadd")
    result = vecmill("analogy", model, "--topn", "1", stdin="man king\nman king woman\n")
    assert (result.exit_code, "queen" in result.stdout) == (1, True)
    assert "expected three words a line" in result.stderr


def test_vectors_are_printed_exactly(model, vectors):
    line = vecmill("vector", model, "king").stdout.split()
    assert line[0] == "king"
    assert np.array_equal(np.array(line[1:], np.float32), vectors["king"])
    records = [
        json.loads(line) for line in vecmill("vector", model, "--json", "--unit", stdin="man\nÎle").stdout.splitlines()
    ]
    assert [record["word"] for record in records] == ["man", "Île"]
    assert np.linalg.norm(records[1]["vector"]) == pytest.approx(1, abs=1e-6)
    fails(1, "'quen'.*closest: queen", "vector", model, "quen")


LINES = "The king, the KING\n\nnobody here\nwoman\x0bqueen\r\nunfinished man"


def test_lines_become_means_of_unit_vectors(model, vectors, tmp_path):
    out = tmp_path / "lines.npy"
    result = vecmill("embed", model, "--out", out, stdin=LINES)
    assert result.exit_code == 0, result.output
    unit = dict(zip(vectors.words, vectors.unit_matrix, strict=True))
    zeros = np.zeros(vectors.dimension)
    expected = [
        (unit["the"] + unit["king"]) / 2,
        zeros,
        zeros,
        (unit["woman"] + unit["queen"]) / 2,
        unit["man"],
    ]
    np.testing.assert_allclose(np.load(out), expected, atol=1e-6)
    assert np.load(out).dtype == np.float32
    assert "3 of 10" in result.stdout
    assert "(vectors of zeros): 2" in result.stdout


@pytest.mark.parametrize("command", ["embed", "search"])
def test_vectors_without_counts_have_no_sif_weights(tmp_path, command):
    (tmp_path / "vectors.txt").write_text("king 1 2\nman 2 1\n")
    (tmp_path / "lines.txt").write_text("king\n")
    query = ["king"] if command == "search" else []
    arguments = [command, tmp_path / "vectors.txt", tmp_path / "lines.txt", *query]
    fails(1, r"has no word counts, .*; use --weighting mean$", *arguments, "--weighting", "sif")
    vecmill(*arguments, "--weighting", "mean")


def test_lines_become_sif_vectors_in_parquet(model, vectors, tmp_path):
    out = tmp_path / "lines.parquet"
    result = vecmill("embed", model, "--out", out, "--weighting", "sif", "--json", stdin=LINES)
    counted = {"lines": 5, "lines_without_known_word": 2, "words": 10, "unknown_words": 3, "words_by_ngrams": 0}
    counted["skipped"] = {}
    assert json.loads(result.stdout) == {"out": str(out), "dimension": vectors.dimension, **counted}
    table = pd.read_parquet(out)
    sentences = [["the", "king", "the", "king"], [], ["nobody", "here"], ["woman", "queen"], ["unfinished", "man"]]
    np.testing.assert_allclose(np.stack(table["vector"]), sif_sentence_vectors(vectors, sentences), atol=1e-6)
    assert table["text"].tolist() == ["The king, the KING", "", "nobody here", "woman queen", "unfinished man"]


INVALID = b"the caf\xe9 king\nthe \xff\xfe man\n"


@pytest.mark.parametrize("piped", [True, False])
def test_invalid_bytes_are_counted_as_training_counts_them(model, tmp_path, piped):
    tokenizer = make_tokenizer()
    counters = tokenize_corpus([INVALID], tokenizer, tmp_path / "tokenized").skipped
    (tmp_path / "lines.txt").write_bytes(INVALID)
    source = "-" if piped else tmp_path / "lines.txt"
    result = vecmill("embed", model, source, "-o", tmp_path / "x.npy", "--json", stdin=INVALID if piped else None)
    assert json.loads(result.stdout)["skipped"] == counters == {"invalid UTF-8 sequences": 3}
    assert "iconv -f CP1252" in result.stderr
    shown = vecmill("embed", model, source, "-o", tmp_path / "y.npy", stdin=INVALID if piped else None)
    assert "Left out: invalid UTF-8 sequences: 3." in shown.stdout


def test_records_without_text_are_counted(model, tmp_path):
    (tmp_path / "lines.jsonl").write_text('{"text": "the king"}\n{"other": 1}\nno record\n')
    result = vecmill("embed", model, tmp_path / "lines.jsonl", "-o", tmp_path / "x.npy", "--json")
    record = json.loads(result.stdout)
    assert (record["lines"], sorted(record["skipped"].values())) == (3, [1, 1])
    assert np.load(tmp_path / "x.npy").any(axis=1).tolist() == [True, False, False]  # each record has its row
    assert any("malformed JSON line" in reason for reason in record["skipped"])


def test_the_tokenizer_is_that_of_the_model(model, tmp_path):
    (model / "config.json").write_text(json.dumps({"tokenizer": {"name": "whitespace", "lowercase": False}}))
    result = vecmill("embed", model, "--out", tmp_path / "x.npy", "--json", stdin="Île île king, king\n")
    assert json.loads(result.stdout)["unknown_words"] == 2


def test_a_nul_far_from_the_beginning_is_counted_on_stdin_as_in_a_file(model, tmp_path):
    text = "king queen\n" * 20_000 + "\0\n" * 5
    (tmp_path / "a.txt").write_text(text)
    for name, more, stdin in (("a.npy", [], text), ("b.npy", [tmp_path / "a.txt"], "")):
        result = vecmill("embed", model, *more, "--out", tmp_path / name, "--json", stdin=stdin)
        assert json.loads(result.stdout)["skipped"] == {"control characters": 5}
        assert len(np.load(tmp_path / name)) == 20_005


def test_what_cannot_be_embedded(model, vectors, tmp_path):
    out = tmp_path / "x.npy"
    fails(
        2, "must end in .*.npy, .parquet, or needs --format", "embed", model, "-o", tmp_path / "x.doc", stdin="king\n"
    )
    fails(2, "npy is not written to stdout", "embed", model, "--format", "npy", stdin="king\n")
    fails(1, "stdin is UTF-16 text", "embed", model, stdin="k\0i\0n\0g\0")
    fails(1, "stdin is a binary file", "embed", model, stdin="king\1\0\0\0")
    fails(2, "'sfi'.*'sif'", "embed", model, "--out", out, "--weighting", "sfi", stdin="king\n")
    fails(1, "standard input is empty", "embed", model, "--out", out, stdin="")
    assert not list(tmp_path.glob("*x.npy*"))
    out.write_bytes(b"")
    fails(1, "exists; add --force", "embed", model, "--out", out, stdin="king\n")
    assert vecmill("embed", model, "--out", out, "--force", stdin="king\n").exit_code == 0
    WordVectors(Vocabulary.from_words(vectors.words), vectors.matrix).save(tmp_path / "uncounted")
    fails(
        1,
        "no word counts",
        "embed",
        tmp_path / "uncounted",
        "--out",
        out,
        "--force",
        "--weighting",
        "sif",
        stdin="king\n",
    )


def test_formats_are_guessed_and_overruled(model, vectors, tmp_path):
    text, half = tmp_path / "v.txt.gz", tmp_path / "half.parquet"
    report = json.loads(vecmill("convert", model, text, "--json").stdout)
    assert (report["in_format"], report["out_format"]) == ("model", "word2vec-text")
    result = vecmill("convert", text, half, "--float16")
    assert (result.exit_code, "word2vec-text" in result.stdout, "parquet" in result.stdout) == (0, True, True)
    np.testing.assert_allclose(formats.read(half).matrix, vectors.matrix, atol=1e-3)
    odd = tmp_path / "vectors.dat"
    assert vecmill("convert", half, odd, "--format", "glove").exit_code == 0
    assert vecmill("convert", odd, tmp_path / "back.npz", "--input-format", "glove").exit_code == 0
    assert list(formats.read(tmp_path / "back.npz").words) == list(vectors.words)
    fails(2, "does not determine a format.*--format", "convert", half, tmp_path / "x.dat")
    fails(2, "'glov'.*'glove'", "convert", half, tmp_path / "x.dat", "--format", "glov")
    fails(1, "exists; add --force", "convert", half, odd, "--format", "glove")
    fails(1, "missing", "convert", tmp_path / "missing.bin", tmp_path / "x.txt")


@pytest.mark.parametrize("name", ["static-embedding", "projector", "model"])
def test_directories_are_replaced_when_forced_unless_they_hold_something_else(model, vectors, tmp_path, name):
    out = tmp_path / "out"
    for command in (["export", model, "--out", out], ["convert", model, out]):
        assert vecmill(*command, "--format", name, "--force").exit_code == 0  # at first there is nothing to replace
        fails(1, "exists; add --force", *command, "--format", name)
    WordVectors(Vocabulary.from_words(["a", "b"]), np.eye(2, dtype=np.float32)).save(tmp_path / "small")
    result = vecmill("convert", tmp_path / "small", out, "--format", name, "--force")
    assert result.exit_code == 0, result.output
    assert list(formats.read(out).words) == ["a", "b"]
    assert vecmill("neighbors", out, "a", "--topn", "1").stdout.split()[-1] == "b"
    (out / "mine.txt").write_text("precious")
    fails(1, "also holds mine.txt, which would be lost", "export", model, "--out", out, "--format", name, "--force")
    assert (out / "mine.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "out", "small"]


def test_neighbors_of_many_words_from_stdin(model, vectors):
    typed = "king queen\nkinng\n" + "man " * 600
    result = vecmill("neighbors", model, "--topn", "2", "--json", stdin=typed)
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert (result.exit_code, len(records)) == (1, 602)
    assert [record["word"] for record in records[:3]] == ["king", "queen", "man"]
    expected = vectors.most_similar("queen", topn=2)
    assert [(near["word"], near["similarity"]) for near in records[1]["neighbors"]] == [
        (word, pytest.approx(similarity, abs=1e-4)) for word, similarity in expected
    ]
    assert "'kinng' is not in the vocabulary; closest: king" in result.stderr


def test_two_models_are_compared(model, vectors, tmp_path):
    other = tmp_path / "other"
    WordVectors(vectors.vocabulary, vectors.matrix[::-1].copy()).save(other)
    pairs = tmp_path / "a-set-with-quite-a-long-name-indeed.txt"
    pairs.write_text("king\tqueen\t9\nman\twoman\t8\nking\twoman\t1\nthe\tqueen\t2\n")
    printed = vecmill("compare", model, other, "--data", pairs, "--topn", "2", "--words", "3").stdout
    assert pairs.stem in printed
    assert printed.count("in common") == 3
    found = json.loads(vecmill("compare", model, other, "--data", pairs, "--topn", "2", "--json").stdout)
    score = found["scores"][0]
    assert score["difference"] == pytest.approx(score["score_b"] - score["score_a"])
    assert found["neighbors"][0]["overlap"] <= found["neighbors"][-1]["overlap"]
    same = json.loads(vecmill("compare", model, model, "--data", pairs, "--json").stdout)
    assert {record["overlap"] for record in same["neighbors"]} == {1.0}
    empty = tmp_path / "empty"
    empty.mkdir()
    fails(1, "holds no files", "compare", model, other, "--data", empty)


def test_the_count_based_baseline_of_a_model(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("the king and the queen rule the old land\nthe dog and the cat sleep in the old house\n" * 60)
    small = ["--dimension", "4", "--epochs", "1", "--threads", "1", "--min-count", "2"]
    assert vecmill("train-embeddings", text, "--out", tmp_path / "model", *small).exit_code == 0
    out = tmp_path / "counts"
    result = vecmill("train-count-based", tmp_path / "model", "--out", out, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["dimension"] == 4
    assert (out / "vocabulary.tsv").read_bytes() == (tmp_path / "model" / "vocabulary.tsv").read_bytes()
    assert json.loads((out / "config.json").read_text())["vocabulary"]["min_count"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counts", "model", "text.txt"]
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("king\tqueen\t9\ndog\tcat\t8\nking\tcat\t1\n")
    assert vecmill("compare", tmp_path / "model", out, "--data", pairs).exit_code == 0
    fails(1, "finished; add --force", "train-count-based", tmp_path / "model", "--out", out)
    fails(1, "no config.json", "train-count-based", tmp_path, "--out", tmp_path / "x")
    fails(1, "lacks settings of train-embeddings", "train-count-based", out, "--out", tmp_path / "x")
    fails(2, "--shift: shift is 0.0", "train-count-based", tmp_path / "model", "--out", tmp_path / "x", "--shift", "0")
    text.write_text("a new text with other words\n" * 30)
    changed = vecmill("train-count-based", tmp_path / "model", "--out", out, "--force", "--dimension", "2")
    assert "the text has changed" in changed.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_errors_of_a_missing_model_are_one_line(command, tmp_path):
    text = vecmill(command, "--help").stdout
    assert re.search(rf"Example: vecmill\s+{command} ", text)
    assert "--json" in text


@pytest.mark.parametrize(("typed", "offered"), [("vecmill ana", "analogy"), ("vecmill map --meth", "--method")])
def test_the_shell_completes(typed, offered):
    words = {"_VECMILL_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    result = vecmill(env=words, prog_name="vecmill")
    assert (result.exit_code, result.stdout.split()) == (0, [offered])


@pytest.mark.parametrize(
    "arguments",
    [
        ("neighbors", "RUN", "king"),
        ("analogy", "RUN", "man", "king", "woman"),
        ("vector", "RUN", "king"),
        ("embed", "RUN", "--out", "OUT.npy"),
        ("evaluate", "RUN", "--data", "PAIRS"),
        ("export", "RUN", "--out", "OUT.txt"),
        ("map", "RUN", "--out", "OUT.html"),
        ("compare", "RUN", "RUN", "--data", "PAIRS"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_the_directory_of_a_run_stands_for_its_vectors(arguments, vectors, tmp_path):
    vectors.save(tmp_path / "run" / "train-embeddings")
    (tmp_path / "pairs.tsv").write_text("king\tqueen\t9\nman\twoman\t3\nking\tman\t2\n")
    places = {"RUN": "run", "OUT": "out", "PAIRS": "pairs.tsv"}
    given = [
        re.sub("RUN|OUT|PAIRS", lambda found: str(tmp_path / places[found[0]]), argument) for argument in arguments
    ]
    result = vecmill(*given, stdin="king\n")
    assert result.exit_code == 0, result.output


def test_files_in_another_encoding(tmp_path):
    path, binary = tmp_path / "latin.txt", tmp_path / "latin.bin"
    path.write_bytes("2 2\ncafé 1 2\nb 2 1\n".encode("latin-1"))
    binary.write_bytes(b"".join([b"2 1\n", "é ".encode("latin-1"), bytes(4), b"b ", bytes(4)]))
    fails(1, "line 2: the word .* is not UTF-8.*--encoding latin-1", "neighbors", path, "b")
    fails(1, "word 1: the word .* is not UTF-8.*--encoding latin-1", "vector", binary, "b")
    assert "café" in vecmill("neighbors", path, "b", "--encoding", "latin-1").stdout
    assert vecmill("vector", binary, "é", "--encoding", "latin-1").exit_code == 0
    (tmp_path / "three.txt").write_bytes("3 2\ncafé 1 2\nb 2 1\nc 1 1\n".encode("latin-1"))
    (tmp_path / "lines.txt").write_text("café b\n", "utf-8")
    (tmp_path / "pairs.tsv").write_text("café\tb\t1\nb\tcafé\t2\n", "utf-8")
    for command in (
        ["analogy", path, "b", "café", "b"],
        ["export", path, "--out", tmp_path / "out.npz"],
        ["embed", path, tmp_path / "lines.txt"],
        ["map", tmp_path / "three.txt", "--out", tmp_path / "map.html"],
        ["compare", path, path, "--data", tmp_path / "pairs.tsv"],
    ):
        assert vecmill(*command, "--encoding", "latin-1").exit_code == 0
    assert vecmill("convert", path, tmp_path / "replaced.txt", "--encoding-errors", "replace").exit_code == 0
    assert vecmill("vector", tmp_path / "replaced.txt", "caf\ufffd").exit_code == 0
    fails(2, "'skip' is none of strict, replace", "convert", path, tmp_path / "x.txt", "--encoding-errors", "skip")


def test_counts_beside_vectors(tmp_path):
    vectors, counts = tmp_path / "v.txt", tmp_path / "counts.txt"
    vectors.write_text("2 1\nthe 1\ncat 2\n")
    counts.write_text("the 10\ncat 5\n")
    assert vecmill("convert", vectors, tmp_path / "v.csv", "--counts", counts).exit_code == 0
    assert (tmp_path / "v.csv").read_text() == "word,count,0\nthe,10,1\ncat,5,2\n"


@pytest.fixture
def model_with_ngrams(tmp_path):
    """Words of two stems, which their n-grams tell apart, and the tokenizer that lower-cases."""
    words = ["training", "trainers", "rivers", "riverbank", "the"]
    ngrams = CharacterNgrams(min_length=3, max_length=4, buckets=5000)
    table = ngrams.table(words)
    matrix = np.random.default_rng(2).standard_normal((len(table.buckets), 8)).astype(np.float32)
    subwords = SubwordVectors(ngrams, table.buckets, matrix)
    vectors = WordVectors(
        Vocabulary.from_words(words, [5, 4, 3, 2, 9]),
        subwords.word_vectors(np.zeros((5, 8), np.float32), words),
        subwords=subwords,
    )
    vectors.tokenizer_settings = {"spec": "fast", "lowercase": True}
    vectors.save(tmp_path / "ngrams")
    return tmp_path / "ngrams"


def test_words_that_are_not_in_the_vocabulary_are_answered_by_their_ngrams(model_with_ngrams):
    result = vecmill("neighbors", model_with_ngrams, "trainning", "Riverr", "training", "--topn", "1", "--json")
    assert result.exit_code == 0, result.output
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["word"] for record in records] == ["trainning", "riverr", "training"]
    assert [record["neighbors"][0]["word"] for record in records] == ["training", "rivers", "trainers"]
    assert "Riverr is looked up as riverr" in result.stderr
    assert vecmill("analogy", model_with_ngrams, "trainer", "training", "river").exit_code == 0
    line = vecmill("vector", model_with_ngrams, "trainer").stdout.split()
    np.testing.assert_allclose(np.float32(line[1:]), WordVectors.load(model_with_ngrams)["trainer"])
    fails(1, "'xyzzy' is not in the vocabulary", "neighbors", model_with_ngrams, "xyzzy")


def test_lines_are_embedded_with_the_ngrams_of_unseen_words(model_with_ngrams, tmp_path):
    out = tmp_path / "lines.npy"
    result = vecmill("embed", model_with_ngrams, "--out", out, stdin="The trainer\nxyzzy\n")
    assert "Words without a vector: 1 of 3 (33.3%)." in result.stdout
    assert "Words not in the vocabulary with a vector by their n-grams: 1." in result.stdout
    vectors = WordVectors.load(model_with_ngrams)
    np.testing.assert_allclose(np.load(out)[0], vectors.unit_vectors(["the", "trainer"]).mean(0), atol=1e-6)
    result = vecmill("embed", model_with_ngrams, "--out", tmp_path / "a.npy", "--json", stdin="The trainer\nxyzzy\n")
    found = json.loads(result.stdout)
    assert (found["words"], found["unknown_words"], found["words_by_ngrams"]) == (3, 1, 1)


def test_models_with_ngrams_become_fasttexts(model_with_ngrams, tmp_path):
    result = vecmill("convert", model_with_ngrams, tmp_path / "a.bin", "--json")
    assert json.loads(result.stdout)["out_format"] == "fasttext-bin"
    assert vecmill("export", model_with_ngrams, "--out", tmp_path / "b.bin").exit_code == 0
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()
    result = vecmill("convert", model_with_ngrams, tmp_path / "c.bin", "--format", "word2vec-binary")
    assert "the vectors of n-grams, for words not in the vocabulary, are left out" in result.stderr
    assert formats.read(tmp_path / "c.bin").subwords is None
    assert vecmill("convert", tmp_path / "a.bin", tmp_path / "again", "--format", "model").exit_code == 0
    found = json.loads(vecmill("info", tmp_path / "again", "--json").stdout)
    assert (found["n-grams"], found["buckets"]) == ("3-4 characters", 5000)
    assert 0 < found["buckets used"] < 100
    assert vecmill("verify", tmp_path / "again").exit_code == 0


def test_scores_are_printed_with_and_without_ngrams(model_with_ngrams, tmp_path):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("training\ttrainers\t9\ntraining\trivers\t1\ntrainer\triver\t2\ntrainer\ttrainers\t8\n")
    found = json.loads(vecmill("evaluate", model_with_ngrams, "--data", pairs, "--json").stdout)
    assert [(row["measure"], row["used"], row["oov"]) for row in found] == [
        ("Spearman", 2, 0.5),
        ("Spearman with n-grams", 4, 0.0),
    ]
