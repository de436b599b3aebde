"""The command line as a user meets it: output, one-line errors, exit codes, signals."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from embeddings.errors import EmbeddingsError
from embeddings.word2vec.config import DEFAULT_LEARNING_RATE
from pipelines.commands import PLACES
from pipelines.reports.vectors_report import LOSS_NOTE, _print_epochs, loss_notes
from tests.command_line import fails, vecmill
from tests.small_language_model import make_model
from tests.topics import topic_lines
from vecmill import Vocabulary, WordVectors, write_vectors

TEXT = "the king and the queen rule the old land\nthe dog and the cat sleep in the old house\n" * 60
SMALL = ["--dimension", "8", "--epochs", "2", "--threads", "1"]


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory, text):
    out = tmp_path_factory.mktemp("runs") / "model"
    result = vecmill("train-embeddings", text, "--out", out, *SMALL)
    assert result.exit_code == 0, result.output
    return out


def start(*arguments, **options):
    """Start the command as a process of its own."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_the_model_directory_holds_what_the_help_says(model):
    assert names(model) == [
        "config.json",
        "context.npy",
        "manifest.json",
        "metrics.jsonl",
        "vectors.npy",
        "vocabulary.tsv",
    ]
    assert names(model.parent) == ["model"]
    assert json.loads((model / "config.json").read_text())["train"]["dimension"] == 8
    assert len((model / "metrics.jsonl").read_text().splitlines()) == 2
    manifest = json.loads((model / "manifest.json").read_text())
    assert list(manifest)[:3] == ["stage", "fingerprint", "corpus"]
    assert len(manifest["corpus"]) == 64


def test_the_report_shows_neighbours_losses_and_the_place(text, tmp_path):
    result = vecmill("train-embeddings", text, "--out", tmp_path / "out", *SMALL)
    assert result.exit_code == 0
    for expected in ("Nearest neighbours", "queen", "held out", str(tmp_path / "out"), "Next: "):
        assert expected in result.stdout
    assert "tokenize: done" in result.stderr


@pytest.mark.parametrize(("held_out", "notes"), [([None, None], 0), ([2.5, 2.4], 1), ([None, 2.4], 1)])
def test_a_note_explains_the_two_losses_where_there_are_two(held_out, notes):
    found = loss_notes([{"held_out_loss": loss} for loss in held_out])
    assert len(found) == notes
    assert all("learning rate falls" in note for note in found)


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("--vector-size=9", "--vector-size is called --dimension here"),
        ("--vector_size", "--vector_size is called --dimension here"),
        ("-size", "-size is called --dimension here"),
        ("-lr", "-lr is called --learning-rate here"),
        ("--ws", "--ws is called --window here"),
        ("--minn", "--minn is called --subwords here"),
        ("-minCount", "-minCount is called --min-count here"),
        ("--min_count", "did you mean --min-count?"),
        ("-dimension", "did you mean --dimension?"),
        ("--corpus-file", "the text is the argument CORPUS"),
        ("--windo", "--window"),
    ],
)
def test_options_of_other_programs_are_answered_with_those_here(text, tmp_path, option, hint):
    fails(
        2,
        f"No such option: {option.partition('=')[0]}.*{re.escape(hint)}",
        "train-embeddings",
        text,
        option,
        "5",
        "--out",
        tmp_path / "x",
    )


def test_a_command_that_trains_nothing_knows_no_names_of_settings(model):
    fails(2, r"No such option: --size \((?!.*is called)", "neighbors", model, "king", "--size", "5")


def test_reports_have_the_note_on_losses_below_the_table(tmp_path, capsys):
    path = tmp_path / "metrics.jsonl"
    epoch = {"epoch": 1, "loss": 2.0, "held_out_loss": 2.5, "words": 10, "seconds": 0.1}
    path.write_text(json.dumps(epoch), "utf-8")
    _print_epochs(path)
    assert capsys.readouterr().out.splitlines()[-1] == LOSS_NOTE


