"""Names and words of the user mean themselves wherever they are shown: terminal, logs, plots, reports, maps."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from embeddings import Vocabulary
from embeddings.vectors.training_plot import write_training_plot
from pipelines.console.streams import MessageHandler, VerbatimConsole
from pipelines.reports.report_document import Lines, Section, Table, to_html, to_markdown
from tests.command_line import vecmill
from tests.topics import ANIMALS
from vecmill.visible import visible

ROOT = Path(__file__).resolve().parents[1]
NAMES = [
    r"m$\frac{$",
    "$$",
    r"$\alpha$ \n {x}_^",
    "[bold]x[/bold]",
    ":smile:",
    "<script>alert(1)</script>",
    "a|b",
    "`code` *b* _i_ # h",
    "&amp; %s {0} ${title}",
    "\x1b[31mred\x1b]0;title\x07",
    "left\u202eright",
    "line\r\nline",
]
FILE_NAMES = [name for name in NAMES if "/" not in name]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("terminal", [False, True])
def test_a_terminal_shows_control_characters_and_does_not_obey_them(name, terminal):
    out = io.StringIO()
    VerbatimConsole(file=out, force_terminal=terminal, color_system=None).print(name)
    assert out.getvalue() == (visible(name) if terminal else name) + "\n"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", visible(name))


@pytest.mark.parametrize("name", NAMES)
def test_messages_are_one_line_without_control_characters(name, capsys):
    MessageHandler().emit(logging.LogRecord("vecmill", logging.ERROR, "", 0, "%s", (" ".join(name.split()),), None))
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"error: {visible(' '.join(name.split()))}"
    MessageHandler().emit(logging.LogRecord("vecmill", logging.WARNING, "", 0, "skipped: %s", (name,), None))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"skipped: {visible(' '.join(name.splitlines()))}")


@pytest.mark.parametrize("name", NAMES)
def test_a_plot_shows_names_and_words_as_they_are(name, tmp_path):
    pytest.importorskip("matplotlib")
    metrics = [{"epoch": epoch, "learning_rate": 0.1, "loss": 3.0, "held_out_loss": 4.0} for epoch in (1, 2)]
    vocabulary = Vocabulary.from_words(["".join(name.split()), "b"], [2, 1])
    for out in (tmp_path / "plot.svg", tmp_path / "plot.png"):
        write_training_plot(out, metrics, vocabulary, name)
    texts = ["".join(element.itertext()) for element in ElementTree.parse(tmp_path / "plot.svg").iter()]
    assert visible("".join(name.split())) in [text.strip() for text in texts]


@pytest.mark.parametrize("name", NAMES)
def test_reports_are_pages_without_elements_of_the_user(name):
    sections = [Section(name, [name, Table([name], [[name]]), Lines([name])])]
    page = to_html(name, sections)
    assert "<script" not in page
    assert page.count("<") == to_html("t", [Section("t", ["t", Table(["t"], [["t"]]), Lines(["t"])])]).count("<")
    assert len(to_markdown(name, sections).splitlines()) == len(to_markdown("t", sections).splitlines())


def test_commands_take_and_show_a_name_that_is_not_utf8(tmp_path):
    """In processes of their own: pytest cannot report such names."""
    name = "latin-\udce9"
    (tmp_path / "text.txt").write_text(" ".join(ANIMALS) * 3)
    for command in (
        ("train-embeddings", "text.txt", "--out", name, "--min-count", "1", "--dimension", "4", "--epochs", "1"),
        ("neighbors", name, ANIMALS[0]),
        ("export", name, "--out", f"{name}.txt"),
        ("map", name, "--out", f"{name}.html"),
        ("plot", name, "--out", f"{name}.svg"),
        ("status", name),
    ):
        program = [sys.executable, "-c", "from pipelines.cli import main; main()", *command]
        done = subprocess.run(program, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
        assert done.returncode == 0, ascii(done.stderr)
        assert b"Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("name", FILE_NAMES)
def test_commands_take_and_show_any_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(" ".join(ANIMALS) * 3)
    made = vecmill("train-embeddings", "text.txt", "--out", name, "--min-count", 1, "--dimension", 4, "--epochs", 1)
    assert made.exit_code == 0, made.output
    commands = [
        ("neighbors", name, ANIMALS[0]),
        ("export", name, "--out", f"{name}.txt"),
        ("map", name, "--out", f"{name}.html"),
        ("plot", name, "--out", f"{name}.svg"),
        ("status", name),
        ("neighbors", f"no {name}", "a"),
    ]
    for command in commands:
        result = vecmill(*command)
        assert result.exit_code == (1 if command[1] != name else 0), result.output
        assert "Traceback" not in result.output
        assert "unexpected" not in result.output
        json.dumps(result.output).encode()
    assert "<script>alert" not in (tmp_path / f"{name}.html").read_text("utf-8")
    assert np.isfinite((tmp_path / f"{name}.svg").stat().st_size)


def test_tabs_are_printed_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(" ".join(ANIMALS) * 3)
    made = vecmill("train-embeddings", "text.txt", "--out", "a\tb", "--min-count", 1, "--dimension", 4, "--epochs", 1)
    assert "neighbors 'a\tb' " in made.stdout
    (tmp_path / "text.txt").write_text(f"{ANIMALS[0]}\t{ANIMALS[1]}\n")
    assert f"{ANIMALS[0]}\t{ANIMALS[1]}\n" in vecmill("search", "a\tb", "text.txt", ANIMALS[0]).stdout
