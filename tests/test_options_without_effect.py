"""Options without effect are refused, by each command; those that have one are not."""

import numpy as np
import pytest

import vecmill
from corpora import open_corpus
from tests.command_line import fails
from tests.command_line import vecmill as command
from tests.small_language_model import make_model
from vecmill.errors import VecmillError

LINES = ["the cat sat on the mat", "a dog sat on the rug"] * 20
SETTINGS = {"dimension": 4, "epochs": 1, "min_count": 1, "threads": 1}
TEXT = ("text.txt",)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    (folder / "text.txt").write_text("\n".join(LINES) + "\n")
    (folder / "pairs.tsv").write_text("cat\tdog\t8\nmat\trug\t7\nthe\ta\t1\n")
    for seed, name in ((1, "model"), (2, "other")):
        vecmill.train(LINES, **SETTINGS, seed=seed).save(folder / name)
    vecmill.train_documents(LINES, **SETTINGS).save(folder / "documents")
    make_model(dtype=np.float32).save(folder / "lm")
    result = command("ngram", folder / "text.txt", "--out", folder / "model.arpa", "--order", 2)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


REFUSED = [
    (("perplexity", "lm", "text.txt", "--weight", 0.5), "--weight"),
    (("perplexity", "lm", "text.txt", "--tokenizer", "whitespace"), "--tokenizer"),
    (("perplexity", "lm", "text.txt", "--no-lowercase"), "--no-lowercase"),
    (("perplexity", "lm", "text.txt", "--normalize", "none"), "--normalize"),
    (("perplexity", "model.arpa", "text.txt", "--cache-theta", 1), "--cache-theta"),
    (("perplexity", "model.arpa", "text.txt", "--weight", 1), "--weight"),
    (("score", "lm", "text.txt", "--weight", 0.5), "--weight"),
    (("generate", "lm", "--beam", 2, "--temperature", 1), "--temperature"),
    (("generate", "lm", "--beam", 2, "--lines"), "--lines"),
    (("generate", "lm", "--temperature", 0, "--top-k", 2), "--top-k"),
    (("tune-lm", "lm", "text.txt", "--no-dynamic", "--segment", 3), "--segment"),
    (("tune-lm", "lm", "text.txt", "--no-dynamic", "--train", "text.txt"), "--train"),
    (("embed", "model", "text.txt", "--force"), "--force"),
    (("infer", "documents", "text.txt", "--force"), "--force"),
    (("infer", "documents", "text.txt", "--nearest", 2, "--out", "a.npy"), "--out"),
    (("infer", "documents", "text.txt", "--nearest", 2, "--format", "csv"), "--format"),
    (("align", "model", "other", "--force"), "--force"),
    (("evaluate", "model", "--data", "pairs.tsv", "--force"), "--force"),
    (("phrases", "text.txt", "--force"), "--force"),
    (("phrases", "text.txt", "--json", "--top", 3), "--top"),
    (("search", "model", "text.txt", "cat", "--force"), "--force"),
    (("walks", "pairs.tsv", "--force"), "--force"),
    (("export", "model", "--out", "a.txt", "--lang", "en"), "--lang"),
    (("export", "model", "--out", "a", "--format", "spacy", "--float16"), "--float16"),
    (("train-embeddings", "text.txt", "--out", "a", "--port", 8000), "--port"),
    (("train-embeddings", "text.txt", "--out", "a", "--history-words", 9), "--history-words"),
    (("run", "run.toml", "--history", 3, "--port", 8000), "--port"),
    (("run", "run.toml", "--history-words", 9), "--history-words"),
    (("export", "model", "--out", "a.txt", "--approximate"), "--approximate"),
    (("export", "model", "--out", "a", "--format", "static-embedding", "--sample", "text.txt"), "--sample"),
    (("train-documents", "text.txt", "--out", "a", "--window", 3), "--window"),
    (
        ("train-embeddings", "text.txt", "--out", "a", "--hierarchical-softmax", "--noise-exponent", 1),
        "--noise-exponent",
    ),
]
ACCEPTED = [
    ("perplexity", "lm", "text.txt", "--interpolate", "model.arpa", "--weight", 0.5),
    ("perplexity", "model.arpa", "text.txt", "--no-lowercase", "--normalize", "none"),
    ("generate", "lm", "--beam", 2, "--unknown", "--length", 3),
    ("generate", "lm", "--temperature", 0, "--seed", 3, "--length", 3),
    ("infer", "documents", "text.txt", "--nearest", 2, "--json"),
    ("evaluate", "model", "--data", "pairs.tsv", "--out", "a.csv", "--force"),
    ("search", "model", "text.txt", "cat", "--index", "a.index", "--force"),
    ("walks", "pairs.tsv", "--out", "a.txt", "--walks", 1, "--length", 2, "--force"),
    ("train-embeddings", "text.txt", "--out", "a", "--history", 2, "--history-words", 9, "--epochs", 1),
    ("train-documents", "text.txt", "--out", "a", "--window", 3, "--train-words", "--min-count", 1, "--epochs", 1),
]


