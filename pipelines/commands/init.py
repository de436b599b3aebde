"""`vecmill init`: a commented settings file."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer


def init_command(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.toml", help="File to write.")] = Path(
        "pipeline.toml"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print the path as JSON.")] = False,
) -> None:
    """Write a commented settings file for 'vecmill run'.

    The file can be run as it is; that takes a few minutes.

    Example: vecmill init && vecmill run pipeline.toml
    """
    from pipelines.console.interruption import expect_output
    from pipelines.console.streams import program, results, shell
    from pipelines.settings.config_template import config_template
    from vecmill.errors import OutputError
    from vecmill.files import atomic_file

    content = config_template().encode()
    written = not os.path.lexists(out)  # a link to nothing would be lost, too
    if written:
        expect_output(out)
        with atomic_file(out) as file:
            file.write(content)
    elif not (out.is_file() and out.read_bytes() == content):  # else a call that was interrupted may have written it
        raise OutputError(f"{out} exists and is not overwritten; choose another name with --out")
    if as_json:
        results.print(json.dumps({"out": str(out)}))
        return
    results.print(f"{'Wrote' if written else 'Kept'} {out}. Next: {program()} run {shell(out)}")
