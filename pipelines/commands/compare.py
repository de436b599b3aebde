"""`vecmill compare`: scores of two models on the same sets, and the words whose neighbours differ most."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.options import Data, Encoding, vectors_path
from pipelines.console.streams import results
from pipelines.console.tables import print_columns

if TYPE_CHECKING:
    import pandas as pd

ModelA = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", help="A: model directory, run directory, or file of word vectors.", callback=vectors_path
    ),
]
ModelB = Annotated[
    Path, typer.Argument(metavar="MODEL", help="B: the model to compare it with.", callback=vectors_path)
]


def compare_command(
    a: ModelA,
    b: ModelB,
    data: Data = None,
    words: Annotated[
        int, typer.Option(min=0, help="Number of words to show, those whose neighbours differ most.")
    ] = 10,
    topn: Annotated[int, typer.Option(min=1, help="Number of neighbours of each word to compare.")] = 10,
    encoding: Encoding = "utf-8",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Compare two models: their scores, and the words whose neighbours differ most.

    Example: vecmill compare runs/wiki runs/wiki-counts --data evaluation/
    """
    from embeddings import formats
    from embeddings.evaluation import compare
    from pipelines.stages.evaluation_sets import find_sets

    for model in (a, b):
        formats.require_source(model)  # before sets are downloaded
    sets = find_sets(data)
    first, second = (formats.read(model, encoding=encoding) for model in (a, b))
    found = compare(first, second, sets, words=words, topn=topn)
    if as_json:
        tables = {"scores": found.scores, "neighbors": found.neighbors}
        records = {name: json.loads(table.to_json(orient="records")) for name, table in tables.items()}
        typer.echo(json.dumps({"a": str(a), "b": str(b), **records}, ensure_ascii=False))
        return
    results.print(f"A  {a}\nB  {b}")
    if len(found.scores):
        _print_scores(found.scores)
    if len(found.neighbors):
        _print_neighbors(found.neighbors, topn)


def _print_scores(scores: "pd.DataFrame") -> None:
    rows = [("set", "measure", "A", "B", "B - A", "used by A", "used by B")]
    for row in scores.to_dict("records"):
        numbers = (f"{row['score_a']:.4f}", f"{row['score_b']:.4f}", f"{row['difference']:+.4f}")
        rows.append((row["set"], row["measure"], *numbers, str(row["used_a"]), str(row["used_b"])))
    results.print()
    print_columns(rows, left=2)


def _print_neighbors(neighbors: "pd.DataFrame", topn: int) -> None:
    results.print(f"\nWords with the fewest common neighbours among the nearest {topn}")
    for row in neighbors.to_dict("records"):
        results.print(f"{row['word']}  {row['overlap']:.0%} in common", style="bold")
        results.print(f"  A  {', '.join(row['neighbors_a'])}")
        results.print(f"  B  {', '.join(row['neighbors_b'])}")