@pytest.mark.parametrize(
    ("arguments", "named"), REFUSED, ids=lambda value: value if isinstance(value, str) else value[0]
)
def test_an_option_without_effect_is_refused(folder, arguments, named):
    before = sorted(folder.rglob("*"))
    fails(2, rf"{named} has no effect (with|without|on) .*leave it out", *arguments)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("arguments", ACCEPTED, ids=lambda arguments: " ".join(map(str, arguments[:4])))
def test_an_option_with_effect_is_accepted(folder, arguments):
    result = command(*arguments)
    assert result.exit_code == 0, result.output


def test_json_and_another_format_for_stdout_exclude_each_other(folder):
    for name, model in (("embed", "model"), ("infer", "documents")):
        fails(
            2,
            "--json without --out is --format jsonl, and --format is csv",
            name,
            model,
            *TEXT,
            "--json",
            "--format",
            "csv",
        )
        assert command(name, model, *TEXT, "--json", "--format", "jsonl").exit_code == 0


def test_a_beam_ends_with_the_line():
    with pytest.raises(ValueError, match="stop_at_line_end=False has no effect with beam"):
        make_model().generate("the", 3, beam=2, stop_at_line_end=False)


@pytest.mark.parametrize("fractions", ["0.1,nan,1.0", "nan", "0.1,inf", "1e400", "0.5,-0.0"])
def test_fractions_are_shares(folder, fractions):
    fails(2, "--fractions: ", "probe", "model", "--out", "out", f"--fractions={fractions}")


def test_all_tasks_are_all_whatever_stands_beside(folder):
    from pipelines.commands.probe import NAMES, _names

    assert _names("all,sentiment") == _names("all") == list(NAMES)


RECORDS = {"a.txt": "the cat\n", "a.jsonl": '{"text": "the cat"}\n', "a.csv": "text\nthe cat\n"}


@pytest.mark.parametrize(
    ("name", "option"), [("a.txt", "field"), ("a.txt", "column"), ("a.jsonl", "column"), ("a.csv", "field")]
)
def test_the_name_of_a_field_or_column_needs_records(folder, name, option):
    (folder / name).write_text(RECORDS[name])
    if {"a.jsonl": "field", "a.csv": "column"}.get(name) == option:
        pytest.skip("it has an effect")
    for given in (name, [name]):
        with pytest.raises(VecmillError, match=f"{option} 'body' has no effect: nothing in {name} is"):
            open_corpus(given, **{option: "body"})
    fails(1, f"{option} 'body' has no effect", "embed", "model", name, f"--{option}", "body")
    fails(1, "have no effect on standard input", "embed", "model", "-", f"--{option}", "body", stdin="the cat\n")
    assert command("embed", "model", name, f"--{option}", "text").exit_code == 0


def test_one_text_with_records_among_others_is_enough(folder):
    (folder / "a.jsonl").write_text('{"body": "the cat"}\n')
    text = b"".join(open_corpus(["text.txt", "a.jsonl"], field="body").blocks())
    assert text.endswith(b"the cat\n")


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("train-documents", "text.txt", "--out", "a", "--tokenizer", ""), "tokenizer"),
        (("train-documents", "text.txt", "--out", "a", "--normalize", ""), "normalize"),
        (("train-embeddings", "text.txt", "--out", "a", "--tokenizer", ""), "tokenizer"),
        (("train-embeddings", "text.txt", "--out", "a", "--address", ""), "--address"),
        (("export", "model", "--out", "a.txt", "--format", ""), "unknown format ''"),
        (("convert", "model", "a.txt", "--input-format", ""), "unknown format ''"),
        (("demo", "text.txt", "--out", "", "--no-open"), "--out is empty; expected a path"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_an_empty_value_is_not_the_default(folder, arguments, found):
    before = sorted(folder.rglob("*"))
    result = command(*arguments)
    assert result.exit_code in (1, 2), result.output
    assert found in result.stderr.splitlines()[-1]
    assert sorted(folder.rglob("*")) == before


def test_an_empty_stage_is_none(folder):
    (folder / "run.toml").write_text('[corpus]\nsource = "text.txt"\n')
    result = command("run", "run.toml", "--until", "", "--out", "a")
    assert (result.exit_code, (folder / "a").exists()) == (2, False), result.output


def test_documents_come_from_stdin_too(folder):
    result = command(
        "train-documents",
        "-",
        "--out",
        "a",
        "--min-count",
        1,
        "--epochs",
        1,
        stdin="\n".join(LINES),
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    assert len(vecmill.load("a/documents")) == len(LINES)
