"""The command `vecmill`: parse, call, print. What a command does lies in `pipelines/commands/`."""

import errno
import importlib
import logging
import sys
from collections.abc import Sequence
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from pipelines.commands import COMMANDS
from pipelines.console.completion import choices, complete_metavars
from pipelines.console.streams import LOG_FORMATS, LogFormat, configure_logging
from vecmill.errors import VecmillError

logger = logging.getLogger(__name__)

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class CommandLine(TyperGroup):
    """Imports a command when it is called; ends it with an exit code, and every failure with one line on stderr."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for commands in COMMANDS.values():
            for name, (_, summary) in commands.items():
                self.add_command(TyperCommand(name, help=summary), name)  # to be listed; replaced when called

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return name, command and remaining arguments."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name else None, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands under its headings."""
        width = max(len(name) for commands in COMMANDS.values() for name in commands)
        for heading, commands in COMMANDS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), summary) for name, (_, summary) in commands.items()])

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command and leave the process."""
        configure_logging(logging.INFO)
        try:
            code = super().main(*args, **options | {"standalone_mode": False})
        except typer.Abort:
            code = INTERRUPTED
        except Exception as error:
            code = explain(error)
        sys.exit(code if isinstance(code, int) else 0)


def load_command(name: str) -> Any:
    """Import a command and return it as Typer runs it."""
    place = next(commands[name][0] for commands in COMMANDS.values() if name in commands)
    module, _, attribute = place.partition(":")
    found = getattr(importlib.import_module(f"pipelines.commands.{module}"), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    complete_metavars(found)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name)(found)
    return typer.main.get_command(alone)


def explain(error: Exception) -> int:
    """Log one line about an error and return the exit code."""
    logger.debug("where it happened:", exc_info=error)
    text, code = str(error), FAILURE
    if hasattr(error, "format_message"):  # of Typer, about options and arguments
        text, code = error.format_message(), getattr(error, "exit_code", USAGE)
        if context := getattr(error, "ctx", None):
            text = f"{text} (see {context.command_path} --help)"
    elif full := _full_disk(error):
        text = f"no space left for {full.filename or 'the output'}; make room and repeat the command: it goes on"
    elif isinstance(error, OSError):
        text = f"{error.filename}: {error.strerror}" if error.filename else text
    elif isinstance(error, MemoryError):
        text = "not enough memory; --max-vocabulary or a smaller --dimension need less"
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
    """Return the error of a full disk that another error was caused by."""
    while error:
        if isinstance(error, OSError):
            cut_short = error.errno is None and "requested and" in str(error)  # NumPy's words for a short write
            return error if error.errno in NO_SPACE or cut_short else None
        error = error.__cause__
    return None


app = typer.Typer(
    cls=CommandLine,
    invoke_without_command=True,
    rich_markup_mode=None,  # its tables cut the names of options short
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
    configure_logging(logging.INFO, cast(LogFormat, name))  # now, so that errors in what follows have this format
    return name


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    log_format: Annotated[
        str,
        typer.Option(
            metavar="text|json|auto",
            help="Of what is told on stderr; auto: JSON where that is no terminal.",
            envvar="VECMILL_LOG_FORMAT",
            callback=_choose_log_format,
            is_eager=True,
            autocompletion=choices(LOG_FORMATS),
        ),
    ] = "text",
) -> None:
    """Word vectors from raw text in minutes: skip-gram and CBOW with negative sampling.

    Example: vecmill train-embeddings pydocs --out runs/pydocs
    """
    if debug:
        configure_logging(logging.DEBUG, cast(LogFormat, log_format))
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line: the entry point of the command `vecmill`."""
    app(arguments, prog_name="vecmill")
