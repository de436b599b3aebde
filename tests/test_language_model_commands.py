"""The commands of language models as a user meets them."""

import glob
import json
import math
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

from embeddings import Vocabulary, WordVectors
from embeddings.language_model.model import LanguageModel
from pipelines.cli import app
from pipelines.running.manifest import Manifest
from pipelines.stages.train_lm import overlap_note

TEXT = "The king and the queen rule the old land.\nA dog and a cat sleep in the old house!\n" * 40
SMALL = ["--hidden-size", "8", "--epochs", "2", "--batch-size", "4"]


def vecmill(*arguments, stdin=None):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def succeeds(*arguments, stdin=None):
    result = vecmill(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def fails(code, pattern, *arguments, stdin=None):
    """Run a command that must fail with one line on stderr and no traceback."""
    result = vecmill(*arguments, stdin=stdin)
    errors = [line for line in result.stderr.splitlines() if "error: " in line]
    assert (result.exit_code, len(errors)) == (code, 1), result.output
    assert re.search(pattern, errors[0]), errors[0]
    assert "Traceback" not in result.output


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    words = ["the", "old", "king", "queen", "cat"]
    matrix = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    path = tmp_path_factory.mktemp("vectors") / "E"
    WordVectors(Vocabulary.from_words(words, [5, 4, 3, 2, 1]), matrix).save(path)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory, text, vectors):
    out = tmp_path_factory.mktemp("runs") / "lm"
    return out, succeeds("train-lm", text, "--out", out, "--embeddings", vectors, *SMALL)


@pytest.fixture(scope="module")
def model(trained):
    return trained[0]


def test_training_writes_a_model_directory_and_reports(trained):
    out, printed = trained
    assert sorted(path.name for path in out.iterdir()) == [
        "config.json",
        "evaluation.json",
        "language_model.json",
        "manifest.json",
        "metrics.jsonl",
        "model.safetensors",
        "vocabulary.tsv",
    ]
    for expected in (
        "Test perplexity",
        "Kneser-Ney",
        "unigram",
        "cache of 2,000",
        "Generated",
        "5 of 17 words",
        str(out),
    ):
        assert expected in printed
    assert len((out / "metrics.jsonl").read_text().splitlines()) == 2
    found = json.loads((out / "evaluation.json").read_text())
    assert 1 < found["kneser_ney"]["perplexity"] < found["unigram"]["perplexity"] < 20
    assert all(f"  {sentence}\n" in printed for sentence in found["sentences"])
    for name in ("cache", "interpolated"):
        assert f"{found['adapted'][name]['perplexity']:.2f}" in printed
    settings = json.loads((out / "config.json").read_text())
    assert settings["lm_network"]["hidden_size"] == 8
    assert settings["lm_network"]["output"] == "sampled"
    assert settings["tokenizer"]["punctuation"] is True


def test_finished_training_is_not_repeated(model, text, vectors):
    same = ("train-lm", text, "--out", model, "--embeddings", vectors, *SMALL)
    assert "nothing to do" in succeeds(*same, "--skip-finished")
    fails(1, "finished", *same)
    fails(1, r"seed: 1 before, 2 now", *same, "--skip-finished", "--seed", "2")
    fails(1, "lm.embeddings: .* now", "train-lm", text, "--out", model, *SMALL, "--skip-finished")


def test_settings_come_from_preset_file_and_options(text, tmp_path):
    config = tmp_path / "lm.toml"
    config.write_text('[lm]\npreset = "small"\n[lm_network]\nhidden_size = 6\n[lm_training]\nepochs = 1\n')
    succeeds("train-lm", text, "--out", tmp_path / "lm", "--config", config, "--dropout", "0.1", "--cell", "gru")
    settings = json.loads((tmp_path / "lm" / "config.json").read_text())
    network = settings["lm_network"]
    assert (network["hidden_size"], network["cell"], network["output"]) == (6, "gru", "full")
    assert (network["dropout_input"], network["dropout_output"]) == (0.1, 0.1)
    config.write_text("[lm_network]\nhidden_sise = 6\n")
    fails(2, r"lm\.toml:2.*hidden_sise.*did you mean 'hidden_size'", "train-lm", text, "--out", "x", "--config", config)


