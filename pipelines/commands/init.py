"""`vecmill init`: a settings file to begin with."""

from pathlib import Path
from typing import Annotated

import typer


def init_command(
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("pipeline.toml"),
) -> None:
    """Write a commented settings file for 'vecmill run'; it can be run as it is, in a few minutes.

    Example: vecmill init && vecmill run pipeline.toml
    """
    from pipelines.console.streams import results
    from pipelines.settings.config_template import starting_file
    from vecmill.errors import OutputError
    from vecmill.files import atomic_file

    if out.exists():
        raise OutputError(f"{out} exists and is not overwritten; choose another name with --out")
    with atomic_file(out) as file:
        file.write(starting_file().encode())
    results.print(f"{out} is written. Next: vecmill run {out}")
