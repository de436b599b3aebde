"""`vecmill probe`: extrinsic evaluation of word vectors on tagging, classification and parsing tasks."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import (
    Address,
    BackendName,
    ForceDirectory,
    Model,
    OutDirectory,
    chosen_backend,
    require_choice,
)
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError
from pipelines.settings.file_names import SCORES_FILE

NAMES = ("pos-treebank", "pos-brown", "sentiment", "constituents")


def probe_command(
    model: Model,
    out: OutDirectory,
    task: Annotated[str, typer.Option(metavar="|".join((*NAMES, "all")), help="Tasks, comma-separated.")] = "all",
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder with NLTK's data packages, zipped or unpacked.",
            show_default="NLTK's own folders, else downloaded",
        ),
    ] = None,
    fractions: Annotated[
        str, typer.Option(metavar="NUMBERS", help="Fractions of the training examples, comma-separated.")
    ] = "0.1,0.3,1.0",
    seed: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="Seed of the choice of examples and of the networks.")
    ] = 1,
    backend: BackendName = "local",
    address: Address = None,
    force: ForceDirectory = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Evaluate vectors in downstream tasks (extrinsic evaluation).

    Recurrent networks learn part-of-speech tags, the sentiment of reviews and the labels of constituents from growing
    fractions of the training examples. They start from the vectors (frozen, fine-tuned, or first trained further on
    the text of the task) and from random vectors. The results are accuracy and macro-F1 with bootstrap intervals and
    a significance test against the random start; --out holds scores.json, scores.csv and a plot.

    Example: vecmill probe runs/wiki --task pos-treebank --out runs/wiki-probe
    """
    names, shares = _names(task), _shares(fractions)
    from pipelines.reports.probe_report import print_report
    from pipelines.running.make import make
    from pipelines.running.stage import Stage
    from pipelines.stages.probe import ProbeStage
    from pipelines.stages.probe_report import ProbeReportStage

    stages = tuple(ProbeStage(task=name, model=model, data_folder=data, fractions=shares, seed=seed) for name in names)
    report = ProbeReportStage(tasks=stages)
    every: list[Stage] = [*stages, report]
    settings = {"model": str(model), **report.settings}
    with chosen_backend(backend, address, None) as machines, interruptible("repeat the command to resume"):
        make(out, every, settings, force=force, progress=make_progress(), backend=machines)
    found = json.loads((out / SCORES_FILE).read_text("utf-8"))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    print_report(found)
    results.print(f"\nTables and learning curves: {out}")


def _names(task: str) -> list[str]:
    names = list(dict.fromkeys(task.split(",")))
    for name in names:
        require_choice("--task", name, [*NAMES, "all"])
    return list(NAMES) if "all" in names else names


def _shares(fractions: str) -> tuple[float, ...]:
    try:
        shares = sorted({float(part) for part in fractions.split(",")})
    except ValueError:
        shares = []
    if not shares or not all(0 < share <= 1 for share in shares):  # also refuses NaN
        raise ConfigError(
            f"--fractions: {fractions!r}; expected comma-separated numbers above 0 and up to 1, such as 0.1,0.3,1.0"
        )
    return tuple(shares)