def test_a_mogrifier_with_averaged_weights_is_trained_until_validation_ends_it(text, tmp_path):
    config, out = tmp_path / "lm.toml", tmp_path / "lm"
    config.write_text("[lm_training]\npatience = 2\nlearning_rate = 0.02\nbatch_size = 4\n")
    options = ["--hidden-size", "8", "--epochs", "auto", "--mogrifier", "3", "--average", "0.9", "--embeddings", "none"]
    succeeds("train-lm", text, "--out", out, "--config", config, *options)
    settings = json.loads((out / "config.json").read_text())
    assert (settings["lm_training"]["schedule"], settings["lm_training"]["patience"]) == ("plateau", 2)
    assert (settings["lm_network"]["mogrifier"], settings["lm_training"]["average"]) == (3, 0.9)
    losses = [json.loads(line)["valid_loss"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert len(losses) == np.argmin(losses) + 1 + 2
    assert "mogrify" in " ".join(load_file(out / "model.safetensors"))
    assert "perplexity" in succeeds("perplexity", out, text)


@pytest.mark.parametrize("preset", ["small", "medium", "awd"])
def test_presets_of_any_size_train(preset, text, tmp_path):
    config = tmp_path / "lm.toml"
    config.write_text("[lm_network]\nhidden_size = 8\ndimension = 6\nlast_hidden_size = 6\n[lm_training]\nepochs = 2\n")
    out = tmp_path / "lm"
    succeeds("train-lm", text, "--out", out, "--config", config, "--preset", preset, "--learning-rate", "0.01")
    settings = json.loads((out / "config.json").read_text())
    assert settings["lm_network"]["weight_drop"] == (0.5 if preset == "awd" else 0.0)
    assert json.loads((out / "evaluation.json").read_text())["test"]["perplexity"] < 100


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        (["--preset", "smal"], "--preset.*did you mean 'small'"),
        (["--cell", "lstn"], "--cell.*lstm"),
        (["--epochs", "0"], "--epochs.*at least 1"),
        (["--epochs", "many"], "--epochs.*auto"),
        (["--epochs", "auto", "--schedule", "cosine"], "schedule"),
        (["--cell", "gru", "--mogrifier", "5"], "mogrifier"),
        (["--output", "adaptive"], "tie_weights"),
        (["--dropout", "1.5"], "--dropout"),
    ],
)
def test_settings_that_cannot_be_are_refused(options, pattern, text, tmp_path):
    fails(2, pattern, "train-lm", text, "--out", tmp_path / "lm", *options)
    assert list(tmp_path.iterdir()) == []


def test_embeddings_without_a_word_in_common_or_missing(text, tmp_path):
    other = WordVectors(Vocabulary.from_words(["chat"], [1]), np.ones((1, 3), np.float32))
    other.save(tmp_path / "E")
    fails(1, "none of the", "train-lm", text, "--out", tmp_path / "lm", "--embeddings", tmp_path / "E", *SMALL)
    fails(1, "missing", "train-lm", text, "--out", tmp_path / "lm", "--embeddings", tmp_path / "no", *SMALL)


@pytest.mark.parametrize(
    ("name", "given"), [("{}.txt", ""), ("ptb.{}.txt", ""), ("ptb.{}.txt", "text/*.txt"), ("{}/a.txt", "")]
)
def test_presplit_tokenized_text(tmp_path, name, given):
    for part in ("train", "valid", "test"):
        file = tmp_path / "text" / name.format(part)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("The king , the Queen .\n" * 9)
    printed = succeeds("train-lm", tmp_path / (given or "text"), "--out", tmp_path / "lm", *SMALL)
    assert "as given: train, valid, test" in printed
    model = LanguageModel.load(tmp_path / "lm")
    assert "Queen" in model.vocabulary
    assert model.make_tokenizer().settings["spec"] == "whitespace"