def test_a_configuration_file_counts_less_than_an_option(text, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text(f"[corpus]\nsource = '{text}'\n[train]\ndimension = 4\nepochs = 1\nthreads = 1\n")
    result = vecmill("train-embeddings", "--config", config, "--out", tmp_path / "out", "--dimension", "6")
    assert result.exit_code == 0, result.output
    settings = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (settings["train"]["dimension"], settings["train"]["epochs"]) == (6, 1)
    assert settings["corpus"]["source"] == str(text)


@pytest.mark.parametrize(("architecture", "rate"), DEFAULT_LEARNING_RATE.items())
def test_the_learning_rate_depends_on_the_architecture(text, tmp_path, architecture, rate):
    vecmill("train-embeddings", text, "--out", tmp_path / "out", "--architecture", architecture, *SMALL)
    assert json.loads((tmp_path / "out" / "config.json").read_text())["train"]["learning_rate"] == rate


def test_text_comes_from_standard_input_too(tmp_path):
    with start("train-embeddings", "-", "--out", tmp_path / "out", *SMALL, stdin=subprocess.PIPE) as process:
        output, errors = process.communicate(TEXT, timeout=120)
    assert process.returncode == 0, errors
    assert "standard input" in output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dimension", "0"], "--dimension: dimension .* 0"),
        (["--window", "0"], "--window: window .* 0"),
        (["--negative", "-1"], "--negative: negative .* -1"),
        (["--min-count", "-1"], "--min-count: min_count .* -1"),
        (["--max-vocabulary", "0"], "--max-vocabulary: max_vocabulary .* 0"),
        (["--sample", "nan"], "--sample: sample .* nan"),
        (["--architecture", "skipgram"], "--architecture: .*'skipgram'.*'skip-gram'"),
        (["--negative-sharing", "windows"], "--negative-sharing: .*'windows'.*'window'"),
        (["--tokenizer", "nltk:trebank"], "tokenizer: .*nltk:trebank.*treebank"),
        (["--dimension", "many"], "--dimension.*integer"),
        (["--dimensions", "3"], "--dimensions.*--dimension"),
        (["--config", "missing.toml"], r"missing\.toml: cannot be read"),
    ],
)
def test_wrong_options_are_usage_errors_that_name_the_option(text, tmp_path, options, message):
    fails(2, message, "train-embeddings", text, "--out", tmp_path / "out", *options)
    assert names(tmp_path) == []


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "lm"
    make_model().save(path)
    return path


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (["neighbors", "{model}", "king"], "--topn"),
        (["align", "{model}", "{model}"], "--words"),
        (["ngram", "{text}", "--out", "out"], "--min-count"),
        (["train-embeddings", "{text}", "--out", "out"], "--workers"),
        (["tune-lm", "{lm}", "{text}"], "--cache"),
    ],
)
def test_a_number_that_no_computer_holds_is_a_usage_error(
    text, model, language_model, tmp_path, monkeypatch, command, option
):
    monkeypatch.chdir(tmp_path)
    words = [word.format(model=model, text=text, lm=language_model) for word in command]
    fails(2, f"{option}: 9{{30}} is too large", *words, option, "9" * 30)
    assert not list(tmp_path.iterdir())


def test_a_missing_option_or_command_is_a_usage_error(text):
    fails(2, "--out", "train-embeddings", text)
    fails(2, "train-embeding.*train-embeddings", "train-embeding", text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty|no text"),
        (b"  \n \n", "no word|no text|empty"),
        (b"once upon a time", "min_count"),
        (b"\x7fELF\x00\x01\x02\x00" * 50, "binary|no text|not text"),
    ],
)
def test_text_without_words_is_a_failure_that_leaves_nothing(tmp_path, content, message):
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    fails(1, message, "train-embeddings", path, "--out", tmp_path / "out", *SMALL)
    assert names(tmp_path) == ["text.txt"]


