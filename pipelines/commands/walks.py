"""`vecmill walks`: random walks over a graph, as a text that train-embeddings reads."""

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import (
    ForceFile,
    Seed,
    Threads,
    opened,
    refuse_compression,
    refuse_existing,
    refuse_without_effect,
    require_stdout,
)
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import program, results, shell
from pipelines.settings.config import ConfigError
from vecmill.files import require_writable
from vecmill.plurals import counted

logger = logging.getLogger(__name__)

_NUMBERS = ("p", "q", "walks", "length", "seed", "threads")


def walks_command(
    context: typer.Context,
    edges: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Edges, one a line: CSV, TSV, Parquet, or columns separated by spaces; - for stdin."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Text to write; .gz and .zst compress.", show_default="stdout"
        ),
    ] = None,
    p: Annotated[float, typer.Option("--p", help="Return parameter: the larger, the fewer steps back.")] = 1.0,
    q: Annotated[
        float,
        typer.Option("--q", help="In-out parameter: above 1, walks stay near their start."),
    ] = 1.0,
    walks: Annotated[int, typer.Option(help="Walks from each node.")] = 10,
    length: Annotated[int, typer.Option(help="Nodes of a walk.")] = 80,
    directed: Annotated[bool, typer.Option("--directed", help="Follow edges from source to target only.")] = False,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of the first node.", show_default="the first column")
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of the second node.", show_default="the second column")
    ] = None,
    weight: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help='Column of the weights; "none" for an unweighted graph.',
            show_default='"weight", or the third column of a file without a header',
        ),
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help="The first line names the columns.",
            show_default='if it has usual names, such as "source,target", or words above numbers',
        ),
    ] = None,
    seed: Seed = 1,
    threads: Threads = None,
    force: ForceFile = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON; needs --out.")] = False,
) -> None:
    """Walk over a graph at random, as node2vec does (Grover & Leskovec 2016).

    A line is a walk: names of nodes with spaces between them, which train-embeddings reads with the tokenizer
    whitespace and without lower case. The walks depend on the seed, not on the threads.

    Example: vecmill walks edges.csv --q 0.5 --out walks.txt
    """
    if out:
        refuse_compression(out)
        refuse_existing(out, force, edges)
        require_writable(out)
    else:
        require_stdout()
        refuse_without_effect(context, ("force",), "without --out FILE")
    if as_json and not out:
        raise ConfigError("--json: the walks are printed, so that there is no place for the counts; give --out")
    from vecmill.graph_walks import walks as walks_over

    advice = "nothing was written" if out else "the output is not complete"
    with interruptible(advice), make_progress().task("walking", None) as update:
        update(0, "reading edges")
        try:
            found = walks_over(
                edges,
                p=p,
                q=q,
                walks=walks,
                length=length,
                directed=directed,
                source=source,
                target=target,
                weight=weight,
                header=header,
                seed=seed,
                threads=threads,
            )
        except ValueError as error:
            name = str(error).partition(" ")[0]
            if name == "edges":  # a name that no file can have
                raise ConfigError(f"FILE: {error}") from None
            if name not in _NUMBERS:
                raise
            raise ConfigError(f"--{name}: {error}") from None
        done = 0
        with opened(out) as file:
            for block in found.text():
                file.write(block)
                done += block.count(b"\n")
                update(done, counted(done, "walk"), total=len(found))
            file.flush()
    graph = found.graph
    about = {"nodes": len(graph), "edges": graph.edge_count, "edges_given_again": graph.merged, "walks": len(found)}
    if as_json:
        typer.echo(json.dumps({"out": str(out), **about}))
        return
    again = f" ({graph.merged:,} given again)" if graph.merged else ""
    sizes = f"{counted(len(graph), 'node')}, {counted(graph.edge_count, 'edge')}{again}, {counted(len(found), 'walk')}"
    if out is None:
        logger.info("%s", sizes)
        return
    results.print(f"{sizes}: {out}")
    results.print(
        f"Next: {program()} train-embeddings {shell(out)} --tokenizer whitespace --no-lowercase --window 10 --sample 0 "
        "--out runs/nodes"
    )
