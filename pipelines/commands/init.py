"""`vecmill init`: a commented settings file."""

from pathlib import Path
from typing import Annotated

import typer


def init_command(
    out: Annotated[Path, typer.Option(metavar="FILE.toml", help="File to write.")] = Path("pipeline.toml"),
) -> None:
    """Write a commented settings file for 'vecmill run'.

    The file can be run as it is; that takes a few minutes.

    Example: vecmill init && vecmill run pipeline.toml
    """
    from pipelines.console.streams import results
    from pipelines.settings.config_template import config_template
    from vecmill.errors import OutputError
    from vecmill.files import atomic_file

    if out.exists():
        raise OutputError(f"{out} exists and is not overwritten; choose another name with --out")
    with atomic_file(out) as file:
        file.write(config_template().encode())
    results.print(f"Wrote {out}. Next: vecmill run {out}")
