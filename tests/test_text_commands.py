"""How commands read text: several texts, the tokenizer of a model that training goes on from, and what they report."""

import json
import re

import pytest

from embeddings import WordVectors
from tests.command_line import fails, vecmill

SMALL = ("--dimension", "8", "--epochs", "1", "--threads", "1", "--min-count", "1")
LINE = "The king and the queen rule the old land.\n"


@pytest.fixture(autouse=True)
def texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text(LINE * 50 + f"only{number}\n" * 5, "utf-8")
    return tmp_path


def train_embeddings(*arguments):
    result = vecmill("train-embeddings", *arguments, *SMALL)
    assert result.exit_code == 0, result.output
    return result


def settings_of(directory) -> dict:
    return json.loads((directory / "config.json").read_text("utf-8"))


@pytest.mark.parametrize("command", ["train-embeddings", "train-lm"])
def test_several_texts_are_one_corpus_whose_changes_are_noticed(texts, command):
    small = ("--min-count", "1", "--threads", "1", "--epochs", "1")
    small += ("--dimension", "8") if command == "train-embeddings" else ("--hidden-size", "8", "--batch-size", "2")
    arguments = (command, "0.txt", "1.txt", "2.txt", "0.txt", "--out", "r", *small)
    result = vecmill(*arguments)
    assert result.exit_code == 0, result.output
    assert settings_of(texts / "r")["corpus"]["source"] == ["0.txt", "1.txt", "2.txt", "0.txt"]
    assert "nothing to do" in vecmill(*arguments, "--skip-finished").output
    assert vecmill("verify", "r").exit_code == 0
    (texts / "1.txt").write_text(LINE, "utf-8")
    assert vecmill(*arguments, "--skip-finished").exit_code == 1
    assert "3 files in 0.txt, 1.txt, 2.txt, ..." in result.output or command == "train-lm"


def test_several_texts_have_the_words_of_all_of_them_each_once(texts):
    train_embeddings("2.txt", "0.txt", "1.txt", "2.txt", "--out", "r")
    counts = dict(zip((vectors := WordVectors.load(texts / "r")).words, vectors.vocabulary.counts, strict=True))
    assert [counts[f"only{number}"] for number in range(3)] == [5, 5, 5]
    assert counts["king"] == 150


def test_several_texts_in_a_settings_file(texts):
    (texts / "run.toml").write_text(
        "[corpus]\nsource = ['0.txt', '1.txt']\n[vocabulary]\nmin_count = 1\n[train]\ndimension = 8\nthreads = 1\n"
    )
    assert vecmill("run", "run.toml").exit_code == 0
    assert "unchanged" in vecmill("run", "run.toml").stderr
    (texts / "1.txt").write_text(LINE, "utf-8")
    assert "tokenize" in vecmill("run", "run.toml", "--dry-run").output
    status = vecmill("status", "runs/run")
    assert (status.exit_code, "stale" in status.output) == (1, True)


def test_files_of_the_parts_are_split_as_their_folder_is(texts):
    (texts / "parts").mkdir()
    for part, number in (("train", 60), ("valid", 7), ("test", 5)):
        (texts / "parts" / f"{part}.txt").write_text(LINE * number, "utf-8")
    small = ("--min-count", "1", "--epochs", "1", "--hidden-size", "8", "--batch-size", "2", "--threads", "1")
    files = [f"parts/{part}.txt" for part in ("test", "train", "valid")]
    for out, source in (("folder", ["parts"]), ("files", files)):
        result = vecmill("train-lm", *source, "--out", out, *small)
        assert result.exit_code == 0, result.output
    found = [json.loads((texts / out / "evaluation.json").read_text("utf-8")) for out in ("folder", "files")]
    assert found[0]["test"] == found[1]["test"]


def test_an_empty_list_of_texts_is_refused(texts):
    (texts / "run.toml").write_text("[corpus]\nsource = []\n")
    fails(2, r"run\.toml:2: source: the list is empty", "run", "run.toml")


@pytest.mark.parametrize("source", ["-", "https://example.org/a.txt", "s3://bucket/a.txt"])
def test_text_that_is_read_once_or_elsewhere_is_given_alone(source):
    fails(2, f"CORPUS: .*{re.escape(source)} must be given alone", "train-embeddings", "0.txt", source, "--out", "r")


def test_a_missing_text_among_several_is_named(texts):
    fails(1, r"'3\.txt' does not exist", "train-embeddings", "0.txt", "3.txt", "--out", "r")
    assert not (texts / "r").exists()


def test_missing_names_are_told_apart_from_missing_files(texts):
    fails(1, r"no corpus 'wikipedia'.*pydocs, .*text8", "train-embeddings", "wikipedia", "--out", "r")
    fails(1, r"'texts/a\.txt' does not exist", "train-embeddings", "texts/a.txt", "--out", "r")
    made = vecmill("train-lm", "0.txt", "--out", "lm", "--epochs", "1", "--hidden-size", "8", "--batch-size", "2")
    assert made.exit_code == 0, made.output
    fails(1, r"'nofile\.txt' does not exist", "perplexity", "lm", "nofile.txt")
    (texts / "latin1.txt").write_bytes("the queen and the caf\xe9\n".encode("latin-1"))
    result = vecmill("perplexity", "lm", "latin1.txt")
    assert result.exit_code == 0
    assert "latin1.txt: 1 invalid UTF-8 sequence; if" in result.stderr


