"""`vecmill tune`: the settings of word vectors that are best for a text, by trying them within a budget of time."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

import typer

from pipelines.commands.options import Config, Corpus, Seed, Threads, refuse_url
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.settings.config import ConfigError, PipelineConfig, Setting, read_assignment, read_toml
from vecmill.durations import seconds

if TYPE_CHECKING:
    from pipelines.tuning.tuner import Tuner

_DEFAULT = PipelineConfig()


def tune_command(
    context: typer.Context,
    corpus: Corpus = [*_DEFAULT.corpus.sources],  # noqa: B006 - not changed
    *,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="Directory of the trials and the result.", callback=refuse_url),
    ],
    budget: Annotated[
        str,
        typer.Option(
            metavar="SECONDS|90s|30m|2h", help="Time for all trials; the one that runs at its end is finished."
        ),
    ] = "30m",
    metric: Annotated[
        str,
        typer.Option(
            metavar="held-out|SET|FILE",
            help="What trials are compared by: the loss on held-out text, or one half of an evaluation set.",
        ),
    ] = "held-out",
    search: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|NAME=LOW..HIGH|NAME=A,B",
            help="A setting to vary, and between which values; repeatable.",
            show_default="all that the metric can compare, but dimension and architecture",
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="End after this many trials, too.", show_default="no limit")
    ] = None,
    config: Config = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Set what all trials have in common; repeatable."),
    ] = None,
    seed: Seed = 1,
    threads: Threads = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the trials and the best settings as JSON.")] = False,
) -> None:
    """Search the settings of word vectors that are best for a text.

    The first trial has the settings that are given; Optuna proposes those of the others. Each trains a third of its
    epochs, and all of them unless it is then worse than half of the trials before it. DIR holds best.toml for
    'train-embeddings --config' and 'vecmill run', trials.jsonl, a plot, and the settings and the log of every trial.
    An interrupted search goes on when the command is repeated; a larger budget continues a finished one. Needs the
    extra tune.

    Example: vecmill tune text.txt --budget 30m --metric wordsim-353 --out runs/tuned
    """
    try:
        limit = seconds(budget)
    except ValueError as error:
        raise ConfigError(f"--budget: {error}") from None
    if not limit:
        raise ConfigError("--budget: 0 leaves no time for a trial; expected a time such as 30m")
    given = _given(context, corpus, config, assignments or [], threads)

    from pipelines.settings.run_config import build_run_config
    from pipelines.tuning.metric import HELD_OUT, read_metric
    from pipelines.tuning.search_space import ends_as_settings, read_search
    from pipelines.tuning.tuner import Search, Tuner

    settings = build_run_config(given).embedding.train
    space = read_search(search or [], settings, by_held_out_loss=metric == HELD_OUT)
    for ends in ends_as_settings(space):
        build_run_config({**given, **ends})
    if seed < 0:
        raise ConfigError(f"--seed: seed is {seed}; expected 0 or more")
    tuner = Tuner(Search(given=given, space=space, metric=read_metric(metric, settings.held_out), seed=seed), out)
    with interruptible("finished trials are kept; repeat the command to go on"):
        made = tuner.run(limit, trials, make_progress())
    _report(tuner, made, as_json=as_json)


def _given(
    context: typer.Context, corpus: list[str], config: Path | None, assignments: list[str], threads: int | None
) -> dict[str, Setting]:
    """Return the settings of word vectors that the user gave; a file for a run may have others, too."""
    given = read_toml(config) if config else {}
    source = context.get_parameter_source("corpus")
    if "corpus.source" not in given or (source is not None and source.name == "COMMANDLINE"):
        given["corpus.source"] = Setting(corpus[0] if len(corpus) == 1 else corpus, "CORPUS")
    given |= dict(read_assignment(text) for text in assignments)
    if threads is not None:
        given["train.threads"] = Setting(threads, "--threads")
    sections = get_type_hints(PipelineConfig)
    return {name: setting for name, setting in given.items() if name.partition(".")[0] in sections}


def _report(tuner: "Tuner", made: int, *, as_json: bool) -> None:
    """Write the best settings, the plot and the table; print the table."""
    from pipelines.tuning.report import Report

    report = Report.of(tuner)
    report.write()
    if as_json:
        typer.echo(json.dumps(report.to_dict(), ensure_ascii=False))
    else:
        report.print(made)