def test_a_missing_corpus_names_the_nearest(tmp_path):
    fails(1, "pydoc.*pydocs", "train-embeddings", "pydoc", "--out", tmp_path / "out")


def test_a_damaged_archive_is_a_failure_that_leaves_nothing(tmp_path):
    path = tmp_path / "text.txt.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00 this is no gzip")
    fails(1, r"text\.txt\.gz", "train-embeddings", path, "--out", tmp_path / "out")
    assert names(tmp_path) == ["text.txt.gz"]


def test_a_finished_output_is_refused_and_replaced_by_force(text, tmp_path):
    out = tmp_path / "out"
    for expected in (0, 1):
        result = vecmill("train-embeddings", text, "--out", out, *SMALL)
        assert result.exit_code == expected
    assert "out exists and is finished; add --force" in result.stderr
    assert vecmill("train-embeddings", text, "--out", out, *SMALL, "--seed", "7", "--force").exit_code == 0
    assert json.loads((out / "config.json").read_text())["train"]["seed"] == 7


def test_skip_finished_is_content_with_the_same_and_refuses_other_settings_or_text(tmp_path):
    text, out = tmp_path / "text.txt", tmp_path / "out"
    text.write_text(TEXT)
    command = ["train-embeddings", text, "--out", out, *SMALL, "--skip-finished"]
    assert vecmill(*command).exit_code == 0
    again = vecmill(*command)
    assert (again.exit_code, "nothing to do" in again.stdout) == (0, True)
    fails(1, r"train\.seed: 1 before, 2 now", *command, "--seed", "2")
    text.write_text(TEXT + TEXT)
    fails(1, "text.* has changed", *command)


def test_skip_finished_and_resuming_notice_another_number_of_workers(text, tmp_path):
    out = tmp_path / "out"
    command = ["train-embeddings", text, "--out", out, *SMALL, "--skip-finished"]
    assert vecmill(*command, "--workers", 2).exit_code == 0
    assert "nothing to do" in vecmill(*command, "--workers", 2).stdout
    fails(1, "workers: 2 before, 3 now", *command, "--workers", 3)
    fails(1, "worker_threads: one before, several now", *command, "--workers", 2, "--threads", 2)
    fails(1, "workers: 2 before, None now", *command)


def test_an_output_that_cannot_be_written_fails_before_any_work(text, tmp_path):
    (tmp_path / "file").write_text("")
    fails(1, "cannot write", "train-embeddings", text, "--out", tmp_path / "file" / "out")


def test_neighbors_are_printed_as_a_table_or_as_json(model):
    table = vecmill("neighbors", model, "king", "dog", "--topn", "3")
    assert table.exit_code == 0
    assert len(table.stdout.splitlines()) == 2 + 2 * 3
    lines = vecmill("neighbors", model, "--json", "--topn", "2", stdin="king dog\n").stdout.splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["word"] for record in records] == ["king", "dog"]
    assert all(len(record["neighbors"]) == 2 for record in records)


def test_an_unknown_word_offers_spellings_and_the_other_words_are_answered(model):
    result = vecmill("neighbors", model, "kinng", "dog")
    assert result.exit_code == 1
    assert "king" in result.stderr
    assert result.stdout.startswith("dog")


def test_a_missing_model_is_a_failure(tmp_path):
    fails(1, "nowhere", "neighbors", tmp_path / "nowhere", "king")


def test_export_writes_what_other_tools_read(model, tmp_path):
    path = tmp_path / "vectors.txt"
    result = vecmill("export", model, "--format", "word2vec-text", "--out", path)
    assert result.exit_code == 0, result.output
    lines = path.read_text().splitlines()
    assert lines[0] == f"{len(lines) - 1} 8"
    fails(1, "exists", "export", model, "--format", "word2vec-text", "--out", path)
    assert vecmill("export", model, "--format", "word2vec-text", "--out", path, "--force").exit_code == 0
    fails(2, "word2vec-txt.*word2vec-text", "export", model, "--format", "word2vec-txt", "--out", tmp_path / "x")


