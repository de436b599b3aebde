"""The options about messages, which every command has."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from pipelines.console.logs import configure_logging
from pipelines.console.streams import LOG_FORMATS, LogFormat


@cache
def message_options() -> tuple[Any, ...]:
    """Return the options about messages, which are understood before and after the name of a command."""
    app = typer.Typer(add_completion=False)
    app.command()(_message_options)
    options = tuple(typer.main.get_command(app).params)
    for option in options:
        setattr(option, "get_help_record", lambda ctx: None)  # noqa: B010 - their list stands under its own heading
    return options


def format_message_options(formatter: Any) -> None:
    """Write the list of the options about messages."""
    rows = [(", ".join(sorted(option.opts, key=len)), option) for option in message_options()]
    with formatter.section("Messages"):
        formatter.write_dl(
            [(names if option.is_flag else f"{names} {option.metavar}", option.help) for names, option in rows]
        )


def _given(name: str) -> Any:
    """Return the callback of an option that changes one setting of the log if it is given."""

    def configure(value: Any) -> Any:
        if value:
            configure_logging(**{name: value})
        return value

    return configure


def _log_file(path: Path | None) -> Path | None:
    if path in (Path(), Path("-")):
        raise typer.BadParameter("expected the name of a file; without the option the log is on standard error only")
    return cast(Path | None, _given("log_file")(path))


def _log_format(name: str | None) -> str | None:
    if name is None:
        return None
    if name not in LOG_FORMATS:
        configure_logging(log_format="text")
        raise typer.BadParameter(f"{name!r} is none of {', '.join(LOG_FORMATS)}")
    configure_logging(log_format=cast(LogFormat, name))
    return name


def _complete_log_format(incomplete: str) -> list[str]:
    return [name for name in LOG_FORMATS if name.startswith(incomplete)]


_OF_MESSAGES: dict[str, Any] = {"is_eager": True, "expose_value": False}  # before usage errors


def _message_options(
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Print results, warnings and errors only.",
            callback=_given("quiet"),
            **_OF_MESSAGES,
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log details too.", callback=_given("verbose"), **_OF_MESSAGES)
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", help="Log details and the traceback of an error.", callback=_given("debug"), **_OF_MESSAGES
        ),
    ] = False,
    log_format: Annotated[
        str | None,
        typer.Option(
            "--log-format",
            metavar="text|json|auto",
            help="Format of the log; auto = JSON unless stderr is a terminal. Default: VECMILL_LOG_FORMAT, or text.",
            callback=_log_format,
            autocompletion=_complete_log_format,
            **_OF_MESSAGES,
        ),
    ] = None,
    log_file: Annotated[
        Path | None,
        typer.Option(
            "--log-file",
            metavar="FILE",
            help="Also append the log to this file, each line with date and level.",
            callback=_log_file,
            **_OF_MESSAGES,
        ),
    ] = None,
) -> None:
    """Take the options; their callbacks do the work."""
