"""The command `vecmill`: calls a command of `pipelines/commands/` and reports its errors."""

import errno
import importlib
import logging
import sys
from collections.abc import Sequence
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from pipelines.commands import COMMANDS, OTHER_NAMES, PLACES, summary
from pipelines.commands.completion import choices, complete_metavars
from pipelines.console.help import Command
from pipelines.console.interruption import AGAIN, exit_code, handled_signals, interrupted_by, interruptible
from pipelines.console.streams import LOG_FORMATS, LogFormat, configure_logging
from vecmill.errors import VecmillError

logger = logging.getLogger(__name__)

FAILURE, USAGE = 1, 2
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Listed(TyperCommand):
    """Stands for a command in lists of commands; `load_command` returns the command itself."""

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first line of the help."""
        return summary(self.name or "")


class CommandLine(TyperGroup):
    """Imports a command when it is called; reports every failure as one line on stderr and an exit code."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name in PLACES:
            self.add_command(_Listed(name), name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return name, command and remaining arguments."""
        if args and args[0] in OTHER_NAMES and args[0] not in PLACES:
            ctx.fail(f"No such command {args[0]!r}; use 'vecmill {OTHER_NAMES[args[0]]}'")
        name, _, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name else None, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands under its headings."""
        width = max(map(len, PLACES))
        for heading, commands in COMMANDS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), summary(name)) for name in commands])

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command and leave the process."""
        configure_logging(logging.INFO)
        with handled_signals():
            try:
                code = super().main(*args, **options | {"standalone_mode": False})
            except Exception as error:
                interruption = interrupted_by(error)
                code = exit_code(interruption) if interruption else explain(error)
        sys.exit(code if isinstance(code, int) else 0)

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the options; an interruption ends the command with one line."""
        with interruptible(AGAIN):
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an interruption that the command does not explain ends it with one line."""
        with interruptible(AGAIN):
            return super().invoke(ctx)


def load_command(name: str) -> Any:
    """Import a command and return it as Typer runs it."""
    module, _, attribute = PLACES[name].partition(":")
    found = getattr(importlib.import_module(f"pipelines.commands.{module}"), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    complete_metavars(found)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name, cls=Command)(found)
    return typer.main.get_command(alone)


def explain(error: Exception) -> int:
    """Log one line about an error and return the exit code."""
    logger.debug("where it happened:", exc_info=error)
    text, code = str(error), FAILURE
    if hasattr(error, "format_message"):  # Typer's errors about options and arguments
        text, code = error.format_message(), getattr(error, "exit_code", USAGE)
        if context := getattr(error, "ctx", None):
            text = f"{text} (see {context.command_path} --help)"
    elif full := _full_disk(error):
        text = f"no space left for {full.filename or 'the output'}; free some space and repeat the command to resume"
    elif isinstance(error, OSError):
        text = f"{error.filename}: {error.strerror}" if error.filename else text
    elif isinstance(error, MemoryError):
        text = "not enough memory; set a smaller --max-vocabulary or --dimension"
    elif _is_usage(error):
        code = USAGE
    elif not isinstance(error, VecmillError):
        text = f"unexpected {type(error).__name__}: {text}; please report it with the output of 'vecmill --debug ...'"
    logger.error(" ".join(text.split()))
    return code


def _is_usage(error: Exception) -> bool:
    from pipelines.settings.config import ConfigError

    return isinstance(error, ConfigError)


def _full_disk(error: BaseException | None) -> OSError | None:
    """Return the full-disk error that an error is or was caused by."""
    while error:
        if isinstance(error, OSError):
            return error if error.errno in NO_SPACE else None
        error = error.__cause__
    return None


app = typer.Typer(
    cls=CommandLine,
    invoke_without_command=True,
    rich_markup_mode=None,  # Rich's tables truncate the names of options
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        typer.echo(f"vecmill {importlib.metadata.version('vecmill')}")
        raise typer.Exit


def _choose_log_format(name: str) -> str:
    if name not in LOG_FORMATS:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(LOG_FORMATS)}")
    configure_logging(logging.INFO, cast(LogFormat, name))  # now, so that later usage errors have this format
    return name


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.")] = False,
    log_format: Annotated[
        str,
        typer.Option(
            metavar="text|json|auto",
            help="Log format on stderr; auto = JSON unless stderr is a terminal.",
            envvar="VECMILL_LOG_FORMAT",
            callback=_choose_log_format,
            is_eager=True,
            autocompletion=choices(LOG_FORMATS),
        ),
    ] = "text",
) -> None:
    """Train word vectors and recurrent language models on raw text, evaluate them and export them.

    Example: vecmill train-embeddings pydocs --out runs/pydocs
    """
    if debug:
        configure_logging(logging.DEBUG, cast(LogFormat, log_format))
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line: the entry point of the command `vecmill`."""
    app(arguments, prog_name="vecmill")