def test_evaluation_of_word_pairs(model, tmp_path):
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("king\tqueen\t9\ndog\tcat\t8\nking\tcat\t1\nhouse\tqueen\t2\n")
    result = vecmill("evaluate", model, "--data", pairs, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)[0]["set"] == "pairs"
    fails(1, "missing", "evaluate", model, "--data", tmp_path / "missing.txt")


def test_corpora_are_listed_and_described():
    listed = vecmill("corpora", "list")
    assert listed.exit_code == 0
    assert {"pydocs", "text8", "wikitext-2"} <= set(listed.stdout.split())
    assert "licence" in vecmill("corpora", "info", "text8").stdout
    fails(1, "txt8.*text8", "corpora", "info", "txt8")


def test_version_and_list_of_commands():
    assert re.fullmatch(r"vecmill \d+\.\d+\.\d+\n", vecmill("--version").stdout)
    assert "train-embeddings" in vecmill("--help").stdout


def test_without_a_command_it_says_what_to_type_first():
    result = vecmill()
    assert result.exit_code == 0
    assert result.stdout.splitlines()[2].split()[:2] == ["vecmill", "demo"]
    assert set(re.findall(r"^  vecmill ([\w-]+)", result.stdout, re.M)) <= set(PLACES)


def test_the_demo_trains_prints_and_draws_and_trains_nothing_twice(tmp_path):
    (tmp_path / "text.txt").write_text("\n".join(topic_lines(400)), "utf-8")
    arguments = ["demo", tmp_path / "text.txt", "--out", tmp_path / "demo", "--no-open"]
    first = vecmill(*arguments)
    assert first.exit_code == 0, first.output
    assert "Nearest neighbours" in first.stdout
    assert (tmp_path / "demo.html").read_text("utf-8").startswith("<!")
    made = (tmp_path / "demo" / "manifest.json").read_bytes()
    assert vecmill(*arguments, "--json").exit_code == 0
    assert (tmp_path / "demo" / "manifest.json").read_bytes() == made


def test_an_unexpected_error_is_one_line_and_a_traceback_only_when_debugging(model, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("the moon is in the wrong place")

    monkeypatch.setattr("embeddings.formats.read", broken)
    fails(1, "unexpected RuntimeError: the moon.*please report", "neighbors", model, "king")
    assert "Traceback" in vecmill("--debug", "neighbors", model, "king").stderr


def test_an_empty_name_of_an_evaluation_set_is_a_mistake_of_the_user(model):
    fails(2, "the name of an evaluation set is empty", "evaluate", model, "--data", "")
    fails(2, "the name of an evaluation set is empty", "compare", model, model, "--data", "")


def test_an_unexpected_error_where_memory_is_limited_names_the_limit(model, monkeypatch):
    def broken(*_, **__):
        raise ValueError("a library could not be loaded")

    monkeypatch.setattr("embeddings.formats.read", broken)
    monkeypatch.setattr("pipelines.cli.memory_limit", lambda: (800 << 20, "ulimit -v"))
    fails(1, r"loaded; the limit on memory \(ulimit -v\), 800 MiB, may be the cause", "neighbors", model, "king")


FULL = OSError(28, "No space left on device", "out")


@pytest.mark.parametrize("cause", [None, OSError(28, "No space left on device")])
def test_a_full_disk_is_named(text, tmp_path, monkeypatch, cause):
    def full(*_, **__):
        if cause:
            raise EmbeddingsError("cannot write") from cause
        raise FULL

    monkeypatch.setattr("embeddings.word2vec.model.Word2Vec.fit", full)
    fails(
        1,
        "no space left for .*out.* repeat the command to resume",
        "train-embeddings",
        text,
        "--out",
        tmp_path / "out",
        *SMALL,
    )
    assert names(tmp_path) == [".out.work"]


@pytest.mark.parametrize("name", ["out", None])
def test_too_many_open_files_name_the_limit(model, monkeypatch, name):
    def refused(*_, **__):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), name)

    monkeypatch.setattr("embeddings.formats.read", refused)
    fails(1, "error: (out|the command): too many open files; raise their limit", "neighbors", model, "king")


