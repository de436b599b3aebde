"""`vecmill status`: a table of the stages of a run or model, of the jobs of a sweep, or of the trials of a search."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from vecmill.files import shown_size

if TYPE_CHECKING:
    from pipelines.batch.status import BatchStatus, JobStatus
    from pipelines.run_status import StageStatus, Status

Shown = TypeVar("Shown", "Status", "BatchStatus")
PROBLEMS = ("stale", "damaged")
"""States for which the exit code is 1."""


def status_command(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Run directory, model directory, or directory of a sweep or a search.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show the state of every stage: finished, stale, running or unfinished.

    It also works while a run is in progress and after one was killed. Of a sweep ('batch'), the state of every job is
    shown, of a search ('tune') that of every trial. The exit code is 1 if a stage or job is stale or damaged.

    Example: vecmill status runs/pipeline
    """
    from pipelines.batch.status import batch_status, is_batch
    from pipelines.run_status import status_of
    from pipelines.tuning.status import search_status
    from pipelines.tuning.verification import is_search

    if is_search(directory) or is_batch(directory):
        batch = search_status(directory) if is_search(directory) else batch_status(directory)
        _show(batch, _print_jobs, as_json, {job.state for job in batch.jobs})
    else:
        status = status_of(directory)
        _show(status, _print_stages, as_json, {stage.state for stage in status.stages})


def _show(status: "Shown", show: "Callable[[Shown], None]", as_json: bool, states: set[str]) -> None:
    """Print a status; exit with 1 if it has a problem."""
    if as_json:
        typer.echo(json.dumps(status.to_dict(), ensure_ascii=False))
    else:
        show(status)
    if states.intersection(PROBLEMS):
        raise typer.Exit(1)


def _print_jobs(status: "BatchStatus") -> None:
    from pipelines.console.progress import duration
    from pipelines.console.streams import results
    from pipelines.console.tables import print_columns

    rows = [[job.job, _state(job), duration(job.wall_seconds)] for job in status.jobs]
    print_columns([["job", "state", "time"], *rows], left=2)
    if status.writer:
        results.print(f"being run by {status.writer}")


def _print_stages(status: "Status") -> None:
    from pipelines.console.streams import results
    from pipelines.console.tables import print_columns

    header = ["stage", "state", "started (UTC)", "time", "CPU time", "peak memory so far", "size"]
    print_columns([header, *(_row(stage) for stage in status.stages)], left=3)
    if status.writer:
        results.print(f"being written by {status.writer}")
    if status.note:
        results.print(status.note)


def _state(row: "StageStatus | JobStatus") -> str:
    return f"{row.state}: {row.detail}" if row.detail else row.state


def _row(stage: "StageStatus") -> list[str]:
    from pipelines.console.progress import duration, memory

    state = _state(stage)
    if stage.made is None or stage.wall_seconds is None or stage.cpu_seconds is None:
        return [stage.stage, state, "", "", "", "", _megabytes(stage)]
    return [
        stage.stage,
        state,
        stage.made.replace("T", " ")[:16],
        duration(stage.wall_seconds),
        duration(stage.cpu_seconds),
        memory(stage.peak_memory_bytes),
        _megabytes(stage),
    ]


def _megabytes(stage: "StageStatus") -> str:
    return "" if stage.bytes is None else shown_size(stage.bytes)