def test_word_vectors_do_not_see_the_lines_of_validation_and_test(tmp_path, monkeypatch):
    """Word vectors that have read the test text would make its perplexity too low."""
    monkeypatch.chdir(tmp_path)
    Path("text").mkdir()
    for part, word in (("train", "king"), ("valid", "unicorn"), ("test", "dragon")):
        Path("text", f"{part}.txt").write_text(f"the {word} rules the old land\n" * 60)
    Path("run.toml").write_text('[corpus]\nsource = "text"\n[train]\nepochs = 1\nthreads = 1\n[lm]\nenabled = true\n')
    succeeds("run", "run.toml", "--out", "run", "--until", "train-embeddings", "--set", "lm_network.hidden_size=8")
    counts = Vocabulary.load(Path("run/train-embeddings/vocabulary.tsv"))
    assert dict(zip(counts.words, counts.counts.tolist(), strict=True)) == {
        "the": 120, "king": 60, "rules": 60, "old": 60, "land": 60,
    }  # fmt: skip


def test_word_vectors_from_outside_that_have_seen_the_test_text_are_named(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quick = ["--dimension", 8, "--epochs", 1, "--threads", 1]
    succeeds("train-embeddings", text, "--out", "same", *quick)
    Path("other.txt").write_text(TEXT * 2)
    succeeds("train-embeddings", "other.txt", "--out", "other", *quick)
    WordVectors.load(Path("same")).save("saved")
    Path("run.toml").write_text(f'[corpus]\nsource = "{text}"\n[train]\nepochs = 1\n[lm]\nenabled = true\n')
    succeeds("run", "run.toml", "--out", "run", "--until", "train-embeddings")
    encoded = Manifest.read(Path("run/encode"))
    assert "including the test part" in overlap_note(Path("same"), encoded)
    assert overlap_note(Path("other"), encoded) == "they were trained on another text"
    assert overlap_note(Path("saved"), encoded) == "their training text is unknown"
    assert overlap_note(Path("run/train-embeddings"), encoded) == "they were trained on the training part of this text"


def test_perplexity_of_texts(model, text, tmp_path):
    one = tmp_path / "one.txt"
    one.write_text("The king sleeps.\n\nA cat!\n")
    printed = succeeds("perplexity", model, one, text)
    assert len(printed.splitlines()) == 3
    record = json.loads(succeeds("perplexity", model, one, "--json", "--words"))
    assert (record["sentences"], record["words"], record["oov"]) == (2, 7, 1)
    tokens = [token for line in record["lines"] for token in line["tokens"]]
    assert [token["word"] for token in tokens if token["oov"]] == ["sleeps"]
    total = sum(token["log10"] for token in tokens)
    assert record["log10"] == pytest.approx(total)
    assert record["perplexity"] == pytest.approx(10 ** (-total / 9))
    assert "sleeps  OOV" in succeeds("perplexity", model, one, "--words")
    fails(1, "no text|empty", "perplexity", model, "-", stdin="")
    fails(1, "stdin contains no words", "perplexity", model, "-", stdin="\n\n")
    fails(1, "not a language model", "perplexity", tmp_path, one)


def test_the_score_of_a_line_depends_on_no_later_line(model, tmp_path):
    """Texts of 500 words and more were cut into columns, each with a state of zeros."""
    lines = [f"the {word} and the king" for word in ("king", "queen", "cat", "land", "zebra") * 100]
    scores = {}
    for count in (200, 499, 500):
        path = tmp_path / f"{count}.txt"
        path.write_text("\n".join(lines[:count]))
        record = json.loads(succeeds("perplexity", model, path, "--sentences", "--json"))
        scores[count] = [line["log10"] for line in record["lines"]]
    assert scores[499] == pytest.approx(scores[500][:499], rel=1e-6)
    assert scores[200] == pytest.approx(scores[500][:200], rel=1e-6)
    loaded = LanguageModel.load(model)
    tokenizer, unknown = loaded.make_tokenizer(), loaded.vocabulary.id("<unk>")
    states, word, expected = None, loaded.eos, []
    for line in lines:
        total = 0.0
        for following in [*loaded.vocabulary.ids(tokenizer.tokenize(line)[0], missing=unknown), loaded.eos]:
            log_p, states = loaded.log_probabilities(np.array([word]), states)
            total, word = total + log_p[0, following], following
        expected.append(total / np.log(10))
    assert scores[500] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "call", [["perplexity", "-", "-"], ["perplexity", "-", "text", "-"], ["tune-lm", "-", "--train", "-"]]
)
def test_standard_input_is_no_text_twice(model, call):
    fails(2, r"standard input\) is given twice", call[0], model, *call[1:], stdin=TEXT)


