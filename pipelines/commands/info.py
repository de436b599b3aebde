"""`vecmill info`: what a model is, and how it was made."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.commands.options import fetched


def info_command(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="Model directory, run directory, the URL of one, or file of word vectors.",
            callback=fetched,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what a model is and how it was made.

    Words, dimension, format and size; of models that vecmill trained, also the text, the settings and the date. A
    language model counts as a model, and a run has both. 'vecmill status' shows the stages of a run.

    Example: vecmill info runs/pydocs
    """
    from pipelines.model_info import describe

    found = describe(model)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    _print(found)


def _print(facts: Mapping[str, Any], indent: str = "") -> None:
    from pipelines.console.streams import results

    shown = {name: value for name, value in facts.items() if value is not None and name != "settings"}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        if isinstance(value, Mapping):
            results.print(f"{indent}{name}", style="bold")
            _print(value, f"{indent}  ")
        else:
            results.print(f"{indent}{name:<{width}}  {_written(value)}")
    for section, table in facts.get("settings", {}).items():
        for key, value in table.items():
            if value is not None:
                results.print(f"{indent}{section}.{key} = {json.dumps(value, ensure_ascii=False)}")


def _written(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}" if isinstance(value, float) else str(value)
