"""`vecmill batch`: a sweep over corpora and settings, and one table of its results."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.options import Address, BackendName, Work, accepts_url, chosen_backend
from pipelines.console.interruption import interruptible
from pipelines.console.logs import configure_logging, log_settings
from pipelines.console.progress import make_progress

if TYPE_CHECKING:
    from pipelines.batch.jobs import JobState


def batch_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.toml", help="Shared settings in [base], lists of values in [grid].")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Directory of all jobs, or its URL.",
            show_default="[batch] directory, or runs/FILE",
            callback=accepts_url,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of jobs that run in parallel.",
            show_default="with Ray one for every machine, else [batch] jobs, or 1",
        ),
    ] = None,
    backend: BackendName = "local",
    address: Address = None,
    work: Work = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the jobs and the stages that they share; run nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Run a sweep: every combination of the lists in [grid].

    Each job has a directory of its own; a stage that several jobs share runs once. If a job fails, the others
    continue, and the exit code is 1. An interrupted sweep resumes when the command is repeated. The table of all jobs
    is printed and written to summary.csv and summary.parquet. Log lines are JSON unless stderr is a terminal.

    Example: vecmill batch jobs.toml --jobs 2
    """
    from pipelines.batch.config import load_batch
    from pipelines.batch.jobs import FINISHED, BatchRunner, plan_batch
    from pipelines.running.publishing import place_of

    batch = load_batch(file)
    output = place_of(out or Path(batch.settings.directory or Path("runs") / file.stem), work)
    directory = output.directory
    states = plan_batch(batch, directory)
    if dry_run:
        _print_plan(states, as_json)
        return
    if log_settings().log_format is None:
        configure_logging(log_format="auto")
    with (
        chosen_backend(backend, address, None) as place,
        interruptible("repeat the command to resume"),
    ):
        slots = jobs or place.jobs or batch.settings.jobs
        BatchRunner(directory, states, slots, place).run(make_progress())
    from pipelines.batch.summary import print_summary, summarize, write_summary

    summary = summarize(states)
    write_summary(summary, directory)
    output.publish(make_progress())
    if as_json:
        typer.echo(summary.to_json(orient="records", force_ascii=False))
    else:
        print_summary(summary)
        typer.echo(f"Table: {output.shown}/summary.csv and .parquet; settings/ and logs/ hold one file per job")
    if any(state.status != FINISHED for state in states):
        raise typer.Exit(1)


def _print_plan(states: "list[JobState]", as_json: bool) -> None:
    """List the jobs, with the stages that each runs itself and those that it shares with an earlier job."""
    import json

    from pipelines.console.tables import print_columns

    first: dict[str, str] = {}
    rows = []
    for state in states:
        shared = [stage for stage, recipe in state.recipes.items() if recipe in first]
        for recipe in state.recipes.values():
            first.setdefault(recipe, state.job.name)
        own = [stage for stage in state.recipes if stage not in shared]
        rows.append({"job": state.job.name, "makes": own, "gets": shared})
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = [[str(row["job"]), ", ".join(row["makes"]), ", ".join(row["gets"])] for row in rows]
    print_columns([["job", "runs", "shares with an earlier job"], *table], left=3)
