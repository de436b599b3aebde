"""`vecmill run`: a TOML file in, all stages that it asks for in one directory."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.console.interruption import interruptible
from pipelines.console.progress import duration, make_progress

if TYPE_CHECKING:
    from pipelines.pipeline import Outcome
    from pipelines.running.runner import Step


def run_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="Settings; 'vecmill init' writes such a file.")],
    out: Annotated[
        Path | None, typer.Option(help="Directory of the run.", show_default="[output] directory, or runs/FILE")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="STAGE", help="Stop when this stage is finished.")] = None,
    force: Annotated[
        list[str] | None,
        typer.Option(metavar="STAGE", help="Make this stage, and all that depends on it, again; can be repeated."),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a setting; can be repeated."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done, and why.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Run the stages that a file asks for; skip those that are unchanged.

    The directory holds one directory a stage and config.json, the effective settings. An interrupted run goes on when
    the same command is given again; a changed setting makes again only what depends on it.

    Example: vecmill run pipeline.toml --set train.dimension=300
    """
    from pipelines.pipeline import Selection, plan, run
    from pipelines.settings.config import ConfigError, read_assignment
    from pipelines.settings.run_config import load_run_config

    if not file.exists():
        raise ConfigError(f"there is no file {file}; vecmill init --out {file} writes one, with all settings explained")
    config = load_run_config(file, dict(read_assignment(text) for text in assignments or []))
    directory = out or Path(config.output.directory or Path("runs") / file.stem)
    selection = Selection(until=until, force=force or ())
    if dry_run:
        _print_steps(plan(config, directory, selection), as_json)
        return
    with interruptible("the same command goes on where this one stopped"):
        outcome = run(config, directory, make_progress(), selection)
    if as_json:
        typer.echo(json.dumps(_as_json(directory, outcome)))
    else:
        _print_outcome(directory, outcome)


def _print_steps(steps: "list[Step]", as_json: bool) -> None:
    from pipelines.console.tables import print_columns

    if as_json:
        typer.echo(json.dumps([{"stage": step.stage, "run": bool(step.reason), "why": step.reason} for step in steps]))
        return
    rows = [[step.stage, "would run" if step.reason else "unchanged", step.reason or ""] for step in steps]
    print_columns([["stage", "", "why"], *rows], left=3)


def _as_json(directory: Path, outcome: "Outcome") -> dict:
    stages = {
        name: {
            "made": name in outcome.made,
            "directory": str(directory / name),
            "fingerprint": manifest.basis.fingerprint,
            "summary": manifest.summary,
            "cost": manifest.cost,
        }
        for name, manifest in outcome.manifests.items()
    }
    return {"directory": str(directory), "stages": stages}


def _print_outcome(directory: Path, outcome: "Outcome") -> None:
    from pipelines.console.streams import results

    if not outcome.made:
        results.print(f"nothing to do: all {len(outcome.manifests)} stages in {directory} are unchanged")
        return
    seconds = sum(outcome.manifests[name].cost["wall_seconds"] for name in outcome.made)
    kept = len(outcome.manifests) - len(outcome.made)
    results.print(f"{directory}: made {', '.join(outcome.made)} in {duration(seconds)}; {kept} stages were unchanged")
    if "report" in outcome.manifests:
        results.print(f"Report: {directory / 'report' / 'report.html'}")
