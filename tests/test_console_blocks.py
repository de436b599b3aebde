"""Console blocks of pages: all commands are understood; those without a stated reason give the output below them."""

import re
import shlex
import sys
from typing import NamedTuple

import pytest

from pipelines.cli import load_command
from pipelines.commands import ALIASES, PLACES
from tests.command_line import vecmill
from tests.conftest import REPOSITORY

BLOCK = re.compile(r"(?:<!-- not run: (?P<reason>[^>]+) -->\n)?^```console\n(?P<text>.*?)^```", re.M | re.S)
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
COMMANDS = {"vecmill", ".venv/bin/vecmill"}


class Block(NamedTuple):
    """A console block: why it is not run, if it is not, and each command with the output below it."""

    page: str
    reason: str | None
    commands: list[tuple[str, str]]


def blocks():
    for page in PAGES:
        for found in BLOCK.finditer(page.read_text("utf-8")):
            parts = re.split(r"^\$ ", found["text"], flags=re.M)
            commands = [part.partition("\n")[::2] for part in parts[1:]]
            yield Block(page.relative_to(REPOSITORY).as_posix(), found["reason"], commands)


BLOCKS = list(blocks())
RUN = {
    page: [block for block in BLOCKS if block.page == page and not block.reason] for page in {b.page for b in BLOCKS}
}


def words_of(command):
    """The words of each command of vecmill in a line of the shell."""
    for part in re.split(r"\s[|<>]\s?", command):
        words = shlex.split(part, comments=True)
        if words and words[0] in COMMANDS:
            yield words[1:]


def test_there_are_blocks_of_both_kinds():
    assert len(BLOCKS) > 30
    assert RUN["docs/first-minutes.md"]


@pytest.mark.parametrize("command", [c for block in BLOCKS for c, _ in block.commands if list(words_of(c))])
def test_commands_in_pages_are_understood(command):
    for words in words_of(command):
        name = next(word for word in words if not word.startswith("-"))
        assert name in PLACES or name in ALIASES, command
        found, rest = load_command(name), words[words.index(name) + 1 :]
        if inner := getattr(found, "commands", None):
            found, rest = inner[rest[0]], rest[1:]
        found.make_parser(found.context_class(found)).parse_args(rest)  # raises for an unknown option


def masked(text):
    """The lines of an output in alphabetical order, numbers masked: digits and close ranks differ by processor."""
    return sorted(re.sub(r"\d+([.,]\d+)*", "0", line.strip()) for line in text.splitlines() if line.strip())


@pytest.mark.parametrize("page", sorted(page for page, found in RUN.items() if found))
def test_blocks_are_run_and_give_the_output_below_them(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["vecmill"])  # the name that lines such as "Next: ..." begin with
    for program in re.findall(r"^```python\n(.*?\bopen\(.*?)^```", (REPOSITORY / page).read_text("utf-8"), re.M | re.S):
        exec(compile(program, page, "exec"), {})  # writes the text that the commands read
    for block in RUN[page]:
        for command, output in block.commands:
            for words in words_of(command):
                result = vecmill(*words)
                assert result.exit_code == 0, (command, result.output)
                if output.strip():
                    assert masked(result.stdout) == masked(output), command
