"""The next command that a command prints can be pasted into a shell, whatever names files and words have."""

import shlex
from pathlib import Path

import pytest

from pipelines.console.streams import shell
from tests.command_line import vecmill


@pytest.mark.parametrize("name", ["a b", "it's", "$HOME", "*", "a;b", "line\nend"])
def test_names_are_quoted(name):
    assert shlex.split(shell("plain", name)) == ["plain", name]


@pytest.mark.parametrize("name", ["-a", "--force", "-"])
def test_names_that_would_be_options_are_none(name):
    (argument,) = shlex.split(shell(Path(name)))
    assert (argument[0], Path(argument)) == (".", Path(name))


def test_the_next_command_of_a_directory_with_a_leading_dash_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("-a b -c b\n" * 20)
    settings = ("--tokenizer", "whitespace", "--dimension", 4, "--epochs", 1, "--min-count", 1)
    result = vecmill("train-embeddings", "text.txt", *settings, "-o", "-v")
    assert result.exit_code == 0, result.output
    arguments = shlex.split(result.stdout.partition("Next: ")[2].partition("neighbors ")[2])
    assert arguments == ["./-v", "b"], "nor are words that begin with a dash"
    assert vecmill("neighbors", *arguments).exit_code == 0


@pytest.mark.parametrize("folder", ["my runs", "it's"])
def test_the_next_command_names_the_file(tmp_path, folder):
    (tmp_path / folder).mkdir()
    edges, walks, settings = (tmp_path / folder / name for name in ("edges.csv", "walks.txt", "run.toml"))
    edges.write_text("a,b\nb,c\n")
    for path, command in ((walks, ("walks", edges)), (settings, ("init",))):
        result = vecmill(*command, "--out", path)
        assert result.exit_code == 0, result.output
        assert str(path) in shlex.split(result.stdout.partition("Next: ")[2])
