"""`vecmill probe`: what the vectors of a model are worth in use."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError
from pipelines.settings.file_names import SCORES_FILE
from vecmill.hints import did_you_mean

NAMES = ("pos-treebank", "pos-brown", "sentiment", "constituents")


def probe_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Directory or file of word vectors.")],
    out: Annotated[Path, typer.Option(help="Directory to write; it appears when all is finished.")],
    task: Annotated[
        str, typer.Option(metavar="|".join((*NAMES, "all")), help="Several ones: with commas between them.")
    ] = "all",
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of NLTK's packages, packed or not.",
            show_default="where NLTK looks, else downloaded",
        ),
    ] = None,
    fractions: Annotated[str, typer.Option(help="Shares of the training examples to learn from.")] = "0.1,0.3,1.0",
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of examples and of the networks.")] = 1,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a finished --out, and drop unfinished work of other settings.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Measure what word vectors are worth in use.

    Recurrent networks learn parts of speech, the sentiment of reviews and the labels of constituents, from E (frozen,
    tuned, or first continued on the words of the task) and from a random start, with more and more examples. Accuracy
    and macro-F1 come with bootstrap intervals, and E with a test against the random start. --out gets scores.json,
    scores.csv and a plot.

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
    with interruptible("the same command goes on where this one stopped"):
        make(out, every, {"model": str(model), **report.settings}, force=force, progress=make_progress())
    found = json.loads((out / SCORES_FILE).read_text("utf-8"))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    print_report(found)
    results.print(f"\nTables and learning curves: {out}")


def _names(task: str) -> list[str]:
    if task == "all":
        return list(NAMES)
    names = list(dict.fromkeys(task.split(",")))
    for name in names:
        if name not in NAMES:
            choices = [*NAMES, "all"]
            raise ConfigError(f"--task: {name!r} is none of {', '.join(choices)}{did_you_mean(name, choices)}")
    return names


def _shares(fractions: str) -> tuple[float, ...]:
    try:
        shares = sorted({float(part) for part in fractions.split(",")})
    except ValueError:
        shares = []
    if not shares or not 0 < shares[0] <= shares[-1] <= 1:
        raise ConfigError(f"--fractions: {fractions!r}; expected numbers from 0 to 1 with commas, as in 0.1,0.3,1.0")
    return tuple(shares)
