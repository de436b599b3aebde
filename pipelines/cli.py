"""The command `vecmill`: calls a command of `pipelines/commands/` and reports its errors."""

import errno
import importlib
import logging
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from pipelines.commands import ALIASES, COMMANDS, OTHER_NAMES, PLACES, summary
from pipelines.commands.completion import complete_metavars
from pipelines.console.environment import check_environment
from pipelines.console.help import Command, CommandGroup
from pipelines.console.interruption import (
    AGAIN,
    exit_code,
    handled_signals,
    interrupted_by,
    interruptible,
    raise_if_untold,
)
from pipelines.console.logs import LogSettings, configure_logging, log_settings
from pipelines.console.memory_limit import memory_limit, require_memory
from pipelines.console.message_options import format_message_options
from pipelines.console.streams import whole_output
from vecmill.errors import FULL_DISK, TOO_LARGE, TOO_MANY_OPEN, OutputError, VecmillError

logger = logging.getLogger(__name__)

FAILURE, USAGE = 1, 2
OF_THE_SYSTEM = (*FULL_DISK, TOO_LARGE, *TOO_MANY_OPEN, errno.EIO, errno.EAGAIN, errno.ESTALE, errno.ETIMEDOUT)
HELP_OPTIONS = ("-h", "--help")
FIRST_STEPS = """\
vecmill trains word vectors and language models on raw text. To begin with:

  vecmill demo                                       train on a built-in text and look at its words, a minute or two
  vecmill train-embeddings TEXT --out runs/mine      train on a text of yours: a file, a folder, a URL
  vecmill neighbors runs/mine WORD                   ask for the words of similar meaning
  vecmill map runs/mine --out map.html               draw all words on a page
  vecmill train-lm TEXT --out runs/mine-lm           train a language model

'vecmill --help' lists all commands; 'vecmill COMMAND --help' describes one, with an example."""


class _Listed(TyperCommand):
    """Stands for a command in lists of commands; `load_command` returns the command itself."""

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first line of the help."""
        return summary(self.name or "")


class CommandLine(CommandGroup):
    """Imports a command when it is called; reports every failure as one line on stderr and an exit code."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name in PLACES:
            self.add_command(_Listed(name), name)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the options before the name of a command; ``help NAME`` is ``NAME --help``."""
        return super().parse_args(ctx, [*args[1:], "--help"] if args[:1] == ["help"] else args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return name, command and remaining arguments."""
        if args and args[0] in ALIASES:
            args = [*ALIASES[args[0]], *args[1:]]
        if args and args[0] in OTHER_NAMES:
            ctx.fail(f"No such command {args[0]!r}; {OTHER_NAMES[args[0]]}")
        name, _, rest = super().resolve_command(ctx, args)
        if not _asks_for_help(rest):  # which needs no libraries
            require_memory()
        return name, load_command(name) if name else None, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands under its headings."""
        format_message_options(formatter)
        width = max(map(len, PLACES))
        for heading, commands in COMMANDS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), summary(name)) for name in commands])

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command and leave the process."""
        configure_logging(**vars(LogSettings()))
        with handled_signals():
            try:
                with whole_output(), interruptible(AGAIN):
                    check_environment()
                    code = super().main(*args, **options | {"standalone_mode": False})
                    if code == exit_code(KeyboardInterrupt()):
                        raise_if_untold()
            except BrokenPipeError:  # as Typer ends a command whose reader has gone
                code = FAILURE
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
            try:
                return super().invoke(ctx)
            except EOFError as error:  # Typer would take a truncated file for the end of an answer
                kind = VecmillError if isinstance(error, VecmillError) else RuntimeError
                raise kind(str(error)) from error


