"""The command `vecmill`: parse, call, print. What a command does lies in `pipelines/commands/`."""

import errno
import importlib.metadata
import logging
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from corpora.errors import CorpusError
from embeddings.errors import EmbeddingsError
from pipelines.commands.compare import compare_command
from pipelines.commands.convert import convert_command
from pipelines.commands.corpora import corpora_app
from pipelines.commands.embed import embed_command
from pipelines.commands.figures import map_command, plot_command
from pipelines.commands.language_model import (
    export_lm_command,
    generate_command,
    perplexity_command,
    score_command,
)
from pipelines.commands.queries import analogy_command, vector_command
from pipelines.commands.train_count_based import train_count_based_command
from pipelines.commands.train_embeddings import train_embeddings_command
from pipelines.commands.train_lm import train_lm_command
from pipelines.commands.vectors import evaluate_command, export_command, neighbors_command
from pipelines.config import ConfigError
from pipelines.console import configure_logging, messages
from pipelines.manifest import ManifestError
from pipelines.output_directory import OutputError

logger = logging.getLogger(__name__)

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
FAILURES = (CorpusError, EmbeddingsError, ManifestError, OutputError)
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class CommandLine(TyperGroup):
    """Ends every command with an exit code, and every failure with one line on stderr."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command and leave the process."""
        try:
            code = super().main(*args, **options | {"standalone_mode": False})
        except typer.Abort:
            code = INTERRUPTED
        except Exception as error:
            code = explain(error)
        sys.exit(code if isinstance(code, int) else 0)


def explain(error: Exception) -> int:
    """Print one line about an error and return the exit code."""
    logger.debug("where it happened:", exc_info=error)
    text, code = str(error), FAILURE
    if isinstance(error, ConfigError):
        code = USAGE
    elif hasattr(error, "format_message"):  # of Typer, about options and arguments
        text, code = error.format_message(), getattr(error, "exit_code", USAGE)
        if context := getattr(error, "ctx", None):
            text = f"{text} (see {context.command_path} --help)"
    elif full := _full_disk(error):
        text = f"no space left for {full.filename or 'the output'}; make room and repeat the command: it goes on"
    elif isinstance(error, OSError):
        text = f"{error.filename}: {error.strerror}" if error.filename else text
    elif isinstance(error, MemoryError):
        text = "not enough memory; --max-vocabulary or a smaller --dimension need less"
    elif not isinstance(error, FAILURES):
        text = f"unexpected {type(error).__name__}: {text}; please report it with the output of 'vecmill --debug ...'"
    messages.print(f"error: {' '.join(text.split())}", style="red")
    return code


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
        typer.echo(f"vecmill {importlib.metadata.version('vecmill')}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Word vectors from raw text in minutes: skip-gram and CBOW with negative sampling."""
    configure_logging(logging.DEBUG if debug else logging.INFO)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("train-embeddings")(train_embeddings_command)
app.command("train-count-based")(train_count_based_command)
app.command("neighbors")(neighbors_command)
app.command("analogy")(analogy_command)
app.command("vector")(vector_command)
app.command("embed")(embed_command)
app.command("export")(export_command)
app.command("convert")(convert_command)
app.command("evaluate")(evaluate_command)
app.command("compare")(compare_command)
app.command("map")(map_command)
app.command("plot")(plot_command)
app.command("train-lm")(train_lm_command)
app.command("perplexity")(perplexity_command)
app.command("score")(score_command)
app.command("generate")(generate_command)
app.command("export-lm")(export_lm_command)
app.add_typer(corpora_app, name="corpora")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line: the entry point of the command `vecmill`."""
    app(arguments, prog_name="vecmill")
