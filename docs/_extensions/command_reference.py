"""Fill the page commands.md: every command with its arguments and options, as its help states them."""

from collections.abc import Iterator
from typing import Any

from pipelines.cli import load_command
from pipelines.commands import COMMANDS
from pipelines.console.message_options import message_options

PAGE = "commands"


def fill(app: Any, page: str, source: list[str]) -> None:
    """Append the reference to the source of the page of commands."""
    if page == PAGE:
        source[0] += "\n".join(reference())


def reference() -> Iterator[str]:
    """Yield the lines of the reference, in Markdown."""
    for heading, commands in COMMANDS.items():
        yield f"\n## {heading}\n"
        for name in commands:
            command = load_command(name)
            yield from described(name, command)
            for inner, subcommand in getattr(command, "commands", {}).items():
                yield from described(f"{name} {inner}", subcommand)
    yield "\n## Options of every command\n"
    yield from listed(message_options())


def described(name: str, command: Any) -> Iterator[str]:
    """Yield heading, help, arguments and options of one command."""
    yield f"\n### vecmill {name}\n"
    for paragraph in command.help.split("\n\n"):
        words = " ".join(paragraph.split())
        before, mark, example = words.rpartition(": vecmill ")
        yield f"{literal(before)}:\n\n```text\nvecmill {example}\n```\n" if mark else f"{literal(words)}\n"
    own = [parameter for parameter in command.params if parameter.name not in MESSAGES and parameter.name != "help"]
    yield from listed(own)


MESSAGES = {option.name for option in message_options()}


def listed(parameters: Any) -> Iterator[str]:
    """Yield a definition list of arguments and options."""
    for parameter in parameters:
        yield f"{term(parameter)}\n: {literal(parameter.help or '')}{default(parameter)}\n"


def term(parameter: Any) -> str:
    """Return the names of an option with what it takes, or the name of an argument."""
    metavar = "" if getattr(parameter, "is_flag", False) else (parameter.metavar or "")
    if parameter.param_type_name == "argument":
        return f"`{metavar or parameter.name.upper()}`"
    names = [*sorted(parameter.opts, key=len), *parameter.secondary_opts]
    return ", ".join(f"`{name}`" for name in names) + (f" `{metavar}`" if metavar else "")


def default(parameter: Any) -> str:
    """Return the default of an option in words, if it has one that says something."""
    value = parameter.default
    if value in (None, "", (), []) or value is False or callable(value) or not getattr(parameter, "show_default", True):
        return ""
    shown = " ".join(map(str, value)) if isinstance(value, list | tuple) else value
    return f" Default: {'on' if value is True else f'`{shown}`'}."


def literal(text: str) -> str:
    """Return text in which Markdown sees no markup."""
    for mark in ("\\", "*", "_", "<", "[", "]", "$", "{"):
        text = text.replace(mark, f"\\{mark}")
    return text


def setup(app: Any) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True}
