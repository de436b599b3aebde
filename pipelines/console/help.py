"""Commands whose help has arguments by their names alone, and whose errors know options of other programs."""

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from pipelines.console.logs import log_file_among
from pipelines.console.message_options import format_message_options, message_options
from vecmill.storage import is_url, shown_url

_METAVARS = {int: "N", float: "X", str: "TEXT"}
LARGEST_INTEGER = 2**63 - 1
_OUTPUTS = ("out", "destination", "index")  # parameters that name what a command writes
_HYPHEN = Path("-")
_HERE = re.compile(r"(^|=)(\./*)+$")  # a path that is the current directory
_NAME_WIDTH = 30  # of the column of names, in characters

Function = TypeVar("Function", bound=Callable[..., Any])


def grouped(groups: Mapping[str, Collection[str]]) -> Callable[[Function], Function]:
    """Return a decorator that lists the options of a command under headings in its help.

    Parameters
    ----------
    groups : mapping of str to collection of str
        Parameters of the function, by heading, in the order of the help. Options in no group come last.

    Returns
    -------
    callable
    """

    def decorate(function: Function) -> Function:
        setattr(function, "option_groups", groups)  # noqa: B010 - Typer hands it on to the command
        return function

    return decorate


class Command(TyperCommand):
    """A command whose help shows arguments without braces and types, MODEL instead of ``{MODEL} <path>``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; the error about an unknown one states what it is called here."""
        given = list(args)
        try:
            rest = super().parse_args(ctx, self._without_equals_signs(args))
            self._refuse_empty_paths(ctx, given)
            self._refuse_urls(ctx)
            self._refuse_standard_output(ctx)
            self._refuse_huge_numbers(ctx)
            self._refuse_log_over_files(ctx)
            return rest
        except Exception as error:
            if hasattr(error, "possibilities") and hasattr(error, "option_name"):  # there is no such option
                options = {name for parameter in self.params for name in parameter.opts}
                word = next((word for word in given if word.startswith(error.option_name)), error.option_name)
                if hint := _option_hint(word.partition("=")[0], options):
                    ctx.fail(f"No such option: {word.partition('=')[0]}{hint}")
            raise

    def _without_equals_signs(self, args: list[str]) -> list[str]:
        """Return the arguments with ``-oFILE`` for ``-o=FILE``, which would name the file ``=FILE``."""
        short = {
            f"{name}="
            for parameter in self.params
            for name in parameter.opts
            if len(name) == 2 and not getattr(parameter, "is_flag", True)
        }
        end = args.index("--") if "--" in args else len(args)
        return [f"{arg[:2]}{arg[3:]}" if i < end and arg[:3] in short else arg for i, arg in enumerate(args)]

    def _refuse_empty_paths(self, ctx: Any, given: list[str]) -> None:
        """Refuse an empty path, as from a variable that is not set: it would be the current directory."""
        if not any(_is_empty(arg) for arg in given) or any(_HERE.search(arg) for arg in given):
            return
        for parameter in self.params:
            value = ctx.params.get(parameter.name)
            if Path() in (value if isinstance(value, list | tuple) else [value]):
                name = _shown_name(parameter)
                ctx.fail(f"{name} is empty; expected a path ('.' is the current directory)")

    def _refuse_urls(self, ctx: Any) -> None:
        """Refuse the URL of what only a path of this machine can be: what has no callback that takes one."""
        for parameter in self.params:
            path = ctx.params.get(parameter.name)
            if isinstance(path, Path) and parameter.callback is None and is_url(path):
                name = _shown_name(parameter)
                remedy = "mount the storage, or copy it from there or to there"
                ctx.fail(f"{name}: {shown_url(path)} is a URL, expected a path of this machine; {remedy}")

    def _refuse_standard_output(self, ctx: Any) -> None:
        """Refuse a hyphen, which stands for standard input, as the name of an output: it would name a file."""
        for parameter in self.params:
            if parameter.name in _OUTPUTS and ctx.params.get(parameter.name) == _HYPHEN:
                name = _shown_name(parameter)
                printed = getattr(parameter, "show_default", None) == "stdout"
                remedy = f"; without {name} the result is written to standard output" if printed else ""
                ctx.fail(f"{name}: expected the name of an output, not {_HYPHEN}{remedy}")

    def _refuse_huge_numbers(self, ctx: Any) -> None:
        """Refuse whole numbers that compiled code and files cannot hold."""
        for parameter in self.params:
            number = ctx.params.get(parameter.name)
            if isinstance(number, int) and abs(number) > LARGEST_INTEGER:
                name = _shown_name(parameter)
                ctx.fail(f"{name}: {number} is too large; expected at most {LARGEST_INTEGER}")

    def _refuse_log_over_files(self, ctx: Any) -> None:
        """Refuse a log file that the command reads or writes otherwise."""
        values = [ctx.params.get(parameter.name) for parameter in self.params]
        several = [value if isinstance(value, list | tuple) else [value] for value in values]
        paths = [path for value in several for path in value if isinstance(path, str | Path)]
        if (log := log_file_among(paths)) is not None:
            ctx.fail(f"--log-file: {log} is a file of this command; choose another one")

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
        if groups := getattr(self.callback, "option_groups", None):
            self._format_groups(groups, ctx, formatter)
        else:
            super().format_options(ctx, formatter)
        format_message_options(formatter)

    def _format_groups(self, groups: Mapping[str, Collection[str]], ctx: Any, formatter: Any) -> None:
        """Write the arguments, the options under their headings, and the other options."""
        left = {parameter.name: parameter for parameter in self.get_params(ctx)}
        arguments = {"Arguments": [name for name in left if isinstance(left[name], TyperArgument)]}
        sections = {
            heading: [left.pop(name) for name in names if name in left]
            for heading, names in {**arguments, **groups}.items()
        }
        for heading, parameters in {**sections, "Options": list(left.values())}.items():
            records = [record for parameter in parameters if (record := parameter.get_help_record(ctx))]
            if records:
                with formatter.section(heading):
                    formatter.write_dl([(name.ljust(_NAME_WIDTH), text) for name, text in records])


def _shown_name(parameter: Any) -> Any:
    """Return the name of an argument or option in messages."""
    return parameter.metavar if isinstance(parameter, TyperArgument) else parameter.opts[0]


def _is_empty(argument: str) -> bool:
    """Tell whether an argument, or the value of an option with an equals sign, is empty."""
    return not argument or (argument.startswith("-") and argument.endswith("="))


def _option_hint(word: str, options: Collection[str]) -> str:
    """Return a hint at the option for one with other dashes, or for one of gensim, fastText or word2vec.c."""
    from embeddings.word2vec.config import Word2VecConfig
    from embeddings.word2vec.names_elsewhere import is_named_elsewhere, name_here

    name = word.lstrip("-")
    if (dashed := _option(name)) in options:
        return f"; did you mean {dashed}?"
    if "--epochs" not in options or not is_named_elsewhere(name):  # of a command that trains no vectors
        return ""
    ours = name_here(name) or ""
    if ours == "text":
        return "; the text is the argument CORPUS"
    if _option(ours) in options:
        return f"; {word} is called {_option(ours)} here"
    if ours in Word2VecConfig.__dataclass_fields__ and "--config" in options:
        return f"; {word} is {ours} here, which is a key of [train] in a --config file"
    return f"; there is no {word} here"


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


class CommandGroup(TyperGroup):
    """A group of commands with the options about messages."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += message_options()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the options about messages, and the list of commands."""
        format_message_options(formatter)
        super().format_commands(ctx, formatter)
