"""`vecmill run`: the stages of a settings file, in one directory."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.commands.completion import setting_names, stage_names
from pipelines.commands.options import (
    Address,
    BackendName,
    History,
    HistoryWords,
    Watch,
    WatchPort,
    Work,
    Workers,
    accepts_url,
    chosen_backend,
)
from pipelines.commands.watch import refuse_unwatched, watched
from pipelines.console.interruption import interruptible
from pipelines.console.progress import duration, make_progress
from pipelines.console.streams import shell
from pipelines.running.watching import HISTORY_WORDS
from vecmill.plurals import counted

if TYPE_CHECKING:
    from pipelines.pipeline import Outcome
    from pipelines.running.publishing import Directory
    from pipelines.running.runner import PlannedStage


def run_command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="Settings file, such as 'vecmill init' writes.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Directory of the run, or its URL.",
            show_default="[output] directory, or runs/FILE",
            callback=accepts_url,
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="STAGE", help="Stop after this stage.", autocompletion=stage_names)
    ] = None,
    force: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STAGE",
            help="Rerun this stage and all stages that depend on it; repeatable.",
            autocompletion=stage_names,
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SECTION.KEY=VALUE",
            help="Override a setting; repeatable. Finished stages of other settings need --out DIR or --force.",
            autocompletion=setting_names,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print which stages would run, and why; run nothing.")
    ] = False,
    backend: BackendName = "local",
    address: Address = None,
    workers: Workers = None,
    history: History = None,
    history_words: HistoryWords = HISTORY_WORDS,
    watch: Watch = False,
    port: WatchPort = 0,
    work: Work = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the stages as JSON.")] = False,
) -> None:
    """Run the stages of a settings file; skip unchanged ones.

    The run directory holds one directory per stage and config.json, the effective settings. An interrupted run
    resumes when the command is repeated. After a change of settings, only the stages that depend on it run again.

    Example: vecmill run pipeline.toml --set train.dimension=300 --out runs/d300
    """
    from pipelines.pipeline import Selection, plan, run
    from pipelines.running.publishing import place_of
    from pipelines.settings.config import ConfigError, read_assignment
    from pipelines.settings.run_config import load_run_config

    refuse_unwatched(context, history, watch=watch)
    if not file.exists():
        raise ConfigError(
            f"there is no file {file}; 'vecmill init --out {shell(file)}' writes one that explains all settings"
        )
    config = load_run_config(file, dict(read_assignment(text) for text in assignments or []))
    place = place_of(out or Path(config.output.directory or Path("runs") / file.stem), work)
    directory = place.directory
    selection = Selection(until=until, force=force or ())
    with chosen_backend(backend, address, workers, config.embedding.train.threads) as machines:
        if dry_run:
            _print_steps(plan(config, directory, selection, machines, check=True), as_json)
            return
        if assignments and not force:
            _refuse_to_replace(plan(config, directory, selection, machines), directory)
        with (
            watched(directory, make_progress(), history, history_words, port if watch else None) as (
                progress,
                watching,
            ),
            interruptible("repeat the command to resume"),
        ):
            outcome = run(config, directory, progress, selection, machines, watching)
    place.publish(make_progress())
    if as_json:
        typer.echo(json.dumps(_as_json(place, outcome)))
    else:
        _print_outcome(place, outcome)


def _refuse_to_replace(steps: "list[PlannedStage]", directory: Path) -> None:
    """Raise an error if a trial of a setting would replace finished stages."""
    from pipelines.running.manifest import is_whole
    from pipelines.settings.config import ConfigError

    replaced = [step for step in steps if step.reason and is_whole(directory / step.stage)]
    if not all(step.waits_for for step in replaced):  # else they follow one that is not whole
        names = [step.stage for step in replaced]
        raise ConfigError(
            f"--set would replace finished stages in {directory}: {', '.join(names)}; give another --out to keep them, "
            f"or --force {names[0]} to replace them"
        )


def _print_steps(steps: "list[PlannedStage]", as_json: bool) -> None:
    from pipelines.console.tables import print_columns

    if as_json:
        typer.echo(json.dumps([{"stage": step.stage, "run": bool(step.reason), "why": step.reason} for step in steps]))
        return
    rows = [[step.stage, "would run" if step.reason else "unchanged", step.reason or ""] for step in steps]
    print_columns([["stage", "", "why"], *rows], left=3)


def _as_json(place: "Directory", outcome: "Outcome") -> dict[str, Any]:
    stages = {
        name: {
            "made": name in outcome.made,
            "directory": f"{place.shown}/{name}",
            "fingerprint": manifest.provenance.fingerprint,
            "summary": manifest.summary,
            "cost": manifest.cost,
        }
        for name, manifest in outcome.manifests.items()
    }
    return {"directory": place.shown, "stages": stages}


def _print_outcome(place: "Directory", outcome: "Outcome") -> None:
    from embeddings import WordVectors
    from pipelines.console.streams import program, results
    from pipelines.reports.lm_report import print_next
    from pipelines.reports.vectors_report import example_words

    if not outcome.made:
        results.print(f"nothing to do: all {len(outcome.manifests)} stages in {place.shown} are unchanged")
        return
    seconds = sum(outcome.manifests[name].cost["wall_seconds"] for name in outcome.made)
    kept = len(outcome.manifests) - len(outcome.made)
    made = f"ran {', '.join(outcome.made)} in {duration(seconds)}"
    results.print(f"{place.shown}: {made}; {counted(kept, 'stage')} unchanged")
    if "report" in outcome.manifests:
        results.print(f"Report: {place.shown}/report/report.html")
    if "train-embeddings" in outcome.manifests:
        words = example_words(WordVectors.load(place.directory / "train-embeddings"))[:2]
        results.print(f"Next: {program()} neighbors {shell(place.shown, *words)}")
    if "train-lm" in outcome.manifests:
        print_next(place.directory / "train-lm", place.shown)
