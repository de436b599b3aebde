"""`vecmill verify`: a check of every file against the checksum in its manifest."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from vecmill.files import shown_size


def verify_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Run directory or model directory.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify the SHA-256 of every file of a run or model.

    Damaged, unreadable, missing and foreign files are listed; the exit code is 1 if there are any.

    Example: vecmill verify runs/pipeline
    """
    from pipelines.console.interruption import interruptible
    from pipelines.console.progress import make_progress
    from pipelines.console.streams import results
    from pipelines.running.verification import verify
    from vecmill.plurals import counted

    with interruptible("nothing was changed"):
        found = verify(directory, make_progress())
    if as_json:
        typer.echo(json.dumps({"directory": str(directory), **dataclasses.asdict(found)}))
    else:
        for problem in found.problems:
            results.print(f"{problem.kind}: {problem.path}")
        checked = f"{counted(found.files, 'file')} of {counted(found.stages, 'stage')}, {shown_size(found.size)}"
        sound = "all unchanged" if found.checksums else "readable, without checksums to compare with"
        outcome = counted(len(found.problems), "problem") if found.problems else sound
        results.print(f"{checked}: {outcome}")
    if found.problems:
        raise typer.Exit(1)
