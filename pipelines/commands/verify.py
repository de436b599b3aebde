"""`vecmill verify`: whether everything is still as it was written."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer


def verify_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of a run, or a model directory.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read every file that stages have written and compare its SHA-256 with the manifest.

    Names files that are damaged, missing, or not vecmill's; the exit code is 1 if there are any.

    Example: vecmill verify runs/pipeline
    """
    from pipelines.console.interruption import interruptible
    from pipelines.console.progress import make_progress
    from pipelines.console.streams import results
    from pipelines.running.verification import verify

    with interruptible("nothing was changed"):
        found = verify(directory, make_progress())
    if as_json:
        typer.echo(json.dumps({"directory": str(directory), **dataclasses.asdict(found)}))
    else:
        for problem in found.problems:
            results.print(f"{problem.kind}: {problem.path}")
        checked = f"{found.files:,} files of {found.stages} stages, {found.size / 1e6:,.1f} MB"
        outcome = f"{len(found.problems)} problems" if found.problems else "all as they were written"
        results.print(f"{checked}: {outcome}")
    if found.problems:
        raise typer.Exit(1)
