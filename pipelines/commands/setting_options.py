"""Options for the settings that a training command does not name itself, made from the classes of the settings."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

from pipelines.settings.config import alternatives
from pipelines.settings.config_template import attribute_comments

OPPOSITES = {"dynamic_window": "fixed-window", "cbow_mean": "cbow-sum"}
"""Names of the option that sets a setting to false, where it is not ``--no-NAME``."""

TrainingCommand = Callable[..., None]


def with_options_of(
    section: str, settings: type, *, but: Collection[str] = (), show_default: str | None = None
) -> Callable[[TrainingCommand], TrainingCommand]:
    """Return a decorator that gives a command an option for every setting of a section that it has none for.

    The help of an option is the description of the setting in the docstring of its class. The command itself does not
    get the values: `given_settings` finds them in the context, under the name ``section__key``.

    Parameters
    ----------
    section : str
        ``"train"``.
    settings : type
        Dataclass of the section.
    but : collection of str
        Settings that other options stand for, or that are no matter of this command.
    show_default : str, optional
        Description of the defaults in the help. Default: the values in `settings`.

    Returns
    -------
    callable
        Takes the function of a command, with its context as first parameter, and returns one with more options.
    """

    def decorate(command: TrainingCommand) -> TrainingCommand:
        signature = inspect.signature(command)
        comments, kinds = attribute_comments(settings), get_type_hints(settings)
        options = [
            _option(section, field, kinds[field.name], comments.get(field.name, ""), show_default)
            for field in dataclasses.fields(settings)
            if field.name not in {*signature.parameters, *but}
        ]

        @functools.wraps(command)
        def run(*arguments: Any, **values: Any) -> None:
            for option in options:
                values.pop(option.name)
            command(*arguments, **values)

        setattr(run, "__signature__", signature.replace(parameters=[*signature.parameters.values(), *options]))  # noqa: B010
        run.__annotations__ = {**command.__annotations__, **{option.name: option.annotation for option in options}}
        return run

    return decorate


def _option(
    section: str, field: "dataclasses.Field[Any]", annotation: Any, comment: str, show_default: str | None
) -> inspect.Parameter:
    name, [kind] = field.name.replace("_", "-"), [kind for kind in alternatives(annotation) if kind is not type(None)]
    names = f"--{name}/--{OPPOSITES.get(field.name, f'no-{name}')}" if kind is bool else f"--{name}"
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    option = typer.Option(
        names, help=comment, metavar="|".join(choices) or None, show_default=show_default if show_default else True
    )
    return inspect.Parameter(
        f"{section}__{field.name}",
        inspect.Parameter.KEYWORD_ONLY,
        default=None if show_default else field.default,
        annotation=Annotated[(str if choices else kind) | None, option],
    )