def test_everything_that_is_printed_is_also_json(model, text, tmp_path):
    found = [json.loads(line) for line in succeeds("generate", model, "-n", 3, "--seed", 1, "--json").splitlines()]
    assert [record["text"] for record in found] == succeeds("generate", model, "-n", 3, "--seed", 1).splitlines()
    assert all(isinstance(record["tokens"], list) for record in found)
    out = tmp_path / "model.safetensors"
    exported = json.loads(succeeds("export-lm", model, "-o", out, "--json"))
    assert exported == {"out": str(out), "bytes": out.stat().st_size}
    assert json.loads(succeeds("perplexity", model, text, "--json"))["perplexity"] > 1


def test_scores_of_lines_are_those_of_independent_perplexity(model, tmp_path):
    lines = ["The king and the queen", "", "cat zebra"]
    printed = succeeds("score", model, stdin="\n".join(lines) + "\n").splitlines()
    assert [line.partition("\t")[2] for line in printed] == lines
    one = tmp_path / "one.txt"
    one.write_text(lines[0])
    alone = json.loads(succeeds("perplexity", model, one, "--independent", "--json"))
    assert float(printed[0].partition("\t")[0]) == pytest.approx(alone["log10"], abs=1e-4)
    records = [json.loads(line) for line in succeeds("score", model, "--json", stdin="\n".join(lines)).splitlines()]
    assert [record["oov"] for record in records] == [0, 0, 1]


def test_arpa_files_score_lines_as_perplexity_reads_them(text, tmp_path):
    arpa, lines = tmp_path / "model.arpa", tmp_path / "lines.txt"
    succeeds("ngram", text, "--out", arpa, "--order", "2")
    lines.write_text("The king rule the old land.\n\nThe ZEBRA\n")
    printed = [json.loads(line) for line in succeeds("score", arpa, lines, "--json").splitlines()]
    assert [(found["words"], found["oov"]) for found in printed] == [(7, 0), (0, 0), (2, 1)]
    record = json.loads(succeeds("perplexity", arpa, lines, "--sentences", "--json"))
    assert [line["log10"] for line in record["lines"]] == [printed[0]["log10"], printed[2]["log10"]]
    assert succeeds("score", arpa, stdin="The king\n") == succeeds("score", arpa, stdin="THE king\n").replace(
        "THE", "The"
    )
    assert succeeds("score", arpa, "--no-lowercase", stdin="The king\n") != succeeds("score", arpa, stdin="The king\n")


@pytest.mark.parametrize("command", ["perplexity", "score"])
def test_options_that_a_model_would_not_heed_are_refused(command, model, text, tmp_path):
    for option in (["--tokenizer", "whitespace"], ["--no-lowercase"], ["--no-punctuation"], ["--fold-digits"]):
        refused = f"{option[0]} has no effect on a model of train-lm, which has its own tokenizer"
        fails(2, refused, command, model, text, *option)
    fails(2, "--weight has no effect without --interpolate", command, model, text, "--weight", "0.5")
    arpa = tmp_path / "model.arpa"
    succeeds("ngram", text, "--out", arpa, "--order", "1")
    for option in (["--cache", "9"], ["--cache-theta", "1"], ["--interpolate", text], ["--weight", "0.1"]):
        fails(2, f"{option[0]} has no effect on an ARPA file", command, arpa, text, *option)