OF_A_MODEL = {
    "align": ["{}", "{}"],
    "analogy": ["{}", "a", "b", "c"],
    "compare": ["{}", "{}"],
    "convert": ["{}", "x.txt"],
    "embed": ["{}", "."],
    "evaluate": ["{}"],
    "export": ["{}", "--out", "x.bin"],
    "export --format model": ["{}", "--out", "x"],
    "export --format spacy": ["{}", "--out", "x"],
    "export --format static-embedding": ["{}", "--out", "x"],
    "export --quantize int8": ["{}", "--out", "x"],
    "export-lm": ["{}", "--out", "x"],
    "generate": ["{}"],
    "infer": ["{}", "."],
    "info": ["{}"],
    "map": ["{}", "--out", "x.html"],
    "neighbors": ["{}", "a"],
    "perplexity": ["{}", "."],
    "plot": ["{}", "--out", "x.png"],
    "search": ["{}", ".", "a"],
    "status": ["{}"],
    "vector": ["{}", "a"],
    "verify": ["{}"],
}


@pytest.mark.parametrize("command", OF_A_MODEL)
def test_a_missing_model_is_said_in_the_same_words(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [word.format("nowhere") for word in OF_A_MODEL[command]]
    fails(1, "error: there is no nowhere[;,] .*expected a ", *command.split(), *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_cleanly_and_the_same_command_goes_on(text, tmp_path, number, code):
    out = tmp_path / "out"
    command = ["train-embeddings", text, "--out", out, "--dimension", "8", "--threads", "1"]
    with start(*command, "--epochs", "100000") as process:
        wait_for(tmp_path / ".out.work" / "encode" / "manifest.json", process)
        time.sleep(0.5)
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (code, ""), errors
    assert "repeat the command to resume" in errors
    assert "Traceback" not in errors
    assert not out.exists()
    fails(1, r"train\.epochs: 100000 before, 2 now", *command, "--epochs", "2")
    result = vecmill(*command, "--epochs", "2", "--force")
    assert result.exit_code == 0
    assert names(tmp_path) == ["out"]


def test_a_killed_run_goes_on_where_it_was(text, tmp_path):
    out = tmp_path / "out"
    command = ["train-embeddings", text, "--out", out, "--dimension", "8", "--epochs", "400", "--threads", "1"]
    with start(*command, "--seed", "3") as process:
        wait_for(tmp_path / ".out.work" / "encode" / "manifest.json", process)
        process.kill()
    result = vecmill(*command, "--seed", "3")
    assert result.exit_code == 0, result.output
    for stage in ("tokenize", "vocabulary", "encode"):
        assert f"{stage}: unchanged, skipped" in result.stderr
    assert f"process {process.pid}" in result.stderr
    assert names(tmp_path) == ["out"]


def test_a_closed_pipe_is_no_error(model):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "neighbors", str(model), "king"]
    process = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert process.stderr == ""


def wait_for(path: Path, process: subprocess.Popen) -> None:
    """Wait until a running process has written a file."""
    for _ in range(600):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    raise AssertionError(f"{path} did not appear")


@pytest.mark.parametrize("suffix", [".bin", ".txt"])
def test_a_truncated_file_of_vectors_is_one_line(tmp_path, suffix):
    whole = WordVectors(Vocabulary.from_words(["king", "queen"]), np.ones((2, 4), np.float32))
    path = tmp_path / f"vectors{suffix}"
    write_vectors(whole, path)
    path.write_bytes(path.read_bytes()[:-20])
    for command in (["neighbors", path, "king"], ["export", path, "--out", tmp_path / "out.npz"]):
        result = vecmill(*command)
        assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1), result.output
        assert "error: " in result.stderr
        assert "unexpected" not in result.stderr