def _asks_for_help(arguments: Sequence[str]) -> bool:
    """Tell whether the arguments of a command have an option for its help; after ``--`` there are none."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return any(name in arguments[:end] for name in HELP_OPTIONS)


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
    if log_settings().debug:
        logger.debug("where it happened:", exc_info=error)
    text, code = str(error), FAILURE
    if hasattr(error, "format_message"):  # Typer's errors about options and arguments
        text, code = error.format_message(), getattr(error, "exit_code", USAGE)
        if context := getattr(error, "ctx", None):
            text = f"{text} (see {context.command_path} --help)"
    elif full := _without_room(error):
        place, again = full.filename or "the output", "and repeat the command to resume"
        text = f"no space left for {place}; free some space {again}"
        if full.errno == TOO_LARGE:
            text = f"{place} would be larger than a file may be; raise that limit (ulimit -f) {again}"
    elif isinstance(error, OSError) and error.errno in TOO_MANY_OPEN:
        text = f"{error.filename or 'the command'}: too many open files; raise their limit (ulimit -n)"
    elif isinstance(error, FileNotFoundError) and not error.filename and not _has_current_directory():
        text = "the current directory was removed; change to another one"
    elif isinstance(error, OSError) and error.errno == errno.EBADF and not error.filename:
        text = "standard output is closed; send it to a file, a pipe or /dev/null"
    elif _is_out_of_memory(error):
        traceback.clear_frames(error.__traceback__)  # the line itself needs some of what they hold
        text = _out_of_memory()
    elif _has_no_thread(error):
        text = "no thread can be started; set fewer --threads, or raise the limit of processes (ulimit -u) or of memory"
    elif isinstance(error, OSError):
        text = f"{error.filename}: {error.strerror}" if error.filename else text
    elif isinstance(error, UnicodeEncodeError) and not error.encoding.startswith("utf"):
        wrong = error.object[error.start : error.start + 1]
        text = f"the output cannot hold {wrong!a} in the encoding {error.encoding}; set PYTHONIOENCODING=utf-8"
    elif _is_usage(error):
        code = USAGE
    elif not isinstance(error, VecmillError):
        text = f"unexpected {type(error).__name__}: {text};"
        if limit := memory_limit():
            text += f" the limit on memory ({limit[1]}), {limit[0] >> 20:,} MiB, may be the cause: raise it, or"
        text += " please report it with the output of 'vecmill --debug ...'"
    logger.error(" ".join(text.split()), extra={"transient": True} if _is_transient(error) else None)
    return code


def _is_transient(error: BaseException | None) -> bool:
    """Tell whether the system failed the command, not its settings: repeated another time, it may succeed."""
    while error:
        if isinstance(error, OutputError) or _is_of_the_system(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_of_the_system(error: BaseException) -> bool:
    """Tell whether the system had no room, memory, files or threads left, or a disk or a connection failed."""
    if isinstance(error, OSError) and (error.errno in OF_THE_SYSTEM or isinstance(error, ConnectionError)):
        return True
    return _is_out_of_memory(error) or _has_no_thread(error)


def _is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory was denied; the dynamic loader says so in words only."""
    denied = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    return denied or "failed to map segment" in str(error)


def _has_no_thread(error: BaseException) -> bool:
    return "can't start new thread" in str(error)


def _out_of_memory() -> str:
    limit = memory_limit()
    under = f" below the limit of {limit[0] >> 20:,} MiB ({limit[1]}); raise it," if limit else "; free some,"
    return f"not enough memory{under} or train with a smaller --max-vocabulary or --dimension"


def _has_current_directory() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _is_usage(error: Exception) -> bool:
    from pipelines.settings.config import ConfigError

    return isinstance(error, ConfigError)


def _without_room(error: BaseException | None) -> OSError | None:
    """Return the error of a full disk, or of a file that is too large, that an error is or was caused by."""
    while error:
        if isinstance(error, OSError):
            return error if error.errno in (*FULL_DISK, TOO_LARGE) else None
        error = error.__cause__
    return None


app = typer.Typer(
    cls=CommandLine,
    invoke_without_command=True,
    rich_markup_mode=None,  # Rich's tables truncate the names of options
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": [*HELP_OPTIONS], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        typer.echo(f"vecmill {importlib.metadata.version('vecmill')}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Train word vectors and recurrent language models on raw text, evaluate them and export them.

    Example: vecmill train-embeddings pydocs --out runs/pydocs
    """
    if context.invoked_subcommand is None:
        typer.echo(FIRST_STEPS)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line: the entry point of the command `vecmill`."""
    app(arguments, prog_name="vecmill")