def test_interpolation_with_an_ngram_model(model, tmp_path):
    arpa = tmp_path / "model.arpa"
    arpa.write_text("\\data\\\nngram 1=4\n\n\\1-grams:\n-1 <unk>\n-99 <s>\n-0.5 cat\n-0.25 </s>\n\n\\end\\\n")

    def shares(column, *options):
        record = json.loads(
            succeeds("perplexity", model, "-", "--independent", "--words", "--json", *options, stdin="cat")
        )
        return [10 ** token[column] for token in record["lines"][0]["tokens"]]

    own = shares("log10")
    mixed = ("--interpolate", arpa, "--weight", "0.25")
    expected = [0.75 * p + 0.25 * q for p, q in zip(own, [10**-0.5, 10**-0.25], strict=True)]
    assert shares("interpolated", *mixed) == pytest.approx(expected, rel=1e-5)
    assert shares("log10", *mixed) == own
    whole = shares("interpolated", "--interpolate", arpa, "--weight", "1")
    assert whole == pytest.approx([10**-0.5, 10**-0.25], rel=1e-5)


def test_interpolation_with_counts(model, tmp_path):
    counts = tmp_path / "counts"
    counts.write_text("cat\t3\n</s>\t1\n")  # one order: p = (count - 1.5 or 0.5 + 2 / 3) / 4, V = 3 with <unk>
    mixed = json.loads(
        succeeds("score", model, "--interpolate", counts, "--weight", "1", "--json", stdin="cat dog\n").strip()
    )
    expected = [(1.5 + 2 / 3) / 4, (2 / 3) / 4, (0.5 + 2 / 3) / 4]
    assert mixed["log10"] == pytest.approx(sum(math.log10(p) for p in expected), abs=1e-6)


@pytest.mark.parametrize("word", ["ปลา", "die", "it's"])
def test_the_next_command_begins_with_a_word_of_the_text(tmp_path, word):
    (tmp_path / "text.txt").write_text(f"12 {word} , {word} 12 12\n" * 40, "utf-8")
    settings = ("--hidden-size", 4, "--epochs", 1, "--embeddings", "none", "--preset", "quick")
    output = succeeds("train-lm", tmp_path / "text.txt", "--out", tmp_path / "lm", *settings)
    command = shlex.split(output.partition("Next: ")[2])  # vecmill, or python -m vecmill
    arguments = command[command.index("generate") :]
    assert arguments == ["generate", str(tmp_path / "lm"), "--prompt", word]
    assert "<unk>" not in vecmill(*arguments).stderr


def test_generated_text(model):
    first = succeeds("generate", model, "--prompt", "The king", "--seed", "3", "-n", "2", "--length", "5")
    assert first == succeeds("generate", model, "--prompt", "The king", "--seed", "3", "-n", "2", "--length", "5")
    assert all(line.startswith("the king") for line in first.splitlines())
    assert "<unk>" not in succeeds("generate", model, "--length", "100", "--lines", "--temperature", "1.5")
    assert len(succeeds("generate", model, "--beam", "3", "-n", "3").splitlines()) == 3
    result = vecmill("generate", model, "--prompt", "zebra")
    assert "read as <unk>: zebra" in result.stderr
    fails(2, "top-p", "generate", model, "--top-p", "0")
    for widths in (("--beam", 10**9), ("--beam", 2, "-n", 2000)):
        fails(2, "--number are at most 1,000", "generate", model, *widths)


