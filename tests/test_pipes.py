"""Commands in pipes: a question on stdin is answered before the next is asked; files are read, stdout is written."""

import bz2
import csv
import errno
import gzip
import io
import json
import lzma
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import zstandard

from embeddings import Vocabulary, WordVectors
from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.model import LanguageModel
from pipelines.console.streams import whole_output
from tests.command_line import fails, vecmill

WORDS = {"the": [0, 0], "man": [0, 1], "woman": [0, -1], "king": [2, 1], "queen": [2, -1]}
TEXT = 'The king, the KING\n\nnobody "here"\nwoman\u2028queen\r\nman'
PROGRAM = [sys.executable, "-m", "vecmill"]


@pytest.fixture(scope="module")
def vectors():
    random = np.random.default_rng(1)
    matrix = np.array([[*place, 0.5, *0.01 * random.standard_normal(3)] for place in WORDS.values()], np.float32)
    return WordVectors(Vocabulary.from_words(WORDS, [900, 40, 30, 20, 10]), matrix)


@pytest.fixture(scope="module")
def model(vectors, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "vectors"
    vectors.save(path)
    return path


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "lm"
    vocabulary = Vocabulary.from_words(["<unk>", "<eos>", *WORDS], range(7, 0, -1))
    LanguageModel(LanguageModelConfig(hidden_size=4, layers=1), vocabulary, rng=np.random.default_rng(0)).save(path)
    return path


CONVERSATIONS = {
    "neighbors": (["--topn", "1"], ["king\n", "queen\n"], ["king\n", "queen\n"], 2),
    "analogy": (["--topn", "1"], ["man king woman\n", "king man queen\n"], ["man is", "king is"], 2),
    "vector": ([], ["king\n", "man\n"], ["king ", "man "], 1),
    "embed": (["--json"], ["the king\n", "a man\n"], ['{"text": "the king"', '{"text": "a man"'], 1),
    "score": (["--json"], ["the king\n", "a man\n"], ['{"text": "the king"', '{"text": "a man"'], 1),
}


@pytest.mark.parametrize("command", CONVERSATIONS)
def test_a_line_is_answered_before_the_next_is_written(command, model, language_model):
    options, questions, answers, lines = CONVERSATIONS[command]
    place = language_model if command == "score" else model
    call = [*PROGRAM, command, place, *options]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        try:
            for question, answer in zip(questions, answers, strict=True):
                process.stdin.write(question)
                process.stdin.flush()
                found = [process.stdout.readline() for _ in range(lines)]  # waits for ever if output is held back
                assert found[0].startswith(answer)
            process.stdin.close()
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("command", CONVERSATIONS)
def test_a_hyphen_stands_for_standard_input(command, model, language_model):
    options, questions, _, _ = CONVERSATIONS[command]
    place, text = language_model if command == "score" else model, "".join(questions)
    read = vecmill(command, place, "-", *options, stdin=text)
    assert read.exit_code == 0
    assert read.stdout == vecmill(command, place, *options, stdin=text).stdout != ""


COMPRESSED = {
    "gzip": gzip.compress,
    "gzip in parts": lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:]),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("kind", COMPRESSED)
@pytest.mark.parametrize("command", CONVERSATIONS)
def test_compressed_text_on_standard_input_is_read(command, kind, model, language_model):
    options, questions, _, _ = CONVERSATIONS[command]
    place, text = language_model if command == "score" else model, "".join(questions)
    read = vecmill(command, place, "-", *options, stdin=COMPRESSED[kind](text.encode()))
    assert read.exit_code == 0, read.output
    assert read.stdout == vecmill(command, place, *options, stdin=text).stdout != ""