def test_small_texts_have_their_size_and_lines_are_counted_in_words(texts):
    (texts / "a.txt").write_text("a b c d e f g\n", "utf-8")
    output = train_embeddings("a.txt", "--out", "r").output
    assert "Text: a.txt, 0.0 kB" in output
    assert "Kept: 7 tokens in 1 line, 7 distinct words." in output
    assert "Text: 0.txt, 2.1 kB" in train_embeddings("0.txt", "--out", "s").output


def test_decomposed_text_has_no_words_of_its_own_unless_told(texts):
    (texts / "nfd.txt").write_text("cafe\u0301 caf\u00e9 noir\n" * 20, "utf-8")
    train_embeddings("nfd.txt", "--out", "nfc")
    train_embeddings("nfd.txt", "--out", "none", "--normalize", "none")
    assert sorted(WordVectors.load(texts / "nfc").words) == ["café", "noir"]
    assert len(WordVectors.load(texts / "none").words) == 3
    for model, unknown in (("nfc", 0), ("none", 0)):
        made = vecmill("embed", model, "--out", f"{model}.npy", "--json", stdin="cafe\u0301 caf\u00e9\n")
        assert json.loads(made.stdout)["unknown_words"] == unknown
    fails(2, "normalize must be one of nfc, none", "train-embeddings", "0.txt", "--out", "r", "--normalize", "nfkc")


def test_lines_to_embed_are_read_as_text_is(texts):
    train_embeddings("0.txt", "--out", "r")
    plain = vecmill("embed", "r", "--out", "a.npy", "--json", stdin="king land\n")
    marked = vecmill("embed", "r", "--out", "b.npy", "--json", stdin="\ufeffking land\n")
    assert json.loads(plain.stdout)["unknown_words"] == json.loads(marked.stdout)["unknown_words"] == 0
    fails(1, "stdin: HTML file, expected plain UTF-8 text", "embed", "r", "--out", "c.npy", stdin="<!doctype html>\n")
    fails(1, "stdin: file of word vectors, expected", "embed", "r", "--out", "c.npy", stdin="1 2\nking 0.5 -0.5\n")
    fails(
        1,
        r"stdin: Parquet file, .*; save it to a file whose name ends in",
        "embed",
        "r",
        "--out",
        "c.npy",
        stdin="PAR1",
    )
    assert not (texts / "c.npy").exists()


def test_a_model_without_the_setting_is_of_an_earlier_version_and_means_none(texts):
    (texts / "nfd.txt").write_text("cafe\u0301 noir\n" * 20, "utf-8")
    train_embeddings("nfd.txt", "--out", "old", "--normalize", "none")
    settings = settings_of(texts / "old")
    del settings["tokenizer"]["normalize"]
    (texts / "old" / "config.json").write_text(json.dumps(settings), "utf-8")
    made = vecmill("embed", "old", "--out", "x.npy", "--json", stdin="cafe\u0301\n")
    assert json.loads(made.stdout)["unknown_words"] == 0


@pytest.mark.parametrize(
    ("option", "setting"),
    [
        (("--no-lowercase",), {"lowercase": False}),
        (("--punctuation",), {"punctuation": True}),
        (("--fold-digits",), {"fold_digits": True}),
        (("--normalize", "none"), {"normalize": "none"}),
        (("--tokenizer", "nltk:toktok"), {"name": "nltk:toktok"}),
    ],
)
def test_training_goes_on_with_the_tokenizer_of_the_model(texts, option, setting):
    train_embeddings("0.txt", "--out", "old", *option)
    train_embeddings("1.txt", "--out", "new", "--start-from", "old")
    assert settings_of(texts / "new")["tokenizer"] == settings_of(texts / "old")["tokenizer"]
    assert settings_of(texts / "new")["tokenizer"].items() >= setting.items()


def test_another_tokenizer_than_that_of_the_model_is_refused_and_the_same_is_not(texts):
    train_embeddings("0.txt", "--out", "old", "--no-lowercase")
    again = ("train-embeddings", "1.txt", "--out", "new", "--start-from", "old")
    fails(2, "--lowercase: tokenizer.lowercase is True, but old was trained with False", *again, "--lowercase")
    train_embeddings("1.txt", "--out", "new", "--start-from", "old", "--no-lowercase")
    (texts / "run.toml").write_text(
        "[corpus]\nsource = '1.txt'\n[start]\nmodel = 'old'\n[tokenizer]\nlowercase = true\n[train]\ndimension = 8\n"
    )
    fails(2, r"run\.toml:6: tokenizer\.lowercase is True", "run", "run.toml")


def test_the_words_of_the_text_are_counted_without_those_of_the_model(texts):
    train_embeddings("0.txt", "1.txt", "2.txt", "--out", "old")
    (texts / "more.txt").write_text("The king and the new castle.\n" * 20, "utf-8")
    output = train_embeddings("more.txt", "--out", "new", "--start-from", "old").output
    assert "Kept: 120 tokens in 20 lines, 5 distinct words." in output