@pytest.fixture(scope="module")
def tuned(model, text, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    shutil.copytree(model, folder / "lm")
    valid = folder / "valid.txt"
    valid.write_text(TEXT[: len(TEXT) // 4])
    printed = succeeds("tune-lm", folder / "lm", valid, "--cache", "50", "--interpolate", text, "--segment", "10")
    return folder / "lm", valid, printed


def test_tuning_prints_what_it_found_and_keeps_it_beside_the_model(tuned, model, text):
    directory, valid, printed = tuned
    assert f"perplexity {directory} test.txt --cache 50 --dynamic --interpolate {text}\n" in printed
    for expected in ("plain", "cache", "dynamic", "dynamic+cache", "interpolated", "theta", "weight of text.txt"):
        assert expected in printed
    found = json.loads((directory / "adaptation.json").read_text())
    assert (found["cache"]["size"], found["validation"]["file"]) == (50, str(valid))
    assert {path.name for path in directory.iterdir()} - {path.name for path in model.iterdir()} == {
        "adaptation.json",
        "gradient_rms.safetensors",
    }
    succeeds("verify", directory)
    assert "adaptation.json" in Manifest.read(directory).known_files  # which --force may replace
    assert (directory / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()


def test_adapted_perplexities_are_columns_beside_the_plain_one(tuned, text):
    directory, valid, _ = tuned
    plain = json.loads(succeeds("perplexity", directory, valid, "--json"))
    adapting = ("--cache", "50", "--dynamic", "--interpolate", text)
    record = json.loads(succeeds("perplexity", directory, valid, "--json", *adapting))
    assert list(record["adapted"]) == ["cache", "dynamic", "dynamic+cache", "interpolated"]
    assert {name: record[name] for name in plain} == plain
    reached = json.loads((directory / "adaptation.json").read_text())["validation"]["perplexity"]
    for name, found in record["adapted"].items():
        assert found["perplexity"] == pytest.approx(reached[name], rel=1e-4)
        assert (found["words"], found["sentences"]) == (plain["words"], plain["sentences"])
    header, row = succeeds("perplexity", directory, valid, *adapting).splitlines()
    assert header.split()[-5:] == ["cache", "dynamic", "dynamic+cache", "interpolated", "file"]
    assert float(row.split()[-5]) == pytest.approx(reached["cache"], abs=0.01)
    detailed = succeeds("perplexity", directory, valid, "--words", *adapting).splitlines()
    assert re.match(r"-\d+\.\d+\s+perplexity [\d.]+  cache [\d.]+  dynamic [\d.]+  dynamic\+cache", detailed[0])
    assert len(detailed[1].split()) == 6


def test_python_gives_what_the_commands_print(tuned):
    directory, valid, _ = tuned
    lm, text = LanguageModel.load(directory), valid.read_text()
    record = json.loads(succeeds("perplexity", directory, valid, "--json", "--cache", "50"))
    assert lm.perplexity(text) == pytest.approx(record["perplexity"], rel=1e-12)
    assert lm.perplexity(text, cache=50) == pytest.approx(record["adapted"]["cache"]["perplexity"], rel=1e-12)
    for cache in (None, 50):
        options = [] if cache is None else ["--cache", cache]
        printed = succeeds("score", directory, valid, *options).splitlines()
        scores = [float(line.partition("\t")[0]) for line in printed]
        assert lm.score(text.splitlines(), cache=cache) == pytest.approx(scores, abs=1e-4)
        generated = succeeds("generate", directory, "--prompt", "The king", "--seed", "5", *options).strip()
        assert lm.generate("The king", seed=5, cache=cache) == generated


def test_settings_of_adapting_that_cannot_be_are_one_line(model, tuned, tmp_path):
    valid = tuned[1]
    fails(2, "--cache-theta nan: expected a finite", "perplexity", model, valid, "--cache", "9", "--cache-theta", "nan")
    fails(2, "--cache-theta -1.0", "generate", model, "--cache", "9", "--cache-theta", "-1")
    fails(2, "--cache-weight", "perplexity", model, valid, "--cache", "9", "--cache-weight", "1.2")
    fails(2, "'--cache'.*greater than or equal to 1", "perplexity", model, valid, "--cache", "0")
    for command in (("score", model, valid), ("generate", model), ("perplexity", model, valid)):
        fails(2, "add --cache N", *command, "--cache-theta", "0.5")
    fails(1, "cannot read .*nowhere", "perplexity", tuned[0], valid, "--interpolate", tmp_path / "nowhere")
    fails(1, "no settings for dynamic evaluation.*tune-lm", "perplexity", model, valid, "--dynamic")
    empty = tmp_path / "empty.txt"
    empty.write_text("\n\n")
    fails(1, "empty.txt contains no words", "tune-lm", model, empty)
    foreign = tmp_path / "foreign.txt"
    foreign.write_text("die Katze sitzt auf der alten Matte\n" * 5)
    assert "35 of 35 words are not in the vocabulary" in vecmill("perplexity", model, foreign).stderr
    assert "35 of 35 words are not in the vocabulary" in vecmill("score", model, foreign).stderr


def test_each_text_is_read_anew_and_warned_of_once(model, tuned):
    valid = tuned[1]
    result = vecmill("perplexity", model, valid, valid, "--cache", "9", "--json")
    assert result.stderr.count("the cache is not tuned") == 1
    first, second = map(json.loads, result.stdout.splitlines())
    assert first == second
    adapting = ("--cache", "50", "--dynamic", "--json")
    first, second = map(json.loads, succeeds("perplexity", tuned[0], valid, valid, *adapting).splitlines())
    assert first == second


def test_divergence_leaves_the_plain_figure(tuned, text, tmp_path):
    directory = tmp_path / "lm"
    shutil.copytree(tuned[0], directory)
    record = json.loads((directory / "adaptation.json").read_text())
    record["dynamic"] = {"learning_rate": 90.0, "decay": 0.0, "epsilon": 1e-6, "segment": 5}
    (directory / "adaptation.json").write_text(json.dumps(record))
    with np.errstate(all="ignore"):
        result = vecmill("perplexity", directory, text, "--dynamic", "--cache", "50", "--json")
    assert result.exit_code == 0
    assert "dynamic evaluation diverged after" in result.stderr
    found = json.loads(result.stdout)
    assert found["perplexity"] > 1
    assert found["adapted"]["cache"]["perplexity"] > 1
    assert found["adapted"]["dynamic"] is found["adapted"]["dynamic+cache"] is None


def test_exported_weights(model, tmp_path):
    out = tmp_path / "lm.safetensors"
    succeeds("export-lm", model, "--out", out)
    shapes = {name: array.shape for name, array in load_file(out).items()}
    assert shapes["rnn.weight_hh_l1"] == (32, 8)
    assert shapes["decoder.weight"] == shapes["encoder.weight"] == (17, 8)
    fails(1, "--force", "export-lm", model, "--out", out)
    fails(2, "--format", "export-lm", model, "--out", out, "--format", "keras")


@pytest.mark.parametrize(
    ("name", "format_name"), [("lm.onnx", "onnx"), ("lm.pt", "torch"), ("LM.PTH", "torch"), ("lm", "safetensors")]
)
def test_a_language_model_is_exported_in_the_format_of_the_extension(model, tmp_path, name, format_name):
    if format_name in ("onnx", "torch"):
        pytest.importorskip(format_name)
    succeeds("export-lm", model, "--out", tmp_path / name)
    succeeds("export-lm", model, "--out", tmp_path / "named", "--format", format_name)
    assert (tmp_path / name).read_bytes() == (tmp_path / "named").read_bytes()


def test_exported_weights_give_the_same_likelihoods_in_torch(model, tmp_path):
    torch = pytest.importorskip("torch")
    out = tmp_path / "lm.pt"
    succeeds("export-lm", model, "--out", out, "--format", "torch")
    weights = torch.load(out, weights_only=True)
    lm = LanguageModel.load(model)
    module = torch.nn.Module()
    module.encoder = torch.nn.Embedding(17, 8)
    module.rnn = torch.nn.LSTM(8, 8, 2)
    module.decoder = torch.nn.Linear(8, 17)
    module.load_state_dict(weights)
    ids = np.random.default_rng(0).integers(0, 17, (6, 3))
    with torch.no_grad():
        outputs, _ = module.rnn(module.encoder(torch.from_numpy(ids)))
        expected = torch.log_softmax(module.decoder(outputs), -1).gather(2, torch.from_numpy(ids)[..., None])[..., 0]
    found, _ = lm.log_likelihood(ids, ids)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-5)


def test_a_killed_training_goes_on_to_the_same_model(text, tmp_path):
    """With SIGTERM in the middle of it, in a process of its own."""
    text = tmp_path / "text.txt"
    text.write_text(TEXT * 20)
    options = ["--hidden-size", "8", "--epochs", "30", "--batch-size", "4", "--checkpoint-every", "0.1"]
    command = [
        sys.executable,
        "-c",
        "from pipelines.cli import main; main()",
        "train-lm",
        text,
        "--out",
        tmp_path / "lm",
    ]
    process = subprocess.Popen([*map(str, command), *options], stderr=subprocess.PIPE, text=True)
    # Path.glob fails if a folder goes meanwhile
    checkpoints = str(tmp_path / ".lm.work" / ".*checkpoint*" / "0*")
    waited = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < waited and not glob.glob(checkpoints):  # noqa: PTH207
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 143, messages
    assert "repeat the command to resume" in messages
    assert not (tmp_path / "lm").exists()
    succeeds("train-lm", text, "--out", tmp_path / "lm", *options)
    succeeds("train-lm", text, "--out", tmp_path / "other", *options)
    weights, expected = (load_file(tmp_path / name / "model.safetensors") for name in ("lm", "other"))
    for name, array in expected.items():
        np.testing.assert_array_equal(weights[name], array)
    assert math.isfinite(json.loads((tmp_path / "lm" / "evaluation.json").read_text())["test"]["perplexity"])


def test_workers_train_the_model_and_its_vectors(text, tmp_path):
    command = ["train-lm", text, "--out", tmp_path / "lm", "--threads", 1, *SMALL, "--skip-finished"]
    succeeds(*command, "--workers", 2)
    record = json.loads((tmp_path / "lm" / "manifest.json").read_text())
    assert record["settings"]["workers"] == record["history"]["train-embeddings"]["settings"]["workers"] == 2
    assert "nothing to do" in succeeds(*command, "--workers", 2)
    fails(1, "workers: 2 before, None now", *command)


@pytest.mark.parametrize(
    "command", ["perplexity {} text.txt", "score {} text.txt", "generate {}", "export-lm {} --out m.safetensors"]
)
@pytest.mark.parametrize("name", ["nowhere", "absent.arpa", "no/such/model"])
def test_a_language_model_that_is_not_there_is_said_so(tmp_path, monkeypatch, command, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("the king\n")
    fails(1, f"error: there is no {name}; expected a language model", *command.format(name).split())
    (tmp_path / "empty").mkdir()
    fails(1, "empty is not a language model", *command.format("empty").split())


@pytest.mark.parametrize("command", ["generate {}", "export-lm {} --out m.safetensors", "tune-lm {} text.txt"])
@pytest.mark.parametrize("name", ["model.arpa", "text.txt"])
def test_a_file_in_the_place_of_a_language_model_is_said_to_be_one(tmp_path, monkeypatch, command, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("the king\n")
    (tmp_path / "model.arpa").write_text("\\data\\\nngram 1=1\n\n\\1-grams:\n-1 the\n\n\\end\\\n")
    fails(1, f"error: {name} is a file, expected the directory that train-lm wrote", *command.format(name).split())
