"""The help of a command: arguments by their names alone, MODEL instead of ``{MODEL} <path>``."""

import re
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from pipelines.console.message_options import format_message_options, message_options

_METAVARS = {int: "N", float: "X", str: "TEXT"}


class Command(TyperCommand):
    """A command whose help shows arguments without braces and types."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        for parameter in self.params:
            if isinstance(parameter, TyperOption) and not parameter.is_flag and parameter.metavar is None:
                parameter.metavar = _METAVARS.get(parameter.type_descriptor.annotation)
        self.params += message_options()

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the usage line: ``MODEL``, ``[WORD...]``."""
        return [
            re.sub(r"(?:\{(.*)\}|(\[.*\]))(?:\.\.\.)?", r"\1\2", piece) for piece in super().collect_usage_pieces(ctx)
        ]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the lists of arguments and options."""
        for parameter in self.params:
            if isinstance(parameter, TyperArgument):
                setattr(parameter, "display_type_rich", lambda ctx: None)  # noqa: B010 - Typer has no setting for it
        super().format_options(ctx, formatter)
        format_message_options(formatter)


class CommandGroup(TyperGroup):
    """A group of commands with the options about messages."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += message_options()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the options about messages, and the list of commands."""
        format_message_options(formatter)
        super().format_commands(ctx, formatter)
