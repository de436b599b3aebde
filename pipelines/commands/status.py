"""`vecmill status`: a table of the stages of a run or of a model."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipelines.run_status import StageStatus


def status_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Run directory or model directory.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show the state of every stage: finished, stale, running or unfinished.

    It also works while a run is in progress and after one was killed.

    Example: vecmill status runs/pipeline
    """
    from pipelines.console.streams import results
    from pipelines.console.tables import print_columns
    from pipelines.run_status import status_of

    status = status_of(directory)
    if as_json:
        typer.echo(json.dumps(status.to_dict(), ensure_ascii=False))
        return
    header = ["stage", "state", "started (UTC)", "time", "CPU time", "peak memory so far", "size"]
    print_columns([header, *(_row(stage) for stage in status.stages)], left=3)
    if status.writer:
        results.print(f"being written by {status.writer}")
    if status.note:
        results.print(status.note)


def _row(stage: "StageStatus") -> list[str]:
    from pipelines.console.progress import duration, memory

    state = f"{stage.state}: {stage.detail}" if stage.detail else stage.state
    if stage.made is None or stage.wall_seconds is None or stage.cpu_seconds is None:
        return [stage.stage, state, "", "", "", "", ""]
    return [
        stage.stage,
        state,
        stage.made.replace("T", " ")[:16],
        duration(stage.wall_seconds),
        duration(stage.cpu_seconds),
        memory(stage.peak_memory_bytes),
        f"{(stage.bytes or 0) / 1e6:,.1f} MB",
    ]
