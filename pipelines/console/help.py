"""The help of a command: arguments by their names alone, MODEL instead of ``{MODEL} <path>``."""

import re
from typing import Any

from typer.core import TyperArgument, TyperCommand


class Command(TyperCommand):
    """A command whose help shows arguments without braces and types."""

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
