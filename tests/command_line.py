"""Running vecmill's commands in tests."""

import re
from typing import Any

from typer.testing import CliRunner

from pipelines.cli import app


def vecmill(*arguments: object, stdin: str | bytes | None = None, **options: Any):
    """Run a command and return what it printed and its exit code."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, **options)


def fails(code: int, pattern: str, *arguments: object, stdin: str | bytes | None = None) -> None:
    """Run a command that must fail with one line on stderr, nothing on stdout and no traceback."""
    result = vecmill(*arguments, stdin=stdin)
    errors = [line for line in result.stderr.splitlines() if "error: " in line]
    assert (result.exit_code, result.stdout, len(errors)) == (code, "", 1), result.output
    assert re.search(pattern, errors[0]), errors[0]
    assert "Traceback" not in result.output