@pytest.mark.parametrize("kind", COMPRESSED)
@pytest.mark.parametrize("size", [1, 4])
def test_compressed_text_may_arrive_in_small_pieces(kind, size, model):
    packed = COMPRESSED[kind](b"the king\n")
    with subprocess.Popen([*PROGRAM, "embed", model], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for start in range(0, len(packed), size):
            process.stdin.write(packed[start : start + size])
            process.stdin.flush()
        assert process.communicate(timeout=60)[0].decode() == vecmill("embed", model, stdin="the king\n").stdout


@pytest.mark.parametrize("kind", ["gzip", "xz", "zstd", "bzip2"])
def test_damaged_text_on_standard_input_is_one_line(kind, model):
    packed = COMPRESSED[kind](b"the king and the queen\n" * 50)
    fails(1, "error: standard input is damaged .*; send it again", "embed", model, "-o", "x.npy", stdin=packed[:-9])


@pytest.mark.parametrize("text", ["BZh\n", "(\n", "BZ", "B", "BZh9 the king\n", "(king)\n"])
def test_text_that_begins_as_compressed_data_do_is_read(text, model):
    read = vecmill("embed", model, "--json", stdin=text)
    assert [json.loads(line)["text"] for line in read.stdout.splitlines()] == text.splitlines()


@pytest.mark.parametrize("command", ["neighbors", "analogy", "vector", "embed", "score"])
def test_a_terminal_gets_a_prompt_on_stderr(command, model, language_model):
    ours, theirs = pty.openpty()
    call = [*PROGRAM, command, language_model if command == "score" else model]
    with subprocess.Popen(call, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        try:
            prompt = process.stderr.read(6)
            os.write(ours, b"\x04")  # Ctrl-D: the end
            out, _ = process.communicate(timeout=60)
        finally:
            process.kill()
            os.close(ours)
    assert prompt.rstrip() in (b"word>", b"A B C>", b"text>")
    assert out == b""


@pytest.mark.parametrize("from_stdin", [False, True])
@pytest.mark.parametrize("to_stdout", [False, True])
@pytest.mark.parametrize("name", ["text", "tsv", "csv", "jsonl"])
def test_vectors_of_lines_as_text(name, to_stdout, from_stdin, model, tmp_path):
    text = tmp_path / "text.txt"
    text.write_bytes(TEXT.encode())
    call = ["embed", model, "--format", name] + ([] if from_stdin else [text])
    if not to_stdout:
        call += ["-o", tmp_path / "out"]
    result = vecmill(*call, stdin=TEXT if from_stdin else None)
    assert result.exit_code == 0, result.output
    assert "2 of 9" in (result.stderr if to_stdout else result.stdout)
    written = result.stdout if to_stdout else (tmp_path / "out").read_text()
    lines = ["The king, the KING", "", 'nobody "here"', "woman queen", "man"]
    if name == "jsonl":
        records = [json.loads(line) for line in written.splitlines()]
        texts, matrix = [record["text"] for record in records], [record["vector"] for record in records]
    elif name == "csv":
        header, *rows = csv.reader(io.StringIO(written))
        assert header == ["text", *map(str, range(6))]
        texts, matrix = [row[0] for row in rows], [row[1:] for row in rows]
    else:
        texts, matrix = lines, [line.split("\t" if name == "tsv" else " ") for line in written.splitlines()]
    assert texts == lines
    assert vecmill("embed", model, text, "-o", tmp_path / "exact.npy").exit_code == 0
    assert np.array_equal(np.array(matrix, np.float32), np.load(tmp_path / "exact.npy"))


def test_the_ending_of_the_file_is_its_format(model, tmp_path):
    for ending, beginning in {"txt": b"0", "tsv": b"0", "csv": b"text,0,", "jsonl": b'{"text"'}.items():
        out = tmp_path / f"out.{ending}"
        assert vecmill("embed", model, "-o", out, stdin="man\n").exit_code == 0
        assert out.read_bytes().startswith(beginning)


def test_sif_to_stdout_is_that_of_the_file(model, tmp_path):
    result = vecmill("embed", model, "--weighting", "sif", stdin=TEXT)
    vecmill("embed", model, "--weighting", "sif", "-o", tmp_path / "x.npy", stdin=TEXT)
    shown = np.array([line.split() for line in result.stdout.splitlines()], np.float32)
    assert np.array_equal(shown, np.load(tmp_path / "x.npy"))


def test_many_lines_come_out_in_order(model):
    text = "".join(f"{list(WORDS)[i % 5]} {'x' * (i % 50)}\n" for i in range(10_000))
    result = vecmill("embed", model, "--json", stdin=text)
    assert [json.loads(line)["text"] for line in result.stdout.splitlines()] == text.splitlines()


def test_scores_of_a_file_are_those_of_stdin(language_model, tmp_path):
    text = tmp_path / "text.txt"
    lines = "the king\n\na man\n" * 300
    text.write_text(lines)
    from_file, from_stdin = vecmill("score", language_model, text), vecmill("score", language_model, stdin=lines)
    assert from_file.stdout == from_stdin.stdout
    assert len(from_file.stdout.splitlines()) == 900
    fails(1, "standard input is empty", "score", language_model, stdin="")


def test_a_reader_that_stops_early_ends_the_command_silently(model):
    call = f"yes king | '{sys.executable}' -m vecmill neighbors '{model}' | head -3"
    run = subprocess.run(["bash", "-c", f"set -o pipefail; {call}"], capture_output=True, text=True, check=False)
    assert len(run.stdout.splitlines()) == 3
    assert run.stderr == ""


SETTINGS = [
    ({}, "King", "king"),
    ({"lowercase": False}, "King", None),
    ({"lowercase": False, "fold_digits": True}, "1984", "0000"),
    ({"name": "whitespace"}, "QUEEN", "queen"),
    ({}, "king queen", None),
]


@pytest.mark.parametrize(("tokenizer", "typed", "known"), SETTINGS)
@pytest.mark.parametrize("command", ["neighbors", "analogy", "vector"])
def test_words_are_looked_up_as_the_model_writes_them(command, tokenizer, typed, known, tmp_path):
    words = ["king", "queen", "0000", "man"]
    path = tmp_path / "model"
    WordVectors(Vocabulary.from_words(words), np.eye(4, dtype=np.float32)).save(path)
    arguments = [typed, "man", "0000"] if command == "analogy" else [typed, typed]
    unknown = f"{typed!r} is not in the vocabulary"
    fails(1, unknown, command, path, *arguments[:1], *arguments[1 : 3 * (command == "analogy")])
    (path / "config.json").write_text(json.dumps({"tokenizer": tokenizer}))
    result = vecmill(command, path, *arguments)
    assert result.exit_code == (0 if known else 1)
    assert (unknown in result.stderr) == (known is None)
    assert result.stderr.count(f"{typed} is looked up as {known}") == (1 if known else 0)


@pytest.mark.parametrize("command", CONVERSATIONS)
def test_a_closed_stdin_is_one_line(command, model, language_model):
    place = language_model if command == "score" else model
    closed = 'exec "$@" <&-'
    run = subprocess.run(["sh", "-c", closed, "sh", *PROGRAM, command, place], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (1, "")
    assert "error: standard input is closed; expected text there" in run.stderr
    assert "unexpected" not in run.stderr


def test_a_closed_stdout_is_one_line(model):
    call = ["sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM, "embed", model]
    run = subprocess.run(call, input="the king\n", capture_output=True, text=True)
    assert run.returncode != 0
    assert "error: standard output is closed; give a file with --out" in run.stderr


@pytest.mark.parametrize("command", ["walks", "embed"])
def test_a_closed_stdout_is_refused_before_work(command, model, tmp_path):
    (tmp_path / "edges").write_text("a b\nb c\n")
    arguments = [tmp_path / "edges"] if command == "walks" else [model, tmp_path / "edges"]
    call = ["sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM, command, *arguments]
    run = subprocess.run(call, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (1, "error: standard output is closed; give a file with --out\n")


def _printing(what, model, tmp_path):
    """Return arguments that print more than 8 kB by streams of bytes or of text, or less in one piece."""
    if what == "walks":
        (tmp_path / "edges").write_text("a b\nb c\n")
        return ["walks", tmp_path / "edges", "--walks", "100"]
    if what == "embed":
        (tmp_path / "text").write_text("the king\n" * 1000)
        return ["embed", model, tmp_path / "text"]
    return ["neighbors", model, *list(WORDS) * 40, "--json"] if what == "neighbors" else [what]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("what", ["walks", "embed", "neighbors", "--version", "--help"])
def test_a_full_disk_below_stdout_is_one_line(what, unbuffered, model, tmp_path):
    call = [*PROGRAM, *map(str, _printing(what, model, tmp_path))]
    with Path("/dev/full").open("w") as full:
        environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        run = subprocess.run(call, stdout=full, stderr=subprocess.PIPE, text=True, env=environment)
    assert run.returncode == 1
    assert run.stderr == "error: no space left for the output; free some space and repeat the command to resume\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("what", ["walks", "embed", "neighbors"])
def test_output_of_which_a_disk_takes_the_beginning_is_an_error(what, unbuffered, model, tmp_path):
    call = ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", *PROGRAM, *map(str, _printing(what, model, tmp_path))]
    with (tmp_path / "out").open("wb") as out:
        environment = os.environ | {"PYTHONUNBUFFERED": unbuffered, "PYTHONDONTWRITEBYTECODE": "1"}
        environment.pop("COVERAGE_PROCESS_CONFIG", None)  # whose data file is longer than the limit
        run = subprocess.run(call, stdout=out, stderr=subprocess.PIPE, text=True, env=environment)
    assert 0 < (tmp_path / "out").stat().st_size <= 8192
    assert run.returncode == 1
    told = "the output would be larger than a file may be; raise that limit (ulimit -f)"
    assert run.stderr == f"error: {told} and repeat the command to resume\n"


@pytest.mark.parametrize("walks", [1, 2000])
def test_walks_whose_reader_has_gone_end_silently(walks, tmp_path):
    (tmp_path / "edges").write_text("a b\nb c\n")
    call = [*PROGRAM, "walks", str(tmp_path / "edges"), "--walks", str(walks)]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        try:
            assert process.stderr.read() == ""
            assert process.wait(timeout=60) == 1
        finally:
            process.kill()


class _Slow(io.RawIOBase):
    """Takes three bytes at a time, as a pipe or a disk may."""

    def __init__(self):
        self.taken = b""

    def writable(self):
        return True

    def write(self, data):
        self.taken += bytes(data[:3])
        return min(len(data), 3)


def test_text_of_which_a_stream_takes_a_part_is_written_whole(monkeypatch):
    raw = _Slow()
    stdout = io.TextIOWrapper(raw, "utf-8", write_through=True)
    monkeypatch.setattr(sys, "stdout", stdout)
    with whole_output():
        sys.stdout.write("a long line of text\n")
        sys.stdout.buffer.write(b"and bytes")
    assert sys.stdout is stdout
    assert raw.taken == b"a long line of text\nand bytes"


class _FullFile(io.BytesIO):
    """A temporary file on a disk that is full when its buffer is written."""

    def flush(self):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    close = flush


@pytest.mark.parametrize("options", [["--weighting", "sif"], ["--out", "x.npy"], ["--out", "x.parquet"]])
def test_a_full_folder_of_temporary_files_is_named(options, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    full = SimpleNamespace(TemporaryFile=_FullFile, gettempdir=tempfile.gettempdir)
    monkeypatch.setattr("pipelines.commands.embedded_lines.tempfile", full)
    expected = f"no space left for {tempfile.gettempdir()}; free some space"
    fails(1, expected, "embed", model, *options, stdin="the king\n")
    assert list(tmp_path.iterdir()) == []
