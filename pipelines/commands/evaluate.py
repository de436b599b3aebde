"""`vecmill evaluate`: scores of word vectors on similarity, analogies and categories."""

import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.commands.options import (
    ANALOGY_METHODS,
    Data,
    Encoding,
    ForceFile,
    Method,
    Model,
    refuse_existing,
    refuse_without_effect,
    require_choice,
)
from pipelines.console.tables import print_columns
from pipelines.settings.config import ConfigError
from vecmill.files import require_writable

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)


def evaluate_command(
    context: typer.Context,
    model: Model,
    data: Data = None,
    method: Method = "3CosAdd",
    sections: Annotated[
        bool,
        typer.Option("--sections", help="Also print the sections of analogies and the topics of odd-one-out sets."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Also write the table to this .csv or .json file."),
    ] = None,
    encoding: Encoding = "utf-8",
    force: ForceFile = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Score vectors on word similarity, analogies and categories.

    Without --data, all named evaluation sets are used ('vecmill corpora list'); they are downloaded once. "low" and
    "high" bound a 95 % confidence interval; "oov" is the share of items that contain an unknown word.

    Example: vecmill evaluate runs/wiki --data wordsim-353 --data my-pairs.tsv
    """
    if out and out.suffix not in (".csv", ".json"):
        raise ConfigError(f"--out: {out} must end in .csv or .json")
    require_choice("--method", method, ANALOGY_METHODS)
    if out:
        refuse_existing(out, force, model, *(data or ()))
        require_writable(out)
    else:
        refuse_without_effect(context, ("force",), "without --out FILE")
    from embeddings import formats
    from embeddings.evaluation import evaluate
    from pipelines.stages.evaluation_sets import find_sets

    formats.require_source(model)  # before sets are downloaded
    sets = find_sets(data)
    scores = evaluate(formats.read(model, encoding=encoding), sets, method, sections=sections)
    for row in scores[scores["score"].isna()].itertuples():
        logger.warning(
            "%s has no score: %d of %d items can be used, or all have one value", row.set, row.used, row.items
        )
    if out:
        _write_table(scores, out)
    if as_json:
        typer.echo(scores.to_json(orient="records", double_precision=6, force_ascii=False))
        return
    rows = [[_cell(value) for value in row] for row in scores.itertuples(index=False)]
    print_columns([list(scores.columns), *rows], left=list(scores.columns).index("score"))


def _write_table(table: "pd.DataFrame", path: Path) -> None:
    from vecmill.files import atomic_file

    with atomic_file(path) as file:
        if path.suffix == ".json":
            file.write(table.to_json(orient="records", indent=1, force_ascii=False).encode() + b"\n")
        else:
            file.write(table.to_csv(index=False, lineterminator="\n").encode())


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4f}"
    return str(value)
