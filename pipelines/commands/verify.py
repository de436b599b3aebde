"""`vecmill verify`: a check of every file against the checksum in its manifest."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from vecmill.files import shown_size


def verify_command(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Run directory, model directory, or directory of a sweep or a search.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify the SHA-256 of every file of a run or model.

    Of a sweep ('batch') every job is verified, of a search ('tune') the record of its trials and the jobs that it has
    kept. Damaged, unreadable, missing and foreign files are listed; the exit code is 1 if there are any.

    Example: vecmill verify runs/pipeline
    """
    from pipelines.batch.status import is_batch
    from pipelines.batch.verification import verify_batch
    from pipelines.console.interruption import interruptible
    from pipelines.console.progress import make_progress
    from pipelines.console.streams import results
    from pipelines.running.verification import verify
    from pipelines.tuning.verification import is_search, verify_search
    from vecmill.plurals import counted

    verify_kind = verify_search if is_search(directory) else verify_batch if is_batch(directory) else verify
    with interruptible("nothing was changed"):
        found = verify_kind(directory, make_progress())
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
