"""The next command that a command prints can be pasted into a shell, whatever names files and words have."""

import shlex

import pytest

from pipelines.console.streams import shell
from tests.command_line import vecmill


@pytest.mark.parametrize("name", ["a b", "it's", "$HOME", "*", "a;b", "line\nend"])
def test_names_are_quoted(name):
    assert shlex.split(shell("plain", name)) == ["plain", name]


@pytest.mark.parametrize("folder", ["my runs", "it's"])
def test_the_next_command_names_the_file(tmp_path, folder):
    (tmp_path / folder).mkdir()
    edges, walks, settings = (tmp_path / folder / name for name in ("edges.csv", "walks.txt", "run.toml"))
    edges.write_text("a,b\nb,c\n")
    for path, command in ((walks, ("walks", edges)), (settings, ("init",))):
        result = vecmill(*command, "--out", path)
        assert result.exit_code == 0, result.output
        assert str(path) in shlex.split(result.stdout.partition("Next: ")[2])
